//! 任务 and 岗位: in whose hands a case is, and who stands in for whom.

mod world;

use std::collections::BTreeSet;

use chrono::NaiveDate;
use world::{Bench, licensing, officer};
use yiwang_approval::case::decide::{self, Ruling};
use yiwang_approval::case::task::{self, Hands};
use yiwang_approval::case::{Event, Item, Recommendation, ReviewStep, review};
use yiwang_approval::roster::{self, Away, Duty, MOST, Post, Roster};
use yiwang_ledger::{Aggregate, Meta, Refusal, Timestamp};

fn step(code: &str) -> ReviewStep {
    ReviewStep { code: code.into(), name: code.to_uppercase(), ..ReviewStep::default() }
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn hands(by: &str) -> Hands {
    officer(by).into()
}

fn head() -> Hands {
    Hands { oversees: true, ..hands("staff:head") }
}

fn covering(by: &str, whom: &str) -> Hands {
    Hands { covers: BTreeSet::from([("68236467-9".to_owned(), whom.to_owned())]), ..hands(by) }
}

fn give(bench: &mut Bench, events: Result<Vec<Event>, Refusal>) -> Result<usize, &'static str> {
    let events = events.map_err(|refusal| refusal.reason)?;
    Ok(bench.fold(events, "staff:somebody"))
}

fn to(account: &str) -> impl Fn(&str) -> Result<yiwang_approval::case::Officer, Refusal> {
    let account = account.to_owned();
    move |_: &str| Ok(officer(&account))
}

fn held(bench: &Bench, task: &str) -> Option<String> {
    bench.case.holders.get(task).map(|holder| holder.officer.id.clone())
}

#[test]
fn what_is_in_ones_hands_is_done_by_them_alone_or_by_who_stands_in() {
    let mut bench = Bench::opened(licensing(), "2026-03-02");
    let claimed = task::claim(&bench.case, &hands("staff:reviewer"), "");
    assert_eq!(give(&mut bench, claimed), Ok(1));
    let again = task::claim(&bench.case, &hands("staff:reviewer"), "review");
    assert_eq!(give(&mut bench, again), Ok(0), "said twice");
    let others = task::claim(&bench.case, &hands("staff:another"), "").unwrap_err();
    assert_eq!((others.reason, others.metadata["holder"].as_str()), ("TASK_HELD", "staff:reviewer"));
    assert_eq!(bench.review("staff:another").unwrap_err().reason, "TASK_HELD");
    let opinion = ("", Recommendation::Grant, "齐全");
    // what is A's stays A's: B does it, and takes, gives, or puts back nothing
    let b = covering("staff:another", "staff:reviewer");
    assert_eq!(task::claim(&bench.case, &b, "").unwrap_err().reason, "TASK_HELD");
    assert_eq!(task::release(&bench.case, &b, "", "不办").unwrap_err().reason, "NOT_YOUR_TASK");
    // another organ's roster says nothing of this one's
    let elsewhere = BTreeSet::from([("11511300MB1A21304N".to_owned(), "staff:reviewer".to_owned())]);
    let elsewhere = Hands { covers: elsewhere, ..hands("staff:another") };
    assert_eq!(review::review(&bench.case, &elsewhere, opinion).unwrap_err().reason, "TASK_HELD");
    let events = review::review(&bench.case, &covering("staff:another", "staff:reviewer"), opinion);
    assert_eq!(give(&mut bench, events), Ok(1));
    assert_eq!((bench.case.status(), held(&bench, "review")), ("REVIEWED", None), "done, it is in nobody's hands");
    // the same of the decision
    let assigned = task::assign(&bench.case, &head(), ("decision", ""), &to("staff:approver"));
    assert_eq!(give(&mut bench, assigned), Ok(1));
    assert_eq!(bench.decide("staff:third", &Ruling::Grant(None)).unwrap_err().reason, "TASK_HELD");
    let stands_in = covering("staff:third", "staff:approver");
    decide::decide(&bench.case, &stands_in, &Ruling::Grant(None), &bench.cx()).unwrap();
    bench.decide("staff:approver", &Ruling::Grant(None)).unwrap();
    assert!(bench.case.holders.is_empty());
    assert_eq!(task::claim(&bench.case, &hands("staff:approver"), "").unwrap_err().reason, "WRONG_PHASE");
}

#[test]
fn a_task_goes_from_hand_to_hand_by_who_has_it_or_the_head() {
    let mut bench =
        Bench::opened(Item { review_steps: vec![step("papers"), step("site")], ..licensing() }, "2026-03-02");
    let several = task::claim(&bench.case, &hands("staff:reviewer"), "").unwrap_err();
    assert_eq!((several.reason, several.metadata["steps"].as_str()), ("STEP_MISSING", "papers,site"));
    assert_eq!(task::claim(&bench.case, &hands("staff:reviewer"), "roof").unwrap_err().reason, "STEP_UNKNOWN");
    assert_eq!(task::claim(&bench.case, &hands("staff:approver"), "decision").unwrap_err().reason, "TASK_NOT_OPEN");
    assert_eq!(task::claim(&bench.case, &hands("staff:clerk"), "site").unwrap_err().reason, "SAME_OFFICER");
    let mine = ("site", "");
    let by_nobody = task::assign(&bench.case, &hands("staff:reviewer"), mine, &to("staff:another")).unwrap_err();
    assert_eq!(by_nobody.reason, "NOT_YOUR_TASK");
    let claimed = task::claim(&bench.case, &hands("staff:reviewer"), "site");
    give(&mut bench, claimed).unwrap();
    let silent = task::assign(&bench.case, &hands("staff:reviewer"), mine, &to("staff:another")).unwrap_err();
    assert_eq!(silent.reason, "REASONS_MISSING");
    let accepted = task::assign(&bench.case, &head(), ("site", "出差"), &to("staff:clerk")).unwrap_err();
    assert_eq!(accepted.reason, "SAME_OFFICER");
    let handed = task::assign(&bench.case, &hands("staff:reviewer"), ("site", "出差"), &to("staff:another"));
    assert_eq!(give(&mut bench, handed), Ok(1));
    assert_eq!(held(&bench, "site").as_deref(), Some("staff:another"));
    let release = |bench: &Bench, by: &Hands| task::release(&bench.case, by, "site", "不熟悉该行业");
    assert_eq!(release(&bench, &hands("staff:reviewer")).unwrap_err().reason, "NOT_YOUR_TASK");
    let released = release(&bench, &head());
    give(&mut bench, released).unwrap();
    assert_eq!(release(&bench, &head()).unwrap_err().reason, "TASK_NOT_HELD");
    // in nobody's hands, whoever's turn it is does it
    bench.review_step("staff:reviewer", "site").unwrap();
    let papers = task::claim(&bench.case, &hands("staff:another"), "papers");
    give(&mut bench, papers).unwrap();
    bench.withdraw().unwrap();
    assert!(bench.case.holders.is_empty());
}

#[test]
fn what_waits_for_a_step_that_is_done_again_stays_in_its_hands() {
    let again = ReviewStep { after: vec!["site".into()], ..step("again") };
    let mut bench = Bench::opened(Item { review_steps: vec![step("site"), again], ..licensing() }, "2026-03-02");
    bench.review("staff:reviewer").unwrap();
    let claimed = task::claim(&bench.case, &hands("staff:another"), "again");
    give(&mut bench, claimed).unwrap();
    bench.send_back("staff:another", "site").unwrap();
    assert_eq!((task::open(&bench.case), held(&bench, "site")), (vec![("site", "SITE")], None));
    bench.review("staff:reviewer").unwrap();
    assert_eq!(bench.review("staff:third").unwrap_err().reason, "TASK_HELD");
}

#[test]
fn what_another_has_in_hand_is_not_sent_back_nor_decided_on_the_spot() {
    let mut bench = Bench::opened(licensing(), "2026-03-02");
    bench.review("staff:reviewer").unwrap();
    let claimed = task::claim(&bench.case, &hands("staff:approver"), "");
    give(&mut bench, claimed).unwrap();
    assert_eq!(bench.send_back("staff:third", "review").unwrap_err().reason, "TASK_HELD");
    bench.send_back("staff:approver", "review").unwrap();
    // who examines it then does not have the decision any more
    bench.review("staff:approver").unwrap();
    assert_eq!((bench.case.status(), held(&bench, "decision")), ("REVIEWED", None));
    // 当场: another organ's clerk accepted it
    let spot = Item { trustee: "another organ".into(), ..world::filing() };
    let spot =
        Item { rules: "licensing".into(), item_type: 1, result: yiwang_approval::case::ResultKind::Document, ..spot };
    let mut bench = Bench::opened(spot, "2026-03-02");
    assert_eq!(bench.case.status(), "OPEN");
    let mut free = bench.clone();
    free.decide("staff:third", &Ruling::Grant(None)).unwrap();
    let claimed = task::claim(&bench.case, &hands("staff:reviewer"), "");
    give(&mut bench, claimed).unwrap();
    assert_eq!(bench.decide("staff:third", &Ruling::Grant(None)).unwrap_err().reason, "NOT_REVIEWED");
}

#[derive(Default)]
struct Office(Roster);

impl Office {
    fn fold(&mut self, events: Result<Vec<roster::Event>, Refusal>) -> Result<usize, &'static str> {
        let events = events.map_err(|refusal| refusal.reason)?;
        for event in &events {
            self.0.evolve(event, &Meta { at: Timestamp(0), actor: "staff:head".into(), version: 1 });
        }
        Ok(events.len())
    }

    fn set(&mut self, account: &str, post: &Post) -> Result<usize, &'static str> {
        let events = roster::set(&self.0, ("68236467-9", "511602000000"), account, post, &officer("staff:head"));
        self.fold(events)
    }

    fn away(&mut self, account: &str, until: Option<&str>) -> Result<usize, &'static str> {
        let away = Some(Away { until: until.map(day) });
        let events = roster::set_duty(&self.0, account, away, (&officer(account), false), day("2026-03-02"));
        self.fold(events)
    }
}

fn reviews() -> Post {
    Post { name: "陈志强".into(), duties: BTreeSet::from([Duty::Review]), ..Post::default() }
}

#[test]
fn a_stand_in_is_another_officer_with_every_duty_of_theirs() {
    let mut office = Office::default();
    let with = |stand_in: &str| Post { stand_in: stand_in.into(), ..reviews() };
    let both = Post { duties: BTreeSet::from([Duty::Review, Duty::Decide]), ..reviews() };
    assert_eq!(office.set("staff:a", &with("staff:b")), Err("STAND_IN_UNKNOWN"));
    assert_eq!(office.set("staff:a", &with("staff:a")), Err("STAND_IN_UNFIT"));
    office.set("staff:b", &reviews()).unwrap();
    assert_eq!(office.set("staff:b", &reviews()), Ok(0), "said twice");
    office.set("staff:a", &with("staff:b")).unwrap();
    assert_eq!(office.set("staff:a", &Post { stand_in: "staff:b".into(), ..both.clone() }), Err("STAND_IN_UNFIT"));
    // whoever stands in keeps the duty
    let decides = Post { duties: BTreeSet::from([Duty::Decide]), ..reviews() };
    assert_eq!(office.set("staff:b", &decides), Err("POST_STANDS_IN"));
    let removed = roster::remove(&office.0, "staff:b", &officer("staff:head")).unwrap_err();
    assert_eq!((removed.reason, removed.metadata["for"].as_str()), ("POST_STANDS_IN", "staff:a"));
    let removed = roster::remove(&office.0, "staff:a", &officer("staff:head"));
    office.fold(removed).unwrap();
    assert_eq!(roster::remove(&office.0, "staff:a", &officer("staff:head")).unwrap_err().reason, "POST_NOT_FOUND");
    for number in office.0.posts.len()..MOST {
        office.set(&format!("staff:{number}"), &both).unwrap();
    }
    assert_eq!(office.set("staff:more", &both), Err("ROSTER_FULL"));
}

#[test]
fn who_is_away_is_covered_until_their_last_day_and_gets_nothing() {
    let mut office = Office::default();
    office.set("staff:b", &reviews()).unwrap();
    office.set("staff:a", &Post { stand_in: "staff:b".into(), items: ["X".to_owned()].into(), ..reviews() }).unwrap();
    let taker = |office: &Office, task: &str, item: &str, on: &str| {
        office.0.taker("staff:a", (task, item), day(on)).map(|officer| officer.role).map_err(|refusal| refusal.reason)
    };
    assert_eq!(taker(&office, "site", "X", "2026-03-02"), Ok("reviewer".into()));
    assert_eq!(taker(&office, "site", "Y", "2026-03-02"), Err("POST_UNFIT"));
    assert_eq!(taker(&office, "decision", "X", "2026-03-02"), Err("POST_UNFIT"));
    assert_eq!(office.0.taker("staff:c", ("site", "X"), day("2026-03-02")).unwrap_err().reason, "POST_UNKNOWN");
    assert_eq!(office.away("staff:a", Some("2026-03-01")), Err("DATE_IN_THE_PAST"));
    let others = roster::set_duty(&office.0, "staff:a", None, (&officer("staff:b"), false), day("2026-03-02"));
    assert_eq!(others.unwrap_err().reason, "NOT_YOUR_DUTY");
    office.away("staff:a", Some("2026-03-04")).unwrap();
    let away = office.0.taker("staff:a", ("site", "X"), day("2026-03-04")).unwrap_err();
    assert_eq!((away.reason, away.metadata["stand_in"].as_str()), ("OFFICER_AWAY", "staff:b"));
    assert_eq!(office.0.covered_by("staff:b", day("2026-03-04")), BTreeSet::from(["staff:a".to_owned()]));
    assert!(office.0.covered_by("staff:b", day("2026-03-05")).is_empty());
    assert_eq!(taker(&office, "site", "X", "2026-03-05"), Ok("reviewer".into()));
    // what the head changes of a post does not say that they are back
    office.set("staff:a", &Post { stand_in: "staff:b".into(), ..reviews() }).unwrap();
    assert!(!office.0.covered_by("staff:b", day("2026-03-04")).is_empty());
}
