//! What a process lends the ledger, in its plainest and cheapest form.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::watch;
use yiwang_ledger::{Host, Timestamp};
use yiwang_standards::calendar::Calendar;

use crate::Outcome;

/// The machine's clock and the system's randomness.
pub struct Machine {
    random: File,
    calendar: Arc<Calendar>,
    moved: watch::Sender<u64>,
}

impl Machine {
    /// Opens the source of randomness.
    pub fn new() -> Outcome<Self> {
        let calendar = Arc::new(Calendar::builtin().clone());
        Ok(Self { random: File::open("/dev/urandom")?, calendar, moved: watch::channel(0).0 })
    }
}

impl Host for Machine {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this program is a process of its own, without the kit's clocks")]
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    fn machine_now(&self) -> Timestamp {
        self.now()
    }

    fn calendar(&self) -> Arc<Calendar> {
        self.calendar.clone()
    }

    fn fill(&self, bytes: &mut [u8]) {
        (&self.random).read_exact(bytes).unwrap_or_else(|error| panic!("no randomness: {error}"));
    }

    fn moved(&self) -> watch::Receiver<u64> {
        self.moved.subscribe()
    }
}
