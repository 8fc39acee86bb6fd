//! Golden entries: one body of every shape of event that was ever released, in `tests/golden/<service>/`. Every release
//! reads them all. `YIWANG_WRITE_GOLDEN=1` writes those that are missing and touches none that is there; then run again
//! without it, for what was sealed here is not read as another installation reads it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;
use yiwang_kit::new_stream_id;
use yiwang_ledger::{
    Aggregate, Call, Database, Entry, EventName, Hash, Ledger, Meta, Options, Secrets, StreamId, Timestamp,
};

fn folder(service: &str) -> PathBuf {
    let mut above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("tests/golden"));
    above.find(|folder| folder.is_dir()).unwrap().join(service)
}

fn entry(aggregate: &str, kind: &str, body: Vec<u8>) -> Entry {
    Entry {
        position: 1,
        stream: StreamId::named("golden", kind),
        version: 1,
        aggregate: aggregate.to_owned(),
        kind: kind.to_owned(),
        body,
        archived: None,
        actor: "staff:golden".into(),
        at: Timestamp(1_772_413_200_000_000),
        principal: "staff:golden".into(),
        request: "golden".into(),
        trace: String::new(),
        prev: Hash::ZERO,
        hash: Hash::ZERO,
    }
}

/// Writes the bodies that are missing, as the ledger itself writes them: personal values are sealed.
pub async fn write_missing<A: Aggregate>(ledger: &Ledger, one_of_each: Vec<A::Event>) {
    if std::env::var_os("YIWANG_WRITE_GOLDEN").is_none_or(|set| set.is_empty()) {
        return;
    }
    let folder = folder(ledger.service());
    fs::create_dir_all(&folder).unwrap();
    let stream = new_stream_id();
    let call = Call::system(format!("golden.{stream}"), "");
    ledger.create::<A>(stream, call, move |_, _| Ok(one_of_each.clone())).await.unwrap();
    for entry in ledger.history(stream, 0, 1000).await.unwrap() {
        let file = folder.join(format!("{}.{}-1.json", A::KIND, entry.kind));
        if !file.exists() {
            let text = String::from_utf8(entry.body).unwrap() + "\n";
            fs::write(file, text).unwrap();
        }
    }
}

/// Decodes and evolves every golden entry of an aggregate on top of its first event, derives from all of them what is derived,
/// and says which events are there.
pub async fn read_all<A: Aggregate>(ledger: &Ledger, first: &str) -> BTreeSet<String> {
    let mut files: Vec<_> = fs::read_dir(folder(ledger.service())).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let mut events = Vec::new();
    for file in files {
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let Some((kind, _)) = name.strip_prefix(&format!("{}.", A::KIND)).and_then(|rest| rest.rsplit_once('-')) else {
            continue;
        };
        let event = ledger.decode::<A>(&entry(A::KIND, kind, fs::read(&file).unwrap())).await.unwrap();
        assert_eq!(event.name(), kind, "{}", file.display());
        events.push(event);
    }
    let meta = Meta { at: Timestamp(1_772_413_200_000_000), actor: "staff:golden".into(), version: 1 };
    let opening = events.iter().find(|event| event.name() == first).unwrap().clone();
    for event in &events {
        let mut state = A::default();
        state.evolve(&opening, &meta);
        state.evolve(event, &meta);
        assert!(state.tags().iter().all(|tag| !tag.value.is_empty()), "{}", event.name());
    }
    let names = events.iter().map(|event| event.name().to_owned()).collect();
    events.insert(0, opening);
    assert_derived_again::<A>(ledger, events).await;
    names
}

/// Writes the events as entries of one stream; what is derived of it comes out equal from the entries alone, however often.
async fn assert_derived_again<A: Aggregate>(ledger: &Ledger, events: Vec<A::Event>) {
    let options = Options {
        service: "golden",
        database: Database::Memory,
        secrets: Secrets { wrapping_key: [1; 16], previous_wrapping_key: None, lookup_key: [2; 32] },
        host: ledger.host().clone(),
        production: false,
        shutdown: CancellationToken::new(),
    };
    let (ledger, count) = (Ledger::open(options).await.unwrap(), events.len() as u64);
    let written = ledger.create::<A>(new_stream_id(), Call::system("golden", ""), move |_, _| Ok(events.clone())).await;
    assert_eq!(written.unwrap().version, count);
    let derived = ledger.derived::<A>().await.unwrap();
    for _ in 0..2 {
        assert_eq!(ledger.rebuild::<A>().await.unwrap(), 1);
        assert_eq!(ledger.derived::<A>().await.unwrap(), derived);
    }
}
