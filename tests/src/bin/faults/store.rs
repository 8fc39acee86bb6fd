//! PostgreSQL stopped at once, killed, and started again.

use std::time::Duration;

use tokio::time::sleep;
use yiwang_tests::load::Amount;

use crate::stand::Stand;

/// One after the other, two seconds away each time.
pub async fn stopped_and_killed() -> anyhow::Result<String> {
    let stand = Stand::new().await?;
    let mut under = stand.load(Amount::default()).await?;
    let mut slowest = Duration::ZERO;
    for killed in [false, true] {
        if killed {
            stand.cluster.kill()?
        } else {
            stand.cluster.stop_at_once()?
        }
        sleep(Duration::from_secs(2)).await;
        stand.cluster.up().await?;
        slowest = slowest.max(under.flows().await?);
    }
    let seen = under.settle(&stand.fleet).await?;
    Ok(format!("{seen}; goes on within {slowest:.1?} after PostgreSQL is back"))
}
