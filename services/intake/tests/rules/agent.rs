//! 指派规则: the same whatever the order, in the region, and never more than somebody takes while another is free.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use proptest::prelude::*;
use yiwang_intake::agent::choose::{Wanted, choose, fits};
use yiwang_intake::agent::{Agent, Away, Event, Kind, Registration, give, leave};
use yiwang_intake::directory::governs;
use yiwang_ledger::{Aggregate as _, Context, Meta, StreamId, Timestamp};
use yiwang_standards::calendar::Calendar;

/// 2026-03-02, noon in China.
const NOON: Timestamp = Timestamp(1_772_424_000_000_000);
const REGIONS: [&str; 6] =
    ["511602101201", "511602101000", "511602102000", "511602000000", "511600000000", "511603000000"];

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, 2).expect("a day")
}

fn engagement(number: usize) -> StreamId {
    StreamId::named("engagement", &number.to_string())
}

fn agents() -> impl Strategy<Value = Vec<Agent>> {
    let kinds = prop::sample::subsequence(vec![Kind::Assist, Kind::Investment, Kind::Errand], 1..=3);
    let items = prop::sample::subsequence(vec!["A".to_owned(), "B".to_owned()], 0..=2);
    let one = (0..6_usize, kinds, items, 1..4_u32, 0..4_usize, any::<bool>(), any::<bool>(), 0..3_i64);
    prop::collection::vec(one, 0..12).prop_map(|all| {
        let made =
            all.into_iter().enumerate().map(|(number, (region, kinds, items, capacity, load, away, park, idle))| {
                let registered = Registration {
                    account: format!("staff:{number:02}"),
                    region: REGIONS[region].into(),
                    park: if park { "新桥园区".into() } else { String::new() },
                    kinds: kinds.into_iter().collect(),
                    items: items.into_iter().collect(),
                    capacity,
                    ..Registration::default()
                };
                Agent {
                    registered,
                    away: away.then(Away::default),
                    open: (0..load).map(|one| engagement(number * 10 + one)).collect(),
                    idle_since: Timestamp(idle),
                    ..Agent::default()
                }
            });
        made.collect()
    })
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let kind = prop::sample::select(vec![Kind::Assist, Kind::Investment, Kind::Errand]);
    let items = prop::sample::subsequence(vec!["A".to_owned(), "B".to_owned(), "C".to_owned()], 0..=2);
    (kind, 0..2_usize, items, any::<bool>()).prop_map(|(kind, region, items, park)| Wanted {
        kind,
        region: REGIONS[region].into(),
        park: if park { "新桥园区".into() } else { String::new() },
        items: items.into_iter().collect(),
        theme: String::new(),
    })
}

proptest! {
    #[test]
    fn the_choice_does_not_depend_on_the_order(wanted in wanted(), agents in agents(), turn in 0..12_usize) {
        let mut turned = agents.clone();
        turned.rotate_left(turn % agents.len().max(1));
        turned.reverse();
        prop_assert_eq!(choose(&wanted, &agents, None, today()), choose(&wanted, &turned, None, today()));
    }

    #[test]
    fn whoever_is_chosen_serves_the_place_and_takes_one_more(wanted in wanted(), agents in agents()) {
        let free = |agent: &&Agent| fits(&wanted, agent) && agent.on_duty(today()) && !agent.is_full();
        match choose(&wanted, &agents, None, today()) {
            // nobody is passed over while they are free
            None => prop_assert!(!agents.iter().any(|agent| free(&agent))),
            Some(chosen) => {
                prop_assert!(free(&chosen));
                prop_assert!(governs(&chosen.registered.region, &wanted.region));
                prop_assert!(chosen.registered.park.is_empty() || chosen.registered.park == wanted.park);
                let nearer = |agent: &&Agent| {
                    agent.registered.park.is_empty() == chosen.registered.park.is_empty()
                        && agent.registered.region != chosen.registered.region
                        && governs(&chosen.registered.region, &agent.registered.region)
                };
                prop_assert!(!agents.iter().filter(free).any(|agent| nearer(&agent)));
                let same = |agent: &&Agent| {
                    (&agent.registered.region, &agent.registered.park, &agent.registered.items)
                        == (&chosen.registered.region, &chosen.registered.park, &chosen.registered.items)
                };
                let least = agents.iter().filter(free).filter(same).map(|agent| agent.open.len()).min();
                prop_assert_eq!(least, Some(chosen.open.len()));
            }
        }
    }

    #[test]
    fn nobody_has_more_than_they_take(asks in prop::collection::vec((0..9_usize, any::<bool>()), 1..40)) {
        let mut agent = Agent {
            registered: Registration { account: "staff:1".into(), capacity: 3, ..Registration::default() },
            ..Agent::default()
        };
        let cx = Context {
            now: NOON, actor: String::new(), version: 1, calendar: Calendar::builtin().clone().into(), seed: [0; 32],
        };
        for (number, ends) in asks {
            let id = engagement(number);
            let events = if ends { leave(&agent, id) } else { give(&agent, id, false, &cx) }.unwrap_or_default();
            let meta = Meta { at: NOON, actor: String::new(), version: 1 };
            events.iter().for_each(|event| agent.evolve(event, &meta));
            prop_assert!(agent.open.len() <= 3);
        }
    }
}

#[test]
fn who_knows_the_item_comes_before_who_has_less_and_the_idle_before_the_busy() {
    let agent = |account: &str, items: &[&str], load: usize, idle: i64| Agent {
        registered: Registration {
            account: account.into(),
            region: REGIONS[3].into(),
            kinds: BTreeSet::from([Kind::Assist]),
            items: items.iter().map(|item| (*item).to_owned()).collect(),
            capacity: 5,
            ..Registration::default()
        },
        open: (0..load).map(engagement).collect(),
        idle_since: Timestamp(idle),
        ..Agent::default()
    };
    let all = [agent("a", &[], 0, 9), agent("b", &["A"], 2, 9), agent("c", &["A"], 1, 8), agent("d", &["A"], 1, 7)];
    let ask = |items: &[&str]| Wanted {
        region: REGIONS[0].into(),
        items: items.iter().map(|item| (*item).to_owned()).collect(),
        ..Wanted::default()
    };
    let chosen = |wanted: &Wanted, but: Option<&str>| {
        choose(wanted, &all, but, today()).map(|agent| agent.registered.account.clone()).unwrap_or_default()
    };
    assert_eq!((chosen(&ask(&["A"]), None), chosen(&ask(&["A"]), Some("d"))), ("d".into(), "c".into()));
    assert_eq!((chosen(&ask(&["B"]), None), chosen(&ask(&[]), None)), ("a".into(), "a".into()));
    assert!(matches!(leave(&all[1], engagement(0)).as_deref(), Ok([Event::EngagementLeft { .. }])));
}
