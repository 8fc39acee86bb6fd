//! `just bench` asks this for the rates that only the ledger's own crate can measure: commands through the ledger alone,
//! SQLite with one transaction a submit, and the bare signature. Prints one number.

#![expect(clippy::print_stdout, reason = "its answer is what it prints")]

mod host;
mod signature;
mod single;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use yiwang_ledger::{Aggregate, Call, Database, Index, Ledger, Meta, Options, Secrets, StreamId, Tag};

/// As in the suite's own binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Errors of a program that reports and ends.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A submit as the bench counts it: 1 KB of state, two events of 300 bytes, one request id.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Submission {
    form: String,
    notes: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize, strum::IntoStaticStr)]
enum Submitted {
    Noted { note: String },
}

impl Aggregate for Submission {
    const KIND: &'static str = "submission";
    type Event = Submitted;

    fn evolve(&mut self, event: &Submitted, _: &Meta) {
        let Submitted::Noted { note } = event;
        if self.form.is_empty() {
            self.form = note.repeat(3);
        }
        self.notes += 1;
    }

    fn index(&self) -> Index {
        Index { owner: "person:bench".to_owned(), ..Index::default() }
    }

    fn tags(&self) -> Vec<Tag> {
        vec![Tag::new(Tag::AUDIENCE, "person:bench", "")]
    }
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rate =
        match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["execute", "postgres", url, callers, seconds] => {
                let database = Database::Postgres { url: url.to_owned(), schema: "bench_ledger".to_owned() };
                execute(database, callers.parse()?, Duration::from_secs_f64(seconds.parse()?)).await?
            }
            ["execute", "sqlite", folder, callers, seconds] => {
                let database = Database::Sqlite { dir: folder.into() };
                execute(database, callers.parse()?, Duration::from_secs_f64(seconds.parse()?)).await?
            }
            ["hot", "postgres", url, replicas, callers, commands] => {
                let database = Database::Postgres { url: url.to_owned(), schema: "bench_ledger".to_owned() };
                hot(database, replicas.parse()?, callers.parse()?, commands.parse()?).await?
            }
            ["sm2", what, seconds] => signature::run(what, Duration::from_secs_f64(seconds.parse()?)).await?,
            ["single", "sqlite", folder, seconds] => {
                single::run(Path::new(folder), Duration::from_secs_f64(seconds.parse()?)).await?
            }
            _ => return Err(
                "usage: rates execute postgres URL CALLERS SECONDS | execute sqlite DIR … | single sqlite DIR SECONDS | sm2 sign|verify SECONDS | hot postgres URL REPLICAS CALLERS COMMANDS"
                    .into(),
            ),
        };
    println!("{rate:.1}");
    Ok(())
}

async fn open(database: Database) -> Outcome<Ledger> {
    Ok(Ledger::open(Options {
        service: "bench",
        database,
        secrets: Secrets { wrapping_key: [7; 16], previous_wrapping_key: None, lookup_key: [7; 32] },
        host: Arc::new(host::Machine::new()?),
        production: true,
        shutdown: CancellationToken::new(),
    })
    .await?)
}

/// Commands a second on one stream, from several replicas at once that nobody sends to its owner: the worst that can be. All of
/// them are written, once, in one order; what lost too often is asked again.
async fn hot(database: Database, replicas: usize, callers: usize, commands: u64) -> Outcome<f64> {
    let mut ledgers = Vec::new();
    for _ in 0..replicas {
        ledgers.push(open(database.clone()).await?);
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "this program is a process of its own, without the kit's identifiers"
    )]
    let stream = StreamId(Uuid::now_v7());
    let (left, contended) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for caller in 0..callers {
        let (ledger, left, contended) = (ledgers[caller % replicas].clone(), left.clone(), contended.clone());
        tasks.spawn(async move {
            loop {
                let number = left.fetch_add(1, Ordering::Relaxed);
                if number >= commands {
                    return Ok::<_, yiwang_ledger::Refusal>(());
                }
                loop {
                    let call =
                        Call { principal: "person:bench".to_owned(), ..Call::system(format!("{stream}.{number}"), "") };
                    let rule = |_: &Submission, _: &yiwang_ledger::Context| {
                        Ok(vec![Submitted::Noted { note: "e".repeat(300) }])
                    };
                    match ledger.execute::<Submission>(stream, call, rule).await {
                        Ok(_) => break,
                        Err(refusal) if refusal.reason == "CONTENDED" => contended.fetch_add(1, Ordering::Relaxed),
                        Err(refusal) => return Err(refusal),
                    };
                }
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let rate = commands as f64 / began.elapsed().as_secs_f64();
    let (history, mut after) = (&ledgers[0], 0);
    loop {
        let entries = history.history(stream, after, 1000).await?;
        let Some(last) = entries.last() else { break };
        if !entries.iter().zip(after + 1..).all(|(entry, version)| entry.version == version) {
            return Err("the stream has a hole".into());
        }
        after = last.version;
    }
    if after != commands {
        return Err(format!("{after} entries for {commands} commands").into());
    }
    eprintln!(
        "{commands} commands on one stream, {replicas} replicas: {rate:.0} a second, {} CONTENDED",
        contended.load(Ordering::Relaxed)
    );
    Ok(rate)
}

/// Commands a second, each on a stream of its own, after a fifth of the time to warm up.
async fn execute(database: Database, callers: u64, time: Duration) -> Outcome<f64> {
    let ledger = open(database).await?;
    let begin = Instant::now() + time / 5;
    let end = begin + time;
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let ledger = ledger.clone();
        tasks.spawn(async move {
            let mut done = 0_u64;
            loop {
                let asked = Instant::now();
                if asked >= end {
                    return Ok::<_, yiwang_ledger::Refusal>(done);
                }
                submit(&ledger).await?;
                done += u64::from(asked >= begin);
            }
        });
    }
    let mut all = 0;
    while let Some(done) = tasks.join_next().await {
        all += done??;
    }
    Ok(all as f64 / time.as_secs_f64())
}

async fn submit(ledger: &Ledger) -> Result<(), yiwang_ledger::Refusal> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this program is a process of its own, without the kit's identifiers"
    )]
    let id = Uuid::now_v7();
    let call = Call { principal: "person:bench".to_owned(), ..Call::system(id.to_string(), "") };
    let rule = |_: &Submission, _: &yiwang_ledger::Context| {
        let event = || Submitted::Noted { note: "e".repeat(300) };
        Ok(vec![event(), event()])
    };
    ledger.create::<Submission>(StreamId(id), call, rule).await.map(drop)
}
