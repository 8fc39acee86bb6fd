//! The one mapping of refusals to statuses, and what a relay makes of an answer.

use rstest::rstest;
use tonic::{Code, Status};
use yiwang_kit::{Fault, Problem, delivery, status};
use yiwang_ledger::{Delivery, Kind, Refusal};

#[rstest]
#[case(Kind::InvalidArgument, Code::InvalidArgument)]
#[case(Kind::NotFound, Code::NotFound)]
#[case(Kind::AlreadyExists, Code::AlreadyExists)]
#[case(Kind::FailedPrecondition, Code::FailedPrecondition)]
#[case(Kind::Aborted, Code::Aborted)]
#[case(Kind::PermissionDenied, Code::PermissionDenied)]
#[case(Kind::Unauthenticated, Code::Unauthenticated)]
#[case(Kind::ResourceExhausted, Code::ResourceExhausted)]
#[case(Kind::Unavailable, Code::Unavailable)]
#[case(Kind::DeadlineExceeded, Code::DeadlineExceeded)]
#[case(Kind::Internal, Code::Internal)]
fn a_refusal_keeps_its_kind_and_its_words(#[case] kind: Kind, #[case] code: Code) {
    let problem = Problem::of(&status(Refusal::new(kind, "SOME_REASON", "不行", "no").with("scope", "X")));
    assert_eq!((problem.code, problem.reason.as_str(), problem.metadata["scope"].as_str()), (code, "SOME_REASON", "X"));
    assert_eq!((problem.zh.as_str(), problem.en.as_str()), ("不行", "no"));
}

#[test]
fn a_refusal_that_may_be_tried_again_says_when() {
    let refusal = Refusal::new(Kind::ResourceExhausted, "QUEUE_FULL", "忙", "busy").with("retry_after_ms", "250");
    assert_eq!(Problem::of(&status(refusal)).retry_after, Some(std::time::Duration::from_millis(250)));
}

#[test]
fn a_status_without_details_still_has_a_reason() {
    let problem = Problem::of(&Status::unavailable("gone"));
    assert_eq!((problem.reason.as_str(), problem.zh.as_str()), ("UNAVAILABLE", "gone"));
}

#[test]
fn a_status_of_another_service_passes_through_a_handler_unharmed() {
    let fault = Fault::from(status(Refusal::state("WRONG_PHASE", "阶段不符", "wrong phase")));
    assert_eq!(Problem::of(&Status::from(fault)).reason, "WRONG_PHASE");
}

#[rstest]
#[case::away(Code::Unavailable)]
#[case::late(Code::DeadlineExceeded)]
#[case::busy(Code::ResourceExhausted)]
#[case::overtaken(Code::Aborted)]
#[case::cut(Code::Cancelled)]
#[case::unknown(Code::Unknown)]
#[case::bug(Code::Internal)]
#[case::token(Code::Unauthenticated)]
fn a_relay_comes_again_where_the_command_was_not_judged(#[case] code: Code) {
    assert!(matches!(delivery::<()>(Err(Status::new(code, ""))), Delivery::Later { .. }));
}

#[rstest]
#[case(Code::InvalidArgument)]
#[case(Code::FailedPrecondition)]
#[case(Code::PermissionDenied)]
#[case(Code::AlreadyExists)]
#[case(Code::NotFound)]
#[case(Code::Unimplemented)]
fn a_relay_takes_a_refusal_of_the_command_as_final(#[case] code: Code) {
    let Delivery::Refused { reason } = delivery::<()>(Err(Status::new(code, ""))) else { panic!("not refused") };
    assert!(reason.contains(" / "), "{reason}");
    assert!(matches!(delivery(Ok(())), Delivery::Done));
}
