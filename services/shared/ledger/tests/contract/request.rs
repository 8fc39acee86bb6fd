//! One effect per request.

use yiwang_ledger::{Call, Hash, Kind, StreamId};

use crate::world::{Jar, JarEvent, World, add, call, fresh_call, next, stream, take};

pub async fn the_same_request_replays_the_first_answer(world: World) {
    let (jar, call) = (stream(), fresh_call());
    let first = world.ledger.execute(jar, call.clone(), add(5)).await.unwrap();
    let second = world.ledger.execute(jar, call, add(5)).await.unwrap();
    assert_eq!((first.replayed, second.replayed), (false, true));
    assert_eq!((second.version, second.hash, second.state.total), (first.version, first.hash, 5));
    assert_eq!(world.jar(jar).await.total, 5);
}

pub async fn a_replay_answers_as_of_then(world: World) {
    let (jar, call) = (stream(), fresh_call());
    world.ledger.execute(jar, call.clone(), add(5)).await.unwrap();
    world.run(jar, add(100)).await.unwrap();
    assert_eq!(world.ledger.execute(jar, call, add(5)).await.unwrap().state.total, 5);
}

pub async fn another_command_with_the_id_is_refused(world: World) {
    let (jar, call) = (stream(), fresh_call());
    world.ledger.execute(jar, call.clone(), add(5)).await.unwrap();
    let other = Call { fingerprint: Hash([9; 32]), ..call };
    let refusal = world.ledger.execute(jar, other, add(6)).await.unwrap_err();
    assert_eq!((refusal.kind, refusal.reason), (Kind::AlreadyExists, "REQUEST_ID_REUSED"));
    assert_eq!(world.jar(jar).await.total, 5);
}

pub async fn concurrent_duplicates_have_one_effect(world: World) {
    let (jar, call) = (stream(), fresh_call());
    let same = (0..50).map(|_| world.ledger.execute(jar, call.clone(), add(5)));
    let answers = futures_util::future::join_all(same).await;
    assert!(answers.iter().all(|answer| answer.as_ref().is_ok_and(|done| done.state.total == 5)), "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| !answer.as_ref().unwrap().replayed).count(), 1);
    assert_eq!(world.jar(jar).await.total, 5);
}

/// The first one is still being written when the second one comes: its end answers both.
pub async fn another_command_with_an_id_in_flight_is_refused(world: World) {
    let (jar, call) = (stream(), fresh_call());
    let other = Call { fingerprint: Hash([9; 32]), ..call.clone() };
    let held = world.hold_commits().await;
    let first = world.decided(jar, call, add(5)).await;
    let mut second = Box::pin(world.ledger.execute(jar, other, add(6)));
    assert!(futures_util::poll!(&mut second).is_pending());
    // decided after the second one was met, for a stream's queue is in order
    let third = world.decided(jar, fresh_call(), add(1)).await;
    held.release().await;
    assert_eq!(second.await.unwrap_err().reason, "REQUEST_ID_REUSED");
    assert_eq!((first.await.unwrap().unwrap().version, third.await.unwrap().unwrap().state.total), (1, 6));
}

pub async fn a_replay_is_found_though_the_rule_would_refuse_now(world: World) {
    let (jar, call) = (stream(), fresh_call());
    world.run(jar, add(5)).await.unwrap();
    world.ledger.execute(jar, call.clone(), take(5)).await.unwrap();
    let again = world.ledger.execute(jar, call, take(5)).await.unwrap();
    assert!(again.replayed && again.state.total == 0);
}

/// The answer was lost, and on the state of now the same command would be too large.
pub async fn a_replay_is_found_though_it_would_be_too_large_now(world: World) {
    let jar = stream();
    let hoard = |_: &Jar, _: &yiwang_ledger::Context| {
        Ok((0..5).map(|_| JarEvent::Hoarded { more: "x".repeat(30_000) }).collect())
    };
    let call = fresh_call();
    world.ledger.execute(jar, call.clone(), hoard).await.unwrap();
    assert!(world.ledger.execute(jar, call, hoard).await.unwrap().replayed);
    assert_eq!(world.run(jar, hoard).await.unwrap_err().reason, "STATE_TOO_LARGE");
}

pub async fn a_replayed_creation_answers_the_first_stream(world: World) {
    let (first, second, call) = (stream(), stream(), fresh_call());
    world.ledger.create(first, call.clone(), add(1)).await.unwrap();
    let again = world.ledger.create(second, call, add(1)).await.unwrap();
    assert_eq!((again.stream, again.replayed), (first, true));
    let missing = world.ledger.get::<Jar>(second, &yiwang_ledger::Audiences::all()).await.unwrap();
    assert!(missing.is_none());
}

/// Both wait for the same commit, each on a stream of its own: the writer holds the second one back.
pub async fn one_request_on_two_new_streams_has_one_effect(world: World) {
    let (calls, busy) = ((0..8).map(|_| fresh_call()).collect::<Vec<_>>(), fresh_call());
    let held = world.hold_commits().await;
    let mut answers = Vec::new();
    // the first takes the writer, so that the pairs wait together
    for call in [&busy].into_iter().chain(calls.iter().flat_map(|call| [call, call])) {
        answers.push(world.decided(stream(), call.clone(), add(1)).await);
    }
    held.release().await;
    let answers = futures_util::future::try_join_all(answers).await.unwrap();
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    for pair in answers[1..].chunks(2) {
        assert_eq!((pair[0].stream, pair[0].replayed), (pair[1].stream, !pair[1].replayed));
    }
    assert_eq!(world.ledger.head().await.unwrap().position, 9);
    if world.is_postgres() {
        // one that shares a request with another spoils the whole batch: it would be halved again and again
        let transactions = world.raw().await.number("SELECT count(DISTINCT xmin::text) FROM entry").await;
        assert!(transactions <= 4, "{transactions} transactions for 9 requests");
    }
}

pub async fn the_same_id_of_another_principal_is_another_request(world: World) {
    let (jar, call) = (stream(), fresh_call());
    world.ledger.execute(jar, call.clone(), add(1)).await.unwrap();
    let other = Call { principal: "person:boris".into(), ..call };
    assert!(!world.ledger.execute(jar, other, add(1)).await.unwrap().replayed);
    assert_eq!(world.jar(jar).await.total, 2);
}

pub async fn a_malformed_id_is_refused(world: World) {
    for id in ["", "with space", "换行\n", &"x".repeat(129)] {
        let refusal = world.ledger.execute(stream(), call(id), add(1)).await.unwrap_err();
        assert_eq!((refusal.reason, refusal.fields[0].field.as_str()), ("REQUEST_ID_MALFORMED", "request_id"));
    }
}

pub async fn a_request_survives_a_restart(world: World) {
    let (jar, call) = (StreamId::named("kept", &next().to_string()), fresh_call());
    world.ledger.execute(jar, call.clone(), add(5)).await.unwrap();
    let world = world.restart().await;
    assert!(world.ledger.execute(jar, call, add(5)).await.unwrap().replayed);
}
