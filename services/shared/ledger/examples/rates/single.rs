//! The baseline on SQLite: a submit as usually written, one durable transaction each, through sqlx.

use std::path::Path;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use tokio::time::Instant;
use uuid::Uuid;

use crate::Outcome;

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS application (id blob PRIMARY KEY, owner text NOT NULL, status text NOT NULL, form text NOT NULL);
    CREATE TABLE IF NOT EXISTS event (id blob PRIMARY KEY, application blob NOT NULL, sequence integer NOT NULL, body text NOT NULL);
    CREATE INDEX IF NOT EXISTS event_application ON event (application, sequence);
    CREATE TABLE IF NOT EXISTS once (principal text, request blob, application blob NOT NULL, PRIMARY KEY (principal, request));";

/// Transactions a second.
pub async fn run(folder: &Path, time: Duration) -> Outcome<f64> {
    let mut connection = SqliteConnectOptions::new()
        .filename(folder.join("single.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .disable_statement_logging()
        .connect()
        .await?;
    sqlx::raw_sql(SCHEMA).execute(&mut connection).await?;
    let (form, event) = ("f".repeat(1000), "e".repeat(300));
    let begin = Instant::now() + time / 5;
    let (end, mut done) = (begin + time, 0_u64);
    loop {
        let asked = Instant::now();
        if asked >= end {
            return Ok(done as f64 / time.as_secs_f64());
        }
        let [id, first, second, request] = [0; 4].map(|_| new_id());
        let mut transaction = connection.begin().await?;
        sqlx::query("INSERT INTO application (id, owner, status, form) VALUES ($1, 'person:bench', 'SUBMITTED', $2)")
            .bind(id)
            .bind(&form)
            .execute(&mut *transaction)
            .await?;
        for (sequence, event_id) in [(1_i64, first), (2, second)] {
            sqlx::query("INSERT INTO event (id, application, sequence, body) VALUES ($1, $2, $3, $4)")
                .bind(event_id)
                .bind(id)
                .bind(sequence)
                .bind(&event)
                .execute(&mut *transaction)
                .await?;
        }
        sqlx::query("INSERT INTO once (principal, request, application) VALUES ('person:bench', $1, $2)")
            .bind(request)
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        done += u64::from(asked >= begin);
    }
}

fn new_id() -> Uuid {
    #[expect(
        clippy::disallowed_methods,
        reason = "this program is a process of its own, without the kit's identifiers"
    )]
    Uuid::now_v7()
}
