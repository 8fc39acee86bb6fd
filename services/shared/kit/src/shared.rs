//! What replicas share and may lose: cached answers, counts, nonces, wake-ups. In Redis where one is configured, in the process
//! otherwise. Truth is never here.
//!
//! Invariant: Redis stopped, slow, wiped or full makes reads slower and lets nobody in. A cache that does not answer is a miss; a
//! count goes on in the process; a nonce that cannot be written down was not seen to be fresh.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use moka::sync::Cache;
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::sentinel::{SentinelClient, SentinelServerType};
use redis::{Cmd, FromRedisValue, Value};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use yiwang_ledger::Ledger;

use crate::config::{RedisConfig, RedisMode};
use crate::metrics::CacheUse;

/// What takes longer counts as away.
const PATIENCE: Duration = Duration::from_millis(50);
/// Connecting may take a little longer.
const CONNECT: Duration = Duration::from_millis(500);
/// After a failure nothing is asked for so long.
const REST: Duration = Duration::from_secs(1);
/// How long a wake-up is waited for before the connection is asked anew.
const LISTEN: Duration = Duration::from_secs(2);
/// Largest answer that is cached.
pub const LARGEST: usize = 256 << 10;

/// See the module's page. Cheap to clone.
#[derive(Clone)]
pub struct Shared {
    remote: Option<Arc<Remote>>,
    /// Cached answers, for a moment; in front of Redis.
    answers: Cache<String, Bytes>,
    /// Counts and nonces of this process, where there is no Redis.
    counts: Cache<String, Arc<AtomicU64>>,
    uses: CacheUse,
    began: Instant,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.remote.is_some() { "Shared(redis)" } else { "Shared(process)" })
    }
}

/// Redis does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Away;

impl Shared {
    /// In the process alone, or in the configured Redis.
    ///
    /// # Errors
    /// Where an address is none.
    pub fn open(config: &RedisConfig) -> anyhow::Result<Self> {
        let answers = Cache::builder()
            .max_capacity(64 << 20)
            .weigher(|key: &String, value: &Bytes| u32::try_from(key.len() + value.len()).unwrap_or(u32::MAX))
            .time_to_live(Duration::from_millis(config.cache_ms))
            .build();
        let counts = Cache::builder().max_capacity(1_000_000).time_to_live(Duration::from_secs(600)).build();
        let remote = Remote::open(config)?.map(Arc::new);
        Ok(Self { remote, answers, counts, uses: CacheUse::default(), began: Instant::now() })
    }

    /// A cached answer, as some replica gave it a moment ago.
    pub async fn cached(&self, service: &'static str, key: &str) -> Option<Bytes> {
        let mut found = self.answers.get(key);
        if let (None, Some(remote)) = (&found, &self.remote) {
            let stored = remote.query::<Option<Vec<u8>>>(redis::cmd("GET").arg(name("answer", key))).await;
            found = stored.ok().flatten().map(Bytes::from);
            if let Some(answer) = &found {
                self.answers.insert(key.to_owned(), answer.clone());
            }
        }
        self.uses.count(service, "answers", found.is_some());
        found
    }

    /// Keeps an answer for a moment: what it shows may be as old as `redis.cache_ms` in a replica, twice that through Redis.
    pub async fn keep(&self, key: &str, answer: Bytes) {
        if answer.len() > LARGEST {
            return;
        }
        if let Some(remote) = &self.remote {
            let life = u64::try_from(self.answers.policy().time_to_live().unwrap_or_default().as_millis()).unwrap_or(1);
            let _ = remote
                .query::<Value>(redis::cmd("SET").arg(name("answer", key)).arg(&*answer).arg("PX").arg(life.max(1)))
                .await;
        }
        self.answers.insert(key.to_owned(), answer);
    }

    /// Counts one more under a key, which is forgotten after `window`; how many there are now, over all replicas. While Redis
    /// is away, over this one.
    pub async fn count(&self, key: &str, window: Duration) -> u64 {
        if let Some(remote) = &self.remote {
            let name = name("count", key);
            if let Ok(count) = remote.query::<u64>(redis::cmd("INCR").arg(&name)).await {
                // each time, where it has no end yet: had the first one been lost, the caller would be refused for ever
                let life = window.as_secs().max(1);
                let _ = remote.query::<Value>(redis::cmd("EXPIRE").arg(&name).arg(life).arg("NX")).await;
                return count;
            }
        }
        let which = self.began.elapsed().as_secs() / window.as_secs().max(1);
        self.counts.get_with_by_ref(&format!("{which}:{key}"), Arc::default).fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Whether this nonce is seen for the first time within `life`, at most ten minutes.
    ///
    /// # Errors
    /// [`Away`] where Redis is configured and does not answer: then nobody gets in.
    pub async fn first_time(&self, nonce: &str, life: Duration) -> Result<bool, Away> {
        let Some(remote) = &self.remote else {
            let seen = self.counts.get_with_by_ref(&format!("nonce:{nonce}"), Arc::default);
            return Ok(seen.fetch_add(1, Ordering::AcqRel) == 0);
        };
        let life = life.as_secs().max(1);
        let set = redis::cmd("SET").arg(name("nonce", nonce)).arg(1).arg("NX").arg("EX").arg(life).to_owned();
        remote.query::<Option<String>>(&set).await.map(|set| set.is_some())
    }

    /// Has readers of a ledger's feed in other replicas look at once, and those here when others have written. Without it
    /// they look every quarter of a second.
    pub fn wake(&self, ledger: &Ledger, shutdown: &CancellationToken) {
        let Some(remote) = self.remote.clone() else { return };
        let key = name("wake", ledger.service());
        tokio::spawn(shutdown.clone().run_until_cancelled_owned(tell(remote.clone(), ledger.clone(), key.clone())));
        tokio::spawn(shutdown.clone().run_until_cancelled_owned(listen(remote, ledger.clone(), key)));
    }
}

/// Keys of this suite, so that a Redis may be shared.
fn name(kind: &str, key: &str) -> String {
    format!("yiwang:{kind}:{key}")
}

async fn tell(remote: Arc<Remote>, ledger: Ledger, key: String) {
    let mut commits = ledger.commits();
    while commits.changed().await.is_ok() {
        let add = redis::cmd("XADD").arg(&key).arg("MAXLEN").arg(1).arg("*").arg("w").arg(1).to_owned();
        let _ = remote.query::<Value>(&add).await;
    }
}

/// On a connection of its own, which waits.
async fn listen(remote: Arc<Remote>, ledger: Ledger, key: String) {
    loop {
        if let Ok(mut connection) = remote.connect().await {
            loop {
                let read = redis::cmd("XREAD")
                    .arg("BLOCK")
                    .arg(u64::try_from(LISTEN.as_millis()).unwrap_or(1_000))
                    .arg("STREAMS")
                    .arg(&key)
                    .arg("$")
                    .to_owned();
                match tokio::time::timeout(LISTEN * 2, connection.send(&read)).await {
                    // nothing came in time
                    Ok(Ok(Value::Nil)) => {}
                    Ok(Ok(_)) => ledger.wake(),
                    Ok(Err(_)) | Err(_) => break,
                }
            }
        }
        tokio::time::sleep(REST).await;
    }
}

/// The configured Redis, in whichever shape, and the one connection to it.
struct Remote {
    client: Client,
    connection: Mutex<Option<Connection>>,
    began: Instant,
    /// Milliseconds since the start until which nothing is asked.
    rests_until: AtomicU64,
}

enum Client {
    Single(Box<redis::Client>),
    Sentinel(Box<Mutex<SentinelClient>>),
    Cluster(Box<ClusterClient>),
}

#[derive(Clone)]
enum Connection {
    Plain(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Connection {
    async fn send(&mut self, command: &Cmd) -> redis::RedisResult<Value> {
        match self {
            Connection::Plain(connection) => connection.req_packed_command(command).await,
            Connection::Cluster(connection) => connection.req_packed_command(command).await,
        }
    }
}

impl Remote {
    fn open(config: &RedisConfig) -> anyhow::Result<Option<Self>> {
        let urls: Vec<&str> = config.urls.expose().collect();
        let Some(first) = urls.first().copied() else { return Ok(None) };
        let client = match config.mode {
            RedisMode::Single => Client::Single(Box::new(redis::Client::open(first)?)),
            RedisMode::Cluster => {
                Client::Cluster(Box::new(ClusterClient::builder(urls).response_timeout(LISTEN * 2).build()?))
            }
            RedisMode::Sentinel => {
                let master = config.sentinel_master.clone();
                let client = SentinelClient::build(urls, master, None, SentinelServerType::Master)?;
                Client::Sentinel(Box::new(Mutex::new(client)))
            }
        };
        let rests_until = AtomicU64::new(0);
        Ok(Some(Self { client, connection: Mutex::new(None), began: Instant::now(), rests_until }))
    }

    /// A connection; no longer tried than [`CONNECT`].
    async fn connect(&self) -> Result<Connection, Away> {
        let connecting = async {
            Ok(match &self.client {
                Client::Single(client) => Connection::Plain(client.get_multiplexed_async_connection().await?),
                Client::Sentinel(client) => Connection::Plain(client.lock().await.get_async_connection().await?),
                Client::Cluster(client) => Connection::Cluster(client.get_async_connection().await?),
            })
        };
        match tokio::time::timeout(CONNECT, connecting).await {
            Ok(Ok(mut connection)) => {
                // the library gives up after half a second: whoever asks here says how long, and whoever listens waits longer
                if let Connection::Plain(plain) = &mut connection {
                    plain.set_response_timeout(LISTEN * 2);
                }
                Ok(connection)
            }
            Ok(Err::<_, redis::RedisError>(error)) => {
                tracing::debug!(cause = %error, "redis not reached");
                Err(Away)
            }
            Err(_) => Err(Away),
        }
    }

    /// Asks, on the one connection; after a failure it is given up, and nothing is asked for a moment.
    async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Away> {
        if self.rests_until.load(Ordering::Relaxed) > self.now() {
            return Err(Away);
        }
        let answer = match self.connected().await {
            Ok(mut connection) => match tokio::time::timeout(PATIENCE, connection.send(command)).await {
                Ok(Ok(value)) => T::from_redis_value(value).map_err(|_| Away),
                // it answers, and says no: full, or read-only
                Ok(Err(error)) if error.code().is_some() && !error.is_io_error() => {
                    tracing::debug!(cause = %error, "redis refused");
                    return Err(Away);
                }
                Ok(Err(_)) | Err(_) => Err(Away),
            },
            Err(Away) => Err(Away),
        };
        if answer.is_err() {
            self.rests_until.store(self.now() + u64::try_from(REST.as_millis()).unwrap_or_default(), Ordering::Relaxed);
            *self.connection.lock().await = None;
            tracing::warn!("redis is away: answers come from the services alone");
        }
        answer
    }

    async fn connected(&self) -> Result<Connection, Away> {
        let mut held = self.connection.lock().await;
        if let Some(connection) = &*held {
            return Ok(connection.clone());
        }
        let fresh = self.connect().await?;
        *held = Some(fresh.clone());
        Ok(fresh)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
