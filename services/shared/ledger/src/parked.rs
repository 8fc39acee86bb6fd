//! 待转 · What relays could not deliver: a stream each, which waits for its time or for a person.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::engine::{self, Sql};
use crate::ledger::{Ledger, store_refusal};
use crate::refusal::Refusal;
use crate::{StreamId, Timestamp};

/// A stream that a relay could not deliver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

const PARKED: Sql = Sql::both(
    "SELECT reader, stream, position, tries, next_at, error FROM cursor
     WHERE stream <> $1 AND (reader, stream) > ($2, $3) ORDER BY reader, stream LIMIT $4",
);
const ONE_PARKED: Sql =
    Sql::both("SELECT reader, stream, position, tries, next_at, error FROM cursor WHERE reader = $1 AND stream = $2");
/// Where it still waits at the same entry.
const RETRY: Sql =
    Sql::both("UPDATE cursor SET next_at = $1 WHERE reader = $2 AND stream = $3 AND position = $4 AND next_at > $1");

#[derive(sqlx::FromRow)]
pub(crate) struct ParkedRow {
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
    /// Streams that relays of this service could not deliver, by relay and stream.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`.
    pub async fn parked(&self) -> Result<Vec<Parked>, Refusal> {
        let mut all: Vec<Parked> = Vec::new();
        loop {
            let page = self.parked_after(all.last().map(|last| (last.reader.as_str(), last.stream)), 1000).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    /// The same, those behind one of them, at most `limit`.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`.
    pub async fn parked_after(&self, after: Option<(&str, StreamId)>, limit: u32) -> Result<Vec<Parked>, Refusal> {
        let (reader, stream) = after.map_or(("", Uuid::nil()), |(reader, stream)| (reader, stream.0));
        let (db, limit) = (&*self.core.db, i64::from(limit));
        let rows: Vec<ParkedRow> = engine::read!(db, fetch_all, ParkedRow, PARKED, Uuid::nil(), reader, stream, limit)
            .map_err(store_refusal)?;
        Ok(rows.into_iter().map(Parked::from).collect())
    }

    /// What waits of a stream at a relay.
    pub(crate) async fn one_parked(&self, reader: &str, stream: StreamId) -> Result<Option<Parked>, Refusal> {
        let db = &*self.core.db;
        let row: Option<ParkedRow> =
            engine::read!(db, fetch_optional, ParkedRow, ONE_PARKED, reader, stream.0).map_err(store_refusal)?;
        Ok(row.map(Parked::from))
    }

    /// Has a parked stream tried again when the delivery says.
    pub(crate) async fn set_due(&self, delivery: &Parked) -> Result<(), Refusal> {
        let (due, position) = (delivery.next_at.0, delivery.position as i64);
        engine::write!(&*self.core.db, RETRY, due, delivery.reader.clone(), delivery.stream.0, position)
            .map_err(store_refusal)?;
        Ok(())
    }
}
