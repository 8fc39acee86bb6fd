use std::time::Duration;

use futures_util::StreamExt as _;
use http::{Request, header};
use serde_json::json;
use yiwang_gateway::Options;
use yiwang_proto::{catalogue::v1::SearchItemsResponse, intake::v1::Application};

use crate::world::{Fake, OK, broken, world, world_with};

#[tokio::test]
async fn an_unknown_path_is_a_problem() {
    assert_eq!(world(&[]).get("/v1/nothing").await.refusal(), (404, "ROUTE_NOT_FOUND".into()));
    assert_eq!(world(&[]).get("/nothing").await.refusal(), (404, "ROUTE_NOT_FOUND".into()));
}

#[tokio::test]
async fn a_wrong_method_says_which_is_right() {
    let world = world(&[]);
    for (path, allow) in [("/v1/items", "GET"), ("/v1/applications/1:submit", "POST"), ("/openapi.json", "GET")] {
        let request = Request::delete(path).body(axum::body::Body::empty()).unwrap();
        let read = world.send(request).await;
        assert_eq!(read.refusal(), (405, "METHOD_NOT_ALLOWED".into()), "{path}");
        assert_eq!(read.headers[header::ALLOW], allow, "{path}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_is_refused_with_its_place() {
    let read = world(&[]).post("/v1/applications", "{\"itemCode\": ").await;
    assert_eq!(read.refusal(), (400, "JSON_MALFORMED".into()));
    assert!(read.json()["detail"].as_str().unwrap().contains("line 1"), "{:?}", read.body);
}

#[tokio::test]
async fn a_wrong_type_is_refused_naming_the_field() {
    let world = world(&[]);
    for (body, field) in [
        (json!({"itemCode": 7}), "item_code"),
        (json!({"applicant": {"documentKind": "ID"}}), "applicant.document_kind"),
        (json!({"form": "x"}), "form"),
        (json!({"colour": "red"}), "colour"),
        (json!({"applicant": {"age": 3}}), "applicant.age"),
        (json!([1]), "body"),
    ] {
        let read = world.post("/v1/applications", body.to_string()).await;
        assert_eq!((read.refusal(), read.field()), ((400, "REQUEST_MALFORMED".into()), field.into()));
    }
}

#[tokio::test]
async fn a_field_given_twice_is_named() {
    let read = world(&[]).post("/v1/applications", r#"{"itemCode":"a","item_code":"b"}"#).await;
    assert_eq!((read.refusal(), read.field()), ((400, "REQUEST_MALFORMED".into()), "itemCode".into()));
}

#[tokio::test]
async fn a_wrong_query_is_refused_naming_the_parameter() {
    let world = world(&[("catalogue", &Fake::saying(SearchItemsResponse::default()))]);
    for (query, field) in [
        ("page_size=ten", "page_size"),
        ("colour=red", "colour"),
        ("item_type=LICENCE", "item_type"),
        ("query=%FF", "query"),
        ("page_size=1&pageSize=2", "page_size"),
    ] {
        let read = world.get(&format!("/v1/items?{query}")).await;
        assert_eq!((read.refusal(), read.field()), ((400, "REQUEST_MALFORMED".into()), field.into()), "{query}");
    }
    assert_eq!(world.get("/v1/items?query=%E9%A3%9F%E5%93%81&page_size=5&pageToken=x").await.status, OK);
}

#[tokio::test]
async fn a_body_too_large_is_413_whether_it_says_so_or_not() {
    let options = Options { body_bytes: 64, ..Options::default() };
    let world = world_with(&[("intake", &Fake::saying(Application::default()))], options, |_| {});
    assert_eq!(world.post("/v1/applications", vec![b' '; 65]).await.refusal(), (413, "BODY_TOO_LARGE".into()));
    let pieces = futures_util::stream::iter(vec!["0123456789"; 10]).map(Ok::<_, std::io::Error>);
    let request = Request::post("/v1/applications").body(axum::body::Body::from_stream(pieces)).unwrap();
    assert_eq!(world.send(request).await.refusal(), (413, "BODY_TOO_LARGE".into()));
}

#[tokio::test]
async fn whoever_finds_no_place_is_told_when_to_come_again() {
    let options = Options { concurrency: 0, ..Options::default() };
    let read = world_with(&[], options, |_| {}).get("/v1/applications/7").await;
    assert_eq!(
        (read.refusal(), &read.headers[header::RETRY_AFTER]),
        ((429, "OVERLOADED".into()), &"1".parse().unwrap())
    );
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused() {
    let request = Request::post("/v1/applications").body(broken("{")).unwrap();
    assert_eq!(world(&[]).send(request).await.refusal(), (400, "BODY_CUT_OFF".into()));
}

#[tokio::test]
async fn a_service_that_takes_too_long_is_504() {
    let options = Options { deadline: Duration::from_millis(5), ..Options::default() };
    let fake = Fake::saying(Application::default()).slow();
    let read = world_with(&[("intake", &fake)], options, |_| {}).get("/v1/applications/7").await;
    assert_eq!(read.refusal(), (504, "DEADLINE_EXCEEDED".into()));
}

#[tokio::test]
async fn a_service_that_is_away_is_503_without_its_address() {
    let read = world(&[]).get("/v1/cases").await;
    assert_eq!(read.refusal(), (503, "SERVICE_UNAVAILABLE".into()));
    assert!(!read.json().to_string().contains("connection refused"));
}

#[tokio::test]
async fn an_answer_is_json_in_camel_case_and_not_kept_by_caches() {
    let fake = Fake::saying(Application { id: "7".into(), item_code: "511A".into(), ..Application::default() });
    let read = world(&[("intake", &fake)]).get("/v1/applications/7").await;
    assert_eq!((read.status, read.json()), (OK, json!({"id": "7", "itemCode": "511A"})));
    assert_eq!(read.headers[header::CACHE_CONTROL], "no-store");
}
