//! Legal time (法定时间): the machine's time plus an offset that tests and the demonstration may move forward, and the
//! working-day calendar in force. Security time is the machine's alone ([`crate::entropy`]).
//!
//! Invariant: legal time never runs back, is in whole microseconds, and in production is the machine's time.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use arc_swap::ArcSwap;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use yiwang_ledger::{Host, Refusal, Timestamp};
use yiwang_standards::calendar::Calendar;

use crate::config::Config;
use crate::{calendar, entropy};

/// How often the clock's file and the calendar's folder are looked at.
const LOOK: Duration = Duration::from_millis(100);
/// A loaded year that could not be applied is tried again after this.
const AGAIN: Duration = Duration::from_secs(1);
/// Longer than a command is under way, from its decision to its commit.
const SETTLED: Duration = Duration::from_secs(150);
/// Furthest that one command may move the clock: ten years.
const FURTHEST: i64 = 10 * 366 * 24 * 3600 * 1_000_000;

/// Legal time and the calendar, shared by all services of an installation.
pub struct LegalClock {
    offset: AtomicI64,
    last: AtomicI64,
    calendar: ArcSwap<Calendar>,
    /// Counts the moves of the clock and the changes of the calendar.
    moved: watch::Sender<u64>,
    movable: Option<PathBuf>,
    calendar_dir: PathBuf,
    writing: Mutex<()>,
    /// What the files looked like before they were read.
    seen: Mutex<Look>,
}

/// What the clock's file and the calendar's folder look like from outside: another look, another content.
type Look = Vec<(PathBuf, Option<std::time::SystemTime>, u64)>;

impl LegalClock {
    /// Reads the clock and the calendar of an installation.
    ///
    /// # Errors
    /// A clock that was moved, in production; a calendar file that does not parse.
    pub fn open(config: &Config) -> anyhow::Result<Arc<Self>> {
        let file = config.data_dir.join("legal-clock");
        let calendar_dir = config.calendar_dir();
        let movable = (!config.is_production()).then(|| file.clone());
        let seen = look(movable.as_deref(), &calendar_dir);
        let offset = read_offset(&file)?;
        if config.is_production() && offset.unwrap_or(0) != 0 {
            bail!(
                "生产模式的法定时间不得调整：请移除 {0} / production refuses a moved legal clock: {0}",
                file.display()
            );
        }
        Ok(Arc::new(Self {
            offset: AtomicI64::new(offset.unwrap_or(0)),
            last: AtomicI64::new(0),
            calendar: ArcSwap::from_pointee(calendar::load(&calendar_dir)?),
            moved: watch::Sender::new(0),
            movable,
            calendar_dir,
            writing: Mutex::new(()),
            seen: Mutex::new(seen),
        }))
    }

    /// Legal time.
    pub fn time(&self) -> Timestamp {
        let now = entropy::machine_micros().saturating_add(self.offset.load(SeqCst));
        Timestamp(self.last.fetch_max(now, SeqCst).max(now))
    }

    /// Whether the clock can be moved: in development.
    pub fn is_movable(&self) -> bool {
        self.movable.is_some()
    }

    /// Moves legal time forward, for every process of the data folder.
    ///
    /// # Errors
    /// `CLOCK_NOT_MOVABLE` in production, `CLOCK_ONLY_FORWARD`.
    pub fn advance(&self, by: Duration) -> Result<Timestamp, Refusal> {
        let by =
            i64::try_from(by.as_micros()).ok().filter(|by| (1..=FURTHEST).contains(by)).ok_or_else(only_forward)?;
        self.move_to(|offset| offset.checked_add(by))
    }

    /// Moves legal time forward to a moment.
    ///
    /// # Errors
    /// `CLOCK_NOT_MOVABLE` in production, `CLOCK_ONLY_FORWARD`.
    pub fn set_to(&self, to: Timestamp) -> Result<Timestamp, Refusal> {
        let by = to.0.checked_sub(self.time().0).filter(|by| (0..=FURTHEST).contains(by)).ok_or_else(only_forward)?;
        self.move_to(|offset| offset.checked_add(by))
    }

    /// Sets legal time to a fixed moment, earlier or later: only before anything was recorded.
    ///
    /// # Errors
    /// `CLOCK_NOT_MOVABLE` in production, `CLOCK_IN_USE` where the data folder holds a ledger or a moved clock.
    pub fn start_at(&self, at: Timestamp) -> Result<Timestamp, Refusal> {
        let Some(file) = &self.movable else { return Err(not_movable()) };
        let folder = file.parent().unwrap_or(Path::new("."));
        let recorded = crate::config::SERVICES.iter().any(|service| folder.join(service).exists());
        if recorded || file.exists() {
            return Err(Refusal::state(
                "CLOCK_IN_USE",
                "数据目录已有业务数据，起始时间不能再改，请换一个空目录",
                "the data folder holds data already: its clock cannot start anew; name an empty folder",
            ));
        }
        self.last.store(0, SeqCst);
        self.move_to(|_| at.0.checked_sub(entropy::machine_micros()))
    }

    fn move_to(&self, change: impl Fn(i64) -> Option<i64>) -> Result<Timestamp, Refusal> {
        let Some(file) = &self.movable else { return Err(not_movable()) };
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = read_offset(file).ok().flatten().unwrap_or_else(|| self.offset.load(SeqCst));
        let offset = change(before).ok_or_else(only_forward)?;
        write_offset(file, offset).map_err(|error| {
            tracing::error!(cause = format!("{error:#}"), "the legal clock cannot be written");
            crate::status::internal()
        })?;
        self.offset.store(offset, SeqCst);
        self.tell();
        Ok(self.time())
    }

    fn tell(&self) {
        self.moved.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// The calendar in force.
    pub fn calendar_in_force(&self) -> Arc<Calendar> {
        self.calendar.load_full()
    }

    /// Follows the clock's file and the calendar's folder, which other processes and operators write.
    pub fn follow(self: &Arc<Self>, shutdown: CancellationToken) {
        let clock = self.clone();
        tokio::spawn(async move {
            while shutdown.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
                clock.read_again();
            }
        });
    }

    /// Reads the files again where they look different.
    fn read_again(&self) {
        let now = look(self.movable.as_deref(), &self.calendar_dir);
        let before = std::mem::replace(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner), now.clone());
        if now == before {
            return;
        }
        if let Some(file) = &self.movable
            && let Ok(Some(offset)) = read_offset(file)
        {
            // Only forward: a file put back by hand moves nothing.
            self.offset.fetch_max(offset, SeqCst);
        }
        match calendar::load(&self.calendar_dir) {
            Ok(calendar) => self.calendar.store(Arc::new(calendar)),
            Err(error) => tracing::error!(
                cause = format!("{error:#}"),
                "a calendar file is not accepted; the calendar in force stays"
            ),
        }
        self.tell();
    }

    /// Runs `then` for every year that the calendar covers, now and whenever one more is loaded: records that were
    /// computed without it are computed anew (`ledger.sweep` by the tag `provisional`). And once more when no command can be
    /// under way that was decided without it.
    pub fn on_year<F, W>(self: &Arc<Self>, shutdown: CancellationToken, then: F)
    where
        F: Fn(i32) -> W + Send + 'static,
        W: Future<Output = Result<(), Refusal>> + Send,
    {
        let (clock, mut moved) = (self.clone(), self.moved.subscribe());
        tokio::spawn(async move {
            let mut once = BTreeSet::new();
            // When each year is to be applied next; none where it was applied twice.
            let mut due: BTreeMap<i32, Option<Instant>> = BTreeMap::new();
            loop {
                for year in clock.calendar.load().covered_years() {
                    due.entry(year).or_insert_with(|| Some(Instant::now()));
                }
                let now: Vec<i32> = due
                    .iter()
                    .filter(|(_, at)| at.is_some_and(|at| at <= Instant::now()))
                    .map(|(year, _)| *year)
                    .collect();
                for year in now {
                    let again = match then(year).await {
                        Ok(()) if once.insert(year) => Some(Instant::now() + SETTLED),
                        Ok(()) => None,
                        Err(refusal) => {
                            tracing::warn!(year, reason = refusal.reason, "a loaded year waits to be applied");
                            Some(Instant::now() + AGAIN)
                        }
                    };
                    due.insert(year, again);
                }
                let soonest = due.values().flatten().min().copied();
                let next = async {
                    tokio::select! {
                        () = until(soonest) => {}
                        _ = moved.changed() => {}
                    }
                };
                if shutdown.run_until_cancelled(next).await.is_none() {
                    return;
                }
            }
        });
    }
}

impl Host for LegalClock {
    fn now(&self) -> Timestamp {
        self.time()
    }
    fn machine_now(&self) -> Timestamp {
        Timestamp(entropy::machine_micros())
    }
    fn calendar(&self) -> Arc<Calendar> {
        self.calendar.load_full()
    }
    fn fill(&self, bytes: &mut [u8]) {
        entropy::fill(bytes);
    }
    fn moved(&self) -> watch::Receiver<u64> {
        self.moved.subscribe()
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

fn look(clock: Option<&Path>, calendar_dir: &Path) -> Look {
    let years = calendar::files(calendar_dir).unwrap_or_default();
    let look = |path: PathBuf| {
        let meta = fs::metadata(&path).ok();
        (path, meta.as_ref().and_then(|m| m.modified().ok()), meta.map_or(0, |m| m.len()))
    };
    clock.map(Path::to_owned).into_iter().chain(years).map(look).collect()
}

fn read_offset(file: &Path) -> anyhow::Result<Option<i64>> {
    match fs::read_to_string(file) {
        Ok(text) => text.trim().parse().map(Some).with_context(|| format!("{} does not hold a number", file.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| file.display().to_string()),
    }
}

/// Whole or not at all: readers never see half a number.
fn write_offset(file: &Path, offset: i64) -> anyhow::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let draft = folder.join(format!(".legal-clock-{}", entropy::new_request_id()));
    crate::keys::write_private(&draft, format!("{offset}\n").as_bytes())?;
    fs::rename(&draft, file)?;
    Ok(())
}

fn only_forward() -> Refusal {
    Refusal::invalid(
        "CLOCK_ONLY_FORWARD",
        "法定时间只能向前调整，一次不超过十年",
        "legal time moves forward only, by at most ten years at a time",
    )
}

fn not_movable() -> Refusal {
    Refusal::state("CLOCK_NOT_MOVABLE", "生产模式的法定时间不得调整", "legal time cannot be moved in production")
}
