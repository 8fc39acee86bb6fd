//! Engagements, as the contracts bring and show them.

use yiwang_kit::{timestamp, wire};
use yiwang_ledger::{Personal, Refusal, StreamId, SubjectId, Timestamp};
use yiwang_proto::intake::v1 as pb;

use super::agent::{codes, kind_shown, name};
use super::application::{Reader, actor, mask_party, party, shown};
use super::question::{View, sealed};
use super::transfer::organ_shown;
use super::{ask, mandate};
use crate::application::Actor;
use crate::engagement::meeting::Order;
use crate::engagement::{Assignment, Authorisation, Engagement, HandOver, Log, Meeting, Minutes, Stage, Step, Task};
use crate::grpc::day;
use crate::question::masking::masked;

const WRONG: &str = "FIELD_INVALID";

fn needed<T>(field: &str, value: Option<T>) -> Result<T, Refusal> {
    value.ok_or_else(|| Refusal::field(field, WRONG, "必须填写", "is required"))
}

/// An authorisation, sealed under the asker's key.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
pub fn authorisation(
    message: &pb::Authorisation,
    subject: &SubjectId,
    by: &Actor,
    at: Timestamp,
) -> Result<Authorisation, Refusal> {
    let text = ask::text("authorisation.text", &message.text, 1, 2000, WRONG)?;
    Ok(Authorisation {
        text: Personal::new(subject, "authorisation", text),
        acts: message.acts().filter_map(mandate::act).collect(),
        items: codes("authorisation.item_codes", &message.item_codes, 20)?,
        until: needed("authorisation.until_date", day("authorisation.until_date", &message.until_date)?)?,
        substitution: message.substitution,
        agent: None,
        by: by.clone(),
        at,
        version: 0,
    })
}

/// A text that may be empty, sealed.
fn optional(subject: &SubjectId, field: &'static str, text: &str, most: usize) -> Result<Option<Personal>, Refusal> {
    let text = ask::text(field, text, 0, most, WRONG)?;
    Ok((!text.is_empty()).then(|| Personal::new(subject, field, text)))
}

/// A step; without a time it is now.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
pub fn log(message: &pb::RecordStepRequest, subject: &SubjectId, now: Timestamp) -> Result<Log, Refusal> {
    Ok(Log {
        visit: message.visit,
        what: sealed(subject, "what", &message.what, 1000)?,
        place: optional(subject, "place", &message.place, 200)?,
        with_whom: optional(subject, "with_whom", &message.with_whom, 200)?,
        next: optional(subject, "next", &message.next, 500)?,
        at: message.time.as_ref().map(|at| wire::moment("time", at)).transpose()?.unwrap_or(now),
    })
}

/// What a meeting is about, when and where; whom it invites is not known yet.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
pub fn meeting(message: &pb::CallJointMeetingRequest, subject: &SubjectId, by: &Actor) -> Result<Meeting, Refusal> {
    if message.organisations.is_empty() {
        return Err(Refusal::field("organisations", WRONG, "请指明受邀的机关", "name who is invited"));
    }
    ask::few("organisations", &message.organisations, 20)?;
    Ok(Meeting {
        agenda: sealed(subject, "agenda", &message.agenda, 500)?,
        invited: Vec::new(),
        at: wire::moment("time", &needed("time", message.time)?)?,
        place: ask::text("place", &message.place, 1, 200, WRONG)?,
        by: by.clone(),
        minutes: None,
        tasks: Vec::new(),
    })
}

/// 会议纪要.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
pub fn minutes(message: &pb::RecordMeetingRequest, subject: &SubjectId, by: &Actor) -> Result<Minutes, Refusal> {
    ask::few("decisions", &message.decisions, 20)?;
    let decision = |(place, text): (usize, &String)| {
        let text = ask::text(&format!("decisions[{place}]"), text, 1, 500, WRONG)?;
        Ok(Personal::new(subject, "decision", text))
    };
    Ok(Minutes {
        text: sealed(subject, "minutes", &message.minutes, 4000)?,
        attended: codes("attended", &message.attended, 20)?.into_iter().collect(),
        decisions: message.decisions.iter().enumerate().map(decision).collect::<Result<_, _>>()?,
        by: by.clone(),
    })
}

/// What was decided that somebody does.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
pub fn orders(tasks: &[pb::MeetingTask], subject: &SubjectId) -> Result<Vec<Order>, Refusal> {
    ask::few("tasks", tasks, 20)?;
    let one = |(place, task): (usize, &pb::MeetingTask)| {
        let field = |name: &str| format!("tasks[{place}].{name}");
        Ok(Order {
            organ: ask::text(&field("organisation"), &task.organisation, 1, 36, WRONG)?,
            who: ask::text(&field("who"), &task.who, 0, 50, WRONG)?,
            what: Personal::new(subject, "task", ask::text(&field("what"), &task.what, 1, 500, WRONG)?),
            until: needed(&field("until_date"), day(&field("until_date"), &task.until_date)?)?,
        })
    };
    tasks.iter().enumerate().map(one).collect()
}

/// The place of a meeting or a task, as its id names it, from 1.
pub fn place(id: &str) -> Option<usize> {
    id.trim().parse::<usize>().ok()?.checked_sub(1)
}

/// The tag of a stage that is asked for.
pub fn stage_tag(stage: pb::EngagementStage) -> Option<&'static str> {
    let stage = match stage {
        pb::EngagementStage::Unspecified => return None,
        pb::EngagementStage::Waiting => Stage::Waiting,
        pb::EngagementStage::InHand => Stage::InHand,
        pb::EngagementStage::Reported => Stage::Reported,
        pb::EngagementStage::Closed => Stage::Closed,
        pb::EngagementStage::Ended => Stage::Ended,
    };
    Some(stage.name())
}

fn stage_shown(stage: Stage) -> pb::EngagementStage {
    match stage {
        Stage::Absent => pb::EngagementStage::Unspecified,
        Stage::Waiting => pb::EngagementStage::Waiting,
        Stage::InHand => pb::EngagementStage::InHand,
        Stage::Reported => pb::EngagementStage::Reported,
        Stage::Closed => pb::EngagementStage::Closed,
        Stage::Ended => pb::EngagementStage::Ended,
    }
}

/// How an engagement is shown to somebody.
struct Shown<'a> {
    view: View,
    reader: Reader,
    names: Vec<&'a str>,
}

impl Shown<'_> {
    fn text(&self, text: &Personal) -> String {
        match self.view {
            View::Full => shown(text).to_owned(),
            View::Watching | View::List => masked(shown(text), &self.names),
        }
    }

    fn maybe(&self, text: Option<&Personal>) -> String {
        text.map(|text| self.text(text)).unwrap_or_default()
    }

    fn authorisation(&self, given: &Authorisation) -> pb::Authorisation {
        pb::Authorisation {
            text: if self.view == View::Full { self.text(&given.text) } else { String::new() },
            acts: given.acts.iter().map(|act| mandate::act_shown(*act).into()).collect(),
            item_codes: given.items.iter().cloned().collect(),
            until_date: given.until.to_string(),
            substitution: given.substitution,
            account: given.agent.clone().unwrap_or_default(),
            time: Some(timestamp(given.at)),
            actor: Some(actor(&given.by, self.reader)),
        }
    }

    fn assignment(&self, assigned: &Assignment) -> pb::AgentAssignment {
        pb::AgentAssignment {
            account: assigned.helper.account.clone(),
            name: name(&assigned.helper.name, self.reader),
            organ: Some(organ_shown(&assigned.helper.organ)),
            reason: self.maybe(assigned.reason.as_ref()),
            time: Some(timestamp(assigned.at)),
            actor: Some(actor(&assigned.by, self.reader)),
        }
    }

    fn hand_over(&self, offer: &HandOver) -> pb::HandOver {
        pb::HandOver {
            account: offer.to.account.clone(),
            name: name(&offer.to.name, self.reader),
            open_matters: if self.view == View::List { String::new() } else { self.text(&offer.open) },
            time: Some(timestamp(offer.at)),
            refusal: self.maybe(offer.refusal.as_ref()),
        }
    }

    fn step(&self, step: &Step) -> pb::EngagementStep {
        pb::EngagementStep {
            visit: step.visit,
            what: self.text(&step.what),
            place: self.maybe(step.place.as_ref()),
            with_whom: self.maybe(step.with_whom.as_ref()),
            next: self.maybe(step.next.as_ref()),
            time: Some(timestamp(step.at)),
            record_time: Some(timestamp(step.recorded_at)),
            actor: Some(actor(&step.by, self.reader)),
        }
    }

    fn task(&self, place: usize, task: &Task) -> pb::MeetingTask {
        pb::MeetingTask {
            id: (place + 1).to_string(),
            organisation: task.organ.code.clone(),
            who: name(&task.who, self.reader),
            what: self.text(&task.what),
            until_date: task.until.to_string(),
            result: self.maybe(task.result.as_ref()),
            overdue: task.overdue,
            done_time: task.done_at.map(timestamp),
        }
    }

    fn meeting(&self, place: usize, meeting: &Meeting) -> pb::JointMeeting {
        let minutes = meeting.minutes.as_ref();
        pb::JointMeeting {
            id: (place + 1).to_string(),
            agenda: self.text(&meeting.agenda),
            invited: meeting.invited.iter().map(organ_shown).collect(),
            time: Some(timestamp(meeting.at)),
            place: meeting.place.clone(),
            minutes: self.maybe(minutes.map(|minutes| &minutes.text)),
            attended: minutes.map(|minutes| minutes.attended.clone()).unwrap_or_default(),
            decisions: minutes.map_or_else(Vec::new, |minutes| {
                minutes.decisions.iter().map(|decision| self.text(decision)).collect()
            }),
            tasks: meeting.tasks.iter().enumerate().map(|(place, task)| self.task(place, task)).collect(),
        }
    }
}

/// An engagement.
pub fn engagement(id: StreamId, version: u64, engagement: &Engagement, view: View, reader: Reader) -> pb::Engagement {
    let asked = &engagement.asked;
    let show = Shown { view, reader, names: asked.name().into_iter().collect() };
    let whole = view != View::List;
    let mut asker = asked.asker.as_ref().map(party);
    asker.iter_mut().filter(|_| view != View::Full).for_each(mask_party);
    let late = |meeting: &Meeting| meeting.tasks.iter().any(|task| task.overdue);
    pb::Engagement {
        id: id.to_string(),
        etag: wire::etag(version),
        stage: stage_shown(engagement.stage).into(),
        kind: kind_shown(asked.wanted.kind).into(),
        region_code: asked.wanted.region.clone(),
        park: asked.wanted.park.clone(),
        item_codes: asked.wanted.items.iter().cloned().collect(),
        theme_code: asked.wanted.theme.clone(),
        matter: show.maybe(asked.matter.as_ref().filter(|_| whole)),
        asker,
        entered_by: asked.for_another.then(|| actor(&engagement.entered_by, reader)),
        authorisation: engagement.authorisation.as_ref().map(|given| show.authorisation(given)),
        assignments: engagement.assignments.iter().map(|assigned| show.assignment(assigned)).collect(),
        hand_over: engagement.hand_over.as_ref().map(|offer| show.hand_over(offer)),
        steps: engagement.steps.iter().filter(|_| whole).map(|step| show.step(step)).collect(),
        meetings: match whole {
            true => engagement.meetings.iter().enumerate().map(|(place, held)| show.meeting(place, held)).collect(),
            false => Vec::new(),
        },
        application_ids: engagement.applications.iter().map(ToString::to_string).collect(),
        task_overdue: engagement.meetings.iter().any(late),
        report: show.maybe(engagement.report.as_ref().filter(|_| whole)),
        end_reason: match engagement.expired {
            true => "授权期限届满".to_owned(),
            false => show.maybe(engagement.remark.as_ref()),
        },
        create_time: Some(timestamp(engagement.asked_at)),
    }
}
