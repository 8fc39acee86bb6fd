//! SQLite, the embedded default: one process a data directory, one writer connection, write-ahead log, every commit
//! on the disk before it is answered. The steps of the commit are those of PostgreSQL's `commit_batch`.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Sqlite, SqliteConnection};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::rows::{Obstacles, Rows, StreamRow, replay};
use super::{Db, OpenError, RUN, Schema, beside_later_ones, check_schema};
use crate::batch::Command;

static MIGRATOR: LazyLock<sqlx::migrate::Migrator> =
    LazyLock::new(|| beside_later_ones(sqlx::migrate!("migrations/sqlite")));

pub(super) async fn open(
    dir: &Path,
    service: &str,
    temporary: Option<tempfile::TempDir>,
    how: Schema,
) -> Result<Db, OpenError> {
    let file = dir.join(format!("{service}.db"));
    match how {
        Schema::Migrated => std::fs::create_dir_all(dir)?,
        Schema::AsItIs if file.is_file() => {}
        Schema::AsItIs => return Err(OpenError::NotMigrated(format!("there is no {}", file.display()))),
    }
    let lock = std::fs::File::create(dir.join(format!("{service}.lock")))?;
    if lock.try_lock().is_err() {
        return Err(OpenError::DataDirInUse(dir.to_owned()));
    }
    let options = SqliteConnectOptions::new()
        .filename(&file)
        .create_if_missing(how == Schema::Migrated)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        // an erased person's key must not stay in a free page
        .pragma("secure_delete", "ON")
        .busy_timeout(Duration::from_secs(10))
        .statement_cache_capacity(256)
        .disable_statement_logging();
    let mut write = options.connect().await?;
    check_settings(&mut write).await?;
    if how == Schema::Migrated {
        MIGRATOR.run(&mut write).await?;
        // what a process that was killed left in the log
        empty_log(&mut write).await?;
    }
    check(&mut write, &file).await?;
    let read = SqlitePoolOptions::new()
        .max_connections(4)
        .connect_lazy_with(options.clone().read_only(true).create_if_missing(false));
    // a file that is gone is not made anew: an empty store would take what the lost one had
    let options = options.create_if_missing(false);
    Ok(Db::Lite { read, write: Arc::new(Mutex::new(write)), options, _lock: lock, _temporary: temporary })
}

/// Refuses a file that holds no ledger of this version.
pub(super) async fn check(connection: &mut SqliteConnection, file: &Path) -> Result<(), OpenError> {
    check_schema(&MIGRATOR, &run(connection).await?, &file.display().to_string())
}

/// The migrations that were run here; none in a file that is no store.
async fn run(connection: &mut SqliteConnection) -> Result<Vec<(i64,)>, sqlx::Error> {
    const THERE: &str = "SELECT count(*) FROM sqlite_master WHERE name = '_sqlx_migrations'";
    let (there,): (i64,) = sqlx::query_as(THERE).fetch_one(&mut *connection).await?;
    if there == 0 { Ok(Vec::new()) } else { sqlx::query_as(RUN).fetch_all(connection).await }
}

/// What was asked for is what is in force: a file system that cannot have a write-ahead log keeps its old mode in silence.
async fn check_settings(connection: &mut SqliteConnection) -> Result<(), OpenError> {
    let (journal,): (String,) = sqlx::query_as("PRAGMA journal_mode").fetch_one(&mut *connection).await?;
    let (synchronous,): (i64,) = sqlx::query_as("PRAGMA synchronous").fetch_one(&mut *connection).await?;
    if journal == "wal" && synchronous >= 2 {
        return Ok(());
    }
    Err(OpenError::UnsafeSetting(format!(
        "journal_mode = {journal}, synchronous = {synchronous}: wal and 2 are needed"
    )))
}

/// Carries the log over into the file and cuts it off, so that what was deleted stands in neither. False where somebody who
/// reads or writes was in the way.
async fn empty_log(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let (busy, _, _): (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(connection).await?;
    Ok(busy == 0)
}

/// The same on a connection of its own, which waits for nobody long.
pub(super) async fn scrub(options: &SqliteConnectOptions) -> Result<bool, sqlx::Error> {
    let mut connection = options.clone().busy_timeout(Duration::from_millis(200)).connect().await?;
    let emptied = empty_log(&mut connection).await;
    connection.close().await?;
    emptied
}

/// All rows in one transaction; or what stands in the way, and nothing is written.
pub(super) async fn commit(connection: &mut SqliteConnection, rows: &Rows<'_>) -> Result<Obstacles, sqlx::Error> {
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    let obstacles = probe(&mut tx, rows).await?;
    if obstacles.is_empty() {
        write(&mut tx, rows).await?;
        tx.commit().await?;
    } else {
        tx.rollback().await?;
    }
    Ok(obstacles)
}

const REQUESTS: &str = "SELECT x.key, q.stream, q.version, q.fingerprint, q.hash FROM json_each($1) AS x
    JOIN request q ON q.principal = x.value ->> 0 AND q.id = x.value ->> 1";
const STREAMS: &str =
    "SELECT r.stream, r.version, r.tip FROM json_each($1) AS x JOIN record r ON r.stream = unhex(x.value)";
const CLAIMS: &str = "SELECT x.key FROM json_each($1) AS x
    JOIN unique_key u ON u.scope = x.value ->> 0 AND u.key = x.value ->> 1 WHERE u.stream <> unhex(x.value ->> 2)";

async fn probe(connection: &mut SqliteConnection, rows: &Rows<'_>) -> Result<Obstacles, sqlx::Error> {
    let mut obstacles = Obstacles::default();
    let requests = rows.commands.iter().map(|command| (&command.principal, &command.request));
    let found: Vec<(i64, Uuid, i64, Vec<u8>, Vec<u8>)> =
        sqlx::query_as(REQUESTS).bind(json(requests)?).fetch_all(&mut *connection).await?;
    for (place, stream, version, fingerprint, hash) in found {
        obstacles.requests.insert(place as usize, replay(stream, version, &fingerprint, &hash)?);
    }
    let streams = json(rows.streams.iter().map(|row| hex(row.stream)))?;
    let found: Vec<(Uuid, i64, Vec<u8>)> = sqlx::query_as(STREAMS).bind(streams).fetch_all(&mut *connection).await?;
    let found: HashMap<Uuid, (i64, Vec<u8>)> =
        found.into_iter().map(|(stream, version, tip)| (stream, (version, tip))).collect();
    let is_elsewhere = |row: &&StreamRow<'_>| match found.get(&row.stream) {
        Some((version, tip)) => *version != row.expect || tip[..] != row.tip.0,
        None => row.expect != 0,
    };
    obstacles.streams.extend(rows.streams.iter().filter(is_elsewhere).map(|row| row.stream));
    if !rows.claims.is_empty() {
        let claims = json(rows.claims.iter().map(|(_, (scope, key, stream))| (scope, key, hex(*stream))))?;
        let found: Vec<(i64,)> = sqlx::query_as(CLAIMS).bind(claims).fetch_all(&mut *connection).await?;
        obstacles.claims.extend(found.into_iter().map(|(place,)| place as usize));
    }
    Ok(obstacles)
}

const ENTRIES: Insert = Insert {
    table: "INSERT INTO entry (position, stream, version, kind, body, actor, at, principal, request, trace, prev, hash)",
    columns: 12,
    end: "",
};
const INSERT_REQUESTS: Insert = Insert {
    table: "INSERT INTO request (principal, id, fingerprint, stream, version, hash, at)",
    columns: 7,
    end: "",
};
const RECORDS: Insert = Insert {
    table: "INSERT INTO record (stream, version, tip, schema, state, state_version, kind, region, organisation, owner, item,
        status, due_at, created_at, updated_at)",
    columns: 15,
    end: " ON CONFLICT (stream) DO UPDATE SET version = excluded.version, tip = excluded.tip,
        schema = CASE WHEN excluded.state_version = 0 THEN record.schema ELSE excluded.schema END,
        state = CASE WHEN excluded.state_version = 0 THEN record.state ELSE excluded.state END,
        state_version = CASE WHEN excluded.state_version = 0 THEN record.state_version ELSE excluded.state_version END,
        region = excluded.region, organisation = excluded.organisation, owner = excluded.owner, item = excluded.item,
        status = excluded.status, due_at = excluded.due_at, updated_at = excluded.updated_at",
};
const FREE_KEYS: &str = "DELETE FROM unique_key WHERE (scope, key, stream) IN
    (SELECT value ->> 0, value ->> 1, unhex(value ->> 2) FROM json_each($1))";
const TAKE_KEYS: &str = "INSERT INTO unique_key (scope, key, stream)
    SELECT value ->> 0, value ->> 1, unhex(value ->> 2) FROM json_each($1) WHERE true ON CONFLICT DO NOTHING";
const DELETE_TAGS: &str = "DELETE FROM tag WHERE (kind, name, value, sort, stream) IN
    (SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, unhex(value ->> 4) FROM json_each($1))";
const INSERT_TAGS: &str = "INSERT INTO tag (kind, name, value, sort, stream)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, unhex(value ->> 4) FROM json_each($1) WHERE true ON CONFLICT DO NOTHING";
const ERASE: &str = "DELETE FROM secret WHERE subject IN (SELECT value FROM json_each($1))";

async fn write(connection: &mut SqliteConnection, rows: &Rows<'_>) -> Result<(), sqlx::Error> {
    let (base,): (i64,) =
        sqlx::query_as("SELECT position FROM head WHERE shard = 0").fetch_one(&mut *connection).await?;
    let entries: Vec<_> = (base + 1..).zip(rows.entries()).collect();
    if !entries.is_empty() {
        let head = "UPDATE head SET position = $1 WHERE shard = 0";
        sqlx::query(head).bind(base + entries.len() as i64).execute(&mut *connection).await?;
    }
    ENTRIES
        .all(connection, &entries, |query, (position, (command, entry))| {
            query
                .bind(position)
                .bind(command.stream.0)
                .bind(entry.version as i64)
                .bind(&entry.kind[..])
                .bind(&entry.body[..])
                .bind(&command.actor[..])
                .bind(command.at.0)
                .bind(&command.principal[..])
                .bind(&command.request[..])
                .bind(&command.trace[..])
                .bind(&entry.prev.0[..])
                .bind(&entry.hash.0[..])
        })
        .await?;
    let requests: Vec<&Command> = rows.commands.iter().copied().filter(|command| command.writes()).collect();
    INSERT_REQUESTS
        .all(connection, &requests, |query, command| {
            query
                .bind(&command.principal[..])
                .bind(&command.request[..])
                .bind(&command.fingerprint.0[..])
                .bind(command.stream.0)
                .bind(command.new_version() as i64)
                .bind(command.new_tip().0.to_vec())
                .bind(command.at.0)
        })
        .await?;
    let records: Vec<_> = rows.streams.iter().filter_map(|row| Some((row.stream, row.after.as_ref()?))).collect();
    RECORDS
        .all(connection, &records, |query, (stream, after)| {
            let (state, state_version) = after.state.unwrap_or_default();
            let index = &after.record.index;
            query
                .bind(stream)
                .bind(after.version)
                .bind(&after.tip.0[..])
                .bind(after.schema())
                .bind(state)
                .bind(state_version)
                .bind(after.record.kind)
                .bind(&index.region[..])
                .bind(&index.organisation[..])
                .bind(&index.owner[..])
                .bind(&index.item[..])
                .bind(&index.status[..])
                .bind(index.due_or_never())
                .bind(after.created_at)
                .bind(after.updated_at)
        })
        .await?;
    for (sql, keys) in [(FREE_KEYS, &rows.keys_freed), (TAKE_KEYS, &rows.keys_taken)] {
        let keys = keys.iter().map(|(scope, key, stream)| (scope, key, hex(*stream)));
        if keys.len() > 0 {
            sqlx::query(sql).bind(json(keys)?).execute(&mut *connection).await?;
        }
    }
    // tags by the hundred thousand (words to search by) go as one statement each way
    for (sql, tags) in [(DELETE_TAGS, &rows.tags_gone), (INSERT_TAGS, &rows.tags_set)] {
        let tags = tags.iter().map(|(kind, tag, stream)| (kind, tag.name, &tag.value, &tag.sort, hex(*stream)));
        if tags.len() > 0 {
            sqlx::query(sql).bind(json(tags)?).execute(&mut *connection).await?;
        }
    }
    if !rows.erased.is_empty() {
        let subjects = json(rows.erased.iter().map(|subject| subject.as_str()))?;
        sqlx::query(ERASE).bind(subjects).execute(&mut *connection).await?;
    }
    Ok(())
}

fn hex(stream: Uuid) -> String {
    stream.simple().to_string()
}

fn json<T: serde::Serialize>(rows: impl Iterator<Item = T>) -> Result<String, sqlx::Error> {
    serde_json::to_string(&rows.collect::<Vec<_>>()).map_err(|error| sqlx::Error::Encode(error.into()))
}

type Query<'q> = sqlx::query::Query<'q, Sqlite, SqliteArguments>;

/// An INSERT of many rows: a statement costs a trip to SQLite's thread, a row hardly anything.
struct Insert {
    table: &'static str,
    columns: usize,
    end: &'static str,
}

/// How many rows go in a statement: few texts, so that each is prepared once.
const SIZES: [usize; 3] = [64, 8, 1];

impl Insert {
    async fn all<'q, T: Copy>(
        &self,
        connection: &mut SqliteConnection,
        rows: &'q [T],
        bind: impl Fn(Query<'q>, T) -> Query<'q>,
    ) -> Result<(), sqlx::Error> {
        let mut rest = rows;
        for size in SIZES {
            let text = self.text(size);
            while let Some((some, after)) = rest.split_at_checked(size) {
                let query = sqlx::query(AssertSqlSafe(text.clone()));
                some.iter().copied().fold(query, &bind).execute(&mut *connection).await?;
                rest = after;
            }
        }
        Ok(())
    }

    /// Nothing but constants and question marks.
    fn text(&self, rows: usize) -> String {
        let row = format!("({})", vec!["?"; self.columns].join(", "));
        format!("{} VALUES {}{}", self.table, vec![row; rows].join(", "), self.end)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::{Committer, Failure, classify};
    use super::*;
    use crate::batch::{NewEntry, Verdict};
    use crate::{Hash, StreamId};

    fn large() -> Arc<Command> {
        let entry = NewEntry {
            version: 1,
            kind: "jar.Loaded".to_owned(),
            body: vec![b'x'; 60_000],
            prev: Hash::ZERO,
            hash: Hash([1; 32]),
        };
        let index = crate::Index::default();
        let record = crate::batch::NewRecord { kind: "jar", schema: 1, state: Some(Vec::new()), index };
        Arc::new(Command {
            stream: StreamId::named("test", "full"),
            expect: 0,
            tip: Hash::ZERO,
            principal: "person:anna".to_owned(),
            request: "one".to_owned(),
            fingerprint: Hash::ZERO,
            actor: "person:anna".to_owned(),
            trace: String::new(),
            at: crate::Timestamp(1),
            entries: vec![entry],
            record: Some(record),
            keys: Vec::new(),
            tags: Vec::new(),
            erased: Vec::new(),
        })
    }

    #[tokio::test]
    async fn a_full_disk_is_no_commands_fault_and_is_forgotten_once_there_is_room() {
        let dir = tempfile::tempdir().unwrap();
        let db = open(dir.path(), "test", None, Schema::Migrated).await.unwrap();
        let Db::Lite { write, options, .. } = &db else { unreachable!() };
        let mut committer = Committer::Lite(write.clone(), options.clone());
        // this connection's alone: the next one has room again
        sqlx::query("PRAGMA max_page_count = 1").execute(&mut *write.lock().await).await.unwrap();
        let error = committer.commit(&[large()]).await.unwrap_err();
        assert_eq!(classify(&error), Failure::Full, "{error}");
        assert_eq!(committer.commit(&[large()]).await.unwrap(), [Verdict::Ok]);
    }
}
