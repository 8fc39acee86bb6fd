//! 帮办代办: an engagement, from the request to the asker's word that it is done: who has it in hand, what they may do in the asker's
//! name, what they did, and what a joint meeting (联席会议) decided.
//!
//! Invariant: an authorisation names one agent at most, who has it in hand and did not enter it, and none outlives its last day or the
//! asker's word; the mandate by which the agent acts follows it ([`authority`]). Whatever is written about the asker stands in it only as [`Personal`] values.

pub mod authority;
pub mod decide;
pub mod meeting;
mod tags;

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_ledger::{Aggregate, Index, Meta, Personal, Refusal, StreamId, SubjectId, Tag, Timestamp};

pub use authority::Authorisation;
pub use meeting::{Meeting, Minutes, Task};

use crate::agent::choose::Wanted;
use crate::application::{Actor, Party};
use crate::transfer::Organ;

/// What is asked for, and by whom.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// What help, where and with what.
    pub wanted: Wanted,
    /// In the asker's words.
    pub matter: Option<Personal>,
    /// Whose data it holds: the asker's; where a clerk entered it and no document was shown, a subject of the engagement's own.
    pub subject: SubjectId,
    /// Who asks.
    pub asker: Option<Party>,
    /// A clerk entered it for somebody.
    pub for_another: bool,
}

impl Asked {
    /// Whether the subject is a person's, who may read it.
    pub fn is_known(&self) -> bool {
        !self.for_another || self.asker.as_ref().is_some_and(Party::is_identified)
    }

    /// 姓名, where it is known.
    pub fn name(&self) -> Option<&str> {
        self.asker.as_ref().and_then(|asker| asker.name.as_ref()).and_then(Personal::get)
    }
}

/// An agent, as an engagement remembers them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Helper {
    /// The account.
    pub account: String,
    /// Name.
    pub name: String,
    /// The organ.
    pub organ: Organ,
}

/// Who has it in hand, or had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// Who.
    pub helper: Helper,
    /// The coordinator's reason; none where the rule chose or it was handed over.
    pub reason: Option<Personal>,
    /// Who assigned.
    pub by: Actor,
    /// Since when.
    pub at: Timestamp,
}

/// A step or a visit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// 上门、到场.
    pub visit: bool,
    /// What was done.
    pub what: Personal,
    /// Where.
    pub place: Option<Personal>,
    /// With whom.
    pub with_whom: Option<Personal>,
    /// What comes next.
    pub next: Option<Personal>,
    /// When it was.
    pub at: Timestamp,
    /// When it was written down.
    pub recorded_at: Timestamp,
    /// By whom.
    pub by: Actor,
}

/// What an agent writes down of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    /// 上门、到场.
    pub visit: bool,
    /// What was done.
    pub what: Personal,
    /// Where.
    pub place: Option<Personal>,
    /// With whom.
    pub with_whom: Option<Personal>,
    /// What comes next.
    pub next: Option<Personal>,
    /// When it was.
    pub at: Timestamp,
}

/// 交接.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandOver {
    /// To whom.
    pub to: Helper,
    /// What is open.
    pub open: Personal,
    /// When it was offered.
    pub at: Timestamp,
    /// Why it was refused; none while it waits.
    pub refusal: Option<Personal>,
}

/// Where an engagement stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Stage {
    /// Not begun.
    #[default]
    Absent,
    /// 待指派.
    Waiting,
    /// 代办中.
    InHand,
    /// 待确认.
    Reported,
    /// 已办结.
    Closed,
    /// 已终止.
    Ended,
}

impl Stage {
    /// Its name in tags.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether something is still to be done.
    pub fn is_open(self) -> bool {
        matches!(self, Stage::Waiting | Stage::InHand | Stage::Reported)
    }
}

/// An engagement. See the module's page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Engagement {
    /// What is asked for.
    pub asked: Asked,
    /// Who entered it.
    pub entered_by: Actor,
    /// When.
    pub asked_at: Timestamp,
    /// Where it stands.
    pub stage: Stage,
    /// 授权.
    pub authorisation: Option<Authorisation>,
    /// Who has had it in hand, oldest first.
    pub assignments: Vec<Assignment>,
    /// The last hand-over that was offered and not accepted.
    pub hand_over: Option<HandOver>,
    /// 代办日志.
    pub steps: Vec<Step>,
    /// 联席会议.
    pub meetings: Vec<Meeting>,
    /// Applications that it is about.
    pub applications: BTreeSet<StreamId>,
    /// What the agent reported last.
    pub report: Option<Personal>,
    /// Why it ended, or what the asker misses.
    pub remark: Option<Personal>,
    /// It ended because the authorisation's days were over.
    pub expired: bool,
}

/// What happens to an engagement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum Event {
    /// 申请代办.
    HelpAsked {
        /// What.
        asked: Box<Asked>,
        /// What the agent may do.
        authorisation: Option<Authorisation>,
        /// Applications that it is about.
        applications: BTreeSet<StreamId>,
        /// Who entered it.
        by: Actor,
    },
    /// 指派.
    AgentAssigned {
        /// Who.
        helper: Helper,
        /// The coordinator's reason; none where the rule chose.
        reason: Option<Personal>,
        /// Who assigned.
        by: Actor,
    },
    /// 授权.
    AgentAuthorised {
        /// What the agent may do.
        authorisation: Authorisation,
    },
    /// 撤回委托: effective at once.
    AuthorisationWithdrawn {
        /// Why.
        reason: Option<Personal>,
        /// Who.
        by: Actor,
    },
    /// The authorisation's last day is over.
    AuthorisationExpired {
        /// That day.
        until: NaiveDate,
    },
    /// 关联申请.
    ApplicationLinked {
        /// Which.
        application: StreamId,
        /// By whom.
        by: Actor,
    },
    /// 代办日志.
    StepRecorded {
        /// What.
        log: Log,
        /// By whom.
        by: Actor,
    },
    /// 交接 is offered.
    HandOverOffered {
        /// To whom.
        to: Helper,
        /// What is open.
        open: Personal,
        /// By whom.
        by: Actor,
    },
    /// It is refused.
    HandOverRefused {
        /// Why.
        reason: Personal,
        /// By whom.
        by: Actor,
    },
    /// It is accepted.
    HandOverAccepted {
        /// By whom.
        by: Actor,
    },
    /// 联席会议.
    MeetingCalled {
        /// What, whom, when and where.
        meeting: Box<Meeting>,
    },
    /// 会议纪要.
    MeetingRecorded {
        /// Which meeting, from 0.
        meeting: usize,
        /// What was said and decided.
        minutes: Box<Minutes>,
        /// Who does what.
        tasks: Vec<Task>,
    },
    /// A task is done.
    TaskCompleted {
        /// Of which meeting, from 0.
        meeting: usize,
        /// Which task, from 0.
        task: usize,
        /// What came of it.
        result: Personal,
        /// By whom.
        by: Actor,
    },
    /// The day of a task passed.
    TaskOverdue {
        /// Of which meeting, from 0.
        meeting: usize,
        /// Which task, from 0.
        task: usize,
    },
    /// 办结报告.
    EngagementReported {
        /// What was done.
        report: Personal,
        /// By whom.
        by: Actor,
    },
    /// The asker agrees.
    EngagementConfirmed {
        /// Who entered it.
        by: Actor,
    },
    /// The asker does not.
    EngagementDisputed {
        /// What is not done.
        reason: Personal,
        /// Who entered it.
        by: Actor,
    },
}

/// `ENGAGEMENT_NOT_FOUND`, worded alike whether it is missing or hidden from the caller.
pub fn not_found() -> Refusal {
    Refusal { reason: "ENGAGEMENT_NOT_FOUND", ..Refusal::not_found("代办事项") }
}

impl Engagement {
    /// Who has it in hand; none while it waits, and once it is over.
    pub fn helper(&self) -> Option<&Helper> {
        self.stage.is_open().then(|| self.assignments.last().map(|assigned| &assigned.helper)).flatten()
    }

    /// The hand-over that waits.
    pub fn offered(&self) -> Option<&HandOver> {
        self.hand_over.as_ref().filter(|offer| self.stage == Stage::InHand && offer.refusal.is_none())
    }

    /// Somebody's own.
    pub fn is_of(&self, subject: &SubjectId) -> bool {
        self.asked.is_known() && self.asked.subject == *subject
    }

    /// Another agent has it in hand: the authorisation is theirs where the asker has agreed to that (民法典 art. 169), and the first one's
    /// who comes.
    fn pass(&mut self, helper: &Helper, reason: Option<Personal>, by: &Actor, at: Timestamp) {
        let first = self.assignments.is_empty();
        if let Some(given) = &mut self.authorisation {
            given.agent = if first || given.substitution { given.named(&helper.account) } else { None };
        }
        self.assignments.push(Assignment { helper: helper.clone(), reason, by: by.clone(), at });
        (self.stage, self.hand_over) = (Stage::InHand, None);
    }
}

impl Aggregate for Engagement {
    const KIND: &'static str = "engagement";
    type Event = Event;

    fn evolve(&mut self, event: &Event, meta: &Meta) {
        match event {
            Event::HelpAsked { asked, authorisation, applications, by } => {
                (self.asked, self.entered_by, self.asked_at) = ((**asked).clone(), by.clone(), meta.at);
                let version = meta.version;
                self.authorisation = authorisation.clone().map(|given| Authorisation { version, ..given });
                self.applications.clone_from(applications);
                self.stage = Stage::Waiting;
            }
            Event::AgentAssigned { helper, reason, by } => self.pass(helper, reason.clone(), by, meta.at),
            Event::AgentAuthorised { authorisation } => {
                let agent = self.helper().and_then(|helper| authorisation.named(&helper.account));
                self.authorisation = Some(Authorisation { agent, version: meta.version, ..authorisation.clone() });
            }
            Event::AuthorisationWithdrawn { reason, .. } => {
                (self.stage, self.remark) = (Stage::Ended, reason.clone());
            }
            Event::AuthorisationExpired { .. } => (self.stage, self.expired) = (Stage::Ended, true),
            Event::ApplicationLinked { application, .. } => {
                self.applications.insert(*application);
            }
            Event::StepRecorded { log, by } => {
                let Log { visit, what, place, with_whom, next, at } = log.clone();
                self.steps.push(Step { visit, what, place, with_whom, next, at, recorded_at: meta.at, by: by.clone() });
            }
            Event::HandOverOffered { to, open, .. } => {
                self.hand_over = Some(HandOver { to: to.clone(), open: open.clone(), at: meta.at, refusal: None });
            }
            Event::HandOverRefused { reason, .. } => {
                if let Some(offer) = &mut self.hand_over {
                    offer.refusal = Some(reason.clone());
                }
            }
            Event::HandOverAccepted { by } => {
                if let Some(offer) = self.hand_over.take() {
                    self.pass(&offer.to, None, by, meta.at);
                }
            }
            Event::MeetingCalled { meeting } => self.meetings.push((**meeting).clone()),
            Event::MeetingRecorded { meeting, minutes, tasks } => {
                if let Some(held) = self.meetings.get_mut(*meeting) {
                    (held.minutes, held.tasks) = (Some((**minutes).clone()), tasks.clone());
                }
            }
            Event::TaskCompleted { meeting, task, result, .. } => {
                if let Some(task) = self.meetings.get_mut(*meeting).and_then(|held| held.tasks.get_mut(*task)) {
                    (task.result, task.done_at, task.overdue) = (Some(result.clone()), Some(meta.at), false);
                }
            }
            Event::TaskOverdue { meeting, task } => {
                if let Some(task) = self.meetings.get_mut(*meeting).and_then(|held| held.tasks.get_mut(*task)) {
                    task.overdue = true;
                }
            }
            Event::EngagementReported { report, .. } => {
                (self.stage, self.report) = (Stage::Reported, Some(report.clone()));
            }
            Event::EngagementConfirmed { .. } => self.stage = Stage::Closed,
            Event::EngagementDisputed { reason, .. } => {
                (self.stage, self.remark) = (Stage::InHand, Some(reason.clone()));
            }
        }
    }

    fn index(&self) -> Index {
        tags::index(self)
    }

    fn tags(&self) -> Vec<Tag> {
        tags::tags(self)
    }
}
