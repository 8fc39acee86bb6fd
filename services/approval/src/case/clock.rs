//! 时限: from a limit and a day to a due date that explains itself. What counts a day is `standards::calendar`.

use chrono::NaiveDate;
use yiwang_ledger::Timestamp;
use yiwang_standards::calendar::{self, Calendar};

use super::rules::RuleSet;
use super::{Due, Item, Limit, Unit};

/// The day of an instant, in China standard time.
pub fn day_of(at: Timestamp) -> NaiveDate {
    calendar::legal_date(at.0)
}

/// The first instant after a day: limits end when their last day ends (民法典 art. 203: at 24:00).
pub fn after(day: NaiveDate) -> Timestamp {
    Timestamp(calendar::end_of_day_micros(day) + 1)
}

/// Applies a limit to a day; the day itself is not counted (民法典 art. 201). A limit of 0 days is 当场: the same day.
pub fn due(calendar: &Calendar, start: NaiveDate, limit: &Limit) -> Due {
    let counted = match limit.unit {
        Unit::WorkingDays => calendar.add_working_days(start, limit.days),
        Unit::CalendarDays => calendar.add_calendar_days(start, limit.days),
    };
    let on_the_spot = limit.days == 0;
    let (zh, en) = if on_the_spot {
        (
            format!("{start}当场办结。依据：{}", limit.basis),
            format!("done on the spot on {start}; basis: {}", limit.basis),
        )
    } else {
        (with_basis(&counted.explain_zh(), "依据：", limit), with_basis(&counted.explain_en(), "Basis: ", limit))
    };
    Due {
        limit: limit.clone(),
        start,
        day: if on_the_spot { start } else { counted.date },
        missing_years: if on_the_spot { Vec::new() } else { counted.missing_years.to_vec() },
        zh,
        en,
    }
}

fn with_basis(text: &str, label: &str, limit: &Limit) -> String {
    let basis = if limit.basis.is_empty() { "—" } else { &limit.basis };
    format!("{text} {label}{basis}")
}

/// Both clocks of a case: the legal one, and the promised one, which can never be later than it.
pub fn clocks(calendar: &Calendar, item: &Item, accepted_on: NaiveDate) -> (Due, Due) {
    let legal = due(calendar, accepted_on, &RuleSet::of(item).legal_limit(item));
    let promised = item.promised.as_ref().map_or_else(|| legal.clone(), |limit| due(calendar, accepted_on, limit));
    (capped(promised, &legal), legal)
}

/// Nobody can promise more time than the law gives.
pub fn capped(promised: Due, legal: &Due) -> Due {
    if promised.day <= legal.day { promised } else { legal.clone() }
}

/// The same limit counted again from the same day; `None` where nothing changes.
pub fn recount(calendar: &Calendar, old: &Due) -> Option<Due> {
    let new = due(calendar, old.start, &old.limit);
    (new != *old).then_some(new)
}
