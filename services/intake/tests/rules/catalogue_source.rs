//! The shipped catalogue and the lists that are imported, row by row.

use std::collections::BTreeMap;

use yiwang_intake::catalogue::facts::{ItemFacts, ResultKind};
use yiwang_intake::catalogue::source::{builtin, organ_codes, rows};
use yiwang_intake::limit::{Limit, Source, Start};
use yiwang_intake::rules;
use yiwang_standards::codes::CaseKind;
use yiwang_standards::uscc;

fn item(prefix: &str) -> ItemFacts {
    let items = builtin().expect("data");
    items.into_iter().find(|item| item.code.starts_with(prefix)).expect("item")
}

#[test]
fn the_real_catalogue_has_1135_items_of_34_departments() {
    let items = builtin().expect("data");
    let codes: std::collections::BTreeSet<_> = items.iter().map(|item| &item.code).collect();
    let departments: std::collections::BTreeSet<_> = items.iter().map(|item| &item.department).collect();
    assert_eq!((items.len(), codes.len(), departments.len()), (1135, 1135, 34));
}

#[test]
fn the_types_are_counted_as_in_the_source() {
    let mut counts = BTreeMap::<u16, usize>::new();
    builtin().expect("data").iter().for_each(|item| *counts.entry(item.item_type).or_default() += 1);
    assert_eq!(counts, BTreeMap::from([(1, 536), (5, 9), (7, 50), (8, 2), (9, 8), (10, 182), (20, 348)]));
}

/// Everything that an item shows and its source does not have, as the contract names it.
const UNSOURCED: [&str; 14] = [
    "bases",
    "case_kind",
    "channels",
    "charge",
    "conditions",
    "form_schema",
    "legal_limit",
    "materials",
    "notify_promise",
    "promised_limit",
    "remedies",
    "result",
    "rules",
    "visits",
];

fn marks(item: &ItemFacts) -> Vec<&str> {
    let mut marks: Vec<_> = item.defaults.iter().map(String::as_str).collect();
    marks.sort_unstable();
    marks
}

#[test]
fn what_no_source_has_is_marked_as_a_default_in_every_item_that_is_not_authored() {
    let items = builtin().expect("data");
    let mut others = items.iter().filter(|item| item.guide.is_empty());
    assert_eq!(others.clone().count(), 1130);
    assert!(others.all(|item| marks(item) == UNSOURCED && item.legal_limit.source == Source::Default));
}

#[test]
fn an_authored_item_says_what_is_still_a_default() {
    let items = builtin().expect("data");
    for item in items.iter().filter(|item| !item.guide.is_empty()) {
        let left = ["channels", "charge", "remedies", "visits"];
        let own = marks(item).into_iter().filter(|mark| *mark != "legal_limit").eq(left);
        let marked = marks(item).contains(&"legal_limit");
        assert!(own && marked == (item.legal_limit.source == Source::Default), "{}: {:?}", item.code, marks(item));
    }
}

#[test]
fn no_limit_is_called_a_statutes_without_an_article() {
    let of_statute = |limit: &&Limit| limit.source == Source::Statute;
    for item in builtin().expect("data") {
        let promise = item.promise.as_ref().map(|promise| &promise.legal_limit);
        for limit in [Some(&item.legal_limit), promise].into_iter().flatten().filter(of_statute) {
            assert!(limit.basis.contains('第') && limit.basis.contains('条'), "{}: {}", item.code, limit.basis);
            assert!(!limit.unverified, "{}: {}", item.code, limit.basis);
        }
    }
}

#[test]
fn only_licensing_items_have_the_twenty_days_of_article_42_by_default() {
    for item in builtin().expect("data").iter().filter(|item| item.guide.is_empty()) {
        let article42 = item.legal_limit.basis.contains("行政许可法");
        assert_eq!(article42, item.item_type == 1, "{}", item.code);
        assert_eq!(item.legal_limit.unverified, item.item_type != 1, "{}", item.code);
    }
}

#[test]
fn the_promise_of_the_hygiene_permit_is_shorter_than_the_law() {
    let item = item("511A0015500009");
    assert!(item.promised_limit.days < item.legal_limit.days);
    assert_eq!((item.rules.as_str(), item.result.kind), ("licensing", ResultKind::License));
}

#[test]
fn a_filing_yields_a_receipt_on_the_spot() {
    let item = item("513A0102900001");
    assert_eq!(
        (item.result.kind, item.case_kind, item.legal_limit.days),
        (ResultKind::Receipt, CaseKind::Immediate, 0)
    );
    assert!(!rules::named(&item.rules).deemed_acceptance);
}

#[test]
fn the_fire_check_offers_a_promise_and_ten_working_days_without_it() {
    let item = item("511A0021300001");
    let promise = item.promise.expect("promise");
    assert_eq!((promise.legal_limit.days, item.legal_limit.days), (0, 10));
    assert!(item.legal_limit.basis.contains("消防法") && !item.legal_limit.unverified);
}

#[test]
fn only_the_unemployment_benefit_runs_from_receipt() {
    let items = builtin().expect("data");
    let from_receipt = |limit: &Limit| limit.start == Start::Receipt;
    let found: Vec<_> = items.iter().filter(|item| from_receipt(&item.legal_limit)).collect();
    assert_eq!(found.iter().map(|item| item.name.as_str()).collect::<Vec<_>>(), ["失业保险金申领"]);
    assert!(from_receipt(&found[0].promised_limit), "a promise is not later than the law");
}

#[test]
fn every_form_is_a_json_schema_and_every_rule_set_exists() {
    for item in builtin().expect("data") {
        let schema = serde_json::from_str(&item.form_schema).expect("JSON");
        jsonschema::draft202012::new(&schema).expect("schema");
        assert_eq!(rules::named(&item.rules).name, item.rules);
    }
}

#[test]
fn an_organ_has_one_code_and_a_valid_one_where_the_source_has_any() {
    let codes = organ_codes(&rows().expect("data"));
    assert_eq!(codes["区行政审批局"], "115113016823646795");
    assert_eq!(codes["区消防大队"], "11511300MB1A21304N");
    assert_eq!(codes["区人社局"], "11511301008778239R");
    assert_eq!(codes.values().filter(|code| !uscc::is_valid(code)).count(), 1, "{codes:?}");
}
