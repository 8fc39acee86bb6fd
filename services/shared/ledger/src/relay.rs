//! The relay: a named cursor on the service's own feed, and what to tell another service of each entry. At least once, in
//! order within a stream; a stream that cannot be delivered is parked, visible and retried, while the others go on.
//!
//! Invariant: the main cursor passes an entry only after it was delivered, was nobody's business, or stands in a parked row.
//! A relay that has halted goes on when an operator says so (`resume.rs`), and never by itself.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{FutureExt, StreamExt};
use tokio::time::Instant;
use uuid::Uuid;

use crate::Hash;
use crate::engine::{self, Sql};
use crate::entry::Entry;
use crate::feed::{Cursor, FeedError};
use crate::ledger::{Core, Ledger, store_refusal};
use crate::parked::{Parked, ParkedRow};
use crate::refusal::Refusal;
use crate::tail::Followed;

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
    /// Whether the entry can be this relay's business, by its kind alone: only those are delivered.
    fn wants(&self, entry: &Entry) -> bool;

    /// Delivers one entry. Called at least once an entry, in order within its stream; `request_id` is the same each time and
    /// serves as the request id of the call, so that the receiver acts once.
    async fn deliver(&self, entry: &Entry, request_id: &str) -> Delivery;

    /// The longest pause between two tries: pauses double from a tenth of a second up to it, at most to about 27 minutes.
    fn longest_pause(&self) -> Duration {
        Duration::from_secs(30)
    }
}

const LEASE: Duration = Duration::from_secs(30);
/// One delivery takes at most this long, so that no receiver can outlast the lease.
const DELIVERY: Duration = Duration::from_secs(12);
const BATCH: u32 = 256;
/// How often a relay that delivers writes down how far it has come: who takes its place delivers as much again, and what was
/// under way.
const SAVE: Duration = Duration::from_secs(1);
/// How often one that passes over what is nobody's business does, and after how many entries at the latest.
const SAVE_SELDOM: (Duration, u64) = (Duration::from_secs(5), 1000);
/// How often a relay looks by itself.
const POLL: Duration = Duration::from_millis(250);
const PARALLEL: usize = 16;

const MAIN: Sql = Sql::both(
    "SELECT epoch, position, hash, lease_epoch, lease_until, error FROM cursor WHERE reader = $1 AND stream = $2",
);
const CREATE: Sql = Sql::both(
    "INSERT INTO cursor (reader, stream, epoch, position, hash, lease_epoch, lease_until, tries, next_at, error)
     VALUES ($1, $2, $3, 0, $4, 0, 0, 0, 0, '') ON CONFLICT DO NOTHING",
);
/// At the head, with what stands there; where nothing does, the first entry is still to come and `CREATE` begins before it.
const CREATE_AT_HEAD: Sql = Sql::both(
    "INSERT INTO cursor (reader, stream, epoch, position, hash, lease_epoch, lease_until, tries, next_at, error)
     SELECT $1, $2, h.epoch, e.position, e.hash, 0, 0, 0, 0, '' FROM head h JOIN entry e ON e.position = h.position
     WHERE h.shard = 0 ON CONFLICT DO NOTHING",
);
const TAKE: Sql = Sql::both(
    "UPDATE cursor SET lease_epoch = lease_epoch + 1, lease_until = $1
     WHERE reader = $2 AND stream = $3 AND lease_epoch = $4 AND lease_until < $5 AND error = ''",
);
const RENEW: Sql = Sql::both(
    "UPDATE cursor SET lease_until = $1 WHERE reader = $2 AND stream = $3 AND lease_epoch = $4 AND error = ''",
);
/// To an entry that the ledger holds: it may have been restored since that was read.
const ADVANCE: Sql = Sql::both(
    "UPDATE cursor SET epoch = $1, position = $2, hash = $3
     WHERE reader = $4 AND stream = $5 AND lease_epoch = $6 AND error = ''
       AND EXISTS (SELECT 1 FROM entry WHERE position = $2 AND hash = $3)",
);
/// For the first failure; a row that is there already stands for an earlier entry and stays.
const PARK: Sql = Sql::both(
    "INSERT INTO cursor (reader, stream, epoch, position, hash, lease_epoch, lease_until, tries, next_at, error)
     SELECT $1, $2, $3, $4, $5, $6, 0, $7, $8, $9 FROM cursor m WHERE m.reader = $1 AND m.stream = $10 AND m.lease_epoch = $6
     ON CONFLICT (reader, stream) DO NOTHING",
);
/// For a failed retry, which has come as far as the position says.
const PARK_AGAIN: Sql = Sql::both(
    "UPDATE cursor SET epoch = $3, position = $4, hash = $5, tries = $7, next_at = $8, error = $9
     WHERE reader = $1 AND stream = $2
       AND EXISTS (SELECT 1 FROM cursor m WHERE m.reader = $1 AND m.stream = $10 AND m.lease_epoch = $6)",
);
const RELEASE: Sql =
    Sql::both("UPDATE cursor SET lease_until = 0 WHERE reader = $1 AND stream = $2 AND lease_epoch = $3");
/// In the main row, whoever holds the lease: a row that was restored knows nothing of ours, and may not even be there. It
/// shows, and no replica takes or keeps the lease, until an operator has the relay go on.
const HALT: Sql = Sql::both(
    "INSERT INTO cursor (reader, stream, epoch, position, hash, lease_epoch, lease_until, tries, next_at, error)
     VALUES ($1, $2, 0, 0, $3, 0, 0, 0, 0, $4) ON CONFLICT (reader, stream) DO UPDATE SET error = excluded.error",
);
/// What waits further on than the main cursor stands (it was set back, or a crash kept it from being saved) is come to again.
const FORGET_BEHIND: Sql = Sql::both(
    "DELETE FROM cursor WHERE reader = $1 AND stream <> $2 AND position > $3
     AND EXISTS (SELECT 1 FROM cursor m WHERE m.reader = $1 AND m.stream = $2 AND m.lease_epoch = $4)",
);
const PARKED_STREAMS: Sql = Sql::both("SELECT stream FROM cursor WHERE reader = $1 AND stream <> $2");
const DUE: Sql = Sql::both(
    "SELECT reader, stream, position, tries, next_at, error FROM cursor
     WHERE reader = $1 AND stream <> $2 AND next_at <= $3 ORDER BY next_at LIMIT 64",
);
const UNPARK: Sql = Sql::both(
    "DELETE FROM cursor WHERE reader = $1 AND stream = $2
     AND EXISTS (SELECT 1 FROM cursor m WHERE m.reader = $1 AND m.stream = $3 AND m.lease_epoch = $4)",
);

#[derive(sqlx::FromRow)]
struct MainRow {
    epoch: i64,
    position: i64,
    hash: Vec<u8>,
    lease_epoch: i64,
    lease_until: i64,
    error: String,
}

impl Ledger {
    /// Starts a relay. It holds a lease, so that one replica of the service runs it, and ends with the shutdown token.
    pub fn relay(&self, name: &'static str, route: impl Route) {
        let (core, route) = (self.core.clone(), Arc::new(route));
        let (lease_epoch, seen, reached) = (AtomicI64::new(0), Mutex::default(), Mutex::default());
        let relay = Relay { core, name, route, lease_epoch, seen, reached };
        self.core.background.spawn(relay.run());
    }

    /// As [`Ledger::relay`], for one that tells people something. Where it has never run in a ledger, it begins with what comes after
    /// this call: nobody is told today of what happened years ago, because a release has learnt to tell it. Once begun, it goes on
    /// where it was.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`: it was not started.
    pub async fn relay_from_now(&self, name: &'static str, route: impl Route) -> Result<(), Refusal> {
        engine::write!(&*self.core.db, CREATE_AT_HEAD, name, Uuid::nil()).map_err(store_refusal)?;
        self.relay(name, route);
        Ok(())
    }
}

/// By what request id a relay tells of an entry: hashed, for the contracts allow 64 characters.
pub(crate) fn request_id(relay: &str, entry: &Entry) -> String {
    Hash(yiwang_standards::sm::sm3(format!("{relay}.{}", entry.hash).as_bytes())).to_string()
}

struct Relay {
    core: Arc<Core>,
    name: &'static str,
    route: Arc<dyn Route>,
    /// Of the lease that was taken last.
    lease_epoch: AtomicI64,
    /// The last entry that was read here, under whichever lease: a store that was restored beneath us has forgotten it, and
    /// its cursor with it.
    seen: Mutex<Option<Cursor>>,
    /// How far it has come under the lease that was taken last.
    reached: Mutex<Option<Cursor>>,
}

/// The lease while it is held, and where the relay stands.
struct Held {
    lease_epoch: i64,
    cursor: Cursor,
    saved: u64,
}

/// Why the relay lets go of its lease.
enum Stop {
    /// Try for the lease again.
    Lost,
    /// Go on when an operator says so, for this reason.
    Halted(String),
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
        Stop::Halted(error.to_string())
    }
}

impl Relay {
    async fn run(self) {
        let shutdown = self.core.shutdown.clone();
        loop {
            let stop = tokio::select! {
                stop = self.turn().boxed() => stop,
                () = shutdown.cancelled() => return self.release().await,
            };
            if let Some(Stop::Halted(reason)) = stop {
                self.halt(reason).await;
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(500)) => {}
                () = shutdown.cancelled() => return self.release().await,
            }
        }
    }

    /// Works for as long as the lease is ours.
    async fn turn(&self) -> Option<Stop> {
        match self.take_lease().await {
            Ok(Some(held)) => {
                let lease_epoch = held.lease_epoch;
                tokio::select! {
                    stop = self.work(held).boxed() => stop.err(),
                    stop = self.keep_lease(lease_epoch).boxed() => Some(stop),
                }
            }
            Ok(None) => None,
            Err(stop) => Some(stop),
        }
    }

    /// Replaces what was read last.
    fn see(&self, cursor: Option<Cursor>) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = cursor;
    }

    fn seen(&self) -> Option<Cursor> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reach(&self, cursor: Option<Cursor>) {
        *self.reached.lock().unwrap_or_else(PoisonError::into_inner) = cursor;
    }

    fn reached(&self) -> Option<Cursor> {
        *self.reached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lease_until(&self) -> i64 {
        self.core.host.machine_now().0 + LEASE.as_micros() as i64
    }

    async fn take_lease(&self) -> Result<Option<Held>, Stop> {
        let db = &*self.core.db;
        let epoch = self.core.head().await?.epoch;
        engine::write!(db, CREATE, self.name, Uuid::nil(), epoch as i64, Hash::ZERO.0.as_slice())?;
        let row: MainRow = engine::read!(db, fetch_one, MainRow, MAIN, self.name, Uuid::nil())?;
        if !row.error.is_empty() {
            // what it read of another ledger counts no more: an operator will say from where it goes on
            self.see(None);
            return Ok(None);
        }
        if let Some(seen) = self.seen() {
            self.core.feed_from(seen, 1).await?;
        }
        // our own lease, let go of after an error of the store, is ours again at once; and SQLite has one process: a lease
        // that is still running there is that of the process before, which is gone
        let own = row.lease_epoch == self.lease_epoch.load(Ordering::Relaxed);
        let now = if own || !db.is_postgres() { i64::MAX } else { self.core.host.machine_now().0 };
        if row.lease_until >= now {
            return Ok(None);
        }
        let taken = engine::write!(db, TAKE, self.lease_until(), self.name, Uuid::nil(), row.lease_epoch, now)?;
        let cursor = Cursor {
            // nothing was read yet: whatever epoch it is now
            epoch: if row.position == 0 { epoch } else { row.epoch as u64 },
            position: row.position as u64,
            hash: Hash::from_slice(&row.hash).unwrap_or_default(),
        };
        let saved = cursor.position;
        if taken == 0 {
            return Ok(None);
        }
        self.lease_epoch.store(row.lease_epoch + 1, Ordering::Relaxed);
        self.reach(None);
        self.core.tail.forget();
        engine::write!(db, FORGET_BEHIND, self.name, Uuid::nil(), row.position, row.lease_epoch + 1)?;
        Ok(Some(Held { lease_epoch: row.lease_epoch + 1, cursor, saved }))
    }

    async fn work(&self, mut held: Held) -> Result<(), Stop> {
        let mut wake = self.core.wake.clone();
        let mut last_save = Instant::now();
        let mut parked = self.parked_streams().await?;
        let mut looked = None;
        let mut told = false;
        loop {
            wake.mark_unchanged();
            let Followed { entries, is_of_store } = self.core.follow_from(held.cursor, BATCH).await?;
            if looked.is_none_or(|then: Instant| then.elapsed() >= POLL) {
                self.retry_due(&held, &mut parked).await?;
                looked = Some(Instant::now());
            }
            if let Some(last) = entries.last() {
                self.see(Some(held.cursor.at(last)));
            }
            told |= self.deliver_all(&held, &entries, &mut parked).await?;
            if let Some(last) = entries.last() {
                held.cursor = held.cursor.at(last);
                self.reach(Some(held.cursor));
            }
            let behind = held.cursor.position - held.saved;
            // what was delivered may be delivered again: it is not worth a write each time
            let every = if told { SAVE } else { SAVE_SELDOM.0 };
            if behind > 0 && (behind >= SAVE_SELDOM.1 || last_save.elapsed() >= every) {
                self.save(held.cursor, held.lease_epoch).await?;
                held.saved = held.cursor.position;
                (last_save, told) = (Instant::now(), false);
            }
            // what another reader found may be older than the wake that was just taken for seen
            if is_of_store && entries.len() < BATCH as usize {
                let _ = tokio::time::timeout(POLL, wake.changed()).await;
            }
        }
    }

    /// Renews the lease for as long as the work goes on. By the monotonic clock, a renewal that was not certain within half
    /// the lease ends the work.
    async fn keep_lease(&self, lease_epoch: i64) -> Stop {
        loop {
            tokio::time::sleep(LEASE / 6).await;
            let renewal = async {
                engine::write!(&*self.core.db, RENEW, self.lease_until(), self.name, Uuid::nil(), lease_epoch)
            };
            if !matches!(tokio::time::timeout(LEASE / 3, renewal).await, Ok(Ok(1))) {
                return Stop::Lost;
            }
        }
    }

    /// Says so in the log, and in the store for as long as it stands; what could not be written down there is found, and
    /// written down, again.
    async fn halt(&self, reason: String) {
        tracing::error!(relay = self.name, reason, "relay halted");
        let none = Hash::ZERO.0.as_slice();
        let said = async { engine::write!(&*self.core.db, HALT, self.name, Uuid::nil(), none, reason.as_str()) };
        match said.await {
            Ok(_) => self.see(None),
            Err(error) => {
                tracing::error!(relay = self.name, %error, "that the relay has halted could not be written down");
            }
        }
    }

    /// Lets another replica go on at once, from where this one has come.
    async fn release(&self) {
        let lease_epoch = self.lease_epoch.load(Ordering::Relaxed);
        if let Some(cursor) = self.reached() {
            let _ = tokio::time::timeout(Duration::from_secs(1), self.save(cursor, lease_epoch)).await;
        }
        let released = async { engine::write!(&*self.core.db, RELEASE, self.name, Uuid::nil(), lease_epoch) };
        let _ = tokio::time::timeout(Duration::from_secs(2), released).await;
    }

    async fn parked_streams(&self) -> Result<HashSet<Uuid>, Stop> {
        let rows: Vec<(Uuid,)> =
            engine::read!(&*self.core.db, fetch_all, (Uuid,), PARKED_STREAMS, self.name, Uuid::nil())?;
        Ok(rows.into_iter().map(|(stream,)| stream).collect())
    }

    async fn save(&self, cursor: Cursor, lease_epoch: i64) -> Result<(), Stop> {
        let rows = engine::write!(
            &*self.core.db,
            ADVANCE,
            cursor.epoch as i64,
            cursor.position as i64,
            cursor.hash.0.to_vec(),
            self.name,
            Uuid::nil(),
            lease_epoch
        )?;
        if rows == 1 { Ok(()) } else { Err(Stop::Lost) }
    }

    /// Delivers a batch, streams side by side, each in order. True where anything was told to anybody.
    async fn deliver_all(&self, held: &Held, entries: &[Arc<Entry>], parked: &mut HashSet<Uuid>) -> Result<bool, Stop> {
        let mut streams: HashMap<Uuid, Vec<&Entry>> = HashMap::new();
        for entry in
            entries.iter().map(Arc::as_ref).filter(|entry| self.route.wants(entry) && !parked.contains(&entry.stream.0))
        {
            streams.entry(entry.stream.0).or_default().push(entry);
        }
        let mut deliveries = Vec::with_capacity(streams.len());
        for entries in streams.into_values() {
            deliveries.push(self.deliver_stream(entries).boxed());
        }
        let outcomes: Vec<_> = futures_util::stream::iter(deliveries).buffer_unordered(PARALLEL).collect().await;
        let mut told = false;
        for (delivered, failed) in outcomes {
            told |= delivered;
            if let Some((entry, delivery)) = failed {
                self.park(held, PARK, entry, delivery, 0).await?;
                parked.insert(entry.stream.0);
                told = true;
            }
        }
        Ok(told)
    }

    /// Delivers entries of one stream until one fails.
    async fn deliver_stream<'e>(&self, entries: Vec<&'e Entry>) -> (bool, Option<(&'e Entry, Delivery)>) {
        let mut told = false;
        for entry in entries {
            let request_id = request_id(self.name, entry);
            let delivery = AssertUnwindSafe(self.route.deliver(entry, &request_id)).catch_unwind();
            let delivery = match tokio::time::timeout(DELIVERY, delivery).await {
                Ok(Ok(delivery)) => delivery,
                Ok(Err(_)) => Delivery::Refused { reason: "the relay panicked on this entry".to_owned() },
                Err(_) => Delivery::Later { reason: "the receiver does not answer".to_owned() },
            };
            match delivery {
                Delivery::NotMine => {}
                Delivery::Done => told = true,
                failed => return (told, Some((entry, failed))),
            }
        }
        (told, None)
    }

    async fn park(&self, held: &Held, sql: Sql, entry: &Entry, delivery: Delivery, tries: u64) -> Result<(), Stop> {
        let now = self.core.host.machine_now().0;
        let backoff = Duration::from_millis(100 << tries.min(14)).min(self.route.longest_pause());
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
            sql,
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
        // none: the lease is another's, or (after a crash) the row is there already; the lease is asked for again either way
        if rows == 0 { Err(Stop::Lost) } else { Ok(()) }
    }

    /// Tries parked streams whose time has come: all their entries from the first one that failed up to the main cursor.
    async fn retry_due(&self, held: &Held, parked: &mut HashSet<Uuid>) -> Result<(), Stop> {
        let now = self.core.host.machine_now().0;
        let due: Vec<ParkedRow> =
            engine::read!(&*self.core.db, fetch_all, ParkedRow, DUE, self.name, Uuid::nil(), now)?;
        let mut retries = Vec::with_capacity(due.len());
        for row in due {
            let row = Parked::from(row);
            retries.push(async move { (self.retry_stream(held, &row).await, row) }.boxed());
        }
        let outcomes: Vec<_> = futures_util::stream::iter(retries).buffer_unordered(PARALLEL).collect().await;
        for (outcome, row) in outcomes {
            let Some((entry, delivery)) = outcome? else {
                let gone =
                    engine::write!(&*self.core.db, UNPARK, self.name, row.stream.0, Uuid::nil(), held.lease_epoch)?;
                if gone == 0 {
                    return Err(Stop::Lost);
                }
                // from here on its entries come with everybody's
                parked.remove(&row.stream.0);
                continue;
            };
            let tries = if entry.position == row.position { row.tries } else { 0 };
            self.park(held, PARK_AGAIN, &entry, delivery, tries).await?;
        }
        Ok(())
    }

    async fn retry_stream(&self, held: &Held, parked: &Parked) -> Result<Option<(Entry, Delivery)>, Stop> {
        let mut from = parked.position;
        loop {
            let entries = self.core.of_stream(parked.stream, from, held.cursor.position).await?;
            let Some(last) = entries.last() else { return Ok(None) };
            from = last.position + 1;
            let wanted = entries.iter().filter(|entry| self.route.wants(entry)).collect();
            if let (_, Some((entry, delivery))) = self.deliver_stream(wanted).await {
                return Ok(Some((entry.clone(), delivery)));
            }
        }
    }
}
