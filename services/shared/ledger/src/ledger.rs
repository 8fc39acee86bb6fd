//! The handle that a service holds: commands in, committed states out.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use yiwang_standards::calendar::Calendar;
use yiwang_standards::sm;

use crate::actor::{self, Job, Registry};
use crate::aggregate::{Aggregate, Call, Committed, Context, Decision};
use crate::batch::Item;
use crate::engine::{self, Database, Db, OpenError, Schema, Sql};
use crate::feed::Pages;
use crate::gather::Gather;
use crate::hand::Hands;
use crate::holder::Holders;
use crate::meters::Meters;
use crate::refusal::{Kind, Refusal};
use crate::snapshot::{Kept, Records};
use crate::tail::Tail;
use crate::turned_away::{deadline_exceeded, shutting_down};
use crate::vault::{Secrets, Vault};
use crate::writer::{self, Bells, Writer};
use crate::{Hash, StreamId, Timestamp};

/// What the process lends the ledger: its two clocks, the calendar in force, and randomness.
pub trait Host: Send + Sync {
    /// Legal time, in whole microseconds.
    fn now(&self) -> Timestamp;
    /// The machine's time, for leases.
    fn machine_now(&self) -> Timestamp;
    /// The working-day calendar in force.
    fn calendar(&self) -> Arc<Calendar>;
    /// Fills with cryptographic randomness.
    fn fill(&self, bytes: &mut [u8]);
    /// Counts up when legal time was moved or the calendar changed: timers look at once.
    fn moved(&self) -> watch::Receiver<u64>;
}

/// How to open a ledger.
pub struct Options {
    /// The service whose ledger it is; names the SQLite file.
    pub service: &'static str,
    /// Where it is kept.
    pub database: Database,
    /// The deployment's keys.
    pub secrets: Secrets,
    /// The process.
    pub host: Arc<dyn Host>,
    /// Refuse settings under which an acknowledged command could be lost.
    pub production: bool,
    /// Ends relays and timers; the writer goes on until nobody can send to it.
    pub shutdown: CancellationToken,
}

/// A service's ledger. Cheap to clone.
#[derive(Clone)]
pub struct Ledger {
    pub(crate) core: Arc<Core>,
}

pub(crate) struct Core {
    pub service: &'static str,
    pub db: Arc<Db>,
    pub vault: Vault,
    pub records: Gather<Records>,
    pub holders: Holders,
    pub pages: Gather<Pages>,
    pub tail: Tail,
    pub hands: Hands,
    pub kept: Kept,
    pub host: Arc<dyn Host>,
    pub writer: mpsc::Sender<Item>,
    /// Counts up when this process or another one has written.
    pub wake: watch::Receiver<u64>,
    /// Counts up when this process has written.
    pub commits: watch::Receiver<u64>,
    waker: Arc<watch::Sender<u64>>,
    pub meters: Arc<Meters>,
    pub shutdown: CancellationToken,
    /// Actors, the writer, and whoever gathers reads.
    pub tasks: TaskTracker,
    /// Relays and timers: what goes on by itself until the shutdown token ends it.
    pub background: TaskTracker,
    pub live_bytes: AtomicUsize,
    registries: RwLock<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

/// Where the ledger stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Position of the last entry.
    pub position: u64,
    /// Counts up when the ledger was restored or failed over, so that old cursors are noticed.
    pub epoch: u64,
}

impl Ledger {
    /// Opens the store, brings its schema up to date and starts the writer.
    ///
    /// # Errors
    /// [`OpenError`], each with its stable name in capitals.
    pub async fn open(options: Options) -> Result<Self, OpenError> {
        Self::open_with(options, Schema::Migrated).await
    }

    /// Opens a store that is there, and makes and changes nothing in it: to look at.
    ///
    /// # Errors
    /// As [`Ledger::open`], and `NOT_MIGRATED` where the schema is not there or is another version's.
    pub async fn open_as_it_is(options: Options) -> Result<Self, OpenError> {
        Self::open_with(options, Schema::AsItIs).await
    }

    async fn open_with(options: Options, how: Schema) -> Result<Self, OpenError> {
        let db = Arc::new(Db::open(&options.database, options.service, options.production, how).await?);
        let tasks = TaskTracker::new();
        let vault = Vault::new(db.clone(), options.host.clone(), &options.secrets, &tasks);
        vault.check(how).await?;
        if how == Schema::Migrated {
            vault.rewrap().await?;
        }
        let (sender, queue) = mpsc::channel(writer::QUEUE);
        let (waker, wake) = watch::channel(0);
        let (commits_sender, commits) = watch::channel(0);
        let (waker, meters) = (Arc::new(waker), Arc::new(Meters::of(options.service)));
        let bells = Bells { readers: waker.clone(), commits: commits_sender };
        let shutdown = options.shutdown.clone();
        tasks.spawn(Writer::new(db.clone(), queue, bells, meters.clone(), shutdown, tasks.clone()).run());
        let core = Core {
            service: options.service,
            vault,
            records: Gather::new(&db, &tasks),
            holders: Holders::new(Gather::new(&db, &tasks)),
            pages: Gather::new(&db, &tasks),
            tail: Tail::default(),
            hands: Hands::default(),
            kept: Kept::new(),
            db,
            host: options.host,
            writer: sender,
            wake,
            commits,
            waker,
            meters,
            shutdown: options.shutdown,
            tasks,
            background: TaskTracker::new(),
            live_bytes: AtomicUsize::new(0),
            registries: RwLock::default(),
        };
        Ok(Ledger { core: Arc::new(core) })
    }

    /// The process's clocks.
    pub fn host(&self) -> &Arc<dyn Host> {
        &self.core.host
    }

    /// The keys of personal data.
    pub fn vault(&self) -> &Vault {
        &self.core.vault
    }

    /// The service whose ledger this is.
    pub fn service(&self) -> &'static str {
        self.core.service
    }

    /// Runs a command on a stream: one effect per (principal, request id), decided on the latest state, durable before
    /// it is answered. `rule` may run several times; it holds the authorisation as well.
    ///
    /// # Errors
    /// What the rule refuses, and: `REQUEST_ID_MALFORMED`, `REQUEST_ID_REUSED`, `STALE_VERSION`, `CONTENDED`, `QUEUE_FULL`,
    /// `DEADLINE_EXCEEDED` (outcome unknown), `ENTRY_TOO_LARGE`, `STATE_TOO_LARGE`, `STORE_UNAVAILABLE`, `STORE_FULL`,
    /// `STREAM_UNREADABLE`, `INTERNAL`, and the scope of a unique key that is taken.
    pub async fn execute<A: Aggregate>(
        &self,
        stream: StreamId,
        call: Call,
        rule: impl Fn(&A, &Context) -> Decision<A::Event> + Send + Sync + 'static,
    ) -> Result<Committed<A>, Refusal> {
        self.submit(stream, call, Arc::new(rule), false).await
    }

    /// The same on a stream that is most likely new: nobody looks for it first. Where it is there after all, that shows at the
    /// commit, and the command is decided again on what stands there. A replay answers with the stream of the first time.
    ///
    /// # Errors
    /// As [`Ledger::execute`].
    pub async fn create<A: Aggregate>(
        &self,
        stream: StreamId,
        call: Call,
        rule: impl Fn(&A, &Context) -> Decision<A::Event> + Send + Sync + 'static,
    ) -> Result<Committed<A>, Refusal> {
        self.submit(stream, call, Arc::new(rule), true).await
    }

    async fn submit<A: Aggregate>(
        &self,
        stream: StreamId,
        call: Call,
        rule: crate::actor::Rule<A>,
        fresh: bool,
    ) -> Result<Committed<A>, Refusal> {
        check_request_id(&call.request_id)?;
        let deadline = call.deadline;
        let (reply, answer) = oneshot::channel();
        let job = Job { call, rule, reply, losses: 0 };
        let answer = async {
            if fresh {
                Box::pin(actor::begin(&self.core, stream, job)).await;
            } else {
                self.core.registry::<A>().send(&self.core, stream, job)?;
            }
            answer.await.unwrap_or_else(|_| Err(shutting_down()))
        };
        let answer = match deadline {
            Some(deadline) => {
                tokio::time::timeout_at(deadline, answer).await.unwrap_or_else(|_| Err(deadline_exceeded()))
            }
            None => answer.await,
        };
        self.core.meters.answered(A::KIND, &answer);
        answer
    }

    /// Counts up when this process has written: for whoever tells other replicas.
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.core.commits.clone()
    }

    /// Another replica has written: readers of the feed look at once.
    pub fn wake(&self) {
        self.core.waker.send_modify(|times| *times += 1);
    }

    /// Where the ledger stands.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`.
    pub async fn head(&self) -> Result<Head, Refusal> {
        self.core.head().await.map_err(store_refusal)
    }

    /// Waits until relays and timers have ended, after the shutdown token was cancelled: the relays' leases are released
    /// then, and another replica goes on at once.
    pub async fn stopped(&self) {
        self.core.background.close();
        self.core.background.wait().await;
    }

    /// Waits for the tasks of the ledger after its shutdown token was cancelled and its handles were dropped, at most for
    /// `limit`.
    pub async fn close(self, limit: std::time::Duration) {
        let (tasks, db) = (self.core.tasks.clone(), self.core.db.clone());
        let _ = tokio::time::timeout(limit, self.stopped()).await;
        drop(self);
        tasks.close();
        let _ = tokio::time::timeout(limit, tasks.wait()).await;
        db.close().await;
    }
}

impl Core {
    pub async fn head(&self) -> Result<Head, sqlx::Error> {
        const HEAD: Sql = Sql::both("SELECT position, epoch FROM head WHERE shard = 0");
        let (position, epoch): (i64, i64) = engine::read!(&*self.db, fetch_one, (i64, i64), HEAD)?;
        Ok(Head { position: position as u64, epoch: epoch as u64 })
    }

    /// The live actors of a kind.
    fn registry<A: Aggregate>(&self) -> Arc<Registry<A>> {
        let key = TypeId::of::<A>();
        let known = self.registries.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let any = known.unwrap_or_else(|| {
            let mut all = self.registries.write().unwrap_or_else(PoisonError::into_inner);
            all.entry(key).or_insert_with(|| Arc::new(Registry::<A>::new())).clone()
        });
        any.downcast().unwrap_or_else(|_| unreachable!("the registry is filed under its own type"))
    }
}

fn check_request_id(id: &str) -> Result<(), Refusal> {
    let fine = (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    if fine {
        return Ok(());
    }
    Err(Refusal::field(
        "request_id",
        "REQUEST_ID_MALFORMED",
        "请求号应为1至128个可见ASCII字符",
        "1 to 128 visible ASCII characters",
    ))
}

/// The store is away, or says something we do not understand. The cause is logged here and never sent.
pub(crate) fn store_refusal(error: sqlx::Error) -> Refusal {
    tracing::error!(%error, "store unavailable");
    Refusal::new(
        Kind::Unavailable,
        "STORE_UNAVAILABLE",
        "数据服务暂不可用，请稍后重试",
        "the store is away: try again later",
    )
    .with("retry_after_ms", "1000")
}

impl Call {
    /// A command of the system itself: a timer, a numbering, the answer to a relay. Its request id makes it one effect; a
    /// command that begins by itself (an empty trace) begins a trace of its own.
    pub fn system(request_id: impl Into<String>, trace: impl Into<String>) -> Self {
        let request_id = request_id.into();
        let digest = sm::sm3(request_id.as_bytes());
        let trace = Some(trace.into()).filter(|trace| !trace.is_empty());
        Call {
            principal: "system".to_owned(),
            actor: "system".to_owned(),
            request_id,
            fingerprint: Hash(digest),
            expected_version: None,
            deadline: None,
            trace: trace.unwrap_or_else(|| sm::to_hex(&digest[..16])),
            seed: digest,
        }
    }

    /// The same on behalf of somebody who acted elsewhere.
    #[must_use]
    pub fn with_actor(mut self, actor: impl Into<String>) -> Self {
        self.actor = actor.into();
        self
    }
}
