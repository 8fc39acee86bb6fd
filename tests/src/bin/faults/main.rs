//! `just faults`: each fault on an installation under load, what is expected of it, and what was seen.

#![expect(clippy::print_stdout, reason = "a report for a person is what this program is for")]

mod clocks;
mod failover;
mod full;
mod network;
mod pool;
mod receiver;
mod settings;
mod stand;
mod store;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use anyhow::{bail, ensure};
use clap::Parser;
use tokio::time::Instant;

/// Brings faults about.
#[derive(Parser)]
struct Arguments {
    /// Which; absent: all.
    names: Vec<String>,
    /// How long a service stays away, in seconds.
    #[arg(long, default_value_t = 60)]
    away: u64,
}

type Outcome = Pin<Box<dyn Future<Output = anyhow::Result<String>>>>;

/// A fault: what brings it about answers what was seen, or fails where that is not what is expected.
struct Fault {
    name: &'static str,
    expected: &'static str,
    run: fn(&Arguments) -> Outcome,
}

macro_rules! fault {
    ($name:literal, $expected:literal, $run:expr) => {
        Fault { name: $name, expected: $expected, run: |_| Box::pin($run) }
    };
}

const FAULTS: &[Fault] = &[
    fault!("postgres", "503 while it is away, goes on by itself, 0 lost, 0 doubled", store::stopped_and_killed()),
    fault!("failover-sync", "goes on with the standby, 0 lost, 0 doubled", failover::synchronous()),
    fault!(
        "failover-async",
        "the last commits are lost: counted, relays halt with FEED_REWOUND",
        failover::asynchronous()
    ),
    fault!(
        "pool",
        "those who find no connection are refused before their deadline, others wait; recovers at once",
        pool::exhausted()
    ),
    fault!("disk-full", "writes: 503 STORE_FULL, reads go on; recovers with room, 0 lost", full::postgres()),
    Fault {
        name: "away",
        expected: "senders go on, deliveries wait, 0 lost, 0 doubled, caught up within a minute",
        run: |arguments| Box::pin(receiver::away(Duration::from_secs(arguments.away))),
    },
    fault!("slow-receiver", "senders are not slowed, deliveries come late, 0 lost", receiver::slow()),
    fault!("network-slow", "slower answers, 0 errors but where a deadline passes, 0 lost", network::slow()),
    fault!("network-held", "answers late or 503/504, 0 lost, goes on by itself", network::held()),
    fault!("network-cut", "503, 0 lost, goes on at once", network::cut()),
    fault!("network-gone", "a peer gone without a word is given up within 20 s, 0 lost", network::gone()),
    fault!("clocks", "4 s apart: no difference; 60 s: deliveries wait until mended, 0 lost", clocks::apart()),
    fault!("fsync-off", "refused in production, said aloud in development", settings::fsync_off()),
];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let known = |name: &&String| FAULTS.iter().any(|fault| fault.name == name.as_str());
    if let Some(unknown) = arguments.names.iter().find(|name| !known(name)) {
        bail!(
            "no fault is called {unknown}; there are: {}",
            FAULTS.iter().map(|fault| fault.name).collect::<Vec<_>>().join(" ")
        );
    }
    println!("| fault | expected | seen | pass |\n|---|---|---|---|");
    let mut failed = 0;
    for fault in FAULTS {
        if !arguments.names.is_empty() && !arguments.names.iter().any(|name| name == fault.name) {
            continue;
        }
        let began = Instant::now();
        let outcome = (fault.run)(&arguments).await;
        failed += usize::from(outcome.is_err());
        let pass = if outcome.is_ok() { "yes" } else { "NO" };
        let seen = outcome.unwrap_or_else(|error| format!("{error:#}"));
        println!("| {} | {} | {seen} ({:.0?}) | {pass} |", fault.name, fault.expected, began.elapsed());
    }
    ensure!(failed == 0, "{failed} faults did not end as they should");
    Ok(())
}
