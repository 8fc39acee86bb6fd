//! Every event of every release is still read.

use crate::house::{Engine, House, golden};
use crate::world::{self, Bench, licensing, officer, promise, subject};
use strum::VariantNames as _;
use yiwang_approval::case::decide::{Open, Ruling};
use yiwang_approval::case::procedure::Verdict;
use yiwang_approval::case::{
    Case, CheckOutcome, Event, FollowUpPhase, Item, Limit, Recommendation, ReviewStep, Start, Which, decide,
};
use yiwang_approval::roster::{self, Away, Duty, Post, Roster};
use yiwang_documents::Kind;
use yiwang_ledger::Personal;

fn one_of_each() -> Vec<Event> {
    let personal = |field| Personal::new(&subject(), field, "golden");
    let receipt = Limit { start: Start::Receipt, ..world::limit(20) };
    let site = ReviewStep { code: "site".into(), name: "现场核查".into(), ..ReviewStep::default() };
    let experts = ReviewStep {
        code: "experts".into(),
        name: "专家评审".into(),
        after: vec!["site".into()],
        ..ReviewStep::default()
    };
    let review_steps = vec![site, experts];
    let open = world::open_of(Item { legal: Some(receipt), review_steps, ..promise() }, "2026-03-02");
    let open = Open { skipped: vec!["experts".into()], ..open };
    let mut events = decide::open(&Case::default(), &open, &Bench::empty("2026-03-02").cx()).unwrap();
    let mut bench = Bench::opened(licensing(), "2026-12-18");
    events.extend(bench.asked(&world::testing(20)).unwrap());
    bench.ask(&world::testing(20)).unwrap();
    events.extend(bench.verdict(1, &Verdict::Deny("不需要".into())).unwrap());
    events.extend(bench.verdict(1, &Verdict::Allow).unwrap());
    bench.say(1, &Verdict::Allow).unwrap();
    events.extend(bench.ended(1, "2026-12-18").unwrap());
    bench.end(1, "2026-12-18").unwrap();
    bench.review("staff:reviewer").unwrap();
    let refuse = Ruling::Refuse("理由".into());
    events.extend(decide::decide(&bench.case, &officer("staff:approver").into(), &refuse, &bench.cx()).unwrap());
    let due = bench.case.facts().unwrap().legal.clone();
    let (by, findings) = (officer("staff:reviewer"), personal("findings"));
    let next = FollowUpPhase::Rectifying { due: due.clone() };
    events.extend([
        Event::DocumentIssued { kind: Kind::Refusal, number: "BY115116022026000001".into(), procedure: None },
        Event::MaterialRecorded { code: "layout".into(), by: by.clone() },
        Event::Reviewed { by: by.clone(), recommendation: Recommendation::Grant, opinion: personal("opinion") },
        Event::StepReviewed {
            step: "site".into(),
            by: by.clone(),
            recommendation: Recommendation::Grant,
            opinion: personal("opinion"),
        },
        Event::TaskGiven {
            step: "site".into(),
            to: Some(by.clone()),
            by: by.clone(),
            reason: Some(personal("reason")),
        },
        Event::Returned { step: "site".into(), by: by.clone(), reason: personal("reason") },
        Event::Withdrawn { by: by.clone(), reason: Some(personal("reason")) },
        Event::FollowUpChecked { by, outcome: CheckOutcome::Rectify, findings, next },
        Event::MarkedNear { which: Which::Legal, due: due.date },
        Event::MarkedOverdue { which: Which::Legal, due: due.date },
        Event::DueDatesRecomputed { dates: vec![(Which::Legal, due)], last_days: Vec::new() },
        Event::LicenseIssued { id: "id".into(), identifier: "1.2.156".into(), number: "5116".into() },
        Event::LicenseRetried { by: officer("staff:approver"), type_code: Some("115113016823646795001".into()) },
        Event::LicenseRefused { reason: "LICENSE_TYPE_INVALID".into(), zh: "不正确".into(), en: "wrong".into() },
    ]);
    events
}

#[tokio::test]
async fn golden_entries_decode_and_evolve_and_none_is_missing() {
    let house = House::open(Engine::Sqlite, yiwang_approval::NAME, "2026-03-02", yiwang_approval::start).await.unwrap();
    golden::write_missing::<Case>(&house.ledger, one_of_each()).await;
    let read = golden::read_all::<Case>(&house.ledger, "Opened").await;
    assert_eq!(read.into_iter().collect::<Vec<_>>(), sorted(Event::VARIANTS));
}

fn of_a_roster() -> Vec<roster::Event> {
    let post = Post {
        name: "陈志强".into(),
        duties: [Duty::Review, Duty::Decide].into(),
        items: ["511A0015500009".to_owned()].into(),
        stand_in: "staff:zhou".into(),
        away: None,
    };
    let (by, account) = (officer("staff:head"), "staff:reviewer".to_owned());
    let (organ, region) = ("115113016823646795".to_owned(), "511602000000".to_owned());
    let until = "2026-03-04".parse().ok();
    vec![
        roster::Event::PostSet { organ, region, account: account.clone(), post: Box::new(post), by: by.clone() },
        roster::Event::DutySet { account: account.clone(), away: Some(Away { until }), by: by.clone() },
        roster::Event::PostRemoved { account, by },
    ]
}

#[tokio::test]
async fn golden_entries_of_rosters_decode_and_evolve() {
    let house = House::open(Engine::Sqlite, yiwang_approval::NAME, "2026-03-02", yiwang_approval::start).await.unwrap();
    golden::write_missing::<Roster>(&house.ledger, of_a_roster()).await;
    let read = golden::read_all::<Roster>(&house.ledger, "PostSet").await;
    assert_eq!(read.into_iter().collect::<Vec<_>>(), sorted(roster::Event::VARIANTS));
}

fn sorted(names: &[&'static str]) -> Vec<&'static str> {
    let mut names = names.to_vec();
    names.sort_unstable();
    names
}
