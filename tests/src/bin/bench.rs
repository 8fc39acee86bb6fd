//! `just bench`: how fast `yiwang up` starts, what it holds when idle, and what it answers a second over its public HTTP API.
//!
//! Server and clients share the machine, so the figures are those of this machine on this day: compare two versions only
//! in runs that alternate. Durable writes: SQLite with `synchronous=FULL`, PostgreSQL with `fsync` on.

#![expect(clippy::print_stdout, reason = "a report for a person is what this program is for")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Parser;
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::Instant;
use yiwang_tests::api::{Answer, Api};
use yiwang_tests::process::{Server, Start};

const ITEM: &str = "511Z07001006-511602000000-000-11511301008778183N-1-00";

/// Measures the embedded default, and PostgreSQL where one is named.
#[derive(Parser)]
struct Bench {
    /// Seconds a measurement.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// PostgreSQL to measure besides.
    #[arg(long, env = "YIWANG_TEST_POSTGRES_URL")]
    database_url: Option<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let bench = Bench::parse();
    let sqlite = TempDir::new()?;
    measure("SQLite", &Start::sqlite(&sqlite.path().join("data"))?, bench.seconds).await?;
    if let Some(url) = &bench.database_url {
        let postgres = TempDir::new()?;
        measure("PostgreSQL", &Start::postgres(&postgres.path().join("data"), url)?, bench.seconds).await?;
    }
    Ok(())
}

async fn measure(engine: &str, start: &Start, seconds: u64) -> anyhow::Result<()> {
    let began = Instant::now();
    drop(Server::start(start).await?);
    let first = began.elapsed();
    let began = Instant::now();
    let server = Server::start(start).await?;
    let again = began.elapsed();
    println!("{engine}");
    println!(
        "    first start, which makes the stores and imports the catalogue: {first:.2?}; start on a warm disk: {again:.2?}"
    );
    println!("    resident memory when idle: {} MB", resident_megabytes(server.id())?);
    let citizen = server.api_as("citizen")?;
    let one = draft(citizen.clone(), "bench-read".to_owned()).await?;
    ensure!(one.status == 200, "{one:?}");
    let own = format!("/v1/applications/{}", one.text("id"));
    for clients in [1, 64] {
        let citizen = citizen.clone();
        let ask = move |client, number| draft(citizen.clone(), format!("bench-{clients}-{client}-{number}"));
        rate("drafts opened, durable", clients, seconds, ask).await?;
    }
    let guide = format!("/v1/items/{ITEM}");
    let search = "/v1/items?query=%E6%8B%9B%E7%89%8C".to_owned();
    for (what, path) in [("own application read", own), ("guide read", guide), ("catalogue searched", search)] {
        let citizen = citizen.clone();
        rate(what, 64, seconds, move |_, _| get(citizen.clone(), path.clone())).await?;
    }
    println!("    resident memory after that: {} MB", resident_megabytes(server.id())?);
    Ok(())
}

async fn get(api: Api, path: String) -> anyhow::Result<Answer> {
    Ok(api.get(&path).await?)
}

async fn draft(api: Api, request: String) -> anyhow::Result<Answer> {
    let applicant = json!({
        "name": "张建国", "documentKind": "DOCUMENT_KIND_RESIDENT_ID", "documentNumber": "511602198503120016",
    });
    let form = json!({ "subject": "技术改造项目备案", "address": "广安市广安区思源大道1号" });
    let body = json!({ "requestId": request, "itemCode": ITEM, "applicant": applicant, "form": form });
    Ok(api.post("/v1/applications", &body).await?)
}

/// So many clients, each with one request at a time; every answer must be a 200.
async fn rate<F>(
    what: &str,
    clients: u64,
    seconds: u64,
    ask: impl Fn(u64, u64) -> F + Clone + Send + Sync + 'static,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<Answer>> + Send + 'static,
{
    let began = Instant::now();
    let end = began + Duration::from_secs(seconds);
    let mut tasks = JoinSet::new();
    let ask = Arc::new(ask);
    for client in 0..clients {
        let ask = ask.clone();
        tasks.spawn(async move {
            let mut times = Vec::new();
            while Instant::now() < end {
                let asked = Instant::now();
                let answer = ask(client, times.len() as u64).await?;
                ensure!(answer.status == 200, "{answer:?}");
                times.push(asked.elapsed());
            }
            Ok(times)
        });
    }
    let mut times: Vec<Duration> = Vec::new();
    while let Some(done) = tasks.join_next().await {
        times.extend(done??);
    }
    let took = began.elapsed();
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    println!(
        "    {what}, {clients} at a time: {:.0} a second; half within {:.1?}, 99 of 100 within {:.1?}",
        times.len() as f64 / took.as_secs_f64(),
        at(50),
        at(99)
    );
    Ok(())
}

fn resident_megabytes(process: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("VmRSS")?;
    let kilobytes: u64 = line.split_whitespace().nth(1).context("a number")?.parse()?;
    Ok(kilobytes / 1024)
}
