//! The rules of drafting, by random hands in random order.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use yiwang_intake::application::{Actor, Channel};
use yiwang_intake::catalogue::ItemFacts;
use yiwang_intake::catalogue::details::{Details, Served};
use yiwang_intake::catalogue::facts::{Condition, Material, Outcome, ResultKind};
use yiwang_intake::drafting::decide::{self, Say};
use yiwang_intake::drafting::{Draft, Event, Risk, Stage};
use yiwang_intake::limit::{Limit, Source};
use yiwang_ledger::{Aggregate as _, Context, Decision, Meta, Timestamp};
use yiwang_standards::calendar::Calendar;

#[derive(Clone, Debug)]
enum Act {
    Save(u8),
    Submit,
    Examine(Stage, bool),
    Publish,
    Abandon,
}

fn act() -> impl Strategy<Value = Act> {
    let stage = prop_oneof![Just(Stage::Review), Just(Stage::Legality), Just(Stage::Risks), Just(Stage::Ready)];
    prop_oneof![
        2 => any::<u8>().prop_map(Act::Save),
        3 => Just(Act::Submit),
        8 => (stage, prop::bool::weighted(0.9)).prop_map(|(stage, passed)| Act::Examine(stage, passed)),
        3 => Just(Act::Publish),
        1 => Just(Act::Abandon),
    ]
}

fn facts(visits: u8) -> ItemFacts {
    let limit =
        Limit {
            days: 20, basis: "《行政许可法》第四十二条".into(), source: Source::Statute, ..Limit::default()
        };
    ItemFacts {
        code: "item-1".into(),
        item_type: 1,
        bases: vec!["《公共场所卫生管理条例》第四条".into()],
        legal_limit: limit.clone(),
        promised_limit: limit,
        form_schema: "{}".into(),
        remedies: "可以申请行政复议。".into(),
        rules: "licensing".into(),
        result: Outcome { kind: ResultKind::Document, ..Outcome::default() },
        visits: u32::from(visits),
        conditions: vec![Condition {
            text: "有固定场所".into(), basis: "《公共场所卫生管理条例》第四条".into()
        }],
        materials: vec![Material {
            code: "plan".into(),
            name: "平面图".into(),
            basis: "《公共场所卫生管理条例》第四条".into(),
            ..Material::default()
        }],
        details: Details {
            channels: vec![Channel::Post],
            served: vec![Served::Person],
            quantity: "无".into(),
            enquiries: "0826-12345".into(),
            complaints: "12345".into(),
            ..Details::default()
        },
        ..ItemFacts::default()
    }
}

fn hand(index: u8) -> Actor {
    Actor { id: format!("staff:{index}"), ..Actor::default() }
}

fn cx() -> Context {
    let calendar = Arc::new(Calendar::builtin().clone());
    Context { now: Timestamp(1_772_413_200_000_000), actor: "a".into(), version: 1, calendar, seed: [7; 32] }
}

fn decided(draft: &Draft, act: &Act, by: &Actor) -> Decision<Event> {
    match act {
        Act::Save(visits) => decide::save(draft, &facts(*visits), by),
        Act::Submit => decide::submit(draft, &[], by),
        Act::Examine(stage, passed) => {
            let risks = vec![Risk { text: "自由裁量".into(), measure: "两人审核".into() }];
            // who is to publish it only ever returns it
            let passed = *passed && *stage != Stage::Ready;
            decide::examine(draft, &Say { stage: *stage, passed, opinion: "可行".into(), risks }, by)
        }
        Act::Publish => decide::publish(draft, None, &[], None, by, &cx()),
        Act::Abandon => decide::abandon(draft, "例", by),
    }
}

/// The hands in a draft, as its history alone tells of them.
#[derive(Default)]
struct Told {
    wrote: BTreeSet<String>,
    passed: Vec<(Stage, String)>,
    published_by: Option<String>,
}

impl Told {
    fn hear(&mut self, event: &Event) {
        match event {
            Event::DraftBegun { by, .. } | Event::DraftSaved { by, .. } => drop(self.wrote.insert(by.id.clone())),
            Event::DraftSubmitted { by } => {
                self.wrote.insert(by.id.clone());
                self.passed.clear();
            }
            Event::DraftPassed { stage, by, .. } => self.passed.push((*stage, by.id.clone())),
            Event::DraftPublished { by, .. } => self.published_by = Some(by.id.clone()),
            Event::DraftReturned { .. } | Event::DraftAbandoned { .. } => {}
        }
    }

    fn assert_four_eyes(&self) {
        let Some(publisher) = &self.published_by else { return };
        let stages: Vec<_> = self.passed.iter().map(|(stage, _)| *stage).collect();
        assert_eq!(stages, [Stage::Review, Stage::Legality, Stage::Risks]);
        let mut hands: BTreeSet<&String> = self.passed.iter().map(|(_, by)| by).collect();
        hands.insert(publisher);
        assert_eq!(hands.len(), 4, "each step by another person");
        assert!(hands.iter().all(|by| !self.wrote.contains(*by)), "nobody passes what they wrote");
    }
}

/// Without this the property below could hold because nothing is ever published.
#[test]
fn a_draft_that_passes_through_other_hands_is_published() {
    let mut draft = Draft::default();
    let mut take = |events: Vec<Event>| {
        for event in events {
            draft.evolve(&event, &Meta { at: Timestamp(0), actor: "a".into(), version: 1 });
        }
        draft.clone()
    };
    let mut now = take(decide::begin(&Draft::default(), &facts(0), &hand(0)).unwrap());
    let reviews = [Stage::Review, Stage::Legality, Stage::Risks].map(|stage| Act::Examine(stage, true));
    let acts = std::iter::once(Act::Submit).chain(reviews).chain([Act::Publish]);
    for (by, act) in (0u8..).zip(acts) {
        now = take(decided(&now, &act, &hand(by)).unwrap());
    }
    assert_eq!(now.stage, Stage::Published);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_published_passed_every_review_by_other_hands(acts in prop::collection::vec((act(), 0u8..7), 1..60)) {
        let (mut draft, mut told, mut version) = (Draft::default(), Told::default(), 0);
        let mut take = |draft: &mut Draft, told: &mut Told, events: Vec<Event>| {
            for event in events {
                version += 1;
                told.hear(&event);
                draft.evolve(&event, &Meta { at: Timestamp(0), actor: "a".into(), version });
            }
        };
        let begun = decide::begin(&draft, &facts(0), &hand(0)).unwrap();
        take(&mut draft, &mut told, begun);
        for (act, by) in &acts {
            let closed = !draft.stage.is_open();
            let events = decided(&draft, act, &hand(*by)).unwrap_or_default();
            prop_assert!(!closed || events.is_empty(), "what is closed stays closed: {:?}", events);
            take(&mut draft, &mut told, events);
            told.assert_four_eyes();
        }
    }
}
