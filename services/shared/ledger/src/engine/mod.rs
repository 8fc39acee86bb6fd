//! The two engines. SQL is written once where the engines agree; where they differ, a [`Sql`] constant holds both texts,
//! so that one grep lists every difference. The batch commit is the great exception: two programs, one contract suite.

mod lanes;
mod postgres;
mod rows;
mod silence;
mod sqlite;

use std::path::PathBuf;
use std::sync::Arc;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection, SqlitePool};
use tokio::sync::Mutex;
use tokio::time::Instant;

use self::lanes::Lanes;
use self::rows::{Obstacles, Rows, judge};
use self::silence::Silence;
pub(crate) use self::silence::connected;
use crate::batch::{Command, Verdict};

/// Where a service's ledger is kept.
#[derive(Clone, Debug)]
pub enum Database {
    /// A file `<service>.db` in the directory; one process a directory.
    Sqlite {
        /// The data directory, made where it does not exist.
        dir: PathBuf,
    },
    /// SQLite in a temporary directory that goes with the ledger: for tests.
    Memory,
    /// PostgreSQL 15 or later.
    Postgres {
        /// `postgres://…`; holds a password, never logged.
        url: String,
        /// One schema a service, so that services may share a database.
        schema: String,
    },
}

/// Why a ledger could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has the data directory.
    #[error("DATA_DIR_IN_USE: another process is running on {0}")]
    DataDirInUse(PathBuf),
    /// The store could not be reached or read.
    #[error("STORE_UNAVAILABLE: {0}")]
    Store(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("MIGRATION_FAILED: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The schema is not there, or neither this version's nor a later one's.
    #[error("NOT_MIGRATED: {0}: run `yiwang migrate` first")]
    NotMigrated(String),
    /// A setting under which an acknowledged command could be lost.
    #[error("UNSAFE_SETTING: {0}")]
    UnsafeSetting(String),
    /// The keys are not those under which this store was written.
    #[error("WRONG_KEY: {0} is not the one this store was written with")]
    WrongKey(&'static str),
    /// The data directory could not be made or locked.
    #[error("DATA_DIR: {0}")]
    DataDir(#[from] std::io::Error),
}

/// What becomes of the schema when a store is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Schema {
    /// Made where it is not there, and brought up to date.
    Migrated,
    /// Not touched; refused where it is not this version's.
    AsItIs,
}

/// The migrations that were run in a store, oldest first.
const RUN: &str = "SELECT version FROM _sqlx_migrations WHERE success ORDER BY version";

/// Refuses a store in which not all of this version's migrations were run, or others between them. Those of a later version
/// are no hindrance: its schema only grew, so that this one stands beside it, or comes back after it.
fn check_schema(migrator: &sqlx::migrate::Migrator, run: &[(i64,)], place: &str) -> Result<(), OpenError> {
    let own: Vec<i64> = migrator.iter().map(|migration| migration.version).collect();
    let run: Vec<i64> = run.iter().map(|(version,)| *version).collect();
    let Some(later) = run.strip_prefix(own.as_slice()) else {
        return Err(OpenError::NotMigrated(format!("{place} holds the schema of another version")));
    };
    if !later.is_empty() {
        tracing::warn!(place, own = own.last(), ?later, "数据库结构比本程序新 · the schema is a later version's");
    }
    Ok(())
}

/// This version's migrations, which a later version's do not stand in the way of.
fn beside_later_ones(mut migrator: sqlx::migrate::Migrator) -> sqlx::migrate::Migrator {
    migrator.set_ignore_missing(true);
    migrator
}

/// The same of a SQLite file, whoever works on it.
pub(crate) async fn check_sqlite_schema(
    connection: &mut SqliteConnection,
    file: &std::path::Path,
) -> Result<(), OpenError> {
    sqlite::check(connection, file).await
}

/// A statement in both dialects.
#[derive(Clone, Copy)]
pub(crate) struct Sql {
    pub pg: &'static str,
    pub lite: &'static str,
}

impl Sql {
    /// The same text for both engines.
    pub const fn both(text: &'static str) -> Self {
        Self { pg: text, lite: text }
    }
}

/// The store of one service.
#[allow(clippy::large_enum_variant, reason = "one a process")]
pub(crate) enum Db {
    Pg(Lanes),
    Lite {
        read: SqlitePool,
        /// SQLite has one writer; whoever writes holds this, in order of arrival.
        write: Arc<Mutex<SqliteConnection>>,
        /// To connect again after an error that left the connection in no known state.
        options: SqliteConnectOptions,
        /// Held for as long as the ledger is open.
        _lock: std::fs::File,
        _temporary: Option<tempfile::TempDir>,
    },
}

/// Expands a read into both arms: `read!(db, fetch_all, Row, SQL, a, b)`.
macro_rules! read {
    ($db:expr, $method:ident, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $db {
            $crate::engine::Db::Pg(lanes) => {
                let query = sqlx::query_as::<_, $row>($sql.pg)$(.bind($bind))*;
                let asked = async {
                    let mut lane = lanes.take().await?;
                    let answer = lanes.silence().in_time(lane.heard(), query.$method(lane.connection()?)).await;
                    lane.settle(answer)
                };
                asked.await
            }
            $crate::engine::Db::Lite { read, .. } => sqlx::query_as::<_, $row>($sql.lite)$(.bind($bind))*.$method(read).await,
        }
    };
}

/// Expands a small write of its own (cursors, keys; never a command) into both arms; answers the rows touched.
macro_rules! write {
    ($db:expr, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $db {
            $crate::engine::Db::Pg(lanes) => {
                let query = sqlx::query($sql.pg)$(.bind($bind))*;
                let done = async {
                    let mut lane = lanes.take().await?;
                    let done = lanes.silence().in_time(lane.heard(), query.execute(lane.connection()?)).await;
                    lane.settle(done).map(|done| done.rows_affected())
                };
                done.await
            }
            $crate::engine::Db::Lite { write, .. } => {
                let mut connection = write.lock().await;
                sqlx::query($sql.lite)$(.bind($bind))*.execute(&mut *connection).await.map(|done| done.rows_affected())
            }
        }
    };
}
/// Expands statements into both arms, as one transaction of their own: `atomically!(db, |tx, pick| { … })`, where `pick`
/// takes the engine's text of a [`Sql`].
macro_rules! atomically {
    ($db:expr, |$tx:ident, $pick:ident| $work:block) => {
        match $db {
            $crate::engine::Db::Pg(lanes) => {
                let $pick = |sql: $crate::engine::Sql| sql.pg;
                let mut lane = lanes.take().await?;
                let mut $tx = sqlx::Connection::begin(lane.connection()?).await?;
                $work
                let done = $tx.commit().await;
                lane.settle(done)
            }
            $crate::engine::Db::Lite { write, .. } => {
                let $pick = |sql: $crate::engine::Sql| sql.lite;
                let mut connection = write.lock().await;
                let mut $tx = sqlx::Connection::begin_with(&mut *connection, "BEGIN IMMEDIATE").await?;
                $work
                $tx.commit().await
            }
        }
    };
}
pub(crate) use {atomically, read, write};

impl Db {
    pub async fn open(database: &Database, service: &str, production: bool, how: Schema) -> Result<Self, OpenError> {
        match database {
            Database::Postgres { url, schema } => postgres::open(url, schema, production, how).await.map(Db::Pg),
            Database::Sqlite { dir } => sqlite::open(dir, service, None, how).await,
            Database::Memory => {
                let temporary = tempfile::TempDir::new()?;
                let folder = temporary.path().to_owned();
                sqlite::open(&folder, service, Some(temporary), how).await
            }
        }
    }

    /// The writer's own connection.
    pub async fn committer(&self) -> Result<Committer, sqlx::Error> {
        Ok(match self {
            // none of the lanes: when reads have them all, the ledger must still take writes
            Db::Pg(lanes) => {
                let connection = connected(lanes.apart()).await?;
                Committer::Pg { connection, heard: Instant::now(), silence: lanes.silence().clone() }
            }
            Db::Lite { write, options, .. } => Committer::Lite(write.clone(), options.clone()),
        })
    }

    /// A connection that only reads.
    pub async fn reader(&self) -> Result<Reader, sqlx::Error> {
        Ok(match self {
            Db::Pg(lanes) => Reader::Pg(lanes.apart().await?),
            Db::Lite { options, .. } => Reader::Lite(options.clone().read_only(true).connect().await?),
        })
    }

    /// Gives up what PostgreSQL does not answer: see [`silence`].
    pub async fn in_time<T>(
        &self,
        heard: Instant,
        work: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        match self {
            Db::Pg(lanes) => lanes.silence().in_time(heard, work).await,
            Db::Lite { .. } => work.await,
        }
    }

    /// After an erasure: sees to it that the deleted key is in no file any more. False: try again. PostgreSQL's own vacuum does
    /// it there, in its time.
    pub async fn scrub(&self) -> Result<bool, sqlx::Error> {
        match self {
            Db::Pg(_) => Ok(true),
            Db::Lite { options, .. } => sqlite::scrub(options).await,
        }
    }

    pub fn is_postgres(&self) -> bool {
        matches!(self, Db::Pg(_))
    }

    pub async fn close(&self) {
        match self {
            Db::Pg(lanes) => lanes.close(),
            Db::Lite { read, .. } => read.close().await,
        }
    }
}

/// The one connection that commits batches.
#[allow(clippy::large_enum_variant, reason = "one a process")]
pub(crate) enum Committer {
    Pg {
        connection: sqlx::PgConnection,
        /// When it last gave an answer.
        heard: Instant,
        silence: Arc<Silence>,
    },
    Lite(Arc<Mutex<SqliteConnection>>, SqliteConnectOptions),
}

impl Committer {
    /// Writes the batch in one transaction and answers one verdict a command, in order. Where something stands in the way of
    /// a command, the others go without it.
    pub async fn commit(&mut self, batch: &[Arc<Command>]) -> Result<Vec<Verdict>, sqlx::Error> {
        let mut verdicts = vec![Verdict::Ok; batch.len()];
        let mut places: Vec<usize> = (0..batch.len()).collect();
        let mut rest = batch.to_vec();
        while !rest.is_empty() {
            let rows = Rows::of(&rest);
            let obstacles = self.write(&rows).await?;
            if obstacles.is_empty() {
                break;
            }
            let judged = judge(&rest, &rows, &obstacles);
            let (mut left, mut left_places) = (Vec::new(), Vec::new());
            for ((command, place), verdict) in rest.into_iter().zip(places).zip(judged) {
                if verdict == Verdict::Ok {
                    left.push(command);
                    left_places.push(place);
                }
                verdicts[place] = verdict;
            }
            (rest, places) = (left, left_places);
        }
        Ok(verdicts)
    }

    async fn write(&mut self, rows: &Rows<'_>) -> Result<Obstacles, sqlx::Error> {
        match self {
            // the server's own limits are shorter, but it may not be the server that says nothing
            Committer::Pg { connection, heard, silence } => {
                let outcome = silence.in_time(*heard, postgres::commit(connection, rows)).await;
                if !outcome.as_ref().is_err_and(|error| classify(error) == Failure::InDoubt) {
                    *heard = Instant::now();
                }
                outcome
            }
            Committer::Lite(connection, options) => {
                let mut connection = connection.lock().await;
                let outcome = sqlite::commit(&mut connection, rows).await;
                // a full disk rolls the transaction back behind the driver's back: start from a connection that is sound
                if outcome.as_ref().is_err_and(|error| classify(error) != Failure::Retry) {
                    *connection = options.connect().await.map_err(away)?;
                }
                outcome
            }
        }
    }
}

/// A connection on which gathered reads go, one after another.
#[allow(clippy::large_enum_variant, reason = "a few a process")]
pub(crate) enum Reader {
    Pg(sqlx::PgConnection),
    Lite(SqliteConnection),
}

/// Whatever keeps us from connecting again, it says nothing of what became of the batch: the outcome is unknown.
fn away(error: sqlx::Error) -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::other(error))
}

/// What a failed statement means for the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Rolled back for somebody else's sake: send the same batch again.
    Retry,
    /// The connection is gone and the outcome unknown: connect, then send the same batch again.
    InDoubt,
    /// No room on the disk.
    Full,
    /// A command in the batch is at fault.
    Guilty,
}

/// Sorts an error of the store. PostgreSQL's SQLSTATE classes, SQLite's primary result codes.
pub(crate) fn classify(error: &sqlx::Error) -> Failure {
    let sqlx::Error::Database(database) = error else {
        return match error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed
            | sqlx::Error::InvalidSavePointStatement => Failure::InDoubt,
            _ => Failure::Guilty,
        };
    };
    let code = database.code().unwrap_or_default();
    if database.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some() {
        return match code.as_ref() {
            "40001" | "40P01" | "55P03" | "57014" => Failure::Retry,
            "53100" => Failure::Full,
            code if code.starts_with("08") || code.starts_with("57P") || code.starts_with("53") => Failure::InDoubt,
            // a standby that was not promoted yet: read-only transaction
            "25006" => Failure::InDoubt,
            _ => Failure::Guilty,
        };
    }
    match code.parse::<i64>().unwrap_or(0) & 0xff {
        5 | 6 => Failure::Retry,
        13 => Failure::Full,
        10 => Failure::InDoubt,
        _ => Failure::Guilty,
    }
}
