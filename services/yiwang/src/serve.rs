//! Some services, each at its own address: the shape of a cluster.

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use yiwang_kit::server::{Server, stop_on_signal};
use yiwang_kit::{Config, Health, Process, Shape, Slot};

use crate::services::{self, GATEWAY};

/// `yiwang serve <service> …`: every port is bound before any ledger is opened.
pub async fn run(config: Config, names: &[String]) -> anyhow::Result<()> {
    let (names, told) = (services::named(names)?, CancellationToken::new());
    stop_on_signal(told.clone())?;
    let mut bound = Vec::new();
    for name in &names {
        let address = if *name == GATEWAY { config.listen.clone() } else { config.service_listen(name) };
        bound.push((*name, Server::bind(&address).await?));
    }
    let process = Process::open(config, Shape::Apart, CancellationToken::new())?;
    process.legal.follow(process.shutdown.clone());

    let mut serving = JoinSet::new();
    let mut opening = Vec::new();
    for (name, server) in bound {
        let (health, probes) = Health::new().await?;
        let (slot, address) = (Slot::new(name), server.address());
        let app = if name == GATEWAY { services::gateway(&process, probes)? } else { slot.app(probes) };
        let stop = CancellationToken::new();
        serving.spawn(server.serve(app, stop.clone(), process.drain()));
        opening.push((name, health, slot, address, stop));
    }
    let mut open = Vec::new();
    for (name, health, slot, address, stop) in opening {
        if name != GATEWAY {
            slot.fill(services::start(&process, name).await?);
        }
        health.serving(name).await;
        health.all_serving().await;
        tracing::info!(service = name, %address, "serving");
        open.push((name, health, stop));
    }

    told.cancelled().await;
    for (name, health, stop) in &open {
        health.end(&[name], stop).await;
    }
    serving.join_all().await;
    process.stop().await;
    Ok(())
}
