use axum::body::Body;
use http::Request;
use serde_json::json;
use yiwang_gateway::Options;
use yiwang_kit::config::Mode;

use crate::world::{Fake, OK, world, world_with};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[tokio::test]
async fn a_trace_goes_on_to_the_service_and_comes_back() {
    let fake = Fake::away();
    let request = Request::get("/v1/cases").header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"));
    let read = world(&[("approval", &fake)]).send(request.body(Body::empty()).unwrap()).await;
    assert!(fake.last().headers["traceparent"].to_str().unwrap().contains(TRACE));
    assert_eq!(read.headers["x-trace-id"], TRACE);
    assert_eq!(read.json()["traceId"], TRACE);
}

#[tokio::test]
async fn a_request_without_a_trace_gets_one() {
    let read = world(&[]).get("/v1/nothing").await;
    assert_eq!(read.headers["x-trace-id"], read.json()["traceId"].as_str().unwrap());
    assert_eq!(read.json()["traceId"].as_str().unwrap().len(), 32);
}

#[tokio::test]
async fn legal_time_is_moved_on_in_development() {
    let world = world(&[]);
    let before = world.get("/v1/dev/clock").await.json()["legalTime"].as_str().unwrap().to_owned();
    let after = world.post("/v1/dev/clock:advance", json!({"days": 20}).to_string()).await;
    assert!(after.status == OK && after.json()["legalTime"].as_str().unwrap() > before.as_str());
    let to = world.post("/v1/dev/clock:advance", json!({"to_time": "2030-01-02T00:00:00Z"}).to_string()).await;
    assert!(to.json()["legalTime"].as_str().unwrap().starts_with("2030-01-02T00:00:0"), "{:?}", to.body);
}

#[tokio::test]
async fn legal_time_never_goes_back() {
    let world = world(&[]);
    for body in [json!({"to_time": "2001-01-01T00:00:00Z"}), json!({}), json!({"days": u64::MAX})] {
        assert_eq!(world.post("/v1/dev/clock:advance", body.to_string()).await.status, 400, "{body}");
    }
    let read = world.post("/v1/dev/clock:advance", "{\"weeks\": 1}").await;
    assert_eq!(read.refusal(), (400, "REQUEST_MALFORMED".into()));
}

#[tokio::test]
async fn production_has_no_such_clock() {
    let world = world_with(&[], Options::default(), |config| config.mode = Mode::Production);
    assert_eq!(world.post("/v1/dev/clock:advance", "{}").await.refusal(), (404, "ROUTE_NOT_FOUND".into()));
    assert!(world.get("/openapi.json").await.json()["paths"].get("/v1/dev/clock").is_none());
}

#[tokio::test]
async fn readiness_names_the_service_that_is_away() {
    let well = Fake::saying(tonic_health::pb::HealthCheckResponse { status: 1 });
    let read = world(&[("intake", &well), ("approval", &well), ("license", &well), ("evaluation", &well)])
        .get("/readyz")
        .await;
    assert_eq!(read.json()["services"]["trading"], "UNAVAILABLE");
    assert_eq!(read.json()["services"]["intake"], "SERVING");
    // the callers of the other four are served here as well as anywhere
    assert_eq!((read.status, read.json()["status"].as_str()), (200, Some("DEGRADED")));
}

#[tokio::test]
async fn a_gateway_that_reaches_no_service_is_not_ready() {
    let alone = world(&[]);
    let read = alone.get("/readyz").await;
    assert_eq!((read.status, read.json()["status"].as_str()), (503, Some("NOT_SERVING")));
    assert_eq!(alone.get("/healthz").await.status, OK);
}

#[tokio::test]
async fn a_process_that_is_about_to_end_is_not_ready() {
    let (well, options) = (Fake::saying(tonic_health::pb::HealthCheckResponse { status: 1 }), Options::default());
    let leaving = options.leaving.clone();
    let services = ["intake", "approval", "license", "evaluation", "trading"].map(|name| (name, &well));
    let world = world_with(&services, options, |_| {});
    assert_eq!(world.get("/readyz").await.status, OK);
    leaving.cancel();
    let read = world.get("/readyz").await;
    assert_eq!((read.status, read.json()["status"].as_str()), (503, Some("NOT_SERVING")));
}

#[tokio::test]
async fn the_front_page_and_the_document_are_there() {
    let world = world(&[]);
    assert!(String::from_utf8_lossy(&world.get("/").await.body).contains("一网"));
    assert_eq!(world.get("/openapi.json").await.json()["openapi"], "3.1.0");
}
