//! Whatever happens, a delivery ends once, and what has ended stays as it ended.

use std::sync::Arc;

use chrono::NaiveDate;
use proptest::prelude::*;
use yiwang_intake::application::{Actor, Party};
use yiwang_intake::delivery::carrier::{Said, Seen};
use yiwang_intake::delivery::{
    Delivery, Event, Facts, Left, Manner, Part, Recipient, Served, Stage, decide, locker, post,
};
use yiwang_ledger::{Aggregate as _, Context, Decision, Meta, Personal, StreamId, SubjectId, Timestamp};
use yiwang_standards::calendar::Calendar;
use yiwang_standards::identity::DocumentKind;

fn subject() -> SubjectId {
    SubjectId::parse(&"ab".repeat(32)).unwrap()
}

fn personal(text: &str) -> Personal {
    Personal::new(&subject(), "text", text)
}

fn party(subject: SubjectId) -> Party {
    let name = Some(Personal::new(&subject, "name", "张建国"));
    let number = Some(Personal::new(&subject, "number", "511602198503120016"));
    Party { subject, kind: Some(DocumentKind::ResidentId), name, number, phone: None, address: None }
}

fn application() -> StreamId {
    StreamId::named("application", "delivery")
}

fn facts() -> Facts {
    Facts {
        parts: vec![Part {
            application: application(),
            item: "511A".into(),
            name: "例".into(),
            organisation: "115113016823646795".into(),
            case_number: "1".into(),
            due: None,
        }],
        addressee: party(subject()),
        audiences: vec!["person:x".into()],
        region: "511602000000".into(),
        decided: NaiveDate::from_ymd_opt(2026, 3, 2).unwrap(),
    }
}

fn served() -> Served {
    Served { application: application(), name: "许可证".into(), number: "1".into(), license: String::new() }
}

#[derive(Clone, Debug)]
enum Act {
    Tell { there: bool, gathers: bool, other: bool },
    Gathered,
    End { lost: bool },
    Choose(u8),
    Collect(bool),
    Arrive,
    Dispatch,
    Said { parcel: usize, said: u8 },
    Remade,
    Put,
    Open { right: bool },
    PutBack,
    Leave,
    Timer { hours: i64 },
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let one = prop_oneof![
        3 => (any::<bool>(), any::<bool>(), prop::bool::weighted(0.3))
            .prop_map(|(there, gathers, other)| Act::Tell { there, gathers, other }),
        1 => Just(Act::Gathered),
        1 => any::<bool>().prop_map(|lost| Act::End { lost }),
        5 => (0u8..4).prop_map(Act::Choose),
        1 => any::<bool>().prop_map(Act::Collect),
        1 => Just(Act::Arrive),
        4 => Just(Act::Dispatch),
        6 => (any::<usize>(), 0u8..4).prop_map(|(parcel, said)| Act::Said { parcel, said }),
        2 => Just(Act::Remade),
        4 => Just(Act::Put),
        4 => prop::bool::weighted(0.2).prop_map(|right| Act::Open { right }),
        3 => Just(Act::PutBack),
        1 => Just(Act::Leave),
        3 => (1i64..100).prop_map(|hours| Act::Timer { hours }),
    ];
    proptest::collection::vec(one, 1..60)
}

fn run(delivery: &Delivery, act: &Act, cx: &Context) -> Option<Decision<Event>> {
    let by = Actor { id: "staff:clerk".into(), ..Actor::system() };
    Some(match act {
        Act::Tell { there, gathers, other } => {
            let (mut facts, mut served) = (facts(), served());
            if *other {
                let application = StreamId::named("application", "other");
                (facts.parts[0].application, served.application) = (application, application);
            }
            let done = decide::tell(
                delivery,
                &facts,
                decide::limit(1, true).as_ref(),
                (there.then_some(&served), *gathers),
                cx,
            );
            // nothing is added to what waits for nothing more
            if delivery.stage != Stage::Absent && delivery.gathers_until.is_none() && !delivery.has(served.application)
            {
                assert!(done.as_ref().is_ok_and(Vec::is_empty));
            }
            done
        }
        Act::Gathered => decide::gathered(delivery),
        Act::End { lost } => post::end(
            delivery,
            if *lost { yiwang_intake::delivery::Ended::Lost } else { yiwang_intake::delivery::Ended::Returned },
            "例",
            &by,
        ),
        Act::Choose(which) => {
            let recipient = || Recipient { name: personal("张"), phone: personal("1"), address: personal("路") };
            let manner = match which {
                0 => Manner::Window,
                1 => Manner::Post(Box::new(recipient())),
                2 => Manner::Locker { site: "A".into() },
                _ => Manner::Electronic,
            };
            decide::choose(delivery, &decide::Choose { manner, consent: true, offered: true }, &by)
        }
        Act::Collect(own) => {
            let other = SubjectId::parse(&"cd".repeat(32)).unwrap();
            let who = party(if *own { subject() } else { other });
            let done = decide::collect(delivery, &who, &[], (&by, None), cx);
            if !own {
                assert!(done.is_err(), "nobody collects for another without a mandate");
            }
            done
        }
        Act::Arrive => decide::arrive(delivery, cx),
        Act::Dispatch => post::dispatch(delivery, "", &by, cx),
        Act::Said { parcel, said } => {
            let parcel = delivery.parcels.get(parcel.checked_rem(delivery.parcels.len())?)?;
            let moves = vec![Seen { at: Timestamp(1), text: "已揽收".into() }; 2];
            let said = match said {
                0 => Said::UnderWay { tracking: "E1".into(), moves },
                1 => Said::Delivered { signed_by: "张".into(), moves },
                2 => Said::Returned { reason: "查无此人".into(), moves },
                _ => Said::Lost { reason: "丢失".into(), moves },
            };
            post::said(delivery, &parcel.number, &said, cx)
        }
        Act::Remade => decide::remade(delivery, "", &[], &by),
        Act::Put => locker::put(delivery, "01", &by, cx),
        Act::Open { right } => {
            let code = delivery.compartment.as_ref().and_then(|one| one.code.get()).unwrap_or_default().to_owned();
            locker::open(delivery, if *right { &code } else { "x" }, &by, cx)
        }
        Act::PutBack => locker::put_back(delivery, &by),
        Act::Leave => {
            let (reason, place) = (personal("拒收"), personal("住所"));
            let left = Left { reason, place, witnesses: vec![personal("李")], evidence: String::new() };
            decide::leave(delivery, &left, &by, cx)
        }
        Act::Timer { .. } => decide::timer(delivery, cx),
    })
}

proptest! {
    #[test]
    fn it_ends_once_and_what_has_ended_stays(acts in acts()) {
        let (mut delivery, mut now) = (Delivery::default(), 1_772_413_200_000_000i64);
        for (place, act) in acts.into_iter().enumerate() {
            if let Act::Timer { hours } = act {
                now += hours * 3_600_000_000;
            }
            let mut seed = [0; 32];
            seed[0] = u8::try_from(place).unwrap();
            let calendar = Arc::new(Calendar::builtin().clone());
            let cx = Context { now: Timestamp(now), actor: String::new(), version: 0, calendar, seed };
            let before = delivery.clone();
            let Some(Ok(events)) = run(&delivery, &act, &cx) else { continue };
            for event in &events {
                delivery.evolve(event, &Meta { at: Timestamp(now), actor: String::new(), version: 1 });
            }
            if before.outcome.is_some() {
                prop_assert_eq!(&delivery.outcome, &before.outcome, "after {:?}", act);
                prop_assert_eq!(delivery.stage, Stage::Delivered);
            }
            prop_assert_eq!(delivery.outcome.is_some(), delivery.stage == Stage::Delivered);
            prop_assert!(delivery.gathers_until.is_none() || delivery.stage == Stage::Preparing, "{:?}", delivery);
            let lies = matches!(delivery.stage, Stage::InLocker | Stage::Lapsed);
            prop_assert_eq!(delivery.compartment.is_some(), lies, "after {:?}", act);
            prop_assert_eq!(delivery.keys().len(), usize::from(lies));
            let open = delivery.parcels.iter().filter(|parcel| parcel.ended.is_none()).count();
            prop_assert_eq!(open, usize::from(delivery.stage == Stage::InPost), "after {:?}", act);
            for (old, new) in before.parcels.iter().zip(&delivery.parcels) {
                prop_assert!(old.ended.is_none() || old.ended == new.ended, "after {:?}", act);
            }
            prop_assert!(delivery.parcels.iter().all(|parcel| parcel.moves.len() <= 1), "a move stands twice");
            // what the timer has done moves it on
            if matches!(act, Act::Timer { .. }) {
                prop_assert!(delivery.index().due_at.is_none_or(|at| at > Timestamp(now)), "{:?}", delivery);
            }
            prop_assert!(delivery.compartment.as_ref().is_none_or(|one| one.wrong <= locker::TRIES));
        }
    }
}
