//! Whatever is asked for, what is recorded is what the list gives.

use proptest::prelude::*;
use yiwang_ledger::{Aggregate as _, Meta, Timestamp};

use super::decide::{Assess, assess};
use super::{Event, Fees};
use crate::application::Actor;
use crate::catalogue::ItemFacts;
use crate::catalogue::details::{ChargeLine, ChargeMethod, Details, Exemption};

fn facts(price: i64, spread: i64, percent: u32) -> ItemFacts {
    let exemption = Exemption { code: "E".into(), percent, ..Exemption::default() };
    let unit = ChargeLine {
        code: "UNIT".into(),
        amount: price,
        unit: "证".into(),
        most_units: 20,
        exemptions: vec![exemption.clone()],
        ..ChargeLine::default()
    };
    let range = ChargeLine {
        code: "RANGE".into(),
        method: ChargeMethod::Range,
        amount: price,
        most: price + spread,
        exemptions: vec![exemption],
        ..ChargeLine::default()
    };
    ItemFacts { details: Details { charges: vec![unit, range], ..Details::default() }, ..ItemFacts::default() }
}

proptest! {
    #[test]
    fn no_amount_outside_the_list_is_recorded(
        (price, spread, percent) in (1i64..100_000, 1i64..100_000, 1u32..=100),
        code in prop_oneof![Just("UNIT"), Just("RANGE"), Just("OTHER")],
        (units, amount, exempt) in (prop_oneof![Just(0u32), 0u32..30], -10i64..300_000, any::<bool>()),
    ) {
        let facts = facts(price, spread, percent);
        let exemption = if exempt { "E" } else { "" };
        let ask = Assess { code: code.into(), units, amount, exemption: exemption.into() };
        let Ok(events) = assess(&Fees::default(), &facts, &ask, &Actor::system()) else { return Ok(()) };
        let mut fees = Fees::default();
        for event in &events {
            fees.evolve(event, &Meta { at: Timestamp(0), actor: String::new(), version: 1 });
        }
        let line = &fees.lines[0];
        match code {
            "UNIT" => prop_assert!(line.units <= 20 && line.amount == price * i64::from(line.units)),
            "RANGE" => prop_assert!((price..=price + spread).contains(&line.amount)),
            other => prop_assert!(false, "{} is on no list", other),
        }
        let off = if exempt { line.amount as f64 * f64::from(percent) / 100.0 } else { 0.0 };
        prop_assert!(line.payable() >= 0 && (line.exempt as f64 - off).abs() < 1.0);
        let again = assess(&fees, &facts, &ask, &Actor::system()).unwrap_err();
        prop_assert_eq!(again.reason, "CHARGED_ALREADY");
        let struck = super::decide::strike(&fees, code, "误核", &Actor::system()).unwrap();
        let is_struck = matches!(struck[0], Event::FeeStruck { .. });
        prop_assert!(is_struck);
    }
}
