//! The front door: HTTP/JSON and gRPC of every service on one port, `/openapi.json`, errors as problem+json, and what is
//! composed of several services (`GET /v1/me/affairs`).
//!
//! Invariant: nothing is decided here. A call goes on with the caller's own token and is judged by the service it is for; only
//! the headers that a caller from outside may set cross.

pub mod affairs;
mod attachments;
mod cache;
mod contract;
mod dev;
mod explain;
mod front;
mod health;
mod ledgers;
mod live;
mod openapi;
mod page;
pub mod problem;
mod proxy;
mod quota;
mod rest;
mod trace;
mod verification;

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use yiwang_kit::shared::Shared;

pub use front::{links, router};
pub use proxy::SERVICE_HEADER;
pub use yiwang_proto::forward::{Link, Links};

/// What is too much and what takes too long.
#[derive(Clone, Debug)]
pub struct Options {
    /// Requests at a time; one caller may have an eighth of them once half are taken.
    pub concurrency: usize,
    /// Largest JSON body in bytes.
    pub body_bytes: usize,
    /// Largest attachment in bytes; the intake service has the same limit.
    pub attachment_bytes: u64,
    /// How long one call may take.
    pub deadline: Duration,
    /// How long one part of a composition may take.
    pub part_deadline: Duration,
    /// What replicas share; absent: nothing is kept and nobody is counted.
    pub shared: Option<Shared>,
    /// Requests of one caller a minute; 0: as many as come.
    pub calls_per_minute: u64,
    /// Cancelled when the process is about to end: `/readyz` says so.
    pub leaving: CancellationToken,
    /// How long an upload or the start of a download may take.
    pub transfer_deadline: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            concurrency: 512,
            body_bytes: 1024 * 1024,
            attachment_bytes: 20 * 1024 * 1024,
            deadline: Duration::from_secs(20),
            part_deadline: Duration::from_secs(3),
            shared: None,
            calls_per_minute: 0,
            leaving: CancellationToken::new(),
            transfer_deadline: Duration::from_secs(120),
        }
    }
}
