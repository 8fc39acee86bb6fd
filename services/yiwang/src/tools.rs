//! What an operator does beside running the suite.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "these are the commands' answers")]

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use yiwang_documents::font::Fonts;
use yiwang_documents::{Size, render, samples};
use yiwang_kit::config::SERVICES;
use yiwang_kit::identity::{Account, DevelopmentIssuer, accounts};
use yiwang_kit::{Config, Process, Shape, calendar};

use crate::services::{self, GATEWAY};

/// Says why a command failed, causes included.
pub fn complain(error: &anyhow::Error) {
    eprintln!("错误 · error: {error:#}");
}

/// `yiwang config`.
pub fn show_config(config: &Config) {
    print!("{}", config.render());
}

/// `yiwang token`.
pub fn token(config: &Config, account: &str, organisation: Option<&str>) -> anyhow::Result<()> {
    let Some(account) = Account::find(account) else {
        let line = |known: &Account| format!("  {:<16} {} {}", known.id, known.name, known.roles.join(" "));
        let lines: Vec<String> = accounts().iter().map(|known| line(known).trim_end().to_owned()).collect();
        bail!("没有演示账号 {account} / there is no account {account}; there are:\n{}", lines.join("\n"));
    };
    let fresh = std::fs::read_dir(&config.data_dir).map_or(true, |mut files| files.next().is_none());
    println!("{}", DevelopmentIssuer::open(config)?.token(account, organisation)?);
    if fresh {
        let data = config.data_dir.display();
        eprintln!("数据目录 {data} 是新建的，密钥也是：服务若用别处的数据，请以 --data 指明");
        eprintln!("{data} is new, and so is its key: where the server keeps its data elsewhere, name that with --data");
    }
    Ok(())
}

/// `yiwang calendar import`.
pub fn import_calendar(config: &Config, file: &Path) -> anyhow::Result<()> {
    let years = calendar::import(&config.calendar_dir(), file)?;
    let list = years.iter().map(i32::to_string).collect::<Vec<_>>().join(", ");
    match years.is_empty() {
        true => println!("日历已含这些年度，未作改动 · these years were there already"),
        false => println!("已导入年度 · years imported: {list}"),
    }
    Ok(())
}

/// `yiwang documents samples`: with the fonts that the installation draws with.
pub fn document_samples(config: &Config, out: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(out).with_context(|| out.display().to_string())?;
    let fonts = Fonts::configured(&config.documents)?;
    let mut written = 0;
    for text in samples::texts() {
        for (size, suffix) in [(Size::Ordinary, ""), (Size::Large, "-大字版")] {
            let name = format!("{}-{}{suffix}.pdf", text.kind.prefix(), text.kind.zh());
            std::fs::write(out.join(&name), render(&text, size, &fonts)?).with_context(|| name.clone())?;
            written += 1;
        }
    }
    println!("{}: 已写出 {written} 份样本，内容均为虚构 · {written} samples written, all made up", out.display());
    Ok(())
}

/// `yiwang migrate`: opening a ledger brings its schema up to date.
pub async fn migrate(config: Config, names: &[String]) -> anyhow::Result<()> {
    let process = Process::open(config, Shape::Apart, CancellationToken::new())?;
    for name in services::named(names)?.into_iter().filter(|name| *name != GATEWAY) {
        process.ledger(name).await?;
        println!("{name}: 数据库结构已是最新 · the schema is up to date");
    }
    process.stop().await;
    Ok(())
}

/// `yiwang rebuild`.
pub async fn rebuild(config: Config, names: &[String]) -> anyhow::Result<()> {
    let names = services::named(names)?;
    let kept = kept(&config)?;
    let process = Process::open(config, Shape::Apart, CancellationToken::new())?;
    for name in kept.into_iter().filter(|name| names.contains(name)) {
        let ledger = process.ledger_as_it_is(name).await?;
        let streams = services::rebuild(name, &ledger).await? + ledger.rebuild_own().await?;
        println!("{name:<11} {streams:>9} 个对象已重建 · streams rebuilt");
    }
    process.stop().await;
    Ok(())
}

/// The services whose ledgers are there.
pub fn kept(config: &Config) -> anyhow::Result<Vec<&'static str>> {
    let embedded =
        |name: &str| config.database_url.is_none() && config.service(name).is_some_and(|s| s.database_url.is_none());
    let kept: Vec<&'static str> =
        SERVICES.into_iter().filter(|name| !embedded(name) || config.data_dir.join(name).exists()).collect();
    if kept.is_empty() {
        bail!("{} 中没有账本 / there is no ledger in {0}", config.data_dir.display());
    }
    Ok(kept)
}

/// `yiwang verify`: fails where anything does not hold.
pub async fn verify(config: Config, as_json: bool) -> anyhow::Result<ExitCode> {
    let kept = kept(&config)?;
    let process = Process::open(config, Shape::Apart, CancellationToken::new())?;
    let mut sound = true;
    for name in kept {
        let report = process.ledger_as_it_is(name).await?.verify().await?;
        sound &= report.problems.is_empty();
        if as_json {
            println!(
                "{}",
                json!({"service": name, "entries": report.entries, "archived": report.archived, "streams": report.streams, "problems": report.problems})
            );
            continue;
        }
        let verdict = if report.problems.is_empty() { "完整 · sound" } else { "不一致 · NOT SOUND" };
        println!(
            "{name:<11} {:>9} 条记录 · entries  {:>8} 个对象 · streams  {verdict}",
            report.entries, report.streams
        );
        if report.archived > 0 {
            println!("{:<11} {:>9} 条内容在归档中 · of them archived: hold it against the files", "", report.archived);
        }
        report.problems.iter().for_each(|problem| println!("  {problem}"));
    }
    process.stop().await;
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
