//! Time limits (时限) and due dates: how long, on whose authority, and the day that comes of it. A due date keeps the
//! sentences that explain it, as they were true when it was computed.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_ledger::Timestamp;
use yiwang_standards::calendar::{self, Calendar, Term};

/// Unit of a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// 工作日 (行政许可法 art. 82).
    #[default]
    WorkingDay,
    /// 自然日 (民法典 arts. 201 to 203).
    CalendarDay,
}

/// Who set the limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A statute names the days for this very matter.
    Statute,
    /// The defaults of the item's type, since the source of the item has none.
    #[default]
    Default,
    /// The organ's own promise (实施清单).
    Implementation,
}

/// From which day a limit on handling a case runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// 自受理之日起 (行政许可法 art. 42).
    #[default]
    Acceptance,
    /// 自收到申请之日起 (社会保险经办条例 art. 24).
    Receipt,
}

impl Start {
    fn is_usual(&self) -> bool {
        *self == Start::default()
    }
}

/// 时限: a number of days with its unit and its authority.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Days; 0 is on the spot (当场).
    pub days: u32,
    /// Unit of the days.
    pub unit: Unit,
    /// The article that sets it, or where a default comes from.
    pub basis: String,
    /// Who set it.
    pub source: Source,
    /// No source was checked.
    #[serde(default)]
    pub unverified: bool,
    /// From which day it runs, where it limits the handling of a case. The usual day is left out when written, so that an
    /// item that says no more keeps its digest.
    #[serde(default, skip_serializing_if = "Start::is_usual")]
    pub start: Start,
}

impl Limit {
    fn basis(&self) -> &str {
        if self.basis.is_empty() { "—" } else { &self.basis }
    }

    /// The due date of this limit when it runs from `start`; that day is not counted (民法典 art. 201).
    pub fn due(&self, start: NaiveDate, calendar: &Calendar) -> Due {
        let term = match self.unit {
            Unit::WorkingDay => Term::WorkingDays(self.days),
            Unit::CalendarDay => Term::CalendarDays(self.days),
        };
        let due = calendar.due(start, term);
        Due {
            zh: format!("{} 依据：{}", due.explain_zh(), self.basis()),
            en: format!("{} Basis: {}", due.explain_en(), self.basis()),
            date: due.date,
            start,
            limit: self.clone(),
            provisional: due.provisional,
            missing_years: due.missing_years,
        }
    }
}

/// A limit applied to a day: when something must be done, and why then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// The last day; the limit ends with it.
    pub date: NaiveDate,
    /// The day from which it runs.
    pub start: NaiveDate,
    /// The limit.
    pub limit: Limit,
    /// It reaches a year whose rest days are not published.
    #[serde(default)]
    pub provisional: bool,
    /// Those years.
    #[serde(default)]
    pub missing_years: Vec<i32>,
    /// How it was reached, in Chinese.
    pub zh: String,
    /// How it was reached, in English.
    pub en: String,
}

impl Due {
    /// The first moment after the limit, when the timer looks.
    pub fn passed_at(&self) -> Timestamp {
        Timestamp(calendar::end_of_day_micros(self.date).saturating_add(1))
    }

    /// Whether the limit is over at `now`.
    pub fn passed(&self, now: Timestamp) -> bool {
        now >= self.passed_at()
    }

    /// Whether the limit is over for good, so that a citizen loses by it: never while the date is provisional, since another
    /// day may come out when the year's rest days are published.
    pub fn forfeited(&self, now: Timestamp) -> bool {
        !self.provisional && self.passed(now)
    }

    /// The same limit by today's calendar, where that answers otherwise.
    pub fn recomputed(&self, calendar: &Calendar) -> Option<Due> {
        let new = self.limit.due(self.start, calendar);
        // another wording of the same day is no other date
        let same =
            new.date == self.date && new.provisional == self.provisional && new.missing_years == self.missing_years;
        (!same).then_some(new)
    }
}

/// The legal day of a moment, in China standard time.
pub fn legal_date(at: Timestamp) -> NaiveDate {
    calendar::legal_date(at.0)
}
