//! The rules of an evaluation, without a ledger.

use std::sync::Arc;

use proptest::prelude::*;
use yiwang_evaluation::evaluation::decide::{self, Rate};
use yiwang_evaluation::evaluation::{Evaluation, Event, Finding, Officer, Right, Satisfaction};
use yiwang_ledger::{Aggregate, Context, Meta, Personal, Refusal, SubjectId, Timestamp};
use yiwang_standards::calendar::{Calendar, start_of_day_micros};

const GRADES: [Satisfaction; 5] = [
    Satisfaction::VerySatisfied,
    Satisfaction::Satisfied,
    Satisfaction::BasicallySatisfied,
    Satisfaction::Dissatisfied,
    Satisfaction::VeryDissatisfied,
];

fn cx(now: Timestamp) -> Context {
    cx_with(now, Calendar::builtin().clone())
}

fn cx_with(now: Timestamp, calendar: Calendar) -> Context {
    Context { now, actor: "person:citizen".into(), version: 1, calendar: Arc::new(calendar), seed: [0; 32] }
}

fn at(day: &str) -> Timestamp {
    Timestamp(start_of_day_micros(day.parse().unwrap()) + 36_000_000_000)
}

fn right() -> Right {
    let subject = SubjectId::parse(&"ab".repeat(32)).unwrap();
    let personal = |field| Personal::new(&subject, field, "x");
    Right {
        case_number: "N".into(),
        service_number: 1,
        item_code: "I".into(),
        item_name: "公共场所卫生许可新办".into(),
        department: "区卫健局".into(),
        department_code: "O".into(),
        region: "511602000000".into(),
        service_name: "作出准予决定".into(),
        service_time: at("2026-03-16"),
        handlers: vec!["staff:approver".into()],
        owner: "person:citizen".into(),
        owner_subject: None,
        name: personal("name"),
        document_kind: 1,
        document_number: personal("document_number"),
        subject: subject.clone(),
    }
}

fn rate(satisfaction: Satisfaction, anonymous: bool) -> Rate {
    Rate { satisfaction, tags: Vec::new(), text: "  ".into(), channel: 1, anonymous }
}

fn officer(id: &str) -> Officer {
    Officer { id: id.into(), ..Officer::default() }
}

fn fold(evaluation: &mut Evaluation, now: Timestamp, decided: Result<Vec<Event>, Refusal>) -> usize {
    let Ok(events) = decided else { return 0 };
    let meta = Meta { at: now, actor: "person:citizen".into(), version: 1 };
    events.iter().for_each(|event| evaluation.evolve(event, &meta));
    events.len()
}

fn opened() -> Evaluation {
    let (mut evaluation, now) = (Evaluation::default(), at("2026-03-16"));
    let decided = decide::open(&evaluation, &right(), &cx(now));
    fold(&mut evaluation, now, decided);
    evaluation
}

#[test]
fn named_or_not_a_bad_grade_has_the_same_day_and_says_that_no_rule_here_sets_it() {
    for anonymous in [true, false] {
        let (mut evaluation, now) = (opened(), at("2026-09-30"));
        let decided = decide::rate(&evaluation, &rate(Satisfaction::Dissatisfied, anonymous), &cx(now));
        fold(&mut evaluation, now, decided);
        let duty = evaluation.duty.unwrap();
        assert_eq!((duty.due.date, duty.due.limit.unverified), ("2026-10-08".parse().unwrap(), true));
        assert!(
            duty.due.limit.basis.contains("参照") && duty.due.limit.basis.contains("待主管部门确认"),
            "{}",
            duty.due.limit.basis
        );
    }
}

/// A year made up for the test: as many rest days as a year must have, its first day among them.
fn with_2027() -> Calendar {
    let days = "01-01 02-06 02-07 02-08 04-05 05-01 06-09 09-15 10-01 10-02 10-03 10-04 10-05 10-06 10-07";
    let days: Vec<String> = days.split(' ').map(|day| format!("2027-{day},holiday,假日")).collect();
    Calendar::builtin().with_year(&format!("# covers: 2027\n{}\n", days.join("\n"))).unwrap()
}

/// The first day of 2027 rests, as is known later, and so moves the day from a Friday to a Monday.
#[test]
fn a_day_that_moves_has_not_passed_until_it_does() {
    let (mut evaluation, now) = (opened(), at("2026-12-31"));
    let decided = decide::rate(&evaluation, &rate(Satisfaction::Dissatisfied, false), &cx(now));
    fold(&mut evaluation, now, decided);
    let decided = decide::tick(&evaluation, &cx(at("2027-01-02")));
    fold(&mut evaluation, at("2027-01-02"), decided);
    assert!(evaluation.duty.as_ref().unwrap().overdue);
    let year = with_2027();
    let mut overdue_on = |day| {
        let decided = decide::tick(&evaluation, &cx_with(at(day), year.clone()));
        fold(&mut evaluation, at(day), decided);
        let duty = evaluation.duty.as_ref().unwrap();
        (duty.due.date, duty.overdue, evaluation.index().due_at.is_some())
    };
    let moved = "2027-01-04".parse().unwrap();
    assert_eq!(overdue_on("2027-01-03"), (moved, false, true));
    assert_eq!(overdue_on("2027-01-05"), (moved, true, false));
}

#[test]
fn blank_words_are_no_words() {
    let (mut evaluation, now) = (opened(), at("2026-03-16"));
    let decided = decide::rate(&evaluation, &rate(Satisfaction::Satisfied, false), &cx(now));
    fold(&mut evaluation, now, decided);
    assert!(evaluation.rating.unwrap().text.is_none());
}

#[test]
fn a_right_opened_for_somebody_else_is_refused() {
    let other = Right { subject: SubjectId::parse(&"cd".repeat(32)).unwrap(), ..right() };
    let refusal = decide::open(&opened(), &other, &cx(at("2026-03-16"))).unwrap_err();
    assert_eq!(refusal.reason, "RIGHT_EXISTS");
}

#[derive(Clone, Debug)]
enum Act {
    Rate(usize, bool),
    Reply(bool),
    Tick,
    Wait(u8),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        (0_usize..5, any::<bool>()).prop_map(|(grade, anonymous)| Act::Rate(grade, anonymous)),
        any::<bool>().prop_map(Act::Reply),
        Just(Act::Tick),
        (0_u8..5).prop_map(Act::Wait),
    ];
    prop::collection::vec(act, 0..20)
}

proptest! {
    #[test]
    fn a_grade_once_given_is_never_changed_and_bad_ones_alone_are_answered(acts in acts()) {
        let (mut evaluation, mut now) = (opened(), at("2026-03-16"));
        for act in acts {
            let before = evaluation.clone();
            let decided = match act {
                Act::Rate(grade, anonymous) => decide::rate(&evaluation, &rate(GRADES[grade], anonymous), &cx(now)),
                Act::Reply(handler) => {
                    let by = officer(if handler { "staff:approver" } else { "staff:clerk" });
                    decide::reply(&evaluation, &by, Finding::Explained, "说明", &cx(now))
                }
                Act::Tick => decide::tick(&evaluation, &cx(now)),
                Act::Wait(days) => {
                    now.0 += i64::from(days) * 86_400_000_000;
                    Ok(Vec::new())
                }
            };
            fold(&mut evaluation, now, decided);
            prop_assert!(before.rating.is_none() || before.rating == evaluation.rating);
            prop_assert!(before.reply.is_none() || before.reply == evaluation.reply);
            let bad = evaluation.rating.as_ref().is_some_and(|rating| rating.satisfaction.is_bad());
            prop_assert_eq!(evaluation.duty.is_some(), bad);
            prop_assert!(evaluation.reply.as_ref().is_none_or(|reply| bad && reply.by.id != "staff:approver"));
        }
    }

    #[test]
    fn the_organ_sees_nothing_before_there_is_a_grade(grade in 0_usize..5, anonymous in any::<bool>()) {
        let (mut evaluation, now) = (opened(), at("2026-03-16"));
        let seen = |evaluation: &Evaluation| evaluation.tags().iter().any(|tag| tag.value == "org:O");
        prop_assert!(!seen(&evaluation));
        let decided = decide::rate(&evaluation, &rate(GRADES[grade], anonymous), &cx(now));
        fold(&mut evaluation, now, decided);
        prop_assert!(seen(&evaluation));
        prop_assert_eq!(evaluation.tags().iter().any(|tag| tag.name == "case"), !anonymous);
    }

    #[test]
    fn a_timer_that_ran_has_nothing_left_to_do(grade in 0_usize..5, days in 0_i64..30) {
        let (mut evaluation, mut now) = (opened(), at("2026-03-16"));
        let decided = decide::rate(&evaluation, &rate(GRADES[grade], false), &cx(now));
        fold(&mut evaluation, now, decided);
        now.0 += days * 86_400_000_000;
        let decided = decide::tick(&evaluation, &cx(now));
        fold(&mut evaluation, now, decided);
        prop_assert_eq!(decide::tick(&evaluation, &cx(now)).unwrap().len(), 0);
        prop_assert!(evaluation.index().due_at.is_none_or(|due| due > now));
    }
}
