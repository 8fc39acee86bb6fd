//! Whoever follows a ledger in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use yiwang_kit::following::{Follower, follow};
use yiwang_kit::{Config, Process, Shape, new_request_id, new_stream_id};
use yiwang_ledger::{Call, Entry, Ledger, Refusal};

/// How far it was told, and how often it was to begin anew.
#[derive(Default)]
struct Told {
    position: AtomicU64,
    anew: AtomicU64,
}

#[async_trait]
impl Follower for Told {
    async fn told(&self, entries: &[Arc<Entry>]) -> Result<(), Refusal> {
        let before = self.position.load(SeqCst);
        for (expected, entry) in (before + 1..).zip(entries) {
            assert!(before == 0 || entry.position == expected, "{} after {before}", entry.position);
            self.position.store(entry.position, SeqCst);
        }
        Ok(())
    }

    async fn anew(&self) -> Result<(), Refusal> {
        self.position.store(0, SeqCst);
        self.anew.fetch_add(1, SeqCst);
        Ok(())
    }
}

async fn write(ledger: &Ledger) {
    ledger.record_read(Call::system(new_request_id(), ""), new_stream_id(), "GetApplication").await.unwrap();
}

async fn until(value: &AtomicU64, expected: u64) {
    while value.load(SeqCst) != expected {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn whoever_follows_is_told_all_and_begins_anew_after_a_restore() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config { data_dir: dir.path().join("data"), ..Config::default() };
    let process = Process::open(config, Shape::Together, CancellationToken::new()).unwrap();
    let (ledger, told) = (process.ledger("intake").await.unwrap(), Told::default());
    write(&ledger).await;
    let followed = async {
        until(&told.anew, 1).await;
        write(&ledger).await;
        until(&told.position, 2).await;
        write(&ledger).await;
        until(&told.position, 3).await;
        ledger.restored(Call::system("restored", ""), "rehearsal").await.unwrap();
        until(&told.anew, 2).await;
        write(&ledger).await;
        until(&told.position, 5).await;
    };
    tokio::select! {
        () = follow(&ledger, None, &told) => unreachable!("it never ends"),
        () = followed => {}
    }
}
