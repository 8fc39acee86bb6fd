//! The services of the suite, by name.

use anyhow::bail;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use yiwang_kit::config::SERVICES;
use yiwang_kit::ledger::{Ending, Ledger};
use yiwang_kit::{Env, Front, Process};

/// Name of the gateway, which keeps no ledger.
pub const GATEWAY: &str = "gateway";

/// Starts a service: opens its ledger, brings its schema up to date, registers its relays and timers.
pub async fn start(process: &Process, name: &'static str) -> anyhow::Result<Front> {
    let env = process.env(name).await?;
    let ledger = env.ledger.clone();
    let routes = constructor(name, env).await?;
    Ok(process.front(name, ledger, routes))
}

async fn constructor(name: &str, env: Env) -> anyhow::Result<Routes> {
    match name {
        yiwang_intake::NAME => yiwang_intake::start(env).await,
        yiwang_approval::NAME => yiwang_approval::start(env).await,
        yiwang_license::NAME => yiwang_license::start(env).await,
        yiwang_evaluation::NAME => yiwang_evaluation::start(env).await,
        yiwang_trading::NAME => yiwang_trading::start(env).await,
        other => bail!("no service is called {other}"),
    }
}

/// Computes a service's derived rows anew.
pub async fn rebuild(name: &str, ledger: &Ledger) -> anyhow::Result<u64> {
    Ok(match name {
        yiwang_intake::NAME => yiwang_intake::rebuild(ledger).await?,
        yiwang_approval::NAME => yiwang_approval::rebuild(ledger).await?,
        yiwang_license::NAME => yiwang_license::rebuild(ledger).await?,
        yiwang_evaluation::NAME => yiwang_evaluation::rebuild(ledger).await?,
        yiwang_trading::NAME => yiwang_trading::rebuild(ledger).await?,
        other => bail!("no service is called {other}"),
    })
}

/// What of a service's streams may be archived; a licence is in force for years in which nothing happens.
pub fn ending(name: &str) -> &'static [Ending] {
    match name {
        yiwang_intake::NAME => &yiwang_intake::ENDING,
        yiwang_approval::NAME => &yiwang_approval::ENDING,
        yiwang_evaluation::NAME => &yiwang_evaluation::ENDING,
        yiwang_trading::NAME => &yiwang_trading::ENDING,
        _ => &[],
    }
}

/// What a service makes of the request ids by which others call it, before it keeps them.
pub fn kept_as(receiver: &Ledger, request_id: String) -> String {
    match receiver.service() {
        yiwang_evaluation::NAME => yiwang_evaluation::kept_as(receiver, &request_id),
        _ => request_id,
    }
}

/// The services that were named, or all that keep a ledger where none was.
pub fn named(names: &[String]) -> anyhow::Result<Vec<&'static str>> {
    if names.is_empty() {
        return Ok(SERVICES.to_vec());
    }
    let known = |name: &String| match SERVICES.into_iter().chain([GATEWAY]).find(|known| known == name) {
        Some(known) => Ok(known),
        None => {
            bail!("没有名为 {name} 的服务 / no service is called {name}; there are: {} {GATEWAY}", SERVICES.join(" "))
        }
    };
    names.iter().map(known).collect()
}

/// The gateway over the process's links. `leaving` is cancelled when it should be sent no more.
pub fn gateway(process: &Process, probes: Routes, leaving: CancellationToken) -> anyhow::Result<axum::Router> {
    let limits = &process.config.limits;
    let options = yiwang_gateway::Options {
        concurrency: limits.concurrency,
        body_bytes: limits.message_bytes,
        attachment_bytes: limits.attachment_bytes,
        shared: Some(process.shared.clone()),
        calls_per_minute: limits.calls_per_minute,
        deadline: std::time::Duration::from_millis(limits.deadline_ms),
        leaving,
        ..yiwang_gateway::Options::default()
    };
    yiwang_gateway::router(yiwang_gateway::links(&process.links), options, process.legal.clone(), probes)
}
