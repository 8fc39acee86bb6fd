//! No room on the disk of PostgreSQL: a small disk in memory, filled up by a file.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::ensure;
use tempfile::TempDir;
use tokio::time::sleep;
use yiwang_tests::cluster::Cluster;
use yiwang_tests::load::Amount;

use crate::stand::Stand;

/// A file system in memory, gone with the test.
struct Disk<'a>(&'a Path);

impl<'a> Disk<'a> {
    /// Needs root, or a right to mount: without it the fault is passed over, aloud.
    fn mount(at: &'a Path) -> Option<Self> {
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=320m,mode=755", "yiwang"]).arg(at).status();
        mounted.is_ok_and(|status| status.success()).then_some(Self(at))
    }

    /// Fills it up, but for a little.
    fn fill(&self) -> anyhow::Result<()> {
        let script = r#"free=$(df --output=avail -k "$1" | tail -n 1); fallocate -l $((free - 64))K "$1/ballast""#;
        ensure!(Command::new("sh").args(["-c", script, "sh"]).arg(self.0).status()?.success());
        Ok(())
    }

    fn make_room(&self) -> anyhow::Result<()> {
        Ok(std::fs::remove_file(self.0.join("ballast"))?)
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}

/// Filled under load, for five seconds.
pub async fn postgres() -> anyhow::Result<String> {
    let folder = TempDir::new()?;
    let Some(disk) = Disk::mount(folder.path()) else {
        return Ok("NOT RUN: a small disk cannot be mounted here (it needs root)".to_owned());
    };
    let home = TempDir::new_in(folder.path())?;
    let stand = Stand::on(Cluster::start_in(home, &["wal_keep_size = 0", "max_wal_size = 64MB"]).await?).await?;
    let mut under = stand.load(Amount::default()).await?;
    disk.fill()?;
    sleep(Duration::from_secs(5)).await;
    let reads = stand.fleet.sign_in("citizen")?.get("/v1/applications?page_size=1").await?;
    disk.make_room()?;
    // where there was no room for the log itself, PostgreSQL has stopped, and is started again
    let stopped = stand.cluster.is_down();
    if stopped {
        stand.cluster.up().await?;
    }
    let back = under.flows().await?;
    let seen = under.settle(&stand.fleet).await?;
    ensure!(seen.failed.contains_key("503 STORE_FULL") || stopped, "nobody heard that it is full: {seen}");
    ensure!(reads.status == 200 || stopped, "reads: {reads:?}");
    Ok(format!(
        "{seen}; reads meanwhile {}; PostgreSQL stopped: {stopped}; goes on {back:.1?} after there is room",
        reads.status
    ))
}
