use axum::body::Body;
use http::{Request, Response};
use prost::Message as _;
use tonic::Code;
use tower::ServiceExt as _;
use yiwang_gateway::Link;
use yiwang_proto::{
    gateway::v1::{GetMyAffairsRequest, affairs_service_client::AffairsServiceClient},
    intake::v1::{Application, GetApplicationRequest, intake_service_client::IntakeServiceClient},
    ledger::v1::{GetHeadRequest, Head, ledger_service_client::LedgerServiceClient},
};

use crate::world::{Fake, World, world};

fn over(world: &World) -> Link {
    let asked = world.router.clone().map_request(|request: Request<tonic::body::Body>| request.map(Body::new));
    Link::new(asked.map_response(|answer: Response<Body>| answer.map(tonic::body::Body::new)))
}

#[tokio::test]
async fn grpc_passes_to_the_service_its_path_names() {
    let fake = Fake::saying(Application { id: "7".into(), ..Application::default() });
    let world = world(&[("intake", &fake)]);
    let mut request = tonic::Request::new(GetApplicationRequest { id: "7".into() });
    request.metadata_mut().insert("authorization", "Bearer t".parse().unwrap());
    let answer = IntakeServiceClient::new(over(&world)).get_application(request).await.unwrap();
    assert_eq!(answer.get_ref().id, "7");
    assert_eq!(fake.last().path, "/yiwang.intake.v1.IntakeService/GetApplication");
}

#[tokio::test]
async fn headers_that_only_services_may_set_do_not_cross() {
    let fake = Fake::saying(Application::default());
    let world = world(&[("intake", &fake)]);
    let mut request = tonic::Request::new(GetApplicationRequest::default());
    request.metadata_mut().insert("yiwang-actor", "staff:approver".parse().unwrap());
    request.metadata_mut().insert("authorization", "Bearer t".parse().unwrap());
    IntakeServiceClient::new(over(&world)).get_application(request).await.unwrap();
    let http =
        Request::get("/v1/applications/7").header("yiwang-actor", "staff:approver").header("authorization", "Bearer t");
    world.send(http.body(Body::empty()).unwrap()).await;
    for asked in fake.asked.lock().unwrap().iter() {
        assert_eq!(asked.headers["authorization"], "Bearer t");
        assert!(asked.headers.get("yiwang-actor").is_none(), "{asked:?}");
    }
}

#[tokio::test]
async fn a_refusal_crosses_with_its_details() {
    let status = tonic::Status::with_details(Code::FailedPrecondition, "no", vec![8, 9].into());
    let world = world(&[("intake", &Fake::refusing(status))]);
    let answer = IntakeServiceClient::new(over(&world)).get_application(GetApplicationRequest::default()).await;
    let status = answer.unwrap_err();
    assert_eq!((status.code(), status.details()), (Code::FailedPrecondition, &[8, 9][..]));
}

#[tokio::test]
async fn a_service_that_is_not_ours_is_unimplemented() {
    let request = Request::post("/other.v1.Service/Do").header("content-type", "application/grpc");
    let read = world(&[]).send(request.body(Body::empty()).unwrap()).await;
    assert_eq!((read.status, &read.headers["grpc-status"]), (200, &"12".parse().unwrap()));
}

#[tokio::test]
async fn the_ledger_that_is_meant_is_named() {
    let fake = Fake::saying(Head { service: "license".into(), position: 9, ..Head::default() });
    let world = world(&[("license", &fake)]);
    let mut request = tonic::Request::new(GetHeadRequest { service: "license".into() });
    request.metadata_mut().insert(yiwang_gateway::SERVICE_HEADER, "license".parse().unwrap());
    let head = LedgerServiceClient::new(over(&world)).get_head(request).await.unwrap().into_inner();
    assert_eq!(head.position, 9);
    let read = world.get("/v1/ledgers/license/head").await;
    assert_eq!(read.json()["position"], "9");
    let asked = GetHeadRequest::decode(fake.last().messages[0].clone().unwrap()).unwrap();
    assert_eq!(asked.service, "license");
    assert_eq!(world.get("/v1/ledgers/catalogue/head").await.refusal(), (404, "SERVICE_NOT_FOUND".into()));
}

#[tokio::test]
async fn the_composition_answers_over_grpc_too() {
    let world = world(&[]);
    let mut request = tonic::Request::new(GetMyAffairsRequest::default());
    request.metadata_mut().insert("authorization", "Bearer t".parse().unwrap());
    let affairs = AffairsServiceClient::new(over(&world)).get_my_affairs(request).await.unwrap().into_inner();
    assert!(!affairs.complete && affairs.cases.unwrap().unavailable.is_some());
    let anonymous = AffairsServiceClient::new(over(&world)).get_my_affairs(GetMyAffairsRequest::default()).await;
    assert_eq!(anonymous.unwrap_err().code(), Code::Unauthenticated);
}
