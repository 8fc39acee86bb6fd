//! The border: extensions are dropped, the trace is taken up, the call is logged, and errors get their trace id.

use http::{Extensions, Request, Response};
use http_body::Frame;
use http_body_util::BodyExt as _;
use tokio::time::Instant;
use tonic::{Code, Status, body::Body};
use tracing::Instrument as _;

use super::Front;
use crate::status;
use crate::telemetry::Trace;

pub(super) fn layer(next: Front, service: &'static str) -> Front {
    Front::new(move |mut request: Request<Body>| {
        let next = next.clone();
        async move {
            *request.extensions_mut() = Extensions::new();
            let trace = Trace::from_headers(request.headers()).unwrap_or_else(Trace::fresh);
            let rpc = method(request.uri().path()).to_owned();
            let span = tracing::info_span!("call", trace = %trace.id, service, rpc = %rpc);
            request.extensions_mut().insert(trace.clone());
            cross(next, request, trace).instrument(span).await
        }
    })
}

async fn cross(next: Front, request: Request<Body>, trace: Trace) -> Response<Body> {
    let began = Instant::now();
    let mut response = next.answer(request).await;
    *response.extensions_mut() = Extensions::new();
    let ms = began.elapsed().as_millis() as u64;
    match Status::from_header_map(response.headers()) {
        Some(status) if status.code() != Code::Ok => {
            let status = status::at_the_edge(&status, &trace.id);
            tracing::info!(ms, code = status::code_name(status.code()), reason = status::reason(&status), "refused");
            status.into_http()
        }
        _ => {
            tracing::info!(ms, "answered");
            // A stream may still end in an error: its trailers get the trace id as well.
            response.map(|body| Body::new(body.map_frame(move |frame| with_trace(frame, &trace))))
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
