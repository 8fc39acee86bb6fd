//! The demonstration: the embedded default on a fixed first day, and the story told to it through its public API.

use anyhow::Context as _;
use chrono::NaiveDate;
use tokio_util::sync::CancellationToken;
use yiwang_kit::Config;
use yiwang_kit::identity::{Account, DevelopmentIssuer};
use yiwang_kit::ledger::Timestamp;
use yiwang_kit::server::stop_on_signal;
use yiwang_standards::calendar::start_of_day_micros;

use crate::demo::{self, DemoArgs};
use crate::up;

const NINE_O_CLOCK: i64 = 9 * 3600 * 1_000_000;

/// `yiwang demo`: in a folder of its own, gone afterwards, where none is named.
pub async fn run(mut config: Config, named: bool, args: &DemoArgs) -> anyhow::Result<()> {
    let told = CancellationToken::new();
    stop_on_signal(told.clone())?;
    let folder = tempfile::Builder::new().prefix("yiwang-demo-").tempdir()?;
    if !named {
        config.data_dir = folder.path().to_owned();
    }
    config.listen.clone_from(&args.listen);
    let issuer = DevelopmentIssuer::open(&config)?;
    let running = up::start(config, Some(first_day()?)).await?;
    let base = format!("http://{}", running.address);
    let tokens = move |account: &str| issuer.token(Account::find(account).context("no such account")?, None);
    let story = demo::run(args, base, Box::new(tokens));
    match told.run_until_cancelled(story).await {
        Some(Err(error)) => {
            running.end().await?;
            return Err(error);
        }
        Some(Ok(())) if !args.exit => up::greet(&running),
        _ => told.cancel(),
    }
    running.until(&told).await
}

/// Nine o'clock of the story's first day.
fn first_day() -> anyhow::Result<Timestamp> {
    let day: NaiveDate = demo::FIRST_DAY.parse().context("the story's first day")?;
    Ok(Timestamp(start_of_day_micros(day) + NINE_O_CLOCK))
}
