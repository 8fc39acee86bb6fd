//! The whole suite in one process, and all that can go wrong between its services.
//!
//! A world is drawn from a seed: its citizens and officers, what each of them does, what becomes of every message, which
//! process dies when, whose clock is wrong. Even seeds run on SQLite with one replica of each service, odd ones on
//! PostgreSQL with two. At the end everybody is left in peace until nothing moves, and the rules are held against the books.
//!
//! What a seed reproduces: every choice of every person, and the fate of each call, named by who calls whom, which method,
//! about which application and for which time. What it does not: the order in which tasks, threads and databases come to
//! run, the ids and keys that are drawn, and so how often a relay tries, which of two replicas is faster, and who wins a
//! race. A seed that failed fails again where the fault lies in what was done to the calls, and mostly where it lies in a race.

mod acts;
mod around;
mod books;
mod calls;
mod clear;
mod clock;
mod dice;
mod grid;
mod life;
mod people;
mod rules;
mod tally;
mod wire;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chrono::{Days, NaiveDate};
use futures_util::future::join_all;
use tokio::time::Instant;
use yiwang_kit::Config;
use yiwang_kit::config::{DatabaseUrl, SERVICES};
use yiwang_kit::ledger::Timestamp;
use yiwang_standards::calendar;

use books::Books;
use calls::Desk;
use clock::Clocks;
use dice::Dice;
use grid::Grid;
use life::Life;
use rules::Told;

pub use rules::{OUTCOMES, RULES};
pub use tally::Tally;
pub use wire::FAULTS;

/// Rounds in which people may wait, and rounds in which they may not.
const ROUNDS: u64 = 8;
const HURRIED: u64 = 12;
/// How long all may take to come to rest, in the time of the wall.
const PEACE: Duration = Duration::from_secs(90);

/// How a world is drawn.
#[derive(Clone)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// How many apply.
    pub applications: u64,
    /// PostgreSQL, for odd seeds.
    pub postgres: Option<String>,
}

/// Plays a world to its end; what breaks a rule.
///
/// # Errors
/// Where the world could not be built or read.
pub fn play(plan: &Plan, tally: &Tally) -> anyhow::Result<Vec<String>> {
    let folder = tempfile::tempdir()?;
    let config = config(plan, folder.path())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let played = runtime.block_on(world(plan, config.clone(), tally));
    clear::drop_schemas(&config)?;
    played
}

async fn world(plan: &Plan, config: Config, tally: &Tally) -> anyhow::Result<Vec<String>> {
    let (dice, replicas) = (Dice(plan.seed), if config.database_url.is_some() { 2 } else { 1 });
    let first_day = NaiveDate::from_ymd_opt(2026, 3, 2).context("the first day")?;
    let clocks = Clocks::new(moment(first_day, 36_000));
    let grid = Grid::open(config, dice, clocks, tally.clone(), replicas).await?;
    let readers = join_all(SERVICES.map(|service| books::follow(&grid, service)));
    let (story, seen) = futures_util::future::join(Box::pin(story(plan, &grid, first_day)), readers).await;
    let judged = match story {
        Ok((findings, told)) => {
            judge(&grid, findings, &Told { seen: SERVICES.into_iter().zip(seen).collect(), ..told }).await
        }
        Err(error) => Err(error),
    };
    let mut findings = grid.troubles();
    grid.close().await;
    match judged {
        Ok(judged) => findings.extend(judged),
        Err(error) => findings.push(format!("the world could not be played to its end: {error:#}")),
    }
    Ok(findings)
}

/// What people do; what they know of it, and what they cannot read at the end.
async fn story(plan: &Plan, grid: &Arc<Grid>, first_day: NaiveDate) -> anyhow::Result<(Vec<String>, Told)> {
    let story = act_out(plan, grid, first_day).await;
    if story.is_err() {
        grid.calm_down();
    }
    grid.let_readers_go();
    story
}

async fn act_out(plan: &Plan, grid: &Arc<Grid>, first_day: NaiveDate) -> anyhow::Result<(Vec<String>, Told)> {
    let desk = Desk::new(grid.clone())?;
    let mut lives =
        (0..plan.applications).map(|number| Life::new(&desk, number)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut day = first_day;
    for round in 0..ROUNDS + HURRIED {
        let hurry = round >= ROUNDS;
        if hurry && lives.iter().all(|life| life.ended) {
            break;
        }
        let now;
        (day, now) = next_day(grid, day, round, hurry);
        let steps = join_all(lives.iter_mut().map(|life| Box::pin(life.step(&desk, round, hurry))));
        tokio::join!(steps, Box::pin(around::notice(&desk, round, now)));
    }
    let erased = around::erase(&desk, &mut lives).await;
    grid.calm_down();
    settle(grid).await?;
    let mut findings = files_and_lists(&desk, &lives).await;
    findings.extend(lives.iter().filter(|life| !life.ended).map(|life| format!("{} never ends", life.who.about)));
    let citizens = lives.into_iter().map(|life| life.who.citizen).collect();
    Ok((findings, Told { acks: desk.acks(), seen: BTreeMap::new(), erased, citizens }))
}

/// Holds the rules against the books.
async fn judge(grid: &Arc<Grid>, mut findings: Vec<String>, told: &Told) -> anyhow::Result<Vec<String>> {
    // a process knows for up to a minute the key of somebody whom another one has erased
    grid.open_afresh().await?;
    let books = Books::read(grid).await?;
    for (name, rule) in RULES {
        findings.extend(rule(&books, told).into_iter().map(|finding| format!("{name}: {finding}")));
    }
    let clear = clear::found(&grid.config, &told.citizens)?;
    findings.extend(clear.into_iter().map(|finding| format!("nothing personal stands in clear: {finding}")));
    rules::outcomes(&books).for_each(|(what, times)| grid.tally.add(what, times));
    Ok(findings)
}

/// A later day, or a later hour; now and then a second before midnight, when processes disagree on the date.
fn next_day(grid: &Grid, day: NaiveDate, round: u64, hurry: bool) -> (NaiveDate, Timestamp) {
    let steps = if hurry { [(3, 0), (2, 1), (0, 0), (0, 0)] } else { [(4, 0), (6, 1), (4, 8), (2, 31)] };
    let days = if round == 0 { 0 } else { grid.dice.pick(&steps, &format!("{round} days")) };
    let next = day.checked_add_days(Days::new(days)).unwrap_or(day);
    let hour = if grid.dice.percent(25, &format!("{round} hour")) {
        86_399
    } else {
        36_000 + i64::try_from(round).unwrap_or(0) * 600
    };
    grid.clocks.go_to(moment(next, hour));
    (next, moment(next, hour))
}

fn moment(day: NaiveDate, second: i64) -> Timestamp {
    Timestamp(calendar::start_of_day_micros(day) + second * 1_000_000)
}

/// Waits until every process is up, no message is under way, nothing is parked, and every relay has passed every entry. (One
/// that had nothing to tell anybody says so after five seconds.)
async fn settle(grid: &Grid) -> anyhow::Result<()> {
    let (began, mut before) = (Instant::now(), Vec::new());
    while began.elapsed() < PEACE {
        tokio::time::sleep(Duration::from_millis(200)).await;
        if !grid.is_whole() {
            continue;
        }
        let mut now = Vec::new();
        for service in SERVICES {
            let look = grid.on_ledger(service, |ledger| async move {
                let relays = ledger.vitals().await?.relays;
                let waits = ledger.parked().await?.iter().any(|one| one.next_at != Timestamp::NEVER);
                let behind = relays.iter().any(|relay| relay.lag_entries > 0 && !relay.halted);
                Ok((ledger.head().await?.position, waits || behind))
            });
            now.push(look.await?);
        }
        if now == before && now.iter().all(|(_, busy)| !busy) {
            return Ok(());
        }
        before = now;
    }
    grid.trouble("long after all was calm, something still moves".into());
    Ok(())
}

/// What people can still read: each file that was taken, and each citizen's own application and no other.
async fn files_and_lists(desk: &Desk, lives: &[Life]) -> Vec<String> {
    let looks = lives.iter().map(|life| Box::pin(around::look(desk, life)));
    join_all(looks).await.into_iter().flatten().collect()
}

fn config(plan: &Plan, folder: &Path) -> anyhow::Result<Config> {
    let mut config = Config { data_dir: folder.join("data"), ..Config::default() };
    config.storage.url = Some(format!("file://{}", folder.join("data/files").display()));
    let Some(url) = plan.postgres.as_ref().filter(|_| plan.seed % 2 == 1) else { return Ok(config) };
    config.database_url = Some(DatabaseUrl::new(url.clone()));
    let schema = |service: &str| Some(format!("sim_{}_{}_{service}", std::process::id(), plan.seed));
    config.intake.schema = schema("intake");
    config.approval.schema = schema("approval");
    config.license.schema = schema("license");
    config.evaluation.schema = schema("evaluation");
    config.trading.schema = schema("trading");
    Ok(config)
}
