//! The order of members, by property: whatever they depend on and however they end.

use std::sync::Arc;

use proptest::prelude::*;
use yiwang_intake::application::decide::Acting;
use yiwang_intake::application::{Actor, Channel, ItemPin, Party};
use yiwang_intake::joint::decide::{
    Create, Step, Told, create, drop_member, handed_in, record_step, resume, stuck, told,
};
use yiwang_intake::joint::{Event, HandedIn, Joint, Member, Mended, Phase, Standing, ThemePin, Whose};
use yiwang_intake::theme::{self, Theme, ThemeFacts};
use yiwang_ledger::{Aggregate, Context, Meta, Personal, Refusal, SubjectId, Timestamp};
use yiwang_standards::calendar::Calendar;

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

fn whose() -> Whose {
    let applicant =
        Party { subject: SubjectId::default(), kind: None, name: None, number: None, phone: None, address: None };
    Whose {
        by: Actor::system(),
        subject: Some(SubjectId::default()),
        by_staff: false,
        channel: Channel::Web,
        applicant,
        agent: None,
    }
}

fn applicant() -> Acting {
    Acting { subject: Some(SubjectId::default()), ..Acting::before(Actor::system()) }
}

fn mended() -> Mended {
    let (by, subject) = (Actor::system(), Some(SubjectId::default()));
    Mended { by, subject, staff: false, form: None, consents: true, promise: None, deferral: None }
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
        item: (!partners[place]).then(std::sync::Arc::<ItemPin>::default),
        standing: Standing::Waiting,
        begun: None,
        mended: None,
    };
    let due =
        yiwang_intake::limit::Limit::default().due(yiwang_intake::limit::legal_date(Timestamp(1)), Calendar::builtin());
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
        whose: Some(whose()),
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
        ends in prop::collection::vec((0..7_usize, 0..7_u8), 0..60),
    ) {
        let mut joint = running(&after, &partners);
        for (place, end) in ends.iter().copied().chain((0..7).flat_map(|_| (0..7).map(|place| (place, 0)))) {
            let Some(member) = joint.members.get(place) else { continue };
            let code = member.plan.code.clone();
            if matches!(member.standing, Standing::Waiting) && end != 6 {
                continue;
            }
            let events = match (end, member.item.is_some()) {
                (0, true) => told(&joint, &code, &Told::Granted(None), &cx()),
                (1, true) => told(&joint, &code, &Told::Refused, &cx()),
                (2, true) => told(&joint, &code, &Told::Withdrawn, &cx()),
                (4, true) => stuck(&joint, &code, &Refusal::state("ITEM_ON_HOLD", "暂停", "on hold")),
                (5, true) => resume(&joint, &code, &mended(), &applicant(), &cx()).or_else(|_| Ok(Vec::new())),
                (6, _) => drop_member(&joint, &code, None, &applicant(), &cx()).or_else(|_| Ok(Vec::new())),
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
                    // given up while it waited
                    Standing::Withdrawn => {}
                    _ => prop_assert!(granted, "{} went before its turn", member.code()),
                }
            }
        }
        prop_assert_eq!(joint.phase, Phase::Ended);
    }
}

#[test]
fn an_item_that_the_public_does_not_see_is_no_partners_step() {
    let member = theme::Member { code: "permit".into(), item: "511A".into(), ..theme::Member::default() };
    let theme = Theme {
        facts: ThemeFacts { code: "inn".into(), members: vec![member.clone()], ..ThemeFacts::default() },
        ..Theme::default()
    };
    let ask = Create {
        pin: ThemePin::default(),
        answers: serde_json::json!({}),
        whose: whose(),
        form: None,
        items: yiwang_intake::theme::decide::Items::new(),
        pins: std::collections::BTreeMap::new(),
    };
    let refused = create(&Joint::default(), &theme, &ask, &applicant(), &cx()).expect_err("not open");
    let field = &refused.fields[0];
    assert_eq!(
        (refused.reason, field.field.as_str(), field.reason.as_str()),
        ("MEMBERS_NOT_OPEN", "members.permit", "ITEM_NOT_FOUND")
    );
    // one that was begun before is nobody's to grant at a window
    let mut joint = running(&[Vec::new()], &[true]);
    joint.members[0].plan.item = "511A".into();
    let step = Step { done: true, number: "1".into(), remark: None };
    let refused = record_step(&joint, "m0", &step, &Actor::system(), &cx()).expect_err("an organ's");
    assert_eq!(refused.reason, "NOT_A_PARTNERS_STEP");
}
