//! So many calls at a time and no more.

use http::Request;
use tonic::body::Body;

use super::{Front, refused};
use crate::places::Places;

pub(super) fn layer(next: Front, concurrency: usize) -> Front {
    let places = Places::new(concurrency);
    Front::new(move |request: Request<Body>| {
        let (next, place) = (next.clone(), places.admit(request.uri().path(), request.headers()));
        async move {
            let place = match place {
                Ok(place) => place,
                Err(refusal) => return refused(refusal),
            };
            let response = next.answer(request).await;
            // The place is given back when the whole answer is sent, or nobody reads it any more; by who follows, now.
            response.map(|body| Body::new(place.hold(body)))
        }
    })
}
