//! PostgreSQL's connections for lists and small writes.
//!
//! Invariant: a connection is used again only where whoever had it came to an end with it in peace, or it has said since that it
//! lives; one whose use left the outcome in doubt is closed. So nobody asks it, before and after each use, whether it still lives.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{Manager, Metrics, Object, Pool, PoolConfig, PoolError, RecycleError, RecycleResult, Timeouts};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use tokio::time::Instant;

use super::silence::Silence;
use super::{Failure, classify};

/// Connections of a replica for lists and small writes; beside them stand the writer's and the five of gathered reads.
const LANES: usize = 4;

/// Whoever finds none free, or nobody to connect to, hears so before the usual deadline, and not much sooner: on a busy machine it
/// takes seconds to connect.
const WAIT: Duration = Duration::from_secs(6);

/// Between two tries to connect to a database that is away for a moment.
const REST: Duration = Duration::from_millis(100);

/// A connection is not used for longer: what stands behind its address may have moved.
const LIFE: Duration = Duration::from_secs(1800);

/// A connection that nobody used for so long is asked whether it still lives.
const QUIET: Duration = Duration::from_secs(1);

/// How connections are made, and which are believed.
pub(crate) struct Maker {
    options: PgConnectOptions,
    silence: Arc<Silence>,
}

/// A connection, and when it last gave an answer, or was made: not when it was taken, for a question that stayed without an answer
/// may have been asked before that.
pub(crate) struct Line {
    connection: PgConnection,
    heard: Instant,
}

impl Manager for Maker {
    type Type = Line;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<Line, sqlx::Error> {
        loop {
            // on the heap: it is large, and whoever takes a connection that is there has no need of it
            match Box::pin(self.options.connect()).await {
                Err(error) if classify(&error) == Failure::InDoubt => tokio::time::sleep(REST).await,
                answer => return Ok(Line { connection: answer?, heard: Instant::now() }),
            }
        }
    }

    async fn recycle(&self, line: &mut Line, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if metrics.age() > LIFE || self.silence.holds(line.heard) {
            return Err(RecycleError::message("old, or silent"));
        }
        if line.heard.elapsed() > QUIET {
            let ping = self.silence.within(WAIT, line.heard, line.connection.ping());
            Box::pin(ping).await.map_err(RecycleError::Backend)?;
            line.heard = Instant::now();
        }
        Ok(())
    }
}

/// All of them.
pub(crate) struct Lanes {
    options: PgConnectOptions,
    silence: Arc<Silence>,
    pool: Pool<Maker>,
    /// How many are asked for or at work.
    taken: Arc<AtomicUsize>,
}

/// One that is asked for or at work.
struct Taken(Arc<AtomicUsize>);

impl Taken {
    fn one(all: &Arc<AtomicUsize>) -> Self {
        all.fetch_add(1, Ordering::Relaxed);
        Self(all.clone())
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Lanes {
    /// Nothing is connected before it is needed.
    pub fn new(options: PgConnectOptions) -> Result<Self, sqlx::Error> {
        let timeouts = Timeouts { wait: Some(WAIT), create: Some(WAIT), recycle: None };
        let config = PoolConfig { max_size: LANES, timeouts, ..PoolConfig::default() };
        let silence = Arc::new(Silence::none());
        let maker = Maker { options: options.clone(), silence: silence.clone() };
        let pool = Pool::builder(maker).config(config).runtime(Runtime::Tokio1).build();
        let pool = pool.map_err(|error| sqlx::Error::Configuration(error.into()))?;
        Ok(Self { options, silence, pool, taken: Arc::default() })
    }

    /// One of them, for as long as the answer lives.
    pub async fn take(&self) -> Result<Lane, sqlx::Error> {
        let taken = Taken::one(&self.taken);
        match self.pool.get().await {
            Ok(connection) => Ok(Lane(Some((connection, self.silence.clone(), taken)))),
            Err(PoolError::Backend(error)) => Err(error),
            Err(PoolError::Closed) => Err(sqlx::Error::PoolClosed),
            Err(_) => Err(sqlx::Error::PoolTimedOut),
        }
    }

    /// What is known of the store's silence.
    pub fn silence(&self) -> &Arc<Silence> {
        &self.silence
    }

    /// A connection that is none of them.
    pub async fn apart(&self) -> Result<PgConnection, sqlx::Error> {
        self.options.connect().await
    }

    /// How many are at work, or being made, and how many wait for work.
    pub fn used_and_idle(&self) -> (u64, u64) {
        let used = self.taken.load(Ordering::Relaxed).min(LANES);
        (used as u64, self.pool.status().size.saturating_sub(used) as u64)
    }

    pub fn close(&self) {
        self.pool.close();
    }
}

/// A connection while it is used.
pub(crate) struct Lane(Option<(Object<Maker>, Arc<Silence>, Taken)>);

impl Lane {
    pub fn connection(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        self.0.as_mut().map(|(line, ..)| &mut line.connection).ok_or(sqlx::Error::WorkerCrashed)
    }

    /// When it last gave an answer.
    pub fn heard(&self) -> Instant {
        self.0.as_ref().map_or_else(Instant::now, |(line, ..)| line.heard)
    }

    /// Gives the connection back where this is an answer of the database, be it a refusal; else it is closed.
    pub fn settle<T>(mut self, answer: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        if let Some((mut line, _, _taken)) = self.0.take() {
            match &answer {
                Err(error) if classify(error) == Failure::InDoubt => drop(Object::take(line)),
                _ => line.heard = Instant::now(),
            }
        }
        answer
    }
}

/// Whoever used it has given up. Its place is not free before the database has done with what it was asked, or does not say so.
impl Drop for Lane {
    fn drop(&mut self) {
        let Some((mut line, silence, taken)) = self.0.take() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return drop(Object::take(line)) };
        runtime.spawn(async move {
            match silence.in_time(line.heard, line.connection.ping()).await {
                Ok(()) => line.heard = Instant::now(),
                Err(_) => drop(Object::take(line)),
            }
            drop(taken);
        });
    }
}
