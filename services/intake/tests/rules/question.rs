//! Whatever happens to a question: somebody is responsible, and the asker's date is not moved by hand-overs.

use proptest::prelude::*;
use yiwang_intake::application::Actor;
use yiwang_intake::question::decide::{self, Reply};
use yiwang_intake::question::{Asked, Event, Question, Satisfaction, Stage, rules};
use yiwang_intake::transfer::Organ;
use yiwang_ledger::{Aggregate as _, Context, Meta, Personal, SubjectId, Timestamp};
use yiwang_standards::calendar::Calendar;

const REGION: &str = "511602000000";
/// Noon of 2026-03-02, China standard time.
const NOON: i64 = 1_772_424_000_000_000;
const HOUR: i64 = 3_600_000_000;

fn organ(number: u8) -> Organ {
    Organ { name: format!("机关{number}"), code: format!("ORGAN{number}"), region: REGION.into() }
}

fn text() -> Personal {
    Personal::new(&SubjectId::default(), "text", "例")
}

fn by(number: u8) -> Actor {
    Actor { id: format!("staff:{number}"), ..Actor::default() }
}

fn context(now: i64, question: &Question) -> Context {
    let version = u64::from(question.stage != Stage::Absent);
    Context {
        now: Timestamp(now),
        actor: String::new(),
        version,
        calendar: Calendar::builtin().clone().into(),
        seed: [0; 32],
    }
}

/// One thing that somebody tries, hours after the one before.
#[derive(Clone, Debug)]
enum Act {
    Take(u8),
    HandOn(u8),
    GiveBack,
    Assign(u8),
    Extend,
    Answer(u8),
    Rate(bool),
    Say,
    Withdraw,
    Wait,
}

fn acts() -> impl Strategy<Value = Vec<(Act, i64)>> {
    let act = prop_oneof![
        (0..4_u8).prop_map(Act::Take),
        (0..4_u8).prop_map(Act::HandOn),
        Just(Act::GiveBack),
        (0..4_u8).prop_map(Act::Assign),
        Just(Act::Extend),
        (0..3_u8).prop_map(Act::Answer),
        any::<bool>().prop_map(Act::Rate),
        Just(Act::Say),
        Just(Act::Withdraw),
        Just(Act::Wait),
    ];
    prop::collection::vec((act, 0..60_i64), 1..25)
}

fn run(question: &Question, act: &Act, cx: &Context) -> Vec<Event> {
    let reply = Reply { text: text(), bases: vec!["《例》".into()], published: None };
    let decided = match act {
        Act::Take(number) => decide::take(question, question.reached().unwrap_or(&organ(*number)), &by(*number)),
        Act::HandOn(number) => decide::hand_on(question, &organ(*number), &text(), &by(0), cx),
        Act::GiveBack => decide::give_back(question, &text(), &by(1), cx),
        Act::Assign(number) => decide::assign(question, &organ(*number), &text(), &by(9)),
        Act::Extend => decide::extend(question, &text(), &by(9), cx),
        Act::Answer(number) => decide::answer(question, &reply, &by(*number), cx),
        Act::Rate(good) => {
            let said = if *good { Satisfaction::Satisfied } else { Satisfaction::Dissatisfied };
            decide::rate(question, said, None, &[], &by(8), cx)
        }
        Act::Say => decide::supplement(question, &text(), &by(8), cx),
        Act::Withdraw => decide::withdraw(question, &by(8)),
        Act::Wait => decide::timer(question, cx),
    };
    decided.unwrap_or_default()
}

fn asked(addressed: bool) -> Question {
    let asked = Asked { region: REGION.into(), addressed: addressed.then(|| organ(0)), ..Asked::default() };
    let mut question = Question::default();
    let events = decide::ask(&question, &asked, &text(), &rules::of(REGION), &by(8), &context(NOON, &question));
    apply(&mut question, &events.expect("asked"), NOON);
    question
}

fn apply(question: &mut Question, events: &[Event], now: i64) {
    let meta = Meta { at: Timestamp(now), actor: String::new(), version: 1 };
    events.iter().for_each(|event| question.evolve(event, &meta));
}

proptest! {
    #[test]
    fn once_taken_somebody_is_responsible_and_only_who_took_it_is(addressed in any::<bool>(), acts in acts()) {
        let (mut question, mut now) = (asked(addressed), NOON);
        for (act, hours) in acts {
            now += hours * HOUR;
            let (before, cx) = (question.clone(), context(now, &question));
            let events = run(&question, &act, &cx);
            apply(&mut question, &events, now);
            if before.responsible.is_some() {
                prop_assert!(question.responsible.is_some());
            }
            if before.responsible != question.responsible {
                let taken = |event: &Event| matches!(event, Event::QuestionTaken { .. } | Event::QuestionAssigned { .. });
                prop_assert!(events.iter().any(taken), "{act:?}");
            }
            // moved by an extension, a follow-up and a bad rating alone
            if before.due != question.due {
                prop_assert!(matches!(act, Act::Extend | Act::Say | Act::Rate(false)), "{act:?}");
            }
            prop_assert!(question.hand_ons.len() <= question.rules.hand_ons as usize);
            prop_assert!(question.ratings.iter().filter(|rating| rating.reopened).count() <= 1);
            prop_assert!(question.ratings.len() <= 2);
            let ended = matches!(before.stage, Stage::Closed | Stage::Withdrawn);
            prop_assert!(!ended || events.is_empty(), "{act:?}");
        }
    }

    #[test]
    fn the_timer_leaves_nothing_due(addressed in any::<bool>(), acts in acts()) {
        let (mut question, mut now) = (asked(addressed), NOON);
        for (act, hours) in acts {
            now += hours * HOUR;
            let events = run(&question, &act, &context(now, &question));
            apply(&mut question, &events, now);
            for _ in 0..2 {
                let events = decide::timer(&question, &context(now, &question)).expect("timer");
                apply(&mut question, &events, now);
            }
            prop_assert!(question.index().due_at.is_none_or(|due| due > Timestamp(now)), "{act:?}");
            prop_assert!(question.stage == Stage::Absent || !question.tags().is_empty());
        }
    }
}
