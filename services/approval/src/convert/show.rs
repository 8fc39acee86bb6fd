//! Messages out. Lists and cases show an applicant masked; a value whose subject was erased says so.

use yiwang_kit::{Caller, limit, party, timestamp, wire};
use yiwang_ledger::{Personal, StreamId, Timestamp};
use yiwang_proto::approval::v1 as pb;
use yiwang_proto::{catalogue::v1 as items, party::v1 as parties};

use crate::case::{
    Case, CaseResult, CheckOutcome, Course, FollowUpPhase, Item, Listed, Officer, Opened, Outcome, Phase, Procedure,
    Recommendation, ResultKind, Return, Review, ReviewStep, SpecialKind, Stage, Standing, StepTaken, Warning, clock,
    task,
};

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
        (Phase::Open, _) => pb::CasePhase::Open,
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
        etag: wire::etag(version),
        case_number: facts.number.clone(),
        application_id: facts.application.clone(),
        phase: phase(case).into(),
        applicant: Some(masked(facts)),
        item: Some(item_terms(&facts.item)),
        clock: Some(case_clock(case, facts, now)),
        review: case.reviews.iter().rfind(|review| review.stands).map(review_out),
        decision: case.decision.as_ref().map(decision),
        result: result(case, facts),
        follow_up: follow_up(case),
        promise_signed: facts.promise_signed,
        create_time: Some(timestamp(case.opened_at)),
        update_time: Some(timestamp(updated(case))),
        steps: case.steps.iter().map(|step| crate::steps::step(step, case)).collect(),
        owner: facts.owner.clone(),
        outstanding_materials: case.outstanding().cloned().collect(),
        procedures: case.procedures.iter().map(|one| procedure(one, case.is_open())).collect(),
        review_steps: Course::of(case).steps().map(|(step, standing)| review_step(step, standing, case)).collect(),
        reviews: case.reviews.iter().map(review_out).collect(),
        returns: case.returns.iter().map(return_out).collect(),
        tasks: tasks(case),
    }
}

fn procedure(one: &Procedure, open: bool) -> pb::CaseProcedure {
    let asked = &one.asked;
    let mut shown = pb::CaseProcedure {
        number: i32::try_from(one.number).unwrap_or(i32::MAX),
        kind: special_kind(asked.kind).into(),
        name: asked.name.clone(),
        days: i32::try_from(asked.days).unwrap_or(i32::MAX),
        basis: asked.basis.clone(),
        reason: self::shown(&asked.reason),
        request_time: Some(timestamp(one.at)),
        requested_by: Some(actor(&asked.by)),
        ..Default::default()
    };
    let stage = match &one.stage {
        Stage::Asked if open => pb::ProcedureStage::Asked,
        Stage::Asked => pb::ProcedureStage::Lapsed,
        Stage::Denied { by, at, reason } => {
            shown.decide_time = Some(timestamp(*at));
            shown.decided_by = Some(actor(by));
            shown.denial_reason = self::shown(reason);
            pb::ProcedureStage::Denied
        }
        Stage::Allowed(allowance) => {
            shown.decide_time = Some(timestamp(allowance.at));
            shown.decided_by = Some(actor(&allowance.by));
            shown.start_date = allowance.on.to_string();
            shown.until = allowance.until.as_ref().map(limit::due);
            shown.document_number.clone_from(&allowance.document);
            if let Some(ended) = &allowance.ended {
                shown.end_date = ended.on.to_string();
                shown.findings = self::shown(&ended.findings);
                shown.end_time = Some(timestamp(ended.at));
                shown.ended_by = Some(actor(&ended.by));
            }
            match (&allowance.until, &allowance.ended) {
                (None, _) => pb::ProcedureStage::Extended,
                // of a case that has ended nothing runs
                (Some(_), None) if open => pb::ProcedureStage::Running,
                (Some(_), _) => pb::ProcedureStage::Ended,
            }
        }
    };
    shown.set_stage(stage);
    shown
}

fn special_kind(kind: SpecialKind) -> items::SpecialKind {
    match kind {
        SpecialKind::Extension => items::SpecialKind::Extension,
        SpecialKind::Other => items::SpecialKind::Other,
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
        promised_due: open.then(|| limit::handling_due(&facts.promised)),
        legal_due: open.then(|| limit::handling_due(&facts.legal)),
        result_number: result(case, facts).map(|result| result.number).unwrap_or_default(),
        update_time: Some(timestamp(updated(case))),
        warning: warning(case.warning()).into(),
        open_steps: open_steps(case),
        tasks: tasks(case),
    }
}

/// What is to be done now, and in whose hands it is.
fn tasks(case: &Case) -> Vec<pb::CaseTask> {
    let shown = |(code, name): (&str, &str)| {
        let holder = case.holders.get(code);
        pb::CaseTask {
            step_code: code.to_owned(),
            name: name.to_owned(),
            holder: holder.map(|holder| actor(&holder.officer)),
            hold_time: holder.map(|holder| timestamp(holder.since)),
            given_by: holder.map(|holder| actor(&holder.given_by)),
            reason: holder.and_then(|holder| holder.reason.as_ref()).map(self::shown).unwrap_or_default(),
        }
    };
    task::open(case).into_iter().map(shown).collect()
}

fn open_steps(case: &Case) -> Vec<String> {
    let open = case.is_open().then(|| Course::of(case));
    open.iter().flat_map(Course::open).map(|step| step.name.clone()).collect()
}

/// The colour that a filter names; `None`: all.
pub fn warning_filter(warning: pb::Warning) -> Option<&'static str> {
    match warning {
        pb::Warning::Unspecified => None,
        pb::Warning::None => Some(Warning::None.name()),
        pb::Warning::Amber => Some(Warning::Amber.name()),
        pb::Warning::Yellow => Some(Warning::Yellow.name()),
        pb::Warning::Red => Some(Warning::Red.name()),
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
        promised_due: Some(limit::handling_due(&facts.promised)),
        legal_due: Some(limit::handling_due(&facts.legal)),
        closed_date: closed.map(|day| day.to_string()).unwrap_or_default(),
        promised_overdue: last > facts.promised.date,
        legal_overdue: last > facts.legal.date,
        delivery_due: case.decision.as_ref().and_then(|decision| decision.delivery.as_ref()).map(limit::due),
        warning: warning(case.warning()).into(),
        received_date: facts.received_on.map(|day| day.to_string()).unwrap_or_default(),
    }
}

fn warning(warning: Warning) -> pb::Warning {
    match warning {
        Warning::None => pb::Warning::None,
        Warning::Amber => pb::Warning::Amber,
        Warning::Yellow => pb::Warning::Yellow,
        Warning::Red => pb::Warning::Red,
    }
}

/// The case as the caller reads it: to an applicant, officers' names go out masked, and what is between officers stays `inside`.
pub fn to(caller: &Caller, inside: bool, mut case: pb::Case) -> pb::Case {
    if !inside {
        // what the officers said to one another on the way, and no more
        case.returns.clear();
        case.tasks.iter_mut().for_each(at_work);
        case.reviews.retain(|review| !review.returned);
    }
    let one_by_one = [
        case.review.as_mut().and_then(|review| review.reviewed_by.as_mut()),
        case.decision.as_mut().and_then(|decision| decision.decided_by.as_mut()),
        case.follow_up.as_mut().and_then(|follow_up| follow_up.checked_by.as_mut()),
    ];
    let steps = case.steps.iter_mut().filter_map(|step| step.actor.as_mut());
    let procedures = case.procedures.iter_mut().flat_map(|one| {
        [one.requested_by.as_mut(), one.decided_by.as_mut(), one.ended_by.as_mut()].into_iter().flatten()
    });
    let reviews = case.reviews.iter_mut().filter_map(|review| review.reviewed_by.as_mut());
    for actor in one_by_one.into_iter().flatten().chain(steps).chain(procedures).chain(reviews) {
        *actor = party::shown_actor(std::mem::take(actor), caller);
    }
    case
}

/// A task as its applicant sees it: that it is to be done, not by whom.
fn at_work(task: &mut pb::CaseTask) {
    let (step_code, name) = (std::mem::take(&mut task.step_code), std::mem::take(&mut task.name));
    *task = pb::CaseTask { step_code, name, ..Default::default() };
}

/// A line of a list as the caller reads it.
pub fn line_to(inside: bool, mut line: pb::CaseSummary) -> pb::CaseSummary {
    match inside {
        true => line.tasks.iter_mut().for_each(|task| task.reason.clear()),
        false => line.tasks.iter_mut().for_each(at_work),
    }
    line
}

/// An officer as the contract shows one.
pub fn actor(officer: &Officer) -> parties::Actor {
    parties::Actor {
        id: officer.id.clone(),
        name: officer.name.clone(),
        role: officer.role.clone(),
        organisation: officer.organisation.clone(),
        ..Default::default()
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
        step_code: review.step.clone(),
        returned: !review.stands,
    }
}

fn return_out(back: &Return) -> pb::CaseReturn {
    pb::CaseReturn {
        step_code: back.step.clone(),
        reason: shown(&back.reason),
        return_time: Some(timestamp(back.at)),
        returned_by: Some(actor(&back.by)),
    }
}

fn review_step(step: &ReviewStep, standing: Standing, case: &Case) -> pb::CaseReviewStep {
    let standing = match standing {
        Standing::Done => pb::StepStanding::Done,
        Standing::Skipped | Standing::Dropped => pb::StepStanding::NotNeeded,
        // of a case that has ended nothing is to be done
        Standing::Waiting | Standing::Open if !case.is_open() => pb::StepStanding::NotNeeded,
        Standing::Waiting => pb::StepStanding::Waiting,
        Standing::Open => pb::StepStanding::Open,
    };
    pb::CaseReviewStep { code: step.code.clone(), name: step.name.clone(), standing: standing.into() }
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

/// What came of a grant; none until it is there.
pub fn result(case: &Case, facts: &Opened) -> Option<pb::CaseResult> {
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
        // So is the number of its document.
        (CaseResult::None, _) if decision.document_number.is_empty() => return None,
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
    let outcome = match (&follow_up.phase, last.map(|check| check.outcome)) {
        (FollowUpPhase::Pending { .. }, _) => pb::CheckOutcome::Unspecified,
        (FollowUpPhase::Rectifying { .. }, _) => pb::CheckOutcome::Rectify,
        (FollowUpPhase::Passed, _) => pb::CheckOutcome::Passed,
        (FollowUpPhase::ToBeAnnulled, Some(CheckOutcome::Rectify)) => pb::CheckOutcome::Rectify,
        (FollowUpPhase::ToBeAnnulled, _) => pb::CheckOutcome::FalsePromise,
    };
    Some(pb::FollowUp {
        due: follow_up.due().map(limit::due),
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
        legal_limit: item.legal.as_ref().map(limit::handling_limit),
        promised_limit: item.promised.as_ref().map(limit::handling_limit),
        result: Some(items::ItemResult {
            kind: result_kind(item.result).into(),
            name: item.result_name.clone(),
            license_type_code: item.license_type.clone(),
            validity_months: i32::try_from(item.validity_months).unwrap_or(i32::MAX),
            validity_basis: item.validity_basis.clone(),
            license_fields: item.license_fields.clone(),
        }),
        notify_promise: item.notify_promise,
        follow_up_limit: item.follow_up.as_ref().map(limit::limit),
        remedies: item.remedies.clone(),
        rules: item.rules.clone(),
        entrusted_department: item.trustee_name.clone(),
        entrusted_department_code: item.trustee.clone(),
        sole_officer: item.sole_officer,
        special_procedures: item.special.iter().map(listed).collect(),
        review_steps: item.review_steps.iter().map(defined).collect(),
    }
}

fn defined(step: &ReviewStep) -> items::ReviewStep {
    items::ReviewStep {
        code: step.code.clone(),
        name: step.name.clone(),
        after: step.after.clone(),
        join: if step.any { items::StepJoin::Any } else { items::StepJoin::All }.into(),
        other_officer: step.other_officer,
        ..Default::default()
    }
}

fn listed(one: &Listed) -> items::SpecialProcedure {
    items::SpecialProcedure {
        kind: special_kind(one.kind).into(),
        name: one.name.clone(),
        days: i32::try_from(one.days).unwrap_or(i32::MAX),
        basis: one.basis.clone(),
        ..Default::default()
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
