//! What a process lends the ledger, in its plainest form: the machine's clock and the system's randomness.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use yiwang_ledger::{Database, Host, Ledger, Options, Secrets, Timestamp};
use yiwang_standards::calendar::Calendar;

use crate::Outcome;

/// Names the run to its processes.
pub const RUN_ID: &str = "YIWANG_FEED_RUN";

/// A name for this run: the same in all its processes, another one next time.
pub fn run_id() -> String {
    std::env::var(RUN_ID).unwrap_or_else(|_| std::process::id().to_string())
}

/// Where the run's processes leave what they saw.
pub fn folder() -> Outcome<PathBuf> {
    let folder = std::env::temp_dir().join(format!("yiwang-feed-{}", run_id()));
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

struct Machine {
    random: File,
    moved: watch::Sender<u64>,
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
        Arc::new(Calendar::builtin().clone())
    }

    fn fill(&self, bytes: &mut [u8]) {
        (&self.random).read_exact(bytes).unwrap_or_else(|error| panic!("no randomness: {error}"));
    }

    fn moved(&self) -> watch::Receiver<u64> {
        self.moved.subscribe()
    }
}

/// Opens the ledger of the run.
pub async fn open(database: Database) -> Outcome<Ledger> {
    let host = Machine { random: File::open("/dev/urandom")?, moved: watch::channel(0).0 };
    let options = Options {
        service: "feed",
        database,
        secrets: Secrets { wrapping_key: [7; 16], previous_wrapping_key: None, lookup_key: [7; 32] },
        host: Arc::new(host),
        production: true,
        shutdown: CancellationToken::new(),
    };
    Ok(Ledger::open(options).await?)
}
