//! The primary dies for good; a standby is promoted by hand and takes its address.

use std::time::Duration;

use anyhow::ensure;
use tokio::time::sleep;
use yiwang_tests::cluster::{Cluster, sql};
use yiwang_tests::fleet::Place;
use yiwang_tests::load::Amount;
use yiwang_tests::proxy::{Proxy, Wire};

use crate::stand::{Stand, until};

/// A commit is answered when the standby has it too: nothing that was acknowledged can be missing there.
pub async fn synchronous() -> anyhow::Result<String> {
    let primary = Cluster::start(&[]).await?;
    let standby = primary.standby("spare", primary.address()).await?;
    primary.configure(&["synchronous_standby_names = 'spare'"])?;
    primary.reload()?;
    until("the standby is synchronous", Duration::from_secs(20), async || {
        Ok(sql(&primary.url(), "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'")? == "1")
    })
    .await?;
    let stand = Stand::on(primary).await?;
    let mut under = stand.load(Amount::default()).await?;
    standby.stop_at_once()?;
    sleep(Duration::from_secs(1)).await;
    let before = under.good();
    sleep(Duration::from_secs(2)).await;
    let unanswered = under.good() == before;
    standby.up().await?;
    under.flows().await?;
    stand.cluster.kill()?;
    standby.promote()?;
    stand.store.lead_to(standby.address());
    let away = under.flows().await?;
    ensure!(unanswered, "commits were answered while no standby had them");
    sleep(Duration::from_secs(1)).await;
    let seen = under.settle(&stand.fleet).await?;
    for service in ["intake", "approval"] {
        ensure!(!stand.fleet.log(Place(service, 0))?.contains("relay halted"), "a relay of {service} halted");
    }
    Ok(format!(
        "{seen}; no commit answered while the standby was away; goes on {away:.1?} after the promotion; no relay halted"
    ))
}

/// A commit is answered before the standby has it: here the wire to it is held, so that the last seconds are missing.
pub async fn asynchronous() -> anyhow::Result<String> {
    let primary = Cluster::start(&[]).await?;
    let follow = Proxy::to(primary.address()).await?;
    let standby = primary.standby("spare", follow.address()).await?;
    let stand = Stand::on(primary).await?;
    let mut under = stand.load(Amount { accepted: 3, ..Amount::default() }).await?;
    // what stands until here is on both
    until("the standby has followed", Duration::from_secs(20), async || {
        let here = sql(&stand.cluster.url(), "SELECT pg_current_wal_lsn()")?;
        Ok(sql(&standby.url(), &format!("SELECT pg_last_wal_replay_lsn() >= '{here}'"))? == "t")
    })
    .await?;
    follow.set(Wire::Held);
    under.flows().await?;
    under.flows().await?;
    let before = head(&stand.cluster.url(), &stand)?;
    let counting = under.ended().await?;
    until("the relays have read to the end", Duration::from_secs(20), async || {
        let behind = format!(
            "SELECT count(*) FROM {0}.cursor c, {0}.head h WHERE c.stream = '00000000-0000-0000-0000-000000000000' AND c.position < {before}",
            stand.fleet.schema("intake")
        );
        Ok(sql(&stand.cluster.url(), &behind)? == "0")
    })
    .await?;
    stand.cluster.kill()?;
    standby.promote()?;
    stand.store.lead_to(standby.address());
    let halted = until("a relay halts", Duration::from_secs(60), async || {
        Ok(stand.fleet.log(Place("intake", 0))?.contains("FEED_REWOUND"))
    })
    .await?;
    let after = head(&standby.url(), &stand)?;
    let seen = counting.count(&stand.fleet, Duration::from_secs(1)).await?;
    ensure!(seen.drafts.lost > 0 && after < before, "nothing was lost: {seen}; the run shows nothing");
    ensure!(seen.drafts.doubled == 0, "{seen}");
    stand.fleet.verify()?;
    Ok(format!(
        "lost: {} of {} acknowledged drafts (positions {} to {before} of intake's ledger); relays of intake halted with \
         FEED_REWOUND {halted:.1?} after the promotion; what is left verifies",
        seen.drafts.lost,
        seen.drafts.acknowledged,
        after + 1
    ))
}

/// Where intake's ledger stands.
fn head(url: &str, stand: &Stand) -> anyhow::Result<u64> {
    Ok(sql(url, &format!("SELECT position FROM {}.head", stand.fleet.schema("intake")))?.parse()?)
}
