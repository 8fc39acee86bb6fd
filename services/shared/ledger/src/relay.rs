//! The relay: a named cursor on the service's own feed, and what to tell another service of each entry. At least once, in
//! order within a stream; a stream that cannot be delivered is parked, visible and retried, while the others go on.
//!
//! Invariant: the main cursor passes an entry only after it was delivered, was nobody's business, or stands in a parked row.

use std::collections::{BTreeMap, HashMap};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{FutureExt, StreamExt};
use tokio::time::Instant;
use uuid::Uuid;

use crate::engine::{self, Sql};
use crate::entry::Entry;
use crate::feed::{Cursor, FeedError};
use crate::ledger::{Core, Ledger, store_refusal};
use crate::refusal::Refusal;
use crate::{Hash, StreamId, Timestamp};

/// What became of an entry at the relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Nobody need be told.
    NotMine,
    /// The receiver has it.
    Done,
    /// The receiver is away: again later, by itself.
    Later {
        /// Why, for the operator.
        reason: String,
    },
    /// The receiver refuses it: parked until somebody looks.
    Refused {
        /// Why, for the operator.
        reason: String,
    },
}

/// What a service tells another of its entries.
#[async_trait]
pub trait Route: Send + Sync + 'static {
    /// Delivers one entry. Called at least once an entry, in order within its stream; `request_id` is the same each time and
    /// serves as the request id of the call, so that the receiver acts once.
    async fn deliver(&self, entry: &Entry, request_id: &str) -> Delivery;
}

/// A stream that a relay could not deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// The relay's name.
    pub reader: String,
    /// The stream.
    pub stream: StreamId,
    /// Position of its first entry that was not delivered.
    pub position: u64,
    /// How often it was tried.
    pub tries: u64,
    /// Machine time of the next try; `Timestamp::NEVER` where it waits for a person.
    pub next_at: Timestamp,
    /// What the receiver said last.
    pub error: String,
}

const LEASE: Duration = Duration::from_secs(15);
const BATCH: u32 = 256;
const PARALLEL: usize = 16;

const MAIN: Sql =
    Sql::both("SELECT epoch, position, hash, lease_epoch, lease_until FROM cursor WHERE reader = $1 AND stream = $2");
const CREATE: Sql = Sql::both(
    "INSERT INTO cursor (reader, stream, epoch, position, hash, lease_epoch, lease_until, tries, next_at, error)
     VALUES ($1, $2, $3, 0, $4, 0, 0, 0, 0, '') ON CONFLICT DO NOTHING",
);
const TAKE: Sql = Sql::both(
    "UPDATE cursor SET lease_epoch = lease_epoch + 1, lease_until = $1
     WHERE reader = $2 AND stream = $3 AND lease_epoch = $4 AND lease_until < $5",
);
const RENEW: Sql =
    Sql::both("UPDATE cursor SET lease_until = $1 WHERE reader = $2 AND stream = $3 AND lease_epoch = $4");
const ADVANCE: Sql = Sql::both(
    "UPDATE cursor SET epoch = $1, position = $2, hash = $3 WHERE reader = $4 AND stream = $5 AND lease_epoch = $6",
);
const PARK: Sql = Sql::both(
    "INSERT INTO cursor (reader, stream, epoch, position, hash, lease_epoch, lease_until, tries, next_at, error)
     SELECT $1, $2, $3, $4, $5, $6, 0, $7, $8, $9 FROM cursor m WHERE m.reader = $1 AND m.stream = $10 AND m.lease_epoch = $6
     ON CONFLICT (reader, stream) DO UPDATE SET position = excluded.position, hash = excluded.hash, tries = excluded.tries,
         next_at = excluded.next_at, error = excluded.error, lease_epoch = excluded.lease_epoch",
);
const UNPARK: Sql = Sql::both(
    "DELETE FROM cursor WHERE reader = $1 AND stream = $2
     AND EXISTS (SELECT 1 FROM cursor m WHERE m.reader = $1 AND m.stream = $3 AND m.lease_epoch = $4)",
);
const PARKED: Sql = Sql::both(
    "SELECT reader, stream, position, tries, next_at, error FROM cursor WHERE stream <> $1 ORDER BY reader, position LIMIT 1000",
);
const RETRY: Sql = Sql::both("UPDATE cursor SET next_at = 0 WHERE reader = $1 AND stream = $2");

#[derive(sqlx::FromRow)]
struct MainRow {
    epoch: i64,
    position: i64,
    hash: Vec<u8>,
    lease_epoch: i64,
    lease_until: i64,
}

#[derive(sqlx::FromRow)]
struct ParkedRow {
    reader: String,
    stream: Uuid,
    position: i64,
    tries: i64,
    next_at: i64,
    error: String,
}

impl From<ParkedRow> for Parked {
    fn from(row: ParkedRow) -> Self {
        Parked {
            reader: row.reader,
            stream: StreamId(row.stream),
            position: row.position as u64,
            tries: row.tries as u64,
            next_at: Timestamp(row.next_at),
            error: row.error,
        }
    }
}

impl Ledger {
    /// Starts a relay. It holds a lease, so that one replica of the service runs it, and ends with the shutdown token.
    pub fn relay(&self, name: &'static str, route: impl Route) {
        let relay = Relay { core: self.core.clone(), name, route: Arc::new(route) };
        self.core.tasks.spawn(relay.run());
    }

    /// Streams that relays of this service could not deliver.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`.
    pub async fn parked(&self) -> Result<Vec<Parked>, Refusal> {
        self.core.parked().await.map_err(store_refusal)
    }

    /// Has a parked stream tried again at once. False where it is not parked.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`.
    pub async fn retry_parked(&self, reader: &str, stream: StreamId) -> Result<bool, Refusal> {
        let rows = engine::write!(&*self.core.db, RETRY, reader.to_owned(), stream.0).map_err(store_refusal)?;
        Ok(rows > 0)
    }
}

impl Core {
    pub(crate) async fn parked(&self) -> Result<Vec<Parked>, sqlx::Error> {
        let rows: Vec<ParkedRow> = engine::read!(&*self.db, fetch_all, ParkedRow, PARKED, Uuid::nil())?;
        Ok(rows.into_iter().map(Parked::from).collect())
    }
}

struct Relay {
    core: Arc<Core>,
    name: &'static str,
    route: Arc<dyn Route>,
}

/// The lease while it is held, and where the relay stands.
struct Held {
    lease_epoch: i64,
    /// By the monotonic clock; the holder stops at half the lease.
    renewed: Instant,
    cursor: Cursor,
    saved: u64,
}

/// Why the relay lets go of its lease.
enum Stop {
    /// Try for the lease again.
    Lost,
    /// Never go on.
    Halted,
}

impl From<sqlx::Error> for Stop {
    fn from(error: sqlx::Error) -> Self {
        tracing::warn!(%error, "relay: store away");
        Stop::Lost
    }
}

impl From<FeedError> for Stop {
    fn from(error: FeedError) -> Self {
        if let FeedError::Store(error) = error {
            return error.into();
        }
        tracing::error!(%error, "relay halted");
        Stop::Halted
    }
}

impl Relay {
    async fn run(self) {
        let shutdown = self.core.shutdown.clone();
        loop {
            let stop = tokio::select! {
                stop = self.turn().boxed() => stop,
                () = shutdown.cancelled() => return,
            };
            if matches!(stop, Some(Stop::Halted)) {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(500)) => {}
                () = shutdown.cancelled() => return,
            }
        }
    }

    /// Works for as long as the lease is ours.
    async fn turn(&self) -> Option<Stop> {
        match self.take_lease().await {
            Ok(Some(held)) => self.work(held).await.err(),
            Ok(None) => None,
            Err(error) => Some(Stop::from(error)),
        }
    }

    fn lease_until(&self) -> i64 {
        self.core.host.machine_now().0 + LEASE.as_micros() as i64
    }

    async fn take_lease(&self) -> Result<Option<Held>, sqlx::Error> {
        let db = &*self.core.db;
        let epoch = self.core.head().await?.epoch;
        engine::write!(db, CREATE, self.name, Uuid::nil(), epoch as i64, Hash::ZERO.0.as_slice())?;
        let row: MainRow = engine::read!(db, fetch_one, MainRow, MAIN, self.name, Uuid::nil())?;
        // SQLite has one process: a lease that is still running is that of the process before, which is gone
        let now = if db.is_postgres() { self.core.host.machine_now().0 } else { i64::MAX };
        if row.lease_until >= now {
            return Ok(None);
        }
        let renewed = Instant::now();
        let taken = engine::write!(db, TAKE, self.lease_until(), self.name, Uuid::nil(), row.lease_epoch, now)?;
        let cursor = Cursor {
            epoch: row.epoch as u64,
            position: row.position as u64,
            hash: Hash::from_slice(&row.hash).unwrap_or_default(),
        };
        let saved = cursor.position;
        Ok((taken == 1).then_some(Held { lease_epoch: row.lease_epoch + 1, renewed, cursor, saved }))
    }

    async fn work(&self, mut held: Held) -> Result<(), Stop> {
        let mut wake = self.core.wake.clone();
        let mut last_save = Instant::now();
        loop {
            self.keep_lease(&mut held).await?;
            wake.mark_unchanged();
            let parked: BTreeMap<Uuid, Parked> = self
                .core
                .parked()
                .await?
                .into_iter()
                .filter(|parked| parked.reader == self.name)
                .map(|parked| (parked.stream.0, parked))
                .collect();
            self.retry_due(&held, &parked).await?;
            self.core.check(held.cursor).await?;
            let entries = self.core.feed(held.cursor.position, BATCH).await?;
            let delivered = self.deliver_all(&held, &entries, &parked).await?;
            if let Some(last) = entries.last() {
                held.cursor = Cursor { position: last.position, hash: last.hash, ..held.cursor };
            }
            let behind = held.cursor.position - held.saved;
            // what was nobody's business may be read again: it is not worth a write each time
            if behind > 0 && (delivered || behind >= 1000 || last_save.elapsed() > Duration::from_secs(5)) {
                self.save(&mut held).await?;
                last_save = Instant::now();
            }
            if entries.len() < BATCH as usize {
                let _ = tokio::time::timeout(Duration::from_millis(250), wake.changed()).await;
            }
        }
    }

    async fn keep_lease(&self, held: &mut Held) -> Result<(), Stop> {
        if held.renewed.elapsed() < LEASE / 4 {
            return Ok(());
        }
        let renewed = Instant::now();
        let rows = engine::write!(&*self.core.db, RENEW, self.lease_until(), self.name, Uuid::nil(), held.lease_epoch)?;
        if rows == 0 || held.renewed.elapsed() > LEASE / 2 {
            return Err(Stop::Lost);
        }
        held.renewed = renewed;
        Ok(())
    }

    async fn save(&self, held: &mut Held) -> Result<(), Stop> {
        let cursor = held.cursor;
        let rows = engine::write!(
            &*self.core.db,
            ADVANCE,
            cursor.epoch as i64,
            cursor.position as i64,
            cursor.hash.0.to_vec(),
            self.name,
            Uuid::nil(),
            held.lease_epoch
        )?;
        held.saved = cursor.position;
        if rows == 1 { Ok(()) } else { Err(Stop::Lost) }
    }

    /// Delivers a batch, streams side by side, each in order. True where anything was told to anybody.
    async fn deliver_all(&self, held: &Held, entries: &[Entry], parked: &BTreeMap<Uuid, Parked>) -> Result<bool, Stop> {
        let mut streams: HashMap<Uuid, Vec<Entry>> = HashMap::new();
        for entry in entries.iter().filter(|entry| !parked.contains_key(&entry.stream.0)) {
            streams.entry(entry.stream.0).or_default().push(entry.clone());
        }
        let mut deliveries = Vec::with_capacity(streams.len());
        for entries in streams.into_values() {
            deliveries.push(self.deliver_stream(held.renewed, entries).boxed());
        }
        let outcomes: Vec<_> = futures_util::stream::iter(deliveries).buffer_unordered(PARALLEL).collect().await;
        let mut told = false;
        for (delivered, failed) in outcomes {
            told |= delivered;
            if let Some((entry, delivery)) = failed {
                self.park(held, &entry, delivery, 0).await?;
                told = true;
            }
        }
        Ok(told)
    }

    /// Delivers entries of one stream until one fails.
    async fn deliver_stream(&self, renewed: Instant, entries: Vec<Entry>) -> (bool, Option<(Entry, Delivery)>) {
        let mut told = false;
        for entry in entries {
            if renewed.elapsed() > LEASE / 2 {
                return (told, Some((entry, Delivery::Later { reason: "lease running out".to_owned() })));
            }
            // hashed, for the contracts allow a request id 64 characters
            let source = format!("{}.{}", self.name, entry.hash);
            let request_id = Hash(yiwang_standards::sm::sm3(source.as_bytes())).to_string();
            let delivery = AssertUnwindSafe(self.route.deliver(&entry, &request_id)).catch_unwind().await;
            match delivery
                .unwrap_or_else(|_| Delivery::Refused { reason: "the relay panicked on this entry".to_owned() })
            {
                Delivery::NotMine => {}
                Delivery::Done => told = true,
                failed => return (told, Some((entry, failed))),
            }
        }
        (told, None)
    }

    async fn park(&self, held: &Held, entry: &Entry, delivery: Delivery, tries: u64) -> Result<(), Stop> {
        let now = self.core.host.machine_now().0;
        let backoff = Duration::from_millis(100 << tries.min(9)).min(Duration::from_secs(30));
        let (next_at, reason) = match delivery {
            Delivery::Later { reason } => (now + backoff.as_micros() as i64, reason),
            Delivery::Refused { reason } => (i64::MAX, reason),
            Delivery::NotMine | Delivery::Done => return Ok(()),
        };
        tracing::warn!(
            relay = self.name, stream = %entry.stream, position = entry.position, trace_id = entry.trace, tries, reason, "delivery parked"
        );
        let rows = engine::write!(
            &*self.core.db,
            PARK,
            self.name,
            entry.stream.0,
            held.cursor.epoch as i64,
            entry.position as i64,
            entry.hash.0.to_vec(),
            held.lease_epoch,
            tries as i64 + 1,
            next_at,
            reason.clone(),
            Uuid::nil()
        )?;
        if rows == 0 { Err(Stop::Lost) } else { Ok(()) }
    }

    /// Tries parked streams whose time has come: all their entries from the first one that failed up to the main cursor.
    async fn retry_due(&self, held: &Held, parked: &BTreeMap<Uuid, Parked>) -> Result<(), Stop> {
        let now = self.core.host.machine_now();
        let mut retries = Vec::new();
        for parked in parked.values().filter(|parked| parked.next_at <= now) {
            retries.push(async move { (parked, self.retry_stream(held, parked).await) }.boxed());
        }
        let outcomes: Vec<_> = futures_util::stream::iter(retries).buffer_unordered(PARALLEL).collect().await;
        for (parked, outcome) in outcomes {
            match outcome? {
                None => {
                    engine::write!(&*self.core.db, UNPARK, self.name, parked.stream.0, Uuid::nil(), held.lease_epoch)?;
                }
                Some((entry, delivery)) => {
                    let tries = if entry.position == parked.position { parked.tries } else { 0 };
                    self.park(held, &entry, delivery, tries).await?;
                }
            }
        }
        Ok(())
    }

    async fn retry_stream(&self, held: &Held, parked: &Parked) -> Result<Option<(Entry, Delivery)>, Stop> {
        let mut from = parked.position;
        loop {
            let entries = self.core.of_stream(parked.stream, from, held.cursor.position).await?;
            let Some(last) = entries.last() else { return Ok(None) };
            from = last.position + 1;
            let (_, failed) = self.deliver_stream(held.renewed, entries).await;
            if failed.is_some() {
                return Ok(failed);
            }
        }
    }
}
