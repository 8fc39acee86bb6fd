//! What is kept of the speed as cases grow from ten thousand to a million, beside what PostgreSQL itself keeps on as many rows.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, ensure};
use serde_json::Value;
use tokio::task::JoinSet;
use yiwang_tests::process::{Server, Start};

use crate::Figures;
use crate::arena::{Arena, draft};
use crate::load::{self, Load, Wire};
use crate::outside;

/// Where growth begins.
const FEW: u64 = 10_000;
/// Connections that fill and submit, and that read.
const WRITERS: u64 = 256;
const READERS: u64 = 64;
/// How many ids of those filled are read in turn.
const KEPT: u64 = 20_000;

/// Submits, reads and lists a second.
#[derive(Clone, Copy, Debug)]
struct Rates {
    submit: f64,
    read: f64,
    list: f64,
}

impl Rates {
    fn of(self, name: &str) -> f64 {
        match name {
            "growth_submit" => self.submit,
            "growth_read" => self.read,
            _ => self.list,
        }
    }
}

/// Before and after, ours and PostgreSQL's own.
pub struct Growth {
    ours: [Rates; 2],
    base: [Rates; 2],
}

impl Growth {
    /// What is kept of a rate: ours, and the baseline's.
    pub fn figures(&self, name: &str) -> Figures {
        let kept = |rates: &[Rates; 2]| rates[1].of(name) / rates[0].of(name);
        Figures { ours: kept(&self.ours), base: kept(&self.base) }
    }

    /// Fills and measures, once a run: minutes.
    pub async fn measure(arena: &Arena, many: u64) -> anyhow::Result<Self> {
        ensure!(many > FEW, "--cases is more than {FEW}");
        let url = outside::database(&arena.url, "growth")?;
        outside::sql_file(&url, "schema.sql")?;
        let start = Start::postgres(&arena.path("growth"), &url)?;
        let server = Server::start(&start).await?;
        let ours = Ours { arena, address: server.address(), token: server.token("citizen")?, ids: Arc::default() };
        let (mut own, mut base, mut filled) = (Vec::new(), Vec::new(), 0);
        for cases in [FEW, many] {
            ours.fill(filled, cases).await?;
            outside::sql(&url, &format!("SELECT bench.fill({}, {cases})", filled + 1))?;
            outside::sql(&url, "VACUUM ANALYZE")?;
            outside::sql(&url, "CHECKPOINT")?;
            own.push(ours.rates().await?);
            base.push(Rates {
                submit: outside::pgbench(&url, arena.time).await?,
                read: outside::pgbench_file(&url, arena.time, "pgbench-read.sql", cases).await?,
                list: outside::pgbench_file(&url, arena.time, "pgbench-list.sql", cases).await?,
            });
            eprintln!("{cases} cases: ours {:?}, pgbench {:?}", own.last(), base.last());
            filled = cases;
        }
        let two = |rates: Vec<Rates>| <[Rates; 2]>::try_from(rates).ok().context("two measurements");
        Ok(Self { ours: two(own)?, base: two(base)? })
    }
}

struct Ours<'a> {
    arena: &'a Arena,
    address: SocketAddr,
    token: String,
    ids: Arc<Mutex<Vec<String>>>,
}

impl Ours<'_> {
    /// Submits until there are so many; the ids of some, evenly, are kept for the reads.
    async fn fill(&self, from: u64, to: u64) -> anyhow::Result<()> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let (address, token, ids) = (self.address, self.token.clone(), self.ids.clone());
            writers.spawn(async move {
                let mut wire = Wire::connect(address).await?;
                for number in (from + writer..to).step_by(WRITERS as usize) {
                    let body = draft(&format!("fill-{number}")).to_string();
                    let status = wire.ask(&load::request("POST", "/v1/applications", &token, &body)).await?;
                    ensure!(status == 200, "{status}: {}", wire.last());
                    if number % to.div_ceil(KEPT) == 0 {
                        let answer: Value = serde_json::from_slice(wire.body())?;
                        let id = answer["id"].as_str().context("an id")?.to_owned();
                        ids.lock().unwrap_or_else(PoisonError::into_inner).push(id);
                    }
                }
                anyhow::Ok(())
            });
        }
        while let Some(done) = writers.join_next().await {
            done??;
        }
        Ok(())
    }

    async fn rates(&self) -> anyhow::Result<Rates> {
        let submit = self.arena.submits(self.address, &self.token, WRITERS).await?;
        let ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (load, token) = (Load { connections: READERS, time: self.arena.time }, self.token.clone());
        let read = load::run(self.address, load, move |connection, number| {
            // spread over all of them, whoever asks
            let which = (connection * 7_919 + number * 104_729) as usize % ids.len();
            load::request("GET", &format!("/v1/applications/{}", ids[which]), &token, "")
        })
        .await?;
        let list = self.arena.reads(self.address, "/v1/applications?page_size=20", &self.token, READERS).await?;
        Ok(Rates { submit, read, list })
    }
}
