//! Whoever follows one stream live: woken when something was written to it, whichever process wrote it, and told all of it in
//! order. One reader of the feed a process serves all who follow.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use yiwang_ledger::{Kind, Ledger, Refusal, StreamId};

use crate::status::status;

/// A sign of life, so that nothing between us and the reader takes the stream for dead.
const BEAT: Duration = Duration::from_secs(15);
/// A stream is no longer than this: whoever goes on shows a fresh token.
const LONGEST: Duration = Duration::from_secs(600);
/// Before the feed is asked again after it was away.
const PAUSE: Duration = Duration::from_secs(1);

/// What one look at a stream brings.
pub struct Looked<T> {
    /// What is new.
    pub new: Vec<T>,
    /// How far it goes.
    pub after: usize,
    /// Nothing more will come.
    pub ended: bool,
}

/// All who follow streams of one ledger.
#[derive(Clone)]
pub struct Watching {
    ledger: Ledger,
    shutdown: CancellationToken,
    watched: Arc<Mutex<HashMap<StreamId, watch::Sender<()>>>>,
}

impl Watching {
    /// Begins to read the feed from its end.
    pub fn start(ledger: &Ledger, shutdown: CancellationToken) -> Self {
        let this = Self { ledger: ledger.clone(), shutdown: shutdown.clone(), watched: Arc::default() };
        let reader = this.clone();
        tokio::spawn(async move { shutdown.run_until_cancelled(reader.read()).await });
        this
    }

    async fn read(&self) {
        let mut seen = loop {
            match self.ledger.head().await {
                Ok(head) => break head.position,
                Err(_) => sleep(PAUSE).await,
            }
        };
        let mut wake = 0;
        loop {
            match self.ledger.feed(seen, 500).await {
                Ok(entries) => match entries.last() {
                    Some(last) => {
                        seen = last.position;
                        self.wake(entries.iter().map(|entry| entry.stream));
                    }
                    None => wake = self.ledger.feed_wake(wake).await,
                },
                Err(refusal) => {
                    tracing::warn!(reason = refusal.reason, "who follows is not woken for now");
                    sleep(PAUSE).await;
                }
            }
        }
    }

    fn wake(&self, streams: impl Iterator<Item = StreamId>) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        for stream in streams {
            if let Some(sender) = watched.get(&stream) {
                sender.send_replace(());
            }
        }
        watched.retain(|_, sender| sender.receiver_count() > 0);
    }

    fn of(&self, stream: StreamId) -> watch::Receiver<()> {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.entry(stream).or_insert_with(|| watch::channel(()).0).subscribe()
    }

    /// Follows a stream: what `look` finds after a place, then whatever comes, until it has ended, the reader is gone or ten
    /// minutes have passed. `look` checks at each turn what its caller may see; what it refuses is the stream's end.
    pub fn follow<T, F>(
        &self,
        stream: StreamId,
        mut after: usize,
        beat: impl Fn() -> T + Send + 'static,
        look: impl Fn(usize) -> F + Send + 'static,
    ) -> ReceiverStream<Result<T, Status>>
    where
        T: Send + 'static,
        F: Future<Output = Result<Looked<T>, Refusal>> + Send,
    {
        let (answer, stream_of) = mpsc::channel(16);
        // subscribed before the first look: nothing falls between
        let (mut woken, shutdown) = (self.of(stream), self.shutdown.clone());
        tokio::spawn(async move {
            let ends = Instant::now() + LONGEST;
            loop {
                woken.mark_unchanged();
                match look(after).await {
                    Ok(looked) => {
                        after = looked.after;
                        for one in looked.new {
                            if answer.send(Ok(one)).await.is_err() {
                                return;
                            }
                        }
                        if looked.ended {
                            return;
                        }
                    }
                    Err(refusal) => {
                        let _ = answer.send(Err(status(refusal))).await;
                        return;
                    }
                }
                tokio::select! {
                    _ = woken.changed() => {}
                    () = sleep(BEAT) => if answer.send(Ok(beat())).await.is_err() { return },
                    () = sleep_until(ends) => return,
                    () = answer.closed() => return,
                    () = shutdown.cancelled() => {
                        let _ = answer.send(Err(status(stopping()))).await;
                        return;
                    }
                }
            }
        });
        ReceiverStream::new(stream_of)
    }
}

fn stopping() -> Refusal {
    let (zh, en) = ("服务正在停止，请从上次的进度处重新订阅", "the service stops: go on from the last step");
    Refusal::new(Kind::Unavailable, "SHUTTING_DOWN", zh, en).with("retry_after_ms", "1000")
}
