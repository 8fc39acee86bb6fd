//! How well items answer a question, against the fifty queries in ordinary words.

use std::sync::LazyLock;

use yiwang_intake::catalogue::search::{Weights, rank};
use yiwang_intake::catalogue::words::Headings;
use yiwang_intake::catalogue::{ItemFacts, source};

#[derive(serde::Deserialize)]
struct Case {
    query: String,
    expected: String,
}

fn found(query: &str) -> Vec<ItemFacts> {
    static ITEMS: LazyLock<(Vec<ItemFacts>, Weights)> = LazyLock::new(|| {
        let items = source::builtin().expect("data");
        let weights = Weights::of(items.iter().map(Headings::from));
        (items, weights)
    });
    let (items, weights) = &*ITEMS;
    rank(query, items.clone(), weights, |item| item.into())
}

#[test]
fn forty_five_of_fifty_queries_have_the_right_item_among_the_first_three() {
    let mut cases =
        csv::Reader::from_path(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/search_queries.csv")).expect("cases");
    let cases: Vec<Case> = cases.deserialize().map(|case| case.expect("case")).collect();
    let right = |case: &&Case| {
        found(&case.query).iter().take(3).any(|item| case.expected.split('|').any(|code| code == item.code))
    };
    let missed: Vec<_> = cases.iter().filter(|case| !right(case)).map(|case| &case.query).collect();
    assert_eq!(cases.len(), 50);
    assert!(missed.len() <= 5, "missed: {missed:?}");
}

#[test]
fn a_word_of_one_character_finds_items() {
    assert!(found("烟").iter().any(|item| item.name.contains("烟草专卖零售")));
}

#[test]
fn who_says_that_it_ends_gets_the_end() {
    assert!(found("注销残疾证")[0].name.contains("残疾人证注销"));
}

#[test]
fn nonsense_finds_nothing() {
    assert!(found("鑫淼焱垚").is_empty());
}
