//! A stream as it stands at a version, and how it is read: the record and, where the record lags, the tail of entries.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use uuid::Uuid;

use crate::engine::{self, Db, Sql};
use crate::entry::{Entry, EntryRow};
use crate::ledger::Core;
use crate::vault::EncodeError;
use crate::{Aggregate, Hash, Meta, Refusal, StreamId, Tag, Timestamp, UniqueKey};

/// A stream at a version.
pub(crate) struct Snapshot<A> {
    pub stream: StreamId,
    pub version: u64,
    pub tip: Hash,
    /// Version that the stored state has; how far the tail reaches.
    pub state_version: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub state: Arc<A>,
    /// Bytes of the encoded state: what it costs to keep.
    pub bytes: usize,
    pub tags: Arc<Vec<Tag>>,
    pub keys: Arc<Vec<UniqueKey>>,
}

impl<A> Clone for Snapshot<A> {
    fn clone(&self) -> Self {
        Self { state: self.state.clone(), tags: self.tags.clone(), keys: self.keys.clone(), ..*self }
    }
}

impl<A: Aggregate> Snapshot<A> {
    /// The stream before its first entry.
    pub fn absent(stream: StreamId) -> Self {
        Self {
            stream,
            version: 0,
            tip: Hash::ZERO,
            state_version: 0,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
            state: Arc::new(A::default()),
            bytes: 0,
            tags: Arc::default(),
            keys: Arc::default(),
        }
    }
}

/// A row of `record`, the same on both engines.
#[derive(sqlx::FromRow)]
pub(crate) struct RecordRow {
    pub stream: Uuid,
    pub version: i64,
    pub tip: Vec<u8>,
    pub schema: i64,
    pub state: Vec<u8>,
    pub state_version: i64,
    pub kind: String,
    pub created_at: i64,
    pub updated_at: i64,
}

const RECORD: Sql = Sql::both(
    "SELECT stream, version, tip, schema, state, state_version, kind, created_at, updated_at FROM record WHERE stream = $1",
);

const TAIL: Sql = Sql::both(
    "SELECT position, stream, version, kind, body, actor, at, principal, request, trace, prev, hash
     FROM entry WHERE stream = $1 AND version > $2 AND version <= $3 ORDER BY version LIMIT 1000",
);

/// The record's tags, and the one that every listed record carries, by which the service itself lists.
pub(crate) fn tags_of<A: Aggregate>(state: &A) -> Vec<Tag> {
    let mut tags = state.tags();
    let sort = tags.iter().find(|tag| tag.name == Tag::AUDIENCE).map(|tag| tag.sort.clone());
    tags.extend(sort.map(|sort| Tag::new(Tag::EVERY, "", sort)));
    tags
}

/// A stream that cannot be folded: an entry of a newer release, a damaged body. It is away; the others are not.
fn unreadable(stream: StreamId, error: &dyn std::fmt::Display) -> Refusal {
    tracing::error!(%stream, %error, "stream unreadable");
    Refusal::new(
        crate::Kind::Unavailable,
        "STREAM_UNREADABLE",
        "该记录暂时无法读取，请联系系统管理员",
        "this record cannot be read by the running version",
    )
}

pub(crate) async fn entries(db: &Db, stream: StreamId, after: u64, until: u64) -> Result<Vec<Entry>, sqlx::Error> {
    let until = i64::try_from(until).unwrap_or(i64::MAX);
    let rows: Vec<EntryRow> = engine::read!(db, fetch_all, EntryRow, TAIL, stream.0, after as i64, until)?;
    Ok(rows.into_iter().map(Entry::from).collect())
}

impl Core {
    /// The stream as committed, to decide on: another kind's stream is not there to be written.
    pub(crate) async fn load_to_write<A: Aggregate>(&self, stream: StreamId) -> Result<Snapshot<A>, Refusal> {
        let row: Option<RecordRow> =
            engine::read!(&*self.db, fetch_optional, RecordRow, RECORD, stream.0).map_err(crate::store_refusal)?;
        match row {
            Some(row) if row.kind == A::KIND => self.restore(row).await,
            Some(_) => Err(Refusal::not_found("记录")),
            None => Ok(Snapshot::absent(stream)),
        }
    }

    /// The stream as committed; `None` where it has no entry (or is of another kind).
    pub(crate) async fn load<A: Aggregate>(&self, stream: StreamId) -> Result<Option<Snapshot<A>>, Refusal> {
        match self.row::<A>(stream).await? {
            Some(row) => self.restore(row).await.map(Some),
            None => Ok(None),
        }
    }

    /// The row of a stream of this kind.
    async fn row<A: Aggregate>(&self, stream: StreamId) -> Result<Option<RecordRow>, Refusal> {
        let row: Option<RecordRow> =
            engine::read!(&*self.db, fetch_optional, RecordRow, RECORD, stream.0).map_err(crate::store_refusal)?;
        Ok(row.filter(|row| row.kind == A::KIND))
    }

    /// Folds a record's row and its tail.
    pub(crate) async fn restore<A: Aggregate>(&self, row: RecordRow) -> Result<Snapshot<A>, Refusal> {
        let stream = StreamId(row.stream);
        let (state, from) = self.stored::<A>(&row).await?;
        let state = self.fold(stream, state, from, row.version as u64).await?;
        Ok(Snapshot {
            stream,
            version: row.version as u64,
            tip: Hash::from_slice(&row.tip).unwrap_or_default(),
            state_version: from,
            created_at: Timestamp(row.created_at),
            updated_at: Timestamp(row.updated_at),
            tags: Arc::new(tags_of(&state)),
            keys: Arc::new(state.keys()),
            bytes: row.state.len(),
            state: Arc::new(state),
        })
    }

    /// The stored state and its version; nothing where it is of another shape.
    async fn stored<A: Aggregate>(&self, row: &RecordRow) -> Result<(A, u64), Refusal> {
        if row.schema != i64::from(A::SCHEMA) {
            return Ok((A::default(), 0));
        }
        let (stream, version) = (StreamId(row.stream), row.state_version as u64);
        let state = self.vault.decode(stream, version, || serde_json::from_slice::<A>(&row.state)).await;
        Ok((state.map_err(|error| self.body_refusal(stream, error))?, version))
    }

    /// Folds the entries after `from` up to `until` into the state.
    pub(crate) async fn fold<A: Aggregate>(
        &self,
        stream: StreamId,
        mut state: A,
        from: u64,
        until: u64,
    ) -> Result<A, Refusal> {
        let mut at = from;
        while at < until {
            let tail = entries(&self.db, stream, at, until).await.map_err(crate::store_refusal)?;
            let Some(last) = tail.last() else {
                return Err(unreadable(stream, &format!("entries after version {at} are missing")));
            };
            at = last.version;
            for entry in &tail {
                let event = self.decode_event::<A>(entry).await?;
                let meta = Meta { at: entry.at, actor: entry.actor.clone(), version: entry.version };
                state = catch_unwind(AssertUnwindSafe(|| {
                    state.evolve(&event, &meta);
                    state
                }))
                .map_err(|_| unreadable(stream, &"evolve panicked"))?;
            }
        }
        Ok(state)
    }

    /// Decodes an entry's body, today's shape or an older one, and opens its personal values.
    pub(crate) async fn decode_event<A: Aggregate>(&self, entry: &Entry) -> Result<A::Event, Refusal> {
        let decode = || match A::UPCAST {
            None => serde_json::from_slice(&entry.body),
            Some(upcast) => serde_json::from_value(upcast(&entry.kind, serde_json::from_slice(&entry.body)?)),
        };
        let event = self.vault.decode(entry.stream, entry.version, decode).await;
        event.map_err(|error| self.body_refusal(entry.stream, error))
    }

    /// The stream as it stood at a version, folded from its entries, or from the stored state where that is no younger.
    pub(crate) async fn load_at<A: Aggregate>(
        &self,
        stream: StreamId,
        version: u64,
    ) -> Result<Option<Snapshot<A>>, Refusal> {
        let row = self.row::<A>(stream).await?.filter(|_| version > 0);
        let Some(row) = row else { return Ok(None) };
        if row.version as u64 <= version {
            let now = if row.version as u64 == version { Some(self.restore(row).await?) } else { None };
            return Ok(now);
        }
        let younger = row.state_version as u64 > version;
        let (state, from) = if younger { (A::default(), 0) } else { self.stored::<A>(&row).await? };
        let state = self.fold(stream, state, from, version).await?;
        let last = entries(&self.db, stream, version - 1, version).await.map_err(crate::store_refusal)?;
        let Some(last) = last.first() else { return Ok(None) };
        Ok(Some(Snapshot {
            stream,
            version,
            tip: last.hash,
            state_version: from,
            created_at: Timestamp(row.created_at),
            updated_at: last.at,
            bytes: row.state.len(),
            tags: Arc::new(tags_of(&state)),
            keys: Arc::new(state.keys()),
            state: Arc::new(state),
        }))
    }

    pub(crate) fn body_refusal(&self, stream: StreamId, error: EncodeError) -> Refusal {
        match error {
            EncodeError::Store(error) => crate::store_refusal(error),
            EncodeError::Body(error) => unreadable(stream, &error),
        }
    }
}
