//! One service of the house behind the real stack, on either engine, with its neighbours played by the test. Shared by the
//! services' own tests (`#[path]`), so that there is one of it.
#![allow(dead_code, reason = "each test file uses its part")]

pub mod golden;

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::service::Routes;
use yiwang_kit::config::DatabaseUrl;
use yiwang_kit::identity::Account;
use yiwang_kit::{Config, Env, Front, Link, Problem, Process, Shape, entropy};
use yiwang_ledger::{Ledger, Timestamp};
use yiwang_standards::calendar;

/// Which engine a case runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// SQLite in a folder of its own.
    Sqlite,
    /// PostgreSQL in a schema of its own, where `YIWANG_TEST_POSTGRES_URL` names one; else the case is left out.
    Postgres,
}

/// The service under test.
pub struct House {
    pub process: Process,
    pub ledger: Ledger,
    pub name: &'static str,
    pub dir: TempDir,
    /// One ledger a neighbour, however often it is put in its place: SQLite has one process a folder.
    neighbours: Mutex<BTreeMap<&'static str, Ledger>>,
}

impl House {
    /// Starts one service on a day at nine in the morning, legal time.
    pub async fn open<F>(engine: Engine, name: &'static str, day: &str, start: impl FnOnce(Env) -> F) -> Option<Self>
    where
        F: Future<Output = anyhow::Result<Routes>>,
    {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config { data_dir: dir.path().join("data"), ..Config::default() };
        if engine == Engine::Postgres {
            let Ok(url) = std::env::var("YIWANG_TEST_POSTGRES_URL") else {
                eprintln!("YIWANG_TEST_POSTGRES_URL is not set: not run on PostgreSQL (tests/run sets it)");
                return None;
            };
            config.database_url = Some(DatabaseUrl::new(url));
            let schema = |of: &str| Some(format!("t_{of}_{}", entropy::hex(&entropy::random::<6>())));
            config.intake.schema = schema("intake");
            config.approval.schema = schema("approval");
            config.license.schema = schema("license");
            config.evaluation.schema = schema("evaluation");
            config.trading.schema = schema("trading");
        }
        let process = Process::open(config, Shape::Together, CancellationToken::new()).unwrap();
        process.legal.start_at(nine(day)).unwrap();
        let env = process.env(name).await.unwrap();
        let ledger = env.ledger.clone();
        let routes = start(env).await.unwrap();
        process.links.plug(name, process.front(name, ledger.clone(), routes));
        Some(Self { process, ledger, name, dir, neighbours: Mutex::default() })
    }

    /// Puts a neighbour in its place; what it answers with may be unplugged and plugged in again.
    pub async fn play(&self, name: &'static str, routes: Routes) -> Front {
        let mut neighbours = self.neighbours.lock().await;
        if !neighbours.contains_key(name) {
            neighbours.insert(name, self.process.ledger(name).await.unwrap());
        }
        let ledger = neighbours[name].clone();
        let front = self.process.front(name, ledger, routes);
        self.process.links.plug(name, front.clone());
        front
    }

    /// The way in for a demonstration account.
    pub fn by(&self, account: &str) -> Link {
        let issuer = self.process.development.as_ref().unwrap();
        let token = issuer.token(Account::find(account).unwrap(), None).unwrap();
        self.process.links.get(self.name).with_token(&token)
    }

    /// The way in for another service.
    pub fn by_service(&self, speaker: &str) -> Link {
        self.process.links.get(self.name).as_service(speaker, "")
    }

    /// The way in for nobody in particular.
    pub fn by_nobody(&self) -> Link {
        self.process.links.get(self.name)
    }

    /// The keyed hash of a demonstration account's own document.
    pub fn subject(&self, account: &str) -> String {
        let document = Account::find(account).unwrap().document.clone().unwrap();
        let kind = yiwang_standards::identity::DocumentKind::parse(&document.kind).unwrap();
        yiwang_kit::subject(self.ledger.vault(), kind, &document.number).to_string()
    }

    /// Looks for the words in every byte of the data folder, where none may lie in clear.
    pub fn assert_nowhere_in_clear(&self, planted: &[&str]) {
        for file in files(self.dir.path()) {
            let bytes = std::fs::read(&file).unwrap();
            let found = planted.iter().find(|word| bytes.windows(word.len()).any(|part| part == word.as_bytes()));
            assert_eq!(found, None, "in {}", file.display());
        }
    }

    /// Moves legal time to nine in the morning of a day.
    pub fn on(&self, day: &str) {
        self.process.legal.set_to(nine(day)).unwrap();
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.process.shutdown.cancel();
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let all = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    all.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Nine in the morning of a day in China.
pub fn nine(day: &str) -> Timestamp {
    Timestamp(calendar::start_of_day_micros(day.parse().unwrap()) + 9 * 3_600_000_000)
}

/// What a call answered, or why it was refused.
pub fn reason(status: &Status) -> String {
    Problem::of(status).reason
}

/// Waits until a condition holds, asking again and again, for at most ten seconds.
pub async fn until<T, F>(mut ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let asking = async {
        loop {
            if let Some(found) = ask().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), asking).await.expect("it never came true")
}
