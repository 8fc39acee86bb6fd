//! 下放、划转、委托: a power changes hands. Offered by the organ that has it, said something about by those who are consulted,
//! accepted or objected to with reasons, then dated by the region: from that day a handed-down or handed-over item is the
//! receiver's, with its own name and seal, while an entrusted one (委托) is handled in the name of the organ that gave it.
//!
//! Invariant: an item is in one open transfer at a time, and what was entrusted is not entrusted on (行政许可法 art. 24).

pub mod decide;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_ledger::{Aggregate, Index, Meta, Refusal, Tag, Timestamp, UniqueKey};

use crate::application::Actor;

/// How a power changes hands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Way {
    /// 下放: to a lower level.
    #[default]
    Devolve,
    /// 划转: to another organ of the same level, as to the approval bureau (相对集中行政许可权).
    Reassign,
    /// 委托: handled by another organ in the name of the organ whose it is.
    Entrust,
}

impl Way {
    /// Its name in Chinese.
    pub fn zh(self) -> &'static str {
        match self {
            Way::Devolve => "下放",
            Way::Reassign => "划转",
            Way::Entrust => "委托",
        }
    }
}

/// An organ.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organ {
    /// Its name.
    pub name: String,
    /// Its unified code.
    pub code: String,
    /// 行政区划, 12 digits.
    pub region: String,
}

/// One item that is offered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// 实施编码 as the giver has it.
    pub code: String,
    /// 事项名称.
    pub name: String,
    /// 实施编码 as the receiver will have it; empty for 委托.
    pub new_code: String,
    /// The giver keeps its own beside it (分级管理); only for 下放.
    pub kept: bool,
}

/// What is offered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// How.
    pub way: Way,
    /// By whom.
    pub giver: Organ,
    /// To whom.
    pub receiver: Organ,
    /// What.
    pub items: Vec<Offered>,
    /// The rule or decision that it rests on.
    pub basis: String,
    /// Why.
    pub reason: String,
    /// Who is asked for an opinion before the receiver answers.
    pub consulted: Vec<Organ>,
    /// 委托期限: its last day; none for as long as it is not taken back. Only for 委托.
    pub until: Option<NaiveDate>,
}

/// What supervision must look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Which rule was gone around.
    pub kind: FindingKind,
    /// 实施编码 of the item.
    pub item_code: String,
    /// In a sentence.
    pub text: String,
}

/// Kinds of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// 反委托: what was handed over or down is entrusted back to who gave it.
    EntrustedBack,
}

/// 征求意见: what an organ that was consulted says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Said {
    /// Code of the organ.
    pub organ: String,
    /// For it, or against.
    pub agrees: bool,
    /// Its opinion.
    pub text: String,
    /// By whom.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// Where a transfer stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// Not begun.
    #[default]
    Absent,
    /// 已提出: offered, and opinions are asked for.
    Offered,
    /// 已承接: the receiver takes it.
    Accepted,
    /// 有异议: the receiver objects, with reasons.
    Objected {
        /// They.
        reasons: String,
    },
    /// 已公布: dated.
    Dated {
        /// First day.
        effective: NaiveDate,
        /// The document that published it.
        document: String,
    },
    /// 已撤回: its giver took the offer back.
    Withdrawn {
        /// Why.
        reason: String,
    },
    /// 已收回委托.
    Ended {
        /// Last day.
        last: NaiveDate,
        /// Why.
        reason: String,
    },
}

impl Stage {
    /// Its name in tags.
    pub fn name(&self) -> &'static str {
        match self {
            Stage::Absent => "ABSENT",
            Stage::Offered => "OFFERED",
            Stage::Accepted => "ACCEPTED",
            Stage::Objected { .. } => "OBJECTED",
            Stage::Dated { .. } => "DATED",
            Stage::Withdrawn { .. } => "WITHDRAWN",
            Stage::Ended { .. } => "ENDED",
        }
    }

    /// Whether it still waits for somebody's word.
    pub fn is_open(&self) -> bool {
        matches!(self, Stage::Offered | Stage::Accepted)
    }
}

/// A transfer of powers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Transfer {
    /// What is offered.
    pub offer: Offer,
    /// Where it stands.
    pub stage: Stage,
    /// What was found when it was offered.
    pub findings: Vec<Finding>,
    /// Opinions, oldest first.
    pub said: Vec<Said>,
    /// The receiver's words, when it took it.
    pub taken_with: String,
    /// When it was offered.
    pub offered_at: Timestamp,
}

/// What happens to a transfer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum Event {
    /// It was offered.
    TransferOffered {
        /// What.
        offer: Box<Offer>,
        /// What supervision must look at.
        findings: Vec<Finding>,
        /// By whom.
        by: Actor,
    },
    /// An organ that was consulted has spoken.
    OpinionGiven {
        /// Code of the organ.
        organ: String,
        /// For it, or against.
        agrees: bool,
        /// Its opinion.
        text: String,
        /// By whom.
        by: Actor,
    },
    /// 承接.
    TransferAccepted {
        /// Remark; may be empty.
        text: String,
        /// By whom.
        by: Actor,
    },
    /// 异议.
    TransferObjectedTo {
        /// The reasons.
        reasons: String,
        /// By whom.
        by: Actor,
    },
    /// 公布: from when on.
    TransferDated {
        /// First day.
        effective: NaiveDate,
        /// The document that published it.
        document: String,
        /// By whom.
        by: Actor,
    },
    /// The offer was taken back.
    TransferWithdrawn {
        /// Why.
        reason: String,
        /// By whom.
        by: Actor,
    },
    /// 收回委托.
    EntrustmentRevoked {
        /// Last day.
        last: NaiveDate,
        /// Why.
        reason: String,
        /// By whom.
        by: Actor,
    },
}

/// One open transfer an item.
pub const OPEN: &str = "TRANSFER_OPEN";

/// `TRANSFER_NOT_FOUND`, worded alike whether it is missing or hidden from the caller.
pub fn not_found() -> Refusal {
    Refusal { reason: "TRANSFER_NOT_FOUND", ..Refusal::not_found("移交") }
}

impl Transfer {
    /// Every organ that has a word in it.
    fn organs(&self) -> impl Iterator<Item = &Organ> {
        [&self.offer.giver, &self.offer.receiver].into_iter().chain(&self.offer.consulted)
    }

    /// Who was consulted and has not spoken yet.
    pub fn silent(&self) -> impl Iterator<Item = &Organ> {
        let spoke = |organ: &&Organ| !self.said.iter().any(|said| said.organ == organ.code);
        self.offer.consulted.iter().filter(spoke)
    }
}

impl Aggregate for Transfer {
    const KIND: &'static str = "power_transfer";
    type Event = Event;

    fn evolve(&mut self, event: &Event, meta: &Meta) {
        match event {
            Event::TransferOffered { offer, findings, .. } => {
                self.offer = (**offer).clone();
                self.findings.clone_from(findings);
                self.offered_at = meta.at;
                self.stage = Stage::Offered;
            }
            Event::OpinionGiven { organ, agrees, text, by } => self.said.push(Said {
                organ: organ.clone(),
                agrees: *agrees,
                text: text.clone(),
                by: by.clone(),
                at: meta.at,
            }),
            Event::TransferAccepted { text, .. } => {
                self.taken_with.clone_from(text);
                self.stage = Stage::Accepted;
            }
            Event::TransferObjectedTo { reasons, .. } => self.stage = Stage::Objected { reasons: reasons.clone() },
            Event::TransferDated { effective, document, .. } => {
                self.stage = Stage::Dated { effective: *effective, document: document.clone() };
            }
            Event::TransferWithdrawn { reason, .. } => self.stage = Stage::Withdrawn { reason: reason.clone() },
            Event::EntrustmentRevoked { last, reason, .. } => {
                self.stage = Stage::Ended { last: *last, reason: reason.clone() };
            }
        }
    }

    fn index(&self) -> Index {
        Index {
            region: self.offer.giver.region.clone(),
            organisation: self.offer.giver.code.clone(),
            owner: self.offer.receiver.code.clone(),
            item: self.offer.items.first().map(|item| item.code.clone()).unwrap_or_default(),
            status: self.stage.name().to_owned(),
            due_at: None,
        }
    }

    fn tags(&self) -> Vec<Tag> {
        if self.stage == Stage::Absent {
            return Vec::new();
        }
        let sort = Tag::newest_first(self.offered_at);
        let mut tags: Vec<Tag> =
            self.organs().map(|organ| Tag::new(Tag::AUDIENCE, format!("org:{}", organ.code), sort.clone())).collect();
        for region in [&self.offer.giver.region, &self.offer.receiver.region] {
            // the administrators who date it, and supervision
            tags.push(Tag::new(Tag::AUDIENCE, format!("drafts:{region}"), sort.clone()));
            tags.push(Tag::new(Tag::AUDIENCE, format!("region:{region}"), sort.clone()));
        }
        if matches!(self.stage, Stage::Dated { .. } | Stage::Ended { .. }) {
            // 公布 (行政许可法 art. 24: whom, and with what, is published)
            tags.push(Tag::new(Tag::AUDIENCE, "public", sort.clone()));
        }
        tags.push(Tag::new("stage", self.stage.name(), sort.clone()));
        if !self.findings.is_empty() {
            tags.push(Tag::new("finding", "ANY", sort.clone()));
        }
        tags.extend(self.offer.items.iter().map(|item| Tag::new("item", item.code.clone(), sort.clone())));
        tags.sort();
        tags.dedup();
        tags
    }

    fn keys(&self) -> Vec<UniqueKey> {
        if !self.stage.is_open() {
            return Vec::new();
        }
        self.offer.items.iter().map(|item| UniqueKey { scope: OPEN, key: item.code.clone() }).collect()
    }
}
