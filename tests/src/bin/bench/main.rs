//! `just bench`: how fast, as ratios. Every figure is measured in the same run as its baseline, in rounds that alternate, on the
//! same cores: only the ratio says anything. Durable writes everywhere: `fsync` on, SQLite with `synchronous=FULL`.

#![expect(clippy::print_stdout, reason = "a report for a person is what this program is for")]

mod arena;
mod bare;
mod cases;
mod growth;
mod keys;
mod licenses;
mod load;
mod outside;
mod overload;

use std::time::Duration;

use clap::{Parser, Subcommand};
use serde_json::{Value, json};

use arena::Arena;
use keys::{KEYS, Key};

/// Prints each key's ratio, median and worst, with its floor and its goal.
#[derive(Parser)]
struct Bench {
    #[command(subcommand)]
    bare: Option<Bare>,
    /// Rounds; each measures every key once, its baseline beside it.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds a measurement.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Only these keys.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Up to how many cases the growth keys fill: a million takes ten minutes.
    #[arg(long, default_value_t = 1_000_000)]
    cases: u64,
    /// Instead of the keys: what becomes of submits when more come than can be served.
    #[arg(long)]
    overload: bool,
    /// One JSON object instead of a table.
    #[arg(long)]
    json: bool,
    /// PostgreSQL; `tests/with-postgres` sets it.
    #[arg(long, env = "YIWANG_TEST_POSTGRES_URL")]
    database_url: String,
}

/// A baseline as a process of its own; the bench starts these itself.
#[derive(Subcommand)]
enum Bare {
    /// A bare axum handler that answers with the JSON in a file.
    Axum { listen: String, file: String },
    /// A bare axum handler that asks a bare tonic service, also started here, over TCP.
    Hop { listen: String, file: String },
    /// That tonic service.
    Tonic { listen: String, file: String },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let bench = Bench::parse();
    match &bench.bare {
        Some(Bare::Axum { listen, file }) => return bare::axum(listen, file).await,
        Some(Bare::Hop { listen, file }) => return bare::hop(listen, file).await,
        Some(Bare::Tonic { listen, file }) => return bare::tonic(listen, file).await,
        None => {}
    }
    let chosen: Vec<&Key> =
        KEYS.iter().filter(|key| bench.only.is_empty() || bench.only.iter().any(|name| name == key.name)).collect();
    anyhow::ensure!(!chosen.is_empty(), "no such key; there are: {}", KEYS.map(|key| key.name).join(" "));
    let arena = Arena::new(bench.database_url.clone(), Duration::from_secs_f64(bench.seconds), bench.cases);
    if bench.overload {
        let curve = overload::run(&arena).await?;
        if bench.json {
            println!("{}", serde_json::to_string_pretty(&curve)?);
        }
        return Ok(());
    }
    let mut results: Vec<Vec<Figures>> = chosen.iter().map(|_| Vec::new()).collect();
    for round in 1..=bench.rounds {
        for (key, results) in chosen.iter().zip(&mut results) {
            let figures = key.measure(&arena, round).await?;
            eprintln!("round {round}: {} {:.0} / {:.0} = {:.2}", key.name, figures.ours, figures.base, figures.ratio());
            results.push(figures);
        }
    }
    let report: Vec<Value> = chosen.iter().zip(&results).map(|(key, results)| report(key, results)).collect();
    let memory = arena.memory().await?;
    if bench.json {
        println!("{}", serde_json::to_string_pretty(&json!({"keys": report, "memory": memory}))?);
        return arena.stop().await;
    }
    println!("key                        median    worst   floor    goal");
    for line in &report {
        let figure = |name: &str| line[name].as_f64().map_or_else(String::new, |value| format!("{value:.2}"));
        println!(
            "{:<24} {:>8} {:>8} {:>7} {:>7}   {}",
            line["key"].as_str().unwrap_or_default(),
            figure("median"),
            figure("worst"),
            figure("floor"),
            figure("goal"),
            line["verdict"].as_str().unwrap_or_default()
        );
    }
    println!("{memory}");
    arena.stop().await
}

/// One round of a key.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// A second, or the quantity itself where nothing stands against it.
    pub ours: f64,
    /// The baseline's; 1 where there is none.
    pub base: f64,
}

impl Figures {
    fn ratio(self) -> f64 {
        self.ours / self.base
    }
}

fn report(key: &Key, results: &[Figures]) -> Value {
    let mut ratios: Vec<f64> = results.iter().map(|figures| figures.ratio()).collect();
    ratios.sort_by(f64::total_cmp);
    let median = ratios.get(ratios.len() / 2).copied().unwrap_or_default();
    // of a time or a size the largest is the worst
    let worst = if key.smaller_is_better { ratios.last() } else { ratios.first() }.copied().unwrap_or_default();
    let reaches = |mark: f64| if key.smaller_is_better { median <= mark } else { median >= mark };
    let verdict = match (reaches(key.floor), reaches(key.goal)) {
        (_, true) => "goal met",
        (true, false) => "floor met, goal not met",
        (false, false) => "floor NOT met",
    };
    let (ours, base): (Vec<f64>, Vec<f64>) = results.iter().map(|figures| (figures.ours, figures.base)).unzip();
    json!({
        "key": key.name, "what": key.what, "median": median, "worst": worst, "floor": key.floor, "goal": key.goal,
        "verdict": verdict, "ours": ours, "base": base,
    })
}
