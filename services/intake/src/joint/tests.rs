//! The order of members, by property: whatever they depend on and however they end.

use std::sync::Arc;

use proptest::prelude::*;
use yiwang_ledger::{Aggregate as _, Context, Meta, SubjectId, Timestamp};
use yiwang_standards::calendar::Calendar;

use super::decide::{Step, Told, handed_in, record_step, told};
use super::*;
use crate::application::Actor;

fn cx() -> Context {
    Context {
        now: Timestamp(1),
        actor: "system".into(),
        version: 1,
        calendar: Arc::new(Calendar::builtin().clone()),
        seed: [0; 32],
    }
}

fn apply(joint: &mut Joint, events: Vec<Event>) {
    for event in events {
        joint.evolve(&event, &Meta { at: Timestamp(1), actor: "system".into(), version: 1 });
    }
}

/// A joint application that runs; `after` are the places that each depends on, all of them earlier.
fn running(after: &[Vec<usize>], partners: &[bool]) -> Joint {
    let member = |(place, before): (usize, &Vec<usize>)| Member {
        plan: theme::Member {
            code: format!("m{place}"),
            after: before.iter().map(|other| format!("m{other}")).collect(),
            partner: "银行".into(),
            ..theme::Member::default()
        },
        item: (!partners[place]).then(ItemPin::default),
        standing: Standing::Waiting,
        begun: None,
    };
    let due = crate::limit::Limit::default().due(crate::limit::legal_date(Timestamp(1)), Calendar::builtin());
    let handed = HandedIn {
        at: Timestamp(1),
        by: Actor::system(),
        subject: None,
        staff: false,
        consents: false,
        promises: Vec::new(),
        deferrals: Vec::new(),
        promised: due,
    };
    let mut joint = Joint {
        members: after.iter().enumerate().map(member).collect(),
        phase: Phase::Running,
        handed_in: Some(handed),
        ..Joint::default()
    };
    let released: Vec<Event> = joint
        .members
        .iter()
        .filter(|member| member.plan.after.is_empty())
        .map(|member| Event::MemberReleased { member: member.plan.code.clone() })
        .collect();
    apply(&mut joint, released);
    joint
}

fn order() -> impl Strategy<Value = Vec<Vec<usize>>> {
    let places = |count: usize| {
        let before = (0..count).map(|place| {
            prop::collection::vec(0..place.max(1), 0..3).prop_map(move |mut all| {
                all.retain(|other| *other < place);
                all.sort_unstable();
                all.dedup();
                all
            })
        });
        before.collect::<Vec<_>>()
    };
    (1..7_usize).prop_flat_map(places)
}

proptest! {
    #[test]
    fn each_goes_when_what_it_depends_on_is_there_and_all_end(
        after in order(),
        partners in prop::collection::vec(any::<bool>(), 7),
        ends in prop::collection::vec((0..7_usize, 0..4_u8), 0..60),
    ) {
        let mut joint = running(&after, &partners);
        for (place, end) in ends.iter().copied().chain((0..7).flat_map(|_| (0..7).map(|place| (place, 0)))) {
            let Some(member) = joint.members.get(place) else { continue };
            if matches!(member.standing, Standing::Waiting) {
                continue;
            }
            let code = member.plan.code.clone();
            let events = match (end, member.item.is_some()) {
                (0, true) => told(&joint, &code, &Told::Granted(None), &cx()),
                (1, true) => told(&joint, &code, &Told::Refused, &cx()),
                (2, true) => told(&joint, &code, &Told::Withdrawn, &cx()),
                (_, true) => handed_in(&joint, &code),
                (end, false) => {
                    let remark = Personal::new(&SubjectId::default(), "remark", "材料不符");
                    let step = Step { done: end != 1, number: String::new(), remark: Some(remark) };
                    record_step(&joint, &code, &step, &Actor::system(), &cx()).or_else(|_| Ok(Vec::new()))
                }
            };
            apply(&mut joint, events.map_err(|refusal| TestCaseError::fail(refusal.reason))?);
            for member in &joint.members {
                let before: Vec<&Member> = member.plan.after.iter().filter_map(|code| joint.member(code)).collect();
                let granted = before.iter().all(|other| matches!(other.standing, Standing::Granted { .. }));
                let lost = before.iter().any(|other| other.standing.came_to_nothing());
                match &member.standing {
                    Standing::Waiting => prop_assert!(!granted && !lost),
                    Standing::Cancelled { because } => {
                        prop_assert!(joint.member(because).is_some_and(|other| other.standing.came_to_nothing()));
                    }
                    _ => prop_assert!(granted, "{} went before its turn", member.code()),
                }
            }
        }
        prop_assert_eq!(joint.phase, Phase::Ended);
    }
}
