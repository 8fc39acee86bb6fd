//! `just kill`: SIGKILL of `yiwang up` under load at random moments. What was acknowledged must be there afterwards, once.
//!
//! A client in a process of its own writes each acknowledgement to disk (and waits for the disk) before it counts; a write
//! whose answer was lost is sent again with the same request id, as a careful client does. At the end, everything is read
//! back through the public API.

#![expect(clippy::print_stdout, reason = "a report for a person is what this program is for")]

mod acks;
mod client;
mod verify;

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Parser;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::time::{Instant, sleep};
use yiwang_tests::process::{Server, Start};

/// Kills `yiwang up` under load and counts what was lost.
#[derive(Parser)]
enum Arguments {
    /// Starts, kills and restarts the server, then reads everything back.
    Run(Run),
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

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse() {
        Arguments::Run(run) => execute(run).await,
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
    let mut load = spawn_client(&files, &start, &server, run.writers)?;

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
    let cases = verify::cases(&server.api_as("supervisor")?, &files).await?;
    for (what, tally) in [("drafts", &drafts), ("accepted applications and their cases", &cases)] {
        let verify::Tally { acknowledged, found, doubled, lost } = tally;
        println!("    {what}: acknowledged {acknowledged}, found {found}, doubled {doubled}, lost {lost}");
        ensure!(*acknowledged > 0, "nothing was acknowledged: the run says nothing");
        ensure!(*doubled == 0 && *lost == 0, "evidence is kept in {}", folder.display());
    }
    drop(server);
    std::fs::remove_dir_all(&folder).context("remove the run's folder")
}

fn spawn_client(files: &acks::Files, start: &Start, server: &Server, writers: usize) -> anyhow::Result<Child> {
    let own: PathBuf = std::env::current_exe()?;
    let mut command = Command::new(own);
    let folder: &Path = &files.folder;
    command.arg("client").arg("--base").arg(format!("http://{}", start.listen)).arg("--folder").arg(folder);
    command.arg("--writers").arg(writers.to_string());
    command.env("YIWANG_CITIZEN", server.token("citizen")?).env("YIWANG_CLERK", server.token("clerk")?);
    Ok(command.spawn()?)
}
