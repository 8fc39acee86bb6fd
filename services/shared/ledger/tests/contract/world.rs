//! What the cases stand on: a ledger on one engine, a clock that is theirs, a small aggregate, and a way to the raw store.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use yiwang_ledger::{
    Aggregate, Call, Committed, Context, Database, Decision, Hash, Host, Index, Ledger, Meta, OpenError, Options,
    Personal, Refusal, Secrets, StreamId, SubjectId, Tag, Timestamp, UniqueKey,
};
use yiwang_standards::calendar::Calendar;
use yiwang_standards::sm::sm3;

use crate::wire::Wire;

/// A counter with an owner: enough to break every promise on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Jar {
    pub owner: Option<SubjectId>,
    pub name: Option<Personal>,
    pub total: i64,
    pub opened: Option<Timestamp>,
    pub label: Option<String>,
    pub words: Vec<String>,
    pub due: Option<Timestamp>,
    pub ballast: String,
    pub by: String,
    pub curse: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr)]
pub enum JarEvent {
    Opened { owner: Option<SubjectId>, name: Option<Personal> },
    Added { amount: i64 },
    Labelled { label: Option<String> },
    Worded { words: Vec<String> },
    Loaded { ballast: String },
    Due { at: Option<Timestamp> },
    Hoarded { more: String },
    Cursed { part: String },
}

impl Aggregate for Jar {
    const KIND: &'static str = "jar";
    type Event = JarEvent;

    fn evolve(&mut self, event: &JarEvent, meta: &Meta) {
        self.opened.get_or_insert(meta.at);
        self.by = meta.actor.clone();
        assert!(*event != JarEvent::Cursed { part: "evolve".to_owned() }, "a bug in the fold");
        match event.clone() {
            JarEvent::Opened { owner, name } => (self.owner, self.name) = (owner, name),
            JarEvent::Added { amount } => self.total += amount,
            JarEvent::Labelled { label } => self.label = label,
            JarEvent::Worded { words } => self.words = words,
            JarEvent::Loaded { ballast } => self.ballast = ballast,
            JarEvent::Due { at } => self.due = at,
            JarEvent::Hoarded { more } => self.ballast.push_str(&more),
            JarEvent::Cursed { part } => self.curse = part,
        }
    }

    fn index(&self) -> Index {
        let (region, organisation, item) = ("511602000000".to_owned(), "1".to_owned(), self.words.join(" "));
        let owner = self.owner.as_ref().map(ToString::to_string).unwrap_or_default();
        Index { region, organisation, owner, item, status: format!("total {}", self.total), due_at: self.due }
    }

    fn tags(&self) -> Vec<Tag> {
        assert_ne!(self.curse, "tags", "a bug in what is derived");
        let sort = self.label.clone().unwrap_or_else(|| Tag::newest_first(self.opened.unwrap_or_default()));
        let owner = self.owner.as_ref().map(SubjectId::audience).unwrap_or_else(|| "public".to_owned());
        let audience = [owner, "org:1".to_owned()].map(|value| Tag::new(Tag::AUDIENCE, value, sort.clone()));
        let parity = Tag::new("parity", if self.total % 2 == 0 { "even" } else { "odd" }, sort.clone());
        let words = self.words.iter().map(|word| Tag::new("word", word.as_str(), ""));
        audience.into_iter().chain([parity]).chain(words).collect()
    }

    fn keys(&self) -> Vec<UniqueKey> {
        self.label.iter().map(|label| UniqueKey { scope: "LABEL_TAKEN", key: label.clone() }).collect()
    }

    const UPCAST: Option<fn(&str, serde_json::Value) -> serde_json::Value> = Some(|kind, mut body| {
        // the first release counted in "pieces"
        if let (true, Some(pieces)) = (kind == "Added", body["Added"].get("pieces").cloned()) {
            body = serde_json::json!({"Added": {"amount": pieces}});
        }
        body
    });
}

pub struct TestHost {
    pub now: AtomicI64,
    drawn: AtomicU64,
    moved: watch::Sender<u64>,
}

static HOSTS: AtomicU64 = AtomicU64::new(1);

impl Host for TestHost {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::SeqCst))
    }
    fn machine_now(&self) -> Timestamp {
        Timestamp(uuid_clock())
    }
    fn calendar(&self) -> Arc<Calendar> {
        Arc::new(Calendar::builtin().clone())
    }
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let drawn = self.drawn.fetch_add(1, Ordering::SeqCst).to_be_bytes();
            chunk.copy_from_slice(&sm3(&drawn)[..chunk.len()]);
        }
    }
    fn moved(&self) -> watch::Receiver<u64> {
        self.moved.subscribe()
    }
}

/// Machine time in microseconds, as leases need it.
#[allow(clippy::disallowed_methods)]
fn uuid_clock() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_micros() as i64
}

#[derive(Clone)]
enum Place {
    Sqlite(PathBuf),
    Postgres { url: String, schema: String },
}

pub struct World {
    pub ledger: Ledger,
    pub host: Arc<TestHost>,
    pub shutdown: CancellationToken,
    place: Place,
    _dir: Option<Arc<tempfile::TempDir>>,
}

static NUMBERS: AtomicU64 = AtomicU64::new(1);

/// A number that was never used before in this process.
pub fn next() -> u64 {
    NUMBERS.fetch_add(1, Ordering::SeqCst)
}

pub fn stream() -> StreamId {
    StreamId::named("test", &format!("{}-{}", std::process::id(), next()))
}

pub fn call(request_id: &str) -> Call {
    Call {
        principal: "person:anna".into(),
        actor: "person:anna".into(),
        request_id: request_id.into(),
        fingerprint: Hash(sm3(request_id.as_bytes())),
        expected_version: None,
        deadline: None,
        trace: "0af7651916cd43dd8448eb211c80319c".into(),
        seed: [7; 32],
    }
}

pub fn fresh_call() -> Call {
    call(&format!("request-{}", next()))
}

pub fn add(amount: i64) -> impl Fn(&Jar, &Context) -> Decision<JarEvent> + Send + Sync + Clone + 'static {
    move |_, _| Ok(vec![JarEvent::Added { amount }])
}

/// Takes out only what is there.
pub fn take(amount: i64) -> impl Fn(&Jar, &Context) -> Decision<JarEvent> + Send + Sync + Clone + 'static {
    move |jar, _| {
        if jar.total < amount {
            return Err(Refusal::state("JAR_EMPTY", "空", "empty"));
        }
        Ok(vec![JarEvent::Added { amount: -amount }])
    }
}

pub fn event(event: JarEvent) -> impl Fn(&Jar, &Context) -> Decision<JarEvent> + Send + Sync + Clone + 'static {
    move |_, _| Ok(vec![event.clone()])
}

pub fn label(text: &str) -> impl Fn(&Jar, &Context) -> Decision<JarEvent> + Send + Sync + Clone + 'static {
    event(JarEvent::Labelled { label: Some(text.to_owned()) })
}

pub const SECRETS: Secrets = Secrets { wrapping_key: [1; 16], previous_wrapping_key: None, lookup_key: [2; 32] };

impl World {
    pub async fn sqlite() -> World {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        World::at(Place::Sqlite(dir.path().to_owned()), Some(dir)).await
    }

    pub async fn postgres() -> Option<World> {
        let Ok(url) = std::env::var("YIWANG_TEST_POSTGRES_URL") else {
            eprintln!("YIWANG_TEST_POSTGRES_URL is not set: not run on PostgreSQL (tests/run sets it)");
            return None;
        };
        let schema = format!("contract_{}_{}", std::process::id(), next());
        Some(World::at(Place::Postgres { url, schema }, None).await)
    }

    async fn at(place: Place, dir: Option<Arc<tempfile::TempDir>>) -> World {
        World::try_at(place, dir, false, SECRETS).await.unwrap()
    }

    async fn try_at(
        place: Place,
        dir: Option<Arc<tempfile::TempDir>>,
        production: bool,
        secrets: Secrets,
    ) -> Result<World, OpenError> {
        let (options, host) = World::options(&place, production, secrets);
        let shutdown = options.shutdown.clone();
        Ok(World { ledger: Ledger::open(options).await?, host, shutdown, place, _dir: dir })
    }

    fn options(place: &Place, production: bool, secrets: Secrets) -> (Options, Arc<TestHost>) {
        let host = Arc::new(TestHost {
            now: AtomicI64::new(1_772_000_000_000_000),
            drawn: AtomicU64::new((u64::from(std::process::id()) << 40) + (HOSTS.fetch_add(1, Ordering::SeqCst) << 20)),
            moved: watch::channel(0).0,
        });
        let database = match place {
            Place::Sqlite(dir) => Database::Sqlite { dir: dir.clone() },
            Place::Postgres { url, schema } => Database::Postgres { url: url.clone(), schema: schema.clone() },
        };
        let shutdown = CancellationToken::new();
        let options = Options { service: "test", database, secrets, host: host.clone(), production, shutdown };
        (options, host)
    }

    /// Looks at a store, after this process has ended.
    pub async fn look_again(self) -> (Ledger, Option<Arc<tempfile::TempDir>>) {
        self.shutdown.cancel();
        self.ledger.close(Duration::from_secs(5)).await;
        (Ledger::open_as_it_is(World::options(&self.place, false, SECRETS).0).await.unwrap(), self._dir)
    }

    /// Looks at a store that is not there.
    pub async fn look_elsewhere(&self) -> Result<Ledger, OpenError> {
        let mut place = self.place.clone();
        match &mut place {
            Place::Sqlite(dir) => dir.push("elsewhere"),
            Place::Postgres { schema, .. } => schema.push_str("_elsewhere"),
        }
        Ledger::open_as_it_is(World::options(&place, false, SECRETS).0).await
    }

    pub async fn try_open_again(&self) -> Result<World, OpenError> {
        World::try_at(self.place.clone(), self._dir.clone(), false, SECRETS).await
    }

    /// In production mode, with settings given to every connection.
    pub async fn try_open_with(&self, settings: &str) -> Result<World, OpenError> {
        let mut place = self.place.clone();
        if let Place::Postgres { url, .. } = &mut place {
            url.push_str(if url.contains('?') { "&options=" } else { "?options=" });
            url.push_str(settings);
        }
        World::try_at(place, None, true, SECRETS).await
    }

    /// Another process on the same store, with other keys, after this one has ended.
    pub async fn try_restart_with(self, secrets: Secrets) -> Result<World, OpenError> {
        self.shutdown.cancel();
        self.ledger.close(Duration::from_secs(5)).await;
        World::try_at(self.place, self._dir, false, secrets).await
    }

    /// A second process on the same database, with other keys.
    pub async fn try_replica_with(&self, secrets: Secrets) -> Result<World, OpenError> {
        World::try_at(self.place.clone(), None, false, secrets).await
    }

    /// A second process on the same database.
    pub async fn replica(&self) -> World {
        self.try_open_again().await.unwrap()
    }

    /// The process ends and another one begins.
    pub async fn restart(self) -> World {
        let World { ledger, shutdown, place, _dir, host } = self;
        shutdown.cancel();
        ledger.close(Duration::from_secs(5)).await;
        let world = World::at(place, _dir).await;
        world.host.now.store(host.now.load(Ordering::SeqCst), Ordering::SeqCst);
        world
    }

    pub fn is_postgres(&self) -> bool {
        matches!(self.place, Place::Postgres { .. })
    }

    pub fn advance(&self, time: Duration) {
        self.host.now.fetch_add(time.as_micros() as i64, Ordering::SeqCst);
        self.host.moved.send_modify(|moves| *moves += 1);
    }

    pub async fn run(
        &self,
        stream: StreamId,
        rule: impl Fn(&Jar, &Context) -> Decision<JarEvent> + Send + Sync + 'static,
    ) -> Result<Committed<Jar>, Refusal> {
        self.ledger.execute(stream, fresh_call(), rule).await
    }

    /// Sends a command, and waits until it was decided: from then on it waits for the writer. Its answer.
    pub async fn decided(
        &self,
        stream: StreamId,
        call: Call,
        rule: impl Fn(&Jar, &Context) -> Decision<JarEvent> + Send + Sync + 'static,
    ) -> JoinHandle<Result<Committed<Jar>, Refusal>> {
        self.sent(stream, call, rule, false).await
    }

    /// The same of the first command of a stream.
    pub async fn begun(
        &self,
        stream: StreamId,
        call: Call,
        rule: impl Fn(&Jar, &Context) -> Decision<JarEvent> + Send + Sync + 'static,
    ) -> JoinHandle<Result<Committed<Jar>, Refusal>> {
        self.sent(stream, call, rule, true).await
    }

    async fn sent(
        &self,
        stream: StreamId,
        call: Call,
        rule: impl Fn(&Jar, &Context) -> Decision<JarEvent> + Send + Sync + 'static,
        first: bool,
    ) -> JoinHandle<Result<Committed<Jar>, Refusal>> {
        let (ledger, (heard, mut hears)) = (self.ledger.clone(), tokio::sync::mpsc::unbounded_channel());
        let rule = move |jar: &Jar, context: &Context| {
            let _ = heard.send(());
            rule(jar, context)
        };
        let answer = tokio::spawn(async move {
            match first {
                true => ledger.create::<Jar>(stream, call, rule).await,
                false => ledger.execute::<Jar>(stream, call, rule).await,
            }
        });
        hears.recv().await;
        answer
    }

    pub async fn jar(&self, stream: StreamId) -> Jar {
        let audiences = yiwang_ledger::Audiences::all();
        Jar::clone(&self.ledger.get::<Jar>(stream, &audiences).await.unwrap().unwrap().state)
    }

    pub async fn raw(&self) -> Raw {
        match &self.place {
            Place::Sqlite(dir) => {
                let options = sqlx::sqlite::SqliteConnectOptions::new()
                    .filename(dir.join("test.db"))
                    .busy_timeout(Duration::from_secs(10));
                Raw::Lite(options.connect().await.unwrap())
            }
            Place::Postgres { url, schema } => {
                let options = sqlx::postgres::PgConnectOptions::from_str(url)
                    .unwrap()
                    .options([("search_path", schema.as_str())]);
                Raw::Pg(options.connect().await.unwrap())
            }
        }
    }

    /// A second process on the same database, over a wire that can lose an answer.
    pub async fn over_a_wire(&self) -> (Wire, World) {
        let Place::Postgres { url, schema } = &self.place else { panic!("SQLite has no wire") };
        let options = sqlx::postgres::PgConnectOptions::from_str(url).unwrap();
        let server = format!("{}:{}", options.get_host(), options.get_port());
        let wire = Wire::to(server.clone()).await;
        let mark = if url.contains('?') { '&' } else { '?' };
        let url = format!("{}{mark}sslmode=disable", url.replace(&server, &wire.address));
        (wire, World::at(Place::Postgres { url, schema: schema.clone() }, None).await)
    }

    /// Where SQLite keeps its file.
    pub fn folder(&self) -> &std::path::Path {
        let Place::Sqlite(dir) = &self.place else { panic!("PostgreSQL has no file of ours") };
        dir
    }

    /// A process on another SQLite file.
    pub async fn in_folder(dir: &std::path::Path) -> World {
        World::at(Place::Sqlite(dir.to_owned()), None).await
    }

    /// Takes SQLite's file from its place, or puts it back. Connections that are open go on.
    pub fn hide_file(&self, hide: bool) {
        let Place::Sqlite(dir) = &self.place else { panic!("PostgreSQL has no file of ours") };
        let (here, away) = (dir.join("test.db"), dir.join("hidden"));
        if hide { std::fs::rename(here, away).unwrap() } else { std::fs::rename(away, here).unwrap() }
    }

    /// Whether SQLite's files hold these bytes anywhere.
    pub fn files_hold(&self, bytes: &[u8]) -> bool {
        let Place::Sqlite(dir) = &self.place else { panic!("PostgreSQL has no file of ours") };
        let mut files = std::fs::read_dir(dir).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap());
        files.any(|file| file.windows(bytes.len()).any(|part| part == bytes))
    }

    /// Stops every commit until it is released: another session holds the head.
    pub async fn hold_commits(&self) -> Raw {
        let mut raw = self.raw().await;
        raw.execute(if self.is_postgres() { "BEGIN" } else { "BEGIN IMMEDIATE" }).await;
        raw.execute("UPDATE head SET epoch = epoch").await;
        raw
    }
}

/// A connection of nobody we know.
pub enum Raw {
    Pg(sqlx::PgConnection),
    Lite(sqlx::SqliteConnection),
}

impl Raw {
    pub async fn execute(&mut self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Raw::Pg(connection) => drop(sqlx::raw_sql(sql).execute(connection).await.unwrap()),
            Raw::Lite(connection) => drop(sqlx::raw_sql(sql).execute(connection).await.unwrap()),
        }
    }

    pub async fn number(&mut self, sql: &str) -> i64 {
        let sql = AssertSqlSafe(sql.to_owned());
        let (number,): (i64,) = match self {
            Raw::Pg(connection) => sqlx::query_as(sql).fetch_one(connection).await.unwrap(),
            Raw::Lite(connection) => sqlx::query_as(sql).fetch_one(connection).await.unwrap(),
        };
        number
    }

    /// Every row of a query as text, in its order.
    pub async fn rows(&mut self, sql: &str) -> Vec<String> {
        let sql = AssertSqlSafe(sql.to_owned());
        let rows: Vec<(String,)> = match self {
            Raw::Pg(connection) => sqlx::query_as(sql).fetch_all(connection).await.unwrap(),
            Raw::Lite(connection) => sqlx::query_as(sql).fetch_all(connection).await.unwrap(),
        };
        rows.into_iter().map(|(row,)| row).collect()
    }

    pub async fn set_bytes(&mut self, sql: &str, bytes: &[u8], stream: StreamId) {
        let (sql, stream): (_, Uuid) = (AssertSqlSafe(sql.to_owned()), stream.0);
        match self {
            Raw::Pg(connection) => drop(sqlx::query(sql).bind(bytes).bind(stream).execute(connection).await.unwrap()),
            Raw::Lite(connection) => drop(sqlx::query(sql).bind(bytes).bind(stream).execute(connection).await.unwrap()),
        }
    }

    pub async fn release(self) {
        match self {
            Raw::Pg(mut connection) => {
                sqlx::raw_sql("ROLLBACK").execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            Raw::Lite(mut connection) => {
                sqlx::raw_sql("ROLLBACK").execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }
}

/// Waits until it holds, for ten seconds at most.
pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    for _ in 0..1000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}
