//! The rules of a licence, without a ledger.

use std::sync::Arc;

use chrono::NaiveDate;
use proptest::prelude::*;
use yiwang_ledger::{Aggregate, Context, Meta, Personal, SubjectId, Timestamp};
use yiwang_license::license::{CancelCause, Event, Holder, Issued, License, Officer, StatusOn, decide};
use yiwang_license::register::{self, Register};
use yiwang_standards::calendar::{Calendar, start_of_day_micros};

fn cx(day: NaiveDate) -> Context {
    let calendar = Arc::new(Calendar::builtin().clone());
    Context { now: Timestamp(start_of_day_micros(day)), actor: "staff:a".into(), version: 1, calendar, seed: [0; 32] }
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn issued(valid_to: Option<NaiveDate>) -> Issued {
    let subject = SubjectId::parse(&"ab".repeat(32)).unwrap();
    let personal = |field| Personal::new(&subject, field, "x");
    Issued {
        identifier: "1.2.156.3005.2.X".into(),
        type_code: "115113016823646795001".into(),
        name: "公共场所卫生许可证".into(),
        number: "1".into(),
        issuer: "区行政审批局".into(),
        issuer_code: "O".into(),
        region: "511602000000".into(),
        item_code: "I".into(),
        case_number: "N".into(),
        owner: "person:citizen".into(),
        owner_subject: None,
        holder: Holder {
            name: personal("name"),
            // 其他: any cause may meet this holder.
            document_kind: 8,
            document_number: personal("document_number"),
            subject: subject.clone(),
        },
        issued_on: day("2026-03-16"),
        valid_to,
        version: 1,
        payload: personal("payload"),
        signature: "00".into(),
        key_id: "K".into(),
        by: Officer::system(),
    }
}

fn license(valid_to: Option<NaiveDate>) -> License {
    let mut license = License::default();
    fold(&mut license, &[Event::Issued(Box::new(issued(valid_to)))], day("2026-03-16"));
    license
}

fn fold(license: &mut License, events: &[Event], day: NaiveDate) {
    let meta = Meta { at: Timestamp(start_of_day_micros(day)), actor: "staff:a".into(), version: 1 };
    events.iter().for_each(|event| license.evolve(event, &meta));
}

#[test]
fn the_last_day_is_the_one_before_the_corresponding_day() {
    assert_eq!(decide::valid_to(day("2026-03-16"), 48).unwrap(), Some(day("2030-03-15")));
    assert_eq!(decide::valid_to(day("2026-01-31"), 1).unwrap(), Some(day("2026-02-27")));
    assert_eq!(decide::valid_to(day("2026-03-16"), 0).unwrap(), None);
}

#[test]
fn a_licence_is_not_valid_before_its_first_day() {
    assert_eq!(license(None).status_on(day("2026-03-15")), StatusOn::NotYetValid);
}

#[test]
fn a_stream_holds_one_licence() {
    let refusal = decide::issue(&license(None), &issued(None), &cx(day("2026-03-16"))).unwrap_err();
    assert_eq!(refusal.reason, "LICENSE_EXISTS_FOR_CASE");
}

proptest! {
    #[test]
    fn a_cancelled_licence_stays_cancelled(days in 0_u64..3000, later in 0_u64..3000, cause in 1_usize..6) {
        let cause = [
            CancelCause::NotRenewed, CancelCause::DeathOrIncapacity, CancelCause::OrganisationEnded,
            CancelCause::PermitAnnulled, CancelCause::ForceMajeure, CancelCause::OtherByLaw,
        ][cause];
        let mut license = license(Some(day("2028-03-15")));
        let on = day("2026-03-16") + chrono::Days::new(days);
        let expired = decide::tick(&license, &cx(on)).unwrap();
        fold(&mut license, &expired, on);
        let events = decide::cancel(&license, &Officer::system(), cause, "理由", &cx(on)).unwrap();
        fold(&mut license, &events, on);
        let then = on + chrono::Days::new(later);
        prop_assert_eq!(license.status_on(then), StatusOn::Cancelled);
        prop_assert!(decide::tick(&license, &cx(then)).unwrap().is_empty());
        prop_assert!(decide::cancel(&license, &Officer::system(), cause, "理由", &cx(then)).is_err());
        prop_assert_eq!(license.index().due_at, None);
    }

    #[test]
    fn the_timer_writes_what_reading_already_said(days in 0_u64..3000) {
        let mut license = license(Some(day("2028-03-15")));
        let on = day("2026-03-16") + chrono::Days::new(days);
        let before = license.status_on(on);
        let events = decide::tick(&license, &cx(on)).unwrap();
        prop_assert_eq!(events.is_empty(), before == StatusOn::Valid);
        fold(&mut license, &events, on);
        prop_assert_eq!(license.status_on(on), before);
        prop_assert!(decide::tick(&license, &cx(on)).unwrap().is_empty());
    }

    #[test]
    fn a_register_counts_one_by_one(cases in prop::collection::vec("[A-Z0-9]{1,8}", 1..30)) {
        let mut register = Register::default();
        for (n, case) in cases.iter().enumerate() {
            let events = register::take(&register, case, &cx(day("2026-03-16"))).unwrap();
            let meta = Meta { at: Timestamp(0), actor: "system".into(), version: 1 };
            events.iter().for_each(|event| register.evolve(event, &meta));
            prop_assert_eq!(register.last as usize, n + 1);
            // one entry is the whole state
            let mut alone = Register::default();
            events.iter().for_each(|event| alone.evolve(event, &meta));
            prop_assert_eq!(alone, register.clone());
        }
    }
}
