//! 实施清单编制: the draft of an item's next version, a stream of its own. Drafted, reviewed (审核), its legality reviewed
//! (合法性审查), its risk points reviewed (风险点审查), published; each step by another person. Published, it does not change any
//! more: the relay `publishing` brings it into the catalogue.
//!
//! Invariant: an item has one open draft at a time.

pub mod check;
pub mod decide;
pub mod details;
mod process;

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_ledger::{Aggregate, Index, Meta, Refusal, Tag, Timestamp, UniqueKey};

use crate::application::Actor;
use crate::catalogue::ItemFacts;

/// Where a draft stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// Not begun.
    #[default]
    Absent,
    /// 起草.
    Drafting,
    /// 审核, by the department.
    Review,
    /// 合法性审查.
    Legality,
    /// 风险点审查.
    Risks,
    /// 待发布: every review is passed.
    Ready,
    /// 已发布.
    Published,
    /// 已放弃.
    Abandoned,
}

impl Stage {
    /// Its name in tags.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Absent => "ABSENT",
            Stage::Drafting => "DRAFTING",
            Stage::Review => "REVIEW",
            Stage::Legality => "LEGALITY",
            Stage::Risks => "RISKS",
            Stage::Ready => "READY",
            Stage::Published => "PUBLISHED",
            Stage::Abandoned => "ABANDONED",
        }
    }

    /// What follows where a review is passed.
    fn next(self) -> Stage {
        match self {
            Stage::Review => Stage::Legality,
            Stage::Legality => Stage::Risks,
            Stage::Risks => Stage::Ready,
            other => other,
        }
    }

    /// Whether anything may still happen to it.
    pub fn is_open(self) -> bool {
        !matches!(self, Stage::Absent | Stage::Published | Stage::Abandoned)
    }
}

/// 风险点, and what keeps it from becoming real.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Risk {
    /// The point.
    pub text: String,
    /// The measure.
    pub measure: String,
}

/// What was said at a stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opinion {
    /// The stage.
    pub stage: Stage,
    /// Passed on, or returned.
    pub passed: bool,
    /// The opinion.
    pub text: String,
    /// By whom.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// The draft of an item's next version.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// Its elements.
    pub facts: ItemFacts,
    /// Where it stands.
    pub stage: Stage,
    /// Who has written in it.
    pub drafters: BTreeSet<String>,
    /// Who has passed it since it was handed in last.
    pub passed_by: BTreeSet<String>,
    /// What was said of it, oldest first.
    pub opinions: Vec<Opinion>,
    /// 风险点.
    pub risks: Vec<Risk>,
    /// First day of the version; none before it is published.
    pub from: Option<NaiveDate>,
    /// When it was begun.
    pub begun: Timestamp,
}

/// What happens to a draft.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum Event {
    /// It was begun: with what the directory says (认领), or with what is in force.
    DraftBegun {
        /// The elements that it begins with.
        facts: Box<ItemFacts>,
        /// By whom.
        by: Actor,
    },
    /// Its elements were written.
    DraftSaved {
        /// All of them.
        facts: Box<ItemFacts>,
        /// By whom.
        by: Actor,
    },
    /// It was handed to review.
    DraftSubmitted {
        /// By whom.
        by: Actor,
    },
    /// A review passed it on.
    DraftPassed {
        /// Which.
        stage: Stage,
        /// The opinion.
        opinion: String,
        /// 风险点; only of their review.
        risks: Vec<Risk>,
        /// By whom.
        by: Actor,
    },
    /// A review returned it to drafting.
    DraftReturned {
        /// Which.
        stage: Stage,
        /// Why.
        opinion: String,
        /// By whom.
        by: Actor,
    },
    /// It was published.
    DraftPublished {
        /// The elements as published: what is the directory's was written in once more.
        facts: Box<ItemFacts>,
        /// First day.
        from: NaiveDate,
        /// By whom.
        by: Actor,
    },
    /// It was given up.
    DraftAbandoned {
        /// Why.
        reason: String,
        /// By whom.
        by: Actor,
    },
}

/// One open draft an item.
pub const OPEN: &str = "DRAFT_OPEN";

/// `DRAFT_NOT_FOUND`, worded alike whether it is missing or hidden from the caller.
pub fn not_found() -> Refusal {
    Refusal { reason: "DRAFT_NOT_FOUND", ..Refusal::not_found("编制稿") }
}

impl Draft {
    fn said(&mut self, stage: Stage, passed: bool, text: &str, by: &Actor, meta: &Meta) {
        self.opinions.push(Opinion { stage, passed, text: text.to_owned(), by: by.clone(), at: meta.at });
    }
}

impl Aggregate for Draft {
    const KIND: &'static str = "item_draft";
    type Event = Event;

    fn evolve(&mut self, event: &Event, meta: &Meta) {
        match event {
            Event::DraftBegun { facts, by } => {
                self.facts = (**facts).clone();
                self.stage = Stage::Drafting;
                self.drafters.insert(by.id.clone());
                self.begun = meta.at;
            }
            Event::DraftSaved { facts, by } => {
                self.facts = (**facts).clone();
                self.drafters.insert(by.id.clone());
            }
            Event::DraftSubmitted { by } => {
                self.stage = Stage::Review;
                self.drafters.insert(by.id.clone());
                self.passed_by.clear();
            }
            Event::DraftPassed { stage, opinion, risks, by } => {
                self.said(*stage, true, opinion, by, meta);
                self.passed_by.insert(by.id.clone());
                if *stage == Stage::Risks {
                    self.risks.clone_from(risks);
                }
                self.stage = stage.next();
            }
            Event::DraftReturned { stage, opinion, by } => {
                self.said(*stage, false, opinion, by, meta);
                self.stage = Stage::Drafting;
            }
            Event::DraftPublished { facts, from, by } => {
                self.facts = (**facts).clone();
                self.from = Some(*from);
                self.said(Stage::Ready, true, "", by, meta);
                self.stage = Stage::Published;
            }
            Event::DraftAbandoned { reason, by } => {
                self.said(self.stage, false, reason, by, meta);
                self.stage = Stage::Abandoned;
            }
        }
    }

    fn index(&self) -> Index {
        Index {
            region: self.facts.region.clone(),
            organisation: self.facts.department_code.clone(),
            owner: self.facts.department_code.clone(),
            item: self.facts.code.clone(),
            status: self.stage.name().to_owned(),
            due_at: None,
        }
    }

    fn tags(&self) -> Vec<Tag> {
        if self.stage == Stage::Absent {
            return Vec::new();
        }
        let sort = Tag::newest_first(self.begun);
        vec![
            Tag::new(Tag::AUDIENCE, format!("org:{}", self.facts.department_code), sort.clone()),
            Tag::new(Tag::AUDIENCE, format!("drafts:{}", self.facts.region), sort.clone()),
            Tag::new("stage", self.stage.name(), sort.clone()),
            Tag::new("item", self.facts.code.clone(), sort),
        ]
    }

    fn keys(&self) -> Vec<UniqueKey> {
        let open = self.stage.is_open().then(|| UniqueKey { scope: OPEN, key: self.facts.code.clone() });
        open.into_iter().collect()
    }
}
