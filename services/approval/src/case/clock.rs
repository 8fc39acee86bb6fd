//! 时限: the limits of a case, each counted from its own day. What counts the days is `standards::calendar`.

use chrono::NaiveDate;
use yiwang_ledger::Timestamp;
use yiwang_standards::calendar::{self, Calendar};

use super::rules::RuleSet;
use super::{Due, Item};

/// The day of an instant, in China standard time.
pub fn day_of(at: Timestamp) -> NaiveDate {
    calendar::legal_date(at.0)
}

/// The first instant after a due date.
pub fn after(due: &Due) -> Timestamp {
    Timestamp(due.passed_at_micros())
}

/// Both clocks of a case: the legal one, and the promised one, which can never be later than it.
pub fn clocks(calendar: &Calendar, item: &Item, accepted_on: NaiveDate) -> (Due, Due) {
    let legal = RuleSet::of(item).legal_limit(item).due(accepted_on, calendar);
    let promised = item.promised.as_ref().map_or_else(|| legal.clone(), |limit| limit.due(accepted_on, calendar));
    (capped(promised, &legal), legal)
}

/// Nobody can promise more time than the law gives.
pub fn capped(promised: Due, legal: &Due) -> Due {
    if promised.date <= legal.date { promised } else { legal.clone() }
}
