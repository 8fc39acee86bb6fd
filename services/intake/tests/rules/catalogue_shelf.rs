//! The items in memory: what is found by words, region and department.

use std::sync::Arc;

use yiwang_intake::catalogue::shelf::{CANDIDATES, Shelf, Wanted};
use yiwang_intake::catalogue::{Item, ItemFacts, Standing, source, stream, words};
use yiwang_ledger::{Read, Timestamp};

fn read(facts: ItemFacts, version: u64) -> Read<Item> {
    let stream = stream(&facts.code);
    let state = Arc::new(Item { facts, standing: Standing::InForce, ..Item::default() });
    Read { stream, version, state, created_at: Timestamp(1), updated_at: Timestamp(1) }
}

fn shelf(regions: u32) -> Shelf {
    let (mut shelf, rows) = (Shelf::default(), source::builtin().expect("data"));
    for region in 0..regions {
        for facts in &rows {
            let code = format!("{}-{region}", facts.code);
            let region = format!("5116{region:02}000000");
            shelf.put(&read(ItemFacts { code, region, ..facts.clone() }, 1));
        }
    }
    shelf
}

#[test]
fn twenty_thousand_lists_are_searched_within_bounds() {
    let shelf = shelf(18);
    assert_eq!(shelf.count(&Wanted::default()), 18 * 1135);
    let words = "注销登记变更许可备案核发审批申请设立延续补办经营公司".repeat(3);
    for query in ["食品经营许可证", "登记", "怎么开饭店", words.as_str()] {
        let found = shelf.search(query, &Wanted::default());
        let asked = words::query_grams(&words::terms(query)).len();
        assert!(!found.items.is_empty() && found.items.len() <= CANDIDATES, "{query}");
        assert!(found.scored <= CANDIDATES && found.walked <= asked * 18 * 1135, "{query}: {found:?}");
    }
}

#[test]
fn a_region_finds_what_it_finds_alone() {
    let (one, many) = (shelf(1), shelf(18));
    let here = Wanted { region: Some("511600000000".to_owned()), ..Wanted::default() };
    assert_eq!(many.count(&here), 1135);
    for query in ["食品经营许可证", "怎么开饭店", "gssl", "烟"] {
        let (alone, among) = (one.search(query, &Wanted::default()), many.search(query, &here));
        // the weights are the same where every region has the same items
        assert_eq!(alone.items, among.items, "{query}");
    }
}

#[test]
fn what_is_revised_is_found_by_its_new_name_alone_and_an_older_version_changes_nothing() {
    let mut shelf = shelf(1);
    let mut facts = source::builtin().expect("data").remove(0);
    facts.code = format!("{}-0", facts.code);
    let old = read(facts.clone(), 1);
    facts.name = "鑫淼焱垚许可".to_owned();
    let new = read(facts, 2);
    let count = shelf.count(&Wanted::default());
    shelf.put(&new);
    shelf.put(&old);
    assert_eq!(shelf.search("鑫淼焱垚", &Wanted::default()).items, [new.stream]);
    assert!(!shelf.search(&old.state.facts.name, &Wanted::default()).items.contains(&new.stream));
    assert_eq!(shelf.count(&Wanted::default()), count);
}
