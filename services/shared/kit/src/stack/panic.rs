//! A panic in a handler is one call's error, not the process's end.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use http::Request;
use tonic::body::Body;

use super::{Front, refused};
use crate::status;

pub(super) fn layer(next: Front) -> Front {
    Front::new(move |request: Request<Body>| {
        let next = next.clone();
        async move {
            let answered = AssertUnwindSafe(async { next.answer(request).await }).catch_unwind().await;
            answered.unwrap_or_else(|panic| {
                let cause = panic
                    .downcast_ref::<&str>()
                    .map(|text| (*text).to_owned())
                    .or_else(|| panic.downcast_ref::<String>().cloned())
                    .unwrap_or_else(|| "of no known kind".to_owned());
                tracing::error!(cause, "a handler panicked");
                refused(status::internal())
            })
        }
    })
}
