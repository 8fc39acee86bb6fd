//! Terms (期间): from a start and a length to a due date that explains itself.

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::{Deserialize, Serialize};

use super::{Calendar, Day, Name};

/// No term in law is longer: a hundred years of days. Longer ones are cut here, so that arithmetic stays total.
pub(super) const LONGEST: u32 = 36_525;

/// The length of a term. The start day is never counted (民法典 art. 201).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Term {
    /// 工作日, as the periods of agencies are (行政许可法 art. 82).
    WorkingDays(u32),
    /// 日, counted by the calendar; the last day is rolled forward (民法典 art. 203).
    CalendarDays(u32),
    /// 月: to the corresponding day, or the month's last (民法典 art. 202), rolled forward.
    Months(u32),
    /// 年: as months.
    Years(u32),
}

/// One thing that moved a due date, in the order of the days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Step {
    /// A festival's rest days that were not counted.
    Rest {
        /// The festival.
        name: Name,
        /// First day not counted.
        from: NaiveDate,
        /// Last day not counted.
        to: NaiveDate,
    },
    /// A Saturday or Sunday that was worked and counted (调休上班).
    MakeUp {
        /// The festival it makes up for.
        name: Name,
        /// The day.
        date: NaiveDate,
    },
    /// Saturdays and Sundays, festivals apart, that were not counted.
    Weekends {
        /// How many days.
        days: u32,
    },
    /// The last day was a rest day: the first working day after it takes its place (民法典 art. 203).
    RolledForward {
        /// The last day as counted.
        from: NaiveDate,
        /// The last day in force.
        to: NaiveDate,
    },
    /// The clock stood still from the end of one day to the end of another (行政许可法 art. 45).
    Paused {
        /// The last day before the pause.
        from: NaiveDate,
        /// The day of resumption; the next working day counts again.
        to: NaiveDate,
        /// Days used until the pause.
        used: u32,
        /// Days left after it.
        left: u32,
    },
    /// The year's rest days are not published yet: judged by weekends alone.
    Uncovered {
        /// The year.
        year: i32,
    },
}

/// The last day of a term, and why it is that day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueDate {
    /// The last day; the term ends with it (see [`end_of_day_micros`](super::end_of_day_micros)).
    pub date: NaiveDate,
    /// Whether it rests on a year whose rest days are not published.
    pub provisional: bool,
    /// Those years, ascending.
    pub missing_years: Vec<i32>,
    /// How it was computed.
    pub explanation: Explanation,
}

/// How a due date was computed; [`DueDate::explain_zh`] turns it into sentences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The day that is not counted.
    pub start: NaiveDate,
    /// The length.
    pub term: Term,
    /// What moved the date, in the order of the days.
    pub steps: Vec<Step>,
}

impl DueDate {
    /// The last moment of the due date in legal time, in microseconds since 1970.
    pub fn ends_at_micros(&self) -> i64 {
        super::end_of_day_micros(self.date)
    }

    /// Whether `calendar` now covers a year that was missing, so that the date should be computed again.
    pub fn improvable_with(&self, calendar: &Calendar) -> bool {
        self.missing_years.iter().any(|year| calendar.covers(*year))
    }
}

impl Calendar {
    /// The due date of any term.
    pub fn due(&self, start: NaiveDate, term: Term) -> DueDate {
        match term {
            Term::WorkingDays(n) => self.add_working_days(start, n),
            Term::CalendarDays(n) => self.add_calendar_days(start, n),
            Term::Months(n) => self.add_months(start, n),
            Term::Years(n) => self.add_years(start, n),
        }
    }

    /// The `n`-th working day after `start` (行政许可法 art. 82, 民法典 art. 201). 0 gives `start`.
    pub fn add_working_days(&self, start: NaiveDate, n: u32) -> DueDate {
        let mut walk = Walk::new(self);
        let date = walk.forward(start, n);
        walk.into_due(start, Term::WorkingDays(n), date)
    }

    /// `n` calendar days after `start`; a last day of rest gives way to the next working day (民法典 art. 203).
    pub fn add_calendar_days(&self, start: NaiveDate, n: u32) -> DueDate {
        Walk::new(self).rolled(start, Term::CalendarDays(n), start.checked_add_days(days(n)))
    }

    /// To the corresponding day `n` months on, or that month's last (民法典 art. 202), rolled forward (art. 203).
    pub fn add_months(&self, start: NaiveDate, n: u32) -> DueDate {
        Walk::new(self).rolled(start, Term::Months(n), start.checked_add_months(Months::new(n.min(LONGEST / 30))))
    }

    /// To the corresponding day `n` years on, rolled forward.
    pub fn add_years(&self, start: NaiveDate, n: u32) -> DueDate {
        let raw = start.checked_add_months(Months::new(n.min(LONGEST / 365) * 12));
        Walk::new(self).rolled(start, Term::Years(n), raw)
    }
}

/// Days of the calendar, no more than the longest term.
pub(super) fn days(n: u32) -> Days {
    Days::new(u64::from(n.min(LONGEST)))
}

/// Goes through days one by one and remembers what was met.
pub(super) struct Walk<'a> {
    calendar: &'a Calendar,
    pub steps: Vec<Step>,
    weekends: u32,
    missing: Vec<i32>,
    year: i32,
}

impl<'a> Walk<'a> {
    pub fn new(calendar: &'a Calendar) -> Self {
        Self { calendar, steps: Vec::new(), weekends: 0, missing: Vec::new(), year: i32::MIN }
    }

    /// The `n`-th working day after `start`.
    pub fn forward(&mut self, start: NaiveDate, n: u32) -> NaiveDate {
        let mut date = start;
        let mut left = n.min(LONGEST);
        while left > 0 {
            let Some(next) = date.succ_opt() else { return date };
            date = next;
            left -= u32::from(self.visit(date));
        }
        date
    }

    /// Working days after `start` up to and with `end`.
    pub fn through(&mut self, start: NaiveDate, end: NaiveDate) -> u32 {
        let mut used = 0;
        let mut date = start;
        while date < end {
            let Some(next) = date.succ_opt() else { break };
            date = next;
            used += u32::from(self.visit(date));
        }
        used
    }

    /// The due date of a term whose last day as counted is `raw`: a day of rest gives way to the next working day.
    pub fn rolled(mut self, start: NaiveDate, term: Term, raw: Option<NaiveDate>) -> DueDate {
        let raw = raw.unwrap_or(NaiveDate::MAX);
        self.see_year(raw.year());
        let date = self.calendar.roll_forward(raw);
        if date != raw {
            let (from, to) = (raw.pred_opt().unwrap_or(raw), date.pred_opt().unwrap_or(date));
            self.through(from, to);
            self.see_year(date.year());
            self.steps.push(Step::RolledForward { from: raw, to: date });
        }
        self.into_due(start, term, date)
    }

    fn visit(&mut self, date: NaiveDate) -> bool {
        self.see_year(date.year());
        match self.calendar.day(date) {
            Day::Working => true,
            Day::Weekend => {
                self.weekends += 1;
                false
            }
            Day::MakeUp(name) => {
                self.steps.push(Step::MakeUp { name, date });
                true
            }
            Day::Holiday(name) => {
                match self.steps.last_mut() {
                    Some(Step::Rest { name: same, to, .. }) if *same == name && to.succ_opt() == Some(date) => {
                        *to = date
                    }
                    _ => self.steps.push(Step::Rest { name, from: date, to: date }),
                }
                false
            }
        }
    }

    fn see_year(&mut self, year: i32) {
        if year != self.year {
            self.year = year;
            if !self.calendar.covers(year) && !self.missing.contains(&year) {
                self.missing.push(year);
            }
        }
    }

    pub fn into_due(mut self, start: NaiveDate, term: Term, date: NaiveDate) -> DueDate {
        if self.weekends > 0 {
            let at =
                self.steps.iter().position(|s| matches!(s, Step::RolledForward { .. })).unwrap_or(self.steps.len());
            self.steps.insert(at, Step::Weekends { days: self.weekends });
        }
        self.steps.extend(self.missing.iter().map(|year| Step::Uncovered { year: *year }));
        DueDate {
            date,
            provisional: !self.missing.is_empty(),
            missing_years: self.missing,
            explanation: Explanation { start, term, steps: self.steps },
        }
    }
}
