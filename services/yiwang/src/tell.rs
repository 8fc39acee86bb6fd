//! The demonstration: the embedded default on a fixed first day, and the story told to it through its public API.

use anyhow::{Context as _, bail};
use chrono::NaiveDate;
use tokio_util::sync::CancellationToken;
use yiwang_kit::Config;
use yiwang_kit::config::Mode;
use yiwang_kit::identity::{Account, DevelopmentIssuer};
use yiwang_kit::ledger::Timestamp;
use yiwang_kit::server::stop_on_signal;
use yiwang_standards::calendar::start_of_day_micros;

use crate::command::Options;
use crate::demo::{self, DemoArgs};
use crate::up;

const NINE_O_CLOCK: i64 = 9 * 3600 * 1_000_000;

/// `yiwang demo`: in a folder of its own, gone afterwards, where none is named. Its people are made up: no database or key of
/// another installation is for them, whatever the environment or a file says; production alone is heard, and refuses.
pub async fn run(mode: Mode, options: &Options, args: &DemoArgs) -> anyhow::Result<()> {
    if options.database_url.is_some() {
        bail!(
            "演示只用自己目录中的 SQLite，不接受 --database-url / the demonstration keeps to SQLite in its own folder"
        );
    }
    let told = CancellationToken::new();
    stop_on_signal(told.clone())?;
    let folder = tempfile::Builder::new().prefix("yiwang-demo-").tempdir()?;
    let config = Config {
        mode,
        data_dir: options.data.clone().unwrap_or_else(|| folder.path().to_owned()),
        listen: args.listen.clone(),
        ..Config::default()
    };
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
        Some(Ok(())) if args.exit => told.cancel(),
        Some(Ok(())) if !args.json => up::greet(&running),
        Some(Ok(())) | None => {}
    }
    running.until(&told).await
}

/// Nine o'clock of the story's first day.
fn first_day() -> anyhow::Result<Timestamp> {
    let day: NaiveDate = demo::FIRST_DAY.parse().context("the story's first day")?;
    Ok(Timestamp(start_of_day_micros(day) + NINE_O_CLOCK))
}
