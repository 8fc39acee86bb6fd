//! `just feed`: a reader of the feed sees every committed entry, once, in order, whatever the writers and the database do.
//!
//! On PostgreSQL: four writer processes; sessions that hold the head's lock or a transaction open for up to two
//! seconds; every tenth commit aborted by the database at its very end; writers' connections cut; and a reader process
//! that follows from the first entry. On SQLite, which is one process: the same writers and reader as tasks.
//! What the reader saw is compared with what the writers were told and with what the database holds.

#![expect(clippy::print_stdout, reason = "a report for a person is what this program is for")]

mod load;
mod process;
mod trouble;
mod verdict;

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use yiwang_ledger::{Database, Ledger};

/// Errors of a program that reports and ends.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const WRITERS: u64 = 4;

#[tokio::main]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["write", url, folder, number, entries] => {
            let ledger = process::open(postgres(url)).await?;
            let number = number.parse()?;
            load::write(&ledger, number, entries.parse()?, &load::acks(Path::new(folder), number)).await
        }
        ["read", url, folder, entries] => {
            let ledger = process::open(postgres(url)).await?;
            load::read(&ledger, entries.parse()?, &load::seen(Path::new(folder))).await
        }
        ["postgres", url, entries] => on_postgres(url, entries.parse()?).await,
        ["sqlite", entries] => on_sqlite(entries.parse()?).await,
        _ => Err("usage: feed postgres URL ENTRIES | feed sqlite ENTRIES".into()),
    }
}

fn postgres(url: &str) -> Database {
    Database::Postgres { url: url.to_owned(), schema: format!("feed_{}", process::run_id()) }
}

async fn on_postgres(url: &str, entries: u64) -> Outcome<()> {
    let folder = process::folder()?;
    let database = postgres(url);
    let ledger = process::open(database).await?;
    let trouble = trouble::Trouble::start(url, &format!("feed_{}", process::run_id())).await?;
    println!("PostgreSQL: {entries} entries by {WRITERS} writer processes, read by one reader process");
    let began = Instant::now();
    let share = entries / WRITERS;
    let mut reader = spawn(&["read", url, &text(&folder), &entries.to_string()])?;
    let mut writers = Vec::new();
    for number in 0..WRITERS {
        writers.push(spawn(&["write", url, &text(&folder), &number.to_string(), &share.to_string()])?);
    }
    wait_for(&mut writers).await?;
    let written = began.elapsed();
    wait_for(std::slice::from_mut(&mut reader)).await?;
    let troubles = trouble.end().await?;
    println!("    written in {written:.1?}, read to the end {:.1?} later", began.elapsed() - written);
    println!("    {troubles}");
    verdict::compare(&ledger, &folder, WRITERS, entries).await
}

async fn on_sqlite(entries: u64) -> Outcome<()> {
    let folder = process::folder()?;
    let ledger = process::open(Database::Sqlite { dir: folder.join("data") }).await?;
    println!("SQLite: {entries} entries by {WRITERS} writers in one process, read by one reader");
    let began = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..WRITERS {
        let (ledger, acks): (Ledger, PathBuf) = (ledger.clone(), load::acks(&folder, number));
        tasks.spawn(async move { load::write(&ledger, number, entries / WRITERS, &acks).await });
    }
    let (reader, seen) = (ledger.clone(), load::seen(&folder));
    tasks.spawn(async move { load::read(&reader, entries, &seen).await });
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    println!("    written and read in {:.1?}", began.elapsed());
    verdict::compare(&ledger, &folder, WRITERS, entries).await
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn spawn(arguments: &[&str]) -> Outcome<Child> {
    Ok(Command::new(std::env::current_exe()?).args(arguments).env(process::RUN_ID, process::run_id()).spawn()?)
}

async fn wait_for(children: &mut [Child]) -> Outcome<()> {
    for child in children {
        while child.try_wait()?.is_none() {
            sleep(Duration::from_millis(50)).await;
        }
        if !child.wait()?.success() {
            return Err("a process of the run failed: see its output above".into());
        }
    }
    Ok(())
}
