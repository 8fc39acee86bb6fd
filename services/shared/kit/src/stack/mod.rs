//! The one tower stack that stands in front of every service, in one process and over TCP alike:
//! border and trace, panic, deadline, limits, message size, identity, then the service.
//!
//! Invariant: whatever reaches a service came through here. Headers cross the border, extensions do not: a caller in
//! the same process can smuggle nothing in that a caller over TCP could not.

mod border;
mod deadline;
mod identify;
mod limit;
mod panic;
mod size;

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::{Request, Response};
use tonic::body::Body;
use tower::{Service, ServiceBuilder, ServiceExt as _};
use yiwang_ledger::Refusal;

use crate::config::Limits;
use crate::identity::Identity;
use crate::status;

pub(crate) use deadline::passed as deadline_passed;
pub(crate) use identify::ACTOR;
pub use identify::PUBLIC;

/// A service with the stack in front, or a part of that. Cheap to clone.
#[derive(Clone)]
pub struct Front(Arc<dyn Fn(Request<Body>) -> BoxFuture<'static, Response<Body>> + Send + Sync>);

impl Front {
    /// From a function: a layer of the stack, or the wire to a service elsewhere.
    pub fn new<F>(answer: impl Fn(Request<Body>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        Self(Arc::new(move |request| Box::pin(answer(request))))
    }

    /// From a service that is the same for every caller.
    fn of<S>(service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Future: Send,
    {
        Self::new(move |request| {
            let service = service.clone();
            async move {
                match service.oneshot(request).await {
                    Ok(response) => response,
                    Err(never) => match never {},
                }
            }
        })
    }

    /// Answers one request.
    pub fn answer(&self, request: Request<Body>) -> BoxFuture<'static, Response<Body>> {
        (self.0)(request)
    }
}

impl Service<Request<Body>> for Front {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let answer = self.answer(request);
        Box::pin(async move { Ok(answer.await) })
    }
}

/// What the stack needs to know.
#[derive(Clone)]
pub struct Stack {
    /// Name of the service behind, for logs.
    pub service: &'static str,
    /// Who verifies tokens.
    pub identity: Identity,
    /// Deadline of a call that names none.
    pub deadline: Duration,
    /// Longest deadline.
    pub deadline_max: Duration,
    /// Calls at a time.
    pub concurrency: usize,
    /// Largest message.
    pub message_bytes: usize,
}

impl Stack {
    /// With the configured limits.
    pub fn new(service: &'static str, identity: Identity, limits: &Limits) -> Self {
        Self {
            service,
            identity,
            deadline: Duration::from_millis(limits.deadline_ms),
            deadline_max: Duration::from_millis(limits.deadline_max_ms),
            concurrency: limits.concurrency,
            message_bytes: limits.message_bytes,
        }
    }

    /// Puts the stack in front of a service. There is no other way to one.
    pub fn before<S>(&self, service: S) -> Front
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Future: Send,
    {
        let Stack { service: name, identity, deadline, deadline_max, concurrency, message_bytes } = self.clone();
        ServiceBuilder::new()
            .layer(tower::layer::layer_fn(move |next| border::layer(next, name)))
            .layer(tower::layer::layer_fn(panic::layer))
            .layer(tower::layer::layer_fn(move |next| deadline::layer(next, deadline, deadline_max)))
            .layer(tower::layer::layer_fn(move |next| limit::layer(next, concurrency)))
            .layer(tower::layer::layer_fn(move |next| size::layer(next, message_bytes)))
            .layer(tower::layer::layer_fn(move |next| identify::layer(next, identity.clone())))
            .service(Front::of(service))
    }
}

/// A refusal as the answer to an HTTP/2 request of gRPC.
pub(crate) fn refused(refusal: Refusal) -> Response<Body> {
    status::status(refusal).into_http()
}
