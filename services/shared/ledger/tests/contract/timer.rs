//! Timers: what happens when nobody acts.

use std::time::Duration;

use yiwang_ledger::{Context, Decision, Timestamp};

use crate::world::{Jar, JarEvent, World, event, stream, until};

const DAY: Duration = Duration::from_secs(86_400);

/// When due: one more, and not due any longer.
fn ring(jar: &Jar, cx: &Context) -> Decision<JarEvent> {
    if jar.due.is_none_or(|due| due > cx.now) {
        return Ok(vec![]);
    }
    Ok(vec![JarEvent::Added { amount: 1 }, JarEvent::Due { at: None }])
}

async fn due_tomorrow(world: &World) -> yiwang_ledger::StreamId {
    let jar = stream();
    let tomorrow = |_: &Jar, cx: &Context| Ok(vec![JarEvent::Due { at: Some(Timestamp(cx.now.0 + 86_400_000_000)) }]);
    world.run(jar, tomorrow).await.unwrap();
    jar
}

pub async fn it_runs_when_due_and_once(world: World) {
    let jar = due_tomorrow(&world).await;
    world.ledger.timer::<Jar>(ring);
    world.advance(DAY);
    until("the timer rang", || async { world.jar(jar).await.total == 1 }).await;
    world.advance(DAY);
    assert_eq!(world.ledger.run_due::<Jar>(ring).await.unwrap(), 0);
    let jar = world.jar(jar).await;
    assert_eq!((jar.total, jar.by.as_str()), (1, "system"));
}

/// More than a page of records whose rule refuses stand before the one that can move.
pub async fn those_that_refuse_hold_nobody_up(world: World) {
    let stuck = |_: &Jar, cx: &Context| Ok(vec![JarEvent::Due { at: Some(cx.now) }, JarEvent::Added { amount: 7 }]);
    futures_util::future::join_all((0..600).map(|_| world.run(stream(), stuck))).await;
    let jar = due_tomorrow(&world).await;
    world.advance(DAY);
    let rule = |jar: &Jar, cx: &Context| match jar.total {
        7 => Err(yiwang_ledger::Refusal::state("STUCK", "", "")),
        _ => ring(jar, cx),
    };
    assert_eq!(world.ledger.run_due::<Jar>(rule).await.unwrap(), 1);
    assert_eq!(world.jar(jar).await.total, 1);
}

pub async fn it_leaves_the_future_alone(world: World) {
    let jar = due_tomorrow(&world).await;
    world.advance(DAY - Duration::from_secs(1));
    let blunt = |_: &Jar, _: &Context| Ok(vec![JarEvent::Added { amount: 1 }, JarEvent::Due { at: None }]);
    assert_eq!(world.ledger.run_due::<Jar>(blunt).await.unwrap(), 0);
    assert_eq!(world.jar(jar).await.total, 0);
}

pub async fn a_sweep_reaches_every_tagged_record(world: World) {
    for amount in 0..20 {
        world.run(stream(), event(JarEvent::Added { amount })).await.unwrap();
    }
    let even_out =
        |jar: &Jar, _: &Context| Ok(if jar.total % 2 == 0 { vec![] } else { vec![JarEvent::Added { amount: 1 }] });
    assert_eq!(world.ledger.sweep::<Jar>("parity", "odd", even_out).await.unwrap(), 10);
    assert_eq!(world.ledger.sweep::<Jar>("parity", "odd", even_out).await.unwrap(), 0);
}

pub async fn two_processes_have_one_effect(world: World) {
    let other = world.replica().await;
    let mut jars = Vec::new();
    for _ in 0..10 {
        jars.push(due_tomorrow(&world).await);
    }
    world.advance(DAY);
    other.advance(DAY);
    let (one, two) = tokio::join!(world.ledger.run_due::<Jar>(ring), other.ledger.run_due::<Jar>(ring));
    assert!(one.is_ok() && two.is_ok());
    for jar in jars {
        assert_eq!(world.jar(jar).await.total, 1);
    }
}
