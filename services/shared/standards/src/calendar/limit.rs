//! 时限: a limit with its authority, and the due date that comes of it on a day. A due date keeps the sentences that explain
//! it, as they were true when it was counted.
//!
//! Invariant: both are stored in entries. Names are only added, and what an older release wrote is still read (the aliases).

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Calendar, Pause, Term, end_of_day_micros};

/// Which days count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// 工作日 (行政许可法 art. 82: the agency's periods are working days).
    #[default]
    #[serde(alias = "WorkingDays")]
    WorkingDay,
    /// 自然日, the last of which rolls forward over rest days (民法典 art. 203).
    #[serde(alias = "CalendarDays")]
    CalendarDay,
}

/// Where a limit comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A statute names the days for this very matter.
    #[serde(alias = "Statute")]
    Statute,
    /// A default of the item's type, since its source has none.
    #[default]
    #[serde(alias = "Default")]
    Default,
    /// The organ's own implementation list (实施清单), usually a shorter promise.
    #[serde(alias = "Implementation")]
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
    /// Which days count.
    pub unit: Unit,
    /// The article that sets it, or where a default comes from.
    pub basis: String,
    /// Where it comes from.
    pub source: Source,
    /// True where no source has been checked: configuration, to be confirmed by the organ.
    #[serde(default)]
    pub unverified: bool,
    /// From which day it runs, where it limits the handling of a case. The usual day is left out when written.
    #[serde(default, skip_serializing_if = "Start::is_usual")]
    pub start: Start,
}

/// A limit is near in the last of so many parts of it; on its last day at the latest. DESIGN, unverified: the rules of the places differ.
const WARN_PARTS: u32 = 5;

impl Limit {
    /// The due date of this limit on a day; the day itself is not counted (民法典 art. 201). A limit of 0 days is 当场: the
    /// same day, whatever day it is.
    pub fn due(&self, start: NaiveDate, calendar: &Calendar) -> Due {
        self.due_around(start, &[], calendar)
    }

    /// The due date where the clock stood still meanwhile: for each of the pauses, ascending by start, from the end of its first day
    /// to the end of its last. One that has not ended stands as if it were not there.
    pub fn due_around(&self, start: NaiveDate, pauses: &[Pause], calendar: &Calendar) -> Due {
        let basis = if self.basis.is_empty() { "—" } else { &self.basis };
        if self.days == 0 {
            let zh = format!("{start}当场办结。依据：{basis}");
            let en = format!("done on the spot on {start}. Basis: {basis}");
            return Due { date: start, start, limit: self.clone(), missing_years: Vec::new(), warn: None, zh, en };
        }
        let ended: Vec<Pause> = pauses.iter().copied().filter(|pause| pause.resumed.is_some()).collect();
        let term = match self.unit {
            Unit::WorkingDay => Term::WorkingDays(self.days),
            Unit::CalendarDay => Term::CalendarDays(self.days),
        };
        let paused = calendar.paused_term(start, (self.days, self.unit), &ended).due;
        let counted = paused.unwrap_or_else(|| calendar.due(start, term));
        let zh = format!("{} 依据：{basis}", counted.explain_zh());
        let en = format!("{} Basis: {basis}", counted.explain_en());
        let (limit, missing_years) = (self.clone(), counted.missing_years);
        Due { date: counted.date, start, limit, missing_years, warn: self.warn(start, &ended, calendar), zh, en }
    }

    /// The day from which the limit is near: the first of its last fifth, or its last.
    fn warn(&self, start: NaiveDate, pauses: &[Pause], calendar: &Calendar) -> Option<NaiveDate> {
        let left = (self.days / WARN_PARTS).max(1);
        let first = calendar.paused_term(start, (self.days - left + 1, self.unit), pauses).due?;
        Some(first.date)
    }
}

/// A limit applied to a day: when something must be done, and why then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// The last day; the limit ends with it.
    #[serde(alias = "day")]
    pub date: NaiveDate,
    /// The day from which it runs, itself not counted (民法典 art. 201).
    pub start: NaiveDate,
    /// The limit.
    pub limit: Limit,
    /// The years whose rest days were not known, ascending.
    #[serde(default)]
    pub missing_years: Vec<i32>,
    /// 预警之日: from this day on it is near, for it is the first of the limit's last fifth, or its last. None on the spot, and of what an older
    /// release counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warn: Option<NaiveDate>,
    /// How it was counted.
    pub zh: String,
    /// The same in English.
    pub en: String,
}

impl Due {
    /// True where it rests on a year whose rest days are not published.
    pub fn provisional(&self) -> bool {
        !self.missing_years.is_empty()
    }

    /// The first moment after the limit, in microseconds since 1970: a last day counts to its end (民法典 art. 203).
    pub fn passed_at_micros(&self) -> i64 {
        end_of_day_micros(self.date).saturating_add(1)
    }

    /// The same limit counted again by today's calendar; `None` where that comes to the same. Another wording of the same
    /// day is no other date.
    pub fn recounted(&self, calendar: &Calendar) -> Option<Due> {
        let new = self.limit.due(self.start, calendar);
        let same = new.date == self.date && new.missing_years == self.missing_years;
        (!same).then_some(new)
    }
}
