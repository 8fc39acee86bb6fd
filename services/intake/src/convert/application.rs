//! Applications as the contracts show them.

use yiwang_kit::party::{self as parties, ERASED};
use yiwang_kit::{timestamp, wire};
use yiwang_ledger::{Personal, StreamId, Timestamp};
use yiwang_proto::clock::v1 as clock_pb;
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::party::v1 as party_pb;
use yiwang_standards::identity::DocumentKind;
use yiwang_standards::identity::{mask_name, mask_number};

use super::ask::form_struct;
use super::handling::consequence;
use super::{channel, count, double, due, signed};
use crate::application::{
    Actor, Application, Attachment, Authority, CaseNotice, Conclusion, Correction, Deferred, Ground, IssuedResult,
    Opinion, Party, Phase, PreReview, Promise, Rejection, Step, WithdrawalCause,
};
use crate::catalogue::facts::Fetch;
use crate::fetching::{Disputable, Fetched, Missed};
use crate::limit::Due;

/// Whether an officer's name is shown in full: to officers, not to citizens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Staff and services.
    Office,
    /// Everybody else.
    Public,
}

fn document_kind(kind: DocumentKind) -> party_pb::DocumentKind {
    match kind {
        DocumentKind::ResidentId => party_pb::DocumentKind::ResidentId,
        DocumentKind::Uscc => party_pb::DocumentKind::UnifiedSocialCreditCode,
        DocumentKind::Passport => party_pb::DocumentKind::Passport,
        DocumentKind::HongKongMacauPass => party_pb::DocumentKind::HkMacaoTravelPermit,
        DocumentKind::TaiwanPass => party_pb::DocumentKind::TaiwanTravelPermit,
        DocumentKind::HongKongMacauPermit | DocumentKind::TaiwanPermit => party_pb::DocumentKind::HmtResidencePermit,
        DocumentKind::ForeignPermanentResidence => party_pb::DocumentKind::ForeignPermanentResidentId,
        DocumentKind::Other => party_pb::DocumentKind::Other,
    }
}

fn kind_of(party: &Party) -> i32 {
    party.kind.map_or(0, |kind| document_kind(kind).into())
}

/// The text of a personal value, or what is shown when it is gone.
pub(super) fn shown(value: &Personal) -> &str {
    value.get().unwrap_or(ERASED)
}

/// A party in full.
pub fn party(party: &Party) -> party_pb::Party {
    let text = |value: &Option<Personal>| value.as_ref().map(|value| shown(value).to_owned()).unwrap_or_default();
    party_pb::Party {
        name: text(&party.name),
        document_kind: kind_of(party),
        document_number: text(&party.number),
        phone: text(&party.phone),
        address: text(&party.address),
    }
}

/// A party as whoever does not handle the matter sees it.
pub fn mask_party(party: &mut party_pb::Party) {
    let organisation = party.document_kind == party_pb::DocumentKind::UnifiedSocialCreditCode as i32;
    if !organisation {
        party.name = mask_name(&party.name);
    }
    party.document_number = mask_number(&party.document_number);
    party.phone = mask_number(&party.phone);
    party.address = if party.address.is_empty() { String::new() } else { "***".to_owned() };
}

/// A party as lists show it.
pub fn masked(party: &Party) -> party_pb::MaskedParty {
    let nothing = Personal::new(&party.subject, "", "");
    let (name, number) = (party.name.as_ref().unwrap_or(&nothing), party.number.as_ref().unwrap_or(&nothing));
    parties::masked(name, kind_of(party), number)
}

/// Who did something.
pub fn actor(by: &Actor, reader: Reader) -> party_pb::Actor {
    party_pb::Actor {
        id: by.id.clone(),
        name: match reader {
            Reader::Public if !by.name.is_empty() => yiwang_standards::identity::mask_name(&by.name),
            _ => by.name.clone(),
        },
        role: by.role.clone(),
        organisation: by.organisation.clone(),
        person_id: by.person.clone(),
    }
}

/// One file.
pub fn attachment(application: StreamId, file: &Attachment) -> pb::Attachment {
    pb::Attachment {
        id: file.id.clone(),
        application_id: application.to_string(),
        material_code: file.material.clone(),
        file_name: shown(&file.file_name).to_owned(),
        media_type: file.media_type.clone(),
        size: signed(file.size),
        sm3: file.sm3.clone(),
        create_time: Some(timestamp(file.at)),
    }
}

/// When the answer is due; while nothing is lost by it, it says so.
fn reply_due(reply_by: &Due) -> clock_pb::DueDate {
    let mut shown = due(reply_by);
    if reply_by.provisional() {
        shown.explanation += "日期确定之前，不因逾期视为撤回申请。";
        shown.explanation_en += " Until the date is settled nothing counts as withdrawn for being late.";
    }
    shown
}

fn correction(told: &Correction, reader: Reader) -> pb::Correction {
    let point = |point: &crate::application::Point| pb::CorrectionPoint {
        material_code: point.material.clone(),
        field: point.field.clone(),
        text: shown(&point.text).to_owned(),
        check_code: point.check.clone(),
    };
    pb::Correction {
        notice_number: told.notice_number.clone(),
        points: told.points.iter().map(point).collect(),
        request_time: Some(timestamp(told.at)),
        requested_by: Some(actor(&told.by, reader)),
        resubmit_time: told.resubmitted.map(timestamp),
        reply_due: Some(reply_due(&told.reply_by)),
    }
}

fn promise(promise: &Promise, reader: Reader) -> pb::Promise {
    pb::Promise {
        text: promise.text.clone(),
        sign_time: Some(timestamp(promise.at)),
        signed_by: Some(actor(&promise.by, reader)),
    }
}

fn refusal(refusal: &Rejection, organ: &str, reader: Reader) -> pb::Refusal {
    pb::Refusal {
        notice_number: refusal.notice_number.clone(),
        ground: match refusal.ground {
            Ground::NoPermissionNeeded => pb::RefusalGround::NoPermissionNeeded.into(),
            Ground::NotOurAuthority => pb::RefusalGround::NotOurAuthority.into(),
            Ground::CorrectionLate => pb::RefusalGround::CorrectionLate.into(),
        },
        reason: shown(&refusal.reason).to_owned(),
        competent_organ: refusal.competent_organ.clone(),
        remedies: match refusal.remedies.as_str() {
            // told before they were kept
            "" => yiwang_standards::remedies::remedies(organ, "").zh,
            told => told.to_owned(),
        },
        refuse_time: Some(timestamp(refusal.at)),
        refused_by: Some(actor(&refusal.by, reader)),
    }
}

/// Where it stands, in the contract.
pub fn phase(phase: &Phase) -> pb::ApplicationPhase {
    match phase {
        Phase::Absent => pb::ApplicationPhase::Unspecified,
        Phase::Draft => pb::ApplicationPhase::Draft,
        Phase::Submitted { .. } => pb::ApplicationPhase::Submitted,
        Phase::CorrectionRequested => pb::ApplicationPhase::CorrectionRequested,
        Phase::Accepted(_) => pb::ApplicationPhase::Accepted,
        Phase::Refused(_) => pb::ApplicationPhase::Refused,
        Phase::Withdrawn { .. } => pb::ApplicationPhase::Withdrawn,
    }
}

/// 视为撤回: the limit that passed, where that is why it is withdrawn.
fn lapsed(app: &Application) -> Option<&Due> {
    match &app.phase {
        Phase::Withdrawn { cause: WithdrawalCause::CorrectionLate, .. } => {
            app.corrections.last().map(|told| &told.reply_by)
        }
        _ => None,
    }
}

fn withdrawal(app: &Application) -> Option<pb::Withdrawal> {
    let Phase::Withdrawn { at, cause } = &app.phase else { return None };
    Some(pb::Withdrawal {
        cause: match cause {
            WithdrawalCause::Applicant => pb::WithdrawalCause::Applicant.into(),
            WithdrawalCause::CorrectionLate => pb::WithdrawalCause::CorrectionLate.into(),
            WithdrawalCause::DeferralLate => pb::WithdrawalCause::DeferralLate.into(),
            WithdrawalCause::Joined => pb::WithdrawalCause::Joined.into(),
        },
        withdraw_time: Some(timestamp(*at)),
        reply_due: lapsed(app).map(due),
        joined_to: app.joined.as_ref().map(|other| double::other(other, false)),
    })
}

/// 办理结果 in the contract.
pub fn issued(result: &IssuedResult) -> pb::IssuedResult {
    pb::IssuedResult {
        kind: super::item::result_kind(result.kind).into(),
        name: result.name.clone(),
        number: result.number.clone(),
        license_id: result.license.clone(),
    }
}

/// 办结 in the contract.
pub fn conclusion(told: &Conclusion) -> pb::Conclusion {
    pb::Conclusion {
        granted: told.granted,
        decided_date: told.on.to_string(),
        case_id: told.case.clone(),
        document_number: told.document.clone(),
        result: told.result.as_ref().map(issued),
    }
}

/// 办理中的告知.
pub fn notice(told: &CaseNotice) -> pb::CaseNotice {
    pb::CaseNotice {
        document_number: told.document.clone(),
        text: told.zh.clone(),
        text_en: told.en.clone(),
        notice_time: Some(timestamp(told.at)),
    }
}

/// What approval tells.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
pub fn told(told: &pb::Conclusion) -> Result<Conclusion, yiwang_ledger::Refusal> {
    let on = told.decided_date.parse().map_err(|_| {
        let (zh, en) = ("日期格式应为YYYY-MM-DD", "a date is YYYY-MM-DD");
        yiwang_ledger::Refusal::field("conclusion.decided_date", "FIELD_INVALID", zh, en)
    })?;
    let result = |result: &pb::IssuedResult| IssuedResult {
        kind: super::item::kind_of_result(result.kind()),
        name: result.name.clone(),
        number: result.number.clone(),
        license: result.license_id.clone(),
    };
    Ok(Conclusion {
        granted: told.granted,
        on,
        case: told.case_id.clone(),
        document: told.document_number.clone(),
        result: told.result.as_ref().map(result),
    })
}

/// One step of the progress, in words.
pub fn step(step: &Step, app: &Application, reader: Reader) -> party_pb::Step {
    let (zh, en) = match step.kind.as_str() {
        "Drafted" => ("开始填写申请", "the application was begun"),
        "Submitted" => ("提交申请，出具收件凭证", "handed in; a receipt was issued"),
        "CorrectionRequested" => ("一次性告知需要补正的全部内容", "told once all that is missing"),
        "Resubmitted" => ("提交补正材料，受理期限重新计算", "handed in corrected; the clock starts again"),
        "Accepted" => ("予以受理", "accepted"),
        "DeemedAccepted" => {
            ("逾期未告知，依法视为自收到材料之日起受理", "not told in time: accepted by law as of receipt")
        }
        "AcceptanceOverdue" => ("逾期未受理，已提示监督", "acceptance is overdue; supervision can see it"),
        "Refused" => ("不予受理", "not accepted"),
        "Numbered" => ("登记办件编号，转入审批", "numbered and handed to approval"),
        "WithdrawalRequested" => ("申请撤回", "withdrawal was asked for"),
        "WithdrawalDenied" => ("已作出决定，不能撤回", "decided already: it cannot be withdrawn"),
        "Withdrawn" => ("申请已撤回", "withdrawn"),
        "Concluded" => match &app.conclusion {
            Some(conclusion) if conclusion.granted => ("办结：准予", "decided: granted"),
            _ => ("办结：不予", "decided: refused"),
        },
        "ResultIssued" => ("办理结果已出具", "what came of it is there"),
        "CaseNoticed" => match step.notice.and_then(|place| app.notices.get(place)) {
            Some(notice) => (notice.zh.as_str(), notice.en.as_str()),
            None => ("", ""),
        },
        "TakenUp" => ("在另一渠道继续办理", "gone on with on another channel"),
        "PreReviewRequested" => ("申请预审", "a pre-review was asked for"),
        "PreReviewInvited" => ("邀请部门联合预审", "departments were asked for a joint pre-review"),
        "PreReviewGiven" => ("部门提出预审意见", "a department gave its opinion"),
        "PreReviewConcluded" => ("预审完成", "the pre-review was concluded"),
        "DeferralLate" => ("容缺的材料逾期未补齐", "what was to follow did not come in time"),
        "PapersArrived" => {
            ("代收的材料已到达，受理期限自当日起算", "the papers are there; the limits run from that day")
        }
        "CorrectedOnTheSpot" => ("当场更正申请内容，受理期限不变", "a slip was mended on the spot; the clock goes on"),
        _ => ("", ""),
    };
    let (zh, en) = match lapsed(app).filter(|_| step.kind == "Withdrawn") {
        Some(due) => (
            format!("补正期限已于{}届满，未收到补正材料，视为撤回申请（依据：{}）", due.date, due.limit.basis),
            format!("the time to correct ended on {}: counts as withdrawn (basis: {})", due.date, due.limit.basis),
        ),
        None => match app.joined.as_ref().filter(|_| step.kind == "Withdrawn") {
            Some(other) => (
                format!("同一事项已有在办申请，并入{}办理，本申请终止", other.number),
                format!("joined to {}, in which the matter goes on", other.number),
            ),
            None => (zh.to_owned(), en.to_owned()),
        },
    };
    party_pb::Step {
        step_time: Some(timestamp(step.at)),
        kind: step.kind.clone(),
        actor: Some(actor(&step.by, reader)),
        text: zh,
        text_en: en,
    }
}

/// An application in full.
pub fn application(
    id: StreamId,
    version: u64,
    app: &Application,
    updated: Timestamp,
    reader: Reader,
) -> pb::Application {
    let accepted = match &app.phase {
        Phase::Accepted(acceptance) => Some(acceptance),
        _ => None,
    };
    pb::Application {
        id: id.to_string(),
        etag: wire::etag(version),
        phase: phase(&app.phase).into(),
        item_code: app.item.code.clone(),
        item_name: app.item.name.clone(),
        item_version: signed(app.item.version),
        department: app.item.department.clone(),
        department_code: app.item.organisation.clone(),
        region_code: app.item.region.clone(),
        applicant: app.applicant.as_ref().map(party),
        agent: app.agent.as_ref().map(party),
        form: app.form.as_ref().and_then(form_struct),
        form_version: count(app.item.form_version),
        attachments: app.attachments.iter().map(|file| attachment(id, file)).collect(),
        channel: channel(app.channel).into(),
        corrections: app.corrections.iter().map(|told| correction(told, reader)).collect(),
        acceptance_due: match &app.phase {
            Phase::Submitted { due: date, .. } => Some(due(date)),
            _ => None,
        },
        receipt_number: app.receipt.as_ref().map(|receipt| receipt.number.clone()).unwrap_or_default(),
        case_number: app.case_number.clone().unwrap_or_default(),
        deemed_accepted: accepted.is_some_and(|acceptance| acceptance.deemed),
        accepted_date: accepted.map(|acceptance| acceptance.date.to_string()).unwrap_or_default(),
        promise: app.promise.as_ref().map(|signed| promise(signed, reader)),
        refusal: match &app.phase {
            Phase::Refused(rejection) => Some(refusal(rejection, &app.item.department, reader)),
            _ => None,
        },
        withdrawal_pending: accepted.is_some_and(|acceptance| acceptance.withdrawal_pending),
        create_time: Some(timestamp(app.created)),
        update_time: Some(timestamp(updated)),
        submit_time: app.receipt.as_ref().map(|receipt| timestamp(receipt.at)),
        accept_time: accepted.map(|acceptance| timestamp(acceptance.at)),
        steps: app.steps.iter().map(|taken| step(taken, app, reader)).collect(),
        owner: app.owner.clone(),
        outstanding_materials: accepted.map(|acceptance| outstanding(app, &acceptance.outstanding)).unwrap_or_default(),
        withdrawal: withdrawal(app),
        consented_fields: app.consented.clone(),
        authority: match app.receipt.as_ref().map(|receipt| receipt.authority) {
            None => pb::HandingAuthority::Unspecified,
            Some(Authority::Applicant) => pb::HandingAuthority::Applicant,
            Some(Authority::Agent) => pb::HandingAuthority::Agent,
            Some(Authority::Window) => pb::HandingAuthority::Window,
        }
        .into(),
        mandate_id: app
            .receipt
            .as_ref()
            .and_then(|receipt| receipt.mandate.as_ref())
            .map(|held| held.id.to_string())
            .unwrap_or_default(),
        pre_review: app.pre_review.as_ref().map(pre_review),
        tell_sooner_due: match (&app.phase, &app.receipt) {
            (Phase::Submitted { .. }, Some(receipt)) => receipt.tell_sooner.as_ref().map(due),
            _ => None,
        },
        deferral: accepted.and_then(|acceptance| acceptance.deferral.as_ref()).map(deferral),
        deferral_promise: app.deferral.as_ref().map(|signed| promise(signed, reader)),
        conclusion: app.conclusion.as_ref().map(conclusion),
        notices: app.notices.iter().map(notice).collect(),
        received_elsewhere_in: app.elsewhere.as_ref().map(|there| there.region.clone()).unwrap_or_default(),
        waits_for_papers: app.waits_for_papers(),
        other_applications: app.others.iter().map(|other| double::other(other, false)).collect(),
        joint_id: app.joint.as_ref().map(|of| of.joint.to_string()).unwrap_or_default(),
        fetched_materials: app.fetched.iter().map(|(code, one)| fetched(app, code, one.as_ref())).collect(),
        sourced_fields: sourced(app),
    }
}

/// 免填: each field of the form that was fetched, with its source.
fn sourced(app: &Application) -> Vec<pb::SourcedField> {
    let text = app.form.as_ref().and_then(Personal::get);
    let form: serde_json::Value = text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let one = |key: &str, from: &Fetched, field: String, value: serde_json::Value| pb::SourcedField {
        agrees: form.get(&field) == Some(&value),
        value: serde_json::from_value(value).ok(),
        source: source(&from.from),
        material_code: material_code(key),
        title: shown(&from.title).to_owned(),
        reference: shown(&from.reference).to_owned(),
        issuer: from.issuer.clone(),
        fetch_time: Some(timestamp(from.at)),
        dispute_reason: dispute(app, &Disputable::Field(field.clone())),
        disputed: app.disputes_field(&field),
        field,
    };
    let (one, all) = (&one, app.fetched.iter().filter_map(|(key, from)| Some((key, from.as_ref()?))));
    all.flat_map(|(key, from)| from.values().into_iter().map(move |(field, value)| one(key, from, field, value)))
        .collect()
}

fn dispute(app: &Application, what: &Disputable) -> String {
    let found = app.disputed.iter().find(|one| one.what == *what);
    found.map(|one| shown(&one.reason).to_owned()).unwrap_or_default()
}

/// A source as forms write it.
fn source(from: &Fetch) -> String {
    match from {
        Fetch::License(what) => format!("licence.{what}"),
        Fetch::Department(what) => format!("department.{what}"),
    }
}

/// The code of what is a material; empty for what only the form takes, which stands there by its source.
fn material_code(key: &str) -> String {
    if form_alone(key) { String::new() } else { key.to_owned() }
}

fn form_alone(key: &str) -> bool {
    key.starts_with("licence.") || key.starts_with("department.")
}

fn fetched(app: &Application, code: &str, one: Option<&Fetched>) -> pb::FetchedMaterial {
    let missed = app.unfetched.get(code);
    let what = Disputable::Material(code.to_owned());
    pb::FetchedMaterial {
        state: match (one, missed.map(|missed| missed.why).unwrap_or_default()) {
            (Some(_), _) => pb::FetchState::Found,
            (None, Missed::NoRecord) => pb::FetchState::NoRecord,
            (None, Missed::NoSource) => pb::FetchState::NoSource,
            (None, Missed::GivenUp) => pb::FetchState::GivenUp,
        }
        .into(),
        hand_in: app.brings(code) && !form_alone(code),
        source: match one {
            Some(one) => source(&one.from),
            None if form_alone(code) => code.to_owned(),
            None => String::new(),
        },
        disputed: app.disputed.iter().any(|one| one.what == what),
        dispute_reason: dispute(app, &what),
        material_code: material_code(code),
        found: one.is_some(),
        title: one.map(|one| shown(&one.title).to_owned()).unwrap_or_default(),
        reference: one.map(|one| shown(&one.reference).to_owned()).unwrap_or_default(),
        issuer: one.map(|one| one.issuer.clone()).unwrap_or_default(),
        valid_to: one.and_then(|one| one.valid_to).map(|day| day.to_string()).unwrap_or_default(),
        fetch_time: one.map(|one| one.at).or(missed.map(|missed| missed.at)).map(timestamp),
    }
}

fn deferral(told: &Deferred) -> pb::Deferral {
    pb::Deferral {
        notice_number: told.notice_number.clone(),
        materials: told.materials.clone(),
        due: Some(due(&told.due)),
        consequence: consequence(Some(told.consequence)).into(),
        late: told.late,
    }
}

fn pre_review(review: &PreReview) -> pb::PreReview {
    let opinion = |opinion: &Opinion| pb::PreReviewOpinion {
        organ_code: opinion.organ.clone(),
        ready: opinion.ready,
        opinion: opinion.text.as_ref().map(|text| shown(text).to_owned()).unwrap_or_default(),
    };
    pb::PreReview {
        request_time: Some(timestamp(review.requested)),
        asked_organs: review.asked.iter().map(|organ| organ.code.clone()).collect(),
        until_time: review.until.map(timestamp),
        opinions: review.opinions.iter().map(opinion).collect(),
        conclusion: review.concluded.as_ref().map(opinion),
        outdated: review.outdated,
    }
}

/// Of what was outstanding at acceptance, what has not come since.
fn outstanding(app: &Application, codes: &[String]) -> Vec<String> {
    codes.iter().filter(|code| !app.has_material(code)).cloned().collect()
}

/// An application as lists show it: personal data masked.
pub fn summary(id: StreamId, app: &Application, updated: Timestamp) -> pb::ApplicationSummary {
    pb::ApplicationSummary {
        id: id.to_string(),
        phase: phase(&app.phase).into(),
        item_code: app.item.code.clone(),
        item_name: app.item.name.clone(),
        department: app.item.department.clone(),
        applicant: app.applicant.as_ref().map(masked),
        case_number: app.case_number.clone().unwrap_or_default(),
        acceptance_due: match &app.phase {
            Phase::Submitted { due: date, .. } => Some(due(date)),
            _ => None,
        },
        submit_time: app.receipt.as_ref().map(|receipt| timestamp(receipt.at)),
        update_time: Some(timestamp(updated)),
    }
}

/// The applicant in full, for another service; none once erased.
pub fn applicant_in_full(app: &Application) -> Option<party_pb::Party> {
    let applicant = app.identified_applicant()?;
    let there = applicant.name.as_ref().and_then(Personal::get).is_some()
        && applicant.number.as_ref().and_then(Personal::get).is_some();
    let mut full = party(applicant);
    for part in [&mut full.phone, &mut full.address] {
        if part == ERASED {
            part.clear();
        }
    }
    there.then_some(full)
}
