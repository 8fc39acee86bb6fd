//! The feed: every entry, once, in the one order. A position exists only under the head row's lock, which is released after
//! the commit is visible, so a reader at p sees everything after p, whatever transactions are open, slow or aborted.

use std::collections::HashMap;
use std::sync::Arc;

use crate::engine::{self, Reader, Sql};
use crate::entry::{Entry, EntryRow};
use crate::gather::Lookup;
use crate::ledger::{Core, Ledger, store_refusal};
use crate::refusal::{Kind, Refusal};
use crate::{Hash, StreamId};

const AFTER: Sql = Sql::both(
    "SELECT position, stream, version, kind, body, actor, at, principal, request, trace, prev, hash
     FROM entry WHERE position > $1 ORDER BY position LIMIT $2",
);

const OF_STREAM: Sql = Sql::both(
    "SELECT position, stream, version, kind, body, actor, at, principal, request, trace, prev, hash
     FROM entry WHERE stream = $1 AND position >= $2 AND position <= $3 ORDER BY version LIMIT 500",
);

/// A page, and before it the entry at which the reader stands, with the epoch: whether the ledger is still the one it has read.
const FROM: Sql = Sql::both(
    "SELECT (SELECT epoch FROM head WHERE shard = 0) AS epoch,
            position, stream, version, kind, body, actor, at, principal, request, trace, prev, hash
     FROM entry WHERE position >= $1 ORDER BY position LIMIT $2",
);

#[derive(sqlx::FromRow)]
struct EpochRow {
    epoch: i64,
    #[sqlx(flatten)]
    entry: EntryRow,
}

/// Pages of the feed by position and size. Readers that a commit wakes together mostly stand at the same place, and what one of
/// them has read the others take from its [`crate::tail`].
pub(crate) struct Pages;

/// The epoch, where there is anything, and the entries from the position on.
#[derive(Clone)]
pub(crate) struct FeedPage {
    epoch: Option<u64>,
    entries: Vec<Arc<Entry>>,
}

impl Lookup for Pages {
    type Key = (i64, i64);
    type Row = FeedPage;
    const LANES: usize = 1;

    async fn ask(reader: &mut Reader, keys: &[(i64, i64)]) -> Result<HashMap<(i64, i64), FeedPage>, sqlx::Error> {
        let mut pages = HashMap::with_capacity(keys.len());
        for key in keys {
            let rows: Vec<EpochRow> = match reader {
                Reader::Pg(connection) => {
                    sqlx::query_as(FROM.pg).bind(key.0).bind(key.1).fetch_all(&mut *connection).await?
                }
                Reader::Lite(connection) => {
                    sqlx::query_as(FROM.lite).bind(key.0).bind(key.1).fetch_all(&mut *connection).await?
                }
            };
            let epoch = rows.first().map(|row| row.epoch as u64);
            let entries = rows.into_iter().map(|row| Arc::new(Entry::from(row.entry))).collect();
            pages.insert(*key, FeedPage { epoch, entries });
        }
        Ok(pages)
    }
}

/// How far a reader has come. After a failover or a restore positions are given out again: the epoch and the entry's hash
/// tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The ledger's epoch when it was read.
    pub epoch: u64,
    /// Position of the last entry seen; 0 before the first.
    pub position: u64,
    /// Hash of that entry; zero before the first.
    pub hash: Hash,
}

impl Cursor {
    /// Before the first entry.
    pub const START: Cursor = Cursor { epoch: 1, position: 0, hash: Hash::ZERO };

    /// The same reader, once it has read this entry.
    #[must_use]
    pub fn at(self, entry: &Entry) -> Self {
        Self { position: entry.position, hash: entry.hash, ..self }
    }
}

/// Why a reader must halt.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FeedError {
    #[error(transparent)]
    Store(#[from] sqlx::Error),
    #[error("FEED_GAP: position {0} is missing")]
    Gap(u64),
    #[error("FEED_REWOUND: the ledger was restored or failed over behind position {0}")]
    Rewound(u64),
}

impl Ledger {
    /// The entries after a position, at most `limit` (1,000), in order and without gaps.
    ///
    /// # Errors
    /// `FEED_GAP` (never seen, and never passed over), `STORE_UNAVAILABLE`.
    pub async fn feed(&self, after: u64, limit: u32) -> Result<Vec<Entry>, Refusal> {
        self.core.feed(after, limit).await.map_err(halted)
    }

    /// As [`Ledger::feed`], for a reader that remembers where it was: halts where the ledger is not the one it has read.
    ///
    /// # Errors
    /// `FEED_REWOUND`, `FEED_GAP`, `STORE_UNAVAILABLE`.
    pub async fn feed_from(&self, cursor: Cursor, limit: u32) -> Result<Vec<Arc<Entry>>, Refusal> {
        self.core.feed_from(cursor, limit).await.map_err(halted)
    }

    /// As [`Ledger::feed_from`], for one of many who follow the feed in this process: what another of them has just read is not
    /// read again. There may be more than it answers, unless it answers nothing.
    ///
    /// # Errors
    /// `FEED_REWOUND`, `FEED_GAP`, `STORE_UNAVAILABLE`.
    pub async fn follow_from(&self, cursor: Cursor, limit: u32) -> Result<Vec<Arc<Entry>>, Refusal> {
        self.core.follow_from(cursor, limit).await.map(|found| found.entries).map_err(halted)
    }

    /// Where the feed ends now, with what stands there, so that a reader who begins here notices a ledger that is put back.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`.
    pub async fn end(&self) -> Result<Cursor, Refusal> {
        let head = self.head().await?;
        let last = self.feed(head.position.saturating_sub(1), 1).await?;
        let start = Cursor { epoch: head.epoch, ..Cursor::START };
        Ok(last.first().filter(|last| last.position == head.position).map_or(start, |last| start.at(last)))
    }

    /// Waits until something was committed in this process since `seen` (as the last call answered), at most 250 ms.
    pub async fn feed_wake(&self, seen: u64) -> u64 {
        let mut wake = self.core.wake.clone();
        let changed = wake.wait_for(|commits| *commits != seen);
        let _ = tokio::time::timeout(std::time::Duration::from_millis(250), changed).await;
        *self.core.wake.borrow()
    }
}

fn halted(error: FeedError) -> Refusal {
    match error {
        FeedError::Store(error) => store_refusal(error),
        FeedError::Gap(position) => {
            tracing::error!(position, "FEED_GAP");
            Refusal::new(
                Kind::Internal,
                "FEED_GAP",
                "账本存在缺口，已停止读取",
                "the ledger has a gap: reading was halted",
            )
        }
        FeedError::Rewound(position) => {
            tracing::error!(position, "FEED_REWOUND");
            Refusal::state(
                "FEED_REWOUND",
                "账本曾被恢复，请核对后重新订阅",
                "the ledger was restored behind this cursor",
            )
        }
    }
}

impl Core {
    pub(crate) async fn feed(&self, after: u64, limit: u32) -> Result<Vec<Entry>, FeedError> {
        let entries = self.entries_after(after, limit).await?;
        for (expected, entry) in (after + 1..).zip(&entries) {
            if entry.position != expected {
                return Err(FeedError::Gap(expected));
            }
        }
        Ok(entries)
    }

    /// What there is after a position, in order: whether anything is missing between is for who asks.
    pub(crate) async fn entries_after(&self, after: u64, limit: u32) -> Result<Vec<Entry>, sqlx::Error> {
        let rows: Vec<EntryRow> =
            engine::read!(&*self.db, fetch_all, EntryRow, AFTER, after as i64, i64::from(limit.min(1000)))?;
        Ok(rows.into_iter().map(Entry::from).collect())
    }

    /// The entries after the cursor, if the ledger still holds what the cursor has seen.
    pub(crate) async fn feed_from(&self, cursor: Cursor, limit: u32) -> Result<Vec<Arc<Entry>>, FeedError> {
        let seen = usize::from(cursor.position > 0);
        let limit = i64::from(limit.min(1000)) + seen as i64;
        let Some(FeedPage { epoch, entries: mut page }) = self.pages.get((cursor.position as i64, limit)).await? else {
            return Ok(Vec::new());
        };
        if cursor.position > 0 {
            let stands = page.first().is_some_and(|at| at.position == cursor.position && at.hash == cursor.hash);
            if !stands || epoch != Some(cursor.epoch) {
                self.tail.forget();
                self.kept.forget_past();
                return Err(FeedError::Rewound(cursor.position));
            }
        }
        page.drain(..seen);
        for (expected, entry) in (cursor.position + 1..).zip(&page) {
            if entry.position != expected {
                return Err(FeedError::Gap(expected));
            }
        }
        Ok(page)
    }

    pub(crate) async fn of_stream(&self, stream: StreamId, from: u64, until: u64) -> Result<Vec<Entry>, FeedError> {
        let rows: Vec<EntryRow> =
            engine::read!(&*self.db, fetch_all, EntryRow, OF_STREAM, stream.0, from as i64, until as i64)?;
        Ok(rows.into_iter().map(Entry::from).collect())
    }
}
