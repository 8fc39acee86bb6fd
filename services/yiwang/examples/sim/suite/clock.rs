//! The clocks: legal time, which moves between the rounds, and the machine's time, which runs twenty times faster than the
//! wall's and jumps where a process hangs. Each process reads both a few seconds wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};

use tokio::sync::watch;
use yiwang_kit::entropy;
use yiwang_kit::ledger::{Host, Timestamp};
use yiwang_standards::calendar::Calendar;

const SECOND: i64 = 1_000_000;

/// The time of a world.
pub struct Clocks {
    legal: AtomicI64,
    machine: watch::Sender<i64>,
    moved: watch::Sender<u64>,
    calendar: Arc<Calendar>,
}

impl Clocks {
    /// Legal time as given; the machine's begins now, since files are dated by the real one.
    pub fn new(legal: Timestamp) -> Arc<Self> {
        Arc::new(Self {
            legal: AtomicI64::new(legal.0),
            machine: watch::Sender::new(entropy::machine_micros()),
            moved: watch::Sender::new(0),
            calendar: Arc::new(Calendar::builtin().clone()),
        })
    }

    /// Legal time moves on to a moment.
    pub fn go_to(&self, legal: Timestamp) {
        self.legal.fetch_max(legal.0, SeqCst);
        self.moved.send_modify(|times| *times += 1);
    }

    /// The machine's time moves on.
    pub fn tick(&self, milliseconds: i64) {
        self.machine.send_modify(|now| *now += milliseconds * 1000);
    }

    /// Waits until so much of the machine's time has passed.
    pub async fn pass(&self, milliseconds: u64) {
        let mut machine = self.machine.subscribe();
        let until = *machine.borrow() + i64::try_from(milliseconds).unwrap_or(0) * 1000;
        let _ = machine.wait_for(|now| *now >= until).await;
    }

    /// The clocks as a process reads them.
    pub fn of_process(self: &Arc<Self>, seconds_wrong: i64) -> Arc<dyn Host> {
        Arc::new(Wrong { clocks: self.clone(), by: seconds_wrong * SECOND })
    }
}

/// The clocks of one process.
struct Wrong {
    clocks: Arc<Clocks>,
    by: i64,
}

impl Host for Wrong {
    fn now(&self) -> Timestamp {
        Timestamp(self.clocks.legal.load(SeqCst) + self.by)
    }
    fn machine_now(&self) -> Timestamp {
        Timestamp(*self.clocks.machine.borrow() + self.by)
    }
    fn calendar(&self) -> Arc<Calendar> {
        self.clocks.calendar.clone()
    }
    fn fill(&self, bytes: &mut [u8]) {
        entropy::fill(bytes);
    }
    fn moved(&self) -> watch::Receiver<u64> {
        self.clocks.moved.subscribe()
    }
}
