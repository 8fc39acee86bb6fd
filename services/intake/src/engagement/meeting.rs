//! 联席会议: called for an engagement, with departments; its minutes, what it decided, and who does what until when.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_ledger::{Context, Decision, Kind, Personal, Refusal, Timestamp};

use super::{Engagement, Event, Stage, decide::elsewhere};
use crate::application::Actor;
use crate::limit::legal_date;
use crate::transfer::Organ;

/// No engagement has more meetings.
const MEETINGS: usize = 20;

/// A joint meeting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meeting {
    /// What it is about.
    pub agenda: Personal,
    /// Who is invited.
    pub invited: Vec<Organ>,
    /// When.
    pub at: Timestamp,
    /// Where.
    pub place: String,
    /// Who called it.
    pub by: Actor,
    /// 会议纪要.
    pub minutes: Option<Minutes>,
    /// Who does what.
    pub tasks: Vec<Task>,
}

/// 会议纪要.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Minutes {
    /// What was said.
    pub text: Personal,
    /// Codes of the organs that came.
    pub attended: Vec<String>,
    /// What was decided.
    pub decisions: Vec<Personal>,
    /// Who wrote them.
    pub by: Actor,
}

/// What one of the invited does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// The organ.
    pub organ: Organ,
    /// Who there.
    pub who: String,
    /// What.
    pub what: Personal,
    /// Last day.
    pub until: NaiveDate,
    /// What came of it.
    pub result: Option<Personal>,
    /// When it was done.
    pub done_at: Option<Timestamp>,
    /// The day passed.
    pub overdue: bool,
}

impl Task {
    /// Whether it is still to be done.
    pub fn is_open(&self) -> bool {
        self.result.is_none()
    }
}

/// A task as it was decided; its organ by code.
#[derive(Clone, Debug)]
pub struct Order {
    /// Code of the organ.
    pub organ: String,
    /// Who there.
    pub who: String,
    /// What.
    pub what: Personal,
    /// Last day.
    pub until: NaiveDate,
}

/// Calls a meeting.
///
/// # Errors
/// `ENGAGEMENT_NOT_AT_STAGE`, `FIELD_INVALID`.
pub fn call(engagement: &Engagement, meeting: &Meeting) -> Decision<Event> {
    if engagement.stage != Stage::InHand {
        return Err(elsewhere(engagement));
    }
    if engagement.meetings.len() >= MEETINGS {
        return Err(Refusal::field("agenda", "FIELD_INVALID", "联席会议过多", "too many meetings"));
    }
    Ok(vec![Event::MeetingCalled { meeting: Box::new(meeting.clone()) }])
}

/// 会议纪要, once it was held. Whoever came and whoever has a task was invited.
///
/// # Errors
/// `ENGAGEMENT_NOT_AT_STAGE`, `MEETING_NOT_FOUND`, `MINUTES_THERE`, `MEETING_AHEAD`, `NOT_INVITED`, `DATE_IN_THE_PAST`.
pub fn record(
    engagement: &Engagement,
    at: Option<usize>,
    minutes: &Minutes,
    orders: &[Order],
    cx: &Context,
) -> Decision<Event> {
    if !matches!(engagement.stage, Stage::InHand | Stage::Reported) {
        return Err(elsewhere(engagement));
    }
    let Some((place, held)) = at.and_then(|place| Some((place, engagement.meetings.get(place)?))) else {
        return Err(Refusal { reason: "MEETING_NOT_FOUND", ..Refusal::not_found("联席会议") });
    };
    if held.minutes.is_some() {
        return Err(Refusal::state("MINUTES_THERE", "会议纪要已经形成", "the minutes are written"));
    }
    if cx.now < held.at {
        return Err(Refusal::state("MEETING_AHEAD", "会议尚未召开", "the meeting has not been held"));
    }
    let invited = |field: String, code: &str| {
        held.invited
            .iter()
            .find(|organ| organ.code == code)
            .ok_or_else(|| Refusal::field(field, "NOT_INVITED", "该机关没有受邀", "this organ was not invited"))
    };
    for (place, code) in minutes.attended.iter().enumerate() {
        invited(format!("attended[{place}]"), code)?;
    }
    let today = legal_date(cx.now);
    let one = |(place, order): (usize, &Order)| {
        let organ = invited(format!("tasks[{place}].organisation"), &order.organ)?.clone();
        if order.until < today {
            let (zh, en) = ("完成期限不得早于今天", "the last day is not before today");
            return Err(Refusal::field(format!("tasks[{place}].until_date"), "DATE_IN_THE_PAST", zh, en));
        }
        let (who, what, until) = (order.who.clone(), order.what.clone(), order.until);
        Ok(Task { organ, who, what, until, result: None, done_at: None, overdue: false })
    };
    let tasks = orders.iter().enumerate().map(one).collect::<Result<_, _>>()?;
    Ok(vec![Event::MeetingRecorded { meeting: place, minutes: Box::new(minutes.clone()), tasks }])
}

/// A department says that its task is done; late is better than never, and after the engagement's end too.
///
/// # Errors
/// `TASK_NOT_FOUND`, `TASK_DONE`.
pub fn complete(engagement: &Engagement, at: Option<(usize, usize)>, result: &Personal, by: &Actor) -> Decision<Event> {
    let found =
        at.and_then(|(meeting, task)| Some((meeting, task, engagement.meetings.get(meeting)?.tasks.get(task)?)));
    let Some((meeting, task, open)) = found else { return Err(task_not_found()) };
    if !open.is_open() {
        return Err(Refusal::state("TASK_DONE", "该任务已经完成", "the task is done"));
    }
    Ok(vec![Event::TaskCompleted { meeting, task, result: result.clone(), by: by.clone() }])
}

/// `TASK_NOT_FOUND`.
pub fn task_not_found() -> Refusal {
    Refusal::new(Kind::NotFound, "TASK_NOT_FOUND", "没有该任务", "there is no such task")
}
