//! A whole installation to test against, in either shape: one process on SQLite, or a process a service on PostgreSQL.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::api::{Answer, Api};
use crate::process::{Child, begin_on_the_first_day, binary, free_address};

/// The services that keep a ledger.
pub const SERVICES: [&str; 5] = ["intake", "approval", "license", "evaluation", "trading"];
/// The environment variable that names the PostgreSQL of the tests; `tests/run` sets it.
pub const POSTGRES: &str = "YIWANG_TEST_POSTGRES_URL";

/// A running installation. Its processes end with it.
pub struct Town {
    processes: BTreeMap<String, Child>,
    environment: BTreeMap<String, String>,
    listen: SocketAddr,
    data: TempDir,
    requests: AtomicU32,
}

impl Town {
    /// `yiwang up` on SQLite.
    ///
    /// # Errors
    /// Where it does not answer within a minute.
    pub async fn together() -> anyhow::Result<Self> {
        Self::together_with(&[]).await
    }

    /// The same with settings: `TELEMETRY__METRICS_LISTEN` and its value.
    ///
    /// # Errors
    /// Where it does not answer within a minute.
    pub async fn together_with(settings: &[(&str, String)]) -> anyhow::Result<Self> {
        let mut town = Self::found()?;
        for (key, value) in settings {
            town.set(key, value.clone());
        }
        town.start("up", &["up"])?;
        town.ready().await?;
        Ok(town)
    }

    /// Each service a process of its own, over TCP, on PostgreSQL; `None` where there is no PostgreSQL to use.
    ///
    /// # Errors
    /// Where it does not answer within a minute.
    pub async fn apart() -> anyhow::Result<Option<Self>> {
        Self::apart_with(&[]).await
    }

    /// The same with settings of every process.
    ///
    /// # Errors
    /// Where it does not answer within a minute.
    pub async fn apart_with(settings: &[(&str, String)]) -> anyhow::Result<Option<Self>> {
        let Ok(url) = std::env::var(POSTGRES) else {
            eprintln!("{POSTGRES} is not set: not run in separate processes (tests/run sets it)");
            return Ok(None);
        };
        let mut town = Self::found()?;
        static TOWNS: AtomicU32 = AtomicU32::new(0);
        let name = format!("town_{}_{}", std::process::id(), TOWNS.fetch_add(1, Ordering::SeqCst));
        town.set("DATABASE_URL", url);
        for (key, value) in settings {
            town.set(key, value.clone());
        }
        for service in SERVICES {
            let (key, address) = (service.to_uppercase(), free_address()?);
            town.set(&format!("{key}__SCHEMA"), format!("{name}_{service}"));
            town.set(&format!("{key}__LISTEN"), address.to_string());
            town.set(&format!("{key}__ADDRESS"), format!("http://{address}"));
        }
        for service in SERVICES.into_iter().chain(["gateway"]) {
            town.serve(service)?;
        }
        town.ready().await?;
        Ok(Some(town))
    }

    fn found() -> anyhow::Result<Self> {
        let data = TempDir::new()?;
        let listen = free_address()?;
        let environment = BTreeMap::new();
        let mut town = Self { processes: BTreeMap::new(), environment, listen, data, requests: AtomicU32::new(0) };
        begin_on_the_first_day(&town.data())?;
        town.set("DATA_DIR", town.data().display().to_string());
        town.set("LISTEN", listen.to_string());
        Ok(town)
    }

    fn set(&mut self, key: &str, value: String) {
        self.environment.insert(format!("YIWANG__{key}"), value);
    }

    /// Starts one service's process.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn serve(&mut self, service: &str) -> anyhow::Result<()> {
        self.start(service, &["serve", service])
    }

    fn start(&mut self, name: &str, arguments: &[&str]) -> anyhow::Result<()> {
        let log = File::options().create(true).append(true).open(self.log_file(name))?;
        let mut command = Command::new(binary()?);
        command.args(arguments).envs(&self.environment).stdout(log.try_clone()?).stderr(log);
        self.processes.insert(name.to_owned(), Child::spawn(command)?);
        Ok(())
    }

    async fn ready(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !self.api().get("/readyz").await.is_ok_and(|answer| answer.text("status") == "SERVING") {
            let mut gone = None;
            for (name, child) in &mut self.processes {
                gone = gone.or(child.ended()?.map(|how| (name.clone(), how)));
            }
            if let Some((name, how)) = gone {
                bail!("{name} ended by itself ({how}):\n{}", self.logs()?);
            }
            if Instant::now() > deadline {
                bail!("not ready within a minute:\n{}", self.logs()?);
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// SIGKILL to one of the processes.
    ///
    /// # Errors
    /// Where there is no such process.
    pub fn kill(&mut self, name: &str) -> anyhow::Result<()> {
        self.processes.remove(name).with_context(|| format!("no process {name}"))?.kill()
    }

    /// SIGTERM to all of the processes, and waits until they have ended.
    ///
    /// # Errors
    /// Where one does not.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        for (name, child) in &self.processes {
            child.terminate().with_context(|| name.clone())?;
        }
        for (name, child) in &mut self.processes {
            let status = child.end().await.with_context(|| name.clone())?;
            ensure!(status.success(), "{name}: {status}");
        }
        Ok(())
    }

    /// Whether all services are in one process.
    pub fn is_together(&self) -> bool {
        self.schema("intake").is_none()
    }

    /// SIGKILL to these services' processes (to the only one, where all are together), which start again on the same data.
    ///
    /// # Errors
    /// Where one does not come back.
    pub async fn strike(&mut self, services: &[&str]) -> anyhow::Result<()> {
        let names: &[&str] = if self.is_together() { &["up"] } else { services };
        for name in names {
            self.kill(name)?;
        }
        for name in names {
            if *name == "up" { self.start("up", &["up"])? } else { self.serve(name)? }
        }
        self.ready().await
    }

    /// Where the gateway listens.
    pub fn address(&self) -> SocketAddr {
        self.listen
    }

    /// A client that nobody signed in.
    pub fn api(&self) -> Api {
        Api::new(&format!("http://{}", self.listen))
    }

    /// A client in the name of a demonstration account.
    ///
    /// # Errors
    /// Where the account is unknown.
    pub fn sign_in(&self, account: &str) -> anyhow::Result<Api> {
        Ok(self.api().with_token(self.run(&["token", "--as", account])?.trim()))
    }

    /// Runs a command of the binary on this installation; its standard output.
    ///
    /// # Errors
    /// Where it fails; what it wrote to standard error is in the error.
    pub fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let run = self.output(arguments)?;
        ensure!(run.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&run.stderr));
        Ok(String::from_utf8(run.stdout)?)
    }

    /// Runs a command of the binary on this installation, which may fail.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn output(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        Ok(Command::new(binary()?).args(arguments).envs(&self.environment).output()?)
    }

    /// A write in the name of an account, with a request id of its own; the answer must be good.
    ///
    /// # Errors
    /// Where it is refused.
    pub async fn post(&self, account: &str, path: &str, mut body: Value) -> anyhow::Result<Value> {
        body["requestId"] = json!(self.request_id());
        let answer = self.sign_in(account)?.post(path, &body).await?;
        good(path, answer)
    }

    /// A read in the name of an account; the answer must be good.
    ///
    /// # Errors
    /// Where it is refused.
    pub async fn get(&self, account: &str, path: &str) -> anyhow::Result<Value> {
        good(path, self.sign_in(account)?.get(path).await?)
    }

    /// Reads until it is so: between the services there are only relays.
    ///
    /// # Errors
    /// Where it never is, within half a minute.
    pub async fn until(&self, account: &str, path: &str, is_so: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        let api = self.sign_in(account)?;
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let answer = api.get(path).await?;
            if is_so(&answer.body) {
                return Ok(answer.body);
            }
            ensure!(Instant::now() < deadline, "{path}: still {} {}", answer.status, answer.body);
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Uploads a small paper for a material.
    ///
    /// # Errors
    /// Where it is refused.
    pub async fn upload(
        &self,
        account: &str,
        application: &str,
        material: &str,
        content: &str,
    ) -> anyhow::Result<Value> {
        let path = format!(
            "/v1/applications/{application}/attachments?request_id={}&material_code={material}&file_name=paper.pdf",
            self.request_id()
        );
        let api = self.sign_in(account)?;
        let request = api.request(reqwest::Method::POST, &path).header("content-type", "application/pdf");
        good(&path, api.send(request.body(format!("%PDF-1.4\n% {content}\n%%EOF\n"))).await?)
    }

    /// Moves legal time on by whole days.
    ///
    /// # Errors
    /// Where the clock is not movable.
    pub async fn days_pass(&self, days: u32) -> anyhow::Result<()> {
        self.advance(json!({"days": days})).await
    }

    /// Moves legal time on to a moment (RFC 3339), by ten years at most.
    ///
    /// # Errors
    /// Where the clock is not movable, or past that moment.
    pub async fn time_comes(&self, moment: &str) -> anyhow::Result<()> {
        self.advance(json!({"toTime": moment})).await
    }

    async fn advance(&self, by: Value) -> anyhow::Result<()> {
        let answer = self.api().post("/v1/dev/clock:advance", &by).await?;
        good("/v1/dev/clock:advance", answer).map(|_| ())
    }

    fn request_id(&self) -> String {
        format!("town-{}", self.requests.fetch_add(1, Ordering::SeqCst))
    }

    /// Where the installation keeps its data.
    pub fn data(&self) -> PathBuf {
        self.data.path().join("data")
    }

    /// The schemas of a town apart, by service.
    pub fn schema(&self, service: &str) -> Option<&str> {
        self.environment.get(&format!("YIWANG__{}__SCHEMA", service.to_uppercase())).map(String::as_str)
    }

    fn log_file(&self, name: &str) -> PathBuf {
        self.data.path().join(format!("{name}.log"))
    }

    /// What the process of a service has logged, over all its lives.
    ///
    /// # Errors
    /// Where it has no log.
    pub fn log(&self, service: &str) -> anyhow::Result<String> {
        let process = if self.is_together() { "up" } else { service };
        Ok(std::fs::read_to_string(self.log_file(process))?)
    }

    /// What all processes have logged.
    ///
    /// # Errors
    /// Where a log cannot be read.
    pub fn logs(&self) -> anyhow::Result<String> {
        let logs =
            files(self.data.path())?.into_iter().filter(|file| file.extension().is_some_and(|kind| kind == "log"));
        logs.map(|file| Ok(std::fs::read_to_string(file)?)).collect()
    }

    /// Every byte that the installation keeps in files, logs included.
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub fn everything(&self) -> anyhow::Result<Vec<(PathBuf, Vec<u8>)>> {
        files(self.data.path())?.into_iter().map(|file| Ok((file.clone(), std::fs::read(&file)?))).collect()
    }
}

fn good(path: &str, answer: Answer) -> anyhow::Result<Value> {
    ensure!(answer.status < 300, "{path}: {} {}", answer.status, answer.body);
    Ok(answer.body)
}

fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { found.extend(files(&path)?) } else { found.push(path) }
    }
    Ok(found)
}
