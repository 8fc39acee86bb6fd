//! Working days (工作日), calendar days and legal time of the People's Republic.
//!
//! Invariant: no computation here fails. A day in a year whose rest days are not published is judged by weekends
//! alone, and every answer that rests on such a day says so ([`DueDate::provisional`], [`DueDate::missing_years`]).
//!
//! ```
//! use chrono::NaiveDate;
//! use yiwang_standards::calendar::Calendar;
//!
//! let accepted = NaiveDate::from_ymd_opt(2026, 2, 9).unwrap();
//! let due = Calendar::builtin().add_working_days(accepted, 20);
//! assert_eq!(due.date, NaiveDate::from_ymd_opt(2026, 3, 13).unwrap());
//! println!("{}", due.explain_zh());
//! ```

mod error;
mod explain;
mod legal_time;
mod limit;
mod parse;
mod pause;
mod term;

pub use error::CalendarError;
pub use legal_time::{end_of_day_micros, legal_date, start_of_day_micros};
pub use limit::{Due, Limit, Source, Start, Unit};
pub use pause::{Pause, PausedTerm};
pub use term::{DueDate, Explanation, Step, Term};

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock},
};

use chrono::{Datelike, NaiveDate, Weekday};
use serde::{Deserialize, Serialize};

/// What the data file says about a day that is not as its weekday would have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub rest: bool,
    pub name: Name,
}

/// A festival's name in both languages.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Name {
    /// Chinese, e.g. 春节.
    pub zh: String,
    /// English, e.g. Spring Festival.
    pub en: String,
}

/// What a day is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Day {
    /// A Monday to Friday that is worked.
    Working,
    /// A Saturday or Sunday that is worked in exchange (调休上班).
    MakeUp(Name),
    /// A Saturday or Sunday.
    Weekend,
    /// A rest day of a festival (法定节假日 with the days moved to it).
    Holiday(Name),
}

impl Day {
    /// Whether offices work on it.
    pub fn is_working(&self) -> bool {
        matches!(self, Self::Working | Self::MakeUp(_))
    }
}

/// The rest days and make-up working days of the years it covers. Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar(Arc<Inner>);

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Inner {
    pub days: BTreeMap<NaiveDate, Entry>,
    pub years: BTreeSet<i32>,
    /// `working[i]` is whether day `base + i` of the common era is worked.
    pub base: i32,
    pub working: Vec<bool>,
}

static BUILTIN: LazyLock<Calendar> =
    LazyLock::new(|| match Calendar::parse(include_str!("../../data/cn_calendar.csv")) {
        Ok(calendar) => calendar,
        Err(error) => panic!("the embedded calendar does not parse: {error}"),
    });

impl Calendar {
    /// The calendar that ships with the product (2018 to 2026).
    pub fn builtin() -> &'static Calendar {
        &BUILTIN
    }

    /// Reads a data file: `# covers: 2018-2026` (also `2027` or `2027,2029`), a header `date,kind,name[,name_en]`, then
    /// one line a day, `kind` being `holiday` or `makeup_workday` (`workday`).
    ///
    /// # Errors
    /// [`CalendarError`] names the line or year at fault: no `covers`, a day that is not one, a day outside the covered
    /// years, two kinds for one day, a make-up working day that is no weekend, or a year that lacks one of the
    /// festivals of 全国年节及纪念日放假办法 art. 2 and so cannot be complete.
    pub fn parse(text: &str) -> Result<Self, CalendarError> {
        let inner = parse::parse(text)?;
        parse::check(&inner)?;
        Ok(Self::index(inner))
    }

    /// This calendar with the years of a newly published notice. A notice may also settle the last days of December
    /// before its year (2018-12-31 was given a rest by the notice for 2019).
    ///
    /// # Errors
    /// As [`parse`](Self::parse), and [`CalendarError::Contradiction`] when a covered year comes with other days than it
    /// already has. The same file twice is no error.
    pub fn with_year(&self, text: &str) -> Result<Self, CalendarError> {
        let new = parse::parse(text)?;
        parse::check(&new)?;
        parse::merge(&self.0, new).map(Self::index)
    }

    fn index(mut inner: Inner) -> Self {
        let first = inner.years.first().and_then(|y| NaiveDate::from_ymd_opt(y - 1, 12, 1));
        let last = inner.years.last().and_then(|y| NaiveDate::from_ymd_opt(*y, 12, 31));
        if let (Some(first), Some(last)) = (first, last) {
            inner.base = first.num_days_from_ce();
            inner.working = first
                .iter_days()
                .take_while(|date| *date <= last)
                .map(|date| inner.days.get(&date).map_or(!is_weekend(date), |entry| !entry.rest))
                .collect();
        }
        Self(Arc::new(inner))
    }

    /// Whether the year's rest days are known.
    pub fn covers(&self, year: i32) -> bool {
        self.0.years.contains(&year)
    }

    /// The years whose rest days are known, ascending.
    pub fn covered_years(&self) -> impl Iterator<Item = i32> + '_ {
        self.0.years.iter().copied()
    }

    /// What the day is, with the festival's name.
    pub fn day(&self, date: NaiveDate) -> Day {
        match self.0.days.get(&date) {
            Some(Entry { rest: true, name }) => Day::Holiday(name.clone()),
            Some(Entry { rest: false, name }) => Day::MakeUp(name.clone()),
            None if is_weekend(date) => Day::Weekend,
            None => Day::Working,
        }
    }

    /// Whether offices work on the day; in an uncovered year: whether it is no Saturday or Sunday.
    #[inline]
    pub fn is_working_day(&self, date: NaiveDate) -> bool {
        let index = date.num_days_from_ce().wrapping_sub(self.0.base);
        match usize::try_from(index).ok().and_then(|i| self.0.working.get(i)) {
            Some(working) => *working,
            None => !is_weekend(date),
        }
    }

    /// The day itself when it is worked, else the next one that is.
    pub fn roll_forward(&self, date: NaiveDate) -> NaiveDate {
        date.iter_days().find(|d| self.is_working_day(*d)).unwrap_or(NaiveDate::MAX)
    }

    /// Working days after `start` up to and with `end`; 0 when `end` is not after `start`.
    pub fn working_days_between(&self, start: NaiveDate, end: NaiveDate) -> u32 {
        start.iter_days().skip(1).take_while(|date| *date <= end).filter(|date| self.is_working_day(*date)).count()
            as u32
    }

    /// The `n`-th working day before `date` (for reminders): one before Monday is Friday. 0 gives `date`.
    pub fn working_days_before(&self, date: NaiveDate, n: u32) -> NaiveDate {
        let mut day = date;
        let mut left = n.min(term::LONGEST);
        while left > 0 {
            let Some(previous) = day.pred_opt() else { return NaiveDate::MIN };
            day = previous;
            left -= u32::from(self.is_working_day(day));
        }
        day
    }

    /// The uncovered years that the days after `start` up to and with `end` fall in.
    pub fn missing_years(&self, start: NaiveDate, end: NaiveDate) -> Vec<i32> {
        match start.succ_opt() {
            Some(first) if first <= end => (first.year()..=end.year()).filter(|year| !self.covers(*year)).collect(),
            _ => Vec::new(),
        }
    }
}

pub(crate) fn is_weekend(date: NaiveDate) -> bool {
    matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
}
