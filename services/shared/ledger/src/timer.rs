//! Timers: what the law makes happen when nobody acts. A record says when it must be looked at (`due_at`); then its rule
//! runs as `system`. Nothing is kept beside the record, so nothing can be forgotten in a crash.

use std::time::Duration;

use tracing::{error, warn};
use uuid::Uuid;

use crate::aggregate::{Aggregate, Call, Context, Decision};
use crate::ledger::{Ledger, store_refusal};
use crate::refusal::Refusal;
use crate::{StreamId, Timestamp};

const BATCH: u32 = 500;

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
        self.core.tasks.spawn(async move {
            loop {
                let more = match ledger.run_due::<A>(rule.clone()).await {
                    Ok(run) => run >= u64::from(BATCH),
                    Err(_) => false,
                };
                let pause = if more { Duration::ZERO } else { Duration::from_secs(1) };
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
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
        let now = self.core.host.now();
        let due = self.core.due(A::KIND, now, BATCH).await.map_err(store_refusal)?;
        let runs = due.into_iter().map(|(stream, version, due_at)| {
            let call = Call::system(format!("timer.{stream}.{version}.{due_at}"), "");
            let rule = rule.clone();
            async move {
                match self.execute::<A>(StreamId(stream), call, rule).await {
                    Ok(done) if done.state.index().due_at.is_some_and(|due| due <= Timestamp(due_at)) => {
                        error!(%stream, kind = A::KIND, "a timer's rule left the record due: it is looked at again");
                        0
                    }
                    Ok(_) => 1,
                    Err(refusal) => {
                        warn!(%stream, kind = A::KIND, reason = refusal.reason, "timer refused");
                        0
                    }
                }
            }
        });
        Ok(futures_util::future::join_all(runs).await.into_iter().sum())
    }

    /// Runs `rule` as `system` on every record of the kind that carries the tag; how many. Used when a calendar year was
    /// loaded and provisional dates are computed anew.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`.
    pub async fn sweep<A: Aggregate>(
        &self,
        tag: &'static str,
        value: &str,
        rule: impl Fn(&A, &Context) -> Decision<A::Event> + Send + Sync + Clone + 'static,
    ) -> Result<u64, Refusal> {
        let mut after = Uuid::nil();
        let mut swept = 0;
        loop {
            let streams = self.core.tagged(A::KIND, tag, value, after).await.map_err(store_refusal)?;
            let Some((last,)) = streams.last() else { return Ok(swept) };
            after = *last;
            for (stream,) in &streams {
                let found = self.core.load::<A>(StreamId(*stream)).await?;
                let version = found.map_or(0, |record| record.version);
                let call = Call::system(format!("sweep.{tag}.{value}.{stream}.{version}"), "");
                match self.execute::<A>(StreamId(*stream), call, rule.clone()).await {
                    Ok(_) => swept += 1,
                    Err(refusal) => warn!(%stream, kind = A::KIND, reason = refusal.reason, "sweep refused"),
                }
            }
        }
    }
}
