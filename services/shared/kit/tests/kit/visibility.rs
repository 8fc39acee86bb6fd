//! What one may list is what one may read: for random records and random callers, a list over all its pages is exactly
//! what a read of each record lets through. On SQLite, and on PostgreSQL where `YIWANG_TEST_POSTGRES_URL` names one.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use yiwang_kit::{Caller, CallerKind, Config, Keyring, LegalClock, new_stream_id};
use yiwang_ledger::{
    Aggregate, Audiences, Call, Database, Index, Ledger, ListQuery, Meta, Options, Secrets, StreamId, SubjectId, Tag,
    Timestamp,
};
use yiwang_standards::identity::DocumentKind;

const RECORDS: usize = 500;
const CALLERS: usize = 40;

/// A record whose audience is a matter of its state, as applications and cases have it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Paper {
    facts: Facts,
    created: Timestamp,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Facts {
    owner: Option<SubjectId>,
    organ: Option<String>,
    window: Option<String>,
    region: Option<String>,
    partner: Option<String>,
    public: bool,
    status: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr)]
enum PaperEvent {
    Written { facts: Facts },
}

impl Aggregate for Paper {
    const KIND: &'static str = "paper";
    type Event = PaperEvent;

    fn evolve(&mut self, PaperEvent::Written { facts }: &PaperEvent, meta: &Meta) {
        if meta.version == 1 {
            self.created = meta.at;
        }
        self.facts = facts.clone();
    }

    fn index(&self) -> Index {
        Index::default()
    }

    fn tags(&self) -> Vec<Tag> {
        let (facts, sort) = (&self.facts, Tag::newest_first(self.created));
        let named =
            |prefix: &str, value: &Option<String>| value.iter().map(|v| format!("{prefix}:{v}")).collect::<Vec<_>>();
        let audiences = (facts.owner.iter().map(SubjectId::audience))
            .chain(named("org", &facts.organ))
            .chain(named("window", &facts.window))
            .chain(named("region", &facts.region))
            .chain(named("partner", &facts.partner))
            .chain(facts.public.then(|| "public".to_owned()));
        let mut tags: Vec<Tag> = audiences.map(|audience| Tag::new(Tag::AUDIENCE, audience, sort.clone())).collect();
        tags.push(Tag::new("status", facts.status.as_str(), sort));
        tags
    }
}

/// The same numbers for the same seed (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn some(&mut self, prefix: &str, n: usize) -> Option<String> {
        (!self.one_in(3)).then(|| format!("{prefix}{}", self.below(n)))
    }

    fn person(&mut self) -> SubjectId {
        let number = format!("P{:05}", self.below(25));
        Keyring::new(&[5; 32]).subject(DocumentKind::Passport, &number).unwrap()
    }

    fn facts(&mut self) -> Facts {
        Facts {
            owner: (!self.one_in(4)).then(|| self.person()),
            organ: self.some("organ", 6),
            window: self.some("5116", 4),
            region: self.some("5116", 4),
            partner: self.one_in(5).then(|| format!("{}", self.below(3))),
            public: self.one_in(12),
            status: format!("S{}", self.below(3)),
        }
    }

    fn caller(&mut self) -> Caller {
        let kinds =
            [CallerKind::Person, CallerKind::Company, CallerKind::Staff, CallerKind::Staff, CallerKind::Partner];
        let kind = if self.one_in(20) { CallerKind::Anonymous } else { kinds[self.below(kinds.len())] };
        let roles = ["clerk", "reviewer", "supervisor"].iter().filter(|_| self.one_in(2)).map(|r| (*r).to_owned());
        Caller {
            roles: roles.collect(),
            kind,
            id: format!("partner:{}", self.below(3)),
            name: String::new(),
            organisations: (0..self.below(3)).map(|_| format!("organ{}", self.below(6))).collect(),
            region: format!("5116{}", self.below(4)),
            grade: 0,
            subject: (!self.one_in(5)).then(|| self.person()),
            acting: None,
        }
    }
}

async fn open(database: Database, dir: &std::path::Path) -> Ledger {
    let config = Config { data_dir: dir.to_owned(), ..Config::default() };
    let host = LegalClock::open(&config).unwrap();
    let secrets = Secrets { wrapping_key: [4; 16], previous_wrapping_key: None, lookup_key: [5; 32] };
    let shutdown = CancellationToken::new();
    Ledger::open(Options { service: "intake", database, secrets, host, production: false, shutdown }).await.unwrap()
}

async fn write(ledger: &Ledger, stream: StreamId, facts: Facts) {
    let call = Call::system(yiwang_kit::new_request_id(), "");
    let rule = move |_: &Paper, _: &_| Ok(vec![PaperEvent::Written { facts: facts.clone() }]);
    ledger.execute::<Paper>(stream, call, rule).await.unwrap();
}

/// Everything that a caller's list shows, over all pages, in order.
async fn listed(
    ledger: &Ledger,
    audiences: &Audiences,
    filters: &[(&'static str, String)],
    size: u32,
) -> Vec<StreamId> {
    let (mut found, mut page_token) = (Vec::new(), String::new());
    loop {
        let query = ListQuery { filters: filters.to_vec(), page_size: size, page_token };
        let page = ledger.list::<Paper>(&query, audiences).await.unwrap();
        assert!(page.items.len() <= size as usize);
        found.extend(page.items.iter().map(|item| item.stream));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return found;
        }
    }
}

async fn check(database: Database, dir: &std::path::Path, seed: u64) {
    eprintln!("seed {seed}");
    let (ledger, mut dice) = (open(database, dir).await, Dice(seed));
    let streams: Vec<StreamId> = (0..RECORDS).map(|_| new_stream_id()).collect();
    join_all(
        streams
            .iter()
            .map(|stream| (*stream, dice.facts()))
            .collect::<Vec<_>>()
            .into_iter()
            .map(|(s, f)| write(&ledger, s, f)),
    )
    .await;
    // A third of them change hands.
    let changed: Vec<_> = streams.iter().filter(|_| dice.one_in(3)).copied().collect();
    let changed: Vec<_> = changed.into_iter().map(|stream| (stream, dice.facts())).collect();
    join_all(changed.into_iter().map(|(stream, facts)| write(&ledger, stream, facts))).await;
    for _ in 0..CALLERS {
        let (caller, size) = (dice.caller(), [1, 7, 50, 200][dice.below(4)].max(RECORDS as u32 / 100));
        let audiences = caller.audiences();
        let reads = join_all(streams.iter().map(|stream| ledger.get::<Paper>(*stream, &audiences))).await;
        let seen: Vec<_> = reads.into_iter().filter_map(Result::unwrap).collect();
        let filter = [("status", format!("S{}", dice.below(3)))];
        for filters in [&filter[..], &[]] {
            let wanted =
                seen.iter().filter(|read| filters.iter().all(|(_, status)| read.state.facts.status == *status));
            let readable: BTreeSet<StreamId> = wanted.map(|read| read.stream).collect();
            let list = listed(&ledger, &audiences, filters, size).await;
            let unique: BTreeSet<StreamId> = list.iter().copied().collect();
            assert_eq!(unique.len(), list.len(), "nothing twice, {caller:?}");
            assert_eq!(unique, readable, "{caller:?}");
        }
    }
    // A service sees everything; what has no audience at all stands in nobody's list.
    let service = Caller::service("intake").audiences();
    let reads = join_all(streams.iter().map(|stream| ledger.get::<Paper>(*stream, &service))).await;
    let seen: Vec<_> = reads.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(seen.len(), RECORDS);
    let with_audience = seen.iter().filter(|read| read.state.tags().iter().any(|tag| tag.name == Tag::AUDIENCE));
    assert_eq!(listed(&ledger, &service, &[], 200).await.len(), with_audience.count());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_is_what_one_may_read_on_sqlite() {
    let dir = tempfile::tempdir().unwrap();
    check(Database::Sqlite { dir: dir.path().join("intake") }, dir.path(), 20_260_921).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_is_what_one_may_read_on_postgres() {
    let Ok(url) = std::env::var("YIWANG_TEST_POSTGRES_URL") else {
        eprintln!("YIWANG_TEST_POSTGRES_URL is not set: not run on PostgreSQL (tests/run sets it)");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let schema = format!("visibility_{}", std::process::id());
    check(Database::Postgres { url, schema }, dir.path(), 20_260_922).await;
}

#[test]
fn a_subject_is_the_same_by_vault_and_by_keyring() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let ledger = runtime.block_on(open(Database::Memory, dir.path()));
    for (kind, number) in
        [(DocumentKind::ResidentId, "51160219780101003x"), (DocumentKind::Uscc, " 91511602MA6B1C2D5W ")]
    {
        let by_keyring = Keyring::new(&[5; 32]).subject(kind, number).unwrap();
        assert_eq!(by_keyring, yiwang_kit::subject(ledger.vault(), kind, number));
    }
}
