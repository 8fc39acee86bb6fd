//! The shipped themes, and the order of members by random edges.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;
use yiwang_intake::catalogue::facts::{ItemFacts, Material, Necessity};
use yiwang_intake::catalogue::{Item, Standing};
use yiwang_intake::theme::decide::{Items, check};
use yiwang_intake::theme::plan::{form, materials, members, next, order, part, schema, with_items};
use yiwang_intake::theme::source::builtin;
use yiwang_intake::theme::{Input, Member, ThemeFacts};

fn items() -> Items {
    let all = yiwang_intake::catalogue::source::builtin().unwrap();
    let item = |facts: ItemFacts| {
        (facts.code.clone(), Item { facts, standing: Standing::InForce, form_version: 1, ..Item::default() })
    };
    all.into_iter().map(item).collect()
}

fn theme(code: &str) -> ThemeFacts {
    builtin().unwrap().into_iter().find(|facts| facts.code == code).unwrap()
}

#[test]
fn what_ships_could_be_published() {
    let (themes, items) = (builtin().unwrap(), items());
    assert_eq!(themes.len(), 6);
    for facts in &themes {
        check(facts, &items).unwrap_or_else(|refusal| panic!("{}: {:?}", facts.code, refusal.fields));
    }
}

#[test]
fn questions_that_do_not_matter_are_not_asked() {
    let facts = theme("cyd");
    let answers = json!({"form": "there", "area": 60, "small": true, "sign": false});
    assert_eq!(next(&facts, &answers), None);
    assert_eq!(
        next(&facts, &json!({"form": "self", "area": 60, "small": true, "sign": false})).unwrap().code,
        "invoices"
    );
    assert_eq!(next(&facts, &json!({})).unwrap().code, "form");
}

#[test]
fn who_is_no_member_is_waited_for_by_nobody() {
    let facts = theme("cyd");
    let chosen = members(&facts, &json!({"form": "there", "area": 500, "small": false, "sign": false}));
    let steps = order(chosen.iter().copied()).unwrap();
    assert_eq!(steps.values().copied().collect::<Vec<_>>(), [1, 1]);
    let chosen =
        members(&facts, &json!({"form": "self", "area": 500, "small": false, "sign": false, "invoices": false}));
    assert_eq!(order(chosen).unwrap()["fire"], 2);
}

fn two() -> (ThemeFacts, Items) {
    let item = |code: &str, form: &str, materials: &[(&str, &str)]| {
        let material = |(code, name): &(&str, &str)| Material {
            code: (*code).into(),
            name: (*name).into(),
            necessity: Necessity::Required,
            ..Material::default()
        };
        let facts = ItemFacts {
            code: code.into(),
            form_schema: form.into(),
            materials: materials.iter().map(material).collect(),
            ..ItemFacts::default()
        };
        (code.to_owned(), Item { facts, standing: Standing::InForce, ..Item::default() })
    };
    let one = r#"{"required":["address"],"properties":{"address":{"type":"string"},"area":{"type":"integer"}}}"#;
    let other = r#"{"required":["licence"],"properties":{"address":{"type":"string"},"area":{"type":"number"},"licence":{"type":"string"}}}"#;
    let items =
        [item("i1", one, &[("a", "平面图"), ("b", "章程")]), item("i2", other, &[("x", "平面图 "), ("y", "营业执照")])];
    let member = |code: &str, item: &str| Member { code: code.into(), item: item.into(), ..Member::default() };
    let input =
        |material: &str, field: &str| Input { from: "m1".into(), material: material.into(), field: field.into() };
    let second = Member { inputs: vec![input("y", ""), input("", "licence")], ..member("m2", "i2") };
    let facts = ThemeFacts { members: vec![member("m1", "i1"), second], ..ThemeFacts::default() };
    (facts, items.into_iter().collect())
}

#[test]
fn what_several_ask_for_alike_is_asked_once_and_what_another_yields_is_not_asked() {
    let (facts, items) = two();
    let chosen = members(&facts, &json!({}));
    let with = with_items(&chosen, &items);
    let fields = form(&with);
    let names: Vec<_> = fields.iter().map(|field| (field.name.as_str(), field.fills.len())).collect();
    // the areas differ in kind: each its own
    assert_eq!(names, [("address", 2), ("area", 1), ("m2_area", 1)]);
    let papers = materials(&with);
    let names: Vec<_> = papers.iter().map(|paper| (paper.name.as_str(), paper.serves.len())).collect();
    assert_eq!(names, [("平面图", 2), ("章程", 1)]);
    let union = json!({"address": "甲", "area": 3, "m2_area": 3.5});
    let schema = serde_json::from_str(&schema("例", &fields)).unwrap();
    assert!(jsonschema::draft202012::is_valid(&schema, &union));
    assert_eq!(part(&fields, &union, "m2"), json!({"address": "甲", "area": 3.5}));
}

#[test]
fn no_field_of_the_one_form_takes_the_name_of_another() {
    let (mut facts, mut items) = two();
    facts.members[1].inputs.clear();
    let schema = |text: &str| text.to_owned();
    items.get_mut("i1").unwrap().facts.form_schema =
        schema(r#"{"properties":{"m2_name":{"type":"integer"},"name":{"type":"string"}}}"#);
    items.get_mut("i2").unwrap().facts.form_schema = schema(r#"{"properties":{"name":{"type":"number"}}}"#);
    let chosen = members(&facts, &json!({}));
    let fields = form(&with_items(&chosen, &items));
    let names: BTreeSet<_> = fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
}

#[test]
fn members_that_wait_for_one_another_are_not_published() {
    let (mut facts, items) = two();
    facts.members[0].after = vec!["m2".into()];
    facts.basis = "《优化营商环境条例》第十九条".into();
    let refusal = check(&facts, &items).unwrap_err();
    assert!(refusal.fields.iter().any(|field| field.reason == "ORDER_CIRCULAR"), "{:?}", refusal.fields);
}

proptest! {
    /// Whoever comes before begins earlier; and there is an order just where nobody waits for themselves.
    #[test]
    fn who_comes_before_begins_earlier(edges in prop::collection::btree_set((0usize..8, 0usize..8), 0..16)) {
        let name = |index: usize| format!("m{index}");
        let members: Vec<Member> = (0..8)
            .map(|index| Member {
                code: name(index),
                after: edges.iter().filter(|(_, to)| *to == index).map(|(from, _)| name(*from)).collect(),
                ..Member::default()
            })
            .collect();
        let mut reach: BTreeSet<(usize, usize)> = edges.iter().copied().collect();
        for _ in 0..3 {
            let more: Vec<_> = reach.iter().flat_map(|(a, b)| reach.iter().filter(move |(c, _)| b == c).map(move |(_, d)| (*a, *d))).collect();
            reach.extend(more);
        }
        let circular = (0..8).any(|index| reach.contains(&(index, index)));
        let steps = order(&members);
        prop_assert_eq!(steps.is_none(), circular);
        if let Some(steps) = steps {
            for (from, to) in &edges {
                prop_assert!(steps[name(*from).as_str()] < steps[name(*to).as_str()]);
            }
        }
    }
}
