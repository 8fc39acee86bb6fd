//! Unique means unique across streams, and is released when the state releases it.

use std::time::Duration;

use yiwang_ledger::Kind;

use crate::world::{JarEvent, World, add, event, label, stream};

pub async fn a_taken_key_is_refused_by_its_scope(world: World) {
    let (first, second) = (stream(), stream());
    world.run(first, label("honey")).await.unwrap();
    let refusal = world.run(second, label("honey")).await.unwrap_err();
    assert_eq!((refusal.kind, refusal.reason), (Kind::AlreadyExists, "LABEL_TAKEN"));
    assert!(world.run(second, label("jam")).await.is_ok());
}

pub async fn a_released_key_is_free(world: World) {
    let (first, second) = (stream(), stream());
    world.run(first, label("honey")).await.unwrap();
    world.run(first, event(JarEvent::Labelled { label: None })).await.unwrap();
    assert!(world.run(second, label("honey")).await.is_ok());
}

pub async fn two_claims_of_one_batch_have_one_winner(world: World) {
    let held = world.hold_commits().await;
    // this one takes the writer, so that the claims wait together
    let busy = world.run(stream(), add(1));
    let claims = (0..20).map(|_| async {
        tokio::time::sleep(Duration::from_millis(30)).await;
        world.run(stream(), label("honey")).await
    });
    let release = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        held.release().await;
    };
    let (_, outcomes, ()) = tokio::join!(busy, futures_util::future::join_all(claims), release);
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(outcomes.iter().flat_map(|outcome| outcome.as_ref().err()).all(|refusal| refusal.reason == "LABEL_TAKEN"));
}

/// Commands that were decided on a state which was never written must not be written either.
pub async fn what_was_decided_behind_a_loser_is_decided_again(world: World) {
    let (holder, jar) = (stream(), stream());
    world.run(holder, label("honey")).await.unwrap();
    world.run(jar, add(1)).await.unwrap();
    let held = world.hold_commits().await;
    let losing = world.run(jar, label("honey"));
    let adds = futures_util::future::join_all((0..10).map(|_| world.run(jar, add(1))));
    let release = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        held.release().await;
    };
    let (lost, added, ()) = tokio::join!(losing, adds, release);
    assert_eq!(lost.unwrap_err().reason, "LABEL_TAKEN");
    assert!(added.iter().all(Result::is_ok));
    let jar = world.jar(jar).await;
    assert_eq!((jar.total, jar.label), (11, None));
    assert!(world.ledger.verify().await.unwrap().problems.is_empty());
}

/// One stream lets go, another takes, while both wait for the same commit.
pub async fn a_key_moves_within_one_batch(world: World) {
    let (first, second) = (stream(), stream());
    world.run(first, label("honey")).await.unwrap();
    let held = world.hold_commits().await;
    // this one takes the writer, so that the other two wait together
    let busy = world.run(stream(), add(1));
    let letting_go = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        world.run(first, event(JarEvent::Labelled { label: None })).await
    };
    let taking = async {
        tokio::time::sleep(Duration::from_millis(80)).await;
        world.run(second, label("honey")).await
    };
    let release = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        held.release().await;
    };
    let (busy, gone, taken, ()) = tokio::join!(busy, letting_go, taking, release);
    assert!(busy.is_ok() && gone.is_ok() && taken.is_ok(), "{gone:?} {taken:?}");
}

pub async fn two_processes_cannot_both_claim(world: World) {
    let other = world.replica().await;
    for round in 0..20 {
        let name = format!("honey {round}");
        let (one, two) = tokio::join!(world.run(stream(), label(&name)), other.run(stream(), label(&name)));
        assert!(one.is_ok() != two.is_ok(), "exactly one: {one:?} {two:?}");
    }
}
