//! A front door whose services are functions.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use axum::{
    Router,
    body::{Body, Bytes},
};
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, StreamBody};
use prost::Message;
use serde_json::Value;
use tonic::{Status, codegen::Service};
use tower::ServiceExt as _;
use yiwang_gateway::{Link, Links, Options, router};
use yiwang_kit::{clock::LegalClock, config::Config};

/// What a service was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    pub path: String,
    pub headers: HeaderMap,
    /// Messages of the request; `None` at the end where the body broke off.
    pub messages: Vec<Option<Bytes>>,
}

type Answer = Arc<dyn Fn(&Asked) -> Result<Vec<Vec<u8>>, Status> + Send + Sync>;

/// A service that answers by a function and remembers what it was asked.
#[derive(Clone)]
pub struct Fake {
    answer: Answer,
    pub asked: Arc<Mutex<Vec<Asked>>>,
    never: bool,
}

impl Fake {
    pub fn new(answer: impl Fn(&Asked) -> Result<Vec<Vec<u8>>, Status> + Send + Sync + 'static) -> Self {
        Self { answer: Arc::new(answer), asked: Arc::default(), never: false }
    }

    /// Answers every call with one message.
    pub fn saying(message: impl Message) -> Self {
        let bytes = message.encode_to_vec();
        Self::new(move |_| Ok(vec![bytes.clone()]))
    }

    /// Answers every call with a status.
    pub fn refusing(status: Status) -> Self {
        Self::new(move |_| Err(status.clone()))
    }

    /// Is not there.
    pub fn away() -> Self {
        Self::refusing(Status::unavailable("connection refused"))
    }

    /// Never comes to answering.
    pub fn slow(self) -> Self {
        Self { never: true, ..self }
    }

    pub fn last(&self) -> Asked {
        self.asked.lock().unwrap().last().expect("was asked").clone()
    }
}

impl Service<Request<tonic::body::Body>> for Fake {
    type Response = Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<tonic::body::Body>) -> Self::Future {
        let fake = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let asked =
                Asked { path: parts.uri.path().to_owned(), headers: parts.headers, messages: messages(body).await };
            fake.asked.lock().unwrap().push(asked.clone());
            if fake.never {
                std::future::pending::<()>().await;
            }
            Ok(match (fake.answer)(&asked) {
                Ok(messages) => answered(messages),
                Err(status) => status.into_http(),
            })
        })
    }
}

async fn messages(mut body: tonic::body::Body) -> Vec<Option<Bytes>> {
    let (mut bytes, mut cut) = (Vec::new(), false);
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => bytes.extend(frame.into_data().unwrap_or_default()),
            Err(_) => {
                cut = true;
                break;
            }
        }
    }
    let (mut rest, mut found) = (Bytes::from(bytes), Vec::new());
    while rest.len() >= 5 {
        let length = u32::from_be_bytes([rest[1], rest[2], rest[3], rest[4]]) as usize;
        let _prefix = rest.split_to(5);
        found.push(Some(rest.split_to(length)));
    }
    if cut {
        found.push(None);
    }
    found
}

fn answered(messages: Vec<Vec<u8>>) -> Response<tonic::body::Body> {
    let mut frames: Vec<Result<_, Infallible>> = Vec::new();
    for message in messages {
        let mut bytes = vec![0];
        bytes.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
        bytes.extend(message);
        frames.push(Ok(http_body::Frame::data(Bytes::from(bytes))));
    }
    let ok = HeaderMap::from_iter([(header::HeaderName::from_static("grpc-status"), "0".parse().unwrap())]);
    frames.push(Ok(http_body::Frame::trailers(ok)));
    let body = tonic::body::Body::new(StreamBody::new(futures_util::stream::iter(frames)));
    Response::builder().header(header::CONTENT_TYPE, "application/grpc").body(body).unwrap()
}

/// Links on which every service but the named ones is away.
pub fn links(named: &[(&str, &Fake)]) -> Links {
    let named: BTreeMap<_, _> = named.iter().copied().collect();
    let get = |name: &str| Link::new(named.get(name).map_or_else(Fake::away, |fake| (*fake).clone()));
    Links {
        catalogue: get("catalogue"),
        intake: get("intake"),
        approval: get("approval"),
        license: get("license"),
        evaluation: get("evaluation"),
        trading: get("trading"),
    }
}

/// A front door and the folder of its clock.
pub struct World {
    pub router: Router,
    _folder: tempfile::TempDir,
}

pub fn world(named: &[(&str, &Fake)]) -> World {
    world_with(named, Options::default(), |_| {})
}

pub fn world_with(named: &[(&str, &Fake)], options: Options, configure: impl Fn(&mut Config)) -> World {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config { data_dir: folder.path().to_owned(), ..Config::default() };
    configure(&mut config);
    let clock = LegalClock::open(&config).unwrap();
    let router = router(links(named), options, clock, tonic::service::Routes::default()).unwrap();
    World { router, _folder: folder }
}

/// An answer, read.
pub struct Read {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Read {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("JSON, not {:?}", self.body))
    }

    /// Status and reason of a problem.
    pub fn refusal(&self) -> (u16, String) {
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json", "{:?}", self.body);
        (self.status, self.json()["reason"].as_str().unwrap_or_default().to_owned())
    }

    /// The first field at fault.
    pub fn field(&self) -> String {
        self.json()["fields"][0]["field"].as_str().unwrap_or_default().to_owned()
    }
}

impl World {
    pub async fn send(&self, request: Request<Body>) -> Read {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        Read { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    pub async fn get(&self, path: &str) -> Read {
        let request = Request::get(path).header(header::AUTHORIZATION, "Bearer t").body(Body::empty());
        self.send(request.unwrap()).await
    }

    pub async fn post(&self, path: &str, body: impl Into<Bytes>) -> Read {
        let request = Request::post(path).header(header::AUTHORIZATION, "Bearer t");
        self.send(request.body(Body::new(Full::new(body.into()))).unwrap()).await
    }
}

/// A body that breaks off after its first piece.
pub fn broken(first: &'static str) -> Body {
    let pieces = [Ok(first), Err(std::io::Error::other("the line went dead"))];
    Body::from_stream(futures_util::stream::iter(pieces))
}

pub const OK: u16 = StatusCode::OK.as_u16();
