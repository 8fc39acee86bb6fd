//! Whoever is told of entries is away, or slow.

use std::time::Duration;

use anyhow::ensure;
use tokio::time::{Instant, sleep};
use yiwang_tests::cluster::sql;
use yiwang_tests::fleet::Place;
use yiwang_tests::load::Amount;
use yiwang_tests::proxy::Wire;

use crate::stand::Stand;

/// Approval is away for so long, while acceptances go on that each must become a case there.
pub async fn away(time: Duration) -> anyhow::Result<String> {
    let mut stand = Stand::new().await?;
    // some hundreds wait at the end, however long that takes
    let rest = (time / 200).max(Duration::from_millis(100));
    let mut under = stand.load(Amount { writers: 8, accepted: 1, rest }).await?;
    stand.fleet.kill(Place("approval", 0))?;
    let before = under.good();
    sleep(time).await;
    let during = under.good() - before;
    under.flows().await?;
    let waiting = sql(
        &stand.cluster.url(),
        &format!(
            "SELECT count(*) FROM {}.cursor WHERE reader = 'approval' AND tries > 0",
            stand.fleet.schema("intake")
        ),
    )?;
    stand.fleet.begin(Place("approval", 0))?;
    stand.fleet.serving(Place("approval", 0)).await?;
    let back = Instant::now();
    let ended = under.ended().await?;
    let seen = ended.settle(&stand.fleet).await?;
    let caught_up = back.elapsed();
    ensure!(during > 0 && !seen.failed.contains_key("503 SERVICE_UNAVAILABLE"), "callers of intake saw it: {seen}");
    Ok(format!(
        "away for {time:.0?}: {during} calls of intake answered meanwhile, {waiting} deliveries waited, caught up {caught_up:.0?} after the return (reading back included); {seen}"
    ))
}

/// Every message to approval takes a second more.
pub async fn slow() -> anyhow::Result<String> {
    let stand = Stand::new().await?;
    let mut under = stand.load(Amount { writers: 4, accepted: 3, ..Amount::default() }).await?;
    let rate = |before: u64, after: u64| after - before;
    let (first, second) = (under.good(), Duration::from_secs(5));
    sleep(second).await;
    let usual = rate(first, under.good());
    stand.way("approval")?.set(Wire::Slow(Duration::from_secs(1)));
    let first = under.good();
    sleep(second).await;
    let slowed = rate(first, under.good());
    under.flows().await?;
    stand.way("approval")?.set(Wire::Whole);
    let seen = under.settle(&stand.fleet).await?;
    ensure!(seen.failed.is_empty(), "{seen}");
    ensure!(slowed * 2 > usual, "senders were slowed: {usual} calls in five seconds before, {slowed} during");
    Ok(format!("{usual} calls in 5 s before, {slowed} during; {seen}"))
}
