//! One trace id from here through every hop, in every answer's `x-trace-id`, and one log line a request.

use std::panic::AssertUnwindSafe;
use std::sync::LazyLock;

use axum::{extract::Request, middleware::Next, response::Response};
use futures_util::FutureExt as _;
use http::{HeaderName, HeaderValue, StatusCode};
use tonic::Code;
use yiwang_kit::metrics::Calls;
use yiwang_kit::spans::{Span, SpanKind};
use yiwang_kit::status::code_name;
use yiwang_kit::telemetry::{TRACEPARENT, Trace};

use crate::{
    problem::{Refused, status_of, unanswered},
    proxy::is_grpc,
};

/// Header of every answer.
pub const TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");

/// Gives the request its place in a trace, and answers for a panic.
pub async fn layer(mut request: Request, next: Next) -> Response {
    static CALLS: LazyLock<Calls> = LazyLock::new(|| Calls::of("gateway"));
    let (hop, trace) = Span::arriving(request.headers(), SpanKind::Server, &name(&request), "gateway");
    let at_work = CALLS.begin();
    request.headers_mut().insert(TRACEPARENT, trace.header());
    request.extensions_mut().insert(trace.clone());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let grpc = is_grpc(request.headers());
    let start = tokio::time::Instant::now();
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let mut response = answer.unwrap_or_else(|_| {
        tracing::error!(%method, path, trace = trace.id, "a handler panicked");
        panicked(grpc, &trace.id)
    });
    if let Ok(id) = HeaderValue::from_str(&trace.id) {
        response.headers_mut().insert(TRACE_ID, id);
    }
    let status = response.status().as_u16();
    let code = outcome(response.status());
    hop.end(code);
    drop(at_work);
    CALLS.answered(method.as_str(), code, start.elapsed().as_secs_f64());
    let elapsed_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(service = "gateway", %method, path, status, elapsed_ms, trace = trace.id, "request");
    response
}

/// Method and collection: `POST /v1/applications`. Whose it is stays out of it.
fn name(request: &Request) -> String {
    let collection = request.uri().path().splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    format!("{} {}", request.method(), collection.split(':').next().unwrap_or_default())
}

/// How a request ended, in the words of gRPC.
fn outcome(status: StatusCode) -> &'static str {
    code_name(match status.as_u16() {
        ..400 => Code::Ok,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::NotFound,
        409 => Code::Aborted,
        429 => Code::ResourceExhausted,
        400..500 => Code::InvalidArgument,
        503 => Code::Unavailable,
        504 => Code::DeadlineExceeded,
        _ => Code::Internal,
    })
}

/// The trace id of a request that passed the layer.
pub fn of(request: &Request) -> String {
    request.extensions().get::<Trace>().map(|trace| trace.id.clone()).unwrap_or_default()
}

fn panicked(grpc: bool, trace: &str) -> Response {
    let (reason, zh, en) = unanswered(Code::Internal);
    let refused = Refused::new(Code::Internal, reason, zh, en);
    if grpc { status_of(&refused).into_http() } else { refused.response(trace) }
}
