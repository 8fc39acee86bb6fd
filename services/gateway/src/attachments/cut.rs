//! A request body that can break off: gRPC has no other way to say that the client's own input did.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use tonic::codegen::Service;
use yiwang_proto::forward::Link;

/// Set when the input broke off.
#[derive(Clone, Debug, Default)]
pub struct Cut(Arc<AtomicBool>);

impl Cut {
    /// The input broke off.
    pub fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether it broke off; said once.
    fn take(&self) -> bool {
        self.0.swap(false, Ordering::AcqRel)
    }
}

/// A link whose request bodies end in an error where the input broke off.
#[derive(Clone, Debug)]
pub struct CutLink {
    link: Link,
    cut: Cut,
}

impl CutLink {
    /// Over a link.
    pub fn new(link: Link, cut: Cut) -> Self {
        Self { link, cut }
    }
}

impl Service<Request<tonic::body::Body>> for CutLink {
    type Response = Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = <Link as Service<Request<tonic::body::Body>>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.link.poll_ready(cx)
    }

    fn call(&mut self, request: Request<tonic::body::Body>) -> Self::Future {
        let cut = self.cut.clone();
        self.link.call(request.map(|body| tonic::body::Body::new(CutBody { body, cut })))
    }
}

/// The body behind a [`CutLink`].
struct CutBody {
    body: tonic::body::Body,
    cut: Cut,
}

impl Body for CutBody {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(None) if self.cut.take() => {
                Poll::Ready(Some(Err(tonic::Status::cancelled("the upload broke off"))))
            }
            other => other,
        }
    }
}
