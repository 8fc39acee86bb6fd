//! 归档 · Old bodies leave the database for a file. The entry stays, with the hash of its body in the body's place: positions are as
//! dense as they were and every chain is still walked, since a hash never covered more of a body than its own hash.
//!
//! Invariant: a body leaves only when the file that holds it is on the disk and was read back; a body comes back only to the
//! entry that it was taken from.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use uuid::Uuid;
use yiwang_standards::sm::{Sm3, from_hex, sm3, to_hex};

use crate::engine::{self, Sql};
use crate::entry::{Entry, EntryRow, hash_of, stored_kind};
use crate::ledger::{Core, Ledger, store_refusal};
use crate::rebuild::HOLD_COMMITS;
use crate::snapshot::{RecordRow, is_of_one_stream};
use crate::{Aggregate, Hash, Refusal, StreamId, Timestamp};

/// A request may come again for so many microseconds, and is answered from the entries then.
pub(crate) const REQUESTS_LIVE: i64 = 400 * 24 * 3600 * 1_000_000;
const FORMAT: &str = "yiwang-archive-1";
const PAGE: i64 = 500;
/// First byte of a body's place where the body is elsewhere: no JSON begins so. The hash of the body follows.
const ELSEWHERE: u8 = 0;

/// A kind of stream that comes to an end.
pub struct Ending {
    kind: &'static str,
    schema: i32,
    /// Its state after its record, as it would be stored.
    encode: for<'c> fn(&'c Core, RecordRow) -> BoxFuture<'c, Result<Vec<u8>, Refusal>>,
}

impl Ending {
    /// Of an aggregate.
    pub const fn of<A: Aggregate>() -> Self {
        Self { kind: A::KIND, schema: A::SCHEMA, encode: encode::<A> }
    }
}

fn encode<A: Aggregate>(core: &Core, row: RecordRow) -> BoxFuture<'_, Result<Vec<u8>, Refusal>> {
    async move {
        let stands = core.restore::<A>(row).await?;
        core.encoded_again(stands.stream, stands.version, &*stands.state).await
    }
    .boxed()
}

/// Where no relay will come by again.
const DELIVERED: Sql = Sql::both("SELECT min(position) FROM cursor");
/// Entries of streams in which nothing has happened since and nothing is due, and whose state stands as this release reads it, so
/// that nothing is folded from them.
const OLD: Sql = Sql::both(
    "SELECT e.position, e.stream, e.version, e.kind, e.body, e.actor, e.at, e.principal, e.request, e.trace, e.prev, e.hash
     FROM entry e JOIN record r ON r.stream = e.stream
     WHERE e.position > $1 AND e.position <= $2 AND r.kind = $3 AND r.schema = $4 AND r.updated_at < $5
       AND r.due_at = 9223372036854775807 AND r.state_version = r.version AND substr(e.body, 1, 1) <> $6
     ORDER BY e.position LIMIT $7",
);
/// Streams at rest whose entries say what no state does yet. One of an older shape keeps its entries, so that an older release can
/// still read it. SQLite walks them by their names, not by their kind: each page would begin with the first.
const UNSTATED: Sql = Sql {
    pg: "SELECT stream, version, tip, schema, state, state_version, kind, created_at, updated_at FROM record
         WHERE kind = $1 AND due_at = 9223372036854775807 AND updated_at < $2 AND schema IN (0, $3)
           AND state_version <> version AND stream > $4 ORDER BY stream LIMIT $5",
    lite: "SELECT stream, version, tip, schema, state, state_version, kind, created_at, updated_at FROM record
         WHERE +kind = $1 AND +due_at = 9223372036854775807 AND updated_at < $2 AND schema IN (0, $3)
           AND state_version <> version AND stream > $4 ORDER BY stream LIMIT $5",
};
const STORE: Sql = Sql::both(
    "UPDATE record SET schema = $1, state = $2, state_version = version WHERE stream = $3 AND version = $4 AND tip = $5",
);
/// A body leaves only where nothing is folded from it and nothing has happened since: a file may have been finished long ago.
const TAKE: Sql = Sql::both(
    "UPDATE entry SET body = $1 WHERE position = $2 AND hash = $3 AND body = $4
       AND EXISTS (SELECT 1 FROM record r WHERE r.stream = entry.stream AND r.kind = $5 AND r.schema = $6 AND r.updated_at < $7
                   AND r.due_at = 9223372036854775807 AND r.state_version = r.version)",
);
const PUT: Sql = Sql::both("UPDATE entry SET body = $1 WHERE position = $2 AND hash = $3 AND body = $4");

/// An archive cannot be made, or is none.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The store's.
    #[error("{0}")]
    Store(#[from] Refusal),
    /// Later than a request may still come again.
    #[error("ARCHIVE_TOO_RECENT: 只能归档 400 天以前的内容 / only what is older than 400 days can be archived")]
    TooRecent,
    /// The file.
    #[error("ARCHIVE_FILE: {0}: {1}")]
    File(PathBuf, std::io::Error),
    /// The file is not what was written: in this line, for this cause.
    #[error("ARCHIVE_DAMAGED: {0}, 第 {1} 行 · line {1}: {2}")]
    Damaged(PathBuf, u64, &'static str),
}

/// One entry as a line of an archive: all that its hash covers, the body as it was written.
#[derive(Serialize, Deserialize)]
struct Line {
    position: u64,
    stream: String,
    version: u64,
    kind: String,
    at: i64,
    actor: String,
    principal: String,
    request: String,
    trace: String,
    prev: String,
    hash: String,
    body: String,
}

/// The last line.
#[derive(Serialize, Deserialize)]
struct End {
    entries: u64,
    sm3: String,
}

/// What an archive holds for the database: position, hash, body.
type Held = (i64, Hash, Vec<u8>);

impl Ledger {
    /// Moves the bodies of streams of these kinds to a file, where nothing has happened since `before` and nothing is due; how many.
    /// They are read as before: a state that only an entry tells is stored first. What would act on them, or must be folded anew from the first entry, is refused
    /// (`STREAM_ARCHIVED`) until [`Ledger::bring_back`]. A file that is there already is finished: its bodies are moved.
    ///
    /// # Errors
    /// See [`ArchiveError`]; whatever was not moved is where it was.
    pub async fn archive(&self, kinds: &[Ending], before: Timestamp, file: &Path) -> Result<u64, ArchiveError> {
        if before.0 > self.host().now().0 - REQUESTS_LIVE {
            return Err(ArchiveError::TooRecent);
        }
        let io = |error| ArchiveError::File(file.to_owned(), error);
        for ending in kinds {
            self.store_states(ending, before).await?;
        }
        if !file.exists() {
            // of a name of its own and for its owner's eyes, and gone where this is cut off
            let partial = NamedTempFile::new_in(folder_of(file)).map_err(io)?;
            if self.write_down(kinds, before, partial.path()).await? == 0 {
                return Ok(0);
            }
            self.read_through(partial.path())?;
            // fails where somebody else was faster: nothing is written over
            partial.persist_noclobber(file).map_err(|error| io(error.error))?;
            File::open(folder_of(file)).and_then(|folder| folder.sync_all()).map_err(io)?;
        }
        let (mut pages, mut done) = (self.whole(file)?, 0);
        while let Some(page) = pages.next()? {
            for ending in kinds {
                done += self.take_out(&page, ending, before).await.map_err(store_refusal)?;
            }
        }
        Ok(done)
    }

    /// Puts the bodies in a file back where they were taken from; how many were missing.
    ///
    /// # Errors
    /// See [`ArchiveError`].
    pub async fn bring_back(&self, file: &Path) -> Result<u64, ArchiveError> {
        let (mut pages, mut done) = (self.whole(file)?, 0);
        while let Some(page) = pages.next()? {
            done += self.put_back(&page).await.map_err(store_refusal)?;
        }
        Ok(done)
    }

    async fn write_down(&self, kinds: &[Ending], before: Timestamp, partial: &Path) -> Result<u64, ArchiveError> {
        let io = |error| ArchiveError::File(partial.to_owned(), error);
        let mut file = Sealed::create(partial).map_err(io)?;
        let named: Vec<_> = kinds.iter().map(|ending| (ending.kind, ending.schema)).collect();
        let head = json!({"format": FORMAT, "service": self.service(), "before": before.0, "kinds": named});
        file.line(&head).map_err(io)?;
        let db = &*self.core.db;
        let delivered: (Option<i64>,) =
            engine::read!(db, fetch_one, (Option<i64>,), DELIVERED).map_err(store_refusal)?;
        let until = delivered.0.unwrap_or(self.head().await?.position as i64);
        let mut count = 0;
        for ending in kinds {
            let mut after = 0_i64;
            loop {
                let marked = vec![ELSEWHERE];
                let rows: Vec<EntryRow> = engine::read!(
                    db,
                    fetch_all,
                    EntryRow,
                    OLD,
                    after,
                    until,
                    ending.kind,
                    i64::from(ending.schema),
                    before.0,
                    marked.clone(),
                    PAGE
                )
                .map_err(store_refusal)?;
                if rows.is_empty() {
                    break;
                }
                for entry in rows.into_iter().map(Entry::from) {
                    after = entry.position as i64;
                    count += 1;
                    file.line(&Line::of(entry)).map_err(io)?;
                }
            }
        }
        file.end(count).map_err(io)?;
        Ok(count)
    }

    /// Stores the states that stand in entries alone, before those go. A stream that cannot be folded keeps its entries; it was
    /// logged.
    async fn store_states(&self, ending: &Ending, before: Timestamp) -> Result<(), Refusal> {
        let (db, schema) = (&*self.core.db, i64::from(ending.schema));
        let mut after = Uuid::nil();
        loop {
            let rows: Vec<RecordRow> =
                engine::read!(db, fetch_all, RecordRow, UNSTATED, ending.kind, before.0, schema, after, PAGE)
                    .map_err(store_refusal)?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.stream;
            let mut states = Vec::with_capacity(rows.len());
            for row in rows {
                let at = (row.stream, row.version, row.tip.clone());
                match (ending.encode)(&self.core, row).await {
                    Ok(state) => states.push((at, state)),
                    Err(refusal) if is_of_one_stream(&refusal) => {}
                    Err(refusal) => return Err(refusal),
                }
            }
            self.store(schema, states).await.map_err(store_refusal)?;
        }
    }

    /// In one transaction; where a stream has gone on, it has its state.
    async fn store(&self, schema: i64, states: Vec<((Uuid, i64, Vec<u8>), Vec<u8>)>) -> Result<(), sqlx::Error> {
        engine::atomically!(&*self.core.db, |tx, pick| {
            sqlx::query(pick(HOLD_COMMITS)).execute(&mut *tx).await?;
            for ((stream, version, tip), state) in states {
                let store = sqlx::query(pick(STORE)).bind(schema).bind(state).bind(stream).bind(version).bind(tip);
                store.execute(&mut *tx).await?;
            }
        })
    }

    /// The file from its beginning, once all of it was read and found good.
    fn whole(&self, file: &Path) -> Result<Pages, ArchiveError> {
        self.read_through(file)?;
        Pages::open(file, self.service())
    }

    /// Whether a file is whole.
    fn read_through(&self, file: &Path) -> Result<(), ArchiveError> {
        let mut pages = Pages::open(file, self.service())?;
        while pages.next()?.is_some() {}
        Ok(())
    }

    /// Takes a page's bodies out in one transaction, short enough for whoever commits meanwhile; nobody does while it is looked at.
    async fn take_out(&self, page: &[Held], ending: &Ending, before: Timestamp) -> Result<u64, sqlx::Error> {
        let mut done = 0;
        engine::atomically!(&*self.core.db, |tx, pick| {
            sqlx::query(pick(HOLD_COMMITS)).execute(&mut *tx).await?;
            for (position, hash, body) in page {
                let take = sqlx::query(pick(TAKE)).bind(elsewhere(body)).bind(position).bind(hash.0.to_vec());
                let take = take.bind(body).bind(ending.kind).bind(i64::from(ending.schema)).bind(before.0);
                done += take.execute(&mut *tx).await?.rows_affected();
            }
        })?;
        Ok(done)
    }

    async fn put_back(&self, page: &[Held]) -> Result<u64, sqlx::Error> {
        let mut done = 0;
        engine::atomically!(&*self.core.db, |tx, pick| {
            for (position, hash, body) in page {
                let put = sqlx::query(pick(PUT)).bind(body).bind(position).bind(hash.0.to_vec()).bind(elsewhere(body));
                done += put.execute(&mut *tx).await?.rows_affected();
            }
        })?;
        Ok(done)
    }
}

/// What stands in the place of a body that is elsewhere.
fn elsewhere(body: &[u8]) -> Vec<u8> {
    [&[ELSEWHERE][..], &sm3(body)].concat()
}

/// The hash of a body that is elsewhere, from what stands in its place.
pub(crate) fn left_behind(place: &[u8]) -> Option<Hash> {
    place.strip_prefix(&[ELSEWHERE]).and_then(Hash::from_slice)
}

impl Line {
    fn of(entry: Entry) -> Self {
        Self {
            position: entry.position,
            stream: entry.stream.to_string(),
            version: entry.version,
            kind: stored_kind(&entry.aggregate, &entry.kind),
            at: entry.at.0,
            prev: entry.prev.to_string(),
            hash: entry.hash.to_string(),
            // a body is JSON: text
            body: String::from_utf8_lossy(&entry.body).into_owned(),
            actor: entry.actor,
            principal: entry.principal,
            request: entry.request,
            trace: entry.trace,
        }
    }

    /// What the database needs of it, where its hash is that of its content.
    fn held(self) -> Option<Held> {
        let stream = StreamId::parse("stream", &self.stream).ok()?;
        let hash = |text: &str| from_hex(text).ok().and_then(|bytes| Hash::from_slice(&bytes));
        let (prev, hash) = (hash(&self.prev)?, hash(&self.hash)?);
        let who = (self.actor.as_str(), self.principal.as_str(), self.request.as_str());
        let at = Timestamp(self.at);
        let made = hash_of(prev, stream, self.version, &self.kind, at, who, Hash(sm3(self.body.as_bytes())));
        (made == hash).then(|| (self.position as i64, hash, self.body.into_bytes()))
    }
}

/// A file of lines that ends with the hash over them.
struct Sealed {
    file: BufWriter<File>,
    hash: Sm3,
}

impl Sealed {
    fn create(path: &Path) -> std::io::Result<Self> {
        Ok(Self { file: BufWriter::new(File::create(path)?), hash: Sm3::new() })
    }

    fn line(&mut self, line: &impl Serialize) -> std::io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        self.hash.update(&bytes);
        self.file.write_all(&bytes)
    }

    fn end(mut self, entries: u64) -> std::io::Result<()> {
        let hash = std::mem::take(&mut self.hash).finalize();
        self.line(&End { entries, sm3: to_hex(&hash) })?;
        self.file.into_inner()?.sync_all()
    }
}

/// An archive, read page by page; it is whole when the last page has come.
struct Pages {
    path: PathBuf,
    lines: BufReader<File>,
    hash: Sm3,
    line: u64,
    entries: u64,
    ended: bool,
}

impl Pages {
    fn open(path: &Path, service: &str) -> Result<Self, ArchiveError> {
        let file = File::open(path).map_err(|error| ArchiveError::File(path.to_owned(), error))?;
        let (lines, hash) = (BufReader::new(file), Sm3::new());
        let mut pages = Self { path: path.to_owned(), lines, hash, line: 0, entries: 0, ended: false };
        let first = pages.read()?;
        pages.hash.update(first.as_bytes());
        let head: Value = serde_json::from_str(&first).unwrap_or_default();
        if head["format"] != FORMAT || head["service"] != service {
            return Err(pages.damaged("不是本服务的归档 (no archive of this service)"));
        }
        Ok(pages)
    }

    fn read(&mut self) -> Result<String, ArchiveError> {
        let mut text = String::new();
        self.line += 1;
        let read = self.lines.read_line(&mut text).map_err(|error| ArchiveError::File(self.path.clone(), error))?;
        if read == 0 {
            return Err(self.damaged("文件不完整 (cut off)"));
        }
        Ok(text)
    }

    fn next(&mut self) -> Result<Option<Vec<Held>>, ArchiveError> {
        let mut page = Vec::new();
        while !self.ended && page.len() < PAGE as usize {
            let text = self.read()?;
            if let Ok(end) = serde_json::from_str::<End>(&text) {
                if end.entries != self.entries || end.sm3 != to_hex(&std::mem::take(&mut self.hash).finalize()) {
                    return Err(self.damaged("校验不符 (the hash over all lines is another)"));
                }
                self.ended = true;
                continue;
            }
            self.hash.update(text.as_bytes());
            let line: Option<Line> = serde_json::from_str(&text).ok();
            page.push(line.and_then(Line::held).ok_or_else(|| self.damaged("内容与哈希不符 (not as hashed)"))?);
            self.entries += 1;
        }
        Ok((!page.is_empty()).then_some(page))
    }

    fn damaged(&self, cause: &'static str) -> ArchiveError {
        ArchiveError::Damaged(self.path.clone(), self.line, cause)
    }
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
