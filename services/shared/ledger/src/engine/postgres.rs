//! PostgreSQL: settings, migrations, and the batch commit through the function `commit_batch`.

use std::str::FromStr;
use std::sync::LazyLock;
use std::time::Duration;

use sqlx::migrate::MigrateError;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row};

use super::lanes::Lanes;
use super::rows::{Obstacles, Rows, replay};
use super::{OpenError, RUN, Schema, beside_later_ones, check_schema};

static MIGRATOR: LazyLock<sqlx::migrate::Migrator> =
    LazyLock::new(|| beside_later_ones(sqlx::migrate!("migrations/postgres")));

/// Between two tries of a migration that waits for a lock.
const LOCK_REST: Duration = Duration::from_millis(500);

/// A plan is kept for as long as its connection, and may be made while the tables are empty, or before anybody has counted them:
/// it must be one that stays good as they grow. To compile one would cost more than any of them takes; to make one anew for each
/// batch of a few commands, which PostgreSQL thinks cheaper as long as the batches are small, costs a third of writing them.
const PLANS: [(&str, &str); 5] = [
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("jit", "off"),
    ("plan_cache_mode", "force_generic_plan"),
];

/// Connects, makes the schema and migrates where that is wanted, and asserts the settings that durability stands on.
pub(super) async fn open(url: &str, schema: &str, production: bool, how: Schema) -> Result<Lanes, OpenError> {
    if schema.is_empty() || !schema.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
        return Err(OpenError::UnsafeSetting(format!("schema {schema:?}: lower-case letters, digits and _ only")));
    }
    let options = PgConnectOptions::from_str(url)?
        .application_name(&format!("yiwang-{schema}"))
        .options([("search_path", schema), ("lock_timeout", "10s"), ("statement_timeout", "60s")])
        .options(PLANS)
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
    Ok(Lanes::new(options)?)
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

const COMMIT: &str = "SELECT what, i, r_stream, r_version, r_fingerprint, r_hash FROM commit_batch(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26,
    $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50,
    $51, $52, $53, $54, $55, $56, $57, $58, $59)";

/// Turns rows into columns: `columns!(rows, |row| a, b, c)` is one array for each expression.
macro_rules! columns {
    ($query:expr, $rows:expr, |$row:pat_param| $($column:expr),+ $(,)?) => {
        $query$(.bind({
            let mut column = Vec::new();
            #[allow(unused_variables, reason = "a column needs a part of the row")]
            for $row in $rows {
                column.push($column);
            }
            column
        }))+
    };
}

/// All rows in one statement, one round trip, one commit; or what stands in the way, and nothing is written.
pub(super) async fn commit(connection: &mut PgConnection, rows: &Rows<'_>) -> Result<Obstacles, sqlx::Error> {
    let query = sqlx::query(COMMIT);
    let query = columns!(
        query,
        rows.commands.iter(),
        |command| &command.principal[..],
        &command.request[..],
        command.writes(),
        &command.fingerprint.0[..],
        command.stream.0,
        command.new_version() as i64,
        command.new_tip().0.to_vec(),
        command.at.0
    );
    let query = columns!(query, rows.streams.iter(), |row| row.stream, row.expect, &row.tip.0[..]);
    let query = columns!(query, rows.claims.iter(), |(_, (scope, key, stream))| *scope, *key, *stream);
    let query = columns!(
        query,
        rows.entries(),
        |(command, entry)| command.stream.0,
        entry.version as i64,
        &entry.kind[..],
        &entry.body[..],
        &command.actor[..],
        command.at.0,
        &command.principal[..],
        &command.request[..],
        &command.trace[..],
        &entry.prev.0[..],
        &entry.hash.0[..]
    );
    let records = || rows.streams.iter().filter_map(|row| Some((row.stream, row.after.as_ref()?)));
    let query = columns!(
        query,
        records(),
        |(stream, after)| stream,
        after.version,
        &after.tip.0[..],
        after.schema(),
        after.state.map(|(state, _)| state),
        after.state.map_or(0, |(_, version)| version),
        after.record.kind,
        &after.record.index.region[..],
        &after.record.index.organisation[..],
        &after.record.index.owner[..],
        &after.record.index.item[..],
        &after.record.index.status[..],
        after.record.index.due_or_never(),
        after.created_at,
        after.updated_at,
        rows.is_new(stream)
    );
    let query = [&rows.keys_freed, &rows.keys_taken]
        .into_iter()
        .fold(query, |query, keys| columns!(query, keys.iter(), |(scope, key, stream)| *scope, *key, *stream));
    let query = [&rows.tags_gone, &rows.tags_set].into_iter().fold(query, |query, tags| {
        columns!(query, tags.iter(), |(kind, tag, stream)| *kind, tag.name, &tag.value[..], &tag.sort[..], *stream)
    });
    let query = columns!(query, rows.tags_set.iter(), |(_, _, stream)| rows.is_new(*stream));
    let query = columns!(query, rows.erased.iter(), |subject| subject.as_str());
    let mut obstacles = Obstacles::default();
    for row in query.fetch_all(connection).await? {
        let place = || row.try_get::<i64, _>("i").map(|i| i as usize - 1);
        match row.try_get::<&str, _>("what")? {
            "OK" => {}
            "request" => {
                let (stream, version) = (row.try_get("r_stream")?, row.try_get("r_version")?);
                let verdict = replay(stream, version, row.try_get("r_fingerprint")?, row.try_get("r_hash")?)?;
                obstacles.requests.insert(place()?, verdict);
            }
            "stream" => {
                obstacles.streams.insert(row.try_get("r_stream")?);
            }
            "claim" => {
                obstacles.claims.insert(place()?);
            }
            other => return Err(sqlx::Error::Decode(format!("unknown obstacle {other}").into())),
        }
    }
    Ok(obstacles)
}
