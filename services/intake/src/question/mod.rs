//! 网上咨询: a question, the organ that is responsible for it (首问负责), what it answers, and whether that helped.
//!
//! Invariant: once an organ has taken a question there is always exactly one that is responsible, until it has answered; no hand-over moves
//! the asker's date. Whatever is written stands in it only as [`Personal`] values of whoever asks.

pub mod decide;
pub mod masking;
pub mod rules;
mod tags;

use serde::{Deserialize, Serialize};
use yiwang_ledger::{Aggregate, Index, Meta, Personal, Refusal, StreamId, SubjectId, Tag, Timestamp};
pub use yiwang_standards::codes::Satisfaction;

pub use rules::Rules;

use crate::application::{Actor, Party};
use crate::limit::Due;
use crate::transfer::Organ;

/// How a question came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Channel {
    /// 网上.
    #[default]
    Online,
    /// 电话.
    Phone,
    /// 窗口.
    Window,
    /// 信函.
    Mail,
    /// 直通车.
    DirectLine,
}

/// The item that something is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// 实施编码.
    pub code: String,
    /// 事项名称.
    pub name: String,
}

/// What is asked, by whom, and where it goes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// In a few words.
    pub title: Option<Personal>,
    /// 行政区划, 12 digits.
    pub region: String,
    /// The item it is about.
    pub item: Option<About>,
    /// To whom; none: to the windows of the region.
    pub addressed: Option<Organ>,
    /// How it came.
    pub channel: Channel,
    /// Whose data it holds: the asker's; where a clerk entered it and no document was shown, a subject of the question's own.
    pub subject: SubjectId,
    /// Who asks.
    pub asker: Option<Party>,
    /// The account that owns it.
    pub owner: String,
    /// A clerk entered it for somebody.
    pub for_another: bool,
    /// Agrees that it is published.
    pub consents: bool,
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

/// What a text of the asker's is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UtteranceKind {
    /// 提问.
    Question,
    /// 补充.
    Supplement,
    /// 追问.
    FollowUp,
}

/// Something the asker said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Utterance {
    /// What it is.
    pub kind: UtteranceKind,
    /// In their words.
    pub text: Personal,
    /// When.
    pub at: Timestamp,
    /// Who wrote it down.
    pub by: Actor,
}

/// What became of an offer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Nobody has said.
    #[default]
    Open,
    /// Taken over.
    Taken,
    /// Returned.
    Returned(Personal),
    /// Answered, withdrawn or assigned meanwhile.
    Overtaken,
}

/// 转办: an offer to another organ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandOn {
    /// By whom.
    pub from: Organ,
    /// To whom.
    pub to: Organ,
    /// Why.
    pub reason: Personal,
    /// When.
    pub at: Timestamp,
    /// What became of it.
    pub outcome: Outcome,
}

/// 指定承办.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// Whose it is.
    pub organ: Organ,
    /// Why.
    pub reason: Personal,
    /// Who said it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// 延期.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    /// Why, as the asker is told.
    pub reason: Personal,
    /// Who granted it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// The date before it.
    pub previous: chrono::NaiveDate,
}

/// 答复.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The answer.
    pub text: Personal,
    /// What it rests on.
    pub bases: Vec<String>,
    /// The published answer it points to.
    pub published: Option<StreamId>,
    /// The organ.
    pub organ: Organ,
    /// Who answered.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// After the date.
    pub late: bool,
}

/// 评价.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rating {
    /// 满意度.
    pub satisfaction: Satisfaction,
    /// In words.
    pub comment: Option<Personal>,
    /// When.
    pub at: Timestamp,
    /// It opened the question again.
    pub reopened: bool,
}

/// Where a question stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Stage {
    /// Not begun.
    #[default]
    Absent,
    /// 待签收.
    Waiting,
    /// 办理中.
    InHand,
    /// 转办，待对方签收: the last of the offers is open.
    Offered,
    /// 待协调.
    Referred,
    /// 已答复.
    Answered,
    /// 已办结.
    Closed,
    /// 已撤回.
    Withdrawn,
}

impl Stage {
    /// Its name in tags.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether the asker waits for an answer.
    pub fn is_open(self) -> bool {
        matches!(self, Stage::Waiting | Stage::InHand | Stage::Offered | Stage::Referred)
    }
}

/// A question. See the module's page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// What is asked.
    pub asked: Asked,
    /// Who entered it.
    pub entered_by: Actor,
    /// When.
    pub asked_at: Timestamp,
    /// What binds it.
    pub rules: Rules,
    /// Where it stands.
    pub stage: Stage,
    /// What the asker said, oldest first.
    pub utterances: Vec<Utterance>,
    /// 首问负责.
    pub responsible: Option<Organ>,
    /// When the question reached the organ whose turn it is to say that it is not competent.
    pub reached_at: Timestamp,
    /// That organ let its hours pass without taking it.
    pub reaction_overdue: bool,
    /// Offers to other organs, oldest first.
    pub hand_ons: Vec<HandOn>,
    /// 指定承办.
    pub assignment: Option<Assignment>,
    /// By when it is answered; none before it is asked.
    pub due: Option<Due>,
    /// That date passed.
    pub overdue: bool,
    /// 延期.
    pub extension: Option<Extension>,
    /// Answers, oldest first.
    pub answers: Vec<Answer>,
    /// Ratings, oldest first.
    pub ratings: Vec<Rating>,
    /// By when a follow-up or a rating comes.
    pub closes: Option<Due>,
}

/// What happens to a question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum Event {
    /// 提问.
    QuestionAsked {
        /// What.
        asked: Box<Asked>,
        /// The question.
        text: Personal,
        /// What binds it.
        rules: Box<Rules>,
        /// By when it is answered.
        due: Due,
        /// Who entered it.
        by: Actor,
    },
    /// 补充.
    QuestionSupplemented {
        /// What.
        text: Personal,
        /// Who entered it.
        by: Actor,
    },
    /// 追问.
    FollowUpAsked {
        /// What.
        text: Personal,
        /// By when it is answered.
        due: Due,
        /// Who entered it.
        by: Actor,
    },
    /// 撤回.
    QuestionWithdrawn {
        /// Who.
        by: Actor,
    },
    /// 签收.
    QuestionTaken {
        /// Who is responsible from now on.
        organ: Organ,
        /// Who took it.
        by: Actor,
    },
    /// 转办.
    QuestionHandedOn {
        /// By whom.
        from: Organ,
        /// To whom.
        to: Organ,
        /// Why.
        reason: Personal,
        /// Who said it.
        by: Actor,
    },
    /// 提请协调: the offers of the rule are used.
    QuestionReferred {
        /// Whose it is, as the organ sees it.
        to: Organ,
        /// Why.
        reason: Personal,
        /// Who said it.
        by: Actor,
    },
    /// 退回.
    QuestionReturned {
        /// Why.
        reason: Personal,
        /// Who said it.
        by: Actor,
    },
    /// 指定承办.
    QuestionAssigned {
        /// Whose it is.
        organ: Organ,
        /// Why.
        reason: Personal,
        /// Who said it.
        by: Actor,
    },
    /// 延期.
    QuestionExtended {
        /// Why.
        reason: Personal,
        /// The new date.
        due: Due,
        /// Who granted it.
        by: Actor,
    },
    /// 答复.
    QuestionAnswered {
        /// The answer.
        text: Personal,
        /// What it rests on.
        bases: Vec<String>,
        /// The published answer it points to.
        published: Option<StreamId>,
        /// After the date.
        late: bool,
        /// By when a follow-up or a rating comes.
        closes: Due,
        /// Who answered.
        by: Actor,
    },
    /// 评价.
    QuestionRated {
        /// 满意度.
        satisfaction: Satisfaction,
        /// In words.
        comment: Option<Personal>,
        /// The new date, where it opened the question again.
        reopened: Option<Due>,
        /// Who entered it.
        by: Actor,
    },
    /// The hours passed, and nobody has taken it.
    ReactionOverdue,
    /// The date passed without an answer.
    AnswerOverdue {
        /// The date.
        due: chrono::NaiveDate,
    },
    /// Nobody rated it and nobody asked on.
    QuestionClosed,
    /// A year of the calendar was loaded.
    DatesRecomputed {
        /// By when it is answered.
        due: Option<Due>,
        /// By when a follow-up or a rating comes.
        closes: Option<Due>,
    },
}

/// `QUESTION_NOT_FOUND`, worded alike whether it is missing or hidden from the caller.
pub fn not_found() -> Refusal {
    Refusal { reason: "QUESTION_NOT_FOUND", ..Refusal::not_found("咨询") }
}

impl Question {
    /// The organ that must take it or say that it is not competent: the addressed one, or the one it was handed on to.
    pub fn reached(&self) -> Option<&Organ> {
        match self.stage {
            Stage::Waiting => self.asked.addressed.as_ref(),
            Stage::Offered => self.hand_ons.last().map(|offer| &offer.to),
            _ => None,
        }
    }

    /// By when an organ says that it is not competent, counted from when the question reached it.
    pub fn react_by(&self) -> Timestamp {
        let hours = i64::from(self.rules.not_ours_hours);
        Timestamp(self.reached_at.0.saturating_add(hours.saturating_mul(3_600_000_000)))
    }

    /// Somebody's own question.
    pub fn is_of(&self, subject: &SubjectId) -> bool {
        self.asked.is_known() && self.asked.subject == *subject
    }

    fn close_offer(&mut self, outcome: Outcome) {
        if let Some(offer) = self.hand_ons.last_mut().filter(|offer| offer.outcome == Outcome::Open) {
            offer.outcome = outcome;
        }
    }

    fn begin_round(&mut self, due: &Due) {
        (self.stage, self.due, self.overdue, self.extension) = (Stage::InHand, Some(due.clone()), false, None);
        self.closes = None;
    }

    /// `reached_at` stays where the organ was reached before it took the question.
    fn take(&mut self, organ: &Organ, at: Option<Timestamp>) {
        self.reached_at = at.unwrap_or(self.reached_at);
        (self.stage, self.responsible, self.reaction_overdue) = (Stage::InHand, Some(organ.clone()), false);
    }
}

impl Aggregate for Question {
    const KIND: &'static str = "question";
    type Event = Event;

    fn evolve(&mut self, event: &Event, meta: &Meta) {
        let say =
            |kind, text: &Personal, by: &Actor| Utterance { kind, text: text.clone(), at: meta.at, by: by.clone() };
        match event {
            Event::QuestionAsked { asked, text, rules, due, by } => {
                self.utterances.push(say(UtteranceKind::Question, text, by));
                (self.asked, self.rules) = ((**asked).clone(), (**rules).clone());
                (self.entered_by, self.asked_at, self.reached_at) = (by.clone(), meta.at, meta.at);
                (self.stage, self.due) = (Stage::Waiting, Some(due.clone()));
            }
            Event::QuestionSupplemented { text, by } => {
                self.utterances.push(say(UtteranceKind::Supplement, text, by));
            }
            Event::FollowUpAsked { text, due, by } => {
                self.utterances.push(say(UtteranceKind::FollowUp, text, by));
                self.begin_round(due);
            }
            Event::QuestionWithdrawn { .. } => {
                self.close_offer(Outcome::Overtaken);
                self.stage = Stage::Withdrawn;
            }
            Event::QuestionTaken { organ, .. } => {
                let unreached = self.reached().is_none();
                self.close_offer(Outcome::Taken);
                self.take(organ, unreached.then_some(meta.at));
            }
            Event::QuestionHandedOn { from, to, reason, .. } => {
                let (from, to, reason) = (from.clone(), to.clone(), reason.clone());
                self.hand_ons.push(HandOn { from, to, reason, at: meta.at, outcome: Outcome::Open });
                (self.stage, self.reached_at, self.reaction_overdue) = (Stage::Offered, meta.at, false);
            }
            Event::QuestionReferred { .. } => self.stage = Stage::Referred,
            Event::QuestionReturned { reason, .. } => {
                self.close_offer(Outcome::Returned(reason.clone()));
                // back to who handed it on, who may name another organ within its hours
                (self.stage, self.reached_at, self.reaction_overdue) = (Stage::InHand, meta.at, false);
            }
            Event::QuestionAssigned { organ, reason, by } => {
                self.close_offer(Outcome::Overtaken);
                self.take(organ, Some(meta.at));
                let (organ, reason, by) = (organ.clone(), reason.clone(), by.clone());
                self.assignment = Some(Assignment { organ, reason, by, at: meta.at });
            }
            Event::QuestionExtended { reason, due, by } => {
                let previous = self.due.as_ref().map(|due| due.date).unwrap_or_default();
                let (reason, by) = (reason.clone(), by.clone());
                self.extension = Some(Extension { reason, by, at: meta.at, previous });
                self.due = Some(due.clone());
            }
            Event::QuestionAnswered { text, bases, published, late, closes, by } => {
                self.close_offer(Outcome::Overtaken);
                self.answers.push(Answer {
                    text: text.clone(),
                    bases: bases.clone(),
                    published: *published,
                    organ: self.responsible.clone().unwrap_or_default(),
                    by: by.clone(),
                    at: meta.at,
                    late: *late,
                });
                (self.stage, self.closes, self.reaction_overdue) = (Stage::Answered, Some(closes.clone()), false);
            }
            Event::QuestionRated { satisfaction, comment, reopened, .. } => {
                let (satisfaction, comment) = (*satisfaction, comment.clone());
                self.ratings.push(Rating { satisfaction, comment, at: meta.at, reopened: reopened.is_some() });
                match reopened {
                    Some(due) => self.begin_round(due),
                    None => self.stage = Stage::Closed,
                }
            }
            Event::ReactionOverdue => self.reaction_overdue = true,
            Event::AnswerOverdue { .. } => self.overdue = true,
            Event::QuestionClosed => self.stage = Stage::Closed,
            Event::DatesRecomputed { due, closes } => {
                if due.as_ref().map(|due| due.date) != self.due.as_ref().map(|due| due.date) {
                    self.overdue = false;
                }
                (self.due, self.closes) = (due.clone(), closes.clone());
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
