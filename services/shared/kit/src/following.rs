//! Whoever keeps something in memory as a ledger has it: told all that is written, by whichever process, in order. What one
//! reader of the feed has found the others of its process take from it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::sleep;
use yiwang_ledger::{Cursor, Entry, Ledger, Refusal};

/// Before the feed is asked again after it was away.
const PAUSE: Duration = Duration::from_secs(1);
/// Entries told at a time.
const PAGE: u32 = 500;

/// Who is told.
#[async_trait]
pub trait Follower: Send + Sync {
    /// What was written. What is refused is told once more.
    async fn told(&self, entries: &[Arc<Entry>]) -> Result<(), Refusal>;

    /// The ledger is another than the one that was followed (it was restored), or nothing was told yet: what is kept is to be
    /// made anew from what stands there.
    async fn anew(&self) -> Result<(), Refusal>;
}

/// Tells what comes after a place, or has what is kept made anew and tells what comes after that. Never ends by itself.
pub async fn follow(ledger: &Ledger, mut after: Option<Cursor>, follower: &impl Follower) {
    let mut wake = 0;
    loop {
        let turn = match after {
            Some(seen) => tell(ledger, seen, follower).await,
            None => begin(ledger, follower).await.map(Some),
        };
        match turn {
            Ok(Some(seen)) => after = Some(seen),
            Ok(None) => wake = ledger.feed_wake(wake).await,
            Err(refusal) if refusal.reason == "FEED_REWOUND" => {
                tracing::warn!("the ledger was restored: what is kept of it is made anew");
                after = None;
            }
            Err(refusal) => {
                tracing::warn!(reason = refusal.reason, "what is kept of the ledger is not brought up to date for now");
                sleep(PAUSE).await;
            }
        }
    }
}

async fn tell(ledger: &Ledger, seen: Cursor, follower: &impl Follower) -> Result<Option<Cursor>, Refusal> {
    let entries = ledger.follow_from(seen, PAGE).await?;
    let Some(last) = entries.last() else { return Ok(None) };
    follower.told(&entries).await?;
    Ok(Some(seen.at(last)))
}

/// What is written while it is made anew is told afterwards.
async fn begin(ledger: &Ledger, follower: &impl Follower) -> Result<Cursor, Refusal> {
    let end = ledger.end().await?;
    follower.anew().await?;
    Ok(end)
}
