//! Clocks that differ: a process is given another time by a library that stands before the system's.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::ensure;
use tempfile::TempDir;
use tokio::time::sleep;
use yiwang_tests::cluster::Cluster;
use yiwang_tests::fleet::{Fleet, Place};
use yiwang_tests::load::Amount;

use crate::stand::under;

const SOURCE: &str = r#"
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *time) {
    int failed = (int)syscall(SYS_clock_gettime, clock, time);
    const char *ahead = getenv("CLOCK_AHEAD_SECONDS");
    if (!failed && clock == CLOCK_REALTIME && ahead) time->tv_sec += atol(ahead);
    return failed;
}
"#;

fn library(folder: &Path) -> anyhow::Result<PathBuf> {
    let (source, library) = (folder.join("clock.c"), folder.join("clock.so"));
    std::fs::write(&source, SOURCE)?;
    ensure!(Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).args([&library, &source]).status()?.success());
    Ok(library)
}

/// Two replicas of everything; the second of each is ahead, by four seconds first, then by a minute until that is mended.
pub async fn apart() -> anyhow::Result<String> {
    let folder = TempDir::new()?;
    let library = library(folder.path())?;
    let mut seen = Vec::new();
    for ahead in [4, 60] {
        let cluster = Cluster::start(&[]).await?;
        let mut fleet = Fleet::plan(&cluster.url(), 2)?;
        let late: Vec<Place> = fleet.places().into_iter().filter(|place| place.1 == 1).collect();
        for place in &late {
            fleet.set_of(*place, "LD_PRELOAD", library.display());
            fleet.set_of(*place, "CLOCK_AHEAD_SECONDS", ahead);
        }
        fleet.start().await?;
        let mut under = under(&fleet, Amount { accepted: 3, ..Amount::default() }).await?;
        sleep(Duration::from_secs(8)).await;
        under.flows().await?;
        let ended = under.ended().await?;
        if ahead > 5 {
            for place in &late {
                fleet.set_of(*place, "CLOCK_AHEAD_SECONDS", 0);
                fleet.replace(*place).await?;
            }
        }
        let outcome = ended.settle(&fleet).await?;
        ensure!(outcome.failed.is_empty(), "{ahead} s ahead: {outcome}");
        seen.push(format!("{ahead} s apart: {outcome}"));
    }
    Ok(seen.join("; "))
}
