//! SQLite, the embedded default: one process a data directory, one writer connection, write-ahead log, every commit
//! on the disk before it is answered. The steps of the commit are those of PostgreSQL's `commit_batch`.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};
use tokio::sync::Mutex;

use super::{Db, OpenError, RUN, Schema, beside_later_ones, check_schema};
use crate::batch::{Command, Verdict};
use crate::{Hash, StreamId};

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
    check_schema(&MIGRATOR, &run(&mut write).await?, &file.display().to_string())?;
    let read = SqlitePoolOptions::new()
        .max_connections(4)
        .connect_lazy_with(options.clone().read_only(true).create_if_missing(false));
    // a file that is gone is not made anew: an empty store would take what the lost one had
    let options = options.create_if_missing(false);
    Ok(Db::Lite { read, write: Arc::new(Mutex::new(write)), options, _lock: lock, _temporary: temporary })
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

/// One transaction; a command that does not go through leaves nothing behind.
pub(super) async fn commit(
    connection: &mut SqliteConnection,
    batch: &[Arc<Command>],
) -> Result<Vec<Verdict>, sqlx::Error> {
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    let (mut position,): (i64,) =
        sqlx::query_as("SELECT position FROM head WHERE shard = 0").fetch_one(&mut *tx).await?;
    let base = position;
    let mut verdicts = Vec::with_capacity(batch.len());
    let mut seen = HashSet::new();
    let mut broken = HashSet::new();
    let mut tags = HashMap::new();
    for command in batch {
        let mut verdict = probe(&mut tx, command, seen.insert(command.stream)).await?;
        if broken.contains(&command.stream) && !matches!(verdict, Verdict::Replay { .. }) {
            verdict = Verdict::Skipped;
        }
        if verdict != Verdict::Ok {
            broken.insert(command.stream);
        } else if command.writes() {
            write(&mut tx, command, &mut position).await?;
            for (set, tag) in &command.tags {
                tags.insert((command.stream, tag), *set);
            }
        }
        verdicts.push(verdict);
    }
    write_tags(&mut tx, batch, &tags).await?;
    if position > base {
        sqlx::query("UPDATE head SET position = $1 WHERE shard = 0").bind(position).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    Ok(verdicts)
}

/// Replayed, outrun, in another's way, or fine: in this order, as in `commit_batch`.
async fn probe(connection: &mut SqliteConnection, command: &Command, first: bool) -> Result<Verdict, sqlx::Error> {
    let earlier =
        sqlx::query("SELECT stream, version, fingerprint, hash FROM request WHERE principal = $1 AND id = $2")
            .bind(&command.principal)
            .bind(&command.request)
            .fetch_optional(&mut *connection)
            .await?;
    if let Some(row) = earlier {
        let hash = |column: &str| -> Result<Hash, sqlx::Error> {
            Hash::from_slice(row.try_get::<&[u8], _>(column)?)
                .ok_or_else(|| sqlx::Error::Decode("a hash that is not 32 bytes".into()))
        };
        return Ok(Verdict::Replay {
            stream: StreamId(row.try_get("stream")?),
            version: row.try_get::<i64, _>("version")? as u64,
            fingerprint: hash("fingerprint")?,
            hash: hash("hash")?,
        });
    }
    if first {
        let record: Option<(i64, Vec<u8>)> = sqlx::query_as("SELECT version, tip FROM record WHERE stream = $1")
            .bind(command.stream.0)
            .fetch_optional(&mut *connection)
            .await?;
        let (version, tip) = record.unwrap_or_else(|| (0, command.tip.0.to_vec()));
        if version as u64 != command.expect || tip != command.tip.0 {
            return Ok(Verdict::Version);
        }
    }
    let mut clash: Option<&str> = None;
    for (_, key) in command.keys.iter().filter(|(claim, _)| *claim) {
        let holder: Option<(uuid::Uuid,)> =
            sqlx::query_as("SELECT stream FROM unique_key WHERE scope = $1 AND key = $2")
                .bind(key.scope)
                .bind(&key.key)
                .fetch_optional(&mut *connection)
                .await?;
        if holder.is_some_and(|(stream,)| stream != command.stream.0) {
            clash = Some(clash.map_or(key.scope, |scope| scope.min(key.scope)));
        }
    }
    Ok(clash.map_or(Verdict::Ok, |scope| Verdict::Unique { scope: scope.to_owned() }))
}

const INSERT_ENTRY: &str =
    "INSERT INTO entry (position, stream, version, kind, body, actor, at, principal, request, trace, prev, hash)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

const UPSERT_RECORD: &str =
    "INSERT INTO record (stream, version, tip, schema, state, state_version, kind, region, organisation,
        owner, item, status, due_at, created_at, updated_at)
    VALUES ($1, $2, $3, $4, coalesce($5, x''), $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)
    ON CONFLICT (stream) DO UPDATE SET version = excluded.version, tip = excluded.tip,
        schema = CASE WHEN excluded.state_version = 0 THEN record.schema ELSE excluded.schema END,
        state = CASE WHEN excluded.state_version = 0 THEN record.state ELSE excluded.state END,
        state_version = CASE WHEN excluded.state_version = 0 THEN record.state_version ELSE excluded.state_version END,
        region = excluded.region, organisation = excluded.organisation, owner = excluded.owner, item = excluded.item,
        status = excluded.status, due_at = excluded.due_at, updated_at = excluded.updated_at";

async fn write(connection: &mut SqliteConnection, command: &Command, position: &mut i64) -> Result<(), sqlx::Error> {
    for entry in &command.entries {
        *position += 1;
        sqlx::query(INSERT_ENTRY)
            .bind(*position)
            .bind(command.stream.0)
            .bind(entry.version as i64)
            .bind(&entry.kind)
            .bind(&entry.body)
            .bind(&command.actor)
            .bind(command.at.0)
            .bind(&command.principal)
            .bind(&command.request)
            .bind(&command.trace)
            .bind(entry.prev.0.as_slice())
            .bind(entry.hash.0.as_slice())
            .execute(&mut *connection)
            .await?;
    }
    sqlx::query("INSERT INTO request (principal, id, fingerprint, stream, version, hash, at) VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(&command.principal)
        .bind(&command.request)
        .bind(command.fingerprint.0.as_slice())
        .bind(command.stream.0)
        .bind(command.new_version() as i64)
        .bind(command.new_tip().0.to_vec())
        .bind(command.at.0)
        .execute(&mut *connection)
        .await?;
    for (claim, key) in &command.keys {
        let sql = if *claim {
            "INSERT INTO unique_key (scope, key, stream) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
        } else {
            "DELETE FROM unique_key WHERE scope = $1 AND key = $2 AND stream = $3"
        };
        sqlx::query(sql).bind(key.scope).bind(&key.key).bind(command.stream.0).execute(&mut *connection).await?;
    }
    for subject in &command.erased {
        sqlx::query("DELETE FROM secret WHERE subject = $1")
            .bind(subject.to_string())
            .execute(&mut *connection)
            .await?;
    }
    let Some(record) = &command.record else { return Ok(()) };
    let state_version = if record.state.is_some() { command.new_version() as i64 } else { 0 };
    sqlx::query(UPSERT_RECORD)
        .bind(command.stream.0)
        .bind(command.new_version() as i64)
        .bind(command.new_tip().0.to_vec())
        .bind(record.schema)
        .bind(record.state.as_deref())
        .bind(state_version)
        .bind(record.kind)
        .bind(&record.index.region)
        .bind(&record.index.organisation)
        .bind(&record.index.owner)
        .bind(&record.index.item)
        .bind(&record.index.status)
        .bind(record.index.due_at.map_or(i64::MAX, |due| due.0))
        .bind(command.at.0)
        .execute(&mut *connection)
        .await?;
    Ok(())
}

const INSERT_TAGS: &str = "INSERT INTO tag (kind, name, value, sort, stream)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, unhex(value ->> 4) FROM json_each($1) WHERE true ON CONFLICT DO NOTHING";
const DELETE_TAGS: &str = "DELETE FROM tag WHERE (kind, name, value, sort, stream) IN
    (SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, unhex(value ->> 4) FROM json_each($1))";

/// Tags by the hundred thousand (words to search by) go as one statement each way; the last word on a tag wins.
async fn write_tags(
    connection: &mut SqliteConnection,
    batch: &[Arc<Command>],
    tags: &HashMap<(StreamId, &crate::Tag), bool>,
) -> Result<(), sqlx::Error> {
    let kinds: HashMap<StreamId, &str> =
        batch.iter().filter_map(|command| Some((command.stream, command.record.as_ref()?.kind))).collect();
    for (wanted, sql) in [(false, DELETE_TAGS), (true, INSERT_TAGS)] {
        let rows: Vec<_> = tags
            .iter()
            .filter(|(_, set)| **set == wanted)
            .map(|((stream, tag), _)| (kinds[stream], tag.name, &tag.value, &tag.sort, stream.0.simple().to_string()))
            .collect();
        if !rows.is_empty() {
            let json = serde_json::to_string(&rows).map_err(|error| sqlx::Error::Encode(error.into()))?;
            sqlx::query(sql).bind(json).execute(&mut *connection).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::{Committer, Failure, classify};
    use super::*;
    use crate::batch::NewEntry;

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
