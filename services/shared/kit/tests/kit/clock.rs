//! Legal time: moved forward by whoever may, shared by the processes of a data folder, the machine's in production.

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use yiwang_kit::config::Mode;
use yiwang_kit::{Config, LegalClock, calendar, entropy};
use yiwang_ledger::{Host as _, Timestamp};

const DAY: Duration = Duration::from_secs(24 * 3600);
const SECOND: i64 = 1_000_000;

fn folder() -> (TempDir, Config) {
    let dir = tempfile::tempdir().unwrap();
    let config = Config { data_dir: dir.path().join("data"), ..Config::default() };
    (dir, config)
}

fn near(a: i64, b: i64) -> bool {
    (a - b).abs() < 20 * SECOND
}

#[test]
fn legal_time_is_the_machines_until_it_is_moved() {
    let (_dir, config) = folder();
    let clock = LegalClock::open(&config).unwrap();
    assert!(near(clock.time().0, entropy::machine_micros()));
    let moved = clock.advance(20 * DAY).unwrap();
    assert!(near(moved.0, entropy::machine_micros() + 20 * 86_400 * SECOND));
}

#[test]
fn a_move_is_told_and_outlives_the_process() {
    let (_dir, config) = folder();
    let clock = LegalClock::open(&config).unwrap();
    let moved = clock.moved();
    let before = *moved.borrow();
    clock.advance(DAY).unwrap();
    assert_ne!(*moved.borrow(), before);
    assert!(near(LegalClock::open(&config).unwrap().time().0, clock.time().0));
}

#[test]
fn legal_time_never_runs_back() {
    let (_dir, config) = folder();
    let clock = LegalClock::open(&config).unwrap();
    assert_eq!(clock.advance(Duration::ZERO).unwrap_err().reason, "CLOCK_ONLY_FORWARD");
    assert_eq!(clock.set_to(Timestamp(0)).unwrap_err().reason, "CLOCK_ONLY_FORWARD");
    let times: Vec<Timestamp> = (0..1000).map(|_| clock.time()).collect();
    assert!(times.is_sorted());
}

#[test]
fn a_new_folder_may_start_on_a_day_of_the_past_and_a_used_one_may_not() {
    let (_dir, config) = folder();
    let start = Timestamp(1_772_413_200 * SECOND);
    let clock = LegalClock::open(&config).unwrap();
    assert!(near(clock.start_at(start).unwrap().0, start.0));
    assert_eq!(clock.start_at(start).unwrap_err().reason, "CLOCK_IN_USE");
    let (_dir, used) = folder();
    std::fs::create_dir_all(used.data_dir.join("intake")).unwrap();
    assert_eq!(LegalClock::open(&used).unwrap().start_at(start).unwrap_err().reason, "CLOCK_IN_USE");
}

#[test]
fn production_moves_no_clock_and_starts_on_none_that_was_moved() {
    let (_dir, config) = folder();
    LegalClock::open(&config).unwrap().advance(DAY).unwrap();
    let production = Config { mode: Mode::Production, ..config };
    assert!(LegalClock::open(&production).is_err());
    let (_dir, config) = folder();
    let clock = LegalClock::open(&Config { mode: Mode::Production, ..config }).unwrap();
    assert_eq!(clock.advance(DAY).unwrap_err().reason, "CLOCK_NOT_MOVABLE");
    assert!(!clock.is_movable());
}

#[tokio::test]
async fn processes_of_a_folder_share_the_clock() {
    let (_dir, config) = folder();
    let (one, other) = (LegalClock::open(&config).unwrap(), LegalClock::open(&config).unwrap());
    other.follow(CancellationToken::new());
    let mut moved = other.moved();
    moved.mark_unchanged();
    one.advance(20 * DAY).unwrap();
    moved.changed().await.unwrap();
    assert!(near(other.time().0, one.time().0));
}

/// The notice of a year, made of another year's days.
fn year_file(dir: &TempDir, year: i32) -> std::path::PathBuf {
    let path = dir.path().join(format!("{year}.csv"));
    let days = [
        ("01-01", "元旦"),
        ("02-06", "春节"),
        ("02-07", "春节"),
        ("02-08", "春节"),
        ("02-09", "春节"),
        ("04-05", "清明节"),
        ("05-01", "劳动节"),
        ("05-02", "劳动节"),
        ("06-09", "端午节"),
        ("09-15", "中秋节"),
        ("10-01", "国庆节"),
        ("10-02", "国庆节"),
        ("10-03", "国庆节"),
        ("10-04", "国庆节"),
        ("10-05", "国庆节"),
        ("10-06", "国庆节"),
        ("10-07", "国庆节"),
    ];
    let lines: String = days.iter().map(|(day, name)| format!("{year}-{day},holiday,{name}\n")).collect();
    std::fs::write(&path, format!("# covers: {year}\ndate,kind,name\n{lines}")).unwrap();
    path
}

#[tokio::test]
async fn a_year_that_is_imported_comes_into_force_and_is_told() {
    let (dir, config) = folder();
    let clock: Arc<LegalClock> = LegalClock::open(&config).unwrap();
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    clock.on_year(CancellationToken::new(), move |year| {
        let tell = tell.clone();
        async move {
            let _ = tell.send(year);
            Ok(())
        }
    });
    clock.follow(CancellationToken::new());
    assert!(!clock.calendar().covers(2027));
    assert_eq!(calendar::import(&config.calendar_dir(), &year_file(&dir, 2027)).unwrap(), [2027]);
    while told.recv().await.unwrap() != 2027 {}
    assert!(clock.calendar().covers(2027));
}

/// A command may have been decided on the calendar before the year and committed after it was applied.
#[tokio::test(start_paused = true)]
async fn a_year_is_applied_once_more_when_whatever_was_under_way_is_through() {
    let (_dir, config) = folder();
    let clock: Arc<LegalClock> = LegalClock::open(&config).unwrap();
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let stop = CancellationToken::new();
    clock.on_year(stop.clone(), move |year| {
        let _ = tell.send((year, tokio::time::Instant::now()));
        async { Ok(()) }
    });
    let years = clock.calendar().covered_years().count();
    let mut applied = Vec::new();
    for _ in 0..2 * years {
        applied.push(told.recv().await.unwrap());
    }
    let ((year, first), (again, second)) = (applied[0], applied[years]);
    assert_eq!((year, (second - first).as_secs() >= 120), (again, true));
    assert!(tokio::time::timeout(Duration::from_secs(3600), told.recv()).await.is_err(), "twice is enough");
}

#[test]
fn a_year_file_twice_is_no_error_and_an_amended_or_broken_one_is() {
    let (dir, config) = folder();
    let (calendar_dir, file) = (config.calendar_dir(), year_file(&dir, 2027));
    assert_eq!(calendar::import(&calendar_dir, &file).unwrap(), [2027]);
    assert!(calendar::import(&calendar_dir, &file).unwrap().is_empty());
    let amended = std::fs::read_to_string(&file).unwrap() + "2027-12-31,holiday,元旦\n";
    std::fs::write(&file, amended).unwrap();
    assert!(calendar::import(&calendar_dir, &file).is_err(), "days that nobody would hear of");
    std::fs::write(&file, "# covers: 2028\ndate,kind,name\n2028-13-01,holiday,元旦\n").unwrap();
    assert!(calendar::import(&calendar_dir, &file).is_err());
}
