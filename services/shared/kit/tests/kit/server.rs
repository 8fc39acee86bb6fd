//! A listening process: probes while it starts, health by name, reflection, and its end.

use std::time::Duration;

use crate::world::{Shape, World};
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use yiwang_kit::{Health, Server, Slot};

/// A process whose service has not started yet.
async fn starting() -> (Health, Channel, CancellationToken) {
    let server = Server::bind("127.0.0.1:0").await.unwrap();
    let (health, probes) = Health::new().await.unwrap();
    let (stop, address) = (CancellationToken::new(), server.address());
    tokio::spawn(server.serve(Slot::new("intake").app(probes), stop.clone(), Duration::from_secs(1)));
    let channel = Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
    (health, channel, stop)
}

async fn state(channel: &Channel, service: &str) -> Option<ServingStatus> {
    let request = HealthCheckRequest { service: service.into() };
    let answer = HealthClient::new(channel.clone()).check(request).await.ok()?;
    Some(answer.into_inner().status())
}

#[tokio::test]
async fn a_process_listens_before_it_serves_and_says_so() {
    let (health, channel, _stop) = starting().await;
    assert_eq!(state(&channel, "").await, Some(ServingStatus::Serving), "it is alive");
    assert_eq!(state(&channel, "yiwang.intake.v1.IntakeService").await, None);
    health.serving("intake").await;
    for name in ["", "intake", "yiwang.intake.v1.IntakeService", "yiwang.catalogue.v1.CatalogueService"] {
        assert_eq!(state(&channel, name).await, Some(ServingStatus::Serving), "{name}");
    }
}

#[tokio::test]
async fn a_process_that_is_told_to_stop_says_that_it_no_longer_serves() {
    let (health, channel, _stop) = starting().await;
    health.serving("intake").await;
    health.stopping(&["intake"]).await;
    for name in ["intake", "yiwang.intake.v1.IntakeService"] {
        assert_eq!(state(&channel, name).await, Some(ServingStatus::NotServing), "{name}");
    }
    assert_eq!(state(&channel, "").await, Some(ServingStatus::Serving), "it is still alive");
}

#[tokio::test]
async fn reflection_knows_every_service_of_the_contracts() {
    let (_health, channel, _stop) = starting().await;
    let ask =
        ServerReflectionRequest { host: String::new(), message_request: Some(MessageRequest::ListServices("".into())) };
    let mut client = ServerReflectionClient::new(channel);
    let mut answers = client.server_reflection_info(futures_util::stream::iter([ask])).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap().message_response;
    let Some(MessageResponse::ListServicesResponse(list)) = answer else { panic!("{answer:?}") };
    let names: Vec<String> = list.service.into_iter().map(|service| service.name).collect();
    for name in ["yiwang.intake.v1.IntakeService", "yiwang.ledger.v1.LedgerService", "grpc.health.v1.Health"] {
        assert!(names.iter().any(|known| known == name), "{name} is not in {names:?}");
    }
}

#[tokio::test]
async fn a_call_at_work_is_answered_though_the_process_is_told_to_stop() {
    let mut world = World::new(Shape::OverTcp).await;
    let calling = tokio::spawn(world.as_account("clerk").ask_owned("wait"));
    world.probe.entered.acquire().await.unwrap().forget();
    let stopping = world.stop();
    world.probe.go.add_permits(1);
    assert_eq!(calling.await.unwrap().unwrap(), "waited");
    stopping.await.unwrap();
}

#[tokio::test]
async fn while_calls_at_work_are_waited_for_the_process_says_that_it_no_longer_serves() {
    let mut world = World::new(Shape::OverTcp).await;
    let mut watched = world.watch().await;
    assert_eq!(watched.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    let calling = tokio::spawn(world.as_account("clerk").ask_owned("wait"));
    world.probe.entered.acquire().await.unwrap().forget();
    let stopping = world.end().await;
    assert_eq!(watched.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    assert!(!stopping.is_finished());
    world.probe.go.add_permits(1);
    assert_eq!(calling.await.unwrap().unwrap(), "waited");
}

#[tokio::test]
async fn a_call_that_does_not_end_is_cut_off() {
    let mut world = World::new(Shape::OverTcp).await;
    let calling = tokio::spawn(world.as_account("clerk").ask_owned("forever"));
    world.probe.entered.acquire().await.unwrap().forget();
    world.stop().await.unwrap();
    assert_eq!(calling.await.unwrap().unwrap_err().code(), tonic::Code::Unavailable);
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let first = Server::bind("127.0.0.1:0").await.unwrap();
    let address = first.address().to_string();
    let error = Server::bind(&address).await.err().unwrap();
    assert!(format!("{error:#}").contains(&address), "{error:#}");
}
