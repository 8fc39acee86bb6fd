//! 时限: the limits of a case, each counted from its own day. What counts the days is `standards::calendar`.

use chrono::NaiveDate;
use yiwang_ledger::Timestamp;
use yiwang_standards::calendar::{self, Calendar};

use super::rules::RuleSet;
use super::{Due, Item, Limit, Start};

/// The day of an instant, in China standard time.
pub fn day_of(at: Timestamp) -> NaiveDate {
    calendar::legal_date(at.0)
}

/// The first instant after a due date.
pub fn after(due: &Due) -> Timestamp {
    Timestamp(due.passed_at_micros())
}

/// The days from which the limits of a case run.
#[derive(Clone, Copy, Debug)]
pub struct Days {
    /// 收到申请之日.
    pub received: NaiveDate,
    /// 受理之日.
    pub accepted: NaiveDate,
}

impl Days {
    fn of(self, limit: &Limit) -> NaiveDate {
        match limit.start {
            Start::Acceptance => self.accepted,
            Start::Receipt => self.received,
        }
    }
}

/// Both clocks of a case, each from its own day: the legal one, and the promised one, which can never be later than it.
pub fn clocks(calendar: &Calendar, item: &Item, days: Days) -> (Due, Due) {
    let due = |limit: &Limit| limit.due(days.of(limit), calendar);
    let legal = due(&RuleSet::of(item).legal_limit(item));
    let promised = item.promised.as_ref().map_or_else(|| legal.clone(), due);
    (capped(promised, &legal), legal)
}

/// Nobody can promise more time than the law gives.
pub fn capped(promised: Due, legal: &Due) -> Due {
    if promised.date <= legal.date { promised } else { legal.clone() }
}
