//! Between the contract and the domain. What a field must be is checked here, once, on receipt, and the refusal names it.

use yiwang_kit::{Caller, limit, party, timestamp, wire};
use yiwang_ledger::{Personal, Refusal, StreamId, Vault};
use yiwang_proto::evaluation::v1 as pb;
use yiwang_proto::party::v1 as parties;

use crate::evaluation::decide::Rate;
use crate::evaluation::{Evaluation, Finding, Officer, Reply, Right, Satisfaction};

/// Longest 文字评价.
pub const TEXT_MAX: usize = 500;
/// Longest answer.
pub const REPLY_MAX: usize = 1_000;
/// Most 评价标签, and the longest of them.
pub const TAGS_MAX: (usize, usize) = (10, 30);

/// The right that a relay opens.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
pub fn right(request: &pb::OpenRightRequest, vault: &Vault) -> Result<Right, Refusal> {
    let missing = |field: &str| Refusal::field(field, "FIELD_INVALID", "该项不能为空", "this must not be empty");
    let party = request.applicant.as_ref().ok_or_else(|| missing("applicant"))?;
    let subject = party::subject_of(vault, party).ok_or_else(|| missing("applicant.document_number"))?;
    let service_number = number(request.service_number)?;
    if request.case_number.is_empty() {
        return Err(missing("case_number"));
    }
    let at = request.service_time.as_ref().ok_or_else(|| missing("service_time"))?;
    let mut handlers = request.handlers.clone();
    handlers.extend(request.actor.iter().map(|actor| actor.id.clone()));
    handlers.sort();
    handlers.dedup();
    Ok(Right {
        case_number: request.case_number.clone(),
        service_number,
        item_code: request.item_code.clone(),
        item_name: request.item_name.clone(),
        department: request.department.clone(),
        department_code: request.department_code.clone(),
        region: request.region_code.clone(),
        service_name: request.service_name.clone(),
        service_time: wire::moment("service_time", at)?,
        handlers,
        owner: request.owner.clone(),
        owner_subject: party::owner_subject(&request.owner_subject)?,
        name: Personal::new(&subject, "name", party.name.trim()),
        document_kind: party.document_kind,
        document_number: Personal::new(&subject, "document_number", party.document_number.trim()),
        subject,
    })
}

/// 第几次服务; 0 means the first.
///
/// # Errors
/// `FIELD_INVALID`.
pub fn number(asked: i32) -> Result<u32, Refusal> {
    match u32::try_from(asked) {
        Ok(0) => Ok(1),
        Ok(number) if number <= 99 => Ok(number),
        // 评价次数 n..2, GB/T 39046.
        _ => Err(Refusal::field("service_number", "FIELD_INVALID", "服务次序应为1至99", "a service number is 1 to 99")),
    }
}

/// What a citizen says.
///
/// # Errors
/// `SATISFACTION_MISSING`, `TEXT_TOO_LONG`, `TAGS_INVALID`.
pub fn rate(request: &pb::CreateEvaluationRequest) -> Result<Rate, Refusal> {
    let satisfaction = match request.satisfaction() {
        pb::Satisfaction::VerySatisfied => Satisfaction::VerySatisfied,
        pb::Satisfaction::Satisfied => Satisfaction::Satisfied,
        pb::Satisfaction::BasicallySatisfied => Satisfaction::BasicallySatisfied,
        pb::Satisfaction::Dissatisfied => Satisfaction::Dissatisfied,
        pb::Satisfaction::VeryDissatisfied => Satisfaction::VeryDissatisfied,
        pb::Satisfaction::Unspecified => {
            let (zh, en) = ("请选择满意度（1非常满意至5非常不满意）", "choose a grade, 1 (best) to 5");
            return Err(Refusal::field("satisfaction", "SATISFACTION_MISSING", zh, en));
        }
    };
    if request.text.chars().count() > TEXT_MAX {
        return Err(Refusal::field("text", "TEXT_TOO_LONG", "文字评价不得超过500字", "at most 500 characters"));
    }
    let (most, longest) = TAGS_MAX;
    if request.tags.len() > most || request.tags.iter().any(|tag| !(1..=longest).contains(&tag.chars().count())) {
        let (zh, en) = ("评价标签最多10个，每个1至30字", "at most 10 tags of 1 to 30 characters");
        return Err(Refusal::field("tags", "TAGS_INVALID", zh, en));
    }
    let channel = match request.channel() {
        pb::EvaluationChannel::Unspecified => pb::EvaluationChannel::Pc,
        channel => channel,
    };
    Ok(Rate {
        satisfaction,
        tags: request.tags.clone(),
        text: request.text.clone(),
        channel: channel.into(),
        anonymous: request.anonymous,
    })
}

/// What the organ answers.
///
/// # Errors
/// `FINDING_MISSING`, `TEXT_MISSING`, `TEXT_TOO_LONG`.
pub fn reply(request: &pb::ReplyEvaluationRequest) -> Result<(Finding, String), Refusal> {
    let finding = match request.finding() {
        pb::Finding::Rectified => Finding::Rectified,
        pb::Finding::Rectifying => Finding::Rectifying,
        pb::Finding::Explained => Finding::Explained,
        pb::Finding::Unspecified => {
            return Err(Refusal::field("finding", "FINDING_MISSING", "请选择核实结论", "say what was found"));
        }
    };
    match request.text.trim() {
        "" => Err(Refusal::field("text", "TEXT_MISSING", "请填写答复内容", "write the answer")),
        text if text.chars().count() > REPLY_MAX => {
            Err(Refusal::field("text", "TEXT_TOO_LONG", "答复不得超过1000字", "at most 1000 characters"))
        }
        text => Ok((finding, text.to_owned())),
    }
}

/// Who answers for the organ.
pub fn officer(actor: &parties::Actor) -> Officer {
    Officer {
        id: actor.id.clone(),
        name: actor.name.clone(),
        role: actor.role.clone(),
        organisation: actor.organisation.clone(),
    }
}

/// The right, as its owner sees it.
pub fn right_out(id: StreamId, evaluation: &Evaluation) -> pb::EvaluationRight {
    let Some(right) = &evaluation.right else { return pb::EvaluationRight::default() };
    pb::EvaluationRight {
        id: id.to_string(),
        case_number: right.case_number.clone(),
        service_number: signed(right.service_number),
        item_code: right.item_code.clone(),
        item_name: right.item_name.clone(),
        department: right.department.clone(),
        service_name: right.service_name.clone(),
        service_time: Some(timestamp(right.service_time)),
        used: evaluation.rating.is_some(),
    }
}

/// Who was served, or filed the application for who was.
fn is_author(right: &Right, caller: &Caller) -> bool {
    let subjects = [Some(&right.subject), right.owner_subject.as_ref()];
    !caller.is_staff() && caller.subject.is_some() && subjects.contains(&caller.subject.as_ref())
}

/// What a caller may see of an evaluation: its author everything; the organ that is judged the case, a supervisor the name
/// too. Of an anonymous one nobody else sees either, and an officer who handled the case never does: one leads to the other.
pub fn evaluation(id: StreamId, version: u64, evaluation: &Evaluation, caller: &Caller) -> pb::Evaluation {
    let (Some(right), Some(rating)) = (&evaluation.right, &evaluation.rating) else { return pb::Evaluation::default() };
    let author = is_author(right, caller);
    let case_shown = author || !(rating.anonymous || right.handlers.contains(&caller.id));
    let named = author || (case_shown && caller.has_role("supervisor"));
    pb::Evaluation {
        id: id.to_string(),
        etag: wire::etag(version),
        case_number: if case_shown { right.case_number.clone() } else { String::new() },
        service_number: signed(right.service_number),
        item_code: right.item_code.clone(),
        item_name: right.item_name.clone(),
        department: right.department.clone(),
        satisfaction: satisfaction(rating.satisfaction).into(),
        tags: rating.tags.iter().map(shown).collect(),
        text: rating.text.as_ref().map(shown).unwrap_or_default(),
        channel: rating.channel,
        anonymous: rating.anonymous,
        evaluator: named.then(|| party::masked(&right.name, right.document_kind, &right.document_number)),
        bad: rating.satisfaction.is_bad(),
        status: status(evaluation).into(),
        verification_due: evaluation.duty.as_ref().map(|duty| limit::due(&duty.due)),
        reply: evaluation.reply.as_ref().map(|reply| reply_out(reply, caller)),
        create_time: Some(timestamp(rating.at)),
    }
}

/// The same as lists show it: what a citizen wrote, and what was written back, to the citizen alone. Others read one
/// evaluation for it, and staff leave an entry.
pub fn listed(id: StreamId, version: u64, evaluation: &Evaluation, caller: &Caller) -> pb::Evaluation {
    let shown = self::evaluation(id, version, evaluation, caller);
    if evaluation.right.as_ref().is_some_and(|right| is_author(right, caller)) {
        return shown;
    }
    let reply = shown.reply.map(|reply| pb::Reply { text: String::new(), ..reply });
    pb::Evaluation { tags: Vec::new(), text: String::new(), reply, ..shown }
}

fn signed(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn shown(value: &Personal) -> String {
    value.get().unwrap_or(party::ERASED).to_owned()
}

fn satisfaction(grade: Satisfaction) -> pb::Satisfaction {
    match grade {
        Satisfaction::VerySatisfied => pb::Satisfaction::VerySatisfied,
        Satisfaction::Satisfied => pb::Satisfaction::Satisfied,
        Satisfaction::BasicallySatisfied => pb::Satisfaction::BasicallySatisfied,
        Satisfaction::Dissatisfied => pb::Satisfaction::Dissatisfied,
        Satisfaction::VeryDissatisfied => pb::Satisfaction::VeryDissatisfied,
    }
}

fn status(evaluation: &Evaluation) -> pb::EvaluationStatus {
    match evaluation.status() {
        "PUBLISHED" => pb::EvaluationStatus::Published,
        "VERIFYING" => pb::EvaluationStatus::Verifying,
        "REPLIED" => pb::EvaluationStatus::Replied,
        _ => pb::EvaluationStatus::Unspecified,
    }
}

/// The status that a filter names; `None`: all.
pub fn status_filter(status: pb::EvaluationStatus) -> Option<&'static str> {
    match status {
        pb::EvaluationStatus::Unspecified => None,
        pb::EvaluationStatus::Published => Some("PUBLISHED"),
        pb::EvaluationStatus::Verifying => Some("VERIFYING"),
        pb::EvaluationStatus::Replied => Some("REPLIED"),
    }
}

fn reply_out(reply: &Reply, caller: &Caller) -> pb::Reply {
    let finding = match reply.finding {
        Finding::Rectified => pb::Finding::Rectified,
        Finding::Rectifying => pb::Finding::Rectifying,
        Finding::Explained => pb::Finding::Explained,
    };
    let by = parties::Actor {
        id: reply.by.id.clone(),
        name: reply.by.name.clone(),
        role: reply.by.role.clone(),
        organisation: reply.by.organisation.clone(),
        ..Default::default()
    };
    pb::Reply {
        finding: finding.into(),
        text: shown(&reply.text),
        reply_time: Some(timestamp(reply.at)),
        replied_by: Some(party::shown_actor(by, caller)),
        late: reply.late,
    }
}
