//! 恢复之后 · After a restore: a ledger that was restored says so, and a relay goes on from a position at which the ledger still is
//! what the relay has read, when an operator says so. Each of these acts is an entry.
//!
//! Invariant: an operator sets a cursor back, never forward. What was delivered is delivered again, to receivers that act once;
//! nothing is passed over.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::aggregate::{Aggregate, Call, Index, Meta, Tag};
use crate::engine::{self, Sql};
use crate::ledger::{Head, Ledger, store_refusal};
use crate::refusal::{Kind, Refusal};
use crate::{Hash, StreamId, Timestamp};

/// Where a relay stands, and where it would go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The relay's name.
    pub reader: String,
    /// Why it has halted, `FEED_GAP: …` or `FEED_REWOUND: …`; empty where it has not.
    pub halted: String,
    /// The last position known to be what it has read; 0 where there is none.
    pub position: u64,
    /// Hash of that entry; zero at 0.
    pub hash: Hash,
    /// It can go on by itself.
    well: bool,
}

/// What an operator asks of a relay.
#[derive(Clone, Debug)]
pub struct Resume {
    /// The relay's name.
    pub reader: String,
    /// The ledger's epoch that the operator has looked at.
    pub epoch: u64,
    /// Of a relay that has halted: [`Standing::position`] and [`Standing::hash`] that the operator has looked at.
    pub at: (u64, Hash),
    /// Deliver again every entry of this legal time or later: its receiver was restored to then.
    pub since: Option<Timestamp>,
    /// Why, in words.
    pub reason: String,
}

/// From where a relay went on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumed {
    /// The relay's name.
    pub reader: String,
    /// Why it had halted; empty where it had not.
    pub halted: String,
    /// The ledger's epoch.
    pub epoch: u64,
    /// It delivers every entry after this one.
    pub position: u64,
    /// Hash of that entry, 64 hex digits.
    pub hash: String,
    /// How many entries there were after it.
    pub again: u64,
    /// The operator's reason.
    pub reason: String,
}

/// The times that one relay went on by an operator's word.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumption {
    /// The last of them.
    pub last: Option<Resumed>,
    since: Option<Timestamp>,
}

/// Events of a [`Resumption`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
pub enum ResumptionEvent {
    /// An operator had the relay go on; who and when stand in the entry.
    Resumed {
        /// From where.
        relay: Resumed,
    },
}

impl Aggregate for Resumption {
    const KIND: &'static str = "resumption";
    type Event = ResumptionEvent;

    fn evolve(&mut self, event: &ResumptionEvent, meta: &Meta) {
        let ResumptionEvent::Resumed { relay } = event;
        self.last = Some(relay.clone());
        self.since.get_or_insert(meta.at);
    }

    fn index(&self) -> Index {
        Index { status: "resumed".to_owned(), ..Index::default() }
    }

    fn tags(&self) -> Vec<Tag> {
        vec![Tag::new(Tag::AUDIENCE, "audit", Tag::newest_first(self.since.unwrap_or_default()))]
    }
}

/// The times that a ledger was restored. One stream a ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restoration {
    /// The epoch that the last one began.
    pub epoch: u64,
    since: Option<Timestamp>,
}

/// Events of a [`Restoration`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
pub enum RestorationEvent {
    /// An operator said that the ledger had been restored: whatever was read in an earlier epoch may be gone.
    Restored {
        /// The epoch that begins.
        epoch: u64,
        /// Position of the last entry that was restored.
        position: u64,
        /// The operator's reason.
        reason: String,
    },
}

impl Aggregate for Restoration {
    const KIND: &'static str = "restoration";
    type Event = RestorationEvent;

    fn evolve(&mut self, event: &RestorationEvent, meta: &Meta) {
        let RestorationEvent::Restored { epoch, .. } = event;
        self.epoch = *epoch;
        self.since.get_or_insert(meta.at);
    }

    fn index(&self) -> Index {
        Index { status: "restored".to_owned(), ..Index::default() }
    }

    fn tags(&self) -> Vec<Tag> {
        vec![Tag::new(Tag::AUDIENCE, "audit", Tag::newest_first(self.since.unwrap_or_default()))]
    }
}

const CURSORS: Sql =
    Sql::both("SELECT reader, epoch, position, hash, error FROM cursor WHERE stream = $1 ORDER BY reader");
const HASH_AT: Sql = Sql::both("SELECT hash FROM entry WHERE position = $1");
const FIRST_SINCE: Sql =
    Sql::both("SELECT min(position) FROM entry WHERE position > $1 AND position <= $2 AND at >= $3");
const NEW_EPOCH: Sql = Sql::both("UPDATE head SET epoch = $1 WHERE shard = 0 AND epoch < $1");
/// Never forward, and not past a halt that came later. Whoever holds the lease has lost it.
const SET_BACK: Sql = Sql::both(
    "UPDATE cursor SET epoch = $1, position = $2, hash = $3, lease_epoch = lease_epoch + 1, lease_until = 0, error = ''
     WHERE reader = $4 AND stream = $5 AND position >= $2 AND (error = '' OR error = $6)
       AND EXISTS (SELECT 1 FROM head WHERE epoch = $1)",
);
/// In this many entries in a row none is of the time or later: then there is none before them.
const STRIDE: u64 = 10_000;

#[derive(sqlx::FromRow)]
struct CursorRow {
    reader: String,
    epoch: i64,
    position: i64,
    hash: Vec<u8>,
    error: String,
}

impl Ledger {
    /// Where each relay of this service stands, and would go on.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`.
    pub async fn relays(&self) -> Result<Vec<Standing>, Refusal> {
        self.standings().await.map_err(store_refusal)
    }

    /// Those that have halted, on whichever replica.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`.
    pub async fn halted(&self) -> Result<Vec<Standing>, Refusal> {
        let mut all = self.relays().await?;
        all.retain(|relay| !relay.halted.is_empty());
        Ok(all)
    }

    async fn standings(&self) -> Result<Vec<Standing>, sqlx::Error> {
        let epoch = self.core.head().await?.epoch;
        let rows: Vec<CursorRow> = engine::read!(&*self.core.db, fetch_all, CursorRow, CURSORS, Uuid::nil())?;
        let mut all = Vec::with_capacity(rows.len());
        for row in rows {
            let position = row.position as u64;
            let agrees = position > 0 && self.hash_at(position).await?.is_some_and(|hash| hash.0[..] == row.hash[..]);
            let well = row.error.is_empty() && (position == 0 || (agrees && row.epoch as u64 == epoch));
            let (position, hash) = match Hash::from_slice(&row.hash) {
                Some(hash) if agrees => (position, hash),
                _ => (0, Hash::ZERO),
            };
            all.push(Standing { reader: row.reader, halted: row.error, position, hash, well });
        }
        Ok(all)
    }

    async fn hash_at(&self, position: u64) -> Result<Option<Hash>, sqlx::Error> {
        let row: Option<(Vec<u8>,)> =
            engine::read!(&*self.core.db, fetch_optional, (Vec<u8>,), HASH_AT, position as i64)?;
        Ok(row.and_then(|(hash,)| Hash::from_slice(&hash)))
    }

    /// Has a relay go on: one that has halted, from the last position that still is what it has read; with `since`, any relay
    /// from before that time. Leaves an entry of it; the same call again answers the same.
    ///
    /// # Errors
    /// `RELAY_NOT_FOUND`; `RELAY_NOT_HALTED` where there is nothing to resume; `RELAY_MOVED` where it does not stand where the
    /// operator saw it; and as [`Ledger::execute`].
    pub async fn resume_relay(&self, call: Call, ask: Resume) -> Result<Resumed, Refusal> {
        let stream = StreamId::named(Resumption::KIND, &ask.reader);
        let found = self.resumption(ask).await?;
        let rule = move |_: &Resumption, _: &crate::Context| {
            found.clone().map(|relay| vec![ResumptionEvent::Resumed { relay }])
        };
        let done = self.execute::<Resumption>(stream, call, rule).await?;
        let relay = done.state.last.clone().ok_or_else(relay_not_found)?;
        // Also where this is a repetition: the process may have ended between the entry and this.
        self.set_back(&relay).await.map_err(store_refusal)?;
        Ok(relay)
    }

    /// What the operator asks, held against where things stand. The outer error is the store's.
    async fn resumption(&self, ask: Resume) -> Result<Result<Resumed, Refusal>, Refusal> {
        let head = self.head().await?;
        let Some(stands) = self.relays().await?.into_iter().find(|relay| relay.reader == ask.reader) else {
            return Ok(Err(relay_not_found()));
        };
        if stands.well && ask.since.is_none() {
            return Ok(Err(Refusal::state("RELAY_NOT_HALTED", "该转办没有停止", "the relay has not halted")));
        }
        if ask.epoch != head.epoch || (!stands.well && ask.at != (stands.position, stands.hash)) {
            let (zh, en) = ("转办已不在您所见的位置，请重新查看", "the relay is not where you saw it: look again");
            return Ok(Err(Refusal::state("RELAY_MOVED", zh, en)));
        }
        let position = match ask.since {
            None => stands.position,
            Some(since) => self.before(since, stands.position).await.map_err(store_refusal)?,
        };
        let hash = self.hash_at(position).await.map_err(store_refusal)?.unwrap_or_default();
        Ok(Ok(Resumed {
            reader: stands.reader,
            halted: stands.halted,
            epoch: head.epoch,
            position,
            hash: hash.to_string(),
            again: head.position.saturating_sub(position),
            reason: ask.reason,
        }))
    }

    /// The last position up to `until` before any entry of a legal time or later.
    async fn before(&self, since: Timestamp, until: u64) -> Result<u64, sqlx::Error> {
        let (mut top, mut found) = (until, until);
        while top > 0 {
            let from = top.saturating_sub(STRIDE);
            let (first,): (Option<i64>,) = engine::read!(
                &*self.core.db,
                fetch_one,
                (Option<i64>,),
                FIRST_SINCE,
                from as i64,
                top as i64,
                since.0
            )?;
            let Some(first) = first else { break };
            (found, top) = (first as u64 - 1, from);
        }
        Ok(found)
    }

    /// Nothing where the ledger, or the relay, is not where it was decided.
    async fn set_back(&self, relay: &Resumed) -> Result<(), sqlx::Error> {
        let (epoch, position) = (relay.epoch as i64, relay.position as i64);
        let hash = self.hash_at(relay.position).await?.unwrap_or_default();
        if hash.to_string() != relay.hash {
            return Ok(());
        }
        let (reader, halted) = (relay.reader.as_str(), relay.halted.as_str());
        engine::write!(&*self.core.db, SET_BACK, epoch, position, hash.0.as_slice(), reader, Uuid::nil(), halted)?;
        Ok(())
    }

    /// Says that the ledger was restored: a new epoch, in which no relay goes on before an operator says from where, and an
    /// entry of it. For a ledger that no service works on.
    ///
    /// # Errors
    /// As [`Ledger::execute`].
    pub async fn restored(&self, call: Call, reason: &str) -> Result<Head, Refusal> {
        let head = self.head().await?;
        let epoch = head.epoch + 1;
        let event = RestorationEvent::Restored { epoch, position: head.position, reason: reason.to_owned() };
        let stream = StreamId::named(Restoration::KIND, self.service());
        self.execute::<Restoration>(stream, call, move |_, _| Ok(vec![event.clone()])).await?;
        engine::write!(&*self.core.db, NEW_EPOCH, epoch as i64).map_err(store_refusal)?;
        self.head().await
    }
}

fn relay_not_found() -> Refusal {
    Refusal::new(Kind::NotFound, "RELAY_NOT_FOUND", "没有这个转办", "there is no such relay")
}
