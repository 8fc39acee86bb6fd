//! Everything in one process: bound first, then opened, then serving; drained at the end.

use std::net::SocketAddr;

use futures_util::future::try_join_all;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use yiwang_kit::config::SERVICES;
use yiwang_kit::ledger::Timestamp;
use yiwang_kit::metrics::Watch;
use yiwang_kit::server::{Server, stop_on_signal};
use yiwang_kit::{Config, Health, Process, Shape};

use crate::services;

/// A suite that runs.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// What its services share.
    pub process: Process,
    health: Health,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

/// Starts everything. Where a first day is given, legal time begins there: only on an empty data folder.
pub async fn start(config: Config, first_day: Option<Timestamp>) -> anyhow::Result<Running> {
    let server = Server::bind(&config.listen).await?;
    let watch = Watch::bind(&config).await?;
    let process = Process::open(config, Shape::Together, CancellationToken::new())?;
    if let Some(day) = first_day {
        process.legal.start_at(day)?;
    }
    process.legal.follow(process.shutdown.clone());
    let (health, probes) = Health::new().await?;
    let (address, stop) = (server.address(), CancellationToken::new());
    watch.serve(&process, probes.clone());
    let app = services::gateway(&process, probes, health.leaving())?;
    let serving = tokio::spawn(server.secured(process.tls()?).serve(app, stop.clone(), process.drain()));
    try_join_all(SERVICES.map(|name| open(&process, &health, name))).await?;
    health.serving(services::GATEWAY).await;
    tracing::info!(%address, "serving");
    Ok(Running { address, process, health, stop, serving })
}

async fn open(process: &Process, health: &Health, name: &'static str) -> anyhow::Result<()> {
    let front = services::start(process, name).await?;
    process.links.plug(name, front);
    health.serving(name).await;
    Ok(())
}

impl Running {
    /// Waits until the token is cancelled, then ends: not serving, drained, stopped.
    pub async fn until(self, told: &CancellationToken) -> anyhow::Result<()> {
        told.cancelled().await;
        self.end().await
    }

    /// Ends: says that it no longer serves, waits for the calls at work, stops relays and timers.
    pub async fn end(self) -> anyhow::Result<()> {
        let names: Vec<&str> = SERVICES.into_iter().chain([services::GATEWAY]).collect();
        self.health.end(&names, self.process.leave(), &self.stop).await;
        self.serving.await?;
        self.process.stop().await;
        Ok(())
    }
}

/// `yiwang up`.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let told = CancellationToken::new();
    stop_on_signal(told.clone())?;
    let Some(running) = told.run_until_cancelled(start(config, None)).await else { return Ok(()) };
    let running = running?;
    greet(&running);
    running.until(&told).await
}

/// Says where it listens, and what to try next.
#[expect(clippy::print_stdout, reason = "this is the command's answer")]
pub fn greet(running: &Running) {
    let (config, at) = (&running.process.config, running.address);
    let data = config.data_dir.display();
    let engine = if config.database_url.is_some() { "PostgreSQL" } else { "SQLite" };
    println!("一网已启动 · Yiwang is up");
    println!("  网址 · address   http://{at}      (HTTP/JSON, gRPC, /openapi.json)");
    println!("  数据 · data      {data}  ({engine})");
    if config.is_production() {
        return;
    }
    println!("接着试试 · try next");
    println!("  curl 'http://{at}/v1/items?query=公共场所卫生许可'");
    println!("  TOKEN=$(yiwang token --data {data} --as citizen)");
    println!("  curl -H \"Authorization: Bearer $TOKEN\" http://{at}/v1/me/affairs");
    println!("  yiwang demo --exit     完整走一遍办事流程 · the whole story of a permit");
    println!("按 Ctrl-C 停止 · ctrl-c stops");
}
