//! The router: what is answered here, and where everything else goes.

use std::sync::Arc;

use axum::{
    Extension, Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, Path, Request, State, rejection::PathRejection},
    middleware,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use http::{HeaderMap, HeaderValue, header};
use tonic::service::Routes;
use yiwang_kit::{clock::LegalClock, ledger::Refusal, places::Places, status::status, telemetry::Trace};
use yiwang_proto::{
    forward::{Link, Links},
    gateway::v1::affairs_service_server::AffairsServiceServer,
};

use crate::{
    Options, affairs::Affairs, attachments, cache, contract::Contract, dev, health, openapi, page, problem::Refused,
    proxy, quota, rest::Rest, trace, verification,
};

/// What every handler shares.
struct Front {
    links: Links,
    options: Options,
    rest: Rest,
    openapi: Bytes,
    page: String,
    places: Places,
}

/// There is no place for it now.
fn turned_away(refusal: Refusal, headers: &HeaderMap, trace: &str) -> Response {
    if proxy::is_grpc(headers) { status(refusal).into_http() } else { Refused::by(&status(refusal)).response(trace) }
}

type Shared = State<Arc<Front>>;

/// The links of a process, each by its package; the catalogue is kept by intake.
pub fn links(ways: &yiwang_kit::Links) -> Links {
    let get = |name| Link::new(ways.get(name));
    Links {
        catalogue: get("intake"),
        intake: get("intake"),
        approval: get("approval"),
        license: get("license"),
        evaluation: get("evaluation"),
        trading: get("trading"),
    }
}

/// The front door over links to the services. A clock that can be moved adds `/v1/dev/clock`; `probes` are the process's
/// `grpc.health.v1` and reflection.
///
/// # Errors
/// Only where the contracts built into the program do not fit together.
pub fn router(links: Links, options: Options, clock: Arc<LegalClock>, probes: Routes) -> anyhow::Result<Router> {
    let contract = Arc::new(Contract::load()?);
    let dev = clock.is_movable();
    let affairs = Affairs::new(links.clone(), options.part_deadline);
    // Without one of its own, axum cuts a form off at two megabytes.
    let upload_limit = DefaultBodyLimit::max(usize::try_from(attachments::body_limit(&options)).unwrap_or(usize::MAX));
    let front = Arc::new(Front {
        openapi: serde_json::to_vec_pretty(&openapi::document(&contract, dev)?)?.into(),
        page: page::front(&contract, dev),
        rest: Rest::new(&links, affairs.clone(), contract, options.clone()),
        links: links.clone(),
        places: Places::new(options.concurrency),
        options: options.clone(),
    });
    let mut router = Router::new()
        .route("/", get(front_page))
        .route("/openapi.json", get(document))
        .route("/v1/applications/{id}/attachments", post(upload).layer(upload_limit))
        .route("/v1/applications/{id}/attachments/{attachment_id}", get(download))
        .with_state(front.clone())
        .merge(health::router(links, options.leaving));
    if dev {
        router = router.merge(dev::router(clock));
    }
    Ok(router
        .method_not_allowed_fallback(wrong_method)
        .merge(probes.add_service(AffairsServiceServer::new(affairs)).into_axum_router())
        .fallback_service(axum::handler::HandlerWithoutStateExt::into_service(move |request| {
            elsewhere(front.clone(), request)
        }))
        .layer(middleware::from_fn(trace::layer)))
}

/// All that has no handler of its own: a service's gRPC, or HTTP/JSON. It is answered if there is a place for it, before anything of
/// the body is read; the place is held until the answer is sent, by who follows until it begins.
async fn elsewhere(front: Arc<Front>, request: Request) -> Response {
    let place = match front.places.admit(request.uri().path(), request.headers()) {
        Ok(place) => place,
        Err(refusal) => return turned_away(refusal, request.headers(), &trace::of(&request)),
    };
    answered(&front, request).await.map(|body| Body::new(place.hold(body)))
}

async fn answered(front: &Front, request: Request) -> Response {
    if proxy::is_grpc(request.headers()) {
        return proxy::forward(&front.links, request).await;
    }
    let trace = trace::of(&request);
    let (shared, per_minute) = (front.options.shared.as_ref(), front.options.calls_per_minute);
    if let Some(shared) = shared.filter(|_| per_minute > 0)
        && let Err(refused) = quota::admit(shared, request.headers(), per_minute).await
    {
        return refused.response(&trace);
    }
    if let Some(asked) = verification::asked(request.method(), request.uri(), request.headers()) {
        let (uri, headers) = (request.uri(), request.headers());
        return Box::pin(verification::page(&front.links, &front.options, asked, uri, headers, &trace)).await;
    }
    match (shared, cache::key(&request)) {
        (Some(shared), Some(key)) => cache::answer(shared, &key, front.rest.answer(request, &trace)).await,
        _ => front.rest.answer(request, &trace).await,
    }
}

/// What is not followed.
const ATTACHMENTS: &str = "attachments";

/// What a path says, or why it cannot be read.
type Said<T> = Result<Path<T>, PathRejection>;

async fn upload(State(front): Shared, path: Said<String>, request: Request) -> Response {
    let trace = trace::of(&request);
    let Ok(Path(id)) = path else { return Refused::unreadable_path("id").response(&trace) };
    let place = match front.places.admit(ATTACHMENTS, request.headers()) {
        Ok(place) => place,
        Err(refusal) => return turned_away(refusal, request.headers(), &trace),
    };
    let answer = attachments::upload(&front.links, &front.options, &id, request).await;
    answer.unwrap_or_else(|refused| refused.response(&trace)).map(|body| Body::new(place.hold(body)))
}

async fn download(
    State(front): Shared,
    path: Said<(String, String)>,
    Extension(trace): Extension<Trace>,
    headers: HeaderMap,
) -> Response {
    let Ok(Path((id, attachment))) = path else { return Refused::unreadable_path("path").response(&trace.id) };
    let place = match front.places.admit(ATTACHMENTS, &headers) {
        Ok(place) => place,
        Err(refusal) => return turned_away(refusal, &headers, &trace.id),
    };
    let answer = attachments::download(&front.links, &front.options, id, attachment, &headers).await;
    answer.unwrap_or_else(|refused| refused.response(&trace.id)).map(|body| Body::new(place.hold(body)))
}

async fn document(State(front): Shared) -> Response {
    let mut response = front.openapi.clone().into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

async fn front_page(State(front): Shared) -> Response {
    page::response(front.page.clone())
}

async fn wrong_method(Extension(trace): Extension<Trace>, request: Request<Body>) -> Response {
    let allow = if request.uri().path().ends_with("/attachments") || request.uri().path().ends_with(":advance") {
        "POST"
    } else {
        "GET"
    };
    Refused::wrong_method(allow).response(&trace.id)
}
