//! `just overload`: what becomes of submits when more come than can be served. Requests are sent when their time has come, whether
//! or not earlier ones were answered; what is refused must be refused quickly, what is accepted must stay near the peak, and a
//! caller who asks little must not notice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::arena::{Arena, draft, resident_megabytes};
use crate::load::{Wire, request};

/// Connections of the crowd: more than a process has places.
const CONNECTIONS: u64 = 1500;
/// Who the crowd is: those who may file.
const CROWD: [&str; 2] = ["citizen", "clerk"];
/// Who asks little, ten times a second.
const POLITE: &str = "citizen2";
const POLITE_EVERY: Duration = Duration::from_millis(100);

/// Answers of a run.
#[derive(Default)]
struct Tally {
    served: AtomicU64,
    refused: AtomicU64,
    /// Microseconds of all refusals.
    refusing: AtomicU64,
    /// Refusals without a hint when to come again, and answers that are neither good nor 429.
    wrong: AtomicU64,
}

/// One line of the curve.
struct Point {
    offered: f64,
    served: f64,
    refused: f64,
    refusal_ms: f64,
    wrong: u64,
    polite_served: f64,
    polite_p99_ms: f64,
    memory_mb: u64,
}

/// Measures the peak, then the curve around it.
pub async fn run(arena: &Arena) -> anyhow::Result<Value> {
    let up = arena.postgres().await?;
    let crowd = CROWD.map(|account| up.server.token(account)).into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let crowd = Arc::new(crowd);
    let polite = up.server.token(POLITE)?;
    let mut peak = 0.0_f64;
    for _ in 0..2 {
        peak = peak.max(arena.submits(up.server.address(), &up.token, 256).await?);
    }
    eprintln!("peak, 256 connections that wait for their answers: {peak:.0} a second");
    let mut lines = Vec::new();
    for times in [0.5, 1.0, 1.5, 2.0, 3.0] {
        let point = point(arena, crowd.clone(), &polite, peak * times).await?;
        let goodput = point.served / peak;
        println!(
            "{times:>4.1} x peak: offered {:>6.0}, served {:>6.0} ({:>3.0} % of the peak), refused {:>6.0} in {:>6.1} ms, wrong {}; \
             the polite caller: {:>3.0} % served, 99th {:>6.1} ms; {} MB",
            point.offered,
            point.served,
            goodput * 100.0,
            point.refused,
            point.refusal_ms,
            point.wrong,
            point.polite_served * 100.0,
            point.polite_p99_ms,
            point.memory_mb
        );
        lines.push(json!({
            "times": times, "offered": point.offered, "served": point.served, "goodput": goodput, "refused": point.refused,
            "refusal_ms": point.refusal_ms, "wrong": point.wrong, "polite_served": point.polite_served,
            "polite_p99_ms": point.polite_p99_ms, "memory_mb": point.memory_mb,
        }));
    }
    Ok(json!({"peak": peak, "curve": lines}))
}

async fn point(arena: &Arena, crowd: Arc<Vec<String>>, polite: &str, rate: f64) -> anyhow::Result<Point> {
    let up = arena.postgres().await?;
    let address = up.server.address();
    let (tally, sent) = (Arc::new(Tally::default()), Arc::new(AtomicU64::new(0)));
    let run = arena.run_number();
    let begin = Instant::now() + Duration::from_millis(300);
    let end = begin + arena.time;
    let mut tasks = JoinSet::new();
    for connection in 0..CONNECTIONS {
        let (tally, sent, crowd) = (tally.clone(), sent.clone(), crowd.clone());
        tasks.spawn(async move {
            let mut wire = Wire::connect(address).await?;
            let token = &crowd[connection as usize % crowd.len()];
            loop {
                let number = sent.fetch_add(1, Ordering::Relaxed);
                let due = begin + Duration::from_secs_f64(number as f64 / rate);
                if due >= end {
                    return anyhow::Ok(());
                }
                sleep_until(due).await;
                let id = format!("{run:08x}-0000-4000-8000-{connection:04x}{number:08x}");
                let asked = Instant::now();
                let status = wire.ask(&request("POST", "/v1/applications", token, &draft(&id).to_string())).await?;
                match status {
                    200 => tally.served.fetch_add(u64::from(asked < end), Ordering::Relaxed),
                    429 if wire.says("retry-after") => {
                        tally.refusing.fetch_add(asked.elapsed().as_micros() as u64, Ordering::Relaxed);
                        tally.refused.fetch_add(1, Ordering::Relaxed)
                    }
                    _ => tally.wrong.fetch_add(1, Ordering::Relaxed),
                };
            }
        });
    }
    let own = request("GET", "/v1/applications?page_size=1", polite, "");
    let politely = tokio::spawn(async move {
        let mut wire = Wire::connect(address).await?;
        let (mut served, mut times, mut due) = (0_u32, Vec::new(), begin);
        while due < end {
            sleep_until(due).await;
            let status = wire.ask(&own).await?;
            served += u32::from(status == 200);
            times.push((Instant::now() - due).as_secs_f64() * 1000.0);
            due += POLITE_EVERY;
        }
        times.sort_by(f64::total_cmp);
        let slowest = times.get(times.len() * 99 / 100).copied().unwrap_or_default();
        anyhow::Ok((f64::from(served) / times.len() as f64, slowest))
    });
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let (polite_served, polite_p99_ms) = politely.await.context("the polite caller")??;
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let (served, refused) = (count(&tally.served), count(&tally.refused));
    ensure!(served > 0, "nothing was served");
    let seconds = arena.time.as_secs_f64();
    Ok(Point {
        offered: rate,
        served: served as f64 / seconds,
        refused: refused as f64 / seconds,
        refusal_ms: count(&tally.refusing) as f64 / 1000.0 / refused.max(1) as f64,
        wrong: count(&tally.wrong),
        polite_served,
        polite_p99_ms,
        memory_mb: resident_megabytes(up.server.id())?,
    })
}
