//! 双头受理: what counts as the same application elsewhere.

use chrono::NaiveDate;
use proptest::prelude::*;
use yiwang_intake::application::Actor;
use yiwang_intake::catalogue::handling::Repeat;
use yiwang_intake::double::outside::{self, Outcome, Outside, OutsideEvent};
use yiwang_intake::double::{Other, check};
use yiwang_intake::transfer::Organ;
use yiwang_ledger::{Aggregate as _, Context, Meta, StreamId, Timestamp};
use yiwang_standards::calendar::{self, Calendar};

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

fn one(accepted: bool, stops: bool) -> Other {
    Other {
        application: StreamId::named("application", "other"),
        number: "N1".into(),
        region: "511602000000".into(),
        department: "区行政审批局".into(),
        organisation: "O".into(),
        received: day("2026-03-02"),
        accepted,
        stops,
        part: false,
    }
}

fn cx(on: &str) -> Context {
    Context {
        now: Timestamp(calendar::start_of_day_micros(day(on)) + 1),
        actor: "staff:supervisor".into(),
        version: 0,
        calendar: std::sync::Arc::new(Calendar::builtin().clone()),
        seed: [0; 32],
    }
}

#[test]
fn a_licence_is_applied_for_once_at_a_time_unless_its_list_says_otherwise() {
    let said = |repeat: Repeat| [1, 7, 10, 20].map(|item_type| repeat.once(item_type));
    assert_eq!(said(Repeat::Unsaid), [true, false, false, false]);
    assert_eq!(said(Repeat::Once), [true; 4]);
    assert_eq!(said(Repeat::Repeatable("每个场所一证".into())), [false; 4]);
}

proptest! {
    /// What was handed in later and is not accepted stops nobody; anything else is named.
    #[test]
    fn acceptance_is_stopped_by_whatever_stops_it_and_by_nothing_else(stops in proptest::collection::vec(any::<bool>(), 0..6)) {
        let others: Vec<Other> = stops.iter().map(|stops| one(false, *stops)).collect();
        match check(&others) {
            Ok(()) => prop_assert!(!stops.contains(&true)),
            Err(refusal) => {
                prop_assert_eq!(refusal.reason, "DOUBLE_ENTRY");
                let counted = stops.iter().filter(|stops| **stops).count().to_string();
                prop_assert_eq!(&refusal.metadata["others"], &counted);
            }
        }
    }
}

#[test]
fn an_acceptance_outside_is_settled_once() {
    let found = outside::Found {
        item: "item-1".into(),
        organ: Organ { code: "O".into(), region: "511602000000".into(), ..Organ::default() },
        day: day("2026-03-02"),
        ..outside::Found::default()
    };
    let by = Actor::system();
    let (mut finding, at) = (Outside::default(), cx("2026-03-03"));
    assert_eq!(
        outside::settle(&finding, &Outcome::Unfounded, "查无此事", &by).unwrap_err().reason,
        "OUTSIDE_ACCEPTANCE_NOT_FOUND"
    );
    assert_eq!(outside::record(&finding, &found, &by, &cx("2026-03-01")).unwrap_err().reason, "DATE_IN_THE_FUTURE");
    let fold = |finding: &mut Outside, events: Vec<OutsideEvent>| {
        for event in events {
            finding.evolve(&event, &Meta { at: at.now, actor: String::new(), version: 1 });
        }
    };
    assert!(finding.tags().is_empty());
    let events = outside::record(&finding, &found, &by, &at).unwrap();
    fold(&mut finding, events);
    let events = outside::settle(&finding, &Outcome::Rectified, "责令整改", &by).unwrap();
    fold(&mut finding, events);
    assert_eq!(
        (finding.stage(), outside::settle(&finding, &Outcome::Unfounded, "再", &by).unwrap_err().reason),
        ("SETTLED", "ALREADY_SETTLED")
    );
}
