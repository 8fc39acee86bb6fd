//! 不予受理的人: who may not apply, for how long, and how that is lifted.

use std::sync::Arc;

use chrono::{Months, NaiveDate};
use proptest::prelude::*;
use yiwang_intake::application::Actor;
use yiwang_intake::bar::{Bars, Found, Kind, check, lift, record};
use yiwang_intake::catalogue::ItemFacts;
use yiwang_intake::catalogue::handling::Excluded;
use yiwang_ledger::{Aggregate, Context, Meta, StreamId, SubjectId, Timestamp};
use yiwang_standards::calendar::{self, Calendar};

fn cx(on: NaiveDate) -> Context {
    let now = Timestamp(calendar::start_of_day_micros(on) + 1);
    Context { now, actor: "a".into(), version: 0, calendar: Arc::new(Calendar::builtin().clone()), seed: [7; 32] }
}

fn facts(excluded: Vec<Excluded>) -> ItemFacts {
    let mut facts = ItemFacts { code: "item-1".into(), item_type: 1, ..ItemFacts::default() };
    facts.details.handling.excluded = excluded;
    facts
}

proptest! {
    #[test]
    fn a_bar_binds_for_its_time_and_its_matter(kind in prop_oneof![Just(Kind::FalseMaterial), Just(Kind::Fraud), Just(Kind::FalsePromise)], days in 0u64..1500, same: bool, promises: bool, lift_it: bool) {
        let start: NaiveDate = "2026-03-02".parse().expect("a day");
        let subject = SubjectId::parse(&"a".repeat(64)).expect("a subject");
        let found = Found { kind, application: StreamId::named("application", "1"), finding: "例".into() };
        let mut bars = Bars::default();
        let meta = Meta { at: Timestamp(1), actor: "a".into(), version: 1 };
        let facts = facts(vec![Excluded::PublicSafety]);
        for event in record(&bars, &subject, &facts, &found, &Actor::system(), &cx(start)).expect("recorded") {
            bars.evolve(&event, &meta);
        }
        // told again, nothing happens
        prop_assert!(record(&bars, &subject, &facts, &found, &Actor::system(), &cx(start)).expect("again").is_empty());
        let lifted = lift_it && lift(&bars, 1, "信用修复", false, &Actor::system()).map(|events| for event in &events { bars.evolve(event, &meta) }).is_ok();
        prop_assert_eq!(lifted, lift_it && kind == Kind::FalsePromise);
        let on = start + chrono::Days::new(days);
        let months = match kind { Kind::FalseMaterial => Some(12), Kind::Fraud => Some(36), Kind::FalsePromise => None };
        let lasts = months.is_none_or(|months| on <= start + Months::new(months));
        let item = if same { "item-1" } else { "item-2" };
        let stopped = lasts && !lifted && match kind { Kind::FalsePromise => promises, _ => same };
        prop_assert_eq!(check(&bars.bars, item, promises, on).is_err(), stopped);
    }
}

#[test]
fn where_no_ones_safety_is_concerned_the_law_knows_a_warning() {
    let subject = SubjectId::parse(&"a".repeat(64)).expect("a subject");
    let found =
        Found { kind: Kind::FalseMaterial, application: StreamId::named("application", "1"), finding: "例".into() };
    let day = "2026-03-02".parse().expect("a day");
    let refused =
        record(&Bars::default(), &subject, &facts(vec![Excluded::Finance]), &found, &Actor::system(), &cx(day));
    assert_eq!(refused.expect_err("refused").reason, "BAR_NOT_APPLICABLE");
}
