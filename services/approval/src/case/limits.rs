//! 时限: limits, due dates that explain themselves, and the marks of those that passed.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_ledger::Timestamp;

/// A time limit and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// How many days.
    pub days: u32,
    /// Which days count.
    pub unit: Unit,
    /// The article that sets it.
    pub basis: String,
    /// Where it comes from.
    pub source: Source,
    /// True where no source has been checked: configuration, to be confirmed by the organ.
    pub unverified: bool,
}

/// Where a limit comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// A default of the item's type.
    #[default]
    Default,
    /// A statute names the days for this very matter.
    Statute,
    /// The organ's own implementation list (实施清单).
    Implementation,
}

/// Which days count. 行政许可法 art. 82: the agency's periods are working days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Unit {
    /// 工作日.
    #[default]
    WorkingDays,
    /// 自然日, the last of which rolls forward over rest days (民法典 art. 203).
    CalendarDays,
}

/// A due date that explains itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// The limit.
    pub limit: Limit,
    /// The day that starts it, itself not counted (民法典 art. 201).
    pub start: NaiveDate,
    /// The last day, to its end.
    pub day: NaiveDate,
    /// The years whose rest days were not known, ascending; the date is provisional then.
    pub missing_years: Vec<i32>,
    /// How it was counted.
    pub zh: String,
    /// The same in English.
    pub en: String,
}

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

/// Colour of the marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Warning {
    /// In time.
    None,
    /// Over the promised limit.
    Yellow,
    /// Over a legal limit.
    Red,
}

impl Warning {
    /// `NONE`, `YELLOW`, `RED`.
    pub fn name(self) -> &'static str {
        match self {
            Warning::None => "NONE",
            Warning::Yellow => "YELLOW",
            Warning::Red => "RED",
        }
    }
}
