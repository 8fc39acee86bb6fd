//! Writing: durable before answered, one after another, nobody's fault but one's own.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use yiwang_ledger::{Call, Context, Decision, Kind, Refusal};

use crate::world::{Jar, JarEvent, World, add, event, fresh_call, stream, take, until};

pub async fn an_acknowledged_command_is_there_after_a_restart(world: World) {
    let jar = stream();
    world.run(jar, add(5)).await.unwrap();
    world.run(jar, add(7)).await.unwrap();
    let world = world.restart().await;
    assert_eq!(world.jar(jar).await.total, 12);
}

pub async fn nothing_is_answered_before_the_commit(world: World) {
    let jar = stream();
    world.run(jar, add(1)).await.unwrap();
    let held = world.hold_commits().await;
    let mut command = Box::pin(world.run(jar, add(1)));
    let early = tokio::time::timeout(Duration::from_millis(400), &mut command).await;
    assert!(early.is_err(), "answered before it was durable: {early:?}");
    held.release().await;
    assert_eq!(command.await.unwrap().state.total, 2);
}

pub async fn commands_of_one_stream_are_decided_one_after_another(world: World) {
    let jar = stream();
    world.run(jar, add(50)).await.unwrap();
    let takes = (0..80).map(|_| world.run(jar, take(1)));
    let outcomes = futures_util::future::join_all(takes).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 50);
    assert_eq!(world.jar(jar).await.total, 0);
}

pub async fn a_refusal_writes_nothing(world: World) {
    let jar = stream();
    world.run(jar, add(1)).await.unwrap();
    let before = world.ledger.head().await.unwrap();
    assert_eq!(world.run(jar, take(2)).await.unwrap_err().reason, "JAR_EMPTY");
    assert_eq!(world.ledger.head().await.unwrap(), before);
}

/// A refusal is only as true as the state it was decided on: if that state is never written, neither is it answered.
pub async fn a_refusal_in_flight_waits_for_what_it_was_decided_on(world: World) {
    let jar = stream();
    world.run(jar, add(1)).await.unwrap();
    let held = world.hold_commits().await;
    let mut taking = Box::pin(world.run(jar, take(1)));
    assert!(tokio::time::timeout(Duration::from_millis(200), &mut taking).await.is_err());
    let mut refused = Box::pin(world.run(jar, take(1)));
    let early = tokio::time::timeout(Duration::from_millis(400), &mut refused).await;
    assert!(early.is_err(), "refused on a state that was not durable: {early:?}");
    held.release().await;
    assert_eq!((taking.await.unwrap().state.total, refused.await.unwrap_err().reason), (0, "JAR_EMPTY"));
}

/// The store itself refuses entries of one actor; the rest of the batch goes through.
pub async fn a_bad_command_never_fails_its_neighbours(world: World) {
    let mut raw = world.raw().await;
    raw.execute(if world.is_postgres() {
        "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF NEW.actor = 'poison' THEN RAISE EXCEPTION 'poison'; END IF; RETURN NEW; END $$;
         CREATE TRIGGER poison BEFORE INSERT ON entry FOR EACH ROW EXECUTE FUNCTION poison()"
    } else {
        "CREATE TRIGGER poison BEFORE INSERT ON entry WHEN NEW.actor = 'poison' BEGIN SELECT RAISE(ABORT, 'poison'); END"
    })
    .await;
    let held = world.hold_commits().await;
    let commands: Vec<_> = (0..20)
        .map(|n| {
            let (ledger, call) = (world.ledger.clone(), fresh_call());
            let call = if n == 7 { call.with_actor("poison") } else { call };
            tokio::spawn(async move { ledger.execute::<Jar>(stream(), call, add(1)).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    held.release().await;
    let outcomes: Vec<_> = futures_util::future::join_all(commands)
        .await
        .into_iter()
        .map(|done| done.unwrap().map_err(|r| r.kind))
        .collect();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 19);
    assert_eq!(outcomes[7].as_ref().err(), Some(&Kind::Internal));
}

/// A full disk, an I/O error: SQLite rolls back by itself. The next command must find a sound connection.
pub async fn the_writer_goes_on_after_the_store_rolled_back(world: World) {
    world
        .raw()
        .await
        .execute("CREATE TRIGGER poison BEFORE INSERT ON entry WHEN NEW.actor = 'poison' BEGIN SELECT RAISE(ROLLBACK, 'poison'); END")
        .await;
    let poisoned = world.ledger.execute::<Jar>(stream(), fresh_call().with_actor("poison"), add(1)).await;
    assert_eq!(poisoned.unwrap_err().kind, Kind::Internal);
    assert!(world.run(stream(), add(1)).await.is_ok());
}

/// The file is away when the writer connects again after an error: nobody is told that nothing was written.
pub async fn a_store_that_cannot_be_opened_again_leaves_the_outcome_unknown(world: World) {
    let mut raw = world.raw().await;
    raw.execute("CREATE TRIGGER poison BEFORE INSERT ON entry BEGIN SELECT RAISE(ROLLBACK, 'poison'); END").await;
    world.hide_file(true);
    let mut command = Box::pin(world.ledger.create::<Jar>(stream(), fresh_call(), add(1)));
    let early = tokio::time::timeout(Duration::from_millis(500), &mut command).await;
    assert!(early.is_err(), "answered though nobody knows: {early:?}");
    raw.execute("DROP TRIGGER poison").await;
    world.hide_file(false);
    assert_eq!(command.await.unwrap().state.total, 1);
}

/// Whoever begins a stream that is there, as a relay does that tries again under another name, decides on what stands there.
pub async fn what_was_thought_new_is_decided_on_as_it_stands(world: World) {
    let jar = stream();
    world.run(jar, add(1)).await.unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let rule = {
        let seen = seen.clone();
        move |jar: &Jar, cx: &Context| {
            seen.lock().unwrap().push((cx.version, jar.total));
            Ok(vec![JarEvent::Added { amount: 2 }])
        }
    };
    let done = world.ledger.create::<Jar>(jar, fresh_call(), rule).await.unwrap();
    assert_eq!((done.version, done.state.total), (2, 3));
    assert_eq!(*seen.lock().unwrap(), [(0, 0), (1, 1)]);
    let empty = |jar: &Jar, _: &Context| -> Decision<JarEvent> {
        if jar.total == 0 { Err(Refusal::state("EMPTY", "空", "empty")) } else { Ok(vec![]) }
    };
    let done = world.ledger.create::<Jar>(jar, fresh_call(), empty).await.unwrap();
    assert_eq!(done.state.total, 3, "a refusal holds only if what it was decided on does");
}

/// They know nothing of each other and wait for the same commit: one counts, the others decide again on what it left.
pub async fn all_who_begin_one_stream_at_once_count(world: World) {
    let (jar, held) = (stream(), world.hold_commits().await);
    // takes the writer, so that the others wait together
    let busy = world.decided(stream(), fresh_call(), add(1)).await;
    let mut answers = vec![
        world.begun(jar, fresh_call(), add(1)).await,
        world.decided(jar, fresh_call(), add(2)).await,
        world.begun(jar, fresh_call(), add(4)).await,
    ];
    let gone = world.begun(jar, fresh_call(), add(8)).await;
    answers.push(world.decided(jar, fresh_call(), add(16)).await);
    gone.abort();
    held.release().await;
    busy.await.unwrap().unwrap();
    for answer in answers {
        answer.await.unwrap().unwrap();
    }
    assert_eq!(world.jar(jar).await.total & !8, 23, "an acknowledged command is lost");
    assert!(world.ledger.verify().await.unwrap().problems.is_empty());
}

pub async fn a_stream_of_another_kind_is_not_there_to_be_written(world: World) {
    let jar = stream();
    world.run(jar, add(1)).await.unwrap();
    let rule = |_: &yiwang_ledger::AccessLog, _: &Context| Ok(vec![]);
    let refusal = world.ledger.execute(jar, fresh_call(), rule).await.unwrap_err();
    assert_eq!(refusal.kind, Kind::NotFound);
}

pub async fn a_character_that_no_store_takes_is_refused(world: World) {
    let refusal = world.run(stream(), crate::world::label("a\0b")).await.unwrap_err();
    assert_eq!(refusal.reason, "TEXT_MALFORMED");
}

pub async fn a_panicking_rule_is_an_error_of_its_own_command(world: World) {
    let jar = stream();
    world.run(jar, add(1)).await.unwrap();
    let panicking = |_: &Jar, _: &Context| -> Decision<JarEvent> { panic!("a bug") };
    assert_eq!(world.run(jar, panicking).await.unwrap_err().kind, Kind::Internal);
    assert_eq!(world.run(jar, add(1)).await.unwrap().state.total, 2);
}

/// What a service wrote of its state may have bugs too, in the fold and in what is derived.
pub async fn a_panicking_aggregate_is_an_error_of_its_own_command(world: World) {
    let jar = stream();
    world.run(jar, add(1)).await.unwrap();
    for part in ["evolve", "tags"] {
        let cursed = event(JarEvent::Cursed { part: part.to_owned() });
        assert_eq!(world.run(jar, cursed).await.unwrap_err().kind, Kind::Internal, "{part}");
    }
    assert_eq!(world.run(jar, add(1)).await.unwrap().version, 2);
}

pub async fn time_never_runs_back_within_a_stream(world: World) {
    let jar = stream();
    let first = world.run(jar, add(1)).await.unwrap();
    world.host.now.fetch_sub(1_000_000, std::sync::atomic::Ordering::SeqCst);
    let second = world.run(jar, add(1)).await.unwrap();
    assert!(second.at >= first.at);
    assert!(world.ledger.verify().await.unwrap().problems.is_empty());
}

pub async fn a_stale_version_is_refused(world: World) {
    let jar = stream();
    world.run(jar, add(1)).await.unwrap();
    let call = |seen| Call { expected_version: Some(seen), ..fresh_call() };
    assert_eq!(world.ledger.execute(jar, call(1), add(1)).await.unwrap().version, 2);
    let refusal = world.ledger.execute(jar, call(1), add(1)).await.unwrap_err();
    assert_eq!((refusal.kind, refusal.reason), (Kind::Aborted, "STALE_VERSION"));
}

pub async fn an_oversized_entry_is_refused(world: World) {
    let refusal = world.run(stream(), event(JarEvent::Loaded { ballast: "x".repeat(70_000) })).await.unwrap_err();
    assert_eq!(refusal.reason, "ENTRY_TOO_LARGE");
}

pub async fn an_oversized_state_is_refused(world: World) {
    let jar = stream();
    let chunk =
        |n: i32| move |_: &Jar, _: &Context| Ok(vec![JarEvent::Hoarded { more: format!("{n}").repeat(30_000) }]);
    for n in 0..8 {
        world.run(jar, chunk(n)).await.unwrap();
    }
    assert_eq!(world.run(jar, chunk(9)).await.unwrap_err().reason, "STATE_TOO_LARGE");
    assert_eq!(world.run(jar, add(1)).await.unwrap().state.total, 1);
}

pub async fn a_passed_deadline_is_not_decided(world: World) {
    let (jar, mut call) = (stream(), fresh_call());
    call.deadline = Some(tokio::time::Instant::now());
    let refusal = world.ledger.execute(jar, call.clone(), add(1)).await.unwrap_err();
    assert_eq!(refusal.kind, Kind::DeadlineExceeded);
    call.deadline = None;
    assert!(!world.ledger.execute(jar, call, add(1)).await.unwrap().replayed, "the first one was never decided");
}

/// The handler's future is dropped while its command is being written: the command stands all the same.
pub async fn a_command_whose_caller_left_runs_to_its_verdict(world: World) {
    let (jar, call) = (stream(), fresh_call());
    world.run(jar, add(1)).await.unwrap();
    let held = world.hold_commits().await;
    let (ledger, leaving) = (world.ledger.clone(), call.clone());
    let caller = tokio::spawn(async move { ledger.execute(jar, leaving, add(1)).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    caller.abort();
    held.release().await;
    until("the command is written", || async { world.jar(jar).await.total == 2 }).await;
    assert!(world.ledger.execute(jar, call, add(1)).await.unwrap().replayed);
}

/// The same while a stream begins, where nobody but the caller knows of it.
pub async fn a_beginning_whose_caller_left_runs_to_its_verdict(world: World) {
    let (jar, call, held) = (stream(), fresh_call(), world.hold_commits().await);
    let caller = world.begun(jar, call.clone(), add(1)).await;
    // the writer takes one after the other: when this one was decided, the one before is with it, or nearly so
    let after = world.decided(stream(), fresh_call(), add(1)).await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    held.release().await;
    after.await.unwrap().unwrap();
    until("the command is written", || async {
        world.ledger.get::<Jar>(jar, &yiwang_ledger::Audiences::all()).await.unwrap().is_some()
    })
    .await;
    assert_eq!(world.jar(jar).await.total, 1);
    let again = world.ledger.create(stream(), call, add(1)).await.unwrap();
    assert_eq!((again.stream, again.replayed), (jar, true));
}

pub async fn a_full_queue_refuses_before_deciding(world: World) {
    let jar = stream();
    let world = Arc::new(world);
    world.run(jar, add(1)).await.unwrap();
    let held = world.hold_commits().await;
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..12_000 {
        let world = world.clone();
        callers.spawn(async move { world.run(jar, add(1)).await.map(|done| done.version) });
    }
    let first = callers.join_next().await.unwrap().unwrap().unwrap_err();
    held.release().await;
    assert_eq!((first.kind, first.reason), (Kind::ResourceExhausted, "QUEUE_FULL"));
    assert_eq!(first.metadata["retry_after_ms"], "500");
    let rest: Vec<Result<u64, Refusal>> = callers.join_all().await;
    let accepted = rest.iter().filter(|outcome| outcome.is_ok()).count() as i64;
    assert_eq!(world.jar(jar).await.total, 1 + accepted);
}

pub async fn a_large_state_is_not_rewritten_each_time(world: World) {
    let jar = stream();
    world.run(jar, event(JarEvent::Loaded { ballast: "x".repeat(20_000) })).await.unwrap();
    for _ in 0..10 {
        world.run(jar, add(1)).await.unwrap();
    }
    let mut raw = world.raw().await;
    assert_eq!(raw.number("SELECT state_version FROM record WHERE kind = 'jar'").await, 2);
    assert_eq!(raw.number("SELECT version FROM record WHERE kind = 'jar'").await, 11);
    let world = world.restart().await;
    assert_eq!(world.jar(jar).await.total, 10);
    let adds = (0..60).map(|_| world.run(jar, add(1)));
    futures_util::future::join_all(adds).await;
    assert!(world.raw().await.number("SELECT state_version FROM record WHERE kind = 'jar'").await >= 66);
}

/// It says all that its state would: one is stored with the second, or beside a first command's two.
pub async fn a_stream_of_one_entry_is_told_by_it(world: World) {
    let (one, two) = (stream(), stream());
    world.run(one, add(3)).await.unwrap();
    world
        .run(two, |_: &Jar, _: &Context| Ok(vec![JarEvent::Added { amount: 1 }, JarEvent::Added { amount: 1 }]))
        .await
        .unwrap();
    let stated = "SELECT count(*) FROM record WHERE kind = 'jar' AND length(state) > 0 AND state_version = version AND schema > 0";
    let told = "SELECT count(*) FROM record WHERE kind = 'jar' AND length(state) + state_version + schema = 0";
    let mut raw = world.raw().await;
    assert_eq!((raw.number(stated).await, raw.number(told).await), (1, 1));
    let world = world.restart().await;
    for _read_and_then_as_it_was_kept in 0..2 {
        assert_eq!((world.jar(one).await.total, world.jar(two).await.total), (3, 2));
    }
    assert_eq!(world.run(one, add(4)).await.unwrap().state.total, 7);
    assert_eq!((raw.number(stated).await, raw.number(told).await), (2, 0));
}

/// Whoever begins a stream keeps it for whoever acts on it next: nobody reads it back.
pub async fn what_was_begun_is_decided_on_as_it_was_kept(world: World) {
    let jar = stream();
    world.ledger.create(jar, fresh_call(), add(1)).await.unwrap();
    let mut raw = world.raw().await;
    raw.set_bytes("UPDATE entry SET body = $1 WHERE stream = $2", br#"{"Smashed":{}}"#, jar).await;
    assert_eq!(world.run(jar, add(4)).await.unwrap().state.total, 5);
}

/// What is kept says nothing of what another process wrote meanwhile.
pub async fn what_was_begun_is_not_believed_older_than_the_store(world: World) {
    let (read, written, other) = (stream(), stream(), world.replica().await);
    for jar in [read, written] {
        world.ledger.create(jar, fresh_call(), add(1)).await.unwrap();
        other.run(jar, add(2)).await.unwrap();
    }
    assert_eq!(world.jar(read).await.total, 3);
    assert_eq!(world.run(written, add(4)).await.unwrap().state.total, 7);
}

pub async fn another_schema_folds_anew(world: World) {
    let jar = stream();
    world.run(jar, add(3)).await.unwrap();
    world.run(jar, add(4)).await.unwrap();
    world.raw().await.set_bytes("UPDATE record SET schema = 99, state = $1 WHERE stream = $2", b"old shape", jar).await;
    assert_eq!(world.jar(jar).await.total, 7);
}

pub async fn an_older_event_is_read_in_its_new_shape(world: World) {
    let jar = stream();
    world.run(jar, add(3)).await.unwrap();
    let mut raw = world.raw().await;
    raw.set_bytes("UPDATE entry SET body = $1 WHERE stream = $2", br#"{"Added":{"pieces":40}}"#, jar).await;
    raw.execute("UPDATE record SET schema = 0").await;
    assert_eq!(world.jar(jar).await.total, 40);
}

pub async fn an_unknown_event_makes_one_stream_unreadable_and_no_other(world: World) {
    let (jar, other) = (stream(), stream());
    world.run(jar, add(3)).await.unwrap();
    world.run(other, add(3)).await.unwrap();
    let mut raw = world.raw().await;
    raw.set_bytes("UPDATE entry SET body = $1 WHERE stream = $2", br#"{"Smashed":{}}"#, jar).await;
    raw.execute("UPDATE record SET schema = 0").await;
    let world = world.restart().await;
    let refusal = world.run(jar, add(1)).await.unwrap_err();
    assert_eq!((refusal.kind, refusal.reason), (Kind::Unavailable, "STREAM_UNREADABLE"));
    assert_eq!(world.run(other, add(1)).await.unwrap().state.total, 4);
}

pub async fn two_processes_lose_no_update(world: World) {
    let (jar, other) = (stream(), world.replica().await);
    let adds = (0..100).map(|n| if n % 2 == 0 { world.run(jar, add(1)) } else { other.run(jar, add(1)) });
    let done = futures_util::future::join_all(adds).await.into_iter().filter(Result::is_ok).count();
    assert_eq!(world.jar(jar).await.total, done as i64);
    assert!(done > 50, "{done} of 100 went through");
    assert!(world.ledger.verify().await.unwrap().problems.is_empty());
}

/// Decided from memory that is out of date: nobody hears of it.
pub async fn a_stale_refusal_is_never_answered(world: World) {
    let (jar, other) = (stream(), world.replica().await);
    world.run(jar, add(1)).await.unwrap();
    other.run(jar, add(10)).await.unwrap();
    assert_eq!(world.run(jar, take(5)).await.unwrap().state.total, 6);
}

pub async fn a_cut_connection_is_resent_until_there_is_a_verdict(world: World) {
    let jar = stream();
    world.run(jar, add(1)).await.unwrap();
    let held = world.hold_commits().await;
    let mut commands: Vec<_> = (0..10).map(|_| Box::pin(world.run(jar, add(1)))).collect();
    let _ = tokio::time::timeout(Duration::from_millis(200), futures_util::future::join_all(commands.iter_mut())).await;
    let mut raw = world.raw().await;
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%commit_batch%' AND application_name = 'yiwang-' || current_schema()";
    assert_eq!(raw.number(cut).await, 1);
    held.release().await;
    for command in commands {
        command.await.unwrap();
    }
    assert_eq!(world.jar(jar).await.total, 11);
}

pub async fn what_waits_goes_in_one_transaction(world: World) {
    world.run(stream(), add(1)).await.unwrap();
    let held = world.hold_commits().await;
    let commands = (0..200).map(|_| world.run(stream(), add(1)));
    let commands = futures_util::future::join_all(commands);
    let release = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        held.release().await;
    };
    tokio::join!(commands, release);
    let transactions = world.raw().await.number("SELECT count(DISTINCT xmin::text) FROM entry").await;
    assert!(transactions <= 5, "{transactions} transactions for 201 commands");
}

pub async fn unsafe_settings_are_refused_in_production(world: World) {
    assert!(world.try_open_with("").await.is_ok());
    let refused = world.try_open_with("-c%20synchronous_commit%3Doff").await.err().unwrap().to_string();
    assert!(refused.contains("UNSAFE_SETTING") && refused.contains("synchronous_commit"), "{refused}");
}
