//! The service behind the HTTP transcoder: it hands each call on to a gRPC service and its answer back, and decides nothing.
//!
//! Invariant: headers named in [`CARRIED`] cross, nothing else does; a status arrives with its details unharmed.

use std::convert::Infallible;
use std::pin::Pin;

use http::{HeaderMap, HeaderName, Request, Response};
use rest_over_grpc::{
    codegen_helpers::grpc_status_details,
    handling::{Code, Context, ResponseStream, Status},
};
use tokio_stream::StreamExt as _;
use tonic::{body::Body, metadata::MetadataMap};
use tower::util::BoxCloneSyncService;

/// Request headers that cross from HTTP to gRPC.
pub const CARRIED: [&str; 4] = ["authorization", "traceparent", "tracestate", "grpc-timeout"];

/// What reaches a gRPC service: in process, or over a channel. One type, so that the code of every call is compiled here once.
pub type Link = BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

/// A link to each service, by the name of its package.
#[derive(Clone, Debug)]
pub struct Links {
    /// The catalogue of items (served by intake).
    pub catalogue: Link,
    /// Applications.
    pub intake: Link,
    /// Cases.
    pub approval: Link,
    /// Electronic licences.
    pub license: Link,
    /// Evaluations.
    pub evaluation: Link,
    /// Notices.
    pub trading: Link,
}

impl Links {
    /// The link to the service of a package, such as `intake` of `yiwang.intake.v1`.
    pub fn get(&self, package: &str) -> Option<&Link> {
        match package {
            "catalogue" => Some(&self.catalogue),
            "intake" => Some(&self.intake),
            "approval" => Some(&self.approval),
            "license" => Some(&self.license),
            "evaluation" => Some(&self.evaluation),
            "trading" => Some(&self.trading),
            _ => None,
        }
    }
}

/// Implements the REST trait of every service that is only handed on, each through its own link.
#[derive(Clone, Debug)]
pub struct Forward {
    links: Links,
}

impl Forward {
    /// Hands calls on through `links`.
    pub fn new(links: Links) -> Self {
        Self { links }
    }
}

/// The request with the headers that cross.
pub fn carry<T>(message: T, cx: &mut Context) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    *request.metadata_mut() = MetadataMap::from_headers(carried(&cx.take_request_headers()));
    request
}

/// A call on the heap: the transcoder is one future over all methods, which else has room for every one of them.
pub fn call<'a, T>(future: impl Future<Output = T> + Send + 'a) -> Pin<Box<dyn Future<Output = T> + Send + 'a>> {
    Box::pin(future)
}

/// The headers that cross, out of all.
pub fn carried(headers: &HeaderMap) -> HeaderMap {
    CARRIED
        .iter()
        .filter_map(|name| headers.get(*name).map(|value| (HeaderName::from_static(name), value.clone())))
        .collect()
}

/// The message, or the status with its details.
pub fn answer<T>(result: Result<tonic::Response<T>, tonic::Status>) -> Result<T, Status> {
    result.map(tonic::Response::into_inner).map_err(|status| {
        let code = Code::from_i32(status.code() as i32).unwrap_or(Code::Unknown);
        let converted = Status::new(code, status.message());
        if status.details().is_empty() {
            converted
        } else {
            converted.with_detail(grpc_status_details(status.details()))
        }
    })
}

/// The messages as they come, each status with its details; or the status with which none came.
pub fn stream<T: Send + 'static>(
    result: Result<tonic::Response<tonic::Streaming<T>>, tonic::Status>,
) -> Result<ResponseStream<T>, Status> {
    let messages = answer(result)?;
    Ok(Box::pin(messages.map(|message| answer(message.map(tonic::Response::new)))))
}

pub use generated::{Forwarded, forwarded};

#[allow(clippy::large_futures, reason = "generated; one future a call")]
mod generated {
    use super::{Context, Forward, Links, ResponseStream, Status, answer, call, carry, stream};
    include!(concat!(env!("OUT_DIR"), "/forward.rs"));
}
