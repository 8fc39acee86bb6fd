//! An installation as a cluster has it: several replicas of each service and of the gateway, a process each, on PostgreSQL.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout};
use tonic::transport::Endpoint;
pub use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use crate::api::Api;
use crate::process::{Child, begin_on_the_first_day, binary, free_address};
use crate::town::SERVICES;

/// The service that keeps no ledger.
pub const GATEWAY: &str = "gateway";

/// One replica of a service: `intake/0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(pub &'static str, pub usize);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.0, self.1)
    }
}

/// See the module's page. Its processes end with it.
pub struct Fleet {
    binary: PathBuf,
    places: BTreeMap<Place, SocketAddr>,
    settings: BTreeMap<String, String>,
    own: BTreeMap<Place, Vec<(String, String)>>,
    processes: BTreeMap<Place, Child>,
    data: TempDir,
}

impl Fleet {
    /// So many replicas of each service and of the gateway on this PostgreSQL, each at an address of its own. Nothing is started
    /// yet: settings may follow.
    ///
    /// # Errors
    /// Where no port is free.
    pub fn plan(url: &str, replicas: usize) -> anyhow::Result<Self> {
        static FLEETS: AtomicU32 = AtomicU32::new(0);
        let name = format!("fleet_{}_{}", std::process::id(), FLEETS.fetch_add(1, Ordering::SeqCst));
        let mut fleet = Self {
            binary: binary()?,
            places: BTreeMap::new(),
            settings: BTreeMap::new(),
            own: BTreeMap::new(),
            processes: BTreeMap::new(),
            data: TempDir::new()?,
        };
        begin_on_the_first_day(&fleet.data.path().join("data"))?;
        fleet.set("DATA_DIR", fleet.data.path().join("data").display());
        fleet.set("DATABASE_URL", url);
        for service in SERVICES.into_iter().chain([GATEWAY]) {
            for number in 0..replicas {
                let (place, address) = (Place(service, number), free_address()?);
                let key = if service == GATEWAY { "LISTEN".to_owned() } else { format!("{service}__LISTEN") };
                fleet.set_of(place, &key, address);
                fleet.places.insert(place, address);
            }
            if service != GATEWAY {
                fleet.set(&format!("{service}__SCHEMA"), format!("{name}_{service}"));
                let addresses: Vec<_> = (0..replicas).map(|number| fleet.address(Place(service, number))).collect();
                fleet.reach(service, &addresses.into_iter().collect::<Result<Vec<_>, _>>()?);
            }
        }
        Ok(fleet)
    }

    /// A setting of every process: `LIMITS__LEAVE_MS`.
    pub fn set(&mut self, key: &str, value: impl fmt::Display) {
        self.settings.insert(format!("YIWANG__{}", key.to_uppercase()), value.to_string());
    }

    /// A setting, or any other variable of the environment, of one process.
    pub fn set_of(&mut self, place: Place, key: &str, value: impl fmt::Display) {
        let key = if key == "LD_PRELOAD" || key.starts_with("CLOCK_") {
            key.to_owned()
        } else {
            format!("YIWANG__{}", key.to_uppercase())
        };
        self.own.entry(place).or_default().push((key, value.to_string()));
    }

    /// Where the others reach a service: its replicas, or what stands in front of them.
    pub fn reach(&mut self, service: &str, addresses: &[SocketAddr]) {
        let list: Vec<String> = addresses.iter().map(|address| format!("http://{address}")).collect();
        self.set(&format!("{service}__ADDRESS"), list.join(","));
    }

    /// From now on processes are started from this binary.
    pub fn use_binary(&mut self, binary: PathBuf) {
        self.binary = binary;
    }

    /// Every replica there is.
    pub fn places(&self) -> Vec<Place> {
        self.places.keys().copied().collect()
    }

    /// Where a replica listens.
    ///
    /// # Errors
    /// Where there is no such replica.
    pub fn address(&self, place: Place) -> anyhow::Result<SocketAddr> {
        self.places.get(&place).copied().with_context(|| format!("no replica {place}"))
    }

    /// The schema of a service.
    pub fn schema(&self, service: &str) -> &str {
        self.settings.get(&format!("YIWANG__{}__SCHEMA", service.to_uppercase())).map_or("", String::as_str)
    }

    /// Starts all of it.
    ///
    /// # Errors
    /// Where a replica does not come to serve within three minutes.
    pub async fn start(&mut self) -> anyhow::Result<()> {
        // makes the keys, which all of them share
        self.token("citizen")?;
        for place in self.places() {
            self.begin(place)?;
        }
        for place in self.places() {
            self.serving(place).await?;
        }
        Ok(())
    }

    /// Starts one process.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn begin(&mut self, place: Place) -> anyhow::Result<()> {
        let log = File::options().create(true).append(true).open(self.log_file(place))?;
        let mut command = self.command();
        command.args(["serve", place.0]).stdout(log.try_clone()?).stderr(log);
        command.envs(self.own.get(&place).into_iter().flatten().cloned());
        self.processes.insert(place, Child::spawn(command)?);
        Ok(())
    }

    /// Waits until a replica says that it serves.
    ///
    /// # Errors
    /// Where it ends by itself, or does not within three minutes; what it logged last is in the error.
    pub async fn serving(&mut self, place: Place) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(180);
        while self.health(place).await? != Some(ServingStatus::Serving) {
            let child = self.processes.get_mut(&place).with_context(|| format!("no process {place}"))?;
            let ended = child.ended()?;
            if ended.is_some() || Instant::now() > deadline {
                let log = self.log(place)?;
                let tail: Vec<&str> = log.lines().rev().take(12).collect();
                bail!("{place} does not serve ({ended:?}): {}", tail.into_iter().rev().collect::<Vec<_>>().join("\n"));
            }
            sleep(Duration::from_millis(25)).await;
        }
        Ok(())
    }

    /// What a replica says of its own service; `None` where it says nothing.
    ///
    /// # Errors
    /// Where there is no such replica.
    pub async fn health(&self, place: Place) -> anyhow::Result<Option<ServingStatus>> {
        self.health_of(place, place.0).await
    }

    /// Whether a replica says that its process is alive.
    ///
    /// # Errors
    /// Where there is no such replica.
    pub async fn is_alive(&self, place: Place) -> anyhow::Result<bool> {
        Ok(self.health_of(place, "").await? == Some(ServingStatus::Serving))
    }

    async fn health_of(&self, place: Place, name: &str) -> anyhow::Result<Option<ServingStatus>> {
        let address = format!("http://{}", self.address(place)?);
        let asking = async {
            let channel = Endpoint::from_shared(address).ok()?.connect().await.ok()?;
            let request = HealthCheckRequest { service: name.to_owned() };
            Some(HealthClient::new(channel).check(request).await.ok()?.into_inner().status())
        };
        Ok(timeout(Duration::from_secs(2), asking).await.ok().flatten())
    }

    /// SIGKILL.
    ///
    /// # Errors
    /// Where it had ended by itself.
    pub fn kill(&mut self, place: Place) -> anyhow::Result<()> {
        let mut child = self.processes.remove(&place).with_context(|| format!("no process {place}"))?;
        child.kill().with_context(|| place.to_string())
    }

    /// SIGTERM.
    ///
    /// # Errors
    /// Where there is no such process.
    pub fn terminate(&self, place: Place) -> anyhow::Result<()> {
        let child = self.processes.get(&place).with_context(|| format!("no process {place}"))?;
        child.terminate().with_context(|| place.to_string())
    }

    /// Waits until a process has ended.
    ///
    /// # Errors
    /// Where it does not within a minute.
    pub async fn ended(&mut self, place: Place) -> anyhow::Result<ExitStatus> {
        let mut child = self.processes.remove(&place).with_context(|| format!("no process {place}"))?;
        child.end().await.with_context(|| place.to_string())
    }

    /// Told to stop, waited for, started anew, waited for.
    ///
    /// # Errors
    /// Where it does not end well, or does not come to serve.
    pub async fn replace(&mut self, place: Place) -> anyhow::Result<()> {
        self.terminate(place)?;
        let status = self.ended(place).await?;
        ensure!(status.success(), "{place}: {status}");
        self.begin(place)?;
        self.serving(place).await
    }

    /// A client of each gateway that nobody signed in.
    ///
    /// # Errors
    /// None that a planned fleet has.
    pub fn gateways(&self) -> anyhow::Result<Vec<Api>> {
        self.places().into_iter().filter(|place| place.0 == GATEWAY).map(|place| self.api(place)).collect()
    }

    /// A client of one gateway that nobody signed in.
    ///
    /// # Errors
    /// Where there is no such replica.
    pub fn api(&self, gateway: Place) -> anyhow::Result<Api> {
        Ok(Api::new(&format!("http://{}", self.address(gateway)?)))
    }

    /// Where the gateways listen.
    pub fn gateway_addresses(&self) -> Vec<SocketAddr> {
        self.places.iter().filter(|(place, _)| place.0 == GATEWAY).map(|(_, address)| *address).collect()
    }

    /// The first gateway, in the name of a demonstration account.
    ///
    /// # Errors
    /// Where the account is unknown.
    pub fn sign_in(&self, account: &str) -> anyhow::Result<Api> {
        Ok(self.api(Place(GATEWAY, 0))?.with_token(&self.token(account)?))
    }

    /// A token of a demonstration account.
    ///
    /// # Errors
    /// Where the account is unknown.
    pub fn token(&self, account: &str) -> anyhow::Result<String> {
        let run = self.output(&["token", "--as", account])?;
        ensure!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        Ok(String::from_utf8(run.stdout)?.trim().to_owned())
    }

    /// Runs a command of the binary on this installation, which may fail.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn output(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        Ok(self.command().args(arguments).stdin(Stdio::null()).output()?)
    }

    /// Whether `yiwang verify` finds every ledger sound.
    ///
    /// # Errors
    /// Where it does not; what it found is in the error.
    pub fn verify(&self) -> anyhow::Result<()> {
        let run = self.output(&["verify"])?;
        ensure!(run.status.success(), "{}", String::from_utf8_lossy(&run.stdout));
        Ok(())
    }

    /// What a replica has logged, over all its lives.
    ///
    /// # Errors
    /// Where it has no log.
    pub fn log(&self, place: Place) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(self.log_file(place))?)
    }

    fn log_file(&self, place: Place) -> PathBuf {
        self.data.path().join(format!("{}-{}.log", place.0, place.1))
    }

    /// Keeps the logs and the data, and says where.
    pub fn keep(&mut self) -> PathBuf {
        self.data.disable_cleanup(true);
        self.data.path().to_owned()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.envs(&self.settings);
        command
    }
}
