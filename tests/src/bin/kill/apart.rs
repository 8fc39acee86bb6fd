//! The big count: two replicas of every service and of the gateway on PostgreSQL, killed at random moments; PostgreSQL itself
//! stopped at once, every fifth time; until all the numbers are reached.

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::time::{Instant, sleep};
use yiwang_tests::cluster::Cluster;
use yiwang_tests::fleet::{Fleet, Place};
use yiwang_tests::load::{acks::Files, verify};

use crate::{RELAYS, spawn_client};

/// How much is enough.
#[derive(clap::Args)]
pub struct Apart {
    /// SIGKILLs of ours.
    #[arg(long, default_value_t = 200)]
    kills: u32,
    /// Immediate stops of PostgreSQL.
    #[arg(long, default_value_t = 50)]
    stops: u32,
    /// Acknowledged commands.
    #[arg(long, default_value_t = 50_000)]
    acknowledged: usize,
    /// Clients that write at once.
    #[arg(long, default_value_t = 24)]
    writers: usize,
    /// Seed of the random moments; printed, so that a run can be repeated.
    #[arg(long)]
    seed: Option<u64>,
}

impl Apart {
    pub async fn run(self) -> anyhow::Result<()> {
        #[expect(clippy::disallowed_methods, reason = "chance picks the moments; the seed is printed and can be given")]
        let seed = self.seed.unwrap_or_else(|| rand::rng().random());
        println!("a process a service, PostgreSQL: {} kills, {} stops, seed {seed}", self.kills, self.stops);
        let cluster = Cluster::start(&[]).await?;
        let mut fleet = Fleet::plan(&cluster.url(), 2)?;
        fleet.start().await?;
        let folder = tempfile::tempdir()?;
        let outcome = self.strike(&cluster, &mut fleet, &Arc::new(Files::in_folder(folder.path())?), seed).await;
        if outcome.is_err() {
            println!("evidence is kept in {} and {}", fleet.keep().display(), folder.keep().display());
        }
        outcome
    }

    async fn strike(&self, cluster: &Cluster, fleet: &mut Fleet, files: &Arc<Files>, seed: u64) -> anyhow::Result<()> {
        let bases: Vec<String> = fleet.gateway_addresses().into_iter().map(|at| format!("http://{at}")).collect();
        let mut load = spawn_client(files, &bases, self.writers, |account| fleet.token(account))?;
        let (mut random, places) = (StdRng::seed_from_u64(seed), fleet.places());
        let (began, mut kills, mut stops) = (Instant::now(), 0, 0);
        let mut slowest = Duration::ZERO;
        while kills < self.kills || stops < self.stops || lines(files) < self.acknowledged {
            sleep(Duration::from_millis(random.random_range(50..1500))).await;
            ensure!(load.try_wait()?.is_none(), "the client ended early: see its output above");
            let place = places[random.random_range(0..places.len())];
            // every fifth time the store goes as well, and once in a while both go together
            let (store, process) = (random.random_range(0..5) == 0, random.random_range(0..5) != 0);
            if process {
                fleet.kill(place)?;
                kills += 1;
            }
            let restart = Instant::now();
            if store {
                cluster.stop_at_once()?;
                stops += 1;
                sleep(Duration::from_millis(random.random_range(0..500))).await;
                cluster.up().await?;
            }
            if process {
                come_back(fleet, place).await?;
            }
            slowest = slowest.max(restart.elapsed());
        }
        std::fs::write(&files.stop, b"")?;
        ensure!(load.wait()?.success(), "the client failed");
        println!(
            "    {kills} kills of ours, {stops} immediate stops of PostgreSQL, in {:.0?}; the slowest restart {slowest:.1?}",
            began.elapsed()
        );
        let drafts = verify::drafts(&fleet.sign_in("citizen")?, files).await?;
        let cases = verify::cases(&fleet.sign_in("supervisor")?, files, RELAYS).await?;
        println!("    acknowledged commands: {}", lines(files));
        println!("    drafts: {drafts}");
        println!("    accepted applications and their cases: {cases}");
        fleet.verify()?;
        println!("    every ledger verifies");
        ensure!(drafts.is_whole() && cases.is_whole(), "lost or doubled");
        Ok(())
    }
}

/// Starts a replica until it serves: one that finds its store recovering ends, and its supervisor starts it again.
async fn come_back(fleet: &mut Fleet, place: Place) -> anyhow::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        fleet.begin(place)?;
        match fleet.serving(place).await {
            Ok(()) => return Ok(()),
            Err(error) => ensure!(Instant::now() < deadline, "{error:#}"),
        }
    }
}

/// Acknowledgements so far, one a line.
fn lines(files: &Files) -> usize {
    std::fs::read(&files.acks).map_or(0, |bytes| bytes.iter().filter(|byte| **byte == b'\n').count())
}
