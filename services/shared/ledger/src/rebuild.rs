//! What is derived (`record`, `unique_key`, `tag`), made anew from the entries alone.
//!
//! Invariant: it is one transaction; cut off, everything stands as it stood.

use uuid::Uuid;

use crate::aggregate::{Aggregate, Index, Tag, UniqueKey};
use crate::builtin::{AccessLog, Erasure, Retrial};
use crate::engine::{self, Sql};
use crate::ledger::{Core, Ledger, store_refusal};
use crate::refusal::Refusal;
use crate::resume::{Restoration, Resumption};
use crate::snapshot::{is_told_by_its_entry, tags_of};
use crate::{Hash, StreamId};

const STREAMS: Sql = Sql::both(
    "SELECT stream, max(version) AS version, min(at) AS created, max(at) AS updated FROM entry WHERE kind LIKE $1 AND stream > $2 GROUP BY stream ORDER BY stream LIMIT 1000",
);
/// Whoever commits holds this row.
pub(crate) const HOLD_COMMITS: Sql = Sql::both("UPDATE head SET epoch = epoch WHERE shard = 0");
const CLEAR: [Sql; 3] = [
    Sql::both("DELETE FROM unique_key WHERE stream IN (SELECT stream FROM record WHERE kind = $1)"),
    Sql::both("DELETE FROM tag WHERE kind = $1"),
    Sql::both("DELETE FROM record WHERE kind = $1"),
];
const RECORD: Sql = Sql::both(
    "INSERT INTO record (stream, version, tip, schema, state, state_version, kind, region, organisation, owner, item, status,
        due_at, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
);
/// Whoever the entries say holds it, holds it.
const KEY: Sql = Sql::both(
    "INSERT INTO unique_key (scope, key, stream) VALUES ($1, $2, $3) ON CONFLICT (scope, key) DO UPDATE SET stream = excluded.stream",
);
const TAG: Sql =
    Sql::both("INSERT INTO tag (kind, name, value, sort, stream) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING");

/// Every derived row of a kind in words, but for the bytes of the state, which no two sealings share.
const DERIVED: Sql = Sql {
    pg: "SELECT stream, concat_ws('|', 'record', version, encode(tip, 'hex'), schema, state_version, region, organisation, owner, item,
                status, due_at, created_at, updated_at) FROM record WHERE kind = $1
         UNION ALL SELECT stream, concat_ws('|', 'key', scope, key) FROM unique_key
                   WHERE stream IN (SELECT stream FROM record WHERE kind = $1)
         UNION ALL SELECT stream, concat_ws('|', 'tag', name, value, sort) FROM tag WHERE kind = $1",
    lite: "SELECT stream, concat_ws('|', 'record', version, lower(hex(tip)), schema, state_version, region, organisation, owner, item,
                status, due_at, created_at, updated_at) FROM record WHERE kind = $1
         UNION ALL SELECT stream, concat_ws('|', 'key', scope, key) FROM unique_key
                   WHERE stream IN (SELECT stream FROM record WHERE kind = $1)
         UNION ALL SELECT stream, concat_ws('|', 'tag', name, value, sort) FROM tag WHERE kind = $1",
};

/// A stream and where its entries end.
#[derive(sqlx::FromRow)]
struct Bounds {
    stream: Uuid,
    version: i64,
    created: i64,
    updated: i64,
}

/// What is derived of a stream after its last entry.
struct Rows {
    tip: Hash,
    /// None where the stream's only entry tells it.
    state: Option<Vec<u8>>,
    index: Index,
    keys: Vec<UniqueKey>,
    tags: Vec<Tag>,
}

impl Ledger {
    /// Empties what is derived of a kind (`record`, `unique_key`, `tag`) and computes it anew from the entries alone; how
    /// many streams. Whoever writes meanwhile waits.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`, `STREAM_UNREADABLE`.
    pub async fn rebuild<A: Aggregate>(&self) -> Result<u64, Refusal> {
        self.core.rebuild::<A>().await.map_err(|stop| match stop {
            Stop::Store(error) => store_refusal(error),
            Stop::Refused(refusal) => refusal,
        })
    }

    /// The same of what the ledger itself keeps in every service.
    ///
    /// # Errors
    /// As [`Ledger::rebuild`].
    pub async fn rebuild_own(&self) -> Result<u64, Refusal> {
        Ok(self.rebuild::<AccessLog>().await?
            + self.rebuild::<Erasure>().await?
            + self.rebuild::<Retrial>().await?
            + self.rebuild::<Resumption>().await?
            + self.rebuild::<Restoration>().await?)
    }

    /// Every derived row of a kind as a line of text, the records' states by a keyed hash of what they say: two answers are
    /// equal where what is derived is.
    ///
    /// # Errors
    /// As [`Ledger::rebuild`].
    pub async fn derived<A: Aggregate>(&self) -> Result<Vec<String>, Refusal> {
        let rows: Vec<(Uuid, String)> =
            engine::read!(&*self.core.db, fetch_all, (Uuid, String), DERIVED, A::KIND).map_err(store_refusal)?;
        let mut lines = Vec::with_capacity(rows.len());
        for (stream, row) in rows {
            if row.starts_with("record|") {
                let found = self.core.load_as_stored::<A>(StreamId(stream)).await?;
                let said = match &found {
                    Some(found) => self.core.vault.digest(found.stream, found.version, &*found.state).await,
                    None => Ok(Hash::ZERO),
                };
                let said = said.map_err(|error| self.core.body_refusal(StreamId(stream), error))?;
                lines.push(format!("{stream}|state|{said}"));
            }
            lines.push(format!("{stream}|{row}"));
        }
        lines.sort();
        Ok(lines)
    }
}

/// Why a rebuild ends before its end.
#[derive(thiserror::Error, Debug)]
enum Stop {
    #[error(transparent)]
    Store(#[from] sqlx::Error),
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl Core {
    async fn rebuild<A: Aggregate>(&self) -> Result<u64, Stop> {
        let (mut after, mut rebuilt) = (Uuid::nil(), 0);
        let pattern = format!("{}.%", A::KIND);
        engine::atomically!(&*self.db, |tx, pick| {
            sqlx::query(pick(HOLD_COMMITS)).execute(&mut *tx).await?;
            for sql in CLEAR {
                sqlx::query(pick(sql)).bind(A::KIND).execute(&mut *tx).await?;
            }
            loop {
                // entries are not touched: they may be read beside the transaction
                let streams: Vec<Bounds> =
                    engine::read!(&*self.db, fetch_all, Bounds, STREAMS, pattern.clone(), after)?;
                let Some(last) = streams.last() else { break };
                after = last.stream;
                for bounds in streams {
                    let rows = self.rows_from_entries::<A>(&bounds).await?;
                    let index = &rows.index;
                    sqlx::query(pick(RECORD))
                        .bind(bounds.stream)
                        .bind(bounds.version)
                        .bind(rows.tip.0.to_vec())
                        .bind(rows.state.as_ref().map_or(0, |_| i64::from(A::SCHEMA)))
                        .bind(rows.state.as_deref().unwrap_or_default())
                        .bind(rows.state.as_ref().map_or(0, |_| bounds.version))
                        .bind(A::KIND)
                        .bind(&index.region)
                        .bind(&index.organisation)
                        .bind(&index.owner)
                        .bind(&index.item)
                        .bind(&index.status)
                        .bind(index.due_or_never())
                        .bind(bounds.created)
                        .bind(bounds.updated)
                        .execute(&mut *tx)
                        .await?;
                    for key in &rows.keys {
                        let claim = sqlx::query(pick(KEY)).bind(key.scope).bind(&key.key).bind(bounds.stream);
                        claim.execute(&mut *tx).await?;
                    }
                    for tag in &rows.tags {
                        let set = sqlx::query(pick(TAG)).bind(A::KIND).bind(tag.name).bind(&tag.value).bind(&tag.sort);
                        set.bind(bounds.stream).execute(&mut *tx).await?;
                    }
                    rebuilt += 1;
                }
            }
        })?;
        Ok(rebuilt)
    }

    async fn rows_from_entries<A: Aggregate>(&self, bounds: &Bounds) -> Result<Rows, Refusal> {
        let (stream, version) = (StreamId(bounds.stream), bounds.version as u64);
        let (state, last) = self.fold(stream, A::default(), 0, version).await?;
        let mut stored = None;
        if !is_told_by_its_entry(version) {
            stored = Some(self.encoded_again(stream, version, &state).await?);
        }
        Ok(Rows {
            tip: last.map_or(Hash::ZERO, |entry| entry.hash),
            state: stored,
            index: state.index(),
            keys: state.keys(),
            tags: tags_of(&state),
        })
    }
}
