//! `just upgrade`: two replicas of every service and of the gateway are replaced one by one under load, across a schema
//! migration, with no call that fails.
//!
//! Three rounds. The old replicas run while the next release's migration is applied (it expands); each is replaced by itself,
//! which starts beside the newer schema; then each is replaced by the new binary, and the schema contracts. The load goes to
//! gateways that say they are ready, as a load balancer's does.

#![expect(clippy::print_stdout, reason = "a report for a person is what this program is for")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Parser;
use tokio::time::{Instant, sleep};
use yiwang_tests::cluster::{open, sql};
use yiwang_tests::doors::Doors;
use yiwang_tests::fleet::{Fleet, GATEWAY, Place};
use yiwang_tests::load::acks::Files;
use yiwang_tests::load::{Amount, Load, People, verify};
use yiwang_tests::process::binary;
use yiwang_tests::town::{POSTGRES, SERVICES};

/// Replaces replicas under load and counts what fails.
#[derive(Parser)]
struct Arguments {
    /// The binary of the older release; absent: the one of this build.
    #[arg(long)]
    old: Option<PathBuf>,
    /// Replaces one replica of every service at a time, not one of all.
    #[arg(long)]
    side_by_side: bool,
    /// Shows the start and the end of one process only.
    #[arg(long)]
    one_life: bool,
}

/// What the next release's migration would be, before anything is taken away: old replicas know nothing of it.
const EXPAND: &str = "ALTER TABLE entry ADD COLUMN later bigint; CREATE INDEX entry_later ON entry (kind, at);
    INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
    SELECT 1000, 'later', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1";
/// What the release after that takes away, once no old replica is left.
const CONTRACT: &str = "DROP INDEX entry_later;
    INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
    SELECT 1001, 'less', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let url =
        std::env::var(POSTGRES).with_context(|| format!("{POSTGRES} names no PostgreSQL: tests/with-postgres"))?;
    let mut fleet = Fleet::plan(&url, 2)?;
    if arguments.one_life {
        return one_life(&mut fleet, &url).await;
    }
    let outcome = upgrade(&mut fleet, &url, arguments).await;
    if outcome.is_err() {
        println!("logs are kept in {}", fleet.keep().display());
    }
    outcome
}

async fn upgrade(fleet: &mut Fleet, url: &str, arguments: Arguments) -> anyhow::Result<()> {
    let began = Instant::now();
    if let Some(old) = arguments.old {
        fleet.use_binary(old);
    }
    fleet.start().await?;
    let folder = tempfile::tempdir()?;
    let (files, doors) = (Arc::new(Files::in_folder(folder.path())?), Doors::new(fleet.gateways()?));
    let people =
        People { citizen: doors.with_token(&fleet.token("citizen")?), clerk: doors.with_token(&fleet.token("clerk")?) };
    let amount = Amount { rest: Duration::from_millis(20), accepted: 5, ..Amount::default() };
    let load = Load::begin(&people, &files, amount);

    migrate(fleet, url, EXPAND)?;
    replace_all(fleet, arguments.side_by_side, "old by old, beside the schema of the next release").await?;
    let beside = fleet.log(Place("intake", 0))?.contains("the schema is a later version's");
    fleet.use_binary(binary()?);
    replace_all(fleet, arguments.side_by_side, "old by new").await?;
    migrate(fleet, url, CONTRACT)?;
    sleep(Duration::from_secs(1)).await;
    load.end().await?;

    let counts = doors.counts();
    let failed = counts.failed();
    println!(
        "calls {}, failed {}, refused connections offered to the other gateway {}, the slowest {:.1?}, in {:.0?}",
        counts.calls(),
        failed.values().sum::<u64>(),
        counts.refused(),
        counts.slowest(),
        began.elapsed()
    );
    failed.iter().for_each(|(seen, times)| println!("    {times} x {seen}"));
    let drafts = verify::drafts(&fleet.sign_in("citizen")?, &files).await?;
    let cases = verify::cases(&fleet.sign_in("supervisor")?, &files, Duration::from_secs(60)).await?;
    println!("drafts: {drafts}");
    println!("accepted applications and the cases they opened: {cases}");
    fleet.verify()?;
    ensure!(failed.is_empty(), "calls failed");
    ensure!(drafts.is_whole() && cases.is_whole(), "lost or doubled");
    ensure!(beside, "an old replica says that the schema is newer");
    Ok(())
}

fn migrate(fleet: &Fleet, url: &str, migration: &str) -> anyhow::Result<()> {
    for service in SERVICES {
        sql(url, &format!("SET search_path = {}; {migration}", fleet.schema(service)))?;
    }
    Ok(())
}

/// One replica after the other, or one of every service at a time.
async fn replace_all(fleet: &mut Fleet, side_by_side: bool, what: &str) -> anyhow::Result<()> {
    let began = Instant::now();
    let places = fleet.places();
    let count = places.len();
    let rounds: Vec<Vec<Place>> = if side_by_side {
        [0, 1].map(|number| places.iter().copied().filter(|place| place.1 == number).collect()).into()
    } else {
        places.into_iter().map(|place| vec![place]).collect()
    };
    for round in rounds {
        for place in &round {
            fleet.terminate(*place)?;
        }
        for place in &round {
            let status = fleet.ended(*place).await?;
            ensure!(status.success(), "{place}: {status}");
            fleet.begin(*place)?;
        }
        for place in &round {
            fleet.serving(*place).await?;
        }
    }
    println!("{count} replicas replaced, {what}: {:.0?}", began.elapsed());
    Ok(())
}

/// It binds, migrates, then serves; told to stop it says so first, finishes the call at work, then ends.
async fn one_life(fleet: &mut Fleet, url: &str) -> anyhow::Result<()> {
    fleet.start().await?;
    let place = Place("intake", 0);
    fleet.replace(place).await?;
    let table = |name: &str| format!("LOCK TABLE {}.{name} IN ACCESS EXCLUSIVE MODE", fleet.schema("intake"));
    let (migrations, records) = (table("_sqlx_migrations"), table("record"));

    fleet.terminate(place)?;
    ensure!(fleet.ended(place).await?.success());
    let lock = open(url, &migrations)?;
    fleet.begin(place)?;
    until("it gives way to the lock", || Ok(fleet.log(place)?.contains("the migration waits for a lock"))).await?;
    let (alive, serves) = (fleet.is_alive(place).await?, fleet.health(place).await?);
    println!("while its migration waits for a lock: alive {alive}, serves {serves:?}");
    ensure!(alive && serves.is_none());
    fleet.terminate(place)?;
    let status = fleet.ended(place).await?;
    println!("told to stop while it waits: {status}");
    ensure!(status.success());
    fleet.begin(place)?;
    drop(lock);
    fleet.serving(place).await?;

    // the other replica stands back, so that the call is at work in this one
    fleet.kill(Place("intake", 1))?;
    let gateway = fleet.sign_in("citizen")?;
    let lock = open(url, &records)?;
    let call = tokio::spawn(async move { gateway.get("/v1/applications?page_size=1").await });
    until("the call is at work", || {
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name LIKE 'yiwang-fleet%'";
        Ok(sql(url, waiting)? != "0")
    })
    .await?;
    fleet.terminate(place)?;
    let deadline = Instant::now() + Duration::from_secs(5);
    while fleet.health(place).await? == Some(yiwang_tests::fleet::ServingStatus::Serving) {
        ensure!(Instant::now() < deadline, "it still says that it serves");
    }
    println!("told to stop with a call at work: no longer serving, the call not answered yet: {}", !call.is_finished());
    ensure!(!call.is_finished());
    drop(lock);
    let answer = call.await??;
    let status = fleet.ended(place).await?;
    println!("the call at work: {}; the process: {status}", answer.status);
    ensure!(answer.status == 200 && status.success());

    let gateway = Place(GATEWAY, 0);
    fleet.begin(place)?;
    fleet.serving(place).await?;
    let door = fleet.api(gateway)?;
    ensure!(door.get("/readyz").await?.status == 200);
    fleet.terminate(gateway)?;
    until("the gateway has heard it", || Ok(fleet.log(gateway)?.contains("told to stop"))).await?;
    let (ready, answers) = (door.get("/readyz").await?, door.answers().await);
    println!("a gateway told to stop: /readyz {} {}, and it answers: {answers}", ready.status, ready.text("status"));
    ensure!(ready.status == 503 && answers);
    ensure!(fleet.ended(gateway).await?.success());
    Ok(())
}

async fn until(what: &str, is_so: impl Fn() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so()? {
        ensure!(Instant::now() < deadline, "never: {what}");
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
