//! Calls as people make them: with a request id, sent again until there is an answer, and now and then sent twice.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::Instant;
use tonic::{Request, Response, Status};
use yiwang_kit::identity::Account;
use yiwang_kit::status::is_retryable;
use yiwang_kit::{Link, Links, reason};

use super::grid::Grid;
use super::wire::{ABOUT, Sender};

/// Nobody waits longer, in the time of the wall.
const PATIENCE: Duration = Duration::from_secs(90);

/// A write that was answered well.
#[derive(Clone, Debug)]
pub struct Ack {
    /// The service.
    pub service: &'static str,
    /// The request's id.
    pub request_id: String,
}

/// Where people call from.
pub struct Desk {
    pub grid: Arc<Grid>,
    links: Links,
    officers: HashMap<&'static str, String>,
    acks: Mutex<Vec<Ack>>,
}

/// A call: to whom, whose, about what, and the id of its request.
pub struct Ask<'a> {
    pub service: &'static str,
    pub token: &'a str,
    pub about: &'a str,
    /// Empty for a read.
    pub request_id: &'a str,
}

/// What came of a call, and when in the order of all that was sent and answered of its request.
struct Answered<R> {
    /// Its last attempt was sent.
    asked: u64,
    /// It was answered.
    answered: u64,
    said: Result<R, Status>,
}

impl Desk {
    /// Over the processes of a world.
    pub fn new(grid: Arc<Grid>) -> anyhow::Result<Self> {
        let issuer = grid.process.development.clone().context("the development issuer")?;
        let mut officers = HashMap::new();
        for account in yiwang_kit::identity::accounts() {
            officers.insert(account.id.as_str(), issuer.token(account, None)?);
        }
        let links = grid.links(Sender::People);
        Ok(Self { links, grid, officers, acks: Mutex::default() })
    }

    /// The token of an officer.
    pub fn officer(&self, account: &str) -> &str {
        let known = Account::find(account).and_then(|account| self.officers.get(account.id.as_str()));
        known.map(String::as_str).unwrap_or_default()
    }

    /// What was answered well.
    pub fn acks(&self) -> Vec<Ack> {
        self.acks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A write. Sent again until it is answered; now and then twice at once, or once more afterwards: then the answers must
    /// agree in what `proof` takes from them.
    pub async fn write<M, R, F>(
        &self,
        ask: Ask<'_>,
        message: M,
        call: impl Fn(Link, Request<M>) -> F,
        proof: impl Fn(&R) -> String,
    ) -> Result<R, Status>
    where
        M: Clone,
        F: Future<Output = Result<Response<R>, Status>>,
    {
        let dice = &self.grid.dice;
        let at_once = dice.percent(7, &format!("{} twice at once", ask.request_id));
        let steps = AtomicU64::new(0);
        let once = || Box::pin(self.until_answered(&ask, &message, &call, &steps));
        let (answer, second) = if at_once {
            self.grid.tally.count("person sent twice at once");
            let (one, two) = tokio::join!(once(), once());
            (one, Some(two))
        } else {
            (once().await, None)
        };
        let second = match (&answer.said, second) {
            (Ok(_), None) if dice.percent(12, &format!("{} once more", ask.request_id)) => {
                self.grid.tally.count("person sent once more");
                Some(once().await)
            }
            (_, second) => second,
        };
        let Some(second) = second else { return self.acknowledged(&ask, answer.said) };
        let (done, mut other) =
            if answer.said.is_err() && second.said.is_ok() { (second, answer) } else { (answer, second) };
        // of two that were sent at once, one may have been refused before the other was accepted: from then on nobody is
        if done.said.is_ok() && other.said.is_err() && other.asked < done.answered {
            self.grid.tally.count("person refused and done at once");
            other = once().await;
        }
        match (&done.said, &other.said) {
            (Ok(one), Ok(two)) if proof(one) != proof(two) => self.grid.trouble(format!(
                "{}: answered differently when repeated: {} and {}",
                ask.request_id,
                proof(one),
                proof(two)
            )),
            (Ok(_), Err(status)) if !is_retryable(status.code()) => {
                self.grid.trouble(format!("{}: done, and refused when repeated: {}", ask.request_id, reason(status)))
            }
            _ => {}
        }
        self.acknowledged(&ask, done.said)
    }

    fn acknowledged<R>(&self, ask: &Ask<'_>, said: Result<R, Status>) -> Result<R, Status> {
        if said.is_ok() {
            let ack = Ack { service: ask.service, request_id: ask.request_id.to_owned() };
            self.acks.lock().unwrap_or_else(PoisonError::into_inner).push(ack);
        }
        said
    }

    /// A read.
    pub async fn read<M, R, F>(
        &self,
        ask: Ask<'_>,
        message: M,
        call: impl Fn(Link, Request<M>) -> F,
    ) -> Result<R, Status>
    where
        M: Clone,
        F: Future<Output = Result<Response<R>, Status>>,
    {
        Box::pin(self.until_answered(&ask, &message, &call, &AtomicU64::new(0))).await.said
    }

    async fn until_answered<M, R, F>(
        &self,
        ask: &Ask<'_>,
        message: &M,
        call: &impl Fn(Link, Request<M>) -> F,
        steps: &AtomicU64,
    ) -> Answered<R>
    where
        M: Clone,
        F: Future<Output = Result<Response<R>, Status>>,
    {
        let link = self.links.get(ask.service).with_token(ask.token);
        let began = Instant::now();
        let mut asked;
        let mut attempt = 0_u32;
        let said = loop {
            let mut request = Request::new(message.clone());
            if let Ok(about) = ask.about.parse() {
                request.metadata_mut().insert(ABOUT, about);
            }
            asked = steps.fetch_add(1, Ordering::Relaxed);
            let status = match Box::pin(call(link.clone(), request)).await {
                Ok(answer) => break Ok(answer.into_inner()),
                Err(status) => status,
            };
            let said = reason(&status);
            if ["INTERNAL", "UNKNOWN", "UNAUTHENTICATED", "REQUEST_ID_REUSED"].contains(&said.as_str()) {
                self.grid.trouble(format!("{} about {}: {said}: {}", ask.request_id, ask.about, status.message()));
            }
            if !is_retryable(status.code()) {
                break Err(status);
            }
            if began.elapsed() > PATIENCE {
                self.grid.trouble(format!("{} about {}: never answered: {said}", ask.request_id, ask.about));
                break Err(status);
            }
            let wait = self.grid.dice.below(1500, &format!("{} {attempt} wait", ask.request_id));
            self.grid.clocks.pass(100 + wait).await;
            attempt += 1;
        };
        Answered { asked, answered: steps.fetch_add(1, Ordering::Relaxed), said }
    }

    /// Looks again and again until something is so; trouble where it never is.
    pub async fn until<T>(&self, what: &str, probe: impl AsyncFn() -> Result<Option<T>, Status>) -> Result<T, Status> {
        let began = Instant::now();
        loop {
            if let Some(found) = Box::pin(probe()).await? {
                return Ok(found);
            }
            if began.elapsed() > PATIENCE {
                self.grid.trouble(format!("{what}: did not come to pass"));
                return Err(Status::cancelled("did not come to pass"));
            }
            self.grid.clocks.pass(1500).await;
        }
    }
}
