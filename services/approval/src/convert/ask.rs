//! Messages in. What a field must be is checked here, once, on receipt, and the refusal names it.

use chrono::NaiveDate;
use yiwang_kit::{party, wire};
use yiwang_ledger::{Personal, Refusal, StreamId, SubjectId, Vault};
use yiwang_proto::approval::v1 as pb;
use yiwang_proto::{catalogue::v1 as items, clock::v1 as clocks, party::v1 as parties};

use crate::case::decide::{Open, Ruling};
use crate::case::procedure::{self, Verdict};
use crate::case::{
    Applicant, CheckOutcome, Item, Limit, Listed, Officer, Recommendation, ResultKind, ReviewStep, SpecialKind,
};

/// Longest opinion of a reviewer.
pub const OPINION_MAX: usize = 1_000;
/// Longest reasons and findings.
pub const REASONS_MAX: usize = 2_000;
/// Longest reason for which a case, or a task, goes from hand to hand.
pub const TASK_REASON_MAX: usize = 300;

/// What intake's relay brings.
///
/// # Errors
/// `TERMS_INVALID`, `APPLICANT_INVALID`, each naming the field.
pub fn open(request: &pb::OpenCaseRequest, vault: &Vault) -> Result<Open, Refusal> {
    let terms =
        request.item.as_ref().ok_or_else(|| terms_field("item", "缺少事项要素", "the item's terms are missing"))?;
    let number = required("case_number", &request.case_number)?;
    let application = required("application_id", &request.application_id)?;
    StreamId::parse("application_id", &application)?;
    let accepted_on = wire::day(&request.accepted_date)
        .ok_or_else(|| terms_field("accepted_date", "受理日期应为YYYY-MM-DD", "the day of acceptance is YYYY-MM-DD"))?;
    let received_on = received(&request.received_date, accepted_on)?;
    let (applicant, subject) = applicant(request.applicant.as_ref(), vault)?;
    let form = request.form.as_ref().map(serde_json::to_string).transpose();
    let form = form.map_err(|_| terms_field("form", "表单内容无法读取", "the form cannot be written as JSON"))?;
    Ok(Open {
        number,
        application,
        item: item(terms)?,
        applicant,
        owner: request.owner.clone(),
        owner_subject: party::owner_subject(&request.owner_subject)?,
        agent_subject: party::owner_subject(&request.agent_subject)?,
        accepted_by: request.actor.as_ref().map_or_else(Officer::system, officer),
        received_on,
        accepted_on,
        deemed: request.deemed_accepted,
        promise_signed: request.promise_signed,
        outstanding: request.outstanding_materials.clone(),
        skipped: request.skipped_steps.clone(),
        form: form.map(|text| Personal::new(&subject, "form", text)),
    })
}

/// 收到申请之日; where it is not said, the day of acceptance. Nothing is accepted before it came.
fn received(text: &str, accepted_on: NaiveDate) -> Result<NaiveDate, Refusal> {
    if text.is_empty() {
        return Ok(accepted_on);
    }
    wire::day(text).filter(|day| *day <= accepted_on).ok_or_else(|| {
        let (zh, en) =
            ("收到申请之日应为YYYY-MM-DD，且不晚于受理之日", "the day of receipt is YYYY-MM-DD, not after acceptance");
        terms_field("received_date", zh, en)
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
        trustee: terms.entrusted_department_code.clone(),
        trustee_name: terms.entrusted_department.clone(),
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
        sole_officer: terms.sole_officer,
        special: terms.special_procedures.iter().map(listed).collect(),
        review_steps: terms.review_steps.iter().map(review_step).collect(),
    })
}

fn special_kind(kind: items::SpecialKind) -> Option<SpecialKind> {
    match kind {
        items::SpecialKind::Extension => Some(SpecialKind::Extension),
        items::SpecialKind::Other => Some(SpecialKind::Other),
        items::SpecialKind::Unspecified => None,
    }
}

fn listed(one: &items::SpecialProcedure) -> Listed {
    Listed {
        kind: special_kind(one.kind()).unwrap_or_default(),
        name: one.name.clone(),
        days: u32::try_from(one.days).unwrap_or(0),
        basis: one.basis.clone(),
    }
}

fn review_step(one: &items::ReviewStep) -> ReviewStep {
    ReviewStep {
        code: one.code.clone(),
        name: one.name.clone(),
        after: one.after.clone(),
        any: one.join() == items::StepJoin::Any,
        other_officer: one.other_officer,
    }
}

fn limit(field: &str, limit: Option<&clocks::TimeLimit>) -> Result<Option<Limit>, Refusal> {
    let Some(limit) = limit else { return Ok(None) };
    let read = yiwang_kit::limit::read(limit);
    read.map(Some).ok_or_else(|| terms_field(field, "时限应为0至3660天", "a limit is 0 to 3660 days"))
}

/// Which material came, for which application.
///
/// # Errors
/// `TERMS_INVALID`.
pub fn material(request: &pb::RecordMaterialRequest) -> Result<(String, String), Refusal> {
    Ok((required("application_id", &request.application_id)?, required("material_code", &request.material_code)?))
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

/// To which step a case goes back, and why.
///
/// # Errors
/// `STEP_UNKNOWN`, `REASONS_MISSING`.
pub fn case_return(request: &pb::ReturnCaseRequest) -> Result<(String, String), Refusal> {
    let step = text("step_code", "STEP_UNKNOWN", &request.step_code, 30)?;
    Ok((step, text("reason", "REASONS_MISSING", &request.reason, TASK_REASON_MAX)?))
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
pub fn check(request: &pb::RecordFollowUpCheckRequest) -> Result<(CheckOutcome, String), Refusal> {
    let outcome = match request.outcome() {
        pb::CheckOutcome::Passed => CheckOutcome::Passed,
        pb::CheckOutcome::Rectify => CheckOutcome::Rectify,
        pb::CheckOutcome::FalsePromise => CheckOutcome::FalsePromise,
        pb::CheckOutcome::Unspecified => {
            return Err(Refusal::field("outcome", "FINDINGS_MISSING", "请选择核查结果", "say what the check found"));
        }
    };
    Ok((outcome, text("findings", "FINDINGS_MISSING", &request.findings, REASONS_MAX)?))
}

/// Which special procedure is asked for, for how long, and why.
///
/// # Errors
/// `PROCEDURE_MISSING`, `REASONS_MISSING`, `FIELD_INVALID`.
pub fn procedure(request: &pb::RequestProcedureRequest) -> Result<procedure::Ask, Refusal> {
    let missing = |field| {
        let (zh, en) = ("请选择延长审批或者特别程序的名称", "say that the limit be extended, or which procedure it is");
        Refusal::field(field, "PROCEDURE_MISSING", zh, en)
    };
    let kind = special_kind(request.kind()).ok_or_else(|| missing("kind"))?;
    let name = request.name.trim();
    if kind == SpecialKind::Other && name.is_empty() {
        return Err(missing("name"));
    }
    let days = u32::try_from(request.days).ok().filter(|days| (1..=procedure::LONGEST).contains(days));
    let days = days.ok_or_else(|| {
        let (zh, en) = (
            format!("所需时间应为1至{}个工作日", procedure::LONGEST),
            format!("it takes 1 to {} working days", procedure::LONGEST),
        );
        Refusal::field("days", "FIELD_INVALID", zh, en)
    })?;
    Ok(procedure::Ask {
        kind,
        name: optional("name", name, NAME_MAX)?,
        days,
        basis: optional("basis", &request.basis, BASIS_MAX)?,
        reason: text("reason", "REASONS_MISSING", &request.reason, OPINION_MAX)?,
    })
}

/// What is said to a special procedure.
///
/// # Errors
/// `VERDICT_MISSING`, `REASONS_MISSING`, `FIELD_INVALID`.
pub fn verdict(request: &pb::DecideProcedureRequest) -> Result<(u32, Verdict), Refusal> {
    let verdict = match request.verdict() {
        pb::ProcedureVerdict::Allow if request.reason.trim().is_empty() => Verdict::Allow,
        pb::ProcedureVerdict::Allow => {
            let (zh, en) = ("同意的，不填写理由", "reasons are given for a denial alone");
            return Err(Refusal::field("reason", "FIELD_INVALID", zh, en));
        }
        pb::ProcedureVerdict::Deny => Verdict::Deny(text("reason", "REASONS_MISSING", &request.reason, OPINION_MAX)?),
        pb::ProcedureVerdict::Unspecified => {
            return Err(Refusal::field("verdict", "VERDICT_MISSING", "请选择同意或不同意", "allow it or do not"));
        }
    };
    Ok((procedure_number(request.number), verdict))
}

/// How a special procedure ended; no day: today.
///
/// # Errors
/// `END_DATE_INVALID`, `FINDINGS_MISSING`, `FIELD_INVALID`.
pub fn procedure_end(request: &pb::EndProcedureRequest) -> Result<(u32, Option<NaiveDate>, String), Refusal> {
    let on = match request.end_date.trim() {
        "" => None,
        text => Some(wire::day(text).ok_or_else(|| {
            let (zh, en) = ("结束日期应为YYYY-MM-DD", "the day of the end is YYYY-MM-DD");
            Refusal::field("end_date", "END_DATE_INVALID", zh, en)
        })?),
    };
    let findings = text("findings", "FINDINGS_MISSING", &request.findings, REASONS_MAX)?;
    Ok((procedure_number(request.number), on, findings))
}

/// A number that is none is that of no procedure.
fn procedure_number(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

/// The stage that a filter of lists names; `None`: all.
///
/// # Errors
/// `FIELD_INVALID`.
pub fn procedure_filter(stage: pb::ProcedureStage) -> Result<Option<&'static str>, Refusal> {
    match stage {
        pb::ProcedureStage::Unspecified => Ok(None),
        pb::ProcedureStage::Asked => Ok(Some("ASKED")),
        pb::ProcedureStage::Running => Ok(Some("RUNNING")),
        _ => {
            let (zh, en) = ("只能按待审核或进行中筛选", "lists are filtered by ASKED or RUNNING");
            Err(Refusal::field("procedure", "FIELD_INVALID", zh, en))
        }
    }
}

/// Longest name of a special procedure.
const NAME_MAX: usize = 50;
/// Longest citation of a rule.
const BASIS_MAX: usize = 500;

/// Longest 证照类型代码.
const TYPE_CODE_MAX: usize = 21;

/// The mended 证照类型代码; may be empty. Whether it is one, the licence service says.
///
/// # Errors
/// `FIELD_INVALID`.
pub fn license_type(request: &pb::RetryLicenseRequest) -> Result<String, Refusal> {
    optional("license_type_code", &request.license_type_code, TYPE_CODE_MAX)
}

/// Code of a task; empty for the one that is open.
///
/// # Errors
/// `FIELD_INVALID`.
pub fn task_code(code: &str) -> Result<String, Refusal> {
    optional("step_code", code, 30)
}

/// Why a task is put back.
///
/// # Errors
/// `REASONS_MISSING`.
pub fn release_reason(request: &pb::ReleaseTaskRequest) -> Result<String, Refusal> {
    text("reason", "REASONS_MISSING", &request.reason, TASK_REASON_MAX)
}

/// To whom a task is given, and why.
///
/// # Errors
/// `POST_UNKNOWN`, `FIELD_INVALID`.
pub fn assignment(request: &pb::AssignTaskRequest) -> Result<(String, String), Refusal> {
    let account = text("account", "POST_UNKNOWN", &request.account, 100)?;
    Ok((account, optional("reason", &request.reason, TASK_REASON_MAX)?))
}

pub(super) fn optional(field: &str, value: &str, most: usize) -> Result<String, Refusal> {
    if value.trim().is_empty() { Ok(String::new()) } else { text(field, "FIELD_INVALID", value, most) }
}

pub(super) fn text(field: &str, reason: &'static str, value: &str, most: usize) -> Result<String, Refusal> {
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

fn terms_field(field: &str, zh: &str, en: &str) -> Refusal {
    Refusal::field(field, "TERMS_INVALID", zh, en)
}
