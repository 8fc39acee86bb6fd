//! Nobody is named in an authorisation but who has it in hand, as far and as long as was written down.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use proptest::prelude::*;
use yiwang_intake::agent::choose::Wanted;
use yiwang_intake::application::Actor;
use yiwang_intake::engagement::{Asked, Authorisation, Engagement, Event, Helper, Stage, decide};
use yiwang_intake::mandate::Act;
use yiwang_ledger::{Aggregate as _, Context, Meta, Personal, SubjectId, Timestamp};
use yiwang_standards::calendar::Calendar;

/// 2026-03-02, noon in China.
const NOON: i64 = 1_772_424_000_000_000;
const DAY: i64 = 86_400_000_000;

fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, day).expect("a day")
}

fn text() -> Personal {
    Personal::new(&SubjectId::default(), "text", "例")
}

fn by(account: &str) -> Actor {
    Actor { id: account.into(), ..Actor::default() }
}

fn helper(account: &str) -> Helper {
    Helper { account: account.into(), ..Helper::default() }
}

fn given(substitution: bool, items: &[&str]) -> Authorisation {
    Authorisation {
        text: text(),
        acts: BTreeSet::from([Act::Apply]),
        items: items.iter().map(|item| (*item).to_owned()).collect(),
        until: day(10),
        substitution,
        agent: None,
        by: by("person:1"),
        at: Timestamp(NOON),
        version: 0,
    }
}

fn asked() -> Asked {
    let items = ["A", "B"].map(str::to_owned).into();
    Asked { wanted: Wanted { region: "511602000000".into(), items, ..Wanted::default() }, ..Asked::default() }
}

fn context(now: i64) -> Context {
    Context {
        now: Timestamp(now),
        actor: String::new(),
        version: 1,
        calendar: Calendar::builtin().clone().into(),
        seed: [0; 32],
    }
}

fn apply(engagement: &mut Engagement, events: &[Event]) {
    let meta = Meta { at: Timestamp(NOON), actor: String::new(), version: 1 };
    events.iter().for_each(|event| engagement.evolve(event, &meta));
}

fn assigned(authorisation: Option<Authorisation>) -> Engagement {
    let mut one = Engagement::default();
    let ask = decide::ask(&one, &asked(), authorisation.as_ref(), &BTreeSet::new(), &by("person:1"), &context(NOON));
    apply(&mut one, &ask.expect("asked"));
    let events = decide::assign(&one, &helper("a"), None, &Actor::system()).expect("assigned");
    apply(&mut one, &events);
    one
}

/// Who may act by it; nobody while nobody is named, and once it is over.
fn who(engagement: &Engagement) -> &str {
    let given = engagement.authorisation.as_ref().filter(|_| engagement.stage.is_open());
    given.and_then(|given| given.agent.as_deref()).unwrap_or_default()
}

#[test]
fn an_authorisation_names_who_has_it_in_hand_and_did_not_enter_it() {
    let one = assigned(Some(given(false, &["A"])));
    assert_eq!(who(&one), "a");
    assert_eq!(who(&assigned(Some(Authorisation { by: by("a"), ..given(false, &[]) }))), "");
    let own = Authorisation { by: by("a"), ..given(true, &[]) };
    assert_eq!(decide::authorise(&one, &own, &context(NOON)).unwrap_err().reason, "AGENT_AUTHORISES_NOT");
    let mut ended = one;
    let events = decide::withdraw(&ended, None, &by("person:1")).expect("withdrawn");
    apply(&mut ended, &events);
    assert_eq!(who(&ended), "");
}

#[test]
fn an_authorisation_passes_on_only_where_the_asker_agreed() {
    for (substitution, next) in [(true, "b"), (false, "")] {
        let mut one = assigned(Some(given(substitution, &[])));
        let offered = decide::offer(&one, &helper("b"), &text(), &by("a")).expect("offered");
        apply(&mut one, &offered);
        assert_eq!(who(&one), "a");
        let accepted = decide::accept(&one, &by("b")).expect("accepted");
        apply(&mut one, &accepted);
        assert_eq!(who(&one), next);
        let anew = decide::authorise(&one, &given(false, &[]), &context(NOON)).expect("authorised");
        apply(&mut one, &anew);
        assert_eq!(who(&one), "b");
    }
}

#[test]
fn what_is_authorised_is_within_what_was_asked_for() {
    let wrong = |given: Authorisation| {
        let none = BTreeSet::new();
        decide::ask(&Engagement::default(), &asked(), Some(&given), &none, &by("x"), &context(NOON)).unwrap_err().reason
    };
    assert_eq!(wrong(given(false, &["C"])), "ITEM_OUT_OF_SCOPE");
    assert_eq!(wrong(Authorisation { acts: BTreeSet::new(), ..given(false, &[]) }), "ACTS_MISSING");
    assert_eq!(
        wrong(Authorisation { until: day(10) + chrono::Months::new(36), ..given(false, &[]) }),
        "PERIOD_INVALID"
    );
    assert_eq!(wrong(Authorisation { until: day(1), ..given(false, &[]) }), "DATE_IN_THE_PAST");
}

proptest! {
    #[test]
    fn once_over_nobody_acts_and_nothing_more_happens(acts in prop::collection::vec((0..9_u8, 0..3_i64), 1..30)) {
        let (mut one, mut now) = (assigned(Some(given(true, &[]))), NOON);
        for (act, days) in acts {
            now += days * DAY;
            let (before, cx) = (one.clone(), context(now));
            let agent = before.helper().map_or("a", |helper| &helper.account).to_owned();
            let other = if agent == "a" { "b" } else { "a" };
            let events = match act {
                0 => decide::offer(&one, &helper(other), &text(), &by(&agent)),
                1 => decide::accept(&one, &by(other)),
                2 => decide::refuse(&one, &text(), &by(other)),
                3 => decide::report(&one, &text(), &by(&agent)),
                4 => decide::confirm(&one, Some(&text()), &by("person:1")),
                5 => decide::confirm(&one, None, &by("person:1")),
                6 => decide::withdraw(&one, None, &by("person:1")),
                7 => decide::assign(&one, &helper(other), Some(&text()), &by("c")),
                _ => decide::timer(&one, &cx),
            }
            .unwrap_or_default();
            apply(&mut one, &events);
            let over = matches!(before.stage, Stage::Closed | Stage::Ended);
            prop_assert!(!over || events.is_empty(), "{act}");
            if !one.stage.is_open() {
                prop_assert_eq!(who(&one), "");
            }
            let settled = decide::timer(&one, &cx).expect("timer");
            apply(&mut one, &settled);
            prop_assert!(one.index().due_at.is_none_or(|due| due > cx.now), "{act}");
        }
    }
}
