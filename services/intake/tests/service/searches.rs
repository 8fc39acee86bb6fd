//! Many regions' lists in one catalogue: what is found, and, where it is asked for, how fast.

use std::io::Write as _;
use std::time::Duration;

use tokio::time::Instant;
use yiwang_intake::catalogue::{ItemFacts, import, source};
use yiwang_kit::new_request_id;
use yiwang_proto::catalogue::v1 as pb;

use crate::world::{FIRE, HYGIENE, PLAIN, World, reason};

/// The shipped rows that this world has, as the lists of other regions: their codes and regions differ, all else is the same.
fn of_region(number: usize, of: &str) -> Vec<ItemFacts> {
    let region = format!("{:06}000000", 520_100 + number);
    let mut rows = source::builtin().unwrap();
    rows.retain(|facts| of == "*" || of.contains(facts.code.as_str()));
    let moved =
        |facts: ItemFacts| ItemFacts { code: format!("{}-{number}", facts.code), region: region.clone(), ..facts };
    rows.into_iter().map(moved).collect()
}

async fn bring_in(world: &World, regions: std::ops::Range<usize>, of: &str) {
    let all = regions.flat_map(|number| of_region(number, of)).collect();
    import::run(world.ledger(), all).await.unwrap();
}

fn search(query: &str, region: &str) -> pb::SearchItemsRequest {
    pb::SearchItemsRequest { query: query.into(), region_code: region.into(), page_size: 100, ..Default::default() }
}

async fn found(world: &World, ask: pb::SearchItemsRequest) -> (Vec<String>, i32) {
    let answer = world.catalogue().search_items(ask).await.unwrap().into_inner();
    (answer.items.into_iter().map(|item| item.item_code).collect(), answer.total_size)
}

pub async fn lists_of_many_regions_are_found_by_region_and_word(world: World) {
    bring_in(&world, 0..3, &[HYGIENE, FIRE, PLAIN].join(",")).await;
    // the index follows the feed
    let there = async || (found(&world, search("公共场所卫生许可", "")).await.1 == 4).then_some(());
    world.until(there).await;
    let one = format!("{HYGIENE}-1");
    assert_eq!(found(&world, search("公共场所卫生许可", "520101")).await, (vec![one.clone()], 1));
    assert_eq!(found(&world, search("公共场所卫生许可", "511602")).await.0, [HYGIENE]);
    assert_eq!(found(&world, search("公共场所卫生许可", "520109")).await, (Vec::new(), 0));
    // without a query too, and the total says so
    let (codes, total) = found(&world, search("", "520101")).await;
    assert_eq!((codes.len(), total), (3, 3));
    assert!(codes.contains(&one));
    let nowhere = world.catalogue().search_items(search("卫生", "五一六")).await.unwrap_err();
    assert_eq!(reason(&nowhere), "FIELD_INVALID");
}

pub async fn what_is_changed_is_found_at_once_and_read_from_the_ledger(world: World) {
    let ask = pb::GetItemRequest { item_code: PLAIN.into(), version: 0 };
    let old = world.catalogue().get_item(ask).await.unwrap().into_inner();
    assert_eq!(found(&world, search("鑫淼焱垚", "")).await.1, 0);
    let rows = vec![pb::ItemRow { name: "鑫淼焱垚许可".into(), ..crate::catalogue::row(&old) }];
    let import = pb::ImportItemsRequest { request_id: new_request_id(), rows };
    world.catalogue_as("admin").import_items(import).await.unwrap();
    assert_eq!(found(&world, search("鑫淼焱垚", "")).await, (vec![PLAIN.to_owned()], 1));
    let cancel = pb::CancelItemRequest {
        item_code: PLAIN.into(),
        request_id: new_request_id(),
        reason: "国发〔2026〕1号".into(),
        ..Default::default()
    };
    world.catalogue_as("admin").cancel_item(cancel).await.unwrap();
    assert_eq!(found(&world, search("鑫淼焱垚", "")).await.1, 0);
    let with_cancelled = pb::SearchItemsRequest { show_cancelled: true, ..search("鑫淼焱垚", "") };
    assert_eq!(found(&world, with_cancelled).await.1, 1);
}

/// Median and worst hundredth of calls, in microseconds.
async fn timed<F: Future<Output = ()>>(calls: usize, mut call: impl FnMut(usize) -> F) -> (u128, u128) {
    let mut all = Vec::with_capacity(calls);
    for number in 0..calls {
        let begun = Instant::now();
        call(number).await;
        all.push(begun.elapsed());
    }
    all.sort_unstable();
    let at = |share: usize| all.get(all.len() * share / 100).copied().unwrap_or(Duration::ZERO).as_micros();
    (at(50), at(99))
}

/// A measured run takes minutes and the machine to itself: done where it is asked for.
fn is_asked() -> bool {
    std::env::var("YIWANG_MEASURE").is_ok()
}

/// What `docs/performance.md` has of searching: 20,430 lists of 18 regions, the fifty queries, with a reading of one item in between.
async fn measured(engine: &str, mut world: World) {
    let queries: Vec<&str> =
        include_str!("../search_queries.csv").lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    for regions in [0, 17] {
        bring_in(&world, 0..regions, "*").await;
        let all = i32::try_from(1135 * (regions + 1)).unwrap();
        world = world.restart().await;
        assert_eq!(found(&world, search("", "")).await.1, all);
        let world = &world;
        let asked = async |query: &str, region: &'static str, page_size| {
            let ask = pb::SearchItemsRequest { page_size, ..search(query, region) };
            world.catalogue().search_items(ask).await.unwrap();
        };
        let asked = &asked;
        let calls = 10 * queries.len();
        let query = |number: usize| queries[number % queries.len()];
        timed(calls, |number| asked(query(number), "", 20)).await;
        let everywhere = timed(calls, |number| asked(query(number), "", 20)).await;
        let here = timed(calls, |number| asked(query(number), "511602", 20)).await;
        let one = timed(calls, |_| async {
            let ask = pb::GetItemRequest { item_code: HYGIENE.into(), version: 0 };
            world.catalogue().get_item(ask).await.unwrap();
        })
        .await;
        let line = format!(
            "{engine}, {all} lists, µs (median, worst hundredth): search {everywhere:?}, in one region {here:?}, one item {one:?}"
        );
        std::io::stdout().write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn measured_on_sqlite() {
    if is_asked() {
        measured("SQLite", World::sqlite("*".into()).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn measured_on_postgres() {
    if !is_asked() {
        return;
    }
    if let Some(world) = World::postgres("*".into()).await {
        measured("PostgreSQL", world).await;
    }
}
