//! 体外循环: an acceptance beside the platform is a finding, which supervision records and settles.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_ledger::{Aggregate, Context, Decision, Index, Meta, Refusal, StreamId, Tag, Timestamp};

use crate::application::Actor;
use crate::limit::legal_date;
use crate::transfer::Organ;

/// What was taken, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// 实施编码.
    pub item: String,
    /// 事项名称.
    pub item_name: String,
    /// Whose item it is.
    pub organ: Organ,
    /// The day on which it was taken.
    pub day: NaiveDate,
    /// The number that the organ gave it; empty where it gave none.
    pub number: String,
    /// How it came to light and what was found, about the matter and not the person.
    pub text: String,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The matter was brought onto the platform.
    BroughtIn {
        /// The application in which it goes on.
        application: StreamId,
    },
    /// 责令整改: it was decided outside.
    Rectified,
    /// It was not so.
    Unfounded,
}

/// How it was settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// What came of it.
    pub outcome: Outcome,
    /// In words.
    pub text: String,
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// 体外受理.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outside {
    /// What was found; none before it was recorded.
    pub found: Option<Found>,
    /// Who recorded it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// How it was settled; none while it was not.
    pub settled: Option<Settled>,
}

/// What happens to a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum OutsideEvent {
    /// It was recorded.
    OutsideAcceptanceRecorded {
        /// What was found.
        found: Box<Found>,
        /// By whom.
        by: Actor,
    },
    /// Something came of it.
    OutsideAcceptanceSettled {
        /// What.
        outcome: Outcome,
        /// In words.
        text: String,
        /// By whom.
        by: Actor,
    },
}

/// `OUTSIDE_ACCEPTANCE_NOT_FOUND`, the same whether it is missing or hidden.
pub fn not_found() -> Refusal {
    Refusal { reason: "OUTSIDE_ACCEPTANCE_NOT_FOUND", ..Refusal::not_found("体外受理记录") }
}

/// Records a finding.
///
/// # Errors
/// `DATE_IN_THE_FUTURE`.
pub fn record(outside: &Outside, found: &Found, by: &Actor, cx: &Context) -> Decision<OutsideEvent> {
    if outside.found.is_some() {
        return Ok(Vec::new());
    }
    if found.day > legal_date(cx.now) {
        let (zh, en) = ("受理日期不能晚于今天", "it was not taken after today");
        return Err(Refusal::field("accept_date", "DATE_IN_THE_FUTURE", zh, en));
    }
    Ok(vec![OutsideEvent::OutsideAcceptanceRecorded { found: Box::new(found.clone()), by: by.clone() }])
}

/// Says what came of it, once.
///
/// # Errors
/// `ALREADY_SETTLED`.
pub fn settle(outside: &Outside, outcome: &Outcome, text: &str, by: &Actor) -> Decision<OutsideEvent> {
    if outside.found.is_none() {
        return Err(not_found());
    }
    if outside.settled.is_some() {
        return Err(Refusal::state("ALREADY_SETTLED", "该记录已处理完毕", "it was settled already"));
    }
    Ok(vec![OutsideEvent::OutsideAcceptanceSettled { outcome: outcome.clone(), text: text.to_owned(), by: by.clone() }])
}

impl Outside {
    /// The stage, as tagged.
    pub fn stage(&self) -> &'static str {
        if self.settled.is_some() { "SETTLED" } else { "RECORDED" }
    }
}

impl Aggregate for Outside {
    const KIND: &'static str = "outside_acceptance";
    type Event = OutsideEvent;

    fn evolve(&mut self, event: &OutsideEvent, meta: &Meta) {
        match event {
            OutsideEvent::OutsideAcceptanceRecorded { found, by } => {
                *self = Outside {
                    found: Some((**found).clone()),
                    by: by.clone(),
                    at: meta.at,
                    settled: self.settled.take(),
                };
            }
            OutsideEvent::OutsideAcceptanceSettled { outcome, text, by } => {
                self.settled =
                    Some(Settled { outcome: outcome.clone(), text: text.clone(), by: by.clone(), at: meta.at });
            }
        }
    }

    fn index(&self) -> Index {
        let Some(found) = &self.found else { return Index::default() };
        Index {
            region: found.organ.region.clone(),
            organisation: found.organ.code.clone(),
            owner: found.organ.code.clone(),
            item: found.item.clone(),
            status: self.stage().to_owned(),
            due_at: None,
        }
    }

    /// Supervision of the region, and the organ, which answers for it.
    fn tags(&self) -> Vec<Tag> {
        let Some(found) = &self.found else { return Vec::new() };
        let sort = Tag::newest_first(self.at);
        vec![
            Tag::new(Tag::AUDIENCE, format!("region:{}", found.organ.region), sort.clone()),
            Tag::new(Tag::AUDIENCE, format!("org:{}", found.organ.code), sort.clone()),
            Tag::new("stage", self.stage(), sort.clone()),
            Tag::new("item", found.item.clone(), sort),
        ]
    }
}
