//! Visitors, by random hands in random order; phases by example.

use std::sync::Arc;

use chrono::{Days, NaiveDate};
use proptest::prelude::*;
use yiwang_intake::appointment::visitor::{self, Claim, NoShow, Objection, Terms, Visitor};
use yiwang_intake::appointment::{Appointment, Phase, Turned, turned};
use yiwang_intake::reception::{Clock, NoShowRule};
use yiwang_ledger::{Aggregate as _, Context, Meta, StreamId, SubjectId};
use yiwang_standards::calendar::Calendar;

const RULE: NoShowRule = NoShowRule { count: 2, days: 30, bar_days: 20 };

fn day(n: u64) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, 1).unwrap().checked_add_days(Days::new(n)).unwrap()
}

fn on(n: u64) -> Context {
    Context {
        now: Clock(480).on(day(n)),
        actor: String::new(),
        version: 0,
        calendar: Arc::new(Calendar::builtin().clone()),
        seed: [0; 32],
    }
}

fn id(n: u8) -> StreamId {
    StreamId::named("test", &n.to_string())
}

fn write(visitor: &mut Visitor, events: &[visitor::VisitorEvent]) {
    let meta = Meta { at: Clock(0).on(day(0)), actor: String::new(), version: 1 };
    events.iter().for_each(|event| visitor.evolve(event, &meta));
}

fn missed(n: u8, date: u64) -> NoShow {
    NoShow { appointment: id(n), hall: "H1".into(), date: day(date), rule: RULE, excused: false }
}

#[test]
fn a_bar_rests_on_the_no_shows_that_count_within_the_window() {
    let mut visitor = Visitor::default();
    write(&mut visitor, &visitor::no_show(&Visitor::default(), &missed(1, 0)).unwrap());
    assert_eq!(visitor.barred_until("H1"), None);
    // the 31st day after is outside the window, the 30th day within
    let with = |date| {
        let mut other = visitor.clone();
        write(&mut other, &visitor::no_show(&visitor, &missed(2, date)).unwrap());
        other
    };
    assert_eq!(with(30).barred_until("H1"), None);
    let mut barred = with(29);
    assert_eq!((barred.barred_until("H1"), barred.barred_until("H2")), (Some(day(49)), None));
    let claim = Claim {
        appointment: id(9),
        turn: 0,
        hall: "H1".into(),
        from: Clock(540).on(day(60)),
        until: Clock(570).on(day(60)),
    };
    let asked = |visitor: &Visitor, n, online| visitor.objection(&claim, Terms { open_bookings: 3, online }, on(n).now);
    assert_eq!(asked(&barred, 49, true), Some(Objection::Barred(day(49))));
    assert_eq!((asked(&barred, 50, true), asked(&barred, 49, false)), (None, None));
    let forgiven = visitor::forgive(&barred, id(1)).unwrap();
    write(&mut barred, &forgiven);
    assert_eq!(barred.barred_until("H1"), None);
    assert!(visitor::forgive(&barred, id(1)).unwrap().is_empty());
}

#[test]
fn what_has_ended_stays_and_a_place_that_was_left_says_nothing() {
    for phase in [Phase::Served, Phase::Missed, Phase::Lapsed] {
        let app = Appointment { phase, turn: 1, ..Appointment::default() };
        for what in [Turned::Served, Turned::Missed, Turned::Lapsed, Turned::HallClosed("例".into())] {
            assert!(turned(&app, 1, &what).unwrap().is_empty());
        }
    }
    let app = Appointment { phase: Phase::Booked, turn: 1, ..Appointment::default() };
    assert!(turned(&app, 0, &Turned::Missed).unwrap().is_empty());
    assert_eq!(turned(&app, 1, &Turned::Missed).unwrap().len(), 1);
}

proptest! {
    #[test]
    fn nobody_is_in_two_places_or_holds_more_than_the_limit(
        acts in proptest::collection::vec((0u8..8, 0u32..3, 0u16..20, 1u16..4, any::<bool>(), any::<bool>()), 1..60),
        most in 1u8..5,
    ) {
        let mut visitor = Visitor::default();
        for (n, turn, from, length, other, settle) in acts {
            if settle {
                let events = visitor::settle(&visitor, id(n)).unwrap();
                write(&mut visitor, &events);
                continue;
            }
            let claim = Claim {
                appointment: id(n),
                turn,
                hall: if other { "H2" } else { "H1" }.into(),
                from: Clock(540 + 10 * from).on(day(1)),
                until: Clock(540 + 10 * (from + length)).on(day(1)),
            };
            let terms = Terms { open_bookings: most, online: true };
            let events = visitor::claim(&visitor, &SubjectId::default(), &claim, terms, &on(0)).unwrap();
            if visitor.claims.contains(&claim) {
                prop_assert!(events.is_empty());
                continue;
            }
            prop_assert_eq!(events.len(), 1);
            write(&mut visitor, &events);
            let booked = yiwang_intake::queue::Booked { appointment: id(n), turn };
            let had = visitor.claims.contains(&claim);
            prop_assert_eq!(had, visitor.verdict(booked).is_ok());
            for (index, one) in visitor.claims.iter().enumerate() {
                let meets = |other: &Claim| one.from < other.until && other.from < one.until;
                prop_assert!(!visitor.claims[..index].iter().any(meets));
                prop_assert!(!visitor.claims[..index].iter().any(|other| other.appointment == one.appointment));
            }
            prop_assert!(visitor.open_in("H1") <= usize::from(most) && visitor.open_in("H2") <= usize::from(most));
        }
    }
}
