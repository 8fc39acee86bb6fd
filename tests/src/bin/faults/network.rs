//! The network delays, swallows and cuts: between the gateway and a service, between two services, and between the services
//! and PostgreSQL.

use std::time::Duration;

use anyhow::ensure;
use tokio::time::sleep;
use yiwang_tests::load::Amount;
use yiwang_tests::proxy::{Proxy, Wire};

use crate::stand::{Stand, Under};

const LONG: Duration = Duration::from_secs(4);

/// Each message a fifth of a second later.
pub async fn slow() -> anyhow::Result<String> {
    each(Duration::from_secs(10), |way| way.set(Wire::Slow(Duration::from_millis(200))), |way| way.set(Wire::Whole))
        .await
}

/// Nothing arrives for four seconds, then everything.
pub async fn held() -> anyhow::Result<String> {
    each(Duration::from_secs(20), |way| way.set(Wire::Held), |way| way.set(Wire::Whole)).await
}

/// Connections are cut off, and refused for four seconds.
pub async fn cut() -> anyhow::Result<String> {
    each(Duration::from_secs(10), |way| way.set(Wire::Cut), |way| way.set(Wire::Whole)).await
}

/// The peer is gone and nobody says so; whoever connects anew gets through.
pub async fn gone() -> anyhow::Result<String> {
    // of the twenty seconds these are over before it is looked whether calls go on
    each(Duration::from_secs(20).saturating_sub(LONG), Proxy::vanish, |_| {}).await
}

/// On each of the three wires in turn; it must go on within `limit` of the end.
async fn each(limit: Duration, begin: impl Fn(&Proxy), end: impl Fn(&Proxy)) -> anyhow::Result<String> {
    let stand = Stand::new().await?;
    let mut under = stand.load(Amount { accepted: 5, ..Amount::default() }).await?;
    let mut times = Vec::new();
    for (name, way) in [
        ("gateway to intake", stand.way("intake")?),
        ("intake to approval", stand.way("approval")?),
        ("services to PostgreSQL", &stand.store),
    ] {
        begin(way);
        sleep(LONG).await;
        end(way);
        let back = goes_on(&mut under, limit, name).await?;
        times.push(format!("{name} {back:.1?}"));
    }
    let seen = under.settle(&stand.fleet).await?;
    Ok(format!("{seen}; goes on after: {}", times.join(", ")))
}

async fn goes_on(under: &mut Under, limit: Duration, name: &str) -> anyhow::Result<Duration> {
    let back = under.flows().await?;
    ensure!(back < limit, "{name}: calls went on after {back:?} only");
    Ok(back)
}
