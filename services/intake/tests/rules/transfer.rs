//! The rules of a transfer, by random words in random order.

use std::sync::Arc;

use chrono::NaiveDate;
use proptest::prelude::*;
use yiwang_intake::application::Actor;
use yiwang_intake::catalogue::{Entrusted, Item, ItemFacts, Standing};
use yiwang_intake::transfer::decide::{self, Known};
use yiwang_intake::transfer::{Event, Offer, Offered, Organ, Stage, Transfer, Way};
use yiwang_ledger::{Aggregate as _, Context, Decision, Meta, Timestamp};
use yiwang_standards::calendar::Calendar;

#[derive(Clone, Debug)]
enum Act {
    Consult(u8),
    Accept,
    Object,
    Date,
    Withdraw,
    Revoke,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0u8..3).prop_map(Act::Consult),
        3 => Just(Act::Accept),
        1 => Just(Act::Object),
        3 => Just(Act::Date),
        1 => Just(Act::Withdraw),
        1 => Just(Act::Revoke),
    ]
}

fn organ(code: &str) -> Organ {
    Organ { name: code.into(), code: code.into(), region: "511602000000".into() }
}

fn offer(way: Way) -> Offer {
    let new_code = if way == Way::Entrust { "" } else { "item-2" };
    Offer {
        way,
        giver: organ("giver"),
        receiver: organ("receiver"),
        items: vec![Offered { code: "item-1".into(), new_code: new_code.into(), ..Offered::default() }],
        basis: "《行政许可法》第二十四条".into(),
        reason: "例".into(),
        consulted: vec![organ("asked-0"), organ("asked-1")],
        until: None,
    }
}

fn item() -> Item {
    let facts = ItemFacts {
        code: "item-1".into(),
        department_code: "giver".into(),
        region: "511602000000".into(),
        ..ItemFacts::default()
    };
    Item { facts, standing: Standing::InForce, ..Item::default() }
}

fn cx() -> Context {
    let calendar = Arc::new(Calendar::builtin().clone());
    Context { now: Timestamp(1_772_413_200_000_000), actor: "a".into(), version: 1, calendar, seed: [7; 32] }
}

fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, day).unwrap()
}

fn offered(way: Way, item: Item) -> Decision<Event> {
    let known = Known { item, ..Known::default() };
    decide::offer(&Transfer::default(), &offer(way), &[known], &Actor::system(), &cx())
}

fn decided(transfer: &Transfer, act: &Act) -> Decision<Event> {
    let by = Actor::system();
    match act {
        Act::Consult(index) => decide::consult(transfer, &format!("asked-{index}"), index % 2 == 0, "意见", &by),
        Act::Accept => decide::accept(transfer, "", &by),
        Act::Object => decide::object(transfer, "理由", &by),
        Act::Date => {
            decide::date(transfer, &[Known { item: item(), ..Known::default() }], day(16), "区政府令第3号", &by, &cx())
        }
        Act::Withdraw => decide::withdraw(transfer, "例", &by),
        Act::Revoke => decide::revoke(transfer, Some(day(20)), "例", &by, &cx()),
    }
}

fn take(transfer: &mut Transfer, events: Vec<Event>) {
    for event in events {
        transfer.evolve(&event, &Meta { at: Timestamp(0), actor: "a".into(), version: 1 });
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_is_dated_that_was_not_talked_over_and_taken(
        entrust in any::<bool>(),
        acts in prop::collection::vec(act(), 1..40),
    ) {
        let way = if entrust { Way::Entrust } else { Way::Reassign };
        let mut transfer = Transfer::default();
        take(&mut transfer, offered(way, item()).unwrap());
        let mut taken = false;
        for act in &acts {
            let before = transfer.stage.clone();
            let events = decided(&transfer, act).unwrap_or_default();
            let ends = |stage: &Stage| matches!(stage, Stage::Objected { .. } | Stage::Withdrawn { .. } | Stage::Ended { .. });
            prop_assert!(!ends(&before) || events.is_empty(), "the end is the end");
            taken |= events.iter().any(|event| matches!(event, Event::TransferAccepted { .. }));
            take(&mut transfer, events);
            if let Stage::Dated { .. } = transfer.stage {
                prop_assert!(taken && transfer.silent().next().is_none());
            }
            let ended = matches!(transfer.stage, Stage::Ended { .. });
            prop_assert!(!ended || entrust, "only what was entrusted is taken back");
        }
    }
}

#[test]
fn who_was_entrusted_gives_nothing_on() {
    let mut theirs = item();
    theirs.facts.department_code = "owner".into();
    theirs.entrusted = Some(Entrusted { organ: organ("giver"), from: day(1), until: None, document: String::new() });
    for way in [Way::Devolve, Way::Reassign, Way::Entrust] {
        let refused = offered(way, theirs.clone()).map(drop);
        // handed down it is refused before: the receiver is no organ below
        let reason = if way == Way::Devolve { "RECEIVER_UNFIT" } else { "SUBDELEGATION" };
        assert_eq!(refused.unwrap_err().fields[0].reason, reason);
    }
}
