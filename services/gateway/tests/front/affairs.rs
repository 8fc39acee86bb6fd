use std::time::Duration;

use http::Request;
use yiwang_gateway::Options;
use yiwang_proto::{
    approval::v1::{CaseSummary, ListCasesResponse},
    evaluation::v1::ListEvaluationRightsResponse,
    intake::v1::{ApplicationSummary, ListApplicationsRequest, ListApplicationsResponse},
    license::v1::ListLicensesResponse,
};

use crate::world::{Fake, OK, world, world_with};

fn applications() -> Fake {
    let one = ApplicationSummary { id: "a1".into(), ..Default::default() };
    Fake::saying(ListApplicationsResponse { applications: vec![one], next_page_token: "more".into() })
}

fn cases() -> Fake {
    let one = CaseSummary { id: "c1".into(), ..Default::default() };
    Fake::saying(ListCasesResponse { cases: vec![one], ..Default::default() })
}

#[tokio::test]
async fn all_four_parts_come_in_one_answer() {
    let (intake, approval) = (applications(), cases());
    let (license, evaluation) =
        (Fake::saying(ListLicensesResponse::default()), Fake::saying(ListEvaluationRightsResponse::default()));
    let named = [("intake", &intake), ("approval", &approval), ("license", &license), ("evaluation", &evaluation)];
    let affairs = world(&named).get("/v1/me/affairs?page_size=1").await.json();
    assert_eq!(affairs["complete"], true);
    assert_eq!(affairs["applications"]["applications"][0]["id"], "a1");
    assert_eq!(affairs["applications"]["more"], true);
    assert_eq!(affairs["cases"]["cases"][0]["id"], "c1");
    let asked: ListApplicationsRequest = prost::Message::decode(intake.last().messages[0].clone().unwrap()).unwrap();
    assert_eq!((asked.page_size, asked.mine), (1, true));
    assert_eq!(license.last().headers["authorization"], "Bearer t");
}

#[tokio::test]
async fn a_service_that_is_away_is_a_typed_reason_and_the_others_answer() {
    let (intake, approval) = (applications(), cases());
    let read = world(&[("intake", &intake), ("approval", &approval)]).get("/v1/me/affairs").await;
    let affairs = read.json();
    assert_eq!((read.status, &affairs["complete"]), (OK, &serde_json::Value::Bool(false)));
    assert_eq!(affairs["cases"]["cases"][0]["id"], "c1");
    let away = &affairs["licenses"]["unavailable"];
    assert_eq!((&away["service"], &away["reason"]), (&"license".into(), &"SERVICE_UNAVAILABLE".into()));
    assert_eq!((&away["code"], &away["retryable"]), (&"UNAVAILABLE".into(), &true.into()));
}

#[tokio::test]
async fn nobody_without_a_token_has_affairs() {
    let request = Request::get("/v1/me/affairs").body(axum::body::Body::empty()).unwrap();
    let read = world(&[]).send(request).await;
    assert_eq!(read.refusal(), (401, "TOKEN_MISSING".into()));
    assert_eq!(read.headers["www-authenticate"], "Bearer");
}

#[tokio::test]
async fn what_is_asked_for_wrongly_is_refused_and_no_service_called_away() {
    let read = world(&[("intake", &applications())]).get("/v1/me/affairs?page_size=-1").await;
    assert_eq!((read.refusal(), read.field()), ((400, "FIELD_INVALID".into()), "page_size".into()));
}

#[tokio::test]
async fn a_token_that_one_service_refuses_is_refused() {
    let approval = Fake::refusing(tonic::Status::unauthenticated("expired"));
    let read = world(&[("intake", &applications()), ("approval", &approval)]).get("/v1/me/affairs").await;
    assert_eq!(read.refusal(), (401, "TOKEN_MALFORMED".into()));
}

#[tokio::test]
async fn a_part_that_takes_too_long_is_marked_and_the_others_answer() {
    let options = Options { part_deadline: Duration::from_millis(5), ..Options::default() };
    let affairs = world_with(&[("intake", &applications().slow())], options, |_| {}).get("/v1/me/affairs").await.json();
    assert_eq!(affairs["applications"]["unavailable"]["reason"], "DEADLINE_EXCEEDED");
}
