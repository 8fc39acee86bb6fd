//! Timers: what the law makes happen when nobody acts. A record says when it must be looked at (`due_at`); then its rule
//! runs as `system`. Nothing is kept beside the record, so nothing can be forgotten in a crash.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{error, warn};
use uuid::Uuid;
use yiwang_standards::sm::{sm3, to_hex};

use crate::aggregate::{Aggregate, Call, Context, Decision};
use crate::ledger::{Ledger, store_refusal};
use crate::refusal::{Kind, Refusal};
use crate::snapshot::is_of_one_stream;
use crate::{StreamId, Timestamp};

/// A record whose rule refuses, or leaves it due, is looked at again after this long.
const STUCK: Duration = Duration::from_secs(60);

impl Ledger {
    /// Runs `rule` as `system` on every stream of the kind whose `due_at` has come by legal time. Idempotent, so every
    /// replica may run it. The rule's events must move `due_at` on.
    pub fn timer<A: Aggregate>(
        &self,
        rule: impl Fn(&A, &Context) -> Decision<A::Event> + Send + Sync + Clone + 'static,
    ) {
        let ledger = self.clone();
        let shutdown = self.core.shutdown.clone();
        let mut moved = self.core.host.moved();
        self.core.background.spawn(async move {
            let mut stuck = HashMap::new();
            loop {
                // the store is away: logged, and tried again
                let _ = ledger.round::<A>(rule.clone(), &mut stuck).await;
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_secs(1)) => {}
                    Ok(()) = moved.changed() => {}
                    () = shutdown.cancelled() => return,
                }
            }
        });
    }

    /// One round of a timer; how many streams moved.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`.
    pub async fn run_due<A: Aggregate>(
        &self,
        rule: impl Fn(&A, &Context) -> Decision<A::Event> + Send + Sync + Clone + 'static,
    ) -> Result<u64, Refusal> {
        self.round::<A>(rule, &mut HashMap::new()).await
    }

    /// Every due stream once, however many there are; those that are stuck wait, and hold nobody up.
    async fn round<A: Aggregate>(
        &self,
        rule: impl Fn(&A, &Context) -> Decision<A::Event> + Send + Sync + Clone + 'static,
        stuck: &mut HashMap<Uuid, Instant>,
    ) -> Result<u64, Refusal> {
        let (now, mut after, mut moved) = (self.core.host.now(), (i64::MIN, Uuid::nil()), 0);
        stuck.retain(|_, since| since.elapsed() < STUCK);
        loop {
            let due = self.core.due(A::KIND, now, after).await.map_err(store_refusal)?;
            let Some((stream, _, due_at)) = due.last() else { return Ok(moved) };
            after = (*due_at, *stream);
            let runs =
                due.into_iter().filter(|(stream, ..)| !stuck.contains_key(stream)).map(|(stream, version, due_at)| {
                    let call = Call::system(format!("timer.{stream}.{version}.{due_at}"), "");
                    let run = self.execute::<A>(StreamId(stream), call, rule.clone());
                    async move { (stream, due_at, run.await) }
                });
            for (stream, due_at, outcome) in futures_util::future::join_all(runs).await {
                match outcome {
                    Ok(done) if done.state.index().due_at.is_some_and(|due| due <= Timestamp(due_at)) => {
                        error!(%stream, kind = A::KIND, "a timer's rule left the record due");
                        stuck.insert(stream, Instant::now());
                    }
                    Ok(_) => moved += 1,
                    Err(refusal) => {
                        warn!(%stream, kind = A::KIND, reason = refusal.reason, "timer refused");
                        stuck.insert(stream, Instant::now());
                    }
                }
            }
        }
    }

    /// Runs `rule` as `system` on every record of the kind that carries the tag; how many. Used when a calendar year was
    /// loaded and provisional dates are computed anew. A record that this release cannot read is passed over and logged.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`, `CONTENDED` and their like, after everything that could be reached was reached: sweep again.
    pub async fn sweep<A: Aggregate>(
        &self,
        tag: &'static str,
        value: &str,
        rule: impl Fn(&A, &Context) -> Decision<A::Event> + Send + Sync + Clone + 'static,
    ) -> Result<u64, Refusal> {
        let (mut after, mut swept, mut missed) = (Uuid::nil(), 0, None);
        loop {
            let streams = self.core.tagged(A::KIND, tag, value, after).await.map_err(store_refusal)?;
            let Some((last,)) = streams.last() else { return missed.map_or(Ok(swept), Err) };
            after = *last;
            for (stream,) in streams {
                match self.sweep_one::<A>(StreamId(stream), value, rule.clone()).await {
                    Ok(()) => swept += 1,
                    Err(refusal) => {
                        warn!(%stream, kind = A::KIND, reason = refusal.reason, "sweep refused");
                        let again = matches!(refusal.kind, Kind::Unavailable | Kind::Aborted | Kind::ResourceExhausted);
                        if again && !is_of_one_stream(&refusal) {
                            missed = Some(refusal);
                        }
                    }
                }
            }
        }
    }

    async fn sweep_one<A: Aggregate>(
        &self,
        stream: StreamId,
        value: &str,
        rule: impl Fn(&A, &Context) -> Decision<A::Event> + Send + Sync + Clone + 'static,
    ) -> Result<(), Refusal> {
        let version = self.core.load::<A>(stream).await?.map_or(0, |record| record.version);
        let id = to_hex(&sm3(format!("sweep.{value}.{stream}.{version}").as_bytes()));
        self.execute::<A>(stream, Call::system(id, ""), rule).await.map(|_| ())
    }
}
