//! Whoever follows one stream live: woken when something was written to it, whichever process wrote it, and told all of it in
//! order. One reader of the feed a process serves all who follow.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use yiwang_ledger::{Entry, Kind, Ledger, Refusal, StreamId};

use crate::following::{self, Follower};
use crate::status::status;

/// A sign of life, so that nothing between us and the reader takes the stream for dead.
const BEAT: Duration = Duration::from_secs(15);
/// A stream is no longer than this: whoever goes on shows a fresh token.
pub(crate) const LONGEST: Duration = Duration::from_secs(600);
/// Who does not read what has come for so long follows no more.
const UNREAD: Duration = Duration::from_secs(30);

/// What one look at a stream brings.
pub struct Looked<T> {
    /// What is new.
    pub new: Vec<T>,
    /// How far it goes.
    pub after: usize,
    /// Nothing more will come.
    pub ended: bool,
    /// What a sign of life says: where it stands, and that it has ended.
    pub beat: T,
}

/// All who follow streams of one ledger.
#[derive(Clone)]
pub struct Watching {
    ledger: Ledger,
    shutdown: CancellationToken,
    watched: Arc<Mutex<HashMap<StreamId, watch::Sender<()>>>>,
}

#[async_trait]
impl Follower for Watching {
    async fn told(&self, entries: &[Arc<Entry>]) -> Result<(), Refusal> {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in entries {
            if let Some(sender) = watched.get(&entry.stream) {
                sender.send_replace(());
            }
        }
        watched.retain(|_, sender| sender.receiver_count() > 0);
        Ok(())
    }

    /// Whoever follows looks again.
    async fn anew(&self) -> Result<(), Refusal> {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        for sender in watched.values() {
            sender.send_replace(());
        }
        Ok(())
    }
}

impl Watching {
    /// Begins to read the feed from its end.
    pub fn start(ledger: &Ledger, shutdown: CancellationToken) -> Self {
        let this = Self { ledger: ledger.clone(), shutdown: shutdown.clone(), watched: Arc::default() };
        let reader = this.clone();
        tokio::spawn(
            async move { shutdown.run_until_cancelled(following::follow(&reader.ledger, None, &reader)).await },
        );
        this
    }

    fn of(&self, stream: StreamId) -> watch::Receiver<()> {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.entry(stream).or_insert_with(|| watch::channel(()).0).subscribe()
    }

    /// Follows a stream: what `look` finds after a place, then whatever comes, until it has ended, the reader is gone or ten
    /// minutes have passed. `look` checks at each turn what its caller may see; what it refuses is the stream's end. Where there is
    /// nothing new at first, a sign of life says so at once.
    pub fn follow<T, F>(
        &self,
        stream: StreamId,
        mut after: usize,
        look: impl Fn(usize) -> F + Send + 'static,
    ) -> ReceiverStream<Result<T, Status>>
    where
        T: Clone + Send + 'static,
        F: Future<Output = Result<Looked<T>, Refusal>> + Send,
    {
        let (answer, stream_of) = mpsc::channel(16);
        // subscribed before the first look: nothing falls between
        let (mut woken, shutdown) = (self.of(stream), self.shutdown.clone());
        tokio::spawn(async move {
            let reader = Reader { answer, ends: Instant::now() + LONGEST, shutdown: shutdown.clone() };
            let mut first = true;
            loop {
                woken.mark_unchanged();
                let looked = match look(after).await {
                    Ok(looked) => looked,
                    Err(refusal) => {
                        reader.give(Err(status(refusal))).await;
                        return;
                    }
                };
                after = looked.after;
                let idle = looked.new.is_empty() && (first || looked.ended);
                for one in looked.new.into_iter().chain(idle.then(|| looked.beat.clone())) {
                    if !reader.give(Ok(one)).await {
                        return;
                    }
                }
                if looked.ended {
                    return;
                }
                first = false;
                tokio::select! {
                    _ = woken.changed() => {}
                    () = sleep(BEAT) => if !reader.give(Ok(looked.beat)).await { return },
                    () = sleep_until(reader.ends) => return,
                    () = reader.answer.closed() => return,
                    () = shutdown.cancelled() => {
                        let _ = reader.answer.try_send(Err(status(stopping())));
                        return;
                    }
                }
            }
        });
        ReceiverStream::new(stream_of)
    }
}

/// Whoever follows, and until when.
struct Reader<T> {
    answer: mpsc::Sender<Result<T, Status>>,
    ends: Instant,
    shutdown: CancellationToken,
}

impl<T> Reader<T> {
    /// Gives the reader something; false where it is not read: the reader is gone or does not read on, or time is up.
    async fn give(&self, one: Result<T, Status>) -> bool {
        // what has room is given even while the process stops
        let one = match self.answer.try_send(one) {
            Ok(()) => return true,
            Err(mpsc::error::TrySendError::Closed(_)) => return false,
            Err(mpsc::error::TrySendError::Full(one)) => one,
        };
        tokio::select! {
            sent = self.answer.send(one) => sent.is_ok(),
            () = sleep(UNREAD) => false,
            () = sleep_until(self.ends) => false,
            () = self.shutdown.cancelled() => false,
        }
    }
}

fn stopping() -> Refusal {
    let (zh, en) = ("服务正在停止，请从上次的进度处重新订阅", "the service stops: go on from the last step");
    Refusal::new(Kind::Unavailable, "SHUTTING_DOWN", zh, en).with("retry_after_ms", "1000")
}
