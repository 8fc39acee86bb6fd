//! When the store errs: what is lost, late or full is nobody's fault, and nobody hears what is not certain.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::task::{JoinSet, block_in_place};
use yiwang_ledger::{Context, Kind};

use crate::world::{Jar, JarEvent, SECRETS, World, add, fresh_call, stream};

/// Committed, and the answer lost on the way: the identical batch is sent again and finds itself.
pub async fn a_commit_whose_answer_was_lost_is_found_again(world: World) {
    let ((wire, far), jar) = (world.over_a_wire().await, stream());
    far.run(jar, add(1)).await.unwrap();
    wire.lose_next_verdict();
    let answers = futures_util::future::try_join_all((0..3).map(|_| far.run(jar, add(1)))).await.unwrap();
    assert!(wire.has_lost());
    let answers: Vec<_> = answers.into_iter().map(|answer| (answer.version, answer.replayed)).collect();
    assert_eq!(answers, [(2, false), (3, false), (4, false)]);
    assert_eq!(world.jar(jar).await.total, 4);
    assert!(world.ledger.verify().await.unwrap().problems.is_empty());
}

/// Committed, and the machine gone before it could say so: nobody closes the connection, and the batch is sent on another.
pub async fn a_commit_whose_answer_was_swallowed_is_found_again(world: World) {
    let ((wire, far), jar) = (world.over_a_wire().await, stream());
    far.run(jar, add(1)).await.unwrap();
    wire.swallow_next_verdict();
    let answer = tokio::time::timeout(Duration::from_secs(40), far.run(jar, add(1))).await.unwrap().unwrap();
    assert_eq!((answer.version, answer.replayed, world.jar(jar).await.total), (2, false, 2));
}

/// Rolled back for somebody else's sake: a serialization failure, a deadlock, a lock that did not come in time.
pub async fn a_batch_that_gave_way_is_sent_again(world: World) {
    let mut raw = world.raw().await;
    raw.execute(
        "CREATE SEQUENCE tries;
         CREATE FUNCTION give_way() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE
             codes text[] := ARRAY['40001', '40P01', '55P03']; try bigint := nextval('tries'); BEGIN
             IF try <= 3 THEN RAISE EXCEPTION 'gave way' USING ERRCODE = codes[try]; END IF; RETURN NEW; END $$;
         CREATE TRIGGER give_way BEFORE INSERT ON entry FOR EACH ROW EXECUTE FUNCTION give_way()",
    )
    .await;
    assert_eq!(world.run(stream(), add(1)).await.unwrap().state.total, 1);
    assert_eq!(raw.number("SELECT last_value FROM tries").await, 4);
}

/// Nothing was written, and the same request goes through once there is room. (On SQLite: the engine's own test.)
pub async fn a_full_store_is_said_and_forgotten(world: World) {
    let (jar, call, mut raw) = (stream(), fresh_call(), world.raw().await);
    raw.execute(
        "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             RAISE EXCEPTION 'full' USING ERRCODE = '53100'; END $$;
         CREATE TRIGGER no_room BEFORE INSERT ON entry FOR EACH ROW EXECUTE FUNCTION no_room()",
    )
    .await;
    let refusal = world.ledger.execute(jar, call.clone(), add(1)).await.unwrap_err();
    assert_eq!((refusal.kind, refusal.reason), (Kind::Unavailable, "STORE_FULL"));
    raw.execute("DROP TRIGGER no_room ON entry").await;
    assert!(!world.ledger.execute(jar, call, add(1)).await.unwrap().replayed);
}

/// What the next release's migration leaves behind, before anything is taken away.
const EXPANDED: &str = "ALTER TABLE entry ADD COLUMN later bigint; CREATE INDEX entry_later ON entry (kind, at);
     INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
     SELECT 1000, 'later', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1";

/// Rolled back, or started anew beside the next release: the schema only grew.
pub async fn a_store_of_a_later_version_is_no_hindrance(world: World) {
    let jar = stream();
    world.run(jar, add(1)).await.unwrap();
    // SQLite's columns have the kinds that STRICT tables know
    let expanded = if world.is_postgres() { EXPANDED.to_owned() } else { EXPANDED.replace("bigint", "INTEGER") };
    world.raw().await.execute(&expanded).await;
    world.run(jar, add(1)).await.unwrap();
    let world = world.restart().await;
    world.run(jar, add(1)).await.unwrap();
    assert_eq!(world.jar(jar).await.total, 3);
    let (ledger, _dir) = world.look_again().await;
    assert!(ledger.verify().await.unwrap().problems.is_empty());
}

/// Not a later one of ours: what its migrations did, nobody here knows.
pub async fn a_store_of_other_migrations_is_refused(world: World) {
    let between = EXPANDED.split(';').next_back().unwrap_or_default().replace("1000", "0");
    world.raw().await.execute(&between).await;
    let refused = world.try_restart_with(SECRETS).await.err().unwrap().to_string();
    assert!(refused.starts_with("NOT_MIGRATED"), "{refused}");
}

/// Somebody else is always faster: between the decision and the commit the stream's tip is another.
pub async fn whoever_loses_ten_times_may_try_again(world: World) {
    let (jar, raw, losses) = (stream(), Arc::new(Mutex::new(world.raw().await)), Arc::new(AtomicU8::new(0)));
    world.run(jar, add(1)).await.unwrap();
    let count = losses.clone();
    let overtaken = move |_: &Jar, _: &Context| {
        let tip = [count.fetch_add(1, Ordering::SeqCst); 32];
        let raw = raw.clone();
        block_in_place(|| {
            Handle::current().block_on(async {
                raw.lock().await.set_bytes("UPDATE record SET tip = $1 WHERE stream = $2", &tip, jar).await;
            });
        });
        Ok(vec![JarEvent::Added { amount: 1 }])
    };
    let refusal = world.run(jar, overtaken).await.unwrap_err();
    assert_eq!((refusal.kind, refusal.reason), (Kind::Aborted, "CONTENDED"));
    assert_eq!((losses.load(Ordering::SeqCst), world.jar(jar).await.total), (10, 1));
    assert_eq!(world.run(jar, add(1)).await.unwrap().state.total, 2);
}

/// Ten thousand commands on one stream, from three replicas that nobody sends to its owner: each is written once, a caller's own in
/// the order in which it sent them, and whoever lost too often is only told to come again.
pub async fn a_hot_stream_keeps_every_command_and_its_order(world: World) {
    const CALLERS: i64 = 96;
    const EACH: i64 = 105;
    let jar = stream();
    let replicas = [world.replica().await, world.replica().await, world];
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let ledger = replicas[caller as usize % replicas.len()].ledger.clone();
        callers.spawn(async move {
            for number in 0..EACH {
                let call = fresh_call();
                while let Err(lost) = ledger.execute(jar, call.clone(), add(caller * EACH + number)).await {
                    assert_eq!(lost.reason, "CONTENDED");
                }
            }
        });
    }
    callers.join_all().await;
    let (mut entries, ledger) = (Vec::new(), &replicas[0].ledger);
    while entries.len() < (CALLERS * EACH) as usize {
        let page = ledger.history(jar, entries.len() as u64, 1000).await.unwrap();
        assert!(!page.is_empty(), "{} entries", entries.len());
        entries.extend(page);
    }
    assert!(entries.iter().zip(1..).all(|(entry, version)| entry.version == version));
    let amounts = entries.iter().map(|entry| match serde_json::from_slice(&entry.body).unwrap() {
        JarEvent::Added { amount } => amount,
        other => panic!("{other:?}"),
    });
    let mut next = vec![0; CALLERS as usize];
    for amount in amounts {
        let (caller, number) = ((amount / EACH) as usize, amount % EACH);
        assert_eq!(std::mem::replace(&mut next[caller], number + 1), number, "caller {caller}");
    }
    assert!(next.iter().all(|&count| count == EACH));
    assert!(ledger.verify().await.unwrap().problems.is_empty());
}
