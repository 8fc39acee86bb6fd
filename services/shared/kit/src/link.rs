//! Links between services: the same call in one process and over TCP, with the service's own token and the trace.
//!
//! Invariant: a local link leads through the same stack as a remote one; what it carries are headers and a body.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header};
use tonic::body::Body;
use tower::Service;
use yiwang_ledger::{Kind, Refusal};

use crate::config::{Config, SERVICES};
use crate::identity::ServiceTokens;
use crate::replicas::Replicas;
use crate::spans::Span;
use crate::stack::{ACTOR, Front, refused};
use crate::telemetry::{TRACEPARENT, Trace};
use crate::tls::Authority;

/// A call that names no deadline is given up after this.
const PATIENCE: Duration = Duration::from_secs(10);
/// Header by which a call through the gateway says whose ledger it means.
pub const SERVICE: &str = "yiwang-service";

/// The links of one process, by name of the service. Cheap to clone.
#[derive(Clone)]
pub struct Links {
    ways: Arc<BTreeMap<&'static str, Way>>,
    tokens: ServiceTokens,
}

#[derive(Clone)]
enum Way {
    /// In this process; empty until the service has started.
    Local(Slot),
    Remote(Replicas),
}

impl Links {
    /// All services in this process: each is plugged in when it has started.
    pub fn local(tokens: ServiceTokens) -> Self {
        let ways = SERVICES.into_iter().map(|name| (name, Way::Local(Slot::new(name)))).collect();
        Self { ways: Arc::new(ways), tokens }
    }

    /// Each service at its configured address; nothing is connected before the first call.
    pub fn remote(config: &Config, tokens: ServiceTokens) -> anyhow::Result<Self> {
        crate::server::install_crypto();
        let authority = Authority::new(config.security.ca_file.clone());
        let remote = |name| Replicas::open(&config.service_address(name), authority.clone());
        let ways = SERVICES.into_iter().map(|name| Ok((name, Way::Remote(remote(name)?))));
        Ok(Self { ways: Arc::new(ways.collect::<anyhow::Result<_>>()?), tokens })
    }

    /// Plugs a started service in.
    pub fn plug(&self, name: &str, front: Front) {
        if let Some(Way::Local(place)) = self.ways.get(name) {
            place.fill(front);
        }
    }

    /// Unplugs a service: calls find it away. For tests of what the others do then.
    pub fn unplug(&self, name: &str) {
        if let Some(Way::Local(place)) = self.ways.get(name) {
            place.empty();
        }
    }

    /// The link to a service. A name that is none gives a link on which nobody answers.
    pub fn get(&self, name: &str) -> Link {
        let known = self.ways.get_key_value(name);
        Link {
            name: known.map_or("unknown", |(name, _)| name),
            way: known.map_or_else(|| Way::Local(Slot::new("unknown")), |(_, way)| way.clone()),
            tokens: self.tokens.clone(),
            speaker: None,
            headers: HeaderMap::new(),
        }
    }

    /// The link behind a gRPC path: `/yiwang.catalogue.v1.…` leads to intake, `/yiwang.ledger.v1.…` to the service that
    /// the header [`SERVICE`] names.
    pub fn by_path(&self, path: &str, headers: &HeaderMap) -> Option<Link> {
        let package = path.strip_prefix("/yiwang.")?.split('.').next()?;
        let name = match package {
            "catalogue" => "intake",
            "ledger" => headers.get(SERVICE)?.to_str().ok()?,
            other => other,
        };
        self.ways.contains_key(name).then(|| self.get(name))
    }
}

/// The place of a service that may not have started yet: until then, whoever calls is told that it is away.
#[derive(Clone)]
pub struct Slot {
    name: &'static str,
    front: Arc<ArcSwapOption<Front>>,
}

impl Slot {
    /// Empty.
    pub fn new(name: &'static str) -> Self {
        Self { name, front: Arc::default() }
    }

    /// The service has started.
    pub fn fill(&self, front: Front) {
        self.front.store(Some(Arc::new(front)));
    }

    /// The service is away again.
    pub fn empty(&self) {
        self.front.store(None);
    }

    fn answer(&self, request: Request<Body>) -> BoxFuture<'static, Response<Body>> {
        match self.front.load_full() {
            Some(front) => front.answer(request),
            None => {
                let name = self.name;
                Box::pin(async move { refused(away(name)) })
            }
        }
    }

    /// Probes, and the service behind them, as one application for a [`crate::Server`].
    pub fn app(&self, probes: tonic::service::Routes) -> axum::Router {
        let slot = self.clone();
        probes.into_axum_router().fallback(move |request: Request<axum::body::Body>| {
            let answer = slot.answer(request.map(Body::new));
            async move { answer.await.map(axum::body::Body::new) }
        })
    }
}

/// A link to one service: a transport for any generated client. Cheap to clone.
#[derive(Clone)]
pub struct Link {
    name: &'static str,
    way: Way,
    tokens: ServiceTokens,
    /// The service that speaks; its token is made when it calls.
    speaker: Option<String>,
    headers: HeaderMap,
}

impl Link {
    /// A link to a front of this process (tests).
    pub fn local(name: &'static str, front: Front, tokens: ServiceTokens) -> Self {
        let slot = Slot::new(name);
        slot.fill(front);
        Self { name, way: Way::Local(slot), tokens, speaker: None, headers: HeaderMap::new() }
    }

    /// A link to an address, connected at the first call and again whenever it was lost.
    pub fn remote(name: &'static str, address: &str, tokens: ServiceTokens) -> anyhow::Result<Self> {
        Self::remote_trusting(name, address, Authority::new(None), tokens)
    }

    /// The same, with certificates checked by an authority of its own.
    pub fn remote_trusting(
        name: &'static str,
        address: &str,
        authority: Authority,
        tokens: ServiceTokens,
    ) -> anyhow::Result<Self> {
        let way = Way::Remote(Replicas::open(address, authority)?);
        Ok(Self { name, way, tokens, speaker: None, headers: HeaderMap::new() })
    }

    /// Calls as a service of the suite, within a trace (`entry.trace` in a relay).
    #[must_use]
    pub fn as_service(&self, speaker: &str, trace: &str) -> Self {
        let mut link = self.with(TRACEPARENT, Trace::of(trace).header());
        link.speaker = Some(speaker.to_owned());
        link
    }

    /// Says whose act the service carries out: written as the actor in the receiver's entry.
    #[must_use]
    pub fn on_behalf_of(&self, actor: &str) -> Self {
        match HeaderValue::from_str(actor) {
            Ok(actor) => self.with(ACTOR, actor),
            Err(_) => self.clone(),
        }
    }

    /// Calls with somebody's own token: the gateway's way.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        match HeaderValue::from_str(&format!("Bearer {token}")) {
            Ok(mut value) => {
                value.set_sensitive(true);
                self.with(header::AUTHORIZATION.as_str(), value)
            }
            Err(_) => self.clone(),
        }
    }

    /// Calls within a trace.
    #[must_use]
    pub fn traced(&self, trace: &Trace) -> Self {
        self.with(TRACEPARENT, trace.header())
    }

    fn with(&self, name: &str, value: HeaderValue) -> Self {
        let mut link = self.clone();
        if let Ok(name) = name.parse::<HeaderName>() {
            link.headers.insert(name, value);
        }
        link
    }

    /// The hop of this call: where it stands in the trace goes with it.
    fn leave(&self, request: &mut Request<Body>) -> Span {
        if !Span::is_told() {
            return Span::none();
        }
        let headers = if request.headers().contains_key(TRACEPARENT) { request.headers() } else { &self.headers };
        let Some(from) = Trace::parent_in(headers) else { return Span::none() };
        let (hop, here) = Span::leaving(&from, request.uri().path(), self.name);
        request.headers_mut().insert(TRACEPARENT, here.header());
        hop
    }

    /// The headers of a call: those of the request come first, then those of the link.
    fn dress(&self, headers: &mut HeaderMap) -> anyhow::Result<()> {
        for (name, value) in &self.headers {
            headers.entry(name).or_insert_with(|| value.clone());
        }
        if let Some(speaker) = &self.speaker {
            let mut token = HeaderValue::from_str(&format!("Bearer {}", self.tokens.token(speaker)?))?;
            token.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, token);
        }
        if !headers.contains_key("grpc-timeout") {
            headers.insert("grpc-timeout", HeaderValue::from_str(&format!("{}m", PATIENCE.as_millis()))?);
        }
        Ok(())
    }
}

impl Service<Request<Body>> for Link {
    type Response = Response<Body>;
    type Error = std::convert::Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let name = self.name;
        let hop = self.leave(&mut request);
        if let Err(error) = self.dress(request.headers_mut()) {
            tracing::error!(service = name, cause = format!("{error:#}"), "no token could be made for a call");
            return Box::pin(async move { Ok(refused(away(name))) });
        }
        match &self.way {
            Way::Local(place) => {
                let answer = place.answer(request);
                Box::pin(async move { Ok(arrived(hop, answer.await)) })
            }
            Way::Remote(replicas) => {
                let replicas = replicas.clone();
                Box::pin(async move { Ok(arrived(hop, over_tcp(name, replicas, request).await)) })
            }
        }
    }
}

/// The hop ends with the head of the answer.
fn arrived(hop: Span, answer: Response<Body>) -> Response<Body> {
    let status = tonic::Status::from_header_map(answer.headers());
    hop.end(crate::status::code_name(status.map_or(tonic::Code::Ok, |status| status.code())));
    answer
}

async fn over_tcp(name: &'static str, replicas: Replicas, request: Request<Body>) -> Response<Body> {
    let error = match replicas.call(request).await {
        Ok(response) => return response,
        Err(error) => error,
    };
    match tonic::Status::from_error(Box::new(error)).code() {
        // The channel's own timer says CANCELLED where the deadline passed.
        tonic::Code::DeadlineExceeded | tonic::Code::Cancelled => refused(crate::stack::deadline_passed()),
        code => {
            tracing::debug!(service = name, code = crate::status::code_name(code), "not reached");
            refused(away(name))
        }
    }
}

fn away(name: &str) -> Refusal {
    Refusal::new(
        Kind::Unavailable,
        "SERVICE_UNAVAILABLE",
        "服务暂不可用，请稍后重试",
        "the service is away: try again shortly",
    )
    .with("service", name)
    .with("retry_after_ms", "1000")
}
