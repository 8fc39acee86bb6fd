//! So many calls at a time and no more: what is over the limit is told at once to come again, not queued.

use std::sync::Arc;

use http::Request;
use http_body_util::BodyExt as _;
use tokio::sync::Semaphore;
use tonic::body::Body;
use yiwang_ledger::{Kind, Refusal};

use super::{Front, refused};

pub(super) fn layer(next: Front, concurrency: usize) -> Front {
    let places = Arc::new(Semaphore::new(concurrency));
    Front::new(move |request: Request<Body>| {
        let (next, place) = (next.clone(), places.clone().try_acquire_owned());
        async move {
            let Ok(place) = place else { return refused(overloaded()) };
            let response = next.answer(request).await;
            // The place is given back when the whole answer is sent, or nobody reads it any more.
            response.map(|body| {
                Body::new(body.map_frame(move |frame| {
                    let _held = &place;
                    frame
                }))
            })
        }
    })
}

fn overloaded() -> Refusal {
    Refusal::new(
        Kind::ResourceExhausted,
        "OVERLOADED",
        "系统繁忙，请稍后重试",
        "too many calls at once: try again shortly",
    )
    .with("retry_after_ms", "500")
}
