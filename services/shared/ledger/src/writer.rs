//! The writer: one task and one connection a database. Takes all that waits, never waits on purpose, writes it in one
//! transaction, and sends each command its verdict.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::StreamId;
use crate::batch::{Command, Item, Verdict};
use crate::engine::{Committer, Db, Failure, classify};
use crate::meters::Meters;

const BATCH_COMMANDS: usize = 512;
const BATCH_BYTES: usize = 4 << 20;
pub(crate) const QUEUE: usize = 4096;

/// A command by whose request it is.
struct Request(Arc<Command>);

impl Request {
    fn names(&self) -> (&str, &str) {
        (&self.0.principal, &self.0.request)
    }
}

impl PartialEq for Request {
    fn eq(&self, other: &Self) -> bool {
        self.names() == other.names()
    }
}

impl Eq for Request {}

impl Hash for Request {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.names().hash(state);
    }
}

/// Counted up after every commit that wrote.
pub(crate) struct Bells {
    /// Wakes readers of the feed.
    pub readers: Arc<watch::Sender<u64>>,
    /// Tells whoever wakes those of other replicas.
    pub commits: watch::Sender<u64>,
}

impl Bells {
    fn ring(&self) {
        self.readers.send_modify(|times| *times += 1);
        self.commits.send_modify(|times| *times += 1);
    }
}

pub(crate) struct Writer {
    db: Arc<Db>,
    committer: Option<Committer>,
    queue: mpsc::Receiver<Item>,
    waiting: VecDeque<Item>,
    bells: Bells,
    meters: Arc<Meters>,
    shutdown: CancellationToken,
    /// Waited for when the ledger is closed.
    tasks: TaskTracker,
}

impl Writer {
    pub fn new(
        db: Arc<Db>,
        queue: mpsc::Receiver<Item>,
        bells: Bells,
        meters: Arc<Meters>,
        shutdown: CancellationToken,
        tasks: TaskTracker,
    ) -> Self {
        Self { db, committer: None, queue, waiting: VecDeque::new(), bells, meters, shutdown, tasks }
    }

    pub async fn run(mut self) {
        loop {
            if self.waiting.is_empty() {
                match self.queue.recv().await {
                    Some(item) => self.waiting.push_back(item),
                    None => return,
                }
                // as lanes do: who is on the way comes along
                tokio::task::yield_now().await;
            }
            while self.waiting.len() < QUEUE {
                match self.queue.try_recv() {
                    Ok(item) => self.waiting.push_back(item),
                    Err(_) => break,
                }
            }
            let batch = self.take_batch();
            if !batch.is_empty() {
                self.commit(batch).await;
            }
        }
    }

    /// The next batch, each stream's commands together and in order, each decided on what the one before leaves. Held back for the
    /// next one: what shares a request or a unique key of another stream with one already taken (the statement would fail for ever);
    /// what somebody decided who knew nothing of the one before (the next batch finds the stream elsewhere than it was taken from);
    /// and what follows either on its stream.
    fn take_batch(&mut self) -> Vec<Item> {
        let mut taken: Vec<Item> = Vec::new();
        let mut kept = VecDeque::new();
        let (mut requests, mut keys, mut held) = (HashSet::<Request>::new(), HashMap::new(), HashSet::new());
        let mut ends: HashMap<StreamId, (u64, crate::Hash)> = HashMap::new();
        let mut bytes = 0;
        for item in self.waiting.drain(..) {
            if item.is_stale() {
                item.answer(Verdict::Stale);
                continue;
            }
            let command = item.command.clone();
            let shares_key =
                command.keys.iter().any(|(_, key)| keys.get(key).is_some_and(|stream| *stream != command.stream));
            let apart = ends.get(&command.stream).is_some_and(|end| *end != (command.expect, command.tip));
            let request = Request(command.clone());
            let full = taken.len() >= BATCH_COMMANDS || (bytes > 0 && bytes + command.size() > BATCH_BYTES);
            if full || shares_key || apart || requests.contains(&request) || held.contains(&command.stream) {
                held.insert(command.stream);
                kept.push_back(item);
                continue;
            }
            requests.insert(request);
            keys.extend(command.keys.iter().map(|(_, key)| (key.clone(), command.stream)));
            ends.insert(command.stream, (command.new_version(), command.new_tip()));
            bytes += command.size();
            taken.push(item);
        }
        self.waiting = kept;
        let first: HashMap<StreamId, usize> =
            taken.iter().enumerate().rev().map(|(place, item)| (item.command.stream, place)).collect();
        taken.sort_by_key(|item| first[&item.command.stream]);
        taken
    }

    /// Writes the batch, however often it takes. A lost connection leaves the outcome unknown: the identical batch is sent
    /// again until there is a verdict; what was written then answers REPLAY with its own hash.
    async fn commit(&mut self, batch: Vec<Item>) {
        let commands: Vec<_> = batch.iter().map(|item| item.command.clone()).collect();
        let mut pause = Duration::from_millis(5);
        let mut tries = 0;
        for item in &batch {
            self.meters.waited(item.since.elapsed());
        }
        loop {
            let began = Instant::now();
            let (error, failure) = match self.committer().await {
                Ok(committer) => match committer.commit(&commands).await {
                    Ok(verdicts) => {
                        self.meters.committed(batch.len(), began.elapsed());
                        return self.deliver(batch, verdicts);
                    }
                    Err(error) => {
                        let failure = classify(&error);
                        (error, failure)
                    }
                },
                // whatever keeps us from connecting, it says nothing of what was written before
                Err(error) => (error, Failure::InDoubt),
            };
            match failure {
                // a plan or a connection that went bad is not mended by waiting
                Failure::Retry if tries >= 3 && batch.len() > 1 => return self.divide(batch, &error).await,
                Failure::Retry if tries >= 3 => self.committer = None,
                Failure::Retry => {}
                Failure::InDoubt => {
                    tracing::warn!(%error, commands = batch.len(), "store away during a commit: the batch is sent again");
                    self.committer = None;
                }
                Failure::Full => {
                    tracing::error!(%error, "the store is full");
                    return batch.into_iter().for_each(|item| item.answer(Verdict::Full));
                }
                Failure::Guilty => return self.divide(batch, &error).await,
            }
            if self.shutdown.is_cancelled() && pause > Duration::from_millis(500) {
                tracing::error!("stopping while the store is away: the outcome of the last batch is unknown");
                return batch.into_iter().for_each(|item| item.answer(Verdict::Unknown));
            }
            tokio::time::sleep(pause).await;
            tries += 1;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    /// One command spoils the batch: halve it until that one is alone.
    async fn divide(&mut self, mut batch: Vec<Item>, error: &sqlx::Error) {
        // a failed statement may have left the connection in a transaction
        self.committer = None;
        if batch.len() == 1 {
            for item in batch {
                tracing::error!(%error, stream = %item.command.stream, trace_id = item.command.trace, "command refused by the store");
                item.answer(Verdict::Failed);
            }
            return;
        }
        let tail = batch.split_off(batch.len() / 2);
        Box::pin(self.commit(batch)).await;
        Box::pin(self.commit(tail)).await;
    }

    fn deliver(&self, batch: Vec<Item>, verdicts: Vec<Verdict>) {
        let (mut wrote, mut erased) = (false, false);
        for (item, verdict) in batch.into_iter().zip(verdicts) {
            wrote |= verdict == Verdict::Ok && item.command.writes();
            erased |= !item.command.erased.is_empty();
            item.answer(verdict);
        }
        if wrote {
            self.bells.ring();
        }
        if erased {
            self.tasks.spawn(scrub(self.db.clone(), self.shutdown.clone()));
        }
    }

    async fn committer(&mut self) -> Result<&mut Committer, sqlx::Error> {
        if self.committer.is_none() {
            self.committer = Some(self.db.committer().await?);
        }
        self.committer.as_mut().ok_or(sqlx::Error::PoolClosed)
    }
}

/// Until it is done, or the process ends: then the next one does it as it opens the store.
async fn scrub(db: Arc<Db>, shutdown: CancellationToken) {
    loop {
        match db.scrub().await {
            Ok(true) => return,
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "an erased key may still be in the log of the store"),
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
            () = shutdown.cancelled() => return,
        }
    }
}
