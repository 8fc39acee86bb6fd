//! Between the contract and the domain. What a field must be is checked here, once, on receipt, and the refusal names it.

use chrono::NaiveDate;
use yiwang_kit::{party, timestamp};
use yiwang_ledger::{Personal, Refusal, StreamId, SubjectId, Timestamp, Vault};
use yiwang_proto::approval::v1 as pb;
use yiwang_proto::{catalogue::v1 as items, clock::v1 as clocks, party::v1 as parties};

use crate::case::decide::{Open, Ruling};
use crate::case::{
    Applicant, Case, CaseResult, Due, Finding, FollowUpPhase, Item, Limit, Officer, Opened, Outcome, Phase,
    Recommendation, ResultKind, Review, Source, StepTaken, Unit, clock,
};

/// Longest opinion of a reviewer.
pub const OPINION_MAX: usize = 1_000;
/// Longest reasons and findings.
pub const REASONS_MAX: usize = 2_000;

/// What intake's relay brings.
///
/// # Errors
/// `TERMS_INVALID`, `APPLICANT_INVALID`, each naming the field.
pub fn open(request: &pb::OpenCaseRequest, vault: &Vault) -> Result<Open, Refusal> {
    let terms = request.item.as_ref().ok_or_else(|| terms("item", "缺少事项要素", "the item's terms are missing"))?;
    let number = required("case_number", &request.case_number)?;
    let application = required("application_id", &request.application_id)?;
    StreamId::parse("application_id", &application)?;
    let accepted_on = NaiveDate::parse_from_str(&request.accepted_date, "%Y-%m-%d")
        .map_err(|_| terms_field("accepted_date", "受理日期应为YYYY-MM-DD", "the day of acceptance is YYYY-MM-DD"))?;
    let (applicant, subject) = applicant(request.applicant.as_ref(), vault)?;
    let form = request.form.as_ref().map(serde_json::to_string).transpose();
    let form = form.map_err(|_| terms_field("form", "表单内容无法读取", "the form cannot be written as JSON"))?;
    Ok(Open {
        number,
        application,
        item: item(terms)?,
        applicant,
        owner: request.owner.clone(),
        owner_subject: SubjectId::parse(&request.owner_subject),
        accepted_by: request.actor.as_ref().map_or_else(Officer::system, officer),
        accepted_on,
        deemed: request.deemed_accepted,
        promise_signed: request.promise_signed,
        form: form.map(|text| Personal::new(&subject, "form", text)),
    })
}

/// Who acts, as the file keeps it: a citizen's name stays out of it.
pub fn officer(actor: &parties::Actor) -> Officer {
    if actor.id == Officer::SYSTEM || actor.id.is_empty() {
        return Officer::system();
    }
    let private = matches!(actor.role.as_str(), "citizen" | "company");
    Officer {
        id: actor.id.clone(),
        name: if private { String::new() } else { actor.name.clone() },
        role: actor.role.clone(),
        organisation: actor.organisation.clone(),
    }
}

fn applicant(party: Option<&parties::Party>, vault: &Vault) -> Result<(Applicant, SubjectId), Refusal> {
    let invalid = || {
        Refusal::field(
            "applicant",
            "APPLICANT_INVALID",
            "申请人的名称、证件类型和证件号码不能为空",
            "an applicant has a name, a kind of document and its number",
        )
    };
    let party = party.filter(|party| !party.name.trim().is_empty()).ok_or_else(invalid)?;
    let subject = party::subject_of(vault, party).ok_or_else(invalid)?;
    let optional = |field, value: &str| (!value.is_empty()).then(|| Personal::new(&subject, field, value));
    let applicant = Applicant {
        name: Personal::new(&subject, "name", party.name.trim()),
        document_kind: party.document_kind,
        document_number: Personal::new(&subject, "document_number", party.document_number.trim()),
        phone: optional("phone", &party.phone),
        address: optional("address", &party.address),
        subject: subject.clone(),
    };
    Ok((applicant, subject))
}

fn item(terms: &items::ItemTerms) -> Result<Item, Refusal> {
    let result = terms.result.clone().unwrap_or_default();
    let kind = match result.kind() {
        items::ResultKind::License => ResultKind::License,
        items::ResultKind::Receipt => ResultKind::Receipt,
        items::ResultKind::Document | items::ResultKind::Unspecified => ResultKind::Document,
    };
    Ok(Item {
        code: required("item.item_code", &terms.item_code)?,
        version: terms.item_version,
        name: required("item.name", &terms.name)?,
        item_type: terms.item_type,
        case_kind: terms.case_kind,
        rules: terms.rules.clone(),
        region: required("item.region_code", &terms.region_code)?,
        organisation: required("item.department_code", &terms.department_code)?,
        organisation_name: terms.department.clone(),
        result: kind,
        result_name: if result.name.is_empty() { terms.name.clone() } else { result.name },
        license_type: result.license_type_code,
        validity_months: u32::try_from(result.validity_months)
            .map_err(|_| terms_field("item.result.validity_months", "有效期不能为负", "a validity is not negative"))?,
        validity_basis: result.validity_basis,
        license_fields: result.license_fields,
        legal: limit("item.legal_limit", terms.legal_limit.as_ref())?,
        promised: limit("item.promised_limit", terms.promised_limit.as_ref())?,
        notify_promise: terms.notify_promise,
        follow_up: limit("item.follow_up_limit", terms.follow_up_limit.as_ref())?,
        remedies: terms.remedies.clone(),
    })
}

fn limit(field: &str, limit: Option<&clocks::TimeLimit>) -> Result<Option<Limit>, Refusal> {
    let Some(limit) = limit else { return Ok(None) };
    let days = u32::try_from(limit.days)
        .ok()
        .filter(|days| *days <= 3_660)
        .ok_or_else(|| terms_field(field, "时限应为0至3660天", "a limit is 0 to 3660 days"))?;
    Ok(Some(Limit {
        days,
        unit: match limit.unit() {
            clocks::TimeUnit::CalendarDay => Unit::CalendarDays,
            clocks::TimeUnit::WorkingDay | clocks::TimeUnit::Unspecified => Unit::WorkingDays,
        },
        basis: limit.basis.clone(),
        source: match limit.source() {
            clocks::LimitSource::Statute => Source::Statute,
            clocks::LimitSource::Implementation => Source::Implementation,
            clocks::LimitSource::Default | clocks::LimitSource::Unspecified => Source::Default,
        },
        unverified: limit.unverified,
    }))
}

/// What a reviewer says.
///
/// # Errors
/// `RECOMMENDATION_MISSING`, `OPINION_MISSING`.
pub fn review(request: &pb::ReviewCaseRequest) -> Result<(Recommendation, String), Refusal> {
    let recommendation = match request.recommendation() {
        pb::Outcome::Grant => Recommendation::Grant,
        pb::Outcome::Refuse => Recommendation::Refuse,
        pb::Outcome::Unspecified => {
            let (zh, en) = ("请选择拟准予或拟不予", "recommend to grant or to refuse");
            return Err(Refusal::field("recommendation", "RECOMMENDATION_MISSING", zh, en));
        }
    };
    let opinion = text("opinion", "OPINION_MISSING", &request.opinion, OPINION_MAX)?;
    Ok((recommendation, opinion))
}

/// What an approver decides.
///
/// # Errors
/// `OUTCOME_MISSING`, `REASONS_MISSING`.
pub fn ruling(request: &pb::DecideCaseRequest) -> Result<Ruling, Refusal> {
    match request.outcome() {
        pb::Outcome::Grant if request.reasons.trim().is_empty() => Ok(Ruling::Grant(None)),
        pb::Outcome::Grant => {
            Ok(Ruling::Grant(Some(text("reasons", "REASONS_MISSING", &request.reasons, REASONS_MAX)?)))
        }
        pb::Outcome::Refuse => Ok(Ruling::Refuse(text("reasons", "REASONS_MISSING", &request.reasons, REASONS_MAX)?)),
        pb::Outcome::Unspecified => {
            Err(Refusal::field("outcome", "OUTCOME_MISSING", "请选择准予或不予", "decide to grant or to refuse"))
        }
    }
}

/// What a later check found.
///
/// # Errors
/// `FINDINGS_MISSING`.
pub fn check(request: &pb::RecordFollowUpCheckRequest) -> Result<(Finding, String), Refusal> {
    let finding = match request.outcome() {
        pb::CheckOutcome::Passed => Finding::Passed,
        pb::CheckOutcome::Rectify => Finding::Rectify,
        pb::CheckOutcome::FalsePromise => Finding::FalsePromise,
        pb::CheckOutcome::Unspecified => {
            return Err(Refusal::field("outcome", "FINDINGS_MISSING", "请选择核查结果", "say what the check found"));
        }
    };
    Ok((finding, text("findings", "FINDINGS_MISSING", &request.findings, REASONS_MAX)?))
}

fn text(field: &str, reason: &'static str, value: &str, most: usize) -> Result<String, Refusal> {
    let value = value.trim();
    match value.chars().count() {
        0 => Err(Refusal::field(field, reason, "该项不能为空", "this must not be empty")),
        length if length > most => {
            let (zh, en) = (format!("该项不得超过{most}字"), format!("at most {most} characters"));
            Err(Refusal::field(field, "FIELD_INVALID", zh, en))
        }
        _ => Ok(value.to_owned()),
    }
}

fn required(field: &str, value: &str) -> Result<String, Refusal> {
    let value = value.trim();
    if value.is_empty() {
        Err(terms_field(field, "该项不能为空", "this must not be empty"))
    } else {
        Ok(value.to_owned())
    }
}

fn terms(field: &str, zh: &str, en: &str) -> Refusal {
    terms_field(field, zh, en)
}

fn terms_field(field: &str, zh: &str, en: &str) -> Refusal {
    Refusal::field(field, "TERMS_INVALID", zh, en)
}

/// The phase that a filter names; `None`: all.
pub fn phase_filter(phase: pb::CasePhase) -> Option<&'static str> {
    match phase {
        pb::CasePhase::Unspecified => None,
        pb::CasePhase::Open => Some("OPEN"),
        pb::CasePhase::Reviewed => Some("REVIEWED"),
        pb::CasePhase::Granted => Some("GRANTED"),
        pb::CasePhase::Refused => Some("REFUSED"),
        pb::CasePhase::Withdrawn => Some("WITHDRAWN"),
    }
}

fn phase(case: &Case) -> pb::CasePhase {
    match (&case.phase, &case.decision) {
        (Phase::Absent, _) => pb::CasePhase::Unspecified,
        (Phase::UnderReview, _) => pb::CasePhase::Open,
        (Phase::Reviewed, _) => pb::CasePhase::Reviewed,
        (Phase::Withdrawn { .. }, _) => pb::CasePhase::Withdrawn,
        (Phase::Decided, Some(decision)) if !decision.outcome.is_grant() => pb::CasePhase::Refused,
        (Phase::Decided, _) => pb::CasePhase::Granted,
    }
}

/// A case in full, as it stands today.
pub fn case(id: StreamId, version: u64, case: &Case, now: Timestamp) -> pb::Case {
    let Some(facts) = &case.facts else { return pb::Case::default() };
    pb::Case {
        id: id.to_string(),
        etag: version.to_string(),
        case_number: facts.number.clone(),
        application_id: facts.application.clone(),
        phase: phase(case).into(),
        applicant: Some(masked(facts)),
        item: Some(item_terms(&facts.item)),
        clock: Some(case_clock(case, facts, now)),
        review: case.review.as_ref().map(review_out),
        decision: case.decision.as_ref().map(decision),
        result: result(case, facts),
        follow_up: follow_up(case),
        promise_signed: facts.promise_signed,
        create_time: Some(timestamp(case.opened_at)),
        update_time: Some(timestamp(updated(case))),
        steps: case.steps.iter().map(|step| crate::steps::step(step, case)).collect(),
        owner: facts.owner.clone(),
    }
}

/// A case as lists show it.
pub fn summary(id: StreamId, case: &Case) -> pb::CaseSummary {
    let Some(facts) = &case.facts else { return pb::CaseSummary::default() };
    let open = case.is_open();
    pb::CaseSummary {
        id: id.to_string(),
        case_number: facts.number.clone(),
        application_id: facts.application.clone(),
        phase: phase(case).into(),
        applicant: Some(masked(facts)),
        item_code: facts.item.code.clone(),
        item_name: facts.item.name.clone(),
        department: facts.item.organisation_name.clone(),
        promised_due: open.then(|| due(&facts.promised)),
        legal_due: open.then(|| due(&facts.legal)),
        result_number: result(case, facts).map(|result| result.number).unwrap_or_default(),
        update_time: Some(timestamp(updated(case))),
    }
}

fn updated(case: &Case) -> Timestamp {
    case.steps.last().map_or(case.opened_at, |step| step.at)
}

fn masked(facts: &Opened) -> parties::MaskedParty {
    let applicant = &facts.applicant;
    party::masked(&applicant.name, applicant.document_kind, &applicant.document_number)
}

fn case_clock(case: &Case, facts: &Opened, now: Timestamp) -> pb::CaseClock {
    let closed = case.ended_at().map(clock::day_of);
    let last = closed.unwrap_or_else(|| clock::day_of(now));
    pb::CaseClock {
        accepted_date: facts.accepted_on.to_string(),
        promised_due: Some(due(&facts.promised)),
        legal_due: Some(due(&facts.legal)),
        closed_date: closed.map(|day| day.to_string()).unwrap_or_default(),
        promised_overdue: last > facts.promised.day,
        legal_overdue: last > facts.legal.day,
    }
}

/// A due date with how it was reached.
pub fn due(due: &Due) -> clocks::DueDate {
    clocks::DueDate {
        date: due.day.to_string(),
        start_date: due.start.to_string(),
        limit: Some(limit_out(&due.limit)),
        provisional: !due.missing_years.is_empty(),
        missing_years: due.missing_years.clone(),
        explanation: due.zh.clone(),
        explanation_en: due.en.clone(),
    }
}

fn limit_out(limit: &Limit) -> clocks::TimeLimit {
    let unit = match limit.unit {
        Unit::WorkingDays => clocks::TimeUnit::WorkingDay,
        Unit::CalendarDays => clocks::TimeUnit::CalendarDay,
    };
    let source = match limit.source {
        Source::Default => clocks::LimitSource::Default,
        Source::Statute => clocks::LimitSource::Statute,
        Source::Implementation => clocks::LimitSource::Implementation,
    };
    clocks::TimeLimit {
        days: i32::try_from(limit.days).unwrap_or(i32::MAX),
        unit: unit.into(),
        basis: limit.basis.clone(),
        source: source.into(),
        unverified: limit.unverified,
    }
}

/// An officer as the contract shows one.
pub fn actor(officer: &Officer) -> parties::Actor {
    parties::Actor {
        id: officer.id.clone(),
        name: officer.name.clone(),
        role: officer.role.clone(),
        organisation: officer.organisation.clone(),
    }
}

/// A personal value, or what is shown of it once it was erased.
pub fn shown(value: &Personal) -> String {
    value.get().unwrap_or(party::ERASED).to_owned()
}

fn review_out(review: &Review) -> pb::Review {
    let recommendation = match review.recommendation {
        Recommendation::Grant => pb::Outcome::Grant,
        Recommendation::Refuse => pb::Outcome::Refuse,
    };
    pb::Review {
        recommendation: recommendation.into(),
        opinion: shown(&review.opinion),
        review_time: Some(timestamp(review.at)),
        reviewed_by: Some(actor(&review.by)),
    }
}

fn decision(decision: &crate::case::Decision) -> pb::Decision {
    let (outcome, reasons, remedies) = match &decision.outcome {
        Outcome::Granted { reasons } => {
            (pb::Outcome::Grant, reasons.as_ref().map(shown).unwrap_or_default(), String::new())
        }
        Outcome::Refused { reasons, remedies } => (pb::Outcome::Refuse, shown(reasons), remedies.zh.clone()),
    };
    pb::Decision {
        document_number: decision.document_number.clone(),
        outcome: outcome.into(),
        reasons,
        remedies,
        decide_time: Some(timestamp(decision.at)),
        decided_by: Some(actor(&decision.by)),
    }
}

fn result(case: &Case, facts: &Opened) -> Option<pb::CaseResult> {
    let decision = case.decision.as_ref().filter(|decision| decision.outcome.is_grant())?;
    let kind = result_kind(facts.item.result);
    let mut shown = pb::CaseResult { kind: kind.into(), name: facts.item.result_name.clone(), ..Default::default() };
    match (&case.result, facts.item.result) {
        (CaseResult::License { id, identifier, number, at }, _) => {
            shown.number.clone_from(number);
            shown.license_id.clone_from(id);
            shown.license_identifier.clone_from(identifier);
            shown.issue_time = Some(timestamp(*at));
        }
        (CaseResult::LicenseRefused { reason, zh, at, .. }, _) => {
            shown.failure_reason.clone_from(reason);
            shown.failure_text.clone_from(zh);
            shown.issue_time = Some(timestamp(*at));
        }
        // The licence is on its way.
        (CaseResult::None, ResultKind::License) => return None,
        (CaseResult::None, ResultKind::Receipt | ResultKind::Document) => {
            shown.number.clone_from(&decision.document_number);
            shown.issue_time = Some(timestamp(decision.at));
        }
    }
    Some(shown)
}

fn result_kind(kind: ResultKind) -> items::ResultKind {
    match kind {
        ResultKind::License => items::ResultKind::License,
        ResultKind::Receipt => items::ResultKind::Receipt,
        ResultKind::Document => items::ResultKind::Document,
    }
}

fn follow_up(case: &Case) -> Option<pb::FollowUp> {
    let follow_up = case.decision.as_ref()?.follow_up.as_ref()?;
    let last = follow_up.checks.last();
    let outcome = match (&follow_up.phase, last.map(|check| check.finding)) {
        (FollowUpPhase::Pending { .. }, _) => pb::CheckOutcome::Unspecified,
        (FollowUpPhase::Rectifying { .. }, _) => pb::CheckOutcome::Rectify,
        (FollowUpPhase::Passed, _) => pb::CheckOutcome::Passed,
        (FollowUpPhase::ToBeAnnulled, Some(Finding::Rectify)) => pb::CheckOutcome::Rectify,
        (FollowUpPhase::ToBeAnnulled, _) => pb::CheckOutcome::FalsePromise,
    };
    Some(pb::FollowUp {
        due: follow_up.due().map(due),
        outcome: outcome.into(),
        findings: last.map(|check| shown(&check.findings)).unwrap_or_default(),
        check_time: last.map(|check| timestamp(check.at)),
        checked_by: last.map(|check| actor(&check.by)),
        to_be_annulled: matches!(follow_up.phase, FollowUpPhase::ToBeAnnulled),
    })
}

fn item_terms(item: &Item) -> items::ItemTerms {
    items::ItemTerms {
        item_code: item.code.clone(),
        item_version: item.version,
        name: item.name.clone(),
        department: item.organisation_name.clone(),
        department_code: item.organisation.clone(),
        region_code: item.region.clone(),
        item_type: item.item_type,
        case_kind: item.case_kind,
        legal_limit: item.legal.as_ref().map(limit_out),
        promised_limit: item.promised.as_ref().map(limit_out),
        result: Some(items::ItemResult {
            kind: result_kind(item.result).into(),
            name: item.result_name.clone(),
            license_type_code: item.license_type.clone(),
            validity_months: i32::try_from(item.validity_months).unwrap_or(i32::MAX),
            validity_basis: item.validity_basis.clone(),
            license_fields: item.license_fields.clone(),
        }),
        notify_promise: item.notify_promise,
        follow_up_limit: item.follow_up.as_ref().map(limit_out),
        remedies: item.remedies.clone(),
        rules: item.rules.clone(),
    }
}

/// The step that the contract shows of one that was taken.
pub fn step(step: &StepTaken, text: String, text_en: String) -> parties::Step {
    parties::Step {
        step_time: Some(timestamp(step.at)),
        kind: step.kind.clone(),
        actor: Some(actor(&step.by)),
        text,
        text_en,
    }
}
