//! Stopped clocks: 特别程序 such as hearing, inspection or expert review are not counted (行政许可法 art. 45).
//!
//! Invariant: a pause never moves a due date earlier.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Calendar, DueDate, Step, Term, term::Walk};

/// A time in which the clock stands still: from the end of one day to the end of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// The day at whose end the clock stops; it still counts.
    pub from: NaiveDate,
    /// The day of resumption; the next working day counts again. `None` while it stands still.
    pub resumed: Option<NaiveDate>,
}

/// A working-day term with pauses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkingTerm {
    /// Working days used until the last pause that took effect; 0 without one.
    pub used: u32,
    /// Working days left after it.
    pub left: u32,
    /// The due date; `None` while the clock stands still.
    pub due: Option<DueDate>,
}

impl WorkingTerm {
    /// Whether the clock stands still.
    pub fn is_paused(&self) -> bool {
        self.due.is_none()
    }
}

impl Calendar {
    /// `limit` working days from `start` with pauses, ascending by start: used = working days in (start, pause],
    /// due = the (limit − used)-th working day after the resumption.
    ///
    /// A pause that begins when the limit is used up changes nothing; one that ends before it begins has no length;
    /// where two overlap, the days stand still once.
    pub fn working_term(&self, start: NaiveDate, limit: u32, pauses: &[Pause]) -> WorkingTerm {
        let mut walk = Walk::new(self);
        let mut cursor = start;
        let mut used = 0;
        for pause in pauses {
            let from = pause.from.max(cursor);
            let so_far = used + self.working_days_between(cursor, from);
            if so_far >= limit {
                break;
            }
            walk.through(cursor, from);
            used = so_far;
            let Some(resumed) = pause.resumed else {
                return WorkingTerm { used, left: limit - used, due: None };
            };
            let to = resumed.max(from);
            walk.steps.push(Step::Paused { from, to, used, left: limit - used });
            cursor = to;
        }
        let left = limit - used;
        let date = walk.forward(cursor, left);
        WorkingTerm { used, left, due: Some(walk.into_due(start, Term::WorkingDays(limit), date)) }
    }
}
