//! Hot public reads, shown again for a moment: guides, lists of items and notices, keys of seals.
//!
//! Invariant: what is kept was answered to nobody in particular: a request with a token is never answered from here.

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::Request,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, Method, StatusCode, header};
use yiwang_kit::shared::{LARGEST, Shared};

/// Paths below which everybody sees the same.
const PUBLIC: [&str; 3] = ["/v1/items", "/v1/notices", "/v1/licenses/keys/"];

/// Under what the answer to a request is kept; `None` where it is not.
pub fn key(request: &Request) -> Option<String> {
    let path = request.uri().path();
    let public = request.method() == Method::GET && !request.headers().contains_key(header::AUTHORIZATION);
    let below = |prefix: &str| {
        path.strip_prefix(prefix).is_some_and(|rest| prefix.ends_with('/') || rest.is_empty() || rest.starts_with('/'))
    };
    (public && PUBLIC.into_iter().any(below))
        .then(|| request.uri().path_and_query().map_or(path, |all| all.as_str()).to_owned())
}

/// The kept answer, or the fresh one, which is kept if it is good.
pub async fn answer(shared: &Shared, key: &str, fresh: impl Future<Output = Response>) -> Response {
    if let Some(kept) = shared.cached("gateway", key).await {
        return json(kept);
    }
    let response = fresh.await;
    let length = response.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if response.status() != StatusCode::OK || length.is_some_and(|length: usize| length > LARGEST) {
        return response;
    }
    let (parts, body) = response.into_parts();
    match to_bytes(body, usize::MAX).await {
        Ok(body) => {
            shared.keep(key, body.clone()).await;
            Response::from_parts(parts, Body::from(body))
        }
        Err(error) => {
            tracing::warn!(cause = %error, "an answer broke off");
            StatusCode::BAD_GATEWAY.into_response()
        }
    }
}

fn json(body: Bytes) -> Response {
    let mut response = body.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
