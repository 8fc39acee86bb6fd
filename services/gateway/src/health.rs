//! `/healthz`: the process is alive. `/readyz`: a caller is well sent here. That is so while any service answers that it is serving and
//! this process is not about to end: where one service is away its callers are told so, by this gateway as by every other, and those of
//! the others are served.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse as _, Response},
    routing::get,
};
use futures_util::future::join_all;
use http::StatusCode;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;
use tonic::Code;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use yiwang_kit::{config::SERVICES, status::code_name};
use yiwang_proto::forward::{Link, Links};

/// How long a service may take to say that it is well.
const PATIENCE: Duration = Duration::from_secs(1);

/// What readiness is asked of.
#[derive(Clone)]
struct Asked {
    links: Links,
    leaving: CancellationToken,
}

/// The two probes; `leaving` is cancelled when the process is about to end.
pub fn router(links: Links, leaving: CancellationToken) -> Router {
    Router::new()
        .route("/healthz", get(|| async { Json(json!({"status": "SERVING"})) }))
        .route("/readyz", get(ready))
        .with_state(Asked { links, leaving })
}

async fn ready(State(Asked { links, leaving }): State<Asked>) -> Response {
    let asked = SERVICES.iter().filter_map(|name| links.get(name).map(|link| (*name, link.clone())));
    let answers = join_all(asked.map(|(name, link)| async move { (name, state(name, link).await) })).await;
    let serving = answers.iter().filter(|(_, state)| *state == SERVING).count();
    let (code, status) = match serving {
        _ if leaving.is_cancelled() => (StatusCode::SERVICE_UNAVAILABLE, "NOT_SERVING"),
        0 => (StatusCode::SERVICE_UNAVAILABLE, "NOT_SERVING"),
        some if some < answers.len() => (StatusCode::OK, "DEGRADED"),
        _ => (StatusCode::OK, SERVING),
    };
    let services: Map<_, _> = answers.into_iter().map(|(name, state)| (name.to_owned(), Value::from(state))).collect();
    (code, Json(json!({"status": status, "services": services}))).into_response()
}

const SERVING: &str = "SERVING";

async fn state(name: &str, link: Link) -> &'static str {
    let mut client = HealthClient::new(link);
    match tokio::time::timeout(PATIENCE, client.check(HealthCheckRequest { service: name.to_owned() })).await {
        Err(_) => code_name(Code::DeadlineExceeded),
        Ok(Ok(answer)) if answer.get_ref().status == 1 => SERVING,
        Ok(Ok(_)) => "NOT_SERVING",
        // In one process the probe meets the service's own stack, which wants a token: it is there.
        Ok(Err(status)) if matches!(status.code(), Code::Unauthenticated | Code::Unimplemented) => SERVING,
        Ok(Err(status)) => code_name(status.code()),
    }
}
