//! 猜你要办: what is suggested, and by what.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use chrono::NaiveDate;
use proptest::prelude::*;
use yiwang_intake::catalogue::likely::{Held, Situation, chosen, ends_soon, of_license, of_themes};
use yiwang_intake::catalogue::{Item, ItemFacts, Standing, source};
use yiwang_intake::theme::ThemeFacts;
use yiwang_intake::theme::source::builtin;

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

static THEMES: LazyLock<Vec<ThemeFacts>> = LazyLock::new(|| builtin().expect("data"));
static ITEMS: LazyLock<BTreeMap<String, Item>> = LazyLock::new(|| {
    let all = source::builtin().expect("data");
    let item = |facts: ItemFacts| (facts.code.clone(), Item { facts, standing: Standing::InForce, ..Item::default() });
    all.into_iter().map(item).collect()
});

fn held(valid_to: &str) -> Held {
    Held { type_code: "T".into(), name: "许可证".into(), valid_to: Some(day(valid_to)) }
}

#[test]
fn a_licence_is_renewed_in_its_last_ninety_days_alone() {
    let today = day("2026-03-02");
    let soon = |valid_to: &str| ends_soon(&held(valid_to), today);
    assert_eq!(
        [soon("2026-03-01"), soon("2026-03-02"), soon("2026-05-31"), soon("2026-06-01")],
        [false, true, true, false]
    );
    assert!(!ends_soon(&Held::default(), today));
}

#[test]
fn who_has_no_item_of_renewal_applies_where_the_licence_came_from() {
    let mut facts =
        ItemFacts { code: "new".into(), name: "某许可新办".into(), item_type: 1, ..ItemFacts::default() };
    facts.result.license_type_code = "T".into();
    let renewal = ItemFacts { code: "again".into(), name: "某许可延续".into(), ..ItemFacts::default() };
    let codes = |yields: &[ItemFacts]| {
        let all = of_license(&held("2026-04-01"), yields, &[], day("2026-03-02"));
        all.into_iter().map(|(code, _)| code).collect::<Vec<_>>()
    };
    assert_eq!((codes(&[facts.clone()]), codes(&[facts, renewal])), (vec!["new".to_owned()], vec!["again".to_owned()]));
}

proptest! {
    /// Whatever was granted and is running: each item once and with a reason, none in hand, none elsewhere.
    #[test]
    fn what_is_likely_is_open_to_the_holder(
        granted in prop::collection::btree_set(0usize..60, 0..8),
        running in prop::collection::btree_set(0usize..60, 0..8),
        event in prop::sample::select(vec!["", "企业准营", "出生", "投资建设"]),
        here in any::<bool>(),
    ) {
        let (themes, items) = (&*THEMES, &*ITEMS);
        let members: BTreeSet<&String> =
            themes.iter().flat_map(|facts| &facts.members).map(|member| &member.item).filter(|item| !item.is_empty()).collect();
        let members: Vec<&String> = members.into_iter().collect();
        let some = |places: &BTreeSet<usize>| -> BTreeMap<String, String> {
            places.iter().map(|place| (members[place % members.len()].clone(), "甲".to_owned())).collect()
        };
        let situation = Situation {
            granted: some(&granted),
            running: some(&running),
            life_event: event.to_owned(),
            region: if here { "511602000000" } else { "511603000000" }.to_owned(),
            ..Situation::default()
        };
        let all = chosen(&situation, of_themes(&situation, themes), items, day("2026-03-02"));
        let once: BTreeSet<&String> = all.iter().map(|likely| &likely.item).collect();
        prop_assert_eq!(once.len(), all.len());
        prop_assert!(here || all.is_empty());
        for likely in &all {
            prop_assert!(!likely.reasons.is_empty() && likely.reasons.is_sorted());
            prop_assert!(!situation.running.contains_key(&likely.item) && !situation.granted.contains_key(&likely.item));
        }
        prop_assert!(all.is_sorted_by_key(|likely| likely.reasons[0].clone()));
        if here && event == "投资建设" && granted.is_empty() && running.is_empty() {
            prop_assert_eq!(all.len(), 10);
        }
    }
}
