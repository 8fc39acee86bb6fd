//! Joint applications as the contracts show them.

use serde_json::Value;
use yiwang_kit::{timestamp, wire};
use yiwang_ledger::{Personal, Refusal, StreamId, Timestamp};
use yiwang_proto::intake::v1 as pb;

use super::ask::{self, Sealing};
use super::{application, channel, due, signed, theme};
use crate::joint::decide::Step;
use crate::joint::{Joint, Member, Phase, Standing, part};

/// How much of it a reader sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// All of it: parties, and the window.
    Full,
    /// Without form and answers, parties masked: other staff, and lists.
    Masked,
}

fn phase(phase: Phase) -> pb::JointPhase {
    match phase {
        Phase::Absent => pb::JointPhase::Unspecified,
        Phase::Draft => pb::JointPhase::Draft,
        Phase::Running => pb::JointPhase::Running,
        Phase::Ended => pb::JointPhase::Ended,
        Phase::Withdrawn => pb::JointPhase::Withdrawn,
    }
}

/// The tag of a phase; none for all.
pub fn phase_tag(asked: pb::JointPhase) -> Option<&'static str> {
    match asked {
        pb::JointPhase::Unspecified => None,
        pb::JointPhase::Draft => Some(Phase::Draft.name()),
        pb::JointPhase::Running => Some(Phase::Running.name()),
        pb::JointPhase::Ended => Some(Phase::Ended.name()),
        pb::JointPhase::Withdrawn => Some(Phase::Withdrawn.name()),
    }
}

fn member(id: StreamId, joint: &Joint, member: &Member) -> pb::JointMember {
    use pb::JointMemberState as State;
    let (mut cause, mut cause_text, mut result) = (String::new(), String::new(), None);
    let state = match &member.standing {
        Standing::Waiting => State::Waiting,
        Standing::Open => State::Open,
        Standing::Released => State::Released,
        Standing::Stuck { reason, zh, .. } => {
            (cause, cause_text) = (reason.clone(), zh.clone());
            State::Stuck
        }
        Standing::Running => State::Running,
        Standing::Granted { result: came } => {
            result = came.as_ref().map(application::issued);
            State::Granted
        }
        Standing::Refused => State::Refused,
        Standing::Withdrawn => State::Withdrawn,
        Standing::Cancelled { because } => {
            let lost = joint.member(because).map(Member::name).unwrap_or_default();
            (cause, cause_text) = (because.clone(), format!("前置事项“{lost}”未办成，不再办理"));
            State::Cancelled
        }
    };
    pb::JointMember {
        member_code: member.code().to_owned(),
        name: member.name().to_owned(),
        department: member.department().to_owned(),
        item_code: member.plan.item.clone(),
        application_id: member.item.as_ref().map(|_| part(id, member.code()).to_string()).unwrap_or_default(),
        after: member.plan.before().into_iter().map(str::to_owned).collect(),
        state: state.into(),
        cause,
        cause_text,
        result,
    }
}

fn json(value: Option<&Personal>) -> Option<pbjson_types::Struct> {
    value.and_then(ask::form_struct)
}

/// A joint application.
pub fn shown(id: StreamId, version: u64, joint: &Joint, at: Timestamp, depth: Depth) -> pb::JointApplication {
    let party = |party: &crate::application::Party| {
        let mut shown = application::party(party);
        if depth == Depth::Masked {
            application::mask_party(&mut shown);
        }
        shown
    };
    let full = |value: &Option<Personal>| json(value.as_ref().filter(|_| depth == Depth::Full));
    let (whose, handed) = (joint.whose.as_ref(), joint.handed_in.as_ref());
    pb::JointApplication {
        id: id.to_string(),
        etag: wire::etag(version),
        phase: phase(joint.phase).into(),
        theme_code: joint.theme.code.clone(),
        theme_name: joint.theme.name.clone(),
        theme_version: signed(joint.theme.version),
        lead: joint.theme.lead.clone(),
        region_code: joint.theme.region.clone(),
        applicant: whose.map(|whose| party(&whose.applicant)),
        agent: whose.and_then(|whose| whose.agent.as_ref()).map(party),
        answers: full(&joint.answers),
        form: full(&joint.form),
        members: joint.members.iter().map(|one| member(id, joint, one)).collect(),
        channel: whose.map(|whose| channel(whose.channel).into()).unwrap_or_default(),
        promised_due: joint.promised().map(due),
        late: joint.late,
        hand_out: theme::hand_out(joint.theme.hand_out).into(),
        ready_members: joint.results().into_iter().map(|(member, _)| member.code().to_owned()).collect(),
        withdrawal_asked: joint.taken_back.is_some(),
        create_time: Some(timestamp(joint.created)),
        submit_time: handed.map(|handed| timestamp(handed.at)),
        update_time: Some(timestamp(at)),
        one_survey: joint.theme.one_survey,
    }
}

/// 回答, as JSON.
///
/// # Errors
/// `ANSWERS_INVALID`.
pub fn answers(answers: Option<&pbjson_types::Struct>) -> Result<Value, Refusal> {
    answers.map_or_else(|| Ok(serde_json::json!({})), ask::form_value)
}

/// The parties of one that is begun: the applicant with name and number.
///
/// # Errors
/// `APPLICANT_MISSING`, `PARTY_INVALID`.
pub fn parties(
    message: &pb::CreateJointApplicationRequest,
    sealing: &Sealing<'_>,
) -> Result<(crate::application::Party, Option<crate::application::Party>), Refusal> {
    let applicant = message.applicant.as_ref().map(|party| sealing.applicant(party)).transpose()?.flatten();
    let applicant = applicant.filter(|party| party.is_identified() && party.name.is_some());
    let applicant = applicant.ok_or_else(|| {
        let (zh, en) = (
            "请填写申请人的姓名或名称、证件类型和证件号码",
            "the applicant's name, document kind and number are needed",
        );
        Refusal::field("applicant", "APPLICANT_MISSING", zh, en)
    })?;
    let agent = message.agent.as_ref().map(|party| sealing.agent(party)).transpose()?.flatten();
    if agent.as_ref().is_some_and(|agent| !agent.is_identified() || agent.name.is_none()) {
        let (zh, en) =
            ("请填写代理人的姓名、证件类型和证件号码", "the agent's name, document kind and number are needed");
        return Err(Refusal::field("agent", "PARTY_INVALID", zh, en));
    }
    Ok((applicant, agent))
}

/// What a partner reports.
///
/// # Errors
/// `FIELD_INVALID`.
pub fn step(message: &pb::RecordPartnerStepRequest, joint: &Joint) -> Result<Step, Refusal> {
    let number = ask::text("number", &message.number, 0, 100, "FIELD_INVALID")?;
    let remark = match &joint.whose {
        Some(whose) => ask::remark(&whose.applicant.subject, "remark", &message.remark)?,
        None => None,
    };
    Ok(Step { done: message.done, number, remark })
}
