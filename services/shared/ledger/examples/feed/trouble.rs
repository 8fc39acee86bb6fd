//! What a busy database does to a writer: sessions that hold the head's lock or a transaction open, commits that abort at
//! their very end, connections that are cut.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::Outcome;

/// Runs until it is ended.
pub struct Trouble {
    url: String,
    schema: String,
    stop: CancellationToken,
    tasks: JoinSet<Outcome<()>>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    held: AtomicU64,
    longest_ms: AtomicU64,
    rolled_back: AtomicU64,
    cut: AtomicU64,
}

/// What was done.
pub struct Report {
    holds: u64,
    longest: Duration,
    rolled_back: u64,
    cut: u64,
    commits: i64,
    aborted: i64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} commits aborted by the database; {} transactions held open, the longest {:.1?}, {} of them rolled back; \
             {} connections cut",
            self.aborted, self.commits, self.holds, self.longest, self.rolled_back, self.cut
        )
    }
}

impl Trouble {
    /// Sets the trap for commits and starts the sessions. The ledger's schema must exist.
    pub async fn start(url: &str, schema: &str) -> Outcome<Self> {
        let mut connection = PgConnection::connect(url).await?;
        for text in TRAP {
            let text = text.replace("{schema}", schema);
            sqlx::query(AssertSqlSafe(text)).execute(&mut connection).await?;
        }
        let (stop, counts, mut tasks) = (CancellationToken::new(), Arc::<Counts>::default(), JoinSet::new());
        for session in 0..3 {
            tasks.spawn(hold(url.to_owned(), schema.to_owned(), session, stop.clone(), counts.clone()));
        }
        tasks.spawn(cut(url.to_owned(), schema.to_owned(), stop.clone(), counts.clone()));
        Ok(Self { url: url.to_owned(), schema: schema.to_owned(), stop, tasks, counts })
    }

    /// Ends it and says what was done.
    pub async fn end(mut self) -> Outcome<Report> {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended??;
        }
        let mut connection = PgConnection::connect(&self.url).await?;
        let count = async |connection: &mut PgConnection, name: &str| -> Outcome<i64> {
            let text = format!("SELECT last_value FROM {}.{name}", self.schema);
            Ok(sqlx::query_scalar(AssertSqlSafe(text)).fetch_one(connection).await?)
        };
        Ok(Report {
            holds: self.counts.held.load(Ordering::Relaxed),
            longest: Duration::from_millis(self.counts.longest_ms.load(Ordering::Relaxed)),
            rolled_back: self.counts.rolled_back.load(Ordering::Relaxed),
            cut: self.counts.cut.load(Ordering::Relaxed),
            commits: count(&mut connection, "commits").await?,
            aborted: count(&mut connection, "aborts").await?,
        })
    }
}

/// A tenth of the commits fails after everything is written and every position given, at the moment of the commit itself.
/// (Sequences count through rollbacks.)
const TRAP: [&str; 4] = [
    "CREATE SEQUENCE {schema}.commits",
    "CREATE SEQUENCE {schema}.aborts",
    "CREATE FUNCTION {schema}.abort_some() RETURNS trigger LANGUAGE plpgsql AS $f$
     BEGIN
         PERFORM nextval('{schema}.commits');
         IF random() < 0.1 THEN
             PERFORM nextval('{schema}.aborts');
             RAISE EXCEPTION 'aborted for the test' USING ERRCODE = '40001';
         END IF;
         RETURN NULL;
     END $f$",
    "CREATE CONSTRAINT TRIGGER abort_some AFTER UPDATE ON {schema}.head
     DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {schema}.abort_some()",
];

/// Numbers that look random enough to spread moments: the same each time.
fn spread(session: u64, turn: u64, below: u64) -> u64 {
    let mixed = (session + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (turn + 1).wrapping_mul(0xD1B5_4A32_D192_ED03);
    (mixed ^ (mixed >> 29)) % below
}

/// Opens transactions and keeps them open up to two seconds: two sessions with the head's lock, which every writer waits
/// for, one with a transaction id alone, at which readers that go by transaction ids would stall. Every other one is
/// rolled back.
async fn hold(url: String, schema: String, session: u64, stop: CancellationToken, counts: Arc<Counts>) -> Outcome<()> {
    let mut connection = PgConnection::connect(&url).await?;
    let lock = match session {
        2 => "SELECT position FROM {schema}.head, (SELECT txid_current()) AS t",
        _ => "SELECT position FROM {schema}.head WHERE shard = 0 FOR UPDATE",
    };
    let lock = lock.replace("{schema}", &schema);
    for turn in 0.. {
        let mut transaction = connection.begin().await?;
        sqlx::query(AssertSqlSafe(lock.clone())).execute(&mut *transaction).await?;
        let began = Instant::now();
        let _ = timeout(Duration::from_millis(spread(session, turn, 2000)), stop.cancelled()).await;
        if turn.is_multiple_of(2) {
            transaction.rollback().await?;
            counts.rolled_back.fetch_add(1, Ordering::Relaxed);
        } else {
            transaction.commit().await?;
        }
        counts.held.fetch_add(1, Ordering::Relaxed);
        let held = u64::try_from(began.elapsed().as_millis())?;
        counts.longest_ms.fetch_max(held, Ordering::Relaxed);
        if timeout(Duration::from_millis(500 + spread(session, turn, 3000)), stop.cancelled()).await.is_ok() {
            return Ok(());
        }
    }
    Ok(())
}

/// Cuts the connection of a writer that is committing, every second or so: the outcome of that batch is unknown to it.
async fn cut(url: String, schema: String, stop: CancellationToken, counts: Arc<Counts>) -> Outcome<()> {
    const CUT: &str = "SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity
        WHERE application_name = $1 AND state = 'active' AND query LIKE '%commit_batch%' ORDER BY query_start LIMIT 1) s";
    let mut connection = PgConnection::connect(&url).await?;
    for turn in 0.. {
        if stop.is_cancelled() {
            return Ok(());
        }
        sleep(Duration::from_millis(300 + spread(9, turn, 1500))).await;
        let (gone,): (i64,) = sqlx::query_as(CUT).bind(format!("yiwang-{schema}")).fetch_one(&mut connection).await?;
        counts.cut.fetch_add(u64::try_from(gone)?, Ordering::Relaxed);
    }
    Ok(())
}
