//! 委托: who acts for whom, and for how long.

use chrono::NaiveDate;
use proptest::prelude::*;
use yiwang_intake::application::{Actor, Party};
use yiwang_intake::mandate::{Act, Ended, Grant, Kind, Mandate};
use yiwang_ledger::{Personal, SubjectId, Timestamp};
use yiwang_standards::identity::DocumentKind;

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

fn party(letter: char, kind: DocumentKind) -> Party {
    let subject = SubjectId::parse(&letter.to_string().repeat(64)).expect("a subject");
    let number = Some(Personal::new(&subject, "number", "1"));
    Party { kind: Some(kind), name: None, number, phone: None, address: None, subject }
}

fn granted(from: NaiveDate, until: NaiveDate, items: Vec<String>, acts: Vec<Act>) -> Mandate {
    let grant = Grant {
        principal: party('a', DocumentKind::ResidentId),
        agent: party('b', DocumentKind::ResidentId),
        kind: Kind::Entrusted,
        items,
        acts,
        from,
        until,
        evidence: None,
        region: String::new(),
        helping: None,
    };
    Mandate { grant: Some(Box::new(grant)), ..Mandate::default() }
}

#[test]
fn a_company_has_no_guardian_and_a_person_no_employees() {
    let company = Some(DocumentKind::Uscc);
    assert!(Kind::Employee.fits(company) && !Kind::Guardian.fits(company) && !Kind::Family.fits(company));
    let person = Some(DocumentKind::ResidentId);
    assert!(!Kind::Employee.fits(person) && !Kind::LegalRepresentative.fits(person) && Kind::Guardian.fits(person));
}

proptest! {
    #[test]
    fn nothing_is_covered_outside_days_items_acts_and_persons(from in 0u64..40, length in 0u64..40, on in 0u64..90, item in "[ab]{1,4}", begins in "[ab]{0,2}", ended: bool) {
        let start = day("2026-03-02");
        let at = |days: u64| start + chrono::Days::new(days);
        let mut mandate = granted(at(from), at(from + length), if begins.is_empty() { vec![] } else { vec![begins.clone()] }, vec![Act::Apply]);
        if ended {
            let subject = party('a', DocumentKind::ResidentId).subject;
            mandate.ended = Some(Ended { reason: Personal::new(&subject, "reason", "x"), at: Timestamp(0), by: Actor::default() });
        }
        let (principal, agent) = (party('a', DocumentKind::ResidentId).subject, party('b', DocumentKind::ResidentId).subject);
        let expected = !ended && from <= on && on <= from + length && item.starts_with(&begins);
        prop_assert_eq!(mandate.covers(&principal, &agent, &item, Act::Apply, at(on)), expected);
        prop_assert!(!mandate.covers(&agent, &principal, &item, Act::Apply, at(on)));
        prop_assert!(!mandate.covers(&principal, &agent, &item, Act::Withdraw, at(on)));
    }
}
