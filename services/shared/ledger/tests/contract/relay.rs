//! Relays: at least once, in order within a stream, nothing skipped, nobody held up by another's trouble.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use yiwang_ledger::{Call, Delivery, Entry, Retrial, Route, StreamId, Timestamp};

use crate::world::{Jar, World, add, stream, until};

/// A receiver that remembers, and behaves as it is told for some streams.
#[derive(Clone, Default)]
pub struct Receiver {
    pub got: Arc<Mutex<Vec<(StreamId, u64, String)>>>,
    moods: Arc<Mutex<HashMap<StreamId, Delivery>>>,
    /// Whoever holds it keeps every delivery waiting.
    gate: Arc<tokio::sync::Mutex<()>>,
    /// A delivery has come as far as the gate.
    meeting: Arc<AtomicBool>,
}

impl Receiver {
    pub fn set(&self, stream: StreamId, mood: Delivery) {
        self.moods.lock().unwrap().insert(stream, mood);
    }

    pub fn versions(&self, stream: StreamId) -> Vec<u64> {
        self.got.lock().unwrap().iter().filter(|(of, ..)| *of == stream).map(|(_, version, _)| *version).collect()
    }
}

#[async_trait]
impl Route for Receiver {
    fn wants(&self, _: &Entry) -> bool {
        true
    }

    async fn deliver(&self, entry: &Entry, request_id: &str) -> Delivery {
        if !entry.is::<Jar>() {
            return Delivery::NotMine;
        }
        self.meeting.store(true, Ordering::SeqCst);
        drop(self.gate.lock().await);
        let mood = self.moods.lock().unwrap().get(&entry.stream).cloned().unwrap_or(Delivery::Done);
        assert_ne!(mood, Delivery::NotMine, "poison");
        if mood == Delivery::Done {
            self.got.lock().unwrap().push((entry.stream, entry.version, request_id.to_owned()));
        }
        mood
    }
}

pub async fn add_times(world: &World, jar: StreamId, times: usize) {
    for _ in 0..times {
        world.run(jar, add(1)).await.unwrap();
    }
}

pub async fn it_delivers_each_entry_in_order(world: World) {
    let (receiver, jars) = (Receiver::default(), [stream(), stream(), stream()]);
    world.ledger.relay("r", receiver.clone());
    for _ in 0..10 {
        for jar in jars {
            world.run(jar, add(1)).await.unwrap();
        }
    }
    for jar in jars {
        until("all delivered", || async { receiver.versions(jar).len() == 10 }).await;
        assert_eq!(receiver.versions(jar), (1..=10).collect::<Vec<u64>>());
    }
}

pub async fn who_tells_people_begins_with_what_comes(world: World) {
    let (receiver, jar) = (Receiver::default(), stream());
    add_times(&world, jar, 3).await;
    world.ledger.relay_from_now("r", receiver.clone()).await.unwrap();
    add_times(&world, jar, 1).await;
    until("what comes is told", || async { receiver.versions(jar) == [4] }).await;
    // begun, it passes over nothing: not even what comes while it does not run
    let world = world.restart().await;
    add_times(&world, jar, 2).await;
    world.ledger.relay_from_now("r", receiver.clone()).await.unwrap();
    until("it goes on where it was", || async { receiver.versions(jar).ends_with(&[5, 6]) }).await;
    assert_eq!(receiver.versions(jar).first(), Some(&4));
}

pub async fn who_tells_people_misses_nothing_of_a_ledger_that_begins(world: World) {
    let (receiver, jar) = (Receiver::default(), stream());
    world.ledger.relay_from_now("r", receiver.clone()).await.unwrap();
    add_times(&world, jar, 2).await;
    until("all is told", || async { receiver.versions(jar) == [1, 2] }).await;
}

pub async fn a_stream_that_fails_is_parked_and_the_others_go_on(world: World) {
    let (receiver, sick, well) = (Receiver::default(), stream(), stream());
    receiver.set(sick, Delivery::Later { reason: "away".into() });
    world.ledger.relay("r", receiver.clone());
    add_times(&world, sick, 3).await;
    add_times(&world, well, 3).await;
    until("the others go on", || async { receiver.versions(well).len() == 3 }).await;
    let parked = world.ledger.parked().await.unwrap();
    assert_eq!((parked.len(), parked[0].stream, parked[0].error.as_str()), (1, sick, "away"));
    add_times(&world, sick, 2).await;
    receiver.set(sick, Delivery::Done);
    // entries that come in while the stream is being taken up again must not fall between the two ways
    add_times(&world, sick, 15).await;
    let all: Vec<u64> = (1..=20).collect();
    until("the parked stream arrives", || async { receiver.versions(sick) == all }).await;
    until("nothing is parked", || async { world.ledger.parked().await.unwrap().is_empty() }).await;
}

pub async fn a_refused_entry_waits_for_a_person(world: World) {
    let (receiver, jar) = (Receiver::default(), stream());
    receiver.set(jar, Delivery::Refused { reason: "no such item".into() });
    world.ledger.relay("r", receiver.clone());
    add_times(&world, jar, 2).await;
    until("it is parked", || async {
        world.ledger.parked().await.unwrap().iter().any(|p| p.next_at == Timestamp::NEVER)
    })
    .await;
    receiver.set(jar, Delivery::Done);
    let retry = |id: &'static str, of| world.ledger.retry_parked(Call::system(id, ""), "r", of);
    let retried = retry("again", jar).await.unwrap();
    until("it arrives", || async { receiver.versions(jar) == [1, 2] }).await;
    until("it waits no more", || async { world.ledger.parked().await.unwrap().is_empty() }).await;
    assert_eq!((retried.stream, retried.tries, &retry("again", jar).await.unwrap()), (jar, 1, &retried));
    assert_eq!(world.ledger.feed(2, 10).await.unwrap().iter().filter(|entry| entry.is::<Retrial>()).count(), 1);
    assert_eq!(retry("another", jar).await.unwrap_err().reason, "DELIVERY_NOT_FOUND");
}

/// More than a page, and one of them goes while they are being read: the others are there once each.
pub async fn parked_streams_are_read_page_by_page(world: World) {
    let (receiver, jars) = (Receiver::default(), (0..25).map(|_| stream()).collect::<Vec<_>>());
    for jar in &jars {
        receiver.set(*jar, Delivery::Refused { reason: "no".into() });
    }
    world.ledger.relay("r", receiver.clone());
    futures_util::future::join_all(jars.iter().map(|jar| world.run(*jar, add(1)))).await;
    until("all are parked", || async { world.ledger.parked().await.unwrap().len() == 25 }).await;
    let first = world.ledger.parked_after(None, 10).await.unwrap();
    world.raw().await.set_bytes("DELETE FROM cursor WHERE hash <> $1 AND stream = $2", &[], first[0].stream).await;
    let (mut read, mut last) = (first.clone(), first.last().cloned());
    while let Some(after) = last {
        let page = world.ledger.parked_after(Some((&after.reader, after.stream)), 10).await.unwrap();
        last = page.last().cloned();
        read.extend(page);
    }
    let read: std::collections::BTreeSet<_> = read.into_iter().map(|one| one.stream).collect();
    assert_eq!(read, jars.into_iter().collect());
}

pub async fn a_poison_entry_is_parked(world: World) {
    let (receiver, poison, well) = (Receiver::default(), stream(), stream());
    receiver.set(poison, Delivery::NotMine);
    world.ledger.relay("r", receiver.clone());
    add_times(&world, poison, 1).await;
    add_times(&world, well, 1).await;
    until("the other arrives", || async { receiver.versions(well) == [1] }).await;
    until("the poison is parked", || async { world.ledger.parked().await.unwrap().len() == 1 }).await;
}

pub async fn it_goes_on_where_it_was_after_a_restart(world: World) {
    let (receiver, jar) = (Receiver::default(), stream());
    world.ledger.relay("r", receiver.clone());
    add_times(&world, jar, 5).await;
    until("delivered", || async { receiver.versions(jar).len() == 5 }).await;
    until("the cursor is saved", || async {
        world.raw().await.number("SELECT coalesce(max(position), 0) FROM cursor").await == 5
    })
    .await;
    // the process dies without letting go of its lease; nothing it delivered is delivered again
    let world = world.restart().await;
    world.raw().await.execute("UPDATE cursor SET lease_until = 0").await;
    add_times(&world, jar, 5).await;
    world.ledger.relay("r", receiver.clone());
    until("the rest arrives", || async { receiver.versions(jar).len() == 10 }).await;
    assert_eq!(receiver.versions(jar), (1..=10).collect::<Vec<u64>>());
    let mut ids: Vec<_> = receiver.got.lock().unwrap().iter().map(|(.., id)| id.clone()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 10);
}

pub async fn who_stops_in_order_says_how_far_it_has_come(world: World) {
    let (receiver, jar) = (Receiver::default(), stream());
    world.ledger.relay("r", receiver.clone());
    add_times(&world, jar, 5).await;
    until("delivered", || async { receiver.versions(jar).len() == 5 }).await;
    // at once: nothing was written down yet
    let world = world.restart().await;
    assert_eq!(world.raw().await.number("SELECT max(position) FROM cursor").await, 5);
    world.ledger.relay("r", receiver.clone());
    add_times(&world, jar, 1).await;
    until("what is new arrives", || async { receiver.versions(jar).contains(&6) }).await;
    assert_eq!(receiver.versions(jar), [1, 2, 3, 4, 5, 6]);
}

pub async fn what_is_in_hand_is_waited_for(world: World) {
    let (jar, other) = (stream(), stream());
    let (first, second) = (world.ledger.in_hand(jar), world.ledger.in_hand(jar));
    world.ledger.out_of_hand(other).await;
    let waits = {
        let ledger = world.ledger.clone();
        tokio::spawn(async move { ledger.out_of_hand(jar).await })
    };
    drop(first);
    tokio::task::yield_now().await;
    assert!(!waits.is_finished());
    drop(second);
    waits.await.unwrap();
    world.ledger.out_of_hand(jar).await;
    assert!(!world.ledger.was_accepted("second.step").await.unwrap());
    world.ledger.execute::<Jar>(jar, Call::system("second.step", ""), add(1)).await.unwrap();
    assert!(world.ledger.was_accepted("second.step").await.unwrap());
    // another caller's request of the same name is another request
    world.ledger.execute::<Jar>(jar, crate::world::call("of.anna"), add(1)).await.unwrap();
    assert!(!world.ledger.was_accepted("of.anna").await.unwrap());
}

pub async fn one_replica_runs_it(world: World) {
    let (one, two, jar, other) = (Receiver::default(), Receiver::default(), stream(), world.replica().await);
    world.ledger.relay("r", one.clone());
    other.ledger.relay("r", two.clone());
    add_times(&world, jar, 30).await;
    let both = || [one.versions(jar).len(), two.versions(jar).len()];
    until("delivered", || async { both().contains(&30) }).await;
    assert!(both().contains(&0), "{:?}", both());
}

pub async fn a_process_that_stops_lets_go_of_its_leases(world: World) {
    let (receiver, jar) = (Receiver::default(), stream());
    world.ledger.relay("r", receiver.clone());
    add_times(&world, jar, 1).await;
    until("delivered", || async { receiver.versions(jar) == [1] }).await;
    world.shutdown.cancel();
    world.ledger.stopped().await;
    assert_eq!(world.raw().await.number("SELECT count(*) FROM cursor WHERE lease_until > 0").await, 0);
}

pub async fn halts(world: &World, reason: &str) {
    until("it has halted", || async { !world.ledger.halted().await.unwrap().is_empty() }).await;
    let halted = world.ledger.halted().await.unwrap().remove(0);
    assert_eq!((halted.reader.as_str(), halted.halted.starts_with(reason)), ("r", true), "{}", halted.halted);
}

pub async fn a_gap_halts_it_for_everybody_to_see(world: World) {
    let (receiver, jar) = (Receiver::default(), stream());
    add_times(&world, jar, 4).await;
    world.raw().await.execute("DELETE FROM entry WHERE position = 3").await;
    world.ledger.relay("r", receiver.clone());
    halts(&world, "FEED_GAP: position 3 ").await;
    assert!(receiver.versions(jar).is_empty(), "nothing of a batch with a gap is told");
}

/// A failover that loses commits takes the cursor back with them: what this process has read tells all the same.
pub async fn a_failover_that_lost_what_was_read_halts_it(world: World) {
    let (receiver, jar, mut raw) = (Receiver::default(), stream(), world.raw().await);
    raw.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'away'; END $$;
         CREATE TRIGGER refuse BEFORE UPDATE OF position ON cursor FOR EACH ROW EXECUTE FUNCTION refuse()",
    )
    .await;
    world.ledger.relay("r", receiver.clone());
    add_times(&world, jar, 1).await;
    // delivered twice: its cursor was not saved, and it has let go of the relay in between
    until("delivered again", || async { receiver.versions(jar).len() >= 2 }).await;
    raw.execute("DELETE FROM entry; UPDATE head SET position = 0; DROP TRIGGER refuse ON cursor").await;
    halts(&world, "FEED_REWOUND").await;
    let world = world.restart().await;
    world.ledger.relay("r", receiver.clone());
    add_times(&world, stream(), 2).await;
    halts(&world, "FEED_REWOUND").await;
    assert!(receiver.versions(jar).iter().all(|version| *version == 1));
}

/// Its lease ran out while it was delivering, and another has the relay now: where that one stands is not touched.
pub async fn a_holder_that_lost_its_lease_writes_no_cursor(world: World) {
    let (receiver, jar, mut raw) = (Receiver::default(), stream(), world.raw().await);
    let gate = receiver.gate.clone().lock_owned().await;
    world.ledger.relay("r", receiver.clone());
    add_times(&world, jar, 1).await;
    until("it is delivering", || async { receiver.meeting.load(Ordering::SeqCst) }).await;
    // a trigger of the statement fires even where no row is touched: it tells that the write was tried
    raw.execute(&format!(
        "UPDATE cursor SET lease_epoch = lease_epoch + 1, lease_until = {};
         CREATE TABLE tried (position bigint);
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO tried VALUES (1); RETURN NULL; END $$;
         CREATE TRIGGER note AFTER UPDATE OF position ON cursor FOR EACH STATEMENT EXECUTE FUNCTION note()",
        i64::MAX
    ))
    .await;
    drop(gate);
    until("the write was tried", || async { world.raw().await.number("SELECT count(*) FROM tried").await > 0 }).await;
    assert_eq!(raw.number("SELECT max(position) FROM cursor").await, 0);
}

pub async fn an_error_of_the_store_does_not_lock_a_relay_out(world: World) {
    let (receiver, jar) = (Receiver::default(), stream());
    let mut raw = world.raw().await;
    raw.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'away'; END $$;
         CREATE TRIGGER refuse BEFORE UPDATE OF position ON cursor FOR EACH ROW EXECUTE FUNCTION refuse()",
    )
    .await;
    world.ledger.relay("r", receiver.clone());
    add_times(&world, jar, 1).await;
    // the cursor cannot be saved: the relay lets go, takes its lease again and delivers again
    until("delivered again", || async { receiver.versions(jar).len() >= 2 }).await;
    raw.execute("DROP TRIGGER refuse ON cursor").await;
    until("saved", || async { world.raw().await.number("SELECT max(position) FROM cursor").await == 1 }).await;
}
