//! `just sim`: the whole suite, simulated from seeds; see `suite`. Each seed that breaks a rule is printed with what it broke.

#![expect(clippy::print_stdout, reason = "a report for a person is what this program is for")]

mod suite;

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use clap::Parser;
use suite::{FAULTS, Plan, RULES, Tally, play};
use tokio::time::Instant;

/// 全系统模拟 · the whole suite, simulated
#[derive(Parser)]
struct Arguments {
    /// How many seeds.
    #[arg(long, default_value_t = 200)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// One seed alone, played again.
    #[arg(long)]
    seed: Option<u64>,
    /// How many apply in each.
    #[arg(long, default_value_t = 24)]
    applications: u64,
    /// Worlds at a time.
    #[arg(long, default_value_t = 6)]
    worlds: usize,
    /// PostgreSQL for the odd seeds; absent: SQLite for all.
    #[arg(long, env = "YIWANG_TEST_POSTGRES_URL", hide_env_values = true)]
    postgres: Option<String>,
}

/// What a run of many seeds must have seen.
const MANY: u64 = 100;

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let seeds = arguments.seed.map_or(arguments.from..arguments.from + arguments.seeds, |seed| seed..seed + 1);
    let (began, tally, many) = (Instant::now(), Tally::default(), seeds.end - seeds.start);
    println!("Seeds {} to {}, {} applications each", seeds.start, seeds.end - 1, arguments.applications);
    let (next, broken) = (AtomicU64::new(seeds.start), AtomicU64::new(0));
    std::thread::scope(|worlds| {
        for _ in 0..arguments.worlds {
            worlds.spawn(|| {
                while let Some(seed) = Some(next.fetch_add(1, SeqCst)).filter(|seed| *seed < seeds.end) {
                    if !keeps_the_rules(seed, &arguments, &tally) {
                        broken.fetch_add(1, SeqCst);
                    }
                }
            });
        }
    });
    let broken = broken.into_inner();
    let missing = report(&tally, many);
    println!(
        "{} rules, {many} seeds, {} applications, {broken} seeds broke a rule, {:.0} s",
        RULES.len(),
        tally.of("application drafted"),
        began.elapsed().as_secs_f64()
    );
    Ok(if broken == 0 && missing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Plays a seed, and prints what it breaks.
fn keeps_the_rules(seed: u64, arguments: &Arguments, tally: &Tally) -> bool {
    let plan = Plan { seed, applications: arguments.applications, postgres: arguments.postgres.clone() };
    let findings = match play(&plan, tally) {
        Ok(findings) => findings,
        Err(error) => vec![format!("the world could not be played: {error:#}")],
    };
    if findings.is_empty() {
        return true;
    }
    let again = format!("just sim --seed {seed} --applications {}", arguments.applications);
    let shown: String = findings.iter().take(20).map(|finding| format!("\n    {finding}")).collect();
    println!("Seed {seed} breaks the rules, {} findings; again: {again}{shown}", findings.len());
    false
}

/// Prints what happened; how much of what must happen did not.
fn report(tally: &Tally, many: u64) -> usize {
    println!("What went wrong, and what came of it:");
    for (what, times) in tally.all() {
        println!("    {times:>8}  {what}");
    }
    let missing: Vec<&str> = FAULTS.into_iter().chain(suite::OUTCOMES).filter(|what| tally.of(what) == 0).collect();
    if many < MANY || missing.is_empty() {
        return 0;
    }
    println!("Never seen, and so not shown to be harmless: {}", missing.join(", "));
    missing.len()
}
