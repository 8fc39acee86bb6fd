//! `just kill`: SIGKILL of `yiwang up` under load at random moments. What was acknowledged must be there afterwards, once.
//!
//! A client in a process of its own writes each acknowledgement to disk (and waits for the disk) before it counts; a write
//! whose answer was lost is sent again with the same request id, as a careful client does. At the end, everything is read
//! back through the public API. `apart` does the same to a process a service, and stops PostgreSQL at once in between.

#![expect(clippy::print_stdout, reason = "a report for a person is what this program is for")]

mod apart;
mod client;

use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Parser;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::time::{Instant, sleep};
use yiwang_tests::load::{acks, verify};
use yiwang_tests::process::{Server, Start};

/// Kills `yiwang up` under load and counts what was lost.
#[derive(Parser)]
enum Arguments {
    /// Starts, kills and restarts the server, then reads everything back.
    Run(Run),
    /// Kills replicas of every service and stops PostgreSQL, then reads everything back.
    Apart(apart::Apart),
    /// The load: a process of its own, so that its memory of acknowledgements is not the server's.
    Client(client::Client),
}

#[derive(clap::Args)]
struct Run {
    /// How often the server is killed.
    #[arg(long, default_value_t = 50)]
    times: u32,
    /// PostgreSQL to use; SQLite without.
    #[arg(long, env = "YIWANG_TEST_POSTGRES_URL")]
    database_url: Option<String>,
    /// Use SQLite, even where a PostgreSQL is named in the environment.
    #[arg(long)]
    sqlite: bool,
    /// Clients that write at once.
    #[arg(long, default_value_t = 24)]
    writers: usize,
    /// Seed of the random moments; printed, so that a run can be repeated.
    #[arg(long)]
    seed: Option<u64>,
}

/// How long relays are waited for at the end.
const RELAYS: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse() {
        Arguments::Run(run) => execute(run).await,
        Arguments::Apart(apart) => apart.run().await,
        Arguments::Client(client) => client.run().await,
    }
}

async fn execute(run: Run) -> anyhow::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "chance picks the moments; the seed is printed and can be given")]
    let seed = run.seed.unwrap_or_else(|| rand::rng().random());
    let mut random = StdRng::seed_from_u64(seed);
    let folder = std::env::temp_dir().join(format!("yiwang-kill-{}", std::process::id()));
    let url = run.database_url.clone().filter(|_| !run.sqlite);
    let engine = if url.is_some() { "PostgreSQL" } else { "SQLite" };
    println!("{engine}: {} kills, seed {seed}", run.times);

    let start = match &url {
        Some(url) => Start::postgres(&folder.join("data"), url)?,
        None => Start::sqlite(&folder.join("data"))?,
    };
    let mut server = Server::start(&start).await?;
    let files = acks::Files::in_folder(&folder)?;
    let base = format!("http://{}", start.listen);
    let mut load = spawn_client(&files, &[base], run.writers, |account| server.token(account))?;

    let began = Instant::now();
    let mut slowest = Duration::ZERO;
    for _ in 0..run.times {
        sleep(Duration::from_millis(random.random_range(50..1500))).await;
        ensure!(load.try_wait()?.is_none(), "the client ended early: see its output above");
        server.kill()?;
        let restart = Instant::now();
        server = Server::start(&start).await?;
        slowest = slowest.max(restart.elapsed());
    }
    std::fs::write(&files.stop, b"")?;
    ensure!(load.wait()?.success(), "the client failed");
    println!("    load and kills took {:.0?}, the slowest restart {slowest:.0?}", began.elapsed());

    let drafts = verify::drafts(&server.api_as("citizen")?, &files).await?;
    let cases = verify::cases(&server.api_as("supervisor")?, &files, RELAYS).await?;
    for (what, tally) in [("drafts", &drafts), ("accepted applications and their cases", &cases)] {
        println!("    {what}: {tally}");
        ensure!(tally.is_whole(), "evidence is kept in {}", folder.display());
    }
    drop(server);
    std::fs::remove_dir_all(&folder).context("remove the run's folder")
}

fn spawn_client(
    files: &acks::Files,
    bases: &[String],
    writers: usize,
    token: impl Fn(&str) -> anyhow::Result<String>,
) -> anyhow::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("client").arg("--folder").arg(&files.folder).arg("--writers").arg(writers.to_string());
    for base in bases {
        command.arg("--base").arg(base);
    }
    command.env("YIWANG_CITIZEN", token("citizen")?).env("YIWANG_CLERK", token("clerk")?);
    Ok(command.spawn()?)
}
