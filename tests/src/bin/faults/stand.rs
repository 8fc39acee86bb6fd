//! What a fault happens to: an installation whose every wire is a proxy, under a load whose acknowledgements are kept.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use yiwang_tests::cluster::Cluster;
use yiwang_tests::doors::Doors;
use yiwang_tests::fleet::{Fleet, Place};
use yiwang_tests::load::acks::Files;
use yiwang_tests::load::verify::{self, Tally};
use yiwang_tests::load::{Amount, Load, People};
use yiwang_tests::proxy::Proxy;
use yiwang_tests::town::SERVICES;

/// The installation.
pub struct Stand {
    pub cluster: Cluster,
    pub fleet: Fleet,
    /// Between the services and PostgreSQL.
    pub store: Proxy,
    /// Between whoever calls and each service.
    pub ways: BTreeMap<&'static str, Proxy>,
}

impl Stand {
    /// One replica of everything, on a cluster.
    pub async fn on(cluster: Cluster) -> anyhow::Result<Self> {
        let store = Proxy::to(cluster.address()).await?;
        let mut fleet = Fleet::plan(&cluster.url_at(store.address()), 1)?;
        let mut ways = BTreeMap::new();
        for service in SERVICES {
            let way = Proxy::to(fleet.address(Place(service, 0))?).await?;
            fleet.reach(service, &[way.address()]);
            ways.insert(service, way);
        }
        fleet.start().await?;
        Ok(Self { cluster, fleet, store, ways })
    }

    /// The same on a cluster of its own.
    pub async fn new() -> anyhow::Result<Self> {
        Self::on(Cluster::start(&[]).await?).await
    }

    /// The wire to a service.
    pub fn way(&self, service: &str) -> anyhow::Result<&Proxy> {
        self.ways.get(service).with_context(|| format!("no service {service}"))
    }

    /// Begins a load and waits until it flows.
    pub async fn load(&self, amount: Amount) -> anyhow::Result<Under> {
        under(&self.fleet, amount).await
    }
}

/// Begins a load on an installation and waits until it flows.
pub async fn under(fleet: &Fleet, amount: Amount) -> anyhow::Result<Under> {
    let folder = TempDir::new()?;
    let (files, doors) = (Arc::new(Files::in_folder(folder.path())?), Doors::unasked(fleet.gateways()?));
    let people =
        People { citizen: doors.with_token(&fleet.token("citizen")?), clerk: doors.with_token(&fleet.token("clerk")?) };
    let mut under = Under { load: Some(Load::begin(&people, &files, amount)), doors, files, _folder: folder };
    under.flows().await?;
    Ok(under)
}

/// A load at work.
pub struct Under {
    load: Option<Load>,
    doors: Doors,
    files: Arc<Files>,
    _folder: TempDir,
}

impl Under {
    /// Waits until calls are answered well again; how long that took.
    pub async fn flows(&mut self) -> anyhow::Result<Duration> {
        let (began, before) = (Instant::now(), self.doors.counts().good());
        while self.doors.counts().good() < before + 40 {
            if self.load.as_mut().is_some_and(Load::has_failed) {
                self.stop().await?;
            }
            ensure!(
                began.elapsed() < Duration::from_secs(120),
                "no calls for two minutes: {:?}",
                self.doors.counts().failed()
            );
            sleep(Duration::from_millis(10)).await;
        }
        Ok(began.elapsed())
    }

    async fn stop(&mut self) -> anyhow::Result<()> {
        match self.load.take() {
            Some(load) => load.end().await,
            None => Ok(()),
        }
    }

    /// The same, with no more calls to come.
    pub async fn ended(mut self) -> anyhow::Result<Self> {
        self.stop().await?;
        Ok(self)
    }

    /// Calls answered well so far.
    pub fn good(&self) -> u64 {
        self.doors.counts().good()
    }

    /// Ends the load and reads everything back.
    pub async fn settle(self, fleet: &Fleet) -> anyhow::Result<Seen> {
        let seen = self.count(fleet, Duration::from_secs(120)).await?;
        fleet.verify()?;
        ensure!(seen.drafts.is_whole(), "drafts: {}", seen.drafts);
        ensure!(seen.cases.lost == 0 && seen.cases.doubled == 0, "cases: {}", seen.cases);
        Ok(seen)
    }

    /// The same, whatever is found; so long is given to relays.
    pub async fn count(mut self, fleet: &Fleet, patience: Duration) -> anyhow::Result<Seen> {
        self.stop().await?;
        let (counts, files) = (self.doors.counts(), &self.files);
        Ok(Seen {
            drafts: verify::drafts(&fleet.sign_in("citizen")?, files).await?,
            cases: verify::cases(&fleet.sign_in("supervisor")?, files, patience).await?,
            failed: counts.failed(),
            slowest: counts.slowest(),
        })
    }
}

/// What came out.
pub struct Seen {
    pub drafts: Tally,
    pub cases: Tally,
    pub failed: BTreeMap<String, u64>,
    pub slowest: Duration,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { acknowledged, lost, doubled, .. } = self.drafts;
        let cases = self.cases;
        write!(f, "{acknowledged} drafts and {} cases: ", cases.acknowledged)?;
        write!(f, "{} lost, {} doubled; callers saw ", lost + cases.lost, doubled + cases.doubled)?;
        let failed: Vec<String> = self.failed.iter().map(|(seen, times)| format!("{times} x {seen}")).collect();
        write!(f, "{}", if failed.is_empty() { "no error".to_owned() } else { failed.join(", ") })?;
        write!(f, ", the slowest answer {:.1?}", self.slowest)
    }
}

/// Waits until it is so.
pub async fn until(
    what: &str,
    limit: Duration,
    is_so: impl AsyncFn() -> anyhow::Result<bool>,
) -> anyhow::Result<Duration> {
    let began = Instant::now();
    while !is_so().await? {
        ensure!(began.elapsed() < limit, "not within {limit:?}: {what}");
        sleep(Duration::from_millis(20)).await;
    }
    Ok(began.elapsed())
}
