//! After a restore: who notices, and that whoever goes on has lost nothing and told nothing that is not so.

use std::time::Duration;

use yiwang_ledger::{Backup, Call, Delivery, Hash, Refusal, Resume, Resumed, Resumption, StreamId, Timestamp};

use crate::relay::{Receiver, add_times, halts};
use crate::world::{World, stream, until};

/// What an operator asks who has looked: of the relay where it stands now.
async fn looked_at(world: &World) -> Resume {
    let stands = world.ledger.relays().await.unwrap().remove(0);
    Resume {
        reader: "r".into(),
        epoch: world.ledger.head().await.unwrap().epoch,
        at: (stands.position, stands.hash),
        since: None,
        reason: "restored".into(),
    }
}

async fn resume(world: &World, id: &str, ask: Resume) -> Result<Resumed, Refusal> {
    world.ledger.resume_relay(Call::system(id, ""), ask).await
}

async fn relays_saved_at(world: &World, position: i64) {
    until("the cursor is saved", || async {
        world.raw().await.number("SELECT coalesce(max(position), 0) FROM cursor").await == position
    })
    .await;
}

/// A relay that has delivered so many entries of one stream, and says so.
async fn delivered(world: &World, times: usize) -> (Receiver, StreamId) {
    let (receiver, jar) = (Receiver::default(), stream());
    world.ledger.relay("r", receiver.clone());
    add_times(world, jar, times).await;
    relays_saved_at(world, times as i64).await;
    (receiver, jar)
}

/// Takes the store back to where it stood at a position, cursors included, as a restore does.
async fn rewind(world: &World, position: i64) {
    let mut raw = world.raw().await;
    let hash = format!("(SELECT hash FROM entry WHERE position = {position})");
    raw.execute(&format!(
        "UPDATE cursor SET position = {position}, hash = {hash}; DELETE FROM entry WHERE position > {position};
         UPDATE record SET version = {position}, state_version = 0, state = substr(state, 1, 0), tip = {hash};
         DELETE FROM request WHERE version > {position}; UPDATE head SET position = {position}"
    ))
    .await;
}

pub async fn a_rewound_ledger_halts_a_relay_until_an_operator_has_it_go_on(world: World) {
    let (receiver, jar) = delivered(&world, 2).await;
    world.raw().await.execute("UPDATE head SET epoch = 2").await;
    halts(&world, "FEED_REWOUND").await;
    add_times(&world, jar, 1).await;
    let world = world.restart().await;
    world.ledger.relay("r", receiver.clone());
    halts(&world, "FEED_REWOUND").await;
    let resumed = resume(&world, "go-on", looked_at(&world).await).await.unwrap();
    until("it goes on", || async { receiver.versions(jar) == [1, 2, 3] }).await;
    assert_eq!((resumed.position, resumed.again, world.ledger.halted().await.unwrap().len()), (2, 1, 0));
    assert_eq!(resume(&world, "go-on", looked_at(&world).await).await.unwrap(), resumed, "the same call again");
}

/// Its cursor and its lease came back with the store, so that only the relay itself knows what it has read.
pub async fn a_store_restored_beneath_a_running_relay_halts_it(world: World) {
    let (receiver, jar) = delivered(&world, 4).await;
    let lost = format!("UPDATE cursor SET lease_epoch = lease_epoch + 1, lease_until = {}", i64::MAX);
    world.raw().await.execute(&lost).await;
    add_times(&world, jar, 1).await;
    until("the fifth is read", || async { receiver.versions(jar).len() == 5 }).await;
    rewind(&world, 3).await;
    world.raw().await.execute("UPDATE cursor SET lease_until = 0").await;
    halts(&world, "FEED_REWOUND").await;
    let after = stream();
    add_times(&world, after, 3).await;
    let resumed = resume(&world, "go-on", looked_at(&world).await).await.unwrap();
    until("it goes on", || async { receiver.versions(after) == [1, 2, 3] }).await;
    assert_eq!((resumed.position, receiver.versions(jar)), (3, vec![1, 2, 3, 4, 5]));
    let acts = world.ledger.feed(0, 100).await.unwrap();
    assert_eq!(acts.iter().filter(|entry| entry.is::<Resumption>()).count(), 1);
}

pub async fn a_relay_that_is_well_is_not_resumed(world: World) {
    delivered(&world, 1).await;
    assert_eq!(resume(&world, "go-on", looked_at(&world).await).await.unwrap_err().reason, "RELAY_NOT_HALTED");
}

pub async fn what_the_operator_saw_must_still_be_so(world: World) {
    delivered(&world, 3).await;
    rewind(&world, 2).await;
    halts(&world, "FEED_REWOUND").await;
    let seen = looked_at(&world).await;
    for other in [
        Resume { epoch: 7, ..seen.clone() },
        Resume { at: (1, seen.at.1), ..seen.clone() },
        Resume { at: (2, Hash::ZERO), ..seen.clone() },
    ] {
        assert_eq!(resume(&world, "go-on", other).await.unwrap_err().reason, "RELAY_MOVED");
    }
    assert_eq!(world.ledger.halted().await.unwrap().len(), 1);
}

pub async fn nobody_resumes_a_relay_that_is_not_there(world: World) {
    delivered(&world, 1).await;
    let other = Resume { reader: "other".into(), ..looked_at(&world).await };
    assert_eq!(resume(&world, "go-on", other).await.unwrap_err().reason, "RELAY_NOT_FOUND");
}

/// Its receiver was restored, and has forgotten what it was told since.
pub async fn a_relay_delivers_again_since_a_time(world: World) {
    let (receiver, jar) = delivered(&world, 2).await;
    world.advance(Duration::from_secs(60));
    let since = Some(Timestamp(world.host.now.load(std::sync::atomic::Ordering::SeqCst)));
    add_times(&world, jar, 2).await;
    relays_saved_at(&world, 4).await;
    let resumed = resume(&world, "again", Resume { since, ..looked_at(&world).await }).await.unwrap();
    until("they are delivered again", || async { receiver.versions(jar) == [1, 2, 3, 4, 3, 4] }).await;
    let ids: std::collections::BTreeSet<_> = receiver.got.lock().unwrap().iter().map(|(.., id)| id.clone()).collect();
    assert_eq!((resumed.position, resumed.again, ids.len()), (2, 2, 4), "by the request ids of the first time");
}

/// The receiver was taken back to before the entry that a stream waits at: all its entries come again, in order.
pub async fn a_stream_that_waits_further_on_is_come_to_again(world: World) {
    let (receiver, jar) = delivered(&world, 2).await;
    receiver.set(jar, Delivery::Refused { reason: "no".into() });
    add_times(&world, jar, 1).await;
    until("it waits", || async { world.ledger.parked().await.unwrap().len() == 1 }).await;
    relays_saved_at(&world, 3).await;
    receiver.set(jar, Delivery::Done);
    resume(&world, "again", Resume { since: Some(Timestamp(0)), ..looked_at(&world).await }).await.unwrap();
    until("all come again", || async { receiver.versions(jar) == [1, 2, 1, 2, 3] }).await;
    assert!(world.ledger.parked().await.unwrap().is_empty());
}

pub async fn a_restored_ledger_begins_an_epoch(world: World) {
    let (receiver, jar) = delivered(&world, 2).await;
    let (ledger, _dir) = world.look_again().await;
    let head = ledger.restored(Call::system("restored", ""), "a disk was lost").await.unwrap();
    assert_eq!((head.epoch, head.position), (2, 3));
    ledger.relay("r", receiver.clone());
    until("it has halted", || async { !ledger.halted().await.unwrap().is_empty() }).await;
    let stands = ledger.halted().await.unwrap().remove(0);
    let at = (stands.position, stands.hash);
    let ask = Resume { reader: "r".into(), epoch: 2, at, since: None, reason: "looked".into() };
    assert_eq!(ledger.resume_relay(Call::system("go-on", ""), ask).await.unwrap().position, 2);
    until("it goes on", || async { ledger.vitals().await.unwrap().relays[0].lag_entries == 0 }).await;
    assert_eq!(receiver.versions(jar), [1, 2]);
}

/// One stream waited when the ledger was looked at and was delivered before it was copied; the receiver's copy may lack both.
pub async fn a_copy_has_one_moment_and_tells_again_what_came_after_the_look(world: World) {
    let (receiver, jar) = delivered(&world, 2).await;
    receiver.set(jar, Delivery::Refused { reason: "no".into() });
    add_times(&world, jar, 1).await;
    until("it waits", || async { world.ledger.parked().await.unwrap().len() == 1 }).await;
    let looked = Backup::begin(world.folder(), "test").await.unwrap();
    receiver.set(jar, Delivery::Done);
    world.ledger.retry_parked(Call::system("retry", ""), "r", jar).await.unwrap();
    add_times(&world, jar, 2).await;
    until("all is told", || async { receiver.versions(jar) == [1, 2, 3, 4, 5] }).await;
    let into = tempfile::tempdir().unwrap();
    let head = looked.copy(into.path()).await.unwrap();
    let (copy, again) = (World::in_folder(into.path()).await, Receiver::default());
    assert_eq!((head.position, head.epoch, copy.ledger.verify().await.unwrap().problems), (6, 2, vec![]));
    copy.ledger.relay("r", again.clone());
    until("it is told again", || async { again.versions(jar) == [3, 4, 5] }).await;
}
