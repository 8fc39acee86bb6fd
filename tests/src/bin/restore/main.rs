//! `just restore`: backup and restore, rehearsed under load on both engines. What was acknowledged before the point that is
//! restored to must be there afterwards, once, and nothing of what came after it.

#![expect(clippy::print_stdout, reason = "a report for a person is what this program is for")]

mod check;
mod cluster;
mod load;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Parser;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use yiwang_tests::api::Api;
use yiwang_tests::process::{Server, Start, binary};

use check::{Found, Point};
use cluster::Cluster;
use load::{Ack, Load};

/// Takes backups of a working installation, restores them, and counts what was lost.
#[derive(Parser)]
struct Arguments {
    /// Only this rehearsal.
    #[arg(long)]
    only: Option<Rehearsal>,
    /// How many applications are accepted on each side of the point.
    #[arg(long, default_value_t = 20)]
    accepted: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Rehearsal {
    /// SQLite, copied while it works.
    Sqlite,
    /// PostgreSQL, everything stopped for the restore.
    Stopped,
    /// PostgreSQL, beneath a running installation.
    Running,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let wanted = |rehearsal| arguments.only.is_none_or(|only| only == rehearsal);
    let mut results = Vec::new();
    if wanted(Rehearsal::Sqlite) {
        results.push(("SQLite, online copy", sqlite(arguments.accepted).await?));
    }
    if wanted(Rehearsal::Stopped) {
        results.push(("PostgreSQL, everything stopped", stopped(&cluster()?, arguments.accepted).await?));
    }
    if wanted(Rehearsal::Running) {
        results.push(("PostgreSQL, under running readers", running(&cluster()?, arguments.accepted).await?));
    }
    for (what, found) in &results {
        println!("{what}: {found}");
    }
    ensure!(results.iter().all(|(_, found)| found.is_sound()), "something was lost, doubled, or rose again");
    println!("restore: {} rehearsals sound, 0 not", results.len());
    Ok(())
}

fn cluster() -> anyhow::Result<Cluster> {
    Cluster::new()?.context("PostgreSQL's server programs are missing: run tests/setup")
}

fn tell(step: &str) {
    println!("  {step}");
}

/// The data folder copied while `yiwang up` works, and put back.
async fn sqlite(accepted: usize) -> anyhow::Result<Found> {
    println!("SQLite: `yiwang backup` while `yiwang up` works");
    let folder = TempDir::new()?;
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy"));
    let start = Start::sqlite(&data)?;
    let mut server = Server::start(&start).await?;
    let mut load = Load::start(&server)?;
    load.accepts(accepted).await?;
    let asked = Instant::now();
    let said = yiwang(&start, &["backup", "--to", &copy.display().to_string()])?;
    let point = Point { asked, answered: Instant::now() };
    tell(&format!("backup taken in {:.1?}:\n{said}", asked.elapsed()));
    load.accepts(accepted).await?;
    let acks = load.end().await?;
    server.kill()?;
    let stopped = Instant::now();
    std::fs::rename(&data, folder.path().join("lost"))?;
    std::fs::rename(&copy, &data)?;
    tell(&format!("the folder is put back; yiwang verify:\n{}", yiwang(&start, &["verify"])?));
    let server = Server::start(&start).await?;
    tell(&format!("serving {:.1?} after the loss", stopped.elapsed()));
    finish(&server, &acks, point, accepted).await
}

/// A base backup and the archived log, everything stopped for the restore.
async fn stopped(cluster: &Cluster, accepted: usize) -> anyhow::Result<Found> {
    println!("PostgreSQL: base backup, archived log, a named point, everything stopped");
    let folder = TempDir::new()?;
    let start = Start::postgres(&folder.path().join("data"), &cluster.url())?;
    let mut server = Server::start(&start).await?;
    let (acks, point) = backed_up(cluster, &server, "stopped", accepted).await?;
    server.kill()?;
    let stopped = Instant::now();
    cluster.restore("stopped").await?;
    tell(&format!("restored in {:.1?}; yiwang verify:\n{}", stopped.elapsed(), yiwang(&start, &["verify"])?));
    tell(&format!(
        "yiwang restored --resume:\n{}",
        yiwang(&start, &["restored", "--reason", "rehearsal", "--resume"])?
    ));
    let server = Server::start(&start).await?;
    tell(&format!("serving {:.1?} after the loss", stopped.elapsed()));
    let found = finish(&server, &acks, point, accepted).await?;
    tell(&format!("yiwang orphans: {:?}", yiwang(&start, &["orphans"])?));
    Ok(found)
}

/// The same restore beneath `yiwang up`, which goes on running: its relays know what they have read, and halt.
async fn running(cluster: &Cluster, accepted: usize) -> anyhow::Result<Found> {
    println!("PostgreSQL: the same beneath a running `yiwang up`");
    let folder = TempDir::new()?;
    let start = Start::postgres(&folder.path().join("data"), &cluster.url())?;
    let server = Server::start(&start).await?;
    let (acks, point) = backed_up(cluster, &server, "running", accepted).await?;
    cluster.restore("running").await?;
    tell(&format!("restored beneath it; yiwang verify:\n{}", yiwang(&start, &["verify"])?));
    let operator = server.api_as("admin")?;
    tell(&format!("halted: {}", until_halted(&operator, "approval").await?));
    tell(&format!("resumed {} relays", resume_all(&operator).await?));
    finish(&server, &acks, point, accepted).await
}

/// Load, a base backup, more load, a named point, more load.
async fn backed_up(
    cluster: &Cluster,
    server: &Server,
    name: &str,
    accepted: usize,
) -> anyhow::Result<(Vec<Ack>, Point)> {
    let mut load = Load::start(server)?;
    load.accepts(accepted / 2).await?;
    let began = Instant::now();
    cluster.base_backup()?;
    tell(&format!("base backup taken in {:.1?}", began.elapsed()));
    load.accepts(accepted).await?;
    let asked = Instant::now();
    cluster.sql(&format!("SELECT pg_create_restore_point('{name}')"))?;
    let point = Point { asked, answered: Instant::now() };
    load.accepts(accepted).await?;
    let acks = load.end().await?;
    check::cases_of(server, &acks).await?;
    cluster.sql("SELECT pg_switch_wal()")?;
    tell(&format!("{} commands acknowledged", acks.len()));
    Ok((acks, point))
}

/// Counts, and has one more piece of work go all the way.
async fn finish(server: &Server, acks: &[Ack], point: Point, accepted: usize) -> anyhow::Result<Found> {
    let found = check::all(server, acks, &[], point).await?;
    let mut load = Load::start(server)?;
    load.accepts(accepted.min(3)).await?;
    let (after, now) = (load.end().await?, Instant::now());
    let again = check::all(server, &after, acks, Point { asked: now, answered: now }).await?;
    tell(&format!("and new work goes through: {again}"));
    ensure!(again.is_whole(), "new work did not go through");
    Ok(found)
}

async fn until_halted(operator: &Api, reader: &str) -> anyhow::Result<Value> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let head = operator.get("/v1/ledgers/intake/head").await?;
        let relays = head.body["haltedRelays"].as_array().cloned().unwrap_or_default();
        if let Some(halted) = relays.into_iter().find(|relay| relay["reader"] == reader) {
            ensure!(halted["reason"].as_str().is_some_and(|why| why.starts_with("FEED_REWOUND")), "{halted}");
            return Ok(halted);
        }
        ensure!(Instant::now() < deadline, "the relay {reader} never halted: {head:?}");
        sleep(Duration::from_millis(100)).await;
    }
}

/// Until none halts any more: each notices when its own connection is back.
async fn resume_all(operator: &Api) -> anyhow::Result<usize> {
    let (mut resumed, mut quiet) = (0, Instant::now());
    while quiet.elapsed() < Duration::from_secs(12) {
        for service in ["intake", "approval", "license", "evaluation", "trading"] {
            let more = resume(operator, service, resumed).await?;
            if more > 0 {
                (resumed, quiet) = (resumed + more, Instant::now());
            }
        }
        sleep(Duration::from_millis(250)).await;
    }
    Ok(resumed)
}

/// Has each relay of a service that has halted go on from where it is seen to stand; how many.
async fn resume(operator: &Api, service: &str, round: usize) -> anyhow::Result<usize> {
    let head = operator.get(&format!("/v1/ledgers/{service}/head")).await?.body;
    let relays = head["haltedRelays"].as_array().cloned().unwrap_or_default();
    for relay in &relays {
        let body = json!({
            "requestId": format!("resume-{round}-{service}-{}", relay["reader"].as_str().unwrap_or_default()),
            "reader": relay["reader"], "epoch": head["epoch"], "position": relay["position"], "hash": relay["hash"],
            "reason": "rehearsal",
        });
        let answer = operator.post(&format!("/v1/ledgers/{service}/relays:resume"), &body).await?;
        ensure!(answer.status == 200, "{body}: {answer:?}");
    }
    Ok(relays.len())
}

/// A command of the binary on the installation, which must succeed; what it said.
fn yiwang(start: &Start, arguments: &[&str]) -> anyhow::Result<String> {
    let mut command = Command::new(binary()?);
    command.args(arguments).arg("--data").arg::<&Path>(&start.data);
    if let Some(url) = &start.database_url {
        command.arg("--database-url").arg(url);
    }
    let run = command.output()?;
    let said = String::from_utf8_lossy(&run.stdout).lines().map(|line| format!("    {line}")).collect::<Vec<_>>();
    ensure!(run.status.success(), "{arguments:?}: {}{}", said.join("\n"), String::from_utf8_lossy(&run.stderr));
    Ok(said.join("\n"))
}
