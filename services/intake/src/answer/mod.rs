//! 常见问答: an answer that was published for everybody, until the item that it speaks about changes.
//!
//! Invariant: nothing in it names a person, and nobody outside sees one that was not looked at since its item's last version.

pub mod decide;

use serde::{Deserialize, Serialize};
use yiwang_ledger::{Aggregate, Index, Meta, Refusal, StreamId, Tag, Timestamp};

use crate::application::Actor;
use crate::catalogue::Item;
use crate::catalogue::words::{self, Headings};
use crate::transfer::Organ;

/// How much of a question's text is cut into words for the search.
const SEARCHED: usize = 200;

/// The item that an answer speaks about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// 实施编码.
    pub code: String,
    /// 事项名称.
    pub name: String,
    /// The item's version that it was looked at against.
    pub edition: u64,
}

impl Subject {
    /// The item as it is now.
    pub fn of(item: &Item) -> Self {
        Subject { code: item.facts.code.clone(), name: item.facts.name.clone(), edition: edition(item) }
    }
}

/// The version of the item's stream that holds its elements in force.
pub fn edition(item: &Item) -> u64 {
    item.editions.last().map_or(0, |edition| edition.version)
}

/// What is published.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// In a few words.
    pub title: String,
    /// The question.
    pub question: String,
    /// The answer.
    pub answer: String,
    /// What it rests on.
    pub bases: Vec<String>,
    /// The organ that answers.
    pub organ: Organ,
    /// 行政区划, 12 digits.
    pub region: String,
    /// The item that it speaks about.
    pub item: Option<Subject>,
}

/// Where a published answer stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// Never published.
    #[default]
    Absent,
    /// 在用.
    Current,
    /// 待复核.
    Stale {
        /// What happened to the item.
        reason: String,
    },
    /// 已撤下.
    Withdrawn {
        /// Why.
        reason: String,
    },
}

impl Standing {
    /// Its name in tags.
    pub fn name(&self) -> &'static str {
        match self {
            Standing::Absent => "ABSENT",
            Standing::Current => "CURRENT",
            Standing::Stale { .. } => "STALE",
            Standing::Withdrawn { .. } => "WITHDRAWN",
        }
    }
}

/// A published answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// What is published.
    pub text: Published,
    /// Of which question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<StreamId>,
    /// Where it stands.
    pub standing: Standing,
    /// When it was first published.
    pub published_at: Timestamp,
    /// When it was last looked at.
    pub reviewed_at: Timestamp,
}

/// What happens to a published answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum Event {
    /// 公开.
    AnswerPublished {
        /// What.
        text: Box<Published>,
        /// Of which question; none in entries that are older than the field.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        question: Option<StreamId>,
        /// By whom.
        by: Actor,
    },
    /// The item has changed, or ended.
    AnswerWentStale {
        /// What happened to the item.
        reason: String,
    },
    /// 复核.
    AnswerReviewed {
        /// The answer from now on.
        answer: String,
        /// What it rests on.
        bases: Vec<String>,
        /// The item as it is now.
        item: Option<Subject>,
        /// By whom.
        by: Actor,
    },
    /// 撤下.
    AnswerWithdrawn {
        /// Why.
        reason: String,
        /// By whom.
        by: Actor,
    },
}

/// The stream of what is published of a question.
pub fn stream(question: StreamId) -> StreamId {
    StreamId::named(Answer::KIND, &question.to_string())
}

/// `ANSWER_NOT_FOUND`, worded alike whether it is missing or hidden from the caller.
pub fn not_found() -> Refusal {
    Refusal { reason: "ANSWER_NOT_FOUND", ..Refusal::not_found("问答") }
}

impl Answer {
    /// What it is found by.
    pub fn headings(&self) -> Headings<'_> {
        let text = &self.text;
        let cut = text.question.char_indices().nth(SEARCHED).map_or(text.question.len(), |(place, _)| place);
        Headings {
            code: &text.title,
            name: &text.title,
            main: text.question.get(..cut).unwrap_or_default(),
            office: &text.organ.name,
        }
    }
}

impl Aggregate for Answer {
    const KIND: &'static str = "answer";
    type Event = Event;

    fn evolve(&mut self, event: &Event, meta: &Meta) {
        match event {
            Event::AnswerPublished { text, question, .. } => {
                (self.text, self.question) = ((**text).clone(), *question);
                (self.standing, self.published_at, self.reviewed_at) = (Standing::Current, meta.at, meta.at);
            }
            Event::AnswerWentStale { reason } => self.standing = Standing::Stale { reason: reason.clone() },
            Event::AnswerReviewed { answer, bases, item, .. } => {
                self.text.answer.clone_from(answer);
                self.text.bases.clone_from(bases);
                self.text.item.clone_from(item);
                (self.standing, self.reviewed_at) = (Standing::Current, meta.at);
            }
            Event::AnswerWithdrawn { reason, .. } => self.standing = Standing::Withdrawn { reason: reason.clone() },
        }
    }

    fn index(&self) -> Index {
        Index {
            region: self.text.region.clone(),
            organisation: self.text.organ.code.clone(),
            owner: self.text.organ.code.clone(),
            item: self.text.item.as_ref().map(|item| item.code.clone()).unwrap_or_default(),
            status: self.standing.name().to_owned(),
            due_at: None,
        }
    }

    fn tags(&self) -> Vec<Tag> {
        if self.standing == Standing::Absent {
            return Vec::new();
        }
        let sort = Tag::newest_first(self.published_at);
        let tag = |name, value: &str| Tag::new(name, value, sort.clone());
        let mut tags = vec![
            tag(Tag::AUDIENCE, &format!("org:{}", self.text.organ.code)),
            tag(Tag::AUDIENCE, &format!("region:{}", self.text.region)),
            tag("standing", self.standing.name()),
            tag("organ", &self.text.organ.code),
        ];
        tags.extend(self.text.item.iter().map(|item| tag("item", &item.code)));
        if self.standing == Standing::Current {
            tags.push(tag(Tag::AUDIENCE, "public"));
        }
        tags.extend(words::heading_grams(&self.headings()).into_iter().map(|gram| Tag::new("gram", gram, "")));
        tags.sort();
        tags.dedup();
        tags
    }
}
