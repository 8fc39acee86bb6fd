//! 进度 over HTTP: who follows holds up nobody, and goes on by themselves where they were.

use axum::body::Body;
use http::{Request, header};
use prost::Message as _;
use tonic::Status;
use tower::ServiceExt as _;
use yiwang_gateway::Options;
use yiwang_proto::intake::v1::ApplicationProgress;
use yiwang_proto::party::v1::Step;

use crate::world::{Asked, Fake, OK, Read, World, world, world_with};

const WATCH: &str = "/v1/applications/01a21907-bb9d-775a-80e1-0754a33c77e3:watch";

fn step(number: i32, ended: bool) -> Vec<u8> {
    let step = Some(Step { kind: format!("Step{number}"), ..Default::default() });
    ApplicationProgress { number, step, ended, ..Default::default() }.encode_to_vec()
}

fn request(path: &str, last: Option<&str>) -> Request<Body> {
    let mut request =
        Request::get(path).header(header::AUTHORIZATION, "Bearer t").header("accept", "text/event-stream");
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    request.body(Body::empty()).unwrap()
}

async fn follow(world: &World, path: &str, last: Option<&str>) -> Read {
    world.send(request(path, last)).await
}

fn asked_after(fake: &Fake) -> i32 {
    let message = fake.last().messages[0].clone().unwrap();
    yiwang_proto::intake::v1::WatchApplicationRequest::decode(message).unwrap().after
}

#[tokio::test]
async fn who_follows_holds_up_nobody() {
    let follows = |asked: &Asked| asked.path.ends_with("/WatchApplication");
    let fake = Fake::new(move |asked| Ok(vec![if follows(asked) { step(1, false) } else { Vec::new() }]));
    let options = Options { concurrency: 2, ..Options::default() };
    let world = world_with(&[("intake", &fake)], options, |_| {});
    let mut followed = Vec::new();
    for _ in 0..8 {
        let response = world.router.clone().oneshot(request(WATCH, None)).await.unwrap();
        assert_eq!(response.status(), OK);
        followed.push(response);
    }
    assert_eq!(world.get("/v1/applications").await.status, OK, "calls are answered all the same");
    assert_eq!(follow(&world, WATCH, None).await.refusal(), (429, "OVERLOADED".into()), "so much of one caller");
    drop(followed);
    assert_eq!(follow(&world, WATCH, None).await.status, OK);
}

#[tokio::test]
async fn an_event_has_its_number_and_the_end_is_said() {
    let fake = Fake::new(|_| Ok(vec![step(3, false), step(4, true)]));
    let read = follow(&world(&[("intake", &fake)]), WATCH, None).await;
    let said = String::from_utf8(read.body.to_vec()).unwrap();
    assert_eq!(read.headers[header::CACHE_CONTROL], "no-store");
    let events: Vec<&str> = said.trim_end().split("\n\n").collect();
    assert!(events[0].starts_with("id: 3\ndata: ") && events[0].contains("Step3"), "{said}");
    assert!(events[1].starts_with("id: 4\ndata: ") && events[2].starts_with("event: end\n"), "{said}");
}

#[tokio::test]
async fn who_comes_again_goes_on_where_they_were() {
    let fake = Fake::new(|_| Ok(vec![step(5, false)]));
    let world = world(&[("intake", &fake)]);
    follow(&world, &format!("{WATCH}?after=2"), None).await;
    assert_eq!(asked_after(&fake), 2);
    follow(&world, &format!("{WATCH}?after=2"), Some("4")).await;
    assert_eq!(asked_after(&fake), 4);
}

#[tokio::test]
async fn what_has_ended_is_not_asked_for_for_ever() {
    let over = ApplicationProgress { number: 6, ended: true, ..Default::default() }.encode_to_vec();
    let fake = Fake::new(move |_| Ok(vec![over.clone()]));
    assert_eq!(follow(&world(&[("intake", &fake)]), WATCH, Some("6")).await.status, 204);
}

#[tokio::test]
async fn what_is_refused_at_once_is_a_problem() {
    let fake = Fake::refusing(Status::unavailable("gone"));
    assert_eq!(follow(&world(&[("intake", &fake)]), WATCH, None).await.refusal(), (503, "SERVICE_UNAVAILABLE".into()));
}
