//! The wire between processes, and between people and processes. Each message may be lost, its answer may be, it may come
//! twice, late, or after its sender has given it up and sent another; and who receives or sends it may die over it.
//!
//! Invariant: what becomes of a message depends on the seed, on who sends whom which call about what, and on how often that
//! was sent before; on nothing else.

use std::collections::HashMap;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use tonic::Status;
use tonic::body::Body;
use yiwang_kit::Front;

use super::grid::{Grid, Place};

/// The header in which a person's call says what it is about.
pub const ABOUT: &str = "sim-about";

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// Citizens and officers.
    People,
    /// A replica of a service.
    Node(Place),
}

impl Sender {
    fn name(self) -> &'static str {
        match self {
            Sender::People => "people",
            Sender::Node((service, _)) => service,
        }
    }
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Arrives,
    RequestLost,
    AnswerLost,
    Repeated,
    Delayed,
    Overtaken,
    ReceiverDies,
    ReceiverDiesAtIt,
    SenderDies,
}

/// How often each, in a thousand.
const FATES: [(u64, Fate); 9] = [
    (732, Fate::Arrives),
    (50, Fate::RequestLost),
    (60, Fate::AnswerLost),
    (60, Fate::Repeated),
    (40, Fate::Delayed),
    (40, Fate::Overtaken),
    (5, Fate::ReceiverDies),
    (5, Fate::ReceiverDiesAtIt),
    (8, Fate::SenderDies),
];

impl Fate {
    fn name(self) -> &'static str {
        match self {
            Fate::Arrives => "message arrived",
            Fate::RequestLost => "request lost",
            Fate::AnswerLost => "answer lost",
            Fate::Repeated => "request repeated",
            Fate::Delayed => "request delayed",
            Fate::Overtaken => "request overtaken by its repetition",
            Fate::ReceiverDies => "receiver died before it answered",
            Fate::ReceiverDiesAtIt => "receiver died at work",
            Fate::SenderDies => "sender died before it heard",
        }
    }
}

/// The fates and deeds that a run must have seen.
pub const FAULTS: [&str; 12] = [
    "request lost",
    "answer lost",
    "request repeated",
    "request delayed",
    "request overtaken by its repetition",
    "receiver died before it answered",
    "receiver died at work",
    "sender died before it heard",
    "process killed",
    "process stopped in order",
    "process started again",
    "machine time jumped",
];

/// What ids and numbers are about, and how often each call was sent: so that a relay's call has a name that is the same in
/// every run, though the ids in it are not.
#[derive(Default)]
pub struct Names {
    known: Mutex<Vec<(String, String)>>,
    sent: Mutex<HashMap<String, u32>>,
}

impl Names {
    /// From now on this text in a message says what it is about.
    pub fn learn(&self, text: &str, about: &str) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).push((text.to_owned(), about.to_owned()));
    }

    fn about(&self, body: &[u8]) -> String {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let body = String::from_utf8_lossy(body);
        let found = known.iter().find(|(text, _)| body.contains(text));
        found.map_or_else(String::new, |(_, about)| about.clone())
    }

    fn sent(&self, call: &str) -> u32 {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let times = sent.entry(call.to_owned()).or_default();
        *times += 1;
        *times
    }
}

/// The wire from a sender to a service.
pub fn front(grid: &Arc<Grid>, from: Sender, to: &'static str) -> Front {
    let grid = Arc::downgrade(grid);
    Front::new(move |request: Request<Body>| {
        let grid = grid.upgrade();
        async move {
            match grid {
                Some(grid) => carry(grid, from, to, request).await,
                None => lost(),
            }
        }
    })
}

/// A message read whole, so that it can be sent more than once.
#[derive(Clone)]
struct Message {
    parts: Parts,
    body: Bytes,
}

impl Message {
    fn request(&self) -> Request<Body> {
        let mut request = Request::new(Body::new(Full::new(self.body.clone())));
        *request.method_mut() = self.parts.method.clone();
        *request.uri_mut() = self.parts.uri.clone();
        *request.headers_mut() = self.parts.headers.clone();
        request
    }
}

async fn carry(grid: Arc<Grid>, from: Sender, to: &'static str, request: Request<Body>) -> Response<Body> {
    let (mut parts, body) = request.into_parts();
    let Ok(body) = body.collect().await else { return lost() };
    let body = body.to_bytes();
    let said = parts.headers.remove(ABOUT).and_then(|about| about.to_str().ok().map(str::to_owned));
    let about = said.unwrap_or_else(|| grid.names.about(&body));
    let rpc = parts.uri.path().rsplit('/').next().unwrap_or_default().to_owned();
    let call = format!("{} > {to} {rpc} {about}", from.name());
    let call = format!("{call} #{}", grid.names.sent(&call));
    let fate = if grid.is_calm() { Fate::Arrives } else { grid.dice.pick(&FATES, &call) };
    let replica = grid.dice.below(grid.replicas, &format!("{call} replica"));
    grid.tally.count(fate.name());
    let message = Message { parts, body };
    let place = (to, replica);
    match fate {
        Fate::Arrives => offer(&grid, place, &message).await,
        Fate::RequestLost => lost(),
        Fate::AnswerLost => {
            offer(&grid, place, &message).await;
            if grid.dice.percent(50, &format!("{call} late")) { too_late() } else { lost() }
        }
        Fate::Repeated => {
            let other = (to, grid.dice.below(grid.replicas, &format!("{call} other replica")));
            let (one, two) = tokio::join!(offer(&grid, place, &message), offer(&grid, other, &message));
            if grid.dice.percent(50, &format!("{call} which")) { one } else { two }
        }
        Fate::Delayed => {
            grid.clocks.pass(100 + grid.dice.below(3000, &format!("{call} delay"))).await;
            offer(&grid, place, &message).await
        }
        Fate::Overtaken => {
            let delay = 500 + grid.dice.below(10_000, &format!("{call} delay"));
            let later = grid.clone();
            grid.held.fetch_add(1, SeqCst);
            grid.outside(async move {
                later.clocks.pass(delay).await;
                offer(&later, place, &message).await;
                later.held.fetch_sub(1, SeqCst);
            });
            lost()
        }
        Fate::ReceiverDies => {
            offer(&grid, place, &message).await;
            grid.kill(place, &call);
            lost()
        }
        Fate::ReceiverDiesAtIt => {
            let dies = async {
                for _ in 0..grid.dice.below(40, &format!("{call} when")) {
                    tokio::task::yield_now().await;
                }
                grid.kill(place, &call);
            };
            tokio::join!(offer(&grid, place, &message), dies).0
        }
        Fate::SenderDies => {
            offer(&grid, place, &message).await;
            if let Sender::Node(sender) = from
                && grid.kill(sender, &call)
            {
                std::future::pending::<()>().await;
            }
            lost()
        }
    }
}

/// One replica after the other, as the links over TCP do it.
async fn offer(grid: &Arc<Grid>, (service, first): Place, message: &Message) -> Response<Body> {
    for turn in 0..grid.replicas {
        let place = (service, (first + turn) % grid.replicas);
        if let Some(answer) = grid.answer(place, message.request()).await {
            return answer;
        }
    }
    lost()
}

fn lost() -> Response<Body> {
    Status::unavailable("nobody answers").into_http()
}

fn too_late() -> Response<Body> {
    Status::deadline_exceeded("nobody answered in time").into_http()
}
