//! Evidence: what was changed behind the ledger's back is found, and what is derived can be made anew.

use yiwang_ledger::{Audiences, Erasure, Personal};

use crate::world::{Jar, JarEvent, World, add, event, label, stream};

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
    world.raw().await.execute("DELETE FROM entry WHERE position = 12").await;
    assert!(problems(&world).await[0].starts_with("FEED_GAP"));
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

pub async fn what_is_derived_can_be_computed_from_entries_alone(world: World) {
    some_history(&world).await;
    let subject = world.ledger.vault().lookup("111", "3");
    world.ledger.erase_subject(crate::world::fresh_call(), &subject, "art. 47", "").await.unwrap();
    let before = derived(&world).await;
    assert!(before.len() > 50);
    assert_eq!(world.ledger.rebuild::<Jar>().await.unwrap(), 10);
    assert_eq!(world.ledger.rebuild::<Erasure>().await.unwrap(), 1);
    assert_eq!(derived(&world).await, before);
    let world = world.restart().await;
    let page = world.ledger.list::<Jar>(&yiwang_ledger::ListQuery::default(), &Audiences::all()).await.unwrap();
    assert_eq!(page.items.iter().map(|read| read.state.total).sum::<i64>(), 45);
    assert_eq!(page.items.iter().filter(|read| read.state.name.as_ref().unwrap().is_erased()).count(), 1);
}

/// Every derived row as text, but for the sealed bytes of the state.
async fn derived(world: &World) -> Vec<String> {
    let hex = if world.is_postgres() {
        ("encode(tip, 'hex')", "stream::text")
    } else {
        ("lower(hex(tip))", "lower(hex(stream))")
    };
    let sql = format!(
        "SELECT {1} || '|' || version || '|' || {0} || '|' || kind || '|' || owner || '|' || status || '|' || due_at || '|' || created_at || '|' || updated_at FROM record
         UNION ALL SELECT {1} || '|' || scope || '|' || key FROM unique_key
         UNION ALL SELECT {1} || '|' || kind || '|' || name || '|' || value || '|' || sort FROM tag ORDER BY 1",
        hex.0, hex.1
    );
    world.raw().await.rows(&sql).await
}
