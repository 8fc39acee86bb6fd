//! Who competes: each contestant is a process of its own, started when it is first needed and idle while others run.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{EncodingKey, decode_header, encode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use yiwang_tests::api::Api;
use yiwang_tests::process::{Child, Server, Start, free_address};
use yiwang_tests::town::Town;

use crate::growth::Growth;
use crate::load::{self, Load};
use crate::outside;

/// An item whose application needs no paper.
pub const ITEM: &str = "511Z07001006-511602000000-000-11511301008778183N-1-00";

/// Who applies: the demonstration's citizen.
pub const APPLICANT: &str =
    r#"{"name":"张建国","documentKind":"DOCUMENT_KIND_RESIDENT_ID","documentNumber":"511602198503120016"}"#;

/// The contestants.
pub struct Arena {
    pub url: String,
    pub time: Duration,
    folder: TempDir,
    tables: OnceCell<()>,
    postgres: OnceCell<Up>,
    sqlite: OnceCell<Up>,
    split: OnceCell<(Town, String)>,
    peer: OnceCell<(Child, SocketAddr)>,
    growth: OnceCell<Growth>,
    cases: u64,
    bare: [OnceCell<(Child, SocketAddr)>; 3],
    requests: AtomicU64,
}

/// `yiwang up`, with a citizen signed in and an application of his.
pub struct Up {
    pub server: Server,
    pub token: String,
    pub own: String,
    idle: u64,
}

impl Arena {
    pub fn new(url: String, time: Duration, cases: u64) -> Self {
        let folder = TempDir::new().unwrap_or_else(|error| panic!("a temporary folder: {error}"));
        Self {
            url,
            time,
            folder,
            tables: OnceCell::new(),
            postgres: OnceCell::new(),
            sqlite: OnceCell::new(),
            split: OnceCell::new(),
            peer: OnceCell::new(),
            growth: OnceCell::new(),
            cases,
            bare: [OnceCell::new(), OnceCell::new(), OnceCell::new()],
            requests: AtomicU64::new(1),
        }
    }

    /// A folder of the arena's own.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Everything in one process on PostgreSQL.
    pub async fn postgres(&self) -> anyhow::Result<&Up> {
        self.postgres.get_or_try_init(|| async { up(&Start::postgres(&self.path("postgres"), &self.url)?).await }).await
    }

    /// Everything in one process on SQLite.
    pub async fn sqlite(&self) -> anyhow::Result<&Up> {
        self.sqlite.get_or_try_init(|| async { up(&Start::sqlite(&self.path("sqlite"))?).await }).await
    }

    /// Gateway and services, each a process, on PostgreSQL; and the citizen's token.
    pub async fn split(&self) -> anyhow::Result<&(Town, String)> {
        let start = || async {
            let town = Town::apart().await?.context("PostgreSQL")?;
            let token = town.run(&["token", "--as", "citizen"])?.trim().to_owned();
            Ok((town, token))
        };
        self.split.get_or_try_init(start).await
    }

    /// The best one-statement pgbench, a second.
    pub async fn pgbench(&self) -> anyhow::Result<f64> {
        self.tables().await?;
        outside::pgbench(&self.url, self.time).await
    }

    /// The tables of pgbench and of the peer.
    async fn tables(&self) -> anyhow::Result<&()> {
        self.tables.get_or_try_init(|| async { outside::sql_file(&self.url, "schema.sql") }).await
    }

    /// The FastAPI server.
    pub async fn peer(&self) -> anyhow::Result<SocketAddr> {
        self.tables().await?;
        let start = || async {
            let address = free_address()?;
            anyhow::Ok((outside::peer(&self.url, address).await?, address))
        };
        Ok(self.peer.get_or_try_init(start).await?.1)
    }

    /// A bare handler that answers what `path` answers at ours.
    pub async fn bare(&self, slot: usize, what: &str, like: &Value) -> anyhow::Result<SocketAddr> {
        let start = || async {
            let (address, file) = (free_address()?, self.path(&format!("bare-{slot}.json")));
            std::fs::write(&file, serde_json::to_vec(like)?)?;
            anyhow::Ok((outside::bare(what, address, &file).await?, address))
        };
        Ok(self.bare[slot].get_or_try_init(start).await?.1)
    }

    /// What is kept as cases grow: filled and measured once.
    pub async fn growth(&self) -> anyhow::Result<&Growth> {
        self.growth.get_or_try_init(|| Growth::measure(self, self.cases)).await
    }

    /// Submits, each with a request id of its own.
    pub async fn submits(&self, address: SocketAddr, token: &str, connections: u64) -> anyhow::Result<f64> {
        let (run, token) = (self.run_number(), token.to_owned());
        let load = Load { connections, time: self.time };
        load::run(address, load, move |connection, number| {
            let id = format!("{run:08x}-0000-4000-8000-{connection:04x}{number:08x}");
            load::request("POST", "/v1/applications", &token, &draft(&id).to_string())
        })
        .await
    }

    /// The token of somebody else than the citizen of `up`, signed with the development issuer's key.
    pub fn token_of(&self, up: &Up, change: impl FnOnce(&mut Value)) -> anyhow::Result<String> {
        let body = up.token.split('.').nth(1).context("a token has three parts")?;
        let mut claims: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(body)?)?;
        change(&mut claims);
        let key = EncodingKey::from_ed_der(&std::fs::read(self.path("postgres").join("dev-issuer.pk8"))?);
        Ok(encode(&decode_header(&up.token)?, &claims, &key)?)
    }

    /// Sets the request ids of one run apart from those of another.
    pub fn run_number(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed)
    }

    /// Reads of one address.
    pub async fn reads(&self, address: SocketAddr, path: &str, token: &str, connections: u64) -> anyhow::Result<f64> {
        let bytes = load::request("GET", path, token, "");
        load::run(address, Load { connections, time: self.time }, move |_, _| bytes.clone()).await
    }

    /// Stops the servers as an operator would: a build that counts what it does writes that down at its end.
    pub async fn stop(self) -> anyhow::Result<()> {
        for up in [self.postgres, self.sqlite].into_iter().filter_map(OnceCell::into_inner) {
            up.server.stop().await?;
        }
        if let Some((mut town, _)) = self.split.into_inner() {
            town.stop().await?;
        }
        Ok(())
    }

    /// Resident memory of `yiwang up` on PostgreSQL, idle and now, in megabytes.
    pub async fn memory(&self) -> anyhow::Result<Value> {
        let Some(up) = self.postgres.get() else { return Ok(Value::Null) };
        Ok(json!({"idle_mb": up.idle, "after_the_load_mb": resident_megabytes(up.server.id())?}))
    }
}

async fn up(start: &Start) -> anyhow::Result<Up> {
    // started twice: the first time makes the stores and imports the catalogue
    drop(Server::start(start).await?);
    let server = Server::start(start).await?;
    let idle = resident_megabytes(server.id())?;
    let token = server.token("citizen")?;
    let own = application(&server.api().with_token(&token)).await?;
    Ok(Up { own, token, idle, server })
}

/// An application of the citizen's; its path.
pub async fn application(citizen: &Api) -> anyhow::Result<String> {
    let one = citizen.post("/v1/applications", &draft("00000000-0000-4000-8000-000000000000")).await?;
    ensure!(one.status == 200, "{one:?}");
    Ok(format!("/v1/applications/{}", one.text("id")))
}

/// An application with 1 KB of form.
pub fn draft(request: &str) -> Value {
    let applicant: Value = serde_json::from_str(APPLICANT).unwrap_or_default();
    let form = json!({"subject": "技术改造项目备案", "address": "a".repeat(100), "note": "n".repeat(850)});
    json!({"requestId": request, "itemCode": ITEM, "applicant": applicant, "form": form})
}

/// Resident memory of a process.
pub fn resident_megabytes(process: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("VmRSS")?;
    let kilobytes: u64 = line.split_whitespace().nth(1).context("a number")?.parse()?;
    Ok(kilobytes / 1024)
}
