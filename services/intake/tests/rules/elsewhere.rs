//! 异地代收: what is received for another region, and its papers on their way.

use chrono::NaiveDate;
use proptest::prelude::*;
use yiwang_intake::application::Actor;
use yiwang_intake::application::decide::{self, Handing, papers_arrived, submit};
use yiwang_intake::catalogue::details::Scope;
use yiwang_intake::catalogue::handling::{HandlingRules, Mode};
use yiwang_intake::elsewhere::decide::{HandOut, Seal, confirm, hand_out, hand_over, lose, recompute, seal, timer};
use yiwang_intake::elsewhere::{
    Custody, CustodyEvent, Direction, Elsewhere, ElsewhereRules, Holder, Matter, Paper, ReceiptDay, Stage,
};
use yiwang_intake::limit::{Limit, Unit};
use yiwang_ledger::{Aggregate, Context, Meta, Personal, StreamId, SubjectId, Timestamp};
use yiwang_standards::calendar::{self, Calendar};

use crate::application as rules;

const HERE: &str = "511681000000";
const THERE: &str = "511602000000";
const ORGAN: &str = "115113016823646795";

fn subject() -> SubjectId {
    SubjectId::parse(&"ab".repeat(32)).expect("a subject")
}

fn limit(days: u32) -> Limit {
    Limit { days, unit: Unit::WorkingDay, unverified: true, ..Limit::default() }
}

fn matter() -> Matter {
    Matter {
        application: StreamId::named("application", "one"),
        applicant: subject(),
        item: "item-1".into(),
        received_in: HERE.into(),
        region: THERE.into(),
        organ: ORGAN.into(),
        rules: ElsewhereRules { receipt: ReceiptDay::Taken, forward: limit(2), transit: limit(5) },
    }
}

fn cx(day: &str) -> Context {
    let day: NaiveDate = day.parse().expect("a day");
    Context {
        now: Timestamp(calendar::start_of_day_micros(day) + 43_200_000_000),
        actor: "staff:clerk".into(),
        version: 0,
        calendar: std::sync::Arc::new(Calendar::builtin().clone()),
        seed: [0; 32],
    }
}

fn by() -> Actor {
    Actor { id: "staff:clerk".into(), ..Actor::default() }
}

fn paper() -> Paper {
    let name = Personal::new(&subject(), "paper", "户口簿原件");
    Paper { material: String::new(), name, originals: 1, copies: 0 }
}

fn ask(direction: Direction, number: &str) -> Seal {
    let holder = match direction {
        Direction::Out => Holder::Window(HERE.into()),
        Direction::Back => Holder::Organ(ORGAN.into()),
    };
    Seal {
        direction,
        seal: number.into(),
        papers: vec![paper()],
        holder,
        ended: direction == Direction::Back,
        originals_only: false,
    }
}

fn coming() -> HandOut {
    let name = Some(Personal::new(&subject(), "name", "张建国"));
    let kind = Some(yiwang_standards::identity::DocumentKind::ResidentId);
    let party = yiwang_intake::application::Party {
        subject: subject(),
        kind,
        number: name.clone(),
        name,
        phone: None,
        address: None,
    };
    HandOut { party, mandates: Vec::new(), own: None, ended: false, result: None }
}

fn fold(custody: &mut Custody, events: Vec<CustodyEvent>, at: Timestamp) {
    for event in events {
        custody.evolve(&event, &Meta { at, actor: String::new(), version: 1 });
    }
}

#[test]
fn what_goes_out_goes_while_the_matter_goes_on_and_what_comes_back_afterwards() {
    let (custody, at) = (Custody::default(), cx("2026-03-02"));
    let why = |ask: &Seal| seal(&custody, &matter(), ask, &by(), &at).unwrap_err().reason;
    assert_eq!(why(&Seal { ended: true, ..ask(Direction::Out, "S1") }), "MATTER_ENDED");
    assert_eq!(why(&Seal { ended: false, ..ask(Direction::Back, "S1") }), "MATTER_NOT_ENDED");
    let back = Seal { ended: false, originals_only: true, ..ask(Direction::Back, "S1") };
    assert!(seal(&custody, &matter(), &back, &by(), &at).is_ok(), "originals go back at any time");
    assert_eq!(why(&Seal { papers: Vec::new(), ..ask(Direction::Out, "S1") }), "PAPERS_MISSING");
}

#[test]
fn a_broken_seal_is_said_in_words_and_a_lost_parcel_goes_nowhere() {
    let (mut custody, at) = (Custody::default(), cx("2026-03-02"));
    let events = seal(&custody, &matter(), &ask(Direction::Out, "S1"), &by(), &at).unwrap();
    fold(&mut custody, events, at.now);
    assert!(custody.on_the_way_out());
    let to = Holder::Window(THERE.into());
    assert_eq!(
        hand_over(&custody, 1, &Holder::Window(HERE.into()), "机要", &by(), &at).unwrap_err().reason,
        "RECEIVER_UNFIT"
    );
    assert_eq!(
        hand_over(&custody, 1, &Holder::Organ("X".into()), "机要", &by(), &at).unwrap_err().reason,
        "RECEIVER_UNFIT"
    );
    assert_eq!(hand_over(&custody, 2, &to, "机要", &by(), &at).unwrap_err().reason, "PARCEL_NOT_FOUND");
    let events = hand_over(&custody, 1, &to, "机要", &by(), &at).unwrap();
    fold(&mut custody, events, at.now);
    assert_eq!(confirm(&custody, 1, true, None, &by(), &at).unwrap_err().reason, "DISCREPANCY_MISSING");
    let text = Personal::new(&subject(), "lost", "邮路遗失");
    let events = lose(&custody, 1, &text, &by()).unwrap();
    fold(&mut custody, events, at.now);
    assert!(!custody.on_the_way_out());
    assert_eq!(lose(&custody, 1, &text, &by()).unwrap_err().reason, "PARCEL_ENDED");
    assert_eq!(hand_over(&custody, 1, &to, "机要", &by(), &at).unwrap_err().reason, "PARCEL_NOT_HELD");
}

/// Where receipt is the arrival, the law accepts nothing while papers are on their way, and five working days after they are there.
#[test]
fn where_receipt_is_the_arrival_no_limit_runs_before_it() {
    for (receipt, waits) in [(ReceiptDay::Taken, false), (ReceiptDay::Arrived, true)] {
        let mut world = rules::World::new().draft().with_files();
        let rules = ElsewhereRules { receipt, ..matter().rules };
        let region = HERE.to_owned();
        let here = Elsewhere { region, organisation: String::new(), rules, waiting: false, arrived: None };
        world.app.elsewhere = Some(Box::new(here));
        std::sync::Arc::make_mut(&mut world.app.item).rules.tell_sooner = Some(limit(2));
        let handing = Handing { on_the_way: true, ..Handing::default() };
        let submitted = submit(&world.app, &world.item, &rules::facts(), &handing, &rules::citizen(), &world.cx());
        world.take(submitted).unwrap();
        world = world.at(2026, 3, 10);
        let tick = decide::timer(&world.app, &world.cx()).unwrap();
        assert_eq!((world.app.waits_for_papers(), tick.is_empty()), (waits, waits));
        let arrived = papers_arrived(&world.app, "2026-03-10".parse().unwrap(), &world.cx());
        assert_eq!(world.take(arrived).unwrap().len(), usize::from(waits));
        if waits {
            assert_eq!(world.app.received(), "2026-03-10".parse().ok());
            // the stricter day of the place runs from then, too
            let sooner = world.app.receipt.as_ref().and_then(|receipt| receipt.tell_sooner.as_ref());
            assert_eq!(sooner.map(|due| due.date.to_string()).as_deref(), Some("2026-03-12"));
            assert!(papers_arrived(&world.app, "2026-03-11".parse().unwrap(), &world.cx()).unwrap().is_empty());
            world = world.at(2026, 3, 17);
            assert!(decide::timer(&world.app, &world.cx()).unwrap().is_empty());
            world = world.at(2026, 3, 18);
            let deemed = decide::timer(&world.app, &world.cx());
            assert_eq!(world.take(deemed).unwrap(), ["DeemedAccepted"]);
        }
    }
}

#[test]
fn an_item_is_received_where_its_list_or_its_scope_says() {
    let open = |modes: &[Mode], receiving: &[&str], scopes: &[Scope], region: &str| {
        let receiving = receiving.iter().map(|code| (*code).to_owned()).collect();
        let handling = HandlingRules { modes: modes.to_vec(), receiving, ..HandlingRules::default() };
        handling.received_in(region, THERE, scopes)
    };
    let received = [Mode::ReceivedElsewhere];
    assert!(open(&received, &["511600000000"], &[], HERE));
    assert!(!open(&received, &["511600000000"], &[Scope::Nation], "510104000000"), "the list goes before the scope");
    assert!(!open(&received, &[], &[], HERE) && !open(&[Mode::Online], &[], &[Scope::Nation], HERE));
    assert!(!open(&received, &[], &[Scope::Nation], THERE), "where it belongs is not elsewhere");
    let reach =
        |scope: Scope| [HERE, "510104000000", "110101000000"].map(|region| open(&received, &[], &[scope], region));
    assert_eq!(reach(Scope::Counties), [true, false, false]);
    assert_eq!(reach(Scope::Cities), [true, true, false]);
    assert_eq!((reach(Scope::Provinces), reach(Scope::Nation)), ([true; 3], [true; 3]));
}

#[derive(Clone, Debug)]
enum Step {
    Seal(bool),
    HandOver(u32, u8),
    Confirm(u32),
    Lose(u32),
    HandOut(u32),
    Day,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        any::<bool>().prop_map(Step::Seal),
        (1..4u32, 0..3u8).prop_map(|(parcel, to)| Step::HandOver(parcel, to)),
        (1..4u32).prop_map(Step::Confirm),
        (1..4u32).prop_map(Step::Lose),
        (1..4u32).prop_map(Step::HandOut),
        Just(Step::Day),
    ]
}

proptest! {
    /// Whatever is tried in whatever order: a parcel is in one hand, each hand-over begins with who held it and all but the last are
    /// confirmed; what has ended stays ended; only what came back is handed out; and whatever is due is found by the timer, once.
    #[test]
    fn a_parcel_is_in_one_hand_or_on_its_way_to_one(steps in proptest::collection::vec(step(), 1..60)) {
        let mut custody = Custody::default();
        let (mut day, mut seals): (NaiveDate, u32) = ("2026-03-02".parse().unwrap(), 0);
        for step in steps {
            let at = cx(&day.to_string());
            let before = custody.clone();
            let tried = match step {
                Step::Seal(out) => {
                    seals += 1;
                    let direction = if out { Direction::Out } else { Direction::Back };
                    seal(&custody, &matter(), &ask(direction, &format!("S{seals}")), &by(), &at)
                }
                Step::HandOver(parcel, to) => {
                    let to = [Holder::Window(HERE.into()), Holder::Window(THERE.into()), Holder::Organ(ORGAN.into())][usize::from(to)].clone();
                    hand_over(&custody, parcel, &to, "机要", &by(), &at)
                }
                Step::Confirm(parcel) => confirm(&custody, parcel, false, None, &by(), &at),
                Step::Lose(parcel) => lose(&custody, parcel, &Personal::new(&subject(), "lost", "遗失"), &by()),
                Step::HandOut(parcel) => hand_out(&custody, parcel, &coming(), &by(), &at),
                Step::Day => {
                    day = day.succ_opt().unwrap();
                    let at = cx(&day.to_string());
                    prop_assert!(recompute(&custody, &at).unwrap().is_empty());
                    let late = timer(&custody, &at).unwrap();
                    fold(&mut custody, late, at.now);
                    prop_assert!(timer(&custody, &at).unwrap().is_empty());
                    continue;
                }
            };
            if let Ok(events) = tried {
                fold(&mut custody, events, at.now);
            }
            for (number, parcel) in custody.numbered() {
                let open = parcel.hand_overs.iter().filter(|one| one.confirmed.is_none()).count();
                prop_assert_eq!(open, usize::from(parcel.stage == Stage::InTransit || (parcel.stage == Stage::Lost && open == 1)));
                prop_assert!(parcel.hand_overs.iter().rev().skip(1).all(|one| one.confirmed.is_some()));
                if parcel.stage == Stage::HandedOut {
                    prop_assert!(parcel.direction == Direction::Back && parcel.holder == matter().receiving());
                }
                let ended = |stage: Stage| matches!(stage, Stage::Lost | Stage::HandedOut);
                if let Some(was) = before.parcel(number).filter(|was| ended(was.stage)) {
                    prop_assert_eq!(was, parcel);
                }
                prop_assert!(!ended(parcel.stage) || (parcel.due.is_none() && !parcel.overdue));
            }
        }
    }
}
