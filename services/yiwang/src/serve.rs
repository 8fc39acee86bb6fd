//! Some services, each at its own address: the shape of a cluster.

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use yiwang_kit::metrics::Watch;
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
    let watch = Watch::bind(&config).await?;
    let process = Process::open(config, Shape::Apart, CancellationToken::new())?;
    process.legal.follow(process.shutdown.clone());

    let (health, probes) = Health::new().await?;
    watch.serve(&process, probes.clone());
    let tls = process.tls()?;
    let mut serving = JoinSet::new();
    let (mut opening, stop) = (Vec::new(), CancellationToken::new());
    for (name, server) in bound {
        let (slot, address) = (Slot::new(name), server.address());
        let probes = probes.clone();
        let app =
            if name == GATEWAY { services::gateway(&process, probes, health.leaving())? } else { slot.app(probes) };
        serving.spawn(server.secured(tls.clone()).serve(app, stop.clone(), process.drain()));
        opening.push((name, slot, address));
    }
    let open = async {
        for (name, slot, address) in opening {
            if name != GATEWAY {
                slot.fill(services::start(&process, name).await?);
            }
            health.serving(name).await;
            tracing::info!(service = name, %address, "serving");
        }
        anyhow::Ok(())
    };
    // whoever waits for a lock to migrate can be stopped as well
    if let Some(opened) = told.run_until_cancelled(Box::pin(open)).await {
        opened?;
        told.cancelled().await;
        health.end(&names, process.leave(), &stop).await;
    }
    stop.cancel();
    serving.join_all().await;
    process.stop().await;
    Ok(())
}
