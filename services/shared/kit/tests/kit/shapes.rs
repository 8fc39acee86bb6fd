//! One table of cases, run over both shapes: the same service in one process and over TCP behaves alike.

use std::time::Duration;

use crate::world::{Shape, Smuggled, World};
use rstest::rstest;
use tonic::{Code, Request};
use yiwang_kit::status::TRACE_ID;
use yiwang_kit::{Problem, reason};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[rstest]
#[tokio::test]
async fn a_caller_with_a_token_is_known(#[values(Shape::InProcess, Shape::OverTcp)] shape: Shape) {
    let world = World::new(shape).await;
    assert_eq!(world.as_account("clerk").ask("who").await.unwrap(), "staff:clerk");
}

#[rstest]
#[case::no_token("", "TOKEN_MISSING")]
#[case::no_bearer("Basic YTpi", "TOKEN_MALFORMED")]
#[case::no_jwt("Bearer abc", "TOKEN_MALFORMED")]
#[tokio::test]
async fn nobody_gets_in_without_a_token(
    #[case] authorization: &str,
    #[case] expected: &str,
    #[values(Shape::InProcess, Shape::OverTcp)] shape: Shape,
) {
    let world = World::new(shape).await;
    let status = world.with_authorization(authorization).ask("who").await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unauthenticated, expected));
}

#[rstest]
#[case::expired(|claims: &mut yiwang_kit::identity::Claims| claims.exp = 1_000_000_000, "TOKEN_EXPIRED")]
#[case::not_yet(|claims: &mut yiwang_kit::identity::Claims| claims.nbf += 3600, "TOKEN_EXPIRED")]
#[case::audience(|claims: &mut yiwang_kit::identity::Claims| claims.aud = crate::world::audience("elsewhere"), "TOKEN_AUDIENCE")]
#[case::issuer(|claims: &mut yiwang_kit::identity::Claims| claims.iss = "https://elsewhere.example".into(), "TOKEN_ISSUER")]
#[case::subject(|claims: &mut yiwang_kit::identity::Claims| claims.sub = "service:intake".into(), "TOKEN_MALFORMED")]
#[tokio::test]
async fn a_token_that_does_not_fit_is_refused(
    #[case] change: fn(&mut yiwang_kit::identity::Claims),
    #[case] expected: &str,
    #[values(Shape::InProcess, Shape::OverTcp)] shape: Shape,
) {
    let world = World::new(shape).await;
    let token = world.token_with("clerk", change);
    let status = world.with_authorization(&format!("Bearer {token}")).ask("who").await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unauthenticated, expected));
}

#[rstest]
#[tokio::test]
async fn a_call_over_its_deadline_is_given_up(#[values(Shape::InProcess, Shape::OverTcp)] shape: Shape) {
    let world = World::new(shape).await;
    let mut request = World::head("forever");
    request.set_timeout(Duration::from_millis(80));
    let status = world.as_account("clerk").send(request).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"));
}

#[rstest]
#[tokio::test]
async fn a_caller_cannot_ask_for_more_than_the_longest_deadline(
    #[values(Shape::InProcess, Shape::OverTcp)] shape: Shape,
) {
    let world =
        World::with(shape, |config| (config.limits.deadline_ms, config.limits.deadline_max_ms) = (50, 100)).await;
    let mut request = World::head("forever");
    request.set_timeout(Duration::from_secs(3600));
    let status = world.as_account("clerk").send(request).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
}

#[rstest]
#[tokio::test]
async fn a_message_over_the_limit_is_refused(#[values(Shape::InProcess, Shape::OverTcp)] shape: Shape) {
    let world = World::new(shape).await;
    let status = world.as_account("clerk").ask(&"x".repeat(1024 * 1024 + 1)).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "MESSAGE_TOO_LARGE"));
}

#[rstest]
#[tokio::test]
async fn a_panic_is_one_calls_error_and_says_nothing_of_itself(
    #[values(Shape::InProcess, Shape::OverTcp)] shape: Shape,
) {
    let world = World::new(shape).await;
    let status = world.as_account("clerk").ask("panic").await.unwrap_err();
    let problem = Problem::of(&status);
    assert_eq!((problem.code, problem.reason.as_str(), problem.trace_id.len()), (Code::Internal, "INTERNAL", 32));
    assert!(!format!("{status:?}").contains("planted"), "{status:?}");
    assert_eq!(world.as_account("clerk").ask("who").await.unwrap(), "staff:clerk");
}

#[rstest]
#[tokio::test]
async fn the_cause_of_an_error_stays_in_the_house(#[values(Shape::InProcess, Shape::OverTcp)] shape: Shape) {
    let world = World::new(shape).await;
    let status = world.as_account("clerk").ask("error").await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Internal, "INTERNAL"));
    assert!(!format!("{status:?}").contains("planted"), "{status:?}");
}

#[rstest]
#[tokio::test]
async fn the_trace_crosses_and_stands_in_every_error(#[values(Shape::InProcess, Shape::OverTcp)] shape: Shape) {
    let world = World::new(shape).await.as_account("clerk");
    let traced = |what: &str| {
        let mut request = World::head(what);
        request.metadata_mut().insert("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01").parse().unwrap());
        request
    };
    assert_eq!(world.send(traced("trace")).await.unwrap(), TRACE);
    for failing in ["refuse", "panic", "error", "unimplemented"] {
        let status = world.send(traced(failing)).await.unwrap_err();
        assert_eq!(Problem::of(&status).trace_id, TRACE, "{failing}: {status:?}");
    }
}

#[rstest]
#[tokio::test]
async fn a_refusal_keeps_its_sentences_and_fields(#[values(Shape::InProcess, Shape::OverTcp)] shape: Shape) {
    let world = World::new(shape).await;
    let problem = Problem::of(&world.as_account("clerk").ask("refuse").await.unwrap_err());
    assert_eq!((problem.reason.as_str(), problem.zh.as_str(), problem.en.as_str()), ("TEST_REFUSED", "不行", "no"));
    assert_eq!((problem.fields[0].field.as_str(), problem.fields[0].reason.as_str()), ("service", "TEST_FIELD"));
    assert!(!problem.metadata.contains_key(TRACE_ID));
}

#[rstest]
#[tokio::test]
async fn extensions_do_not_cross_the_border(#[values(Shape::InProcess, Shape::OverTcp)] shape: Shape) {
    let world = World::new(shape).await;
    let mut request = World::head("smuggled?");
    request.extensions_mut().insert(Smuggled);
    assert_eq!(world.as_account("clerk").send(request).await.unwrap(), "no");
}

#[rstest]
#[tokio::test]
async fn a_token_does_not_reach_the_service(#[values(Shape::InProcess, Shape::OverTcp)] shape: Shape) {
    let world = World::new(shape).await;
    assert_eq!(world.as_account("clerk").ask("authorization?").await.unwrap(), "no");
}

#[rstest]
#[tokio::test]
async fn only_a_service_speaks_for_somebody_else(#[values(Shape::InProcess, Shape::OverTcp)] shape: Shape) {
    let world = World::new(shape).await;
    let mut request = World::head("actor");
    request.metadata_mut().insert("yiwang-actor", "staff:approver".parse().unwrap());
    assert_eq!(world.as_account("clerk").send(request).await.unwrap(), "staff:clerk");
    let link = world.link.as_service("intake", TRACE).on_behalf_of("staff:approver");
    assert_eq!(World::send_over(link, World::head("actor")).await.unwrap(), "staff:approver");
}

#[rstest]
#[tokio::test]
async fn a_caller_who_leaves_is_noticed(#[values(Shape::InProcess, Shape::OverTcp)] shape: Shape) {
    let world = World::new(shape).await;
    let calling = tokio::spawn(world.as_account("clerk").ask_owned("forever"));
    world.probe.entered.acquire().await.unwrap().forget();
    calling.abort();
    world.probe.left.acquire().await.unwrap().forget();
}

#[rstest]
#[tokio::test]
async fn what_is_over_the_limit_is_told_to_come_again(#[values(Shape::InProcess, Shape::OverTcp)] shape: Shape) {
    let world = World::with(shape, |config| config.limits.concurrency = 1).await;
    let calling = tokio::spawn(world.as_account("clerk").ask_owned("forever"));
    world.probe.entered.acquire().await.unwrap().forget();
    let problem = Problem::of(&world.as_account("clerk").ask("who").await.unwrap_err());
    assert_eq!((problem.code, problem.reason.as_str()), (Code::ResourceExhausted, "OVERLOADED"));
    assert!(problem.retry_after.is_some());
    calling.abort();
}

#[rstest]
#[tokio::test]
async fn a_service_that_is_away_is_unavailable(#[values(Shape::InProcess, Shape::OverTcp)] shape: Shape) {
    let world = World::new(shape).await;
    let status = World::send_over(world.away(), World::head("who")).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "SERVICE_UNAVAILABLE"));
}

#[tokio::test]
async fn a_remote_link_finds_the_service_again() {
    let mut world = World::new(Shape::OverTcp).await;
    assert!(world.as_account("clerk").ask("who").await.is_ok());
    world.restart().await;
    let mut answered = false;
    for _ in 0..50 {
        answered = world.as_account("clerk").ask("who").await.is_ok();
        if answered {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(answered);
}

#[tokio::test]
async fn a_request_without_a_message_reads_as_an_empty_one() {
    let world = World::new(Shape::InProcess).await.as_account("clerk");
    assert_eq!(world.send(Request::new(Default::default())).await.unwrap(), "");
}
