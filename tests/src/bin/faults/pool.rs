//! All connections of a service to its store are at work, and more is asked.

use std::time::Duration;

use anyhow::ensure;
use tokio::task::JoinSet;
use tokio::time::Instant;
use yiwang_tests::cluster::open;
use yiwang_tests::load::Amount;

use crate::stand::{Stand, until};

/// Somebody locks a table that every read needs; sixty-four readers come.
pub async fn exhausted() -> anyhow::Result<String> {
    let stand = Stand::new().await?;
    let under = stand.load(Amount { writers: 2, ..Amount::default() }).await?;
    let seen = under.settle(&stand.fleet).await?;
    let lock = open(
        &stand.cluster.url(),
        &format!("LOCK TABLE {}.record IN ACCESS EXCLUSIVE MODE", stand.fleet.schema("intake")),
    )?;
    let reader = stand.fleet.sign_in("citizen")?;
    let mut readers = JoinSet::new();
    for _ in 0..64 {
        let reader = reader.clone();
        readers.spawn(async move {
            let began = Instant::now();
            let answer = reader.get("/v1/applications?page_size=1").await?;
            anyhow::Ok((answer.status, answer.reason().to_owned(), began.elapsed()))
        });
    }
    let (mut refused, mut slowest) = (0, Duration::ZERO);
    // those that have a connection wait for the lock, the others hear that there is none
    while refused < 56 {
        let Some(answered) = readers.join_next().await else { anyhow::bail!("only {refused} were refused") };
        let (status, reason, took) = answered??;
        ensure!((status, reason.as_str()) == (503, "STORE_UNAVAILABLE"), "{status} {reason}");
        (refused, slowest) = (refused + 1, slowest.max(took));
    }
    ensure!(slowest < Duration::from_secs(14), "refused after {slowest:?}");
    drop(lock);
    let mut served = 0;
    while let Some(answered) = readers.join_next().await {
        served += u64::from(answered??.0 == 200);
    }
    let recovered = until("reads are answered", Duration::from_secs(5), async || {
        Ok(reader.get("/v1/applications?page_size=1").await?.status == 200)
    })
    .await?;
    Ok(format!(
        "of 64 readers {refused} got 503 STORE_UNAVAILABLE within {slowest:.1?}, {served} waited for the lock and were \
        answered; reads go on {recovered:.1?} after it; before: {seen}"
    ))
}
