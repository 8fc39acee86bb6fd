//! What an operator does between a restore and the start: say that it was one, see what others know that was lost, erase again
//! whoever was erased since.
#![expect(clippy::print_stdout, reason = "these are the commands' answers")]

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use yiwang_kit::ledger::{Call, ErasureEvent, Ledger, Resume, SubjectId, Timestamp};
use yiwang_kit::{Config, Process, Shape, new_request_id};

use crate::command::{ErasuresCommand, Restored};
use crate::{services, tools};

/// The ledgers that are there, opened without a change to their schema; the process ends them.
async fn opened(config: Config) -> anyhow::Result<(Process, Vec<Ledger>)> {
    let kept = tools::kept(&config)?;
    let process = Process::open(config, Shape::Apart, CancellationToken::new())?;
    let mut ledgers = Vec::with_capacity(kept.len());
    for name in kept {
        ledgers.push(process.ledger_as_it_is(name).await?);
    }
    Ok((process, ledgers))
}

/// `yiwang restored`.
pub async fn restored(config: Config, args: &Restored) -> anyhow::Result<()> {
    let names = services::named(&args.services)?;
    let (process, ledgers) = opened(config).await?;
    for ledger in ledgers.iter().filter(|ledger| names.contains(&ledger.service())) {
        let head = ledger.restored(Call::system(new_request_id(), ""), &args.reason).await?;
        println!("{}: 新纪元 · epoch {}, 位置 · position {}", ledger.service(), head.epoch, head.position);
        for relay in ledger.relays().await?.into_iter().filter(|relay| args.resume && relay.position > 0) {
            let ask = Resume {
                reader: relay.reader,
                epoch: head.epoch,
                at: (relay.position, relay.hash),
                since: None,
                reason: args.reason.clone(),
            };
            let resumed = ledger.resume_relay(Call::system(new_request_id(), ""), ask).await?;
            println!(
                "  {}: 自位置 · from position {}, {} 条 · entries",
                resumed.reader, resumed.position, resumed.again
            );
        }
    }
    process.stop().await;
    Ok(())
}

/// `yiwang orphans`: one JSON object a line, none where all is well.
pub async fn orphans(config: Config, since: Option<&str>) -> anyhow::Result<ExitCode> {
    let since = moment(since)?;
    let (process, ledgers) = opened(config).await?;
    let mut found = false;
    for receiver in &ledgers {
        for sender in ledgers.iter().filter(|sender| sender.service() != receiver.service()) {
            let mut told = receiver.told_by(sender.service(), since).await?;
            sender.strike_told(&mut told, |id| services::kept_as(receiver, id)).await?;
            let mut left: Vec<_> = told.into_iter().collect();
            left.sort_by_key(|(_, act)| act.at);
            found |= !left.is_empty();
            for (request, act) in left {
                let (by, at) = (sender.service(), act.at.0);
                println!(
                    "{}",
                    json!({"service": receiver.service(), "told_by": by, "stream": act.stream, "version": act.version,
                           "at_micros": at, "request_id": request})
                );
            }
        }
    }
    process.stop().await;
    Ok(if found { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// One erasure, as it is kept outside.
#[derive(Serialize, Deserialize)]
struct Line {
    service: String,
    subject: SubjectId,
    at_micros: i64,
    grounds: String,
    hash: String,
}

/// `yiwang erasures`.
pub async fn erasures(config: Config, command: &ErasuresCommand) -> anyhow::Result<()> {
    match command {
        ErasuresCommand::List { since } => list(config, moment(since.as_deref())?).await,
        ErasuresCommand::Repeat { file } => repeat(config, file).await,
    }
}

async fn list(config: Config, since: Timestamp) -> anyhow::Result<()> {
    let (process, ledgers) = opened(config).await?;
    for ledger in &ledgers {
        for (entry, ErasureEvent::Erased { subject, grounds, .. }) in ledger.erasures(since).await? {
            let line = Line {
                service: ledger.service().to_owned(),
                subject,
                at_micros: entry.at.0,
                grounds,
                hash: entry.hash.to_string(),
            };
            println!("{}", serde_json::to_string(&line)?);
        }
    }
    process.stop().await;
    Ok(())
}

/// Where a ledger knows no erasure of the person then or later, it is done there again; no other service is told.
async fn repeat(config: Config, file: &Path) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let lines: Vec<Line> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>().with_context(|| {
        format!("{} 不是 yiwang erasures list 的输出 / not what yiwang erasures list printed", file.display())
    })?;
    let (process, ledgers) = opened(config).await?;
    for ledger in &ledgers {
        let mut again = 0;
        for line in &lines {
            let known = ledger.erasures(Timestamp(line.at_micros)).await?;
            let same = |event: &ErasureEvent| matches!(event, ErasureEvent::Erased { subject, .. } if *subject == line.subject);
            if known.iter().any(|(_, event)| same(event)) {
                continue;
            }
            let call = Call::system(format!("again.{}", line.hash), "");
            ledger.erase_subject(call, &line.subject, &line.grounds, "restore").await?;
            again += 1;
        }
        println!("{:<11} {again:>9} 次删除已重做 · erasures done again", ledger.service());
    }
    process.stop().await;
    Ok(())
}

fn moment(text: Option<&str>) -> anyhow::Result<Timestamp> {
    let Some(text) = text else { return Ok(Timestamp(0)) };
    let at = chrono::DateTime::parse_from_rfc3339(text)
        .with_context(|| format!("{text}: 请用 RFC 3339 时间 / a time as in RFC 3339, 2026-03-02T09:00:00+08:00"))?;
    Ok(Timestamp(at.timestamp_micros()))
}
