//! Several gateways, and a client that does what a load balancer does: it sends to those whose `/readyz` says yes, and offers a
//! connection that was refused to the next one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::bail;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use crate::api::{Answer, Api};

/// How often a gateway is asked whether it is ready.
const ASK: Duration = Duration::from_millis(50);

/// The gateways of an installation. Cheap to clone.
#[derive(Clone)]
pub struct Doors {
    doors: Arc<Vec<Door>>,
    turn: Arc<AtomicUsize>,
    counts: Arc<Counts>,
}

struct Door {
    api: Api,
    ready: AtomicBool,
    /// Whether it is asked at all.
    asked: bool,
}

/// What became of the calls.
#[derive(Default)]
pub struct Counts {
    calls: AtomicU64,
    good: AtomicU64,
    refused: AtomicU64,
    slowest: AtomicU64,
    failed: Mutex<BTreeMap<String, u64>>,
}

impl Counts {
    /// Calls sent, each time counted.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Calls that were answered well.
    pub fn good(&self) -> u64 {
        self.good.load(Ordering::Relaxed)
    }

    /// Connections that a gateway refused: nothing was sent, the next one got the call.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// The longest that an answer took.
    pub fn slowest(&self) -> Duration {
        Duration::from_millis(self.slowest.load(Ordering::Relaxed))
    }

    /// Calls answered with an error or cut off, by what the caller saw.
    pub fn failed(&self) -> BTreeMap<String, u64> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn fail(&self, seen: String) {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner).entry(seen).or_default() += 1;
    }
}

impl Doors {
    /// Over these gateways, whatever they say of themselves: who calls one that is not there is refused, and calls again.
    pub fn unasked(apis: Vec<Api>) -> Self {
        Self::over(apis, false)
    }

    fn over(apis: Vec<Api>, asked: bool) -> Self {
        let doors = apis.into_iter().map(|api| Door { api, ready: AtomicBool::new(!asked), asked }).collect();
        Self { doors: Arc::new(doors), turn: Arc::default(), counts: Arc::default() }
    }

    /// Over these gateways, each asked from now on whether it is ready.
    pub fn new(apis: Vec<Api>) -> Self {
        let own = Self::over(apis, true);
        for number in 0..own.doors.len() {
            let doors = Arc::downgrade(&own.doors);
            tokio::spawn(async move {
                while let Some(doors) = doors.upgrade() {
                    let door = &doors[number];
                    let asked = timeout(Duration::from_secs(2), door.api.get("/readyz")).await;
                    door.ready.store(matches!(asked, Ok(Ok(answer)) if answer.status == 200), Ordering::Relaxed);
                    drop(doors);
                    sleep(ASK).await;
                }
            });
        }
        own
    }

    /// What became of the calls so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// A client in somebody's name.
    pub fn with_token(&self, token: &str) -> Caller {
        Caller { doors: self.clone(), token: token.to_owned() }
    }

    fn ready(&self) -> Option<&Door> {
        let ready: Vec<&Door> = self.doors.iter().filter(|door| door.ready.load(Ordering::Relaxed)).collect();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        ready.get(turn % ready.len().max(1)).copied()
    }
}

/// Somebody who calls through the doors. Cheap to clone.
#[derive(Clone)]
pub struct Caller {
    doors: Doors,
    token: String,
}

impl Caller {
    /// Sends the same request until there is a good answer: without one it may have happened, and the same request id makes
    /// asking again harmless.
    ///
    /// # Errors
    /// Where the answer is one that sending again does not change.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.until_answered(path, Some(body)).await
    }

    /// Reads, as [`Caller::post`] writes.
    ///
    /// # Errors
    /// As there.
    pub async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.until_answered(path, None).await
    }

    async fn until_answered(&self, path: &str, body: Option<&Value>) -> anyhow::Result<Answer> {
        let counts = &self.doors.counts;
        loop {
            let Some(door) = self.doors.ready() else {
                sleep(ASK).await;
                continue;
            };
            counts.calls.fetch_add(1, Ordering::Relaxed);
            let (api, began) = (door.api.with_token(&self.token), Instant::now());
            let answer = match body {
                Some(body) => api.post(path, body).await,
                None => api.get(path).await,
            };
            let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            counts.slowest.fetch_max(took, Ordering::Relaxed);
            match answer {
                Ok(answer) if answer.status == 200 => {
                    counts.good.fetch_add(1, Ordering::Relaxed);
                    return Ok(answer);
                }
                Ok(answer) if !answer.may_retry() => bail!("{path} {body:?}: {answer:?}"),
                Ok(answer) => counts.fail(format!("{} {}", answer.status, answer.reason())),
                Err(error) if error.is_connect() => {
                    counts.refused.fetch_add(1, Ordering::Relaxed);
                    door.ready.store(!door.asked, Ordering::Relaxed);
                }
                Err(error) => counts.fail(if error.is_timeout() { "no answer" } else { "cut off" }.to_owned()),
            }
            sleep(Duration::from_millis(25)).await;
        }
    }
}
