//! gRPC on the same port: a call goes to the service whose package its path names, as it came.
//!
//! Invariant: the messages are not opened; only headers that a caller from outside may set cross.

use axum::{body::Body, response::Response};
use http::{HeaderMap, Request, header};
use tonic::Code;
use tower::ServiceExt as _;
use yiwang_proto::forward::{CARRIED, Link, Links};

use crate::{
    ledgers::keeper,
    problem::{Refused, status_of},
};

/// Names the service whose ledger is meant, where `yiwang.ledger.v1.LedgerService` is called.
pub const SERVICE_HEADER: &str = "yiwang-service";

/// Headers of gRPC itself.
const GRPC: [header::HeaderName; 5] = [
    header::CONTENT_TYPE,
    header::TE,
    header::USER_AGENT,
    header::HeaderName::from_static("grpc-encoding"),
    header::HeaderName::from_static("grpc-accept-encoding"),
];

/// Whether a request is gRPC.
pub fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// Hands a call on.
pub async fn forward(links: &Links, request: Request<Body>) -> Response {
    match link(links, &request) {
        Ok(link) => call(link.clone(), request).await,
        Err(refused) => status_of(&refused).into_http(),
    }
}

fn link<'a>(links: &'a Links, request: &Request<Body>) -> Result<&'a Link, Refused> {
    let unknown = || {
        let (zh, en) = ("没有这个服务", "no such service here; ask the reflection service what there is");
        Refused::new(Code::Unimplemented, "SERVICE_NOT_FOUND", zh, en)
    };
    // `/yiwang.intake.v1.IntakeService/GetApplication`
    let mut names = request.uri().path().strip_prefix("/yiwang.").ok_or_else(unknown)?.split('.');
    match names.next() {
        Some("ledger") => {
            let named = request.headers().get(SERVICE_HEADER).and_then(|name| name.to_str().ok());
            keeper(links, named.unwrap_or_default())
        }
        Some(package) => links.get(package).ok_or_else(unknown),
        None => Err(unknown()),
    }
}

async fn call(link: Link, request: Request<Body>) -> Response {
    let (mut parts, body) = request.into_parts();
    parts.headers = crossing(&parts.headers);
    parts.extensions = http::Extensions::new();
    let Ok(response) = link.oneshot(Request::from_parts(parts, tonic::body::Body::new(body))).await;
    response.map(Body::new)
}

fn crossing(headers: &HeaderMap) -> HeaderMap {
    let carried = CARRIED.iter().map(|name| header::HeaderName::from_static(name));
    let names = carried.chain(GRPC);
    names.filter_map(|name| headers.get(&name).map(|value| (name.clone(), value.clone()))).collect()
}
