//! A stream as it stands at a version, and how it is read: the record and, where the record lags, the tail of entries.

use std::any::Any;
use std::collections::HashMap;
use std::hash::Hash as Hashed;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::time::Instant;
use uuid::Uuid;

use crate::actor::FRESH;
use crate::archive::REQUESTS_LIVE;
use crate::engine::{self, Db, Reader, Sql};
use crate::entry::{Entry, EntryRow};
use crate::gather::Lookup;
use crate::ledger::Core;
use crate::vault::EncodeError;
use crate::{Aggregate, Hash, Meta, Refusal, StreamId, Tag, Timestamp, UniqueKey};

/// Whether a stream at this version has one entry, which says all that its state does: no state is stored beside it.
pub(crate) fn is_told_by_its_entry(version: u64) -> bool {
    version == 1
}

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
    /// Bytes of the encoded state, or of the only entry: what it costs to keep.
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
#[derive(Clone, sqlx::FromRow)]
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
    /// The stream's only entry, which says what no state says yet; read where the record was asked for by its stream.
    #[sqlx(skip)]
    pub only: Option<Arc<Entry>>,
}

impl RecordRow {
    fn has_no_state(&self) -> bool {
        is_told_by_its_entry(self.version as u64) && self.state_version == 0
    }
}

/// Records by their streams. The state of one that stands at the version which the asker knows is left out.
const RECORDS: Sql = Sql {
    pg: "SELECT k.known, r.stream, r.version, r.tip, r.schema, CASE WHEN r.version = k.known THEN ''::bytea ELSE r.state END AS state,
            r.state_version, r.kind, r.created_at, r.updated_at
         FROM unnest($1::uuid[], $2::bigint[]) AS k (stream, known) JOIN record r ON r.stream = k.stream",
    lite: "SELECT k.value ->> 1 AS known, r.stream, r.version, r.tip, r.schema,
            CASE WHEN r.version = k.value ->> 1 THEN x'' ELSE r.state END AS state,
            r.state_version, r.kind, r.created_at, r.updated_at
         FROM json_each($1) AS k JOIN record r ON r.stream = unhex(k.value ->> 0)",
};

/// The first entries of streams.
const FIRST: Sql = Sql {
    pg: "SELECT e.position, e.stream, e.version, e.kind, e.body, e.actor, e.at, e.principal, e.request, e.trace, e.prev, e.hash
         FROM unnest($1::uuid[]) AS k (stream) JOIN entry e ON e.stream = k.stream AND e.version = 1",
    lite: "SELECT e.position, e.stream, e.version, e.kind, e.body, e.actor, e.at, e.principal, e.request, e.trace, e.prev, e.hash
         FROM json_each($1) AS k JOIN entry e ON e.stream = unhex(k.value) AND e.version = 1",
};

/// Records by stream and known version.
pub(crate) struct Records;

#[derive(sqlx::FromRow)]
struct Asked {
    known: i64,
    #[sqlx(flatten)]
    row: RecordRow,
}

impl Lookup for Records {
    type Key = (Uuid, i64);
    type Row = RecordRow;
    const LANES: usize = 2;

    async fn ask(reader: &mut Reader, keys: &[(Uuid, i64)]) -> Result<HashMap<(Uuid, i64), RecordRow>, sqlx::Error> {
        let mut rows: Vec<Asked> = match reader {
            Reader::Pg(connection) => {
                let (streams, known): (Vec<Uuid>, Vec<i64>) = keys.iter().copied().unzip();
                sqlx::query_as(RECORDS.pg).bind(streams).bind(known).fetch_all(connection).await?
            }
            Reader::Lite(connection) => {
                let keys: Vec<_> = keys.iter().map(|(stream, known)| (stream.simple().to_string(), known)).collect();
                sqlx::query_as(RECORDS.lite).bind(serde_json::json!(keys).to_string()).fetch_all(connection).await?
            }
        };
        let untold = |asked: &Asked| asked.row.has_no_state() && asked.known != asked.row.version;
        let streams: Vec<Uuid> = rows.iter().filter(|asked| untold(asked)).map(|asked| asked.row.stream).collect();
        if !streams.is_empty() {
            let first = first_entries(reader, &streams).await?;
            for asked in rows.iter_mut().filter(|asked| untold(asked)) {
                asked.row.only = first.get(&asked.row.stream).cloned();
            }
        }
        Ok(rows.into_iter().map(|asked| ((asked.row.stream, asked.known), asked.row)).collect())
    }
}

async fn first_entries(reader: &mut Reader, streams: &[Uuid]) -> Result<HashMap<Uuid, Arc<Entry>>, sqlx::Error> {
    let rows: Vec<EntryRow> = match reader {
        Reader::Pg(connection) => sqlx::query_as(FIRST.pg).bind(streams).fetch_all(connection).await?,
        Reader::Lite(connection) => {
            let streams: Vec<_> = streams.iter().map(|stream| stream.simple().to_string()).collect();
            sqlx::query_as(FIRST.lite).bind(serde_json::json!(streams).to_string()).fetch_all(connection).await?
        }
    };
    Ok(rows.into_iter().map(Entry::from).map(|entry| (entry.stream.0, Arc::new(entry))).collect())
}

/// A stream in memory, as it was read or decided at a time and still stands, or else its record.
enum Found<A> {
    Kept(Snapshot<A>, Instant),
    Stored(RecordRow),
}

impl<A> Found<A> {
    fn updated_at(&self) -> i64 {
        match self {
            Found::Kept(kept, _) => kept.updated_at.0,
            Found::Stored(row) => row.updated_at,
        }
    }
}

/// What was read is kept for a while, so that it is not read, opened and folded again.
pub(crate) struct Kept {
    /// As it stands: the store is asked for its version alone. It is therefore never older than the store.
    present: Snapshots<StreamId>,
    /// As it stood at a version, which no more changes: several relays ask for what one entry left. Nobody asks the store, which
    /// may have been restored since.
    past: Snapshots<(StreamId, u64)>,
}

type Snapshots<K> = moka::sync::Cache<K, Remembered>;

#[derive(Clone)]
struct Remembered {
    snapshot: Arc<dyn Any + Send + Sync>,
    /// When it was read, and how many erasures there had been.
    since: Instant,
    erasures: u64,
    bytes: u32,
}

/// Bytes that may be kept of either, by the encoded states; in memory they are a few times as large.
const PRESENT_BYTES: u64 = 16 << 20;
const PAST_BYTES: u64 = 4 << 20;

impl Kept {
    pub fn new() -> Self {
        Self { present: snapshots(PRESENT_BYTES), past: snapshots(PAST_BYTES) }
    }

    pub fn forget_past(&self) {
        self.past.invalidate_all();
    }
}

fn snapshots<K: Hashed + Eq + Send + Sync + 'static>(bytes: u64) -> Snapshots<K> {
    moka::sync::Cache::builder()
        .max_capacity(bytes)
        .weigher(|_, kept: &Remembered| kept.bytes)
        .time_to_live(FRESH)
        .build()
}

/// What is kept, where it was read after every erasure so far, and not long ago.
fn known<A: Aggregate, K: Hashed + Eq + Send + Sync + 'static>(
    kept: &Snapshots<K>,
    key: &K,
    erasures: u64,
) -> Option<(Snapshot<A>, Instant)> {
    let kept = kept.get(key).filter(|kept| kept.erasures == erasures && kept.since.elapsed() < FRESH)?;
    Some((kept.snapshot.downcast_ref::<Snapshot<A>>()?.clone(), kept.since))
}

fn keep<A: Aggregate, K: Hashed + Eq + Send + Sync + 'static>(
    kept: &Snapshots<K>,
    key: K,
    (erasures, since): (u64, Instant),
    snapshot: &Snapshot<A>,
) {
    let bytes = u32::try_from(snapshot.bytes + 256).unwrap_or(u32::MAX);
    kept.insert(key, Remembered { snapshot: Arc::new(snapshot.clone()), since, erasures, bytes });
}

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

/// A stream whose bodies are elsewhere: it is read as it stands, and closed.
fn archived(stream: StreamId) -> Refusal {
    tracing::warn!(%stream, "stream archived: yiwang archive return FILE opens it again");
    Refusal::state(
        "STREAM_ARCHIVED",
        "该记录已归档，只能查看；需要继续办理的，请系统管理员先取回归档 (yiwang archive return)",
        "this record is archived and can only be read: an operator brings it back with `yiwang archive return`",
    )
}

/// Whether one record alone is away, and not the store.
pub(crate) fn is_of_one_stream(refusal: &Refusal) -> bool {
    ["STREAM_UNREADABLE", "STREAM_ARCHIVED"].contains(&refusal.reason)
}

pub(crate) async fn entries(db: &Db, stream: StreamId, after: u64, until: u64) -> Result<Vec<Entry>, sqlx::Error> {
    let until = i64::try_from(until).unwrap_or(i64::MAX);
    let rows: Vec<EntryRow> = engine::read!(db, fetch_all, EntryRow, TAIL, stream.0, after as i64, until)?;
    Ok(rows.into_iter().map(Entry::from).collect())
}

impl Core {
    /// The stream as committed, to decide on, and since when it is in memory: another kind's stream is not there to be written.
    pub(crate) async fn load_to_write<A: Aggregate>(
        &self,
        stream: StreamId,
    ) -> Result<(Snapshot<A>, Instant), Refusal> {
        let now = Instant::now();
        let found = match self.found::<A>(stream).await? {
            None => return Ok((Snapshot::absent(stream), now)),
            Some(Found::Stored(row)) if row.kind != A::KIND => return Err(Refusal::not_found("记录")),
            Some(found) => found,
        };
        // what is archived is closed: a repetition, or a relay, may ask for the stream as it stands now
        let rests = found.updated_at() < self.host.now().0.saturating_sub(REQUESTS_LIVE);
        if rests && entries(&self.db, stream, 0, 1).await.map_err(crate::store_refusal)?.iter().any(Entry::is_archived)
        {
            return Err(archived(stream));
        }
        match found {
            Found::Kept(kept, since) => Ok((kept, since)),
            // on the heap: few calls come here, and each would carry room for it
            Found::Stored(row) => Ok((Box::pin(self.restore(row)).await?, now)),
        }
    }

    /// What is kept of a stream and since when, read before no erasure.
    pub(crate) fn kept<A: Aggregate>(&self, stream: StreamId) -> Option<(Snapshot<A>, Instant)> {
        known(&self.kept.present, &stream, self.vault.erasures())
    }

    /// Keeps a stream as it stands, with the number of erasures before it was read or decided, and when that was.
    pub(crate) fn keep<A: Aggregate>(&self, stream: StreamId, then: (u64, Instant), snapshot: &Snapshot<A>) {
        keep(&self.kept.present, stream, then, snapshot);
    }

    /// The stream as committed; `None` where it has no entry (or is of another kind).
    pub(crate) async fn load<A: Aggregate>(&self, stream: StreamId) -> Result<Option<Snapshot<A>>, Refusal> {
        let then = (self.vault.erasures(), Instant::now());
        match self.found::<A>(stream).await? {
            Some(Found::Kept(kept, _)) => Ok(Some(kept)),
            Some(Found::Stored(row)) if row.kind == A::KIND => {
                // on the heap, as above
                let snapshot = Box::pin(self.restore::<A>(row)).await?;
                self.keep(stream, then, &snapshot);
                Ok(Some(snapshot))
            }
            _ => Ok(None),
        }
    }

    /// The stream as it is kept, where that is how it stands, or else its record.
    async fn found<A: Aggregate>(&self, stream: StreamId) -> Result<Option<Found<A>>, Refusal> {
        let kept = self.kept::<A>(stream);
        let known = kept.as_ref().map_or(0, |(kept, _)| kept.version);
        let Some(row) = self.record(stream, known).await? else { return Ok(None) };
        match kept.filter(|(kept, _)| kept.version == row.version as u64) {
            Some((kept, since)) if kept.tip.0 == row.tip[..] => Ok(Some(Found::Kept(kept, since))),
            // another history of the same length: the store was restored
            Some(_) => Ok(self.record(stream, 0).await?.map(Found::Stored)),
            None => Ok(Some(Found::Stored(row))),
        }
    }

    /// The same, whatever is kept in memory.
    pub(crate) async fn load_as_stored<A: Aggregate>(&self, stream: StreamId) -> Result<Option<Snapshot<A>>, Refusal> {
        match self.row::<A>(stream, 0).await? {
            Some(row) => self.restore(row).await.map(Some),
            None => Ok(None),
        }
    }

    /// The record of a stream, without the state where it stands at the version that is known.
    async fn record(&self, stream: StreamId, known: u64) -> Result<Option<RecordRow>, Refusal> {
        self.records.get((stream.0, known as i64)).await.map_err(crate::store_refusal)
    }

    /// The same, of a stream of this kind.
    async fn row<A: Aggregate>(&self, stream: StreamId, known: u64) -> Result<Option<RecordRow>, Refusal> {
        Ok(self.record(stream, known).await?.filter(|row| row.kind == A::KIND))
    }

    /// Folds a record's row and its tail.
    pub(crate) async fn restore<A: Aggregate>(&self, row: RecordRow) -> Result<Snapshot<A>, Refusal> {
        let stream = StreamId(row.stream);
        let (stored, from) = self.stored::<A>(&row).await?;
        let (state, bytes) = match &row.only {
            Some(only) => (self.evolved(stored, only).await?, only.body.len()),
            None => (self.fold(stream, stored, from, row.version as u64).await?.0, row.state.len()),
        };
        Ok(Snapshot {
            stream,
            version: row.version as u64,
            tip: Hash::from_slice(&row.tip).unwrap_or_default(),
            state_version: from,
            created_at: Timestamp(row.created_at),
            updated_at: Timestamp(row.updated_at),
            tags: Arc::new(tags_of(&state)),
            keys: Arc::new(state.keys()),
            bytes,
            state: Arc::new(state),
        })
    }

    /// The stored state and its version; nothing where it is of another shape.
    async fn stored<A: Aggregate>(&self, row: &RecordRow) -> Result<(A, u64), Refusal> {
        if row.schema != i64::from(A::SCHEMA) || row.state_version == 0 {
            return Ok((A::default(), 0));
        }
        let (stream, version) = (StreamId(row.stream), row.state_version as u64);
        let state = self.vault.decode(stream, version, || serde_json::from_slice::<A>(&row.state)).await;
        Ok((state.map_err(|error| self.body_refusal(stream, error))?, version))
    }

    /// Folds the entries after `from` up to `until` into the state; the last of them, where there is one.
    pub(crate) async fn fold<A: Aggregate>(
        &self,
        stream: StreamId,
        mut state: A,
        from: u64,
        until: u64,
    ) -> Result<(A, Option<Entry>), Refusal> {
        let (mut at, mut last) = (from, None);
        while at < until {
            let mut tail = entries(&self.db, stream, at, until).await.map_err(crate::store_refusal)?;
            let Some(end) = tail.last() else {
                return Err(unreadable(stream, &format!("entries after version {at} are missing")));
            };
            at = end.version;
            for entry in &tail {
                state = self.evolved(state, entry).await?;
            }
            last = tail.pop();
        }
        Ok((state, last))
    }

    /// The state after an entry.
    async fn evolved<A: Aggregate>(&self, mut state: A, entry: &Entry) -> Result<A, Refusal> {
        let event = self.decode_event::<A>(entry).await?;
        let meta = Meta { at: entry.at, actor: entry.actor.clone(), version: entry.version };
        catch_unwind(AssertUnwindSafe(|| {
            state.evolve(&event, &meta);
            state
        }))
        .map_err(|_| unreadable(entry.stream, &"evolve panicked"))
    }

    /// Decodes an entry's body, today's shape or an older one, and opens its personal values.
    pub(crate) async fn decode_event<A: Aggregate>(&self, entry: &Entry) -> Result<A::Event, Refusal> {
        if entry.is_archived() {
            return Err(archived(entry.stream));
        }
        let decode = || match A::UPCAST {
            None => serde_json::from_slice(&entry.body),
            Some(upcast) => serde_json::from_value(upcast(&entry.kind, serde_json::from_slice(&entry.body)?)),
        };
        let event = self.vault.decode(entry.stream, entry.version, decode).await;
        event.map_err(|error| self.body_refusal(entry.stream, error))
    }

    /// The stream as it stood at a version (with this hash, where one is given), folded from its entries, or from the stored
    /// state where that is no younger.
    pub(crate) async fn load_at<A: Aggregate>(
        &self,
        stream: StreamId,
        version: u64,
        hash: Option<Hash>,
    ) -> Result<Option<Snapshot<A>>, Refusal> {
        let now = (self.vault.erasures(), Instant::now());
        let kept = known::<A, _>(&self.kept.past, &(stream, version), now.0);
        if let Some((then, _)) = kept.filter(|(then, _)| hash.is_none_or(|hash| then.tip == hash)) {
            return Ok(Some(then));
        }
        let standing = self.load::<A>(stream).await?.filter(|_| version > 0);
        let Some(standing) = standing else { return Ok(None) };
        if standing.version <= version {
            return Ok(Some(standing).filter(|standing| standing.version == version));
        }
        let (state, from) = if A::STANDALONE {
            (A::default(), version - 1)
        } else if standing.state_version > version {
            (A::default(), 0)
        } else {
            match self.row::<A>(stream, 0).await? {
                Some(row) if row.state_version as u64 <= version => self.stored::<A>(&row).await?,
                Some(_) => (A::default(), 0),
                None => return Ok(None),
            }
        };
        let (state, mut last) = self.fold(stream, state, from, version).await?;
        if last.is_none() {
            // the stored state is of this very version
            last = entries(&self.db, stream, version - 1, version).await.map_err(crate::store_refusal)?.pop();
        }
        let Some(last) = last else { return Ok(None) };
        let then = Snapshot {
            stream,
            version,
            tip: last.hash,
            state_version: from,
            created_at: standing.created_at,
            updated_at: last.at,
            bytes: standing.bytes,
            tags: Arc::new(tags_of(&state)),
            keys: Arc::new(state.keys()),
            state: Arc::new(state),
        };
        keep(&self.kept.past, (stream, version), now, &then);
        Ok(Some(then))
    }

    /// A state that is derived from what was written before.
    pub(crate) async fn encoded_again<A: Aggregate>(
        &self,
        stream: StreamId,
        version: u64,
        state: &A,
    ) -> Result<Vec<u8>, Refusal> {
        let encoded = self.vault.encode_again(stream, version, state).await;
        encoded.map_err(|error| self.body_refusal(stream, error))
    }

    pub(crate) fn body_refusal(&self, stream: StreamId, error: EncodeError) -> Refusal {
        match error {
            EncodeError::Store(error) => crate::store_refusal(error),
            EncodeError::Body(error) => unreadable(stream, &error),
        }
    }
}
