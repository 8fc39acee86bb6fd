//! What holds for every course that a case can take.

mod world;

use proptest::prelude::*;
use world::{Bench, filing, licensing, promise};
use yiwang_approval::case::clock::Days;
use yiwang_approval::case::decide::{Open, Ruling};
use yiwang_approval::case::procedure::{Ask, Verdict};
use yiwang_approval::case::rules::RuleSet;
use yiwang_approval::case::{Case, CheckOutcome, Item, Limit, Phase, Start, Unit, clock};
use yiwang_ledger::Aggregate;
use yiwang_standards::calendar::Calendar;

#[derive(Clone, Debug)]
enum Act {
    Review(u8),
    Return(u8),
    Grant(u8),
    Refuse(u8),
    Withdraw,
    Check(CheckOutcome),
    License,
    Material,
    Retry,
    Ask(u8, u32),
    Allow(u32),
    Deny(u32),
    End(u32, u16),
    Tick,
    Wait(u16),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let finding =
        prop_oneof![Just(CheckOutcome::Passed), Just(CheckOutcome::Rectify), Just(CheckOutcome::FalsePromise)];
    let act = prop_oneof![
        (0_u8..4).prop_map(Act::Review),
        (0_u8..4).prop_map(Act::Return),
        (0_u8..4).prop_map(Act::Grant),
        (0_u8..4).prop_map(Act::Refuse),
        Just(Act::Withdraw),
        finding.prop_map(Act::Check),
        Just(Act::License),
        Just(Act::Material),
        Just(Act::Retry),
        (0_u8..4, 1_u32..16).prop_map(|(what, days)| Act::Ask(what, days)),
        (1_u32..5).prop_map(Act::Allow),
        (1_u32..5).prop_map(Act::Deny),
        (1_u32..5, 0_u16..20).prop_map(|(number, ago)| Act::End(number, ago)),
        Just(Act::Tick),
        (0_u16..60).prop_map(Act::Wait),
    ];
    prop::collection::vec(act, 0..25)
}

fn who(number: u8) -> &'static str {
    ["staff:clerk", "staff:reviewer", "staff:approver", "staff:another"][usize::from(number % 4)]
}

fn apply(bench: &mut Bench, act: &Act) {
    let refused = match act {
        Act::Review(by) => bench.review(who(*by)),
        Act::Return(by) => bench.send_back(who(*by), "review"),
        Act::Grant(by) => bench.decide(who(*by), &Ruling::Grant(None)),
        Act::Refuse(by) => bench.decide(who(*by), &Ruling::Refuse("理由".into())),
        Act::Withdraw => bench.withdraw(),
        Act::Check(finding) => bench.check(*finding),
        Act::License => bench.license_issued(),
        Act::Retry => bench.retry_license(""),
        Act::Material => Ok(bench.record("layout")),
        Act::Ask(0, days) => bench.ask(&world::extension(*days)),
        Act::Ask(what, days) => {
            let name = ["检测", "鉴定", "听证"][usize::from(what - 1)].into();
            bench.ask(&Ask { name, ..world::testing(*days) })
        }
        Act::Allow(number) => bench.say(*number, &Verdict::Allow),
        Act::Deny(number) => bench.say(*number, &Verdict::Deny("不需要".into())),
        Act::End(number, ago) => {
            let on = clock::day_of(bench.now) - chrono::Days::new(u64::from(*ago));
            bench.end(*number, &on.to_string())
        }
        Act::Tick => Ok(bench.tick()),
        Act::Wait(days) => {
            bench.now.0 += i64::from(*days) * 86_400_000_000;
            Ok(0)
        }
    };
    drop(refused);
}

fn started(kind: u8) -> Bench {
    let item = [licensing(), filing(), promise()][usize::from(kind % 3)].clone();
    Bench::opened(item, "2026-03-02")
}

fn is_terminal(case: &Case) -> bool {
    matches!(case.phase, Phase::Decided | Phase::Withdrawn { .. })
}

proptest! {
    #[test]
    fn an_ended_case_stays_as_it_ended(kind in 0_u8..3, acts in acts()) {
        let mut bench = started(kind);
        for act in &acts {
            let before = bench.case.clone();
            apply(&mut bench, act);
            if is_terminal(&before) {
                prop_assert_eq!(bench.case.status(), before.status());
                let outcome = |case: &Case| case.decision.as_ref().map(|decision| decision.outcome.clone());
                prop_assert_eq!(outcome(&bench.case), outcome(&before));
            }
        }
    }

    #[test]
    fn whoever_decided_an_examined_case_neither_accepted_nor_reviewed_it(acts in acts()) {
        let mut bench = started(0);
        acts.iter().for_each(|act| apply(&mut bench, act));
        let reviews = &bench.case.reviews;
        prop_assert!(reviews.iter().all(|review| review.by.id != "staff:clerk"));
        if let Some(decision) = &bench.case.decision {
            prop_assert!(reviews.iter().all(|review| review.by.id != decision.by.id));
            prop_assert_ne!("staff:clerk", decision.by.id.as_str());
            prop_assert!(reviews.iter().any(|review| review.stands));
        }
    }

    #[test]
    fn nothing_is_granted_while_a_paper_is_owed(kind in 0_u8..3, acts in acts()) {
        let item = [licensing(), filing(), promise()][usize::from(kind % 3)].clone();
        let mut bench = Bench::empty("2026-03-02");
        let open = world::open_of(item, "2026-03-02");
        bench.open(&Open { outstanding: vec!["layout".into()], ..open }).unwrap();
        acts.iter().for_each(|act| apply(&mut bench, act));
        prop_assert!(bench.case.status() != "GRANTED" || bench.case.outstanding().next().is_none());
    }

    #[test]
    fn a_timer_that_ran_has_nothing_left_to_do(kind in 0_u8..3, acts in acts()) {
        let mut bench = started(kind);
        acts.iter().for_each(|act| apply(&mut bench, act));
        bench.tick();
        prop_assert_eq!(bench.tick(), 0);
        prop_assert!(bench.case.index().due_at.is_none_or(|due| due > bench.now));
    }

    #[test]
    fn no_procedure_ends_a_limit_sooner_and_the_promise_stays_within_the_law(
        promised in prop::option::of(1_u32..25), legal in 1_u32..25, working: bool, receipt: bool, acts in acts(),
    ) {
        let (unit, start) = (
            if working { Unit::WorkingDay } else { Unit::CalendarDay },
            if receipt { Start::Receipt } else { Start::Acceptance },
        );
        let limit = |days| Limit { unit, start, ..world::limit(days) };
        let item = Item { legal: Some(limit(legal)), promised: promised.map(world::limit), ..licensing() };
        let mut bench = Bench::opened(item, "2026-03-02");
        let at_first = bench.dues();
        for act in &acts {
            apply(&mut bench, act);
            let (promised, legal) = bench.dues();
            prop_assert!(promised >= at_first.0 && legal >= at_first.1 && promised <= legal, "{promised} {legal}");
        }
        let extended = bench.case.procedures.iter().filter(|one| one.extension().is_some()).count();
        prop_assert!(extended <= 1);
        // whatever the way, the dates are those that the entries give
        let (promised, legal) = clock::counted(bench.case.facts().unwrap(), &bench.case.procedures, &bench.calendar);
        prop_assert_eq!((promised.date, legal.date), bench.dues());
    }

    #[test]
    fn nothing_is_decided_while_a_procedure_runs(acts in acts()) {
        let mut bench = started(0);
        for act in &acts {
            let running = bench.case.running().count();
            let open = bench.case.is_open();
            apply(&mut bench, act);
            prop_assert!(running == 0 || !open || bench.case.decision.is_none());
        }
    }

    #[test]
    fn every_case_is_seen_by_its_applicant_its_organ_and_its_supervisor_in_one_order(kind in 0_u8..3, acts in acts()) {
        let mut bench = started(kind);
        for act in &acts {
            apply(&mut bench, act);
            let tags = bench.case.tags();
            let sort = tags[0].sort.clone();
            prop_assert_eq!(sort.starts_with('0'), bench.case.is_open());
            prop_assert!(tags.iter().all(|tag| tag.sort == sort && tag.sort.len() <= 64));
            for audience in [world::subject().audience(), "org:68236467-9".into(), "region:511602000000".into()] {
                prop_assert!(tags.iter().any(|tag| tag.name == "audience" && tag.value == audience));
            }
            prop_assert_eq!(bench.case.keys().len(), 2);
        }
    }

    #[test]
    fn the_promise_is_never_later_than_the_law(legal in 0_u32..90, promised in 0_u32..90, offset in 0_u64..700) {
        let mut item = licensing();
        item.legal = Some(world::limit(legal));
        item.promised = Some(world::limit(promised));
        let day = world::day("2025-01-02") + chrono::Days::new(offset);
        let (promised, legal) = clock::clocks(Calendar::builtin(), &item, Days { received: day, accepted: day });
        prop_assert!(promised.date <= legal.date && legal.date >= day);
        prop_assert_eq!(legal.start, day);
    }

    #[test]
    fn the_law_never_gives_more_time_from_receipt_than_from_acceptance(
        days in 0_u32..90, working: bool, offset in 0_u64..700, waited in 0_u64..30,
    ) {
        let unit = if working { Unit::WorkingDay } else { Unit::CalendarDay };
        let received = world::day("2025-01-02") + chrono::Days::new(offset);
        let run = Days { received, accepted: received + chrono::Days::new(waited) };
        let legal = |start| {
            let limit = Limit { unit, start, ..world::limit(days) };
            let item = Item { legal: Some(limit), ..licensing() };
            clock::clocks(Calendar::builtin(), &item, run).1
        };
        let (receipt, acceptance) = (legal(Start::Receipt), legal(Start::Acceptance));
        prop_assert!(receipt.date <= acceptance.date, "{} {}", receipt.zh, acceptance.zh);
        prop_assert_eq!((receipt.start, acceptance.start), (run.received, run.accepted));
    }

    #[test]
    fn nor_is_it_once_the_missing_year_is_loaded(legal in 1_u32..60, promised in 1_u32..40, offset in 0_u64..120) {
        let mut item = licensing();
        item.legal = Some(Limit { unit: Unit::CalendarDay, ..world::limit(legal) });
        item.promised = Some(world::limit(promised));
        let day = world::day("2026-11-01") + chrono::Days::new(offset);
        let mut bench = Bench::opened(item, &day.to_string());
        bench.calendar = std::sync::Arc::new(bench.calendar.with_year(include_str!("world/2027.csv")).unwrap());
        bench.recompute();
        let facts = bench.case.facts.unwrap();
        prop_assert!(facts.promised.date <= facts.legal.date, "{} {}", facts.promised.zh, facts.legal.zh);
    }

    #[test]
    fn the_licensing_law_binds_type_01_alone(item_type in 1_i32..21) {
        let mut item = licensing();
        item.item_type = item_type;
        item.legal = None;
        item.result = yiwang_approval::case::ResultKind::Document;
        let rules = RuleSet::of(&item);
        prop_assert_eq!(rules.legal.basis.contains("行政许可法"), item_type == 1);
        prop_assert_eq!(rules.delivery.is_some(), item_type == 1);
    }
}
