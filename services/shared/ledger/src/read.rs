//! Reads: they never pass an actor and never wait for a writer. Who may see a record is asked of the same tags by which it
//! is listed, so that a list shows exactly what single reads would.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;
use std::sync::Arc;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use uuid::Uuid;

use crate::aggregate::{Aggregate, Tag};
use crate::engine::{self, Sql};
use crate::entry::Entry;
use crate::ledger::{Core, Ledger, store_refusal};
use crate::refusal::Refusal;
use crate::snapshot::{self, RecordRow, Snapshot};
use crate::{Hash, StreamId, Timestamp};

/// Whom a caller may see things as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audiences(Option<BTreeSet<String>>);

impl Audiences {
    /// A caller who belongs to these audiences.
    pub fn of(list: impl IntoIterator<Item = String>) -> Self {
        Audiences(Some(list.into_iter().collect()))
    }

    /// The service itself.
    pub fn all() -> Self {
        Audiences(None)
    }

    /// Whether what carries these tags may be seen.
    pub fn meets(&self, tags: &[Tag]) -> bool {
        let Some(own) = &self.0 else { return true };
        tags.iter().any(|tag| tag.name == Tag::AUDIENCE && own.contains(&tag.value))
    }
}

/// A record as committed.
#[derive(Debug)]
pub struct Read<A> {
    /// The stream.
    pub stream: StreamId,
    /// Its version; the etag.
    pub version: u64,
    /// Its state.
    pub state: Arc<A>,
    /// When its first entry was made.
    pub created_at: Timestamp,
    /// When its last entry was made.
    pub updated_at: Timestamp,
}

impl<A> Clone for Read<A> {
    fn clone(&self) -> Self {
        Self { state: self.state.clone(), ..*self }
    }
}

impl<A> From<Snapshot<A>> for Read<A> {
    fn from(from: Snapshot<A>) -> Self {
        Read {
            stream: from.stream,
            version: from.version,
            state: from.state,
            created_at: from.created_at,
            updated_at: from.updated_at,
        }
    }
}

/// Which page of which list.
#[derive(Clone, Debug, Default)]
pub struct ListQuery {
    /// Tags that must all be there. They carry the sort text of the record's audience tags.
    pub filters: Vec<(&'static str, String)>,
    /// 1 to 200; 0 means 50.
    pub page_size: u32,
    /// As the page before gave it; empty for the first.
    pub page_token: String,
}

impl ListQuery {
    fn fits(&self, tags: &[Tag]) -> bool {
        self.filters.iter().all(|(name, value)| tags.iter().any(|tag| tag.name == *name && tag.value == *value))
    }
}

/// One page.
#[derive(Clone, Debug)]
pub struct Page<A> {
    /// The records, in order.
    pub items: Vec<Read<A>>,
    /// Empty where this is the last page.
    pub next_page_token: String,
}

/// A record that a search found.
#[derive(Clone, Debug)]
pub struct Hit<A> {
    /// The record.
    pub read: Read<A>,
    /// Sum over the matched values of ln(1 + N/n): rare words weigh more.
    pub score: f64,
}

/// Records of a page that are read at a time: each may have a tail of entries to read.
const TOGETHER: usize = 64;

/// One audience's page, by stream and version: the records that stand in all of some lists, each a name and a value that tags
/// carry, which come as a JSON array of pairs, so that the text stays static. Walked is the shortest of them from here on, as
/// far as 256 rows tell, or else the first; what stands there is looked up in the others. So one case number among a province's cases, or a citizen's
/// three among all that are accepted, costs what it finds. In the others rows are counted: asked whether there EXISTS one,
/// PostgreSQL may read the whole table first.
macro_rules! page_of_lists {
    ($name:literal, $value:literal, $place:literal, $count:literal, $lists:literal) => {
        concat!(
            "WITH list AS MATERIALIZED (SELECT ",
            $name,
            " AS name, ",
            $value,
            " AS value, ",
            $place,
            " AS place, CASE WHEN ",
            $count,
            " = 1 THEN 0 ELSE
                (SELECT count(*) FROM (SELECT 1 FROM tag t WHERE t.kind = $1 AND t.name = ",
            $name,
            " AND t.value = ",
            $value,
            "
                    AND (t.sort, t.stream) > ($3, $4) LIMIT 256) AS felt) END AS length
             FROM ",
            $lists,
            "
             ), walked AS MATERIALIZED (
                SELECT name, value, place FROM list ORDER BY length, place LIMIT 1
             ), page AS MATERIALIZED (
                SELECT t.sort, t.stream FROM tag t
                WHERE t.kind = $1 AND t.name = (SELECT name FROM walked) AND t.value = (SELECT value FROM walked)
                  AND (t.sort, t.stream) > ($3, $4)
                  AND NOT EXISTS (SELECT 1 FROM list l WHERE l.place <> (SELECT place FROM walked) AND 0 =
                    (SELECT count(*) FROM tag g WHERE g.kind = $1 AND g.name = l.name AND g.value = l.value
                                                  AND g.sort = t.sort AND g.stream = t.stream))
                ORDER BY t.sort, t.stream LIMIT $5
             )
             SELECT r.stream, r.version, r.tip, p.sort FROM page p JOIN record r ON r.stream = p.stream
             ORDER BY p.sort, p.stream"
        )
    };
}

const LIST: Sql = Sql {
    pg: page_of_lists!(
        "l.pair ->> 0",
        "l.pair ->> 1",
        "l.i",
        "jsonb_array_length($2::jsonb)",
        "jsonb_array_elements($2::jsonb) WITH ORDINALITY AS l (pair, i)"
    ),
    lite: page_of_lists!("l.value ->> 0", "l.value ->> 1", "l.key", "json_array_length($2)", "json_each($2) AS l"),
};

/// How many records carry each of the values, and how many there are.
const FREQUENCY: Sql = Sql {
    pg: "SELECT t.value, count(DISTINCT t.stream), (SELECT count(*) FROM record WHERE kind = $1) FROM tag t
         WHERE t.kind = $1 AND t.name = $2 AND t.value IN (SELECT jsonb_array_elements_text($3::jsonb)) GROUP BY t.value",
    lite: "SELECT t.value, count(DISTINCT t.stream), (SELECT count(*) FROM record WHERE kind = $1) FROM tag t
         WHERE t.kind = $1 AND t.name = $2 AND t.value IN (SELECT value FROM json_each($3)) GROUP BY t.value",
};

/// Records by the summed weight of the values that they carry, among those that carry all of the filters; weights come as pairs
/// of value and number, filters as pairs of name and value. What carries the filters is gathered once, not asked of every hit.
macro_rules! search {
    ($weight:literal, $filter:literal) => {
        concat!(
            "WITH weight AS MATERIALIZED (SELECT ", $weight, "),
             filter AS MATERIALIZED (SELECT ", $filter, "),
             fit AS MATERIALIZED (SELECT g.stream FROM filter f JOIN tag g ON g.kind = $1 AND g.name = f.name AND g.value = f.value
                GROUP BY g.stream HAVING count(DISTINCT f.place) = (SELECT count(*) FROM filter)),
             hit AS (SELECT DISTINCT t.value, t.stream, x.w FROM weight x JOIN tag t ON t.kind = $1 AND t.name = $2 AND t.value = x.value),
             best AS (SELECT h.stream, sum(h.w) AS score FROM hit h
                WHERE NOT EXISTS (SELECT 1 FROM filter) OR h.stream IN (SELECT stream FROM fit)
                GROUP BY h.stream ORDER BY score DESC, h.stream LIMIT $5)
             SELECT r.stream, r.version, r.tip, r.schema, r.state, r.state_version, r.kind, r.created_at, r.updated_at, b.score
             FROM best b JOIN record r ON r.stream = b.stream ORDER BY b.score DESC, r.stream"
        )
    };
}

const SEARCH: Sql = Sql {
    pg: search!(
        "pair ->> 0 AS value, (pair ->> 1)::float8 AS w FROM jsonb_array_elements($3::jsonb) AS p (pair)",
        "pair ->> 0 AS name, pair ->> 1 AS value, place FROM jsonb_array_elements($4::jsonb) WITH ORDINALITY AS p (pair, place)"
    ),
    lite: search!(
        "value ->> 0 AS value, CAST(value ->> 1 AS REAL) AS w FROM json_each($3)",
        "value ->> 0 AS name, value ->> 1 AS value, key AS place FROM json_each($4)"
    ),
};

#[derive(sqlx::FromRow)]
struct ListRow {
    stream: Uuid,
    version: i64,
    tip: Vec<u8>,
    sort: String,
}

#[derive(sqlx::FromRow)]
struct HitRow {
    #[sqlx(flatten)]
    record: RecordRow,
    score: f64,
}

impl Ledger {
    /// One record. `None` alike where there is none and where the caller may not see it.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`, `STREAM_UNREADABLE`.
    pub async fn get<A: Aggregate>(&self, stream: StreamId, audiences: &Audiences) -> Result<Option<Read<A>>, Refusal> {
        let found = self.core.load::<A>(stream).await?;
        Ok(found.filter(|record| audiences.meets(&record.tags)).map(Read::from))
    }

    /// One record as it stood at a version, for the service itself.
    ///
    /// # Errors
    /// As [`Ledger::get`].
    pub async fn state_at<A: Aggregate>(&self, stream: StreamId, version: u64) -> Result<Option<Read<A>>, Refusal> {
        Ok(self.core.load_at::<A>(stream, version, None).await?.map(Read::from))
    }

    /// One record by a unique key that it holds.
    ///
    /// # Errors
    /// As [`Ledger::get`].
    pub async fn find<A: Aggregate>(
        &self,
        scope: &str,
        key: &str,
        audiences: &Audiences,
    ) -> Result<Option<Read<A>>, Refusal> {
        if !storable(key) {
            return Ok(None);
        }
        let found = self.core.holder::<A>(scope, key).await?;
        Ok(found.filter(|record| audiences.meets(&record.tags)).map(Read::from))
    }

    /// One page of the records of a kind that the caller may see.
    ///
    /// # Errors
    /// `PAGE_SIZE_INVALID`, `PAGE_TOKEN_INVALID`, `STORE_UNAVAILABLE`, `STREAM_UNREADABLE`.
    pub async fn list<A: Aggregate>(&self, query: &ListQuery, audiences: &Audiences) -> Result<Page<A>, Refusal> {
        let size = match query.page_size {
            0 => 50,
            size @ 1..=200 => size,
            _ => return Err(Refusal::field("page_size", "PAGE_SIZE_INVALID", "每页条数应为1至200", "1 to 200")),
        };
        let list = self.page_key::<A>(query, audiences);
        let (sort, from) = self.core.read_page_token(&query.page_token, list)?;
        if !query.filters.iter().all(|(_, value)| storable(value)) {
            return Ok(Page { items: Vec::new(), next_page_token: String::new() });
        }
        let own: Vec<(&str, &str)> = match &audiences.0 {
            Some(own) => own.iter().map(|audience| (Tag::AUDIENCE, audience.as_str())).collect(),
            None => vec![(Tag::EVERY, "")],
        };
        let filters = query.filters.iter().map(|(name, value)| (*name, value.as_str()));
        let limit = i64::from(size) + 1;
        // an audience's records stand in order in the index: read a page of each, then merge
        let mut rows: BTreeMap<(String, Uuid), ListRow> = BTreeMap::new();
        for audience in own {
            let lists = serde_json::json!(iter::once(audience).chain(filters.clone()).collect::<Vec<_>>()).to_string();
            let found: Vec<ListRow> =
                engine::read!(&*self.core.db, fetch_all, ListRow, LIST, A::KIND, lists, sort.clone(), from, limit)
                    .map_err(store_refusal)?;
            rows.extend(found.into_iter().map(|row| ((row.sort.clone(), row.stream), row)));
        }
        let more = rows.len() > size as usize;
        let rows: Vec<ListRow> = rows.into_values().take(size as usize).collect();
        let last = rows.last().map(|row| (row.sort.clone(), row.stream));
        // what is not kept in memory as it stands is read together, in few queries
        let mut reading = Vec::with_capacity(rows.len());
        for row in &rows {
            reading.push(self.core.listed::<A>(row, audiences).boxed());
        }
        let listed: Vec<_> = stream::iter(reading).buffered(TOGETHER).collect().await;
        let mut items = Vec::with_capacity(rows.len());
        for found in listed {
            // one record that this release cannot read must not close the list for all others; it was logged
            match found {
                // it may have been read after the list, and have left it meanwhile
                Ok(Some(found)) if audiences.meets(&found.tags) && query.fits(&found.tags) => {
                    items.push(Read::from(found))
                }
                Ok(_) => {}
                Err(refusal) if snapshot::is_of_one_stream(&refusal) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        let next_page_token =
            last.filter(|_| more).map_or(String::new(), |(sort, stream)| self.core.page_token(&sort, stream, list));
        Ok(Page { items, next_page_token })
    }

    /// Records of a kind that carry any of the values under a tag, best first. Those that the caller may not see are left
    /// out after scoring, so the answer may be shorter than `limit`.
    ///
    /// # Errors
    /// As [`Ledger::list`].
    pub async fn search<A: Aggregate>(
        &self,
        tag: &'static str,
        values: &[String],
        filters: &[(&'static str, String)],
        audiences: &Audiences,
        limit: u32,
    ) -> Result<Vec<Hit<A>>, Refusal> {
        if !filters.iter().all(|(_, value)| storable(value)) {
            return Ok(Vec::new());
        }
        let values: Vec<&String> = values.iter().filter(|value| storable(value)).collect();
        let values = serde_json::json!(values).to_string();
        let frequencies: Vec<(String, i64, i64)> =
            engine::read!(&*self.core.db, fetch_all, (String, i64, i64), FREQUENCY, A::KIND, tag, values.clone())
                .map_err(store_refusal)?;
        let weigh = |(value, with, all): (String, i64, i64)| (value, (1.0 + all as f64 / with as f64).ln());
        let weights = serde_json::json!(frequencies.into_iter().map(weigh).collect::<Vec<_>>()).to_string();
        let filters = serde_json::json!(filters).to_string();
        let rows: Vec<HitRow> = engine::read!(
            &*self.core.db,
            fetch_all,
            HitRow,
            SEARCH,
            A::KIND,
            tag,
            weights.clone(),
            filters.clone(),
            i64::from(limit)
        )
        .map_err(store_refusal)?;
        let mut hits = Vec::with_capacity(rows.len());
        for row in rows {
            match self.core.restore::<A>(row.record).await {
                Ok(found) if audiences.meets(&found.tags) => {
                    hits.push(Hit { read: Read::from(found), score: row.score });
                }
                Ok(_) => {}
                // as in a list
                Err(refusal) if snapshot::is_of_one_stream(&refusal) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(hits)
    }

    /// The entries of one stream after a version, at most `limit` (1,000).
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`.
    pub async fn history(&self, stream: StreamId, after_version: u64, limit: u32) -> Result<Vec<Entry>, Refusal> {
        let until = after_version.saturating_add(u64::from(limit.min(1000)));
        snapshot::entries(&self.core.db, stream, after_version, until).await.map_err(store_refusal)
    }

    /// The event in an entry, with its personal values open.
    ///
    /// # Errors
    /// `STREAM_UNREADABLE` where this release does not know the event; `STORE_UNAVAILABLE`.
    pub async fn decode<A: Aggregate>(&self, entry: &Entry) -> Result<A::Event, Refusal> {
        self.core.decode_event::<A>(entry).await
    }

    /// What a page token is good for: this list, these filters, this caller's audiences.
    fn page_key<A: Aggregate>(&self, query: &ListQuery, audiences: &Audiences) -> Hash {
        let text = serde_json::json!([A::KIND, query.filters, audiences.0]).to_string();
        self.core.vault.keyed_hash(&[b"page", text.as_bytes()])
    }
}

/// PostgreSQL has no U+0000 in text, so nothing that is stored can hold one.
fn storable(text: &str) -> bool {
    !text.contains('\0')
}

/// Length of the proof in a page token.
const PROOF: usize = 8;

impl Core {
    /// A record that a list shows: as it is kept, where that is how it stands. Where the service walks through all of its records,
    /// none of them is kept for it.
    async fn listed<A: Aggregate>(&self, row: &ListRow, audiences: &Audiences) -> Result<Option<Snapshot<A>>, Refusal> {
        let stream = StreamId(row.stream);
        let stands = |kept: &Snapshot<A>| kept.version == row.version as u64 && kept.tip.0 == row.tip[..];
        match self.kept::<A>(stream).map(|(kept, _)| kept).filter(stands) {
            Some(kept) => Ok(Some(kept)),
            None if audiences.0.is_none() => self.load_as_stored(stream).await,
            None => self.load(stream).await,
        }
    }

    /// Position and proof: a token is good for the list that it came from, and for nothing else.
    fn page_token(&self, sort: &str, stream: Uuid, list: Hash) -> String {
        let position = [stream.as_bytes(), sort.as_bytes()].concat();
        let mut bytes = self.vault.keyed_hash(&[&list.0, &position]).0[..PROOF].to_vec();
        bytes.extend(position);
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    fn read_page_token(&self, token: &str, list: Hash) -> Result<(String, Uuid), Refusal> {
        if token.is_empty() {
            return Ok((String::new(), Uuid::nil()));
        }
        let parse = || {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
            let (proof, position) = bytes.split_first_chunk::<PROOF>()?;
            (self.vault.keyed_hash(&[&list.0, position]).0[..PROOF] == *proof).then_some(())?;
            let (stream, sort) = position.split_first_chunk::<16>()?;
            Some((String::from_utf8(sort.to_vec()).ok()?, Uuid::from_bytes(*stream)))
        };
        parse().ok_or_else(|| {
            Refusal::field(
                "page_token",
                "PAGE_TOKEN_INVALID",
                "分页标记无效，请从第一页重新开始",
                "not a token of this list: start again",
            )
        })
    }

    /// Streams of a kind whose time has come, after one of them.
    pub(crate) async fn due(
        &self,
        kind: &str,
        now: Timestamp,
        after: (i64, Uuid),
    ) -> Result<Vec<(Uuid, i64, i64)>, sqlx::Error> {
        const DUE: Sql = Sql::both(
            "SELECT stream, version, due_at FROM record WHERE kind = $1 AND due_at <= $2 AND (due_at, stream) > ($3, $4)
             ORDER BY due_at, stream LIMIT 500",
        );
        engine::read!(&*self.db, fetch_all, (Uuid, i64, i64), DUE, kind, now.0, after.0, after.1)
    }

    /// Streams of a kind that carry a tag.
    pub(crate) async fn tagged(
        &self,
        kind: &str,
        name: &str,
        value: &str,
        after: Uuid,
    ) -> Result<Vec<(Uuid,)>, sqlx::Error> {
        const TAGGED: Sql = Sql::both(
            "SELECT DISTINCT stream FROM tag WHERE kind = $1 AND name = $2 AND value = $3 AND stream > $4 ORDER BY stream LIMIT 500",
        );
        engine::read!(&*self.db, fetch_all, (Uuid,), TAGGED, kind, name, value, after)
    }
}
