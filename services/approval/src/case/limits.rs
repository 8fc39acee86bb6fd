//! 时限: which limits a case has, and the marks of those that passed.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_ledger::Timestamp;

use super::Due;

/// Which limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Which {
    /// 承诺办结时限.
    Promised,
    /// 法定办结时限.
    Legal,
    /// 颁发、送达, 行政许可法 art. 44.
    Delivery,
    /// 告知承诺 later check, or what it ordered.
    FollowUp,
    /// 特别程序: the time that the applicant was told.
    Procedure,
}

/// A limit passed before the duty was done: a mark, the case goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overdue {
    /// Which limit.
    pub which: Which,
    /// Its last day.
    pub due: NaiveDate,
    /// When it was marked.
    pub at: Timestamp,
}

/// A mark that a running limit is to get.
#[derive(Clone, Copy, Debug)]
pub struct Mark<'a> {
    /// Which limit.
    pub which: Which,
    /// Its due date.
    pub due: &'a Due,
    /// From this moment on.
    pub at: Timestamp,
}

/// A limit is near: a mark, so that somebody looks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Near {
    /// Which limit.
    pub which: Which,
    /// Its last day.
    pub due: NaiveDate,
}

/// Colour of the marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Warning {
    /// In time.
    None,
    /// A limit is near.
    Amber,
    /// Over the promised limit.
    Yellow,
    /// Over a legal limit.
    Red,
}

impl Warning {
    /// `NONE`, `AMBER`, `YELLOW`, `RED`.
    pub fn name(self) -> &'static str {
        match self {
            Warning::None => "NONE",
            Warning::Amber => "AMBER",
            Warning::Yellow => "YELLOW",
            Warning::Red => "RED",
        }
    }
}
