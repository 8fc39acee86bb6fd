//! The processes: each replica of each service has a runtime of its own, its own clock and its own ledger, and dies as a
//! process does, all its tasks at once. The database outlives it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use anyhow::{Context as _, bail};
use futures_util::future::join_all;
use http::{Request, Response};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::service::Routes;
use yiwang_kit::config::SERVICES;
use yiwang_kit::identity::ServiceTokens;
use yiwang_kit::ledger::{Ledger, Options, Secrets};
use yiwang_kit::{Config, Env, Front, Links, Process, Shape, keys};

use super::clock::Clocks;
use super::dice::Dice;
use super::tally::Tally;
use super::wire::{self, Names, Sender};

/// A replica of a service.
pub type Place = (&'static str, u64);

/// Longer than a relay's lease by whichever clock, in milliseconds.
const HANGS: i64 = 40_000;

/// All processes of an installation.
pub struct Grid {
    pub dice: Dice,
    pub clocks: Arc<Clocks>,
    pub tally: Tally,
    pub names: Names,
    /// Of each service.
    pub replicas: u64,
    /// What all processes are told.
    pub process: Process,
    pub config: Config,
    tokens: ServiceTokens,
    secrets: Secrets,
    outside: Handle,
    nodes: Mutex<BTreeMap<Place, Node>>,
    calm: AtomicBool,
    /// The readers of the feeds may end where they find nothing more.
    read: AtomicBool,
    /// Messages that are still on their way though their sender has given them up.
    pub held: AtomicU64,
    troubles: Mutex<Vec<String>>,
}

struct Node {
    runtime: Runtime,
    front: Front,
    ledger: Ledger,
    shutdown: CancellationToken,
}

impl Grid {
    /// Starts every replica of every service.
    pub async fn open(
        config: Config,
        dice: Dice,
        clocks: Arc<Clocks>,
        tally: Tally,
        replicas: u64,
    ) -> anyhow::Result<Arc<Self>> {
        let process = Process::open(config.clone(), Shape::Together, CancellationToken::new())?;
        let tokens = ServiceTokens::open(&config, process.development.as_ref())?;
        let secrets = keys::secrets(&config)?;
        let grid = Arc::new(Self {
            dice,
            clocks,
            tally,
            names: Names::default(),
            replicas,
            process,
            config,
            tokens,
            secrets,
            outside: Handle::current(),
            nodes: Mutex::default(),
            calm: AtomicBool::new(false),
            read: AtomicBool::new(false),
            held: AtomicU64::new(0),
            troubles: Mutex::default(),
        });
        for replica in 0..replicas {
            let started = join_all(SERVICES.map(|service| grid.start((service, replica)))).await;
            if let Some(error) = started.into_iter().find_map(Result::err) {
                grid.close().await;
                return Err(error);
            }
        }
        tokio::spawn(heart(Arc::downgrade(&grid)));
        Ok(grid)
    }

    /// Starts a replica on what it finds in its database.
    async fn start(self: &Arc<Self>, place: Place) -> anyhow::Result<()> {
        for _ in 0..100 {
            match self.start_once(place).await {
                // the thread that held the file of the process before is on its way out
                Err(error) if format!("{error:#}").contains("DATA_DIR_IN_USE") => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                other => return other,
            }
        }
        bail!("{place:?}: the process before holds the data folder")
    }

    async fn start_once(self: &Arc<Self>, place: Place) -> anyhow::Result<()> {
        let (service, _) = place;
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name(service).enable_all().build()?;
        let shutdown = CancellationToken::new();
        let mut process = self.process.clone();
        process.links = self.links(Sender::Node(place));
        process.shutdown = shutdown.clone();
        let seconds_wrong = i64::try_from(self.dice.below(7, &format!("clock of {place:?}")))? - 3;
        let options = Options {
            service,
            database: self.config.database(service),
            secrets: self.secrets.clone(),
            host: self.clocks.of_process(if self.replicas > 1 { seconds_wrong } else { 0 }),
            production: false,
            shutdown: shutdown.clone(),
        };
        let handle = runtime.handle().clone();
        // on a thread of its own: a service's start may be sent nowhere, and nobody kills it
        let started = tokio::task::spawn_blocking(move || handle.block_on(start(service, process, options)));
        match started.await.context("the process died as it started") {
            Ok(Ok((front, ledger))) => {
                self.nodes().insert(place, Node { runtime, front, ledger, shutdown });
                Ok(())
            }
            Ok(Err(error)) | Err(error) => {
                end(runtime).await;
                Err(error)
            }
        }
    }

    /// The way of a sender to every service.
    pub fn links(self: &Arc<Self>, from: Sender) -> Links {
        let links = Links::local(self.tokens.clone());
        for service in SERVICES {
            links.plug(service, wire::front(self, from, service));
        }
        links
    }

    fn nodes(&self) -> std::sync::MutexGuard<'_, BTreeMap<Place, Node>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a replica answer; `None` where it is away, or dies over it.
    pub async fn answer(&self, place: Place, request: Request<Body>) -> Option<Response<Body>> {
        let (handle, front) =
            self.nodes().get(&place).map(|node| (node.runtime.handle().clone(), node.front.clone()))?;
        handle.spawn(async move { front.answer(request).await }).await.ok()
    }

    /// Runs on a ledger of a service, in the process that has it open.
    pub async fn on_ledger<T, F>(&self, service: &str, work: impl FnOnce(Ledger) -> F) -> anyhow::Result<T>
    where
        T: Send + 'static,
        F: Future<Output = anyhow::Result<T>> + Send + 'static,
    {
        let found = self
            .nodes()
            .iter()
            .find(|((name, _), _)| *name == service)
            .map(|(_, node)| (node.runtime.handle().clone(), node.ledger.clone()));
        let (handle, ledger) = found.with_context(|| format!("{service} is away"))?;
        handle.spawn(work(ledger)).await.with_context(|| format!("{service} died"))?
    }

    /// Kills a replica, and starts it again a while later. Three of four die at once, the fourth is told to stop.
    pub fn kill(self: &Arc<Self>, place: Place, question: &str) -> bool {
        if self.is_calm() {
            return false;
        }
        let Some(node) = self.nodes().remove(&place) else { return false };
        let gently = self.dice.percent(25, &format!("{question} gently"));
        let hangs = self.dice.percent(40, &format!("{question} hangs"));
        let away = 200 + self.dice.below(4000, &format!("{question} away"));
        let grid = self.clone();
        self.outside.spawn(async move {
            if gently {
                grid.tally.count("process stopped in order");
                node.shutdown.cancel();
                let _ = tokio::time::timeout(Duration::from_secs(2), node.ledger.stopped()).await;
            } else {
                grid.tally.count("process killed");
            }
            let Node { runtime, front, ledger, .. } = node;
            drop((front, ledger));
            end(runtime).await;
            if hangs {
                // whoever holds a lease and did not renew it has lost it, and does not know
                grid.tally.count("machine time jumped");
                grid.clocks.tick(HANGS);
            }
            grid.clocks.pass(away).await;
            match grid.start(place).await {
                Ok(()) => grid.tally.count("process started again"),
                Err(error) => grid.trouble(format!("{place:?} does not start again: {error:#}")),
            }
        });
        true
    }

    /// Nothing goes wrong any more.
    pub fn calm_down(&self) {
        self.calm.store(true, SeqCst);
        self.clocks.tick(HANGS);
    }

    /// Whether nothing goes wrong any more.
    pub fn is_calm(&self) -> bool {
        self.calm.load(SeqCst)
    }

    /// Whether every replica is up and no message is under way.
    pub fn is_whole(&self) -> bool {
        self.nodes().len() as u64 == SERVICES.len() as u64 * self.replicas && self.held.load(SeqCst) == 0
    }

    /// Readers of the feeds end when they have read all.
    pub fn let_readers_go(&self) {
        self.read.store(true, SeqCst);
    }

    /// Whether a reader who finds nothing more may end.
    pub fn is_read(&self) -> bool {
        self.read.load(SeqCst)
    }

    /// Something that must not be.
    pub fn trouble(&self, what: String) {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    /// What must not have been.
    pub fn troubles(&self) -> Vec<String> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs in no process: what is on its way outlives who sent it.
    pub fn outside(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.outside.spawn(work);
    }

    /// All processes end, and one replica of each service starts: what it knows it has read.
    pub async fn open_afresh(self: &Arc<Self>) -> anyhow::Result<()> {
        self.close().await;
        join_all(SERVICES.map(|service| self.start((service, 0)))).await.into_iter().collect()
    }

    /// Ends all processes.
    pub async fn close(&self) {
        self.calm.store(true, SeqCst);
        let nodes = std::mem::take(&mut *self.nodes());
        for (_, Node { runtime, front, ledger, .. }) in nodes {
            drop((front, ledger));
            end(runtime).await;
        }
    }
}

/// All tasks of a process end where they stand.
async fn end(runtime: Runtime) {
    let _ = tokio::task::spawn_blocking(move || runtime.shutdown_timeout(Duration::from_secs(10))).await;
}

async fn start(service: &'static str, process: Process, options: Options) -> anyhow::Result<(Front, Ledger)> {
    let ledger = Ledger::open(options).await?;
    let env = Env {
        ledger: ledger.clone(),
        gate: process.gate.clone(),
        links: process.links.clone(),
        config: process.config.clone(),
        data_dir: process.config.data_dir.join(service),
        legal: process.legal.clone(),
        keyring: process.identity.keyring().clone(),
        shutdown: process.shutdown.clone(),
    };
    let routes = constructor(service, env).await?;
    Ok((process.front(service, ledger.clone(), routes), ledger))
}

async fn constructor(service: &str, env: Env) -> anyhow::Result<Routes> {
    match service {
        yiwang_intake::NAME => yiwang_intake::start(env).await,
        yiwang_approval::NAME => yiwang_approval::start(env).await,
        yiwang_license::NAME => yiwang_license::start(env).await,
        yiwang_evaluation::NAME => yiwang_evaluation::start(env).await,
        yiwang_trading::NAME => yiwang_trading::start(env).await,
        other => bail!("no service is called {other}"),
    }
}

/// The machine's time runs, and relays look at once what it makes due.
async fn heart(grid: Weak<Grid>) {
    let mut beat = tokio::time::interval(Duration::from_millis(5));
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    for count in 0_u64.. {
        beat.tick().await;
        let Some(grid) = grid.upgrade() else { return };
        // at the end as fast as the wall's: a lease then outlasts the five seconds after which a relay says how far it has read
        let calm = grid.is_calm() && grid.is_whole();
        grid.clocks.tick(if calm { 5 } else { 100 });
        if count % 30 == 0 {
            grid.nodes().values().for_each(|node| node.ledger.wake());
        }
    }
}
