//! What is measured: one key, one function; ours and its baseline within the same round.

use anyhow::bail;
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::Instant;
use yiwang_tests::api::Api;
use yiwang_tests::process::{Server, Start};

use crate::Figures;
use crate::arena::{Arena, ITEM, application};
use crate::{cases, licenses, outside};

/// A ratio, or a quantity, that has a floor and a goal.
pub struct Key {
    pub name: &'static str,
    pub what: &'static str,
    pub floor: f64,
    pub goal: f64,
    pub smaller_is_better: bool,
}

const fn ratio(name: &'static str, floor: f64, goal: f64, what: &'static str) -> Key {
    Key { name, what, floor, goal, smaller_is_better: false }
}

/// All of them, in the order in which a round goes.
pub const KEYS: [Key; 15] = [
    Key {
        smaller_is_better: true,
        ..ratio("ready_ms", 1_000.0, 300.0, "first answer of `yiwang up` on a warm disk, in milliseconds")
    },
    ratio("execute_vs_pgbench", 2.0, 3.5, "the ledger alone, 256 callers, against the best one-statement pgbench"),
    ratio(
        "submit_vs_pgbench",
        0.9,
        2.0,
        "submits over the public HTTP API, one process, 256 connections, against the same",
    ),
    ratio("submit_split_vs_pgbench", 0.7, 1.1, "the same with gateway and services as processes of their own"),
    ratio("submit_vs_peer", 5.0, 12.0, "the same against a small FastAPI server that writes the same rows"),
    ratio("submit_sqlite_vs_single", 2.0, 5.0, "submits on SQLite against one transaction a submit through sqlx"),
    ratio("guide_vs_axum", 0.5, 0.75, "a guide through the gateway against a bare axum handler of the same JSON"),
    ratio("read_vs_axum", 0.2, 0.45, "an application read by its owner against a bare axum handler of the same JSON"),
    ratio("hop_vs_bare", 0.7, 0.9, "the same over two processes against bare axum asking bare tonic"),
    ratio(
        "case_vs_restate",
        1.0,
        3.0,
        "whole cases, in units of 0.06 of the one-statement pgbench: what Restate reached for five durable steps",
    ),
    ratio("issue_vs_sm2", 0.25, 0.45, "licences issued against the bare signature on two threads"),
    ratio("verify_vs_sm2", 0.6, 0.85, "licences verified over HTTP against the bare verification on two threads"),
    ratio("growth_submit", 0.8, 1.0, "what submits keep from 10,000 cases to `--cases`, against what pgbench keeps"),
    ratio("growth_read", 0.8, 1.0, "the same of reads"),
    ratio("growth_list", 0.8, 1.0, "the same of an owner's newest page"),
];

/// What Restate reached of the one-statement pgbench.
const RESTATE: f64 = 0.06;

const CALLERS: u64 = 256;
const READERS: u64 = 64;

impl Key {
    /// One round. Even rounds measure the baseline first.
    pub async fn measure(&self, arena: &Arena, round: usize) -> anyhow::Result<Figures> {
        if self.name.starts_with("growth") {
            return Ok(arena.growth().await?.figures(self.name));
        }
        let base_first = round.is_multiple_of(2);
        let early = if base_first { Some(self.base(arena).await?) } else { None };
        let ours = self.ours(arena).await?;
        let base = match early {
            Some(base) => base,
            None => self.base(arena).await?,
        };
        Ok(Figures { ours, base })
    }

    async fn ours(&self, arena: &Arena) -> anyhow::Result<f64> {
        let seconds = arena.time.as_secs_f64().to_string();
        Ok(match self.name {
            "ready_ms" => ready(arena).await?,
            "execute_vs_pgbench" => {
                outside::ledger(&["execute", "postgres", &arena.url, &CALLERS.to_string(), &seconds]).await?
            }
            "submit_vs_pgbench" | "submit_vs_peer" => {
                let up = arena.postgres().await?;
                arena.submits(up.server.address(), &up.token, CALLERS).await?
            }
            "submit_split_vs_pgbench" => {
                let (town, token) = arena.split().await?;
                arena.submits(town.address(), token, CALLERS).await?
            }
            "submit_sqlite_vs_single" => {
                let up = arena.sqlite().await?;
                arena.submits(up.server.address(), &up.token, CALLERS).await?
            }
            "guide_vs_axum" => {
                let up = arena.postgres().await?;
                arena.reads(up.server.address(), &format!("/v1/items/{ITEM}"), "", READERS).await?
            }
            "read_vs_axum" => {
                let up = arena.postgres().await?;
                arena.reads(up.server.address(), &up.own, &up.token, READERS).await?
            }
            "hop_vs_bare" => {
                let (town, token) = arena.split().await?;
                let own = application(&town.api().with_token(token)).await?;
                arena.reads(town.address(), &own, token, READERS).await?
            }
            "case_vs_restate" => cases::run(arena).await?,
            "issue_vs_sm2" => licenses::issue(arena).await?,
            "verify_vs_sm2" => licenses::verify(arena).await?,
            other => bail!("no key {other}"),
        })
    }

    async fn base(&self, arena: &Arena) -> anyhow::Result<f64> {
        let seconds = arena.time.as_secs_f64().to_string();
        Ok(match self.name {
            "execute_vs_pgbench" | "submit_vs_pgbench" | "submit_split_vs_pgbench" => arena.pgbench().await?,
            "case_vs_restate" => RESTATE * arena.pgbench().await?,
            "issue_vs_sm2" => outside::ledger(&["sm2", "sign", &seconds]).await?,
            "verify_vs_sm2" => outside::ledger(&["sm2", "verify", &seconds]).await?,
            "submit_vs_peer" => arena.submits(arena.peer().await?, "", READERS).await?,
            "submit_sqlite_vs_single" => {
                let folder = TempDir::new()?;
                outside::ledger(&["single", "sqlite", &folder.path().display().to_string(), &seconds]).await?
            }
            "guide_vs_axum" => {
                let like = value(&arena.postgres().await?.server.api(), &format!("/v1/items/{ITEM}")).await?;
                let address = arena.bare(0, "axum", &like).await?;
                arena.reads(address, "/", "", READERS).await?
            }
            "read_vs_axum" | "hop_vs_bare" => {
                let up = arena.postgres().await?;
                let like = value(&up.server.api().with_token(&up.token), &up.own).await?;
                let (slot, what) = if self.name == "hop_vs_bare" { (2, "hop") } else { (1, "axum") };
                let address = arena.bare(slot, what, &like).await?;
                arena.reads(address, "/", "", READERS).await?
            }
            _ => 1.0,
        })
    }
}

async fn value(api: &Api, path: &str) -> anyhow::Result<Value> {
    Ok(api.get(path).await?.body)
}

/// From the start of the process to its first good answer, on data that is there.
async fn ready(arena: &Arena) -> anyhow::Result<f64> {
    let start = Start::sqlite(&arena.path("ready"))?;
    if !arena.path("ready").join("intake").exists() {
        drop(Server::start(&start).await?);
    }
    let began = Instant::now();
    drop(Server::start(&start).await?);
    Ok(began.elapsed().as_secs_f64() * 1000.0)
}
