//! PostgreSQL's connections for lists and small writes.
//!
//! Invariant: a connection is used again only where whoever had it came to an end with it in peace. One whose use failed, came
//! too late or was given up is closed: nobody asks it, before and after each use, whether it still lives.

use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{Manager, Metrics, Object, Pool, PoolConfig, PoolError, RecycleError, RecycleResult, Timeouts};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};

use super::in_time;

/// Connections of a replica for lists and small writes; beside them stand the writer's and the five of gathered reads.
const LANES: usize = 4;

/// Whoever finds none free hears so before the usual deadline, and not much sooner: on a busy machine it takes seconds to connect.
const WAIT: Duration = Duration::from_secs(6);

/// A connection that nobody used for so long is asked whether it still lives.
const QUIET: Duration = Duration::from_secs(1);

/// How connections are made.
pub(crate) struct Maker(PgConnectOptions);

impl Manager for Maker {
    type Type = PgConnection;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<PgConnection, sqlx::Error> {
        // on the heap: it is large, and whoever takes a connection that is there has no need of it
        Box::pin(self.0.connect()).await
    }

    async fn recycle(&self, connection: &mut PgConnection, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if metrics.last_used() > QUIET {
            Box::pin(in_time(connection.ping())).await.map_err(RecycleError::Backend)?;
        }
        Ok(())
    }
}

/// All of them.
pub(crate) struct Lanes {
    options: PgConnectOptions,
    pool: Pool<Maker>,
}

impl Lanes {
    /// Nothing is connected before it is needed.
    pub fn new(options: PgConnectOptions) -> Result<Self, sqlx::Error> {
        let timeouts = Timeouts { wait: Some(WAIT), ..Timeouts::default() };
        let config = PoolConfig { max_size: LANES, timeouts, ..PoolConfig::default() };
        let pool = Pool::builder(Maker(options.clone())).config(config).runtime(Runtime::Tokio1).build();
        Ok(Self { options, pool: pool.map_err(|error| sqlx::Error::Configuration(error.into()))? })
    }

    /// One of them, for as long as the answer lives.
    pub async fn take(&self) -> Result<Lane, sqlx::Error> {
        match self.pool.get().await {
            Ok(connection) => Ok(Lane(Some(connection))),
            Err(PoolError::Backend(error)) => Err(error),
            Err(PoolError::Closed) => Err(sqlx::Error::PoolClosed),
            Err(_) => Err(sqlx::Error::PoolTimedOut),
        }
    }

    /// A connection that is none of them.
    pub async fn apart(&self) -> Result<PgConnection, sqlx::Error> {
        self.options.connect().await
    }

    /// How many are at work, and how many wait for work.
    pub fn used_and_idle(&self) -> (u64, u64) {
        let status = self.pool.status();
        let idle = status.available.min(status.size);
        ((status.size - idle) as u64, idle as u64)
    }

    pub fn close(&self) {
        self.pool.close();
    }
}

/// A connection while it is used. Dropped before [`Lane::settle`] it is closed.
pub(crate) struct Lane(Option<Object<Maker>>);

impl Lane {
    pub fn connection(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        self.0.as_deref_mut().ok_or(sqlx::Error::WorkerCrashed)
    }

    /// Gives the connection back where this is an answer of the database, be it a refusal.
    pub fn settle<T>(mut self, answer: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        if matches!(answer, Ok(_) | Err(sqlx::Error::RowNotFound | sqlx::Error::Database(_))) {
            drop(self.0.take());
        }
        answer
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(Object::take(connection));
        }
    }
}
