//! Personal data: sealed in the store, gone when the key is gone.

use yiwang_ledger::{AccessLog, Audiences, Call, Context, Decision, Personal, Secrets, StreamId, SubjectId};

use crate::world::{Jar, JarEvent, SECRETS, World, add, fresh_call, stream, until};

const NUMBER: &str = "11010519491231002X";

fn open(subject: &SubjectId) -> impl Fn(&Jar, &Context) -> Decision<JarEvent> + Send + Sync + Clone + 'static {
    let (owner, name) = (Some(subject.clone()), Some(Personal::new(subject, "name", NUMBER)));
    move |_, _| Ok(vec![JarEvent::Opened { owner: owner.clone(), name: name.clone() }])
}

async fn opened(world: &World) -> (StreamId, SubjectId) {
    let (jar, subject) = (stream(), world.ledger.vault().lookup("111", NUMBER));
    world.run(jar, open(&subject)).await.unwrap();
    (jar, subject)
}

fn name(jar: &Jar) -> Option<&str> {
    jar.name.as_ref().unwrap().get()
}

async fn erase(world: &World, subject: &SubjectId) {
    world.ledger.erase_subject(fresh_call(), subject, "个人信息保护法 art. 47", "").await.unwrap();
}

pub async fn it_is_sealed_in_the_store(world: World) {
    let (jar, _) = opened(&world).await;
    assert_eq!(name(&world.jar(jar).await), Some(NUMBER));
    let bodies = if world.is_postgres() { "convert_from(body, 'UTF8')" } else { "CAST(body AS TEXT)" };
    let states = bodies.replace("body", "state");
    let text = world
        .raw()
        .await
        .rows(&format!("SELECT {bodies} FROM entry UNION ALL SELECT {states} FROM record"))
        .await
        .join("\n");
    assert!(text.contains("sealed") && !text.contains(NUMBER), "{text}");
}

pub async fn it_reads_as_erased_once_the_key_is_gone(world: World) {
    let (jar, subject) = opened(&world).await;
    erase(&world, &subject).await;
    assert_eq!(name(&world.jar(jar).await), None);
    // what is left is nobody's: by it a store shows that the deployment's keys fit
    assert_eq!(world.raw().await.number("SELECT count(*) FROM secret").await, 1);
    assert_eq!(world.run(jar, add(1)).await.unwrap().state.total, 1);
    let world = world.restart().await;
    assert_eq!(name(&world.jar(jar).await), None);
}

/// Neither in a free page nor in the log.
pub async fn the_key_of_the_erased_is_in_no_file(world: World) {
    let (_, subject) = opened(&world).await;
    let mut raw = world.raw().await;
    let wrapped = raw.rows(&format!("SELECT lower(hex(wrapped)) FROM secret WHERE subject = '{subject}'")).await;
    let wrapped = yiwang_standards::sm::from_hex(&wrapped[0]).unwrap();
    raw.execute("PRAGMA wal_checkpoint(PASSIVE)").await;
    // another's key on the same page: the log holds it once more, as the file does
    world.run(stream(), open(&world.ledger.vault().lookup("111", "another"))).await.unwrap();
    assert!(world.files_hold(&wrapped));
    erase(&world, &subject).await;
    until("it is gone from the files", || async { !world.files_hold(&wrapped) }).await;
}

/// The actor still had the value in memory when the key was deleted: it must not be sealed under a new one.
pub async fn an_erased_value_is_not_sealed_again(world: World) {
    let (jar, subject) = opened(&world).await;
    erase(&world, &subject).await;
    world.run(stream(), open(&subject)).await.unwrap();
    world.run(jar, add(1)).await.unwrap();
    assert_eq!(name(&world.jar(jar).await), None);
}

pub async fn an_erased_person_may_come_back(world: World) {
    let (before, subject) = opened(&world).await;
    erase(&world, &subject).await;
    let (after, again) = opened(&world).await;
    assert_eq!(subject, again);
    assert_eq!((name(&world.jar(before).await), name(&world.jar(after).await)), (None, Some(NUMBER)));
    erase(&world, &subject).await;
    assert_eq!(name(&world.jar(after).await), None);
}

pub async fn erasure_breaks_no_chain(world: World) {
    let (_, subject) = opened(&world).await;
    erase(&world, &subject).await;
    let report = world.ledger.verify().await.unwrap();
    assert_eq!((report.entries, report.problems), (2, vec![]));
}

pub async fn a_sealed_value_does_not_open_elsewhere(world: World) {
    let (from, subject) = opened(&world).await;
    let to = stream();
    world.run(to, open(&subject)).await.unwrap();
    let body = world.ledger.history(from, 0, 1).await.unwrap().remove(0).body;
    let mut raw = world.raw().await;
    raw.set_bytes("UPDATE entry SET body = $1 WHERE stream = $2", &body, to).await;
    raw.execute("UPDATE record SET schema = 0").await;
    let refusal = world.ledger.get::<Jar>(to, &Audiences::all()).await.unwrap_err();
    assert_eq!(refusal.reason, "STREAM_UNREADABLE");
}

/// A state repeats what earlier events brought: it is sealed for the version of each, and opens for whoever starts anew.
pub async fn what_stays_is_sealed_for_every_version(world: World) {
    let (jar, _) = opened(&world).await;
    world.run(jar, add(1)).await.unwrap();
    let world = world.restart().await;
    assert_eq!(name(&world.jar(jar).await), Some(NUMBER));
}

pub async fn it_cannot_leave_by_accident(world: World) {
    let value = Personal::new(&world.ledger.vault().lookup("111", NUMBER), "name", NUMBER);
    assert!(serde_json::to_string(&value).is_err());
    assert!(!format!("{value:?}").contains(NUMBER));
}

pub async fn sealed_bytes_open_for_their_place_only(world: World) {
    let (vault, subject) = (world.ledger.vault(), world.ledger.vault().lookup("111", NUMBER));
    let sealed = vault.seal_bytes(&subject, b"file 1, chunk 1", b"a scan").await.unwrap();
    assert_eq!(
        vault.open_bytes(&subject, b"file 1, chunk 1", &sealed).await.unwrap().as_deref(),
        Some(b"a scan".as_slice())
    );
    assert_eq!(
        vault.open_bytes(&subject, b"file 1, chunk 2", &sealed).await.unwrap_err().reason,
        "SEALED_DATA_DAMAGED"
    );
    erase(&world, &subject).await;
    assert_eq!(vault.open_bytes(&subject, b"file 1, chunk 1", &sealed).await.unwrap(), None);
}

pub async fn a_reading_leaves_an_entry(world: World) {
    let (jar, _) = opened(&world).await;
    let call = Call { actor: "staff:clerk".into(), ..fresh_call() };
    world.ledger.record_read(call, jar, "GetJar").await.unwrap();
    let entry = world.ledger.feed(1, 10).await.unwrap().remove(0);
    assert_eq!(
        (entry.aggregate.as_str(), entry.kind.as_str(), entry.actor.as_str()),
        ("access", "Read", "staff:clerk")
    );
    let log = StreamId::named("access", &jar.to_string());
    assert_eq!(world.ledger.get::<AccessLog>(log, &Audiences::all()).await.unwrap().unwrap().state.readings, 1);
}

pub async fn two_processes_agree_on_a_subjects_key(world: World) {
    let other = world.replica().await;
    for n in 0..20 {
        let subject = world.ledger.vault().lookup("111", &format!("{n}"));
        let (one, two) = (stream(), stream());
        let (a, b) = tokio::join!(world.run(one, open(&subject)), other.run(two, open(&subject)));
        assert!(a.is_ok() && b.is_ok());
        assert_eq!((name(&other.jar(one).await), name(&world.jar(two).await)), (Some(NUMBER), Some(NUMBER)));
    }
}

pub async fn a_store_of_another_wrapping_key_is_refused(world: World) {
    let other = Secrets { wrapping_key: [9; 16], ..SECRETS };
    let refused = world.try_restart_with(other).await.err().unwrap();
    assert!(refused.to_string().starts_with("WRONG_KEY: the wrapping key"), "{refused}");
}

/// A new wrapping key, with the old one beside it for one start: what is sealed does not move, and the old key is done with.
pub async fn a_new_wrapping_key_wraps_anew_and_seals_nothing_anew(world: World) {
    let (jar, erased) = (opened(&world).await.0, world.ledger.vault().lookup("111", "erased"));
    world.run(stream(), open(&erased)).await.unwrap();
    erase(&world, &erased).await;
    let body = world.ledger.history(jar, 0, 1).await.unwrap().remove(0).body;
    let (new, old) = ([9; 16], SECRETS.wrapping_key);
    let both = Secrets { wrapping_key: new, previous_wrapping_key: Some(old), ..SECRETS };
    let world = world.try_restart_with(both).await.unwrap();
    assert_eq!(name(&world.jar(jar).await), Some(NUMBER));
    let world = world.try_restart_with(Secrets { wrapping_key: new, ..SECRETS }).await.unwrap();
    assert_eq!(name(&world.jar(jar).await), Some(NUMBER));
    assert_eq!(world.ledger.history(jar, 0, 1).await.unwrap().remove(0).body, body);
    assert_eq!(world.raw().await.number("SELECT count(*) FROM secret").await, 2, "nobody's, and one person's");
    let refused = world.try_restart_with(SECRETS).await.err().unwrap();
    assert!(refused.to_string().starts_with("WRONG_KEY"), "{refused}");
}

/// While replicas are exchanged one by one, each opens what the other wraps.
pub async fn replicas_change_their_wrapping_key_one_by_one(world: World) {
    let (new, old) = ([9; 16], SECRETS.wrapping_key);
    let before = Secrets { previous_wrapping_key: Some(new), ..SECRETS };
    let after = Secrets { wrapping_key: new, previous_wrapping_key: Some(old), ..SECRETS };
    let (one, _) = opened(&world).await;
    let before = world.try_restart_with(before).await.unwrap();
    let (after, also) = tokio::join!(before.try_replica_with(after.clone()), before.try_replica_with(after));
    let (after, also) = (after.unwrap(), also.unwrap());
    let two = stream();
    after.run(two, open(&after.ledger.vault().lookup("111", "two"))).await.unwrap();
    for world in [&before, &after, &also] {
        assert_eq!((name(&world.jar(one).await), name(&world.jar(two).await)), (Some(NUMBER), Some(NUMBER)));
    }
}

pub async fn a_store_of_another_look_up_key_is_refused(world: World) {
    let other = Secrets { lookup_key: [9; 32], ..SECRETS };
    let refused = world.try_restart_with(other).await.err().unwrap();
    assert!(refused.to_string().starts_with("WRONG_KEY: the look-up key"), "{refused}");
}
