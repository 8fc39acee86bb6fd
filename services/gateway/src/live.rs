//! Server-sent events (进度), so that an `EventSource` goes on by itself where it was: a step's number is the event's id and comes
//! back as `Last-Event-ID`; the event `end` says that nothing more will come, and whoever comes again all the same gets 204, at
//! which it stops; `error` carries the problem of a stream that was cut off.
//!
//! Invariant: a frame's data is the message as the contract shows it.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    response::{IntoResponse as _, Response},
};
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use rest_over_grpc::{
    handling::Status,
    transcoding::{HttpResponse, StreamEncoding, StreamingResponse},
};
use serde_json::Value;
use yiwang_kit::places::follows;

use crate::problem::{Refused, Transcoded, transcoded};

/// So long the head of an answer waits for its first message; it comes at once from a service that is well.
const HEAD: Duration = Duration::from_secs(2);

/// The target of a request, where it goes on after the last event that its reader has seen.
pub fn target(parts: &Parts) -> String {
    let target = parts.uri.path_and_query().map_or(parts.uri.path(), |target| target.as_str());
    let Some(last) = last_seen(&parts.headers).filter(|_| follows(parts.uri.path())) else { return target.to_owned() };
    let others = parts.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let others: Vec<&str> = others.filter(|pair| pair.split('=').next() != Some("after")).collect();
    let query = others.into_iter().map(str::to_owned).chain([format!("after={last}")]).collect::<Vec<_>>().join("&");
    format!("{}?{query}", parts.uri.path())
}

/// What an `EventSource` says when it comes again; it is as young as the query that it began with, or younger.
fn last_seen(headers: &HeaderMap) -> Option<u32> {
    headers.get("last-event-id")?.to_str().ok()?.trim().parse().ok()
}

/// The answer of a stream.
pub async fn answered(streaming: StreamingResponse, trace: &str) -> Response {
    let mut response = match streaming.content_type() == StreamEncoding::Sse.content_type() {
        true => events(streaming, trace.to_owned()).await,
        false => streaming.into_response(),
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn events(streaming: StreamingResponse, trace: String) -> Response {
    let (content_type, headers, mut frames) = streaming.into_parts();
    let first = tokio::time::timeout(HEAD, frames.next()).await;
    let first = match first {
        // nothing is new, and nothing more will come
        Ok(Some(Ok(frame))) if message(&frame).is_some_and(|one| is_end(&one) && is_life(&one)) => {
            return StatusCode::NO_CONTENT.into_response();
        }
        Ok(first) => first,
        Err(_) => None,
    };
    let frames = stream::iter(first).chain(frames);
    let written = frames.map(move |frame| Ok::<_, std::convert::Infallible>(Bytes::from(written(frame, &trace))));
    let mut response = Response::new(Body::from_stream(written));
    response.headers_mut().extend(headers);
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

fn message(frame: &[u8]) -> Option<Value> {
    serde_json::from_slice(frame.strip_prefix(b"data:")?.trim_ascii()).ok()
}

/// A sign of life says where it stands, and brings nothing.
fn is_life(message: &Value) -> bool {
    let known = |name: &String| matches!(name.as_str(), "number" | "phase" | "ended");
    message.as_object().is_some_and(|fields| fields.keys().all(known))
}

fn is_end(message: &Value) -> bool {
    message["ended"].as_bool().unwrap_or_default()
}

/// An event as it goes out.
fn written(frame: Result<Vec<u8>, Status>, trace: &str) -> Vec<u8> {
    let frame = match frame {
        Ok(frame) => frame,
        Err(status) => return refused(&status, trace).into_bytes(),
    };
    let Some(message) = message(&frame) else { return frame };
    let id = message["number"].as_u64().map(|number| format!("id: {number}\n")).unwrap_or_default();
    let end = if is_end(&message) { "event: end\ndata: {}\n\n" } else { "" };
    [id.as_bytes(), &frame, end.as_bytes()].concat()
}

/// The end of a stream that was cut off, as a problem.
fn refused(status: &Status, trace: &str) -> String {
    let refused = match transcoded(&HttpResponse::from_status(status).into_body()) {
        Transcoded::Status(status) => Refused::by(&status),
        Transcoded::Unreadable(_) => Refused::by(&tonic::Status::internal("")),
    };
    format!("event: error\ndata: {}\n\n", refused.document(trace))
}
