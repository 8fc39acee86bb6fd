//! What the legal clock makes of a due date. Limits and due dates themselves are `standards::calendar`'s.

use chrono::NaiveDate;
pub use yiwang_standards::calendar::{Due, Limit, Source, Start, Unit};

use yiwang_ledger::Timestamp;
use yiwang_standards::calendar;

/// A due date against the legal clock.
pub trait Ends {
    /// The first moment after the limit, when the timer looks.
    fn passed_at(&self) -> Timestamp;

    /// Whether the limit is over at `now`.
    fn passed(&self, now: Timestamp) -> bool {
        now >= self.passed_at()
    }

    /// Whether the limit is over for good, so that a citizen loses by it: never while the date is provisional, since another
    /// day may come out when the year's rest days are published.
    fn forfeited(&self, now: Timestamp) -> bool;
}

impl Ends for Due {
    fn passed_at(&self) -> Timestamp {
        Timestamp(self.passed_at_micros())
    }

    fn forfeited(&self, now: Timestamp) -> bool {
        !self.provisional() && self.passed(now)
    }
}

/// The legal day of a moment, in China standard time.
pub fn legal_date(at: Timestamp) -> NaiveDate {
    calendar::legal_date(at.0)
}
