//! PostgreSQL: settings, migrations, and the batch commit through the function `commit_batch`.

use std::str::FromStr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use sqlx::migrate::MigrateError;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, PgPool, Row};
use uuid::Uuid;

use super::{OpenError, RUN, Schema, beside_later_ones, check_schema, in_time};
use crate::batch::{Command, Verdict};
use crate::{Hash, StreamId};

static MIGRATOR: LazyLock<sqlx::migrate::Migrator> =
    LazyLock::new(|| beside_later_ones(sqlx::migrate!("migrations/postgres")));

/// Between two tries of a migration that waits for a lock.
const LOCK_REST: Duration = Duration::from_millis(500);

/// Connects, makes the schema and migrates where that is wanted, and asserts the settings that durability stands on.
pub(super) async fn open(url: &str, schema: &str, production: bool, how: Schema) -> Result<PgPool, OpenError> {
    if schema.is_empty() || !schema.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
        return Err(OpenError::UnsafeSetting(format!("schema {schema:?}: lower-case letters, digits and _ only")));
    }
    let options = PgConnectOptions::from_str(url)?
        .application_name(&format!("yiwang-{schema}"))
        .options([("search_path", schema), ("lock_timeout", "10s"), ("statement_timeout", "60s")])
        .disable_statement_logging();
    let mut connection = options.connect().await?;
    match how {
        Schema::Migrated => migrate(&mut connection, schema).await?,
        Schema::AsItIs => {
            let (there,): (bool,) = sqlx::query_as("SELECT to_regclass($1) IS NOT NULL")
                .bind(format!("{schema}._sqlx_migrations"))
                .fetch_one(&mut connection)
                .await?;
            if !there {
                return Err(OpenError::NotMigrated(format!("there is no ledger in the schema {schema}")));
            }
        }
    }
    let run: Vec<(i64,)> = sqlx::query_as(RUN).fetch_all(&mut connection).await?;
    check_schema(&MIGRATOR, &run, &format!("the schema {schema}"))?;
    assert_settings(&mut connection, production).await?;
    connection.close().await?;
    Ok(pool(options))
}

/// The pool of reads. Whoever finds none free hears so before the usual deadline, and not much sooner: on a busy machine it takes
/// seconds to connect. A connection that does not answer when it comes back is given up,
/// or a network that swallows what it is given would hold all of them until the system notices, a quarter of an hour later.
fn pool(options: PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(8)
        .acquire_timeout(Duration::from_secs(10))
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(
                async move { Ok(meta.idle_for < Duration::from_secs(1) || in_time(connection.ping()).await.is_ok()) },
            )
        })
        .after_release(|connection, _| Box::pin(async move { in_time(connection.ping()).await.map(|()| true) }))
        .connect_lazy_with(options)
}

/// Makes the schema where it is not there, and brings it up to date.
async fn migrate(connection: &mut PgConnection, schema: &str) -> Result<(), OpenError> {
    // the name was checked; identifiers cannot be bound
    let create = format!("CREATE SCHEMA IF NOT EXISTS {schema}");
    if let Err(error) = sqlx::query(AssertSqlSafe(create)).execute(&mut *connection).await {
        // two processes that start together: the loser of the race finds the schema there
        let exists: (bool,) = sqlx::query_as("SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)")
            .bind(schema)
            .fetch_one(&mut *connection)
            .await?;
        if !exists.0 {
            return Err(error.into());
        }
    }
    // to build an index may take longer than any statement of ours
    sqlx::query("SET statement_timeout = 0").execute(&mut *connection).await?;
    // what waits for a lock holds up all that come after it: it gives way each time, and comes again
    while let Err(error) = MIGRATOR.run(&mut *connection).await {
        if !waited_in_vain(&error) {
            return Err(error.into());
        }
        tracing::warn!(schema, "数据库更新在等待锁 · the migration waits for a lock");
        tokio::time::sleep(LOCK_REST).await;
    }
    Ok(())
}

/// Whether a migration gave way to whoever holds a lock: another replica that migrates, or a long transaction.
fn waited_in_vain(error: &MigrateError) -> bool {
    let (MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) = error else { return false };
    error.as_database_error().is_some_and(|error| error.code().as_deref() == Some("55P03"))
}

/// Kill tests pass with `fsync` off, so that nobody notices until the power fails: assert it.
async fn assert_settings(connection: &mut PgConnection, production: bool) -> Result<(), OpenError> {
    let mut unsafe_settings = Vec::new();
    for (name, wanted) in [("fsync", "on"), ("full_page_writes", "on")] {
        let (value,): (String,) =
            sqlx::query_as("SELECT current_setting($1)").bind(name).fetch_one(&mut *connection).await?;
        if value != wanted {
            unsafe_settings.push(format!("{name} = {value}"));
        }
    }
    let (commit,): (String,) =
        sqlx::query_as("SELECT current_setting('synchronous_commit')").fetch_one(&mut *connection).await?;
    if commit == "off" {
        unsafe_settings.push("synchronous_commit = off".to_owned());
    }
    if unsafe_settings.is_empty() {
        return Ok(());
    }
    let text = unsafe_settings.join(", ");
    if production {
        return Err(OpenError::UnsafeSetting(text));
    }
    tracing::warn!(settings = text, "acknowledged commands can be lost with these database settings");
    Ok(())
}

const COMMIT: &str = "SELECT c, verdict, scope, r_stream, r_version, r_fingerprint, r_hash FROM commit_batch(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
    $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38)";

/// The arguments of `commit_batch`, column by column.
#[derive(Default)]
struct Columns<'a> {
    stream: Vec<Uuid>,
    expect: Vec<i64>,
    tip: Vec<&'a [u8]>,
    new: Vec<i64>,
    writes: Vec<bool>,
    principal: Vec<&'a str>,
    request: Vec<&'a str>,
    fingerprint: Vec<&'a [u8]>,
    hash: Vec<Vec<u8>>,
    actor: Vec<&'a str>,
    at: Vec<i64>,
    trace: Vec<&'a str>,
    kind: Vec<&'a str>,
    schema: Vec<i64>,
    state: Vec<Option<&'a [u8]>>,
    region: Vec<&'a str>,
    organisation: Vec<&'a str>,
    owner: Vec<&'a str>,
    item: Vec<&'a str>,
    status: Vec<&'a str>,
    due: Vec<i64>,
    entry: (Vec<i64>, Vec<i64>, Vec<&'a str>, Vec<&'a [u8]>, Vec<&'a [u8]>, Vec<&'a [u8]>),
    key: (Vec<i64>, Vec<bool>, Vec<&'a str>, Vec<&'a str>),
    tag: (Vec<i64>, Vec<bool>, Vec<&'a str>, Vec<&'a str>, Vec<&'a str>),
    erased: (Vec<i64>, Vec<String>),
}

impl<'a> Columns<'a> {
    fn push(&mut self, c: i64, command: &'a Command) {
        self.stream.push(command.stream.0);
        self.expect.push(command.expect as i64);
        self.tip.push(&command.tip.0);
        self.new.push(command.new_version() as i64);
        self.writes.push(command.writes());
        self.principal.push(&command.principal);
        self.request.push(&command.request);
        self.fingerprint.push(&command.fingerprint.0);
        self.hash.push(command.new_tip().0.to_vec());
        self.actor.push(&command.actor);
        self.at.push(command.at.0);
        self.trace.push(&command.trace);
        let record = command.record.as_ref();
        let index = record.map(|record| &record.index);
        self.kind.push(record.map_or("", |record| record.kind));
        self.schema.push(record.map_or(0, |record| i64::from(record.schema)));
        self.state.push(record.and_then(|record| record.state.as_deref()));
        self.region.push(index.map_or("", |index| &index.region));
        self.organisation.push(index.map_or("", |index| &index.organisation));
        self.owner.push(index.map_or("", |index| &index.owner));
        self.item.push(index.map_or("", |index| &index.item));
        self.status.push(index.map_or("", |index| &index.status));
        self.due.push(index.and_then(|index| index.due_at).map_or(i64::MAX, |due| due.0));
        for entry in &command.entries {
            self.entry.0.push(c);
            self.entry.1.push(entry.version as i64);
            self.entry.2.push(&entry.kind);
            self.entry.3.push(&entry.body);
            self.entry.4.push(&entry.prev.0);
            self.entry.5.push(&entry.hash.0);
        }
        for (claim, key) in &command.keys {
            self.key.0.push(c);
            self.key.1.push(*claim);
            self.key.2.push(key.scope);
            self.key.3.push(&key.key);
        }
        for (set, tag) in &command.tags {
            self.tag.0.push(c);
            self.tag.1.push(*set);
            self.tag.2.push(tag.name);
            self.tag.3.push(&tag.value);
            self.tag.4.push(&tag.sort);
        }
        for subject in &command.erased {
            self.erased.0.push(c);
            self.erased.1.push(subject.to_string());
        }
    }
}

/// One statement, one round trip, one commit.
pub(super) async fn commit(connection: &mut PgConnection, batch: &[Arc<Command>]) -> Result<Vec<Verdict>, sqlx::Error> {
    let mut columns = Columns::default();
    for (c, command) in (1..).zip(batch) {
        columns.push(c, command);
    }
    let rows = sqlx::query(COMMIT)
        .bind(columns.stream)
        .bind(columns.expect)
        .bind(columns.tip)
        .bind(columns.new)
        .bind(columns.writes)
        .bind(columns.principal)
        .bind(columns.request)
        .bind(columns.fingerprint)
        .bind(columns.hash)
        .bind(columns.actor)
        .bind(columns.at)
        .bind(columns.trace)
        .bind(columns.kind)
        .bind(columns.schema)
        .bind(columns.state)
        .bind(columns.region)
        .bind(columns.organisation)
        .bind(columns.owner)
        .bind(columns.item)
        .bind(columns.status)
        .bind(columns.due)
        .bind(columns.entry.0)
        .bind(columns.entry.1)
        .bind(columns.entry.2)
        .bind(columns.entry.3)
        .bind(columns.entry.4)
        .bind(columns.entry.5)
        .bind(columns.key.0)
        .bind(columns.key.1)
        .bind(columns.key.2)
        .bind(columns.key.3)
        .bind(columns.tag.0)
        .bind(columns.tag.1)
        .bind(columns.tag.2)
        .bind(columns.tag.3)
        .bind(columns.tag.4)
        .bind(columns.erased.0)
        .bind(columns.erased.1)
        .fetch_all(connection)
        .await?;
    rows.iter().map(verdict).collect()
}

fn verdict(row: &sqlx::postgres::PgRow) -> Result<Verdict, sqlx::Error> {
    let hash = |column: &str| -> Result<Hash, sqlx::Error> {
        Hash::from_slice(row.try_get::<&[u8], _>(column)?)
            .ok_or_else(|| sqlx::Error::Decode("a hash that is not 32 bytes".into()))
    };
    Ok(match row.try_get::<&str, _>("verdict")? {
        "OK" => Verdict::Ok,
        "REPLAY" => Verdict::Replay {
            stream: StreamId(row.try_get("r_stream")?),
            version: row.try_get::<i64, _>("r_version")? as u64,
            fingerprint: hash("r_fingerprint")?,
            hash: hash("r_hash")?,
        },
        "UNIQUE" => Verdict::Unique { scope: row.try_get("scope")? },
        "VERSION" => Verdict::Version,
        "SKIPPED" => Verdict::Skipped,
        other => return Err(sqlx::Error::Decode(format!("unknown verdict {other}").into())),
    })
}
