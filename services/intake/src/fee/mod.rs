//! 收费: the fees of an application, one stream beside it.
//!
//! Invariant: every amount is one that the charge list of the item's pinned version gives (行政许可法 art. 58).

pub mod decide;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use yiwang_ledger::{Aggregate, Index, Meta, StreamId, Tag, Timestamp};

use crate::application::Actor;

/// A line that was assessed. Amounts are in 分.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Code in the charge list.
    pub code: String,
    /// Its name.
    pub name: String,
    /// How many units; 0 for a range.
    pub units: u32,
    /// What the list says.
    pub amount: i64,
    /// 减免: what is let off.
    pub exempt: i64,
    /// Code of the exemption.
    pub exemption: String,
    /// The rules behind it.
    pub bases: Vec<String>,
    /// When.
    pub at: Timestamp,
}

impl Line {
    /// What is to be paid.
    pub fn payable(&self) -> i64 {
        self.amount - self.exempt
    }
}

/// The fees of an application.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fees {
    /// The lines in force.
    pub lines: Vec<Line>,
}

/// What happens to fees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum Event {
    /// 核定.
    FeeAssessed {
        /// The line.
        line: Box<Line>,
        /// By whom.
        by: Actor,
    },
    /// It was a mistake.
    FeeStruck {
        /// Code of the line.
        code: String,
        /// Why.
        reason: String,
        /// By whom.
        by: Actor,
    },
}

/// The stream of an application's fees.
pub fn stream(application: StreamId) -> StreamId {
    StreamId::named(Fees::KIND, &application.to_string())
}

impl Aggregate for Fees {
    const KIND: &'static str = "fee";
    type Event = Event;

    fn evolve(&mut self, event: &Event, meta: &Meta) {
        match event {
            Event::FeeAssessed { line, .. } => self.lines.push(Line { at: meta.at, ..(**line).clone() }),
            Event::FeeStruck { code, .. } => self.lines.retain(|line| line.code != *code),
        }
    }

    fn index(&self) -> Index {
        Index::default()
    }

    fn tags(&self) -> Vec<Tag> {
        // seen with its application, and by nobody else
        Vec::new()
    }
}
