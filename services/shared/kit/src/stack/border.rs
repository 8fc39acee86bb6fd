//! The border: extensions are dropped, the trace is taken up, the call is logged, and errors get their trace id.

use http::{Extensions, Request, Response};
use http_body::Frame;
use http_body_util::BodyExt as _;
use opentelemetry::trace::SpanKind;
use tokio::time::Instant;
use tonic::{Code, Status, body::Body};
use tracing::Instrument as _;

use super::Front;
use crate::metrics::Calls;
use crate::spans::Span;
use crate::status;
use crate::telemetry::Trace;

pub(super) fn layer(next: Front, service: &'static str) -> Front {
    let calls = Calls::of(service);
    Front::new(move |mut request: Request<Body>| {
        let (next, calls) = (next.clone(), calls.clone());
        async move {
            *request.extensions_mut() = Extensions::new();
            let rpc = method(request.uri().path()).to_owned();
            let (hop, trace) = Span::arriving(request.headers(), SpanKind::Server, &rpc, service);
            let span = tracing::info_span!("call", trace = %trace.id, service, rpc = %rpc);
            request.extensions_mut().insert(trace.clone());
            let (began, at_work) = (Instant::now(), calls.begin());
            let (response, code) = cross(next, request, trace, began).instrument(span).await;
            drop(at_work);
            calls.answered(&rpc, code, began.elapsed().as_secs_f64());
            hop.end(code);
            response
        }
    })
}

/// The answer, and the name of its code.
async fn cross(next: Front, request: Request<Body>, trace: Trace, began: Instant) -> (Response<Body>, &'static str) {
    let mut response = next.answer(request).await;
    *response.extensions_mut() = Extensions::new();
    let ms = began.elapsed().as_millis() as u64;
    match Status::from_header_map(response.headers()) {
        Some(status) if status.code() != Code::Ok => {
            let status = status::at_the_edge(&status, &trace.id);
            let code = status::code_name(status.code());
            tracing::info!(ms, code, reason = status::reason(&status), "refused");
            (status.into_http(), code)
        }
        _ => {
            tracing::debug!(ms, "answered");
            // A stream may still end in an error: its trailers get the trace id as well.
            let response = response.map(|body| Body::new(body.map_frame(move |frame| with_trace(frame, &trace))));
            (response, status::code_name(Code::Ok))
        }
    }
}

fn with_trace(frame: Frame<bytes::Bytes>, trace: &Trace) -> Frame<bytes::Bytes> {
    match frame.into_trailers() {
        Ok(trailers) => match Status::from_header_map(&trailers) {
            Some(status) if status.code() != Code::Ok => {
                let mut rebuilt = trailers.clone();
                let status = status::at_the_edge(&status, &trace.id);
                match status.add_header(&mut rebuilt) {
                    Ok(()) => Frame::trailers(rebuilt),
                    Err(_) => Frame::trailers(trailers),
                }
            }
            _ => Frame::trailers(trailers),
        },
        Err(data) => data,
    }
}

/// `/yiwang.intake.v1.IntakeService/CreateApplication` as `CreateApplication`; whatever else somebody sends, cut short.
fn method(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.char_indices().nth(64).map_or(name, |(end, _)| &name[..end])
}
