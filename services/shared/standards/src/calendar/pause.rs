//! Stopped clocks: 特别程序 such as hearing, inspection or expert review are not counted (行政许可法 art. 45).
//!
//! Invariant: a pause never moves a due date earlier.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::term::{Walk, days};
use super::{Calendar, DueDate, Step, Term, Unit};

/// A time in which the clock stands still: from the end of one day to the end of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// The day at whose end the clock stops; it still counts.
    pub from: NaiveDate,
    /// The day of resumption; the next working day counts again. `None` while it stands still.
    pub resumed: Option<NaiveDate>,
}

/// A term of days with pauses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PausedTerm {
    /// Days used until the last pause that took effect; 0 without one.
    pub used: u32,
    /// Days left after it.
    pub left: u32,
    /// The due date; `None` while the clock stands still.
    pub due: Option<DueDate>,
}

impl PausedTerm {
    /// Whether the clock stands still.
    pub fn is_paused(&self) -> bool {
        self.due.is_none()
    }
}

impl Calendar {
    /// `limit` days from `start` with pauses, ascending by start: used = days in (start, pause], due = the (limit − used)-th day after
    /// the resumption; working days, or days of the calendar whose last gives way to a working day.
    ///
    /// A pause that begins when the limit is used up changes nothing; one that ends before it begins has no length;
    /// where two overlap, the days stand still once.
    pub fn paused_term(&self, start: NaiveDate, (limit, unit): (u32, Unit), pauses: &[Pause]) -> PausedTerm {
        let mut walk = Walk::new(self);
        let mut cursor = start;
        let mut used = 0;
        for pause in pauses {
            let from = pause.from.max(cursor);
            let so_far = used + self.days_between(unit, cursor, from);
            if so_far >= limit {
                break;
            }
            // of calendar days none is left out
            if unit == Unit::WorkingDay {
                walk.through(cursor, from);
            }
            used = so_far;
            let Some(resumed) = pause.resumed else {
                return PausedTerm { used, left: limit - used, due: None };
            };
            let to = resumed.max(from);
            walk.steps.push(Step::Paused { from, to, used, left: limit - used });
            cursor = to;
        }
        let left = limit - used;
        let due = match unit {
            Unit::WorkingDay => {
                let date = walk.forward(cursor, left);
                walk.into_due(start, Term::WorkingDays(limit), date)
            }
            Unit::CalendarDay => walk.rolled(start, Term::CalendarDays(limit), cursor.checked_add_days(days(left))),
        };
        PausedTerm { used, left, due: Some(due) }
    }

    fn days_between(&self, unit: Unit, from: NaiveDate, to: NaiveDate) -> u32 {
        match unit {
            Unit::WorkingDay => self.working_days_between(from, to),
            Unit::CalendarDay => u32::try_from((to - from).num_days()).unwrap_or(0),
        }
    }
}
