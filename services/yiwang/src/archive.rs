//! `yiwang archive`: old entries' bodies moved to files, and back.
#![expect(clippy::print_stdout, reason = "these are the commands' answers")]

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use chrono::{FixedOffset, NaiveDate, NaiveTime};
use tokio_util::sync::CancellationToken;
use yiwang_kit::ledger::Timestamp;
use yiwang_kit::{Config, Process, Shape};

use crate::command::ArchiveCommand;
use crate::{services, tools};

/// Out, or back.
pub async fn run(config: Config, command: &ArchiveCommand) -> anyhow::Result<()> {
    match command {
        ArchiveCommand::Out { before, to } => out(config, *before, to).await,
        ArchiveCommand::Return { files } => back(config, files).await,
    }
}

async fn out(config: Config, before: NaiveDate, to: &Path) -> anyhow::Result<()> {
    // the day begins when it begins in China
    let begins = before.and_time(NaiveTime::MIN);
    let begins = FixedOffset::east_opt(8 * 3600).and_then(|china| begins.and_local_timezone(china).single());
    let begins = Timestamp(begins.context("日期超出范围 / the date is out of range")?.timestamp_micros());
    std::fs::create_dir_all(to).with_context(|| to.display().to_string())?;
    let kept = tools::kept(&config)?;
    let process = Process::open(config, Shape::Apart, CancellationToken::new())?;
    for name in kept {
        let ledger = process.ledger_as_it_is(name).await?;
        let file = to.join(format!("{name}-{before}.jsonl"));
        let moved = ledger.archive(services::ending(name), begins, &file).await?;
        println!("{name:<11} {moved:>9} 条记录已归档 · entries archived");
    }
    process.stop().await;
    Ok(())
}

async fn back(config: Config, files: &[PathBuf]) -> anyhow::Result<()> {
    let kept = tools::kept(&config)?;
    let process = Process::open(config, Shape::Apart, CancellationToken::new())?;
    for file in files {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some(service) = kept.iter().find(|service| name.starts_with(&format!("{service}-"))) else {
            bail!("{name} 不以服务名开头 / does not begin with a service's name: {}", kept.join(" "));
        };
        let returned = process.ledger_as_it_is(service).await?.bring_back(file).await?;
        println!("{service:<11} {returned:>9} 条记录已移回 · entries brought back");
    }
    process.stop().await;
    Ok(())
}
