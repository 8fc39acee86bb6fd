//! One process of the suite: what its services share, and what each of them gets.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use yiwang_ledger::{Ledger, OpenError, Options, Secrets};
use yiwang_proto::ledger::v1::ledger_service_server::LedgerServiceServer;

use crate::admin::LedgerAdmin;
use crate::caller::Keyring;
use crate::clock::LegalClock;
use crate::config::Config;
use crate::gate::Gate;
use crate::identity::{DevelopmentIssuer, Identity, ServiceTokens};
use crate::link::Links;
use crate::server::install_crypto;
use crate::shared::Shared;
use crate::stack::{Front, Stack};
use crate::{entropy, erasure, keys, spans, tls};

/// How long relays and timers are waited for at the end.
const STOP: Duration = Duration::from_secs(5);

/// How the services of an installation are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// All in this process.
    Together,
    /// Each in a process of its own, reached at its address.
    Apart,
}

/// What all services of a process share. Cheap to clone.
#[derive(Clone)]
pub struct Process {
    /// The configuration in force.
    pub config: Arc<Config>,
    /// Legal time and the calendar.
    pub legal: Arc<LegalClock>,
    /// The policies.
    pub gate: Gate,
    /// Who verifies tokens.
    pub identity: Identity,
    /// The demonstration accounts' issuer; `None` in production.
    pub development: Option<DevelopmentIssuer>,
    /// The way to the services.
    pub links: Links,
    /// What replicas share and may lose.
    pub shared: Shared,
    /// Cancelled when the process is told to stop.
    pub shutdown: CancellationToken,
    secrets: Arc<Secrets>,
    /// The ledgers that were opened.
    ledgers: Arc<Mutex<Vec<Ledger>>>,
}

/// What a service's constructor gets.
#[derive(Clone)]
pub struct Env {
    /// The service's own ledger.
    pub ledger: Ledger,
    /// The policies.
    pub gate: Gate,
    /// The way to the other services.
    pub links: Links,
    /// The configuration in force.
    pub config: Arc<Config>,
    /// Where the service may keep files of its own.
    pub data_dir: PathBuf,
    /// Legal time and the calendar.
    pub legal: Arc<LegalClock>,
    /// The installation's keyed hashes.
    pub keyring: Keyring,
    /// Cancelled when the process is told to stop.
    pub shutdown: CancellationToken,
}

impl Process {
    /// Opens what the services share. No ledger yet, nothing listens yet.
    pub fn open(config: Config, shape: Shape, shutdown: CancellationToken) -> anyhow::Result<Self> {
        install_crypto();
        std::fs::create_dir_all(&config.data_dir)
            .with_context(|| format!("无法创建数据目录 / cannot make the data folder {}", config.data_dir.display()))?;
        let secrets = keys::secrets(&config)?;
        let keyring = Keyring::new(&secrets.lookup_key);
        let development = config.development_issuer().then(|| DevelopmentIssuer::open(&config)).transpose()?;
        let identity = Identity::open(&config, keyring, development.as_ref())?;
        let tokens = ServiceTokens::open(&config, development.as_ref())?;
        let links = match shape {
            Shape::Together => Links::local(tokens),
            Shape::Apart => Links::remote(&config, tokens)?,
        };
        let legal = LegalClock::open(&config)?;
        let shared = Shared::open(&config.redis)?;
        Ok(Self {
            legal,
            gate: Gate::open()?,
            identity,
            development,
            links,
            shared,
            shutdown,
            secrets: Arc::new(secrets),
            ledgers: Arc::default(),
            config: Arc::new(config),
        })
    }

    /// Opens a service's ledger, its schema brought up to date.
    pub async fn ledger(&self, service: &'static str) -> anyhow::Result<Ledger> {
        self.opened(service, Ledger::open(self.options(service)).await)
    }

    /// Opens a service's ledger that is there, without a change to it: to look at.
    pub async fn ledger_as_it_is(&self, service: &'static str) -> anyhow::Result<Ledger> {
        self.opened(service, Ledger::open_as_it_is(self.options(service)).await)
    }

    fn options(&self, service: &'static str) -> Options {
        Options {
            service,
            database: self.config.database(service),
            secrets: self.secrets.as_ref().clone(),
            host: self.legal.clone(),
            production: self.config.is_production(),
            shutdown: self.shutdown.clone(),
        }
    }

    fn opened(&self, service: &str, opened: Result<Ledger, OpenError>) -> anyhow::Result<Ledger> {
        let ledger =
            opened.with_context(|| format!("账本 {service} 无法打开 / the ledger of {service} cannot be opened"))?;
        self.ledgers.lock().unwrap_or_else(PoisonError::into_inner).push(ledger.clone());
        Ok(ledger)
    }

    /// Stops what goes on by itself, and waits until the relays have let go of their leases: another replica goes on at once.
    pub async fn stop(&self) {
        self.shutdown.cancel();
        let ledgers = std::mem::take(&mut *self.ledgers.lock().unwrap_or_else(PoisonError::into_inner));
        let stopped = futures_util::future::join_all(ledgers.iter().map(Ledger::stopped));
        if tokio::time::timeout(STOP, stopped).await.is_err() {
            tracing::warn!("relays did not end in time: their leases run out by themselves");
        }
        let _ = tokio::task::spawn_blocking(spans::flush).await;
    }

    /// What a service's constructor gets.
    pub async fn env(&self, service: &'static str) -> anyhow::Result<Env> {
        Ok(Env {
            ledger: self.ledger(service).await?,
            gate: self.gate.clone(),
            links: self.links.clone(),
            config: self.config.clone(),
            data_dir: self.config.data_dir.join(service),
            legal: self.legal.clone(),
            keyring: self.identity.keyring().clone(),
            shutdown: self.shutdown.clone(),
        })
    }

    /// Puts the stack before a service's routes and its ledger's, and has erasures passed on.
    pub fn front(&self, service: &'static str, ledger: Ledger, routes: Routes) -> Front {
        erasure::spawn(&ledger, &self.links);
        self.shared.wake(&ledger, &self.shutdown);
        let admin = LedgerServiceServer::new(LedgerAdmin::new(ledger, self.gate.clone()));
        Stack::new(service, self.identity.clone(), &self.config.limits).before(routes.add_service(admin).prepare())
    }

    /// The ledgers that are open.
    pub fn ledgers(&self) -> Vec<Ledger> {
        self.ledgers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// TLS for the process's listeners; `None` where no certificate is configured.
    ///
    /// # Errors
    /// Where its files cannot be used.
    pub fn tls(&self) -> anyhow::Result<Option<Arc<rustls::ServerConfig>>> {
        let security = &self.config.security;
        let (Some(certificate), Some(key)) = (&security.tls_cert_file, &security.tls_key_file) else { return Ok(None) };
        tls::listener(certificate, key, self.shutdown.clone()).map(Some)
    }

    /// How long the process answers on after it has said that it stops.
    pub fn leave(&self) -> Duration {
        Duration::from_millis(self.config.limits.leave_ms)
    }

    /// How long calls at work are waited for at the end.
    pub fn drain(&self) -> Duration {
        Duration::from_millis(self.config.limits.drain_ms)
    }

    /// A new request id (for commands of the process itself).
    pub fn request_id(&self) -> String {
        entropy::new_request_id()
    }
}
