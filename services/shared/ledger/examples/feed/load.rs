//! The writers and the reader.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use yiwang_ledger::{Aggregate, Call, Cursor, Index, Ledger, Meta, Refusal, StreamId, Tag};

use crate::Outcome;

/// An aggregate that counts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counter {
    count: u64,
}

/// Its event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr)]
pub enum Counted {
    /// One more.
    Up { by: u64 },
}

impl Aggregate for Counter {
    const KIND: &'static str = "counter";
    type Event = Counted;

    fn evolve(&mut self, event: &Counted, _: &Meta) {
        let Counted::Up { by } = event;
        self.count += by;
    }

    fn index(&self) -> Index {
        Index::default()
    }

    fn tags(&self) -> Vec<Tag> {
        vec![Tag::new(Tag::AUDIENCE, "public", "")]
    }
}

/// Commands of a writer that are under way at once.
const AT_ONCE: usize = 64;
/// One command in ten goes to a stream that all writers share, so that they outrun each other.
const SHARED_EVERY: u64 = 10;

/// Where a writer leaves what it was told.
pub fn acks(folder: &Path, writer: u64) -> PathBuf {
    folder.join(format!("acks-{writer}.tsv"))
}

/// Where the reader leaves what it saw.
pub fn seen(folder: &Path) -> PathBuf {
    folder.join("seen.tsv")
}

/// Writes so many entries; a line an answer: `request stream version hash`.
pub async fn write(ledger: &Ledger, writer: u64, entries: u64, acks: &Path) -> Outcome<()> {
    let mut file = BufWriter::new(File::create(acks)?);
    let next = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (ledger, next) = (ledger.clone(), next.clone());
        tasks.spawn(async move {
            let mut told = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= entries {
                    return Ok::<_, Refusal>(told);
                }
                told.push(one(&ledger, writer, number).await?);
            }
        });
    }
    while let Some(told) = tasks.join_next().await {
        for line in told?.map_err(|refusal| format!("{refusal:?}"))? {
            writeln!(file, "{line}")?;
        }
    }
    Ok(file.flush()?)
}

/// One command, sent again with the same request id for as long as its outcome is unknown.
async fn one(ledger: &Ledger, writer: u64, number: u64) -> Result<String, Refusal> {
    let request = format!("{writer}-{number}");
    let stream = if number.is_multiple_of(SHARED_EVERY) {
        StreamId::named(Counter::KIND, &format!("shared-{}", number / SHARED_EVERY % 16))
    } else {
        StreamId::named(Counter::KIND, &format!("own-{writer}-{}", number % 4096))
    };
    loop {
        let call = Call::system(request.clone(), "");
        match ledger.execute::<Counter>(stream, call, |_, _| Ok(vec![Counted::Up { by: 1 }])).await {
            Ok(done) => return Ok(format!("{request}\t{stream}\t{}\t{}", done.version, done.hash)),
            Err(refusal) if matches!(refusal.reason, "CONTENDED" | "QUEUE_FULL" | "STORE_UNAVAILABLE") => {}
            Err(refusal) => return Err(refusal),
        }
    }
}

/// Follows the feed from its beginning; a line an entry: `position request stream version hash`.
pub async fn read(ledger: &Ledger, entries: u64, seen: &Path) -> Outcome<()> {
    let mut file = BufWriter::new(File::create(seen)?);
    let (mut cursor, mut wake) = (Cursor::START, 0);
    let mut last: VecDeque<u64> = VecDeque::new();
    while cursor.position < entries {
        let page = match ledger.feed_from(cursor, 1000).await {
            Ok(page) => page,
            Err(refusal) if refusal.reason == "STORE_UNAVAILABLE" => continue,
            Err(refusal) => return Err(format!("{refusal:?} after {last:?}").into()),
        };
        for entry in &page {
            writeln!(
                file,
                "{}\t{}\t{}\t{}\t{}",
                entry.position, entry.request, entry.stream, entry.version, entry.hash
            )?;
            cursor = Cursor { position: entry.position, hash: entry.hash, ..cursor };
            last.push_back(entry.position);
            last.truncate(5);
        }
        if page.is_empty() {
            wake = ledger.feed_wake(wake).await;
        }
    }
    Ok(file.flush()?)
}
