//! 备份 · A SQLite ledger copied while its process works on it. (PostgreSQL has its own means: see docs/operations.md.)
//!
//! Invariant: from a copy no delivery is lost, though the ledgers of an installation are copied one after the other. The relays of
//! the copy stand no further than where they stood before the first ledger was copied, and deliver again what came after.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use uuid::Uuid;

use crate::Hash;
use crate::engine::{OpenError, check_sqlite_schema};
use crate::ledger::Head;

/// A ledger that is about to be copied.
pub struct Backup {
    file: PathBuf,
    service: String,
    /// Where its relays stood, streams that waited included.
    looked: HashMap<(String, Uuid), i64>,
}

const CURSORS: &str = "SELECT reader, stream, position FROM cursor";

impl Backup {
    /// Looks where the relays of a service's ledger stand. To be called for every ledger of an installation before the first is
    /// copied.
    ///
    /// # Errors
    /// `NOT_MIGRATED` where there is no ledger of this version; `STORE_UNAVAILABLE`.
    pub async fn begin(dir: &Path, service: &str) -> Result<Self, OpenError> {
        let file = dir.join(format!("{service}.db"));
        if !file.is_file() {
            return Err(OpenError::NotMigrated(format!("there is no {}", file.display())));
        }
        let mut connection = look(&file).await?;
        check_sqlite_schema(&mut connection, &file).await?;
        let rows: Vec<(String, Uuid, i64)> = sqlx::query_as(CURSORS).fetch_all(&mut connection).await?;
        connection.close().await?;
        let looked = rows.into_iter().map(|(reader, stream, position)| ((reader, stream), position)).collect();
        Ok(Self { file, service: service.to_owned(), looked })
    }

    /// Copies the ledger as it stands at one moment, under load, into a folder that has none of it; answers where it stood. The copy
    /// is in a new epoch, and on the disk.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`; `DATA_DIR` where the folder cannot be written.
    pub async fn copy(self, into: &Path) -> Result<Head, OpenError> {
        let copy = into.join(format!("{}.db", self.service));
        let mut connection = look(&self.file).await?;
        sqlx::query("VACUUM INTO $1").bind(copy.to_string_lossy().into_owned()).execute(&mut connection).await?;
        connection.close().await?;
        let mut connection = options(&copy).connect().await?;
        let head = self.set_relays_back(&mut connection).await?;
        connection.close().await?;
        // SQLite does not wait for the disk here
        std::fs::File::open(&copy)?.sync_all()?;
        Ok(head)
    }

    async fn set_relays_back(&self, copy: &mut SqliteConnection) -> Result<Head, sqlx::Error> {
        let mut tx = copy.begin().await?;
        let (position, epoch): (i64, i64) =
            sqlx::query_as("SELECT position, epoch FROM head WHERE shard = 0").fetch_one(&mut *tx).await?;
        let rows: Vec<(String, Uuid, i64)> = sqlx::query_as(CURSORS).fetch_all(&mut *tx).await?;
        let copied: HashMap<(String, Uuid), i64> = rows.into_iter().map(|(r, s, p)| ((r, s), p)).collect();
        for ((reader, _), stood) in copied.iter().filter(|((_, stream), _)| stream.is_nil()) {
            let back = (*stood).min(self.delivered_before(reader, &copied));
            let hash: Option<(Vec<u8>,)> = sqlx::query_as("SELECT hash FROM entry WHERE position = $1")
                .bind(back)
                .fetch_optional(&mut *tx)
                .await?;
            sqlx::query(
                "UPDATE cursor SET epoch = CASE WHEN epoch = $1 THEN $1 + 1 ELSE epoch END, position = $2, hash = $3, lease_until = 0
                 WHERE reader = $4 AND stream = $5",
            )
            .bind(epoch)
            .bind(back)
            .bind(hash.map_or_else(|| Hash::ZERO.0.to_vec(), |(hash,)| hash))
            .bind(reader)
            .bind(Uuid::nil())
            .execute(&mut *tx)
            .await?;
        }
        sqlx::query("UPDATE head SET epoch = epoch + 1").execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(Head { position: position as u64, epoch: epoch as u64 + 1 })
    }

    /// Up to here a relay had delivered everything when it was looked at, but for streams that wait in the copy still.
    fn delivered_before(&self, reader: &str, copied: &HashMap<(String, Uuid), i64>) -> i64 {
        let main = self.looked.get(&(reader.to_owned(), Uuid::nil())).copied().unwrap_or(0);
        let waited = self.looked.iter().filter(|((of, stream), _)| of == reader && !stream.is_nil());
        let went = waited.filter(|(key, position)| copied.get(*key).is_none_or(|now| now > *position));
        went.map(|(_, position)| position - 1).min().map_or(main, |went| went.min(main))
    }
}

fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(false)
        .busy_timeout(Duration::from_secs(10))
        .pragma("secure_delete", "ON")
        .disable_statement_logging()
}

async fn look(file: &Path) -> Result<SqliteConnection, sqlx::Error> {
    options(file).read_only(true).connect().await
}
