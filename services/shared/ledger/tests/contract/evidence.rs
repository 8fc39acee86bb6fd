//! Evidence: what was changed behind the ledger's back is found, and what is derived can be made anew.

use std::time::Duration;

use yiwang_ledger::{ArchiveError, Audiences, Ending, Erasure, Personal, Timestamp};
use yiwang_standards::sm;

use crate::world::{Jar, JarEvent, World, add, event, label, stream, until};

async fn some_history(world: &World) {
    for n in 0..10 {
        let (jar, subject) = (stream(), world.ledger.vault().lookup("111", &n.to_string()));
        let name = Some(Personal::new(&subject, "name", format!("name {n}")));
        world.run(jar, event(JarEvent::Opened { owner: Some(subject), name })).await.unwrap();
        world.run(jar, label(&format!("label {n}"))).await.unwrap();
        world.run(jar, add(n)).await.unwrap();
    }
}

async fn problems(world: &World) -> Vec<String> {
    world.ledger.verify().await.unwrap().problems
}

pub async fn a_store_that_is_not_there_is_not_made_by_looking(world: World) {
    some_history(&world).await;
    let elsewhere = world.look_elsewhere().await.err().unwrap().to_string();
    assert!(elsewhere.starts_with("NOT_MIGRATED"), "{elsewhere}");
    assert!(world.look_elsewhere().await.is_err(), "looking made it");
    let (ledger, _dir) = world.look_again().await;
    assert_eq!(ledger.verify().await.unwrap().entries, 30);
}

pub async fn every_chain_verifies(world: World) {
    some_history(&world).await;
    let report = world.ledger.verify().await.unwrap();
    assert_eq!((report.entries, report.streams, report.problems), (30, 10, vec![]));
}

pub async fn a_changed_body_is_found(world: World) {
    some_history(&world).await;
    let change = if world.is_postgres() {
        "convert_to('{\"Added\":{\"amount\":9999}}', 'UTF8')"
    } else {
        "CAST('{\"Added\":{\"amount\":9999}}' AS BLOB)"
    };
    world.raw().await.execute(&format!("UPDATE entry SET body = {change} WHERE position = 6")).await;
    assert_eq!(problems(&world).await, ["position 6: its hash is not that of its content"]);
}

pub async fn a_removed_entry_is_found(world: World) {
    some_history(&world).await;
    world.raw().await.execute("DELETE FROM entry WHERE position IN (7, 12, 22, 23)").await;
    let report = world.ledger.verify().await.unwrap();
    // whatever is there is walked all the same, so that one who looks learns all that is wrong and nothing that is not
    assert_eq!((report.entries, report.streams), (26, 10));
    let fourth = world.ledger.feed(10, 1).await.unwrap().remove(0).stream;
    let found = [
        "position 7 is missing".to_owned(),
        "position 8: version 2 after 0".to_owned(),
        "position 8: does not follow its stream's entry before it".to_owned(),
        "position 12 is missing".to_owned(),
        "positions 22 to 23 are missing".to_owned(),
        "position 24: version 3 after 0".to_owned(),
        "position 24: does not follow its stream's entry before it".to_owned(),
        format!("record {fourth} at 3 does not match its entries at 2"),
    ];
    assert_eq!(report.problems, found);
}

pub async fn a_cut_off_tail_is_found(world: World) {
    some_history(&world).await;
    world.raw().await.execute("DELETE FROM entry WHERE position > 28").await;
    let problems = problems(&world).await;
    assert!(problems.iter().any(|problem| problem.contains("the head stands at 30")), "{problems:?}");
}

pub async fn a_forged_record_is_found(world: World) {
    some_history(&world).await;
    let jar = world.ledger.feed(0, 1).await.unwrap()[0].stream;
    world.raw().await.set_bytes("UPDATE record SET tip = $1 WHERE stream = $2", &[3; 32], jar).await;
    assert_eq!(problems(&world).await.len(), 1);
}

pub async fn a_record_put_back_to_an_earlier_version_is_found(world: World) {
    some_history(&world).await;
    let first = world.ledger.feed(0, 1).await.unwrap().remove(0);
    let back = "UPDATE record SET version = 1, state_version = 1, tip = $1 WHERE stream = $2";
    world.raw().await.set_bytes(back, &first.hash.0, first.stream).await;
    assert!(problems(&world).await[0].contains("at 1 does not match its entries at 3"));
}

/// A forged row, of whatever kind, shows beside what the entries say, and is mended from there.
pub async fn what_is_forged_in_derived_rows_shows_and_is_mended(world: World) {
    some_history(&world).await;
    let before = derived(&world).await;
    let of_record = ["region", "organisation", "item", "owner", "status"].map(|column| format!("{column} = 'x'"));
    let numbers = ["schema", "due_at", "created_at", "updated_at"].map(|column| format!("{column} = 7"));
    let state = if world.is_postgres() {
        "convert_to(replace(convert_from(state, 'UTF8'), '\"total\":', '\"total\":7'), 'UTF8')"
    } else {
        "CAST(replace(CAST(state AS TEXT), '\"total\":', '\"total\":7') AS BLOB)"
    };
    let of_record = of_record.into_iter().chain(numbers).chain([format!("state = {state}")]);
    let others = [
        "UPDATE tag SET value = value || 'x'",
        "DELETE FROM tag",
        "DELETE FROM unique_key",
        "UPDATE unique_key SET key = key || 'x'",
    ];
    let forgeries = of_record.map(|column| format!("UPDATE record SET {column}")).chain(others.map(str::to_owned));
    for forgery in forgeries {
        world.raw().await.execute(&forgery).await;
        assert_ne!(derived(&world).await, before, "{forgery}");
        world.ledger.rebuild::<Jar>().await.unwrap();
        assert_eq!(derived(&world).await, before, "{forgery}");
    }
}

/// Another session keeps the rebuild in the middle of it, and somebody writes meanwhile.
pub async fn whoever_writes_waits_for_a_rebuild(world: World) {
    some_history(&world).await;
    let jar = world.ledger.feed(0, 1).await.unwrap()[0].stream;
    let mut holder = world.raw().await;
    holder.execute("BEGIN").await;
    holder.execute("LOCK TABLE tag IN ACCESS EXCLUSIVE MODE").await;
    let waiting = "SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
                   WHERE NOT l.granted AND c.relname = 'tag' AND c.relnamespace = current_schema()::regnamespace";
    let ledger = world.ledger.clone();
    let rebuild = tokio::spawn(async move { ledger.rebuild::<Jar>().await });
    until("the rebuild is under way", || async { world.raw().await.number(waiting).await == 1 }).await;
    let head = "SELECT count(*) FROM (SELECT 1 FROM head FOR UPDATE SKIP LOCKED) free";
    assert_eq!(world.raw().await.number(head).await, 0, "nobody commits meanwhile");
    holder.release().await;
    assert_eq!(rebuild.await.unwrap().unwrap(), 10);
    world.run(jar, add(1)).await.unwrap();
    assert_eq!(problems(&world).await, Vec::<String>::new());
}

/// A trigger stops the rebuild in the middle of it: everything stands as it stood.
pub async fn a_rebuild_that_is_cut_off_changes_nothing(world: World) {
    some_history(&world).await;
    let before = derived(&world).await;
    world.raw().await.execute(if world.is_postgres() {
        "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF (SELECT count(*) FROM record) > 4 THEN RAISE EXCEPTION 'cut'; END IF; RETURN NEW; END $$;
         CREATE TRIGGER cut BEFORE INSERT ON record FOR EACH ROW EXECUTE FUNCTION cut()"
    } else {
        "CREATE TRIGGER cut BEFORE INSERT ON record WHEN (SELECT count(*) FROM record) > 4 BEGIN SELECT RAISE(ABORT, 'cut'); END"
    })
    .await;
    assert_eq!(world.ledger.rebuild::<Jar>().await.unwrap_err().reason, "STORE_UNAVAILABLE");
    assert_eq!(derived(&world).await, before);
}

pub async fn what_is_derived_can_be_computed_from_entries_alone(world: World) {
    some_history(&world).await;
    let subject = world.ledger.vault().lookup("111", "3");
    world.ledger.erase_subject(crate::world::fresh_call(), &subject, "art. 47", "").await.unwrap();
    let before = derived(&world).await;
    let all =
        "SELECT (SELECT count(*) FROM record) * 2 + (SELECT count(*) FROM tag) + (SELECT count(*) FROM unique_key)";
    assert_eq!(before.len() as i64, world.raw().await.number(all).await, "a line each, and one more for a state");
    assert_eq!(world.ledger.rebuild::<Jar>().await.unwrap(), 10);
    assert_eq!(world.ledger.rebuild::<Erasure>().await.unwrap(), 1);
    assert_eq!(derived(&world).await, before);
    let world = world.restart().await;
    let page = world.ledger.list::<Jar>(&yiwang_ledger::ListQuery::default(), &Audiences::all()).await.unwrap();
    assert_eq!(page.items.iter().map(|read| read.state.total).sum::<i64>(), 45);
    assert_eq!(page.items.iter().filter(|read| read.state.name.as_ref().unwrap().is_erased()).count(), 1);
}

/// Every derived row of every kind that is there.
async fn derived(world: &World) -> Vec<String> {
    let mut rows = world.ledger.derived::<Jar>().await.unwrap();
    rows.extend(world.ledger.derived::<Erasure>().await.unwrap());
    rows
}

const YEARS: Duration = Duration::from_secs(3 * 365 * 24 * 3600);

async fn archive(world: &World, file: &std::path::Path) -> Result<u64, ArchiveError> {
    world
        .ledger
        .archive(&[Ending::of::<Jar>()], Timestamp(world.ledger.host().now().0 - YEARS.as_micros() as i64 / 2), file)
        .await
}

/// What has long been at rest leaves for a file: chains are walked as before, reads and commands go on, and it comes back.
pub async fn an_archived_body_breaks_no_chain_and_comes_back(world: World) {
    let ((old, live), dir) = ((stream(), stream()), tempfile::tempdir().unwrap());
    let file = dir.path().join("jars.jsonl");
    for jar in [old, live, old] {
        world.run(jar, add(1)).await.unwrap();
    }
    assert!(matches!(
        world.ledger.archive(&[Ending::of::<Jar>()], world.ledger.host().now(), &file).await,
        Err(ArchiveError::TooRecent)
    ));
    world.advance(YEARS);
    world.run(live, add(1)).await.unwrap();
    assert_eq!(archive(&world, &file).await.unwrap(), 2);
    let left = world.ledger.history(old, 0, 10).await.unwrap();
    assert!(left.iter().all(|entry| entry.body.is_empty() && entry.archived.is_some()));
    assert!(world.ledger.history(live, 0, 10).await.unwrap().iter().all(|entry| entry.archived.is_none()));
    assert!(world.ledger.verify().await.unwrap().problems.is_empty());
    assert_eq!(world.ledger.verify().await.unwrap().archived, 2);
    let world = world.restart().await;
    assert_eq!(world.jar(old).await.total, 2);
    let closed = world.run(old, add(1)).await.unwrap_err();
    assert_eq!(closed.reason, "STREAM_ARCHIVED", "it is closed until it is brought back");
    assert_eq!(world.ledger.rebuild::<Jar>().await.unwrap_err().reason, "STREAM_ARCHIVED");
    assert_eq!(world.jar(old).await.total, 2, "a rebuild that stops changes nothing");
    assert_eq!(world.ledger.bring_back(&file).await.unwrap(), 2);
    assert_eq!(world.ledger.bring_back(&file).await.unwrap(), 0);
    assert_eq!(archive(&world, &file).await.unwrap(), 2, "a file that is there is finished");
    assert_eq!(world.ledger.bring_back(&file).await.unwrap(), 2);
    assert_eq!(world.ledger.rebuild::<Jar>().await.unwrap(), 2);
    assert_eq!(world.run(old, add(1)).await.unwrap().state.total, 3);
    assert!(world.ledger.verify().await.unwrap().problems.is_empty());
}

/// What is due stays, and so does what is of an older shape, or cannot be folded.
pub async fn what_is_due_or_of_another_shape_is_not_archived(world: World) {
    let ((told, older, due, odd), dir) = ((stream(), stream(), stream(), stream()), tempfile::tempdir().unwrap());
    for jar in [told, older, older, odd] {
        world.run(jar, add(1)).await.unwrap();
    }
    world.run(due, event(JarEvent::Due { at: Some(Timestamp(i64::MAX - 1)) })).await.unwrap();
    let mut raw = world.raw().await;
    raw.set_bytes("UPDATE record SET schema = 99, state = $1 WHERE stream = $2", b"old shape", older).await;
    raw.set_bytes("UPDATE entry SET body = $1 WHERE stream = $2", br#"{"Smashed":{}}"#, odd).await;
    world.advance(YEARS);
    assert_eq!(archive(&world, &dir.path().join("jars.jsonl")).await.unwrap(), 1);
    for (jar, is_archived) in [(told, true), (older, false), (due, false), (odd, false)] {
        let left = world.ledger.history(jar, 0, 10).await.unwrap();
        assert!(left.iter().all(|entry| entry.archived.is_some() == is_archived), "{left:?}");
    }
}

/// The state of a stream with one entry is stored before that leaves, also where the file was there before a rebuild.
pub async fn what_only_an_entry_tells_is_stored_before_it_leaves(world: World) {
    let (jar, dir) = (stream(), tempfile::tempdir().unwrap());
    let file = dir.path().join("jars.jsonl");
    world.run(jar, add(3)).await.unwrap();
    world.advance(YEARS);
    for _again in 0..2 {
        assert_eq!(archive(&world, &file).await.unwrap(), 1);
        assert_eq!(world.ledger.rebuild::<Jar>().await.unwrap_err().reason, "STREAM_ARCHIVED");
        assert_eq!(world.jar(jar).await.total, 3);
        assert_eq!(world.ledger.bring_back(&file).await.unwrap(), 1);
        world.ledger.rebuild::<Jar>().await.unwrap();
    }
}

/// What was brought back and acted on is no matter of that file any more.
pub async fn a_finished_file_takes_nothing_from_a_stream_that_went_on(world: World) {
    let (jar, dir) = (stream(), tempfile::tempdir().unwrap());
    let file = dir.path().join("jars.jsonl");
    world.run(jar, add(1)).await.unwrap();
    world.advance(YEARS);
    let before = Timestamp(world.ledger.host().now().0 - YEARS.as_micros() as i64 / 2);
    let again = async || world.ledger.archive(&[Ending::of::<Jar>()], before, &file).await.unwrap();
    assert_eq!(again().await, 1);
    world.ledger.bring_back(&file).await.unwrap();
    world.run(jar, add(1)).await.unwrap();
    assert_eq!(again().await, 0);
    assert!(world.ledger.history(jar, 0, 10).await.unwrap().iter().all(|entry| entry.archived.is_none()));
}

/// A file that is not what was written is refused whole, and what was archived is seen by the chain if it is changed.
pub async fn a_damaged_archive_is_refused(world: World) {
    let (jar, dir) = (stream(), tempfile::tempdir().unwrap());
    let file = dir.path().join("jars.jsonl");
    world.run(jar, add(1)).await.unwrap();
    world.run(jar, add(2)).await.unwrap();
    world.advance(YEARS);
    assert_eq!(archive(&world, &file).await.unwrap(), 2);
    let whole = std::fs::read_to_string(&file).unwrap();
    let shorter: String = whole.lines().take(3).map(|line| format!("{line}\n")).collect();
    // whoever can make the last line anew still cannot make the entries' own hashes
    let lines = shorter.replace("\\\"amount\\\":2", "\\\"amount\\\":3");
    let resealed = format!("{lines}{{\"entries\":2,\"sm3\":\"{}\"}}\n", sm::to_hex(&sm::sm3(lines.as_bytes())));
    let fewer = whole.replace("\"entries\":2", "\"entries\":1");
    for damaged in [whole.replace(":2}", ":3}"), shorter, fewer, resealed] {
        assert_ne!(damaged, whole);
        std::fs::write(&file, damaged).unwrap();
        assert!(matches!(world.ledger.bring_back(&file).await, Err(ArchiveError::Damaged(..))));
    }
    assert!(world.ledger.history(jar, 0, 10).await.unwrap().iter().all(|entry| entry.archived.is_some()));
    let forged = [&[0][..], &[7; 32]].concat();
    world.raw().await.set_bytes("UPDATE entry SET body = $1 WHERE stream = $2", &forged, jar).await;
    assert_eq!(world.ledger.verify().await.unwrap().problems.len(), 2);
}
