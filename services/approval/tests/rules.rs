//! The rules of a case, without a ledger.

mod world;

use world::{Bench, day, filing, licensing, open_of, promise};
use yiwang_approval::case::decide::{Open, Ruling};
use yiwang_approval::case::{
    CheckOutcome, FollowUpPhase, Item, Limit, Officer, Outcome, ResultKind, Source, Start, Unit, Warning, Which,
};

fn refuse() -> Ruling {
    Ruling::Refuse("空气检测不合格".into())
}

const GRANT: Ruling = Ruling::Grant(None);

#[test]
fn a_licence_case_has_twenty_working_days_by_law_and_its_own_promise() {
    let case = Bench::opened(licensing(), "2026-03-02").case;
    let facts = case.facts().unwrap();
    assert_eq!((facts.legal.date, facts.promised.date), (day("2026-03-30"), day("2026-03-12")));
    assert!(facts.legal.zh.contains("20个工作日") && facts.legal.zh.contains("第四十二条"), "{}", facts.legal.zh);
}

#[test]
fn joint_handling_has_forty_five_working_days() {
    let item = Item { rules: "licensing-joint".into(), legal: None, promised: None, ..licensing() };
    let case = Bench::opened(item, "2026-03-02").case;
    assert_eq!(case.facts().unwrap().legal.date, day("2026-05-08"));
    assert_eq!(case.facts().unwrap().promised.date, day("2026-05-08"));
}

#[test]
fn another_type_keeps_its_own_limit_and_the_licensing_law_stays_out_of_it() {
    let charity = Limit {
        days: 20,
        unit: Unit::CalendarDay,
        basis: "《慈善法》第十条".into(),
        source: Source::Statute,
        ..Limit::default()
    };
    let item = Item { item_type: 7, rules: "confirmation".into(), legal: Some(charity), promised: None, ..licensing() };
    let mut bench = Bench::opened(item, "2026-02-02");
    assert_eq!(bench.case.facts().unwrap().legal.date, day("2026-02-24"));
    bench.review("staff:reviewer").unwrap();
    bench.decide("staff:approver", &GRANT).unwrap();
    assert_eq!(bench.case.decision.unwrap().delivery, None);
}

#[test]
fn nobody_can_promise_more_time_than_the_law_gives() {
    let item = Item { promised: Some(world::limit(40)), ..licensing() };
    let facts = Bench::opened(item, "2026-03-02").case.facts.unwrap();
    assert_eq!(facts.promised, facts.legal);
}

#[test]
fn a_limit_that_no_source_sets_is_marked() {
    let item = Item { item_type: 20, rules: "public-service".into(), legal: None, promised: None, ..licensing() };
    let facts = Bench::opened(item, "2026-03-02").case.facts.unwrap();
    assert!(facts.legal.limit.unverified && facts.legal.limit.source == Source::Default);
}

#[test]
fn the_limits_run_from_the_day_of_receipt_where_the_law_itself_accepted() {
    let mut bench = Bench::empty("2026-02-26");
    let open = open_of(licensing(), "2026-02-11");
    bench.open(&Open { deemed: true, accepted_by: Officer::system(), ..open }).unwrap();
    assert_eq!(bench.case.facts().unwrap().legal.date, day("2026-03-17"));
}

#[test]
fn each_limit_runs_from_the_day_that_it_names() {
    let receipt = Limit { start: Start::Receipt, ..world::limit(20) };
    let open = |legal: &Limit| {
        let item = Item { item_type: 5, legal: Some(legal.clone()), ..licensing() };
        let mut bench = Bench::empty("2026-03-06");
        bench.open(&Open { received_on: day("2026-03-02"), ..open_of(item, "2026-03-06") }).unwrap();
        let facts = bench.case.facts.unwrap();
        (facts.legal.start, facts.legal.date, facts.promised.start)
    };
    assert_eq!(open(&receipt), (day("2026-03-02"), day("2026-03-30"), day("2026-03-06")));
    assert_eq!(open(&world::limit(20)), (day("2026-03-06"), day("2026-04-03"), day("2026-03-06")));
}

#[test]
fn a_date_in_an_unpublished_year_is_provisional_and_counted_again_when_the_year_is_loaded() {
    let mut bench = Bench::opened(licensing(), "2026-12-18");
    let before = bench.case.facts().unwrap().legal.clone();
    assert_eq!(before.missing_years, [2027]);
    assert!(bench.case.facts().unwrap().legal.zh.contains("暂定"));
    assert_eq!(bench.recompute(), 0);
    let year = include_str!("world/2027.csv");
    bench.calendar = std::sync::Arc::new(bench.calendar.with_year(year).unwrap());
    assert_eq!(bench.recompute(), 1);
    let after = &bench.case.facts().unwrap().legal;
    assert!(after.missing_years.is_empty() && after.date > before.date, "{} {}", after.date, before.date);
    assert_eq!(bench.recompute(), 0);
}

#[test]
fn review_then_decision_by_three_different_officers() {
    let mut bench = Bench::opened(licensing(), "2026-03-02");
    assert_eq!(bench.decide("staff:approver", &GRANT).unwrap_err().reason, "NOT_REVIEWED");
    assert_eq!(bench.review("staff:clerk").unwrap_err().reason, "SAME_OFFICER");
    bench.review("staff:reviewer").unwrap();
    assert_eq!(bench.decide("staff:reviewer", &GRANT).unwrap_err().reason, "SAME_OFFICER");
    assert_eq!(bench.decide("staff:clerk", &GRANT).unwrap_err().reason, "SAME_OFFICER");
    bench.decide("staff:approver", &GRANT).unwrap();
    assert_eq!(bench.case.status(), "GRANTED");
}

#[test]
fn a_second_review_is_refused() {
    let mut bench = Bench::opened(licensing(), "2026-03-02");
    bench.review("staff:reviewer").unwrap();
    assert_eq!(bench.review("staff:another").unwrap_err().reason, "WRONG_PHASE");
}

#[test]
fn a_grant_is_delivered_within_ten_working_days() {
    let mut bench = Bench::opened(licensing(), "2026-02-11");
    bench.on("2026-02-27").review("staff:reviewer").unwrap();
    bench.decide("staff:approver", &GRANT).unwrap();
    let delivery = bench.case.decision.unwrap().delivery.unwrap();
    assert_eq!(delivery.date, day("2026-03-12"));
    assert!(delivery.zh.contains("第四十四条"));
}

#[test]
fn a_refusal_gives_reasons_and_both_remedies_with_their_organs() {
    let mut bench = Bench::opened(licensing(), "2026-03-02");
    bench.review("staff:reviewer").unwrap();
    let empty = bench.decide("staff:approver", &Ruling::Refuse("  ".into())).unwrap_err();
    assert_eq!(empty.reason, "REASONS_MISSING");
    bench.decide("staff:approver", &refuse()).unwrap();
    let decision = bench.case.decision.as_ref().unwrap();
    let Outcome::Refused { reasons, remedies } = &decision.outcome else { panic!("not a refusal") };
    assert_eq!(reasons.get(), Some("空气检测不合格"));
    for part in ["广安市广安区行政审批局", "六十日", "人民政府", "行政复议法", "六个月", "人民法院", "行政诉讼法"]
    {
        assert!(remedies.zh.contains(part), "{part} is not in {}", remedies.zh);
    }
    assert!(decision.delivery.is_none() && decision.follow_up.is_none());
}

#[test]
fn a_tax_organ_is_reviewed_by_the_organ_above_it() {
    let item = Item { organisation_name: "国家税务总局广安市广安区税务局".into(), ..licensing() };
    assert!(yiwang_approval::case::rules::remedies(&item).zh.contains("上一级主管部门"));
}

#[test]
fn a_filing_is_recorded_on_the_spot_by_who_accepted_it() {
    let case = Bench::opened(filing(), "2026-03-02").case;
    let decision = case.decision.as_ref().unwrap();
    assert_eq!((case.status(), decision.by.id.as_str()), ("GRANTED", "staff:clerk"));
    assert_eq!(case.facts().unwrap().legal.date, day("2026-03-02"));
    assert!(decision.document_number.is_empty(), "the register issues it afterwards");
}

#[test]
fn a_promise_is_decided_at_once_and_checked_later() {
    let case = Bench::opened(promise(), "2026-03-02").case;
    let follow_up = case.decision.as_ref().unwrap().follow_up.as_ref().unwrap();
    assert_eq!((case.status(), follow_up.due().unwrap().date), ("GRANTED", day("2026-03-30")));
}

#[test]
fn without_a_signed_promise_the_same_item_is_examined() {
    let mut bench = Bench::empty("2026-03-02");
    let open = Open { promise_signed: false, ..open_of(promise(), "2026-03-02") };
    bench.open(&open).unwrap();
    assert_eq!(bench.case.status(), "OPEN");
    assert_eq!(bench.decide("staff:approver", &GRANT).unwrap_err().reason, "NOT_REVIEWED");
}

#[test]
fn what_nobody_has_looked_at_is_not_decided_by_itself() {
    let mut bench = Bench::empty("2026-03-09");
    let open = open_of(promise(), "2026-03-02");
    bench.open(&Open { deemed: true, accepted_by: Officer::system(), ..open }).unwrap();
    assert_eq!(bench.case.status(), "OPEN");
    assert_eq!(bench.decide("staff:approver", &GRANT).unwrap_err().reason, "NOT_REVIEWED");
    bench.review("staff:reviewer").unwrap();
    assert_eq!(bench.decide("staff:reviewer", &GRANT).unwrap_err().reason, "SAME_OFFICER");
    bench.decide("staff:approver", &GRANT).unwrap();
    assert_eq!(bench.case.status(), "GRANTED");
}

#[test]
fn what_lacked_a_paper_is_not_decided_by_itself_and_reviewed_once_it_came() {
    for item in [promise(), filing()] {
        let mut bench = lacking(item, &["layout"]);
        assert_eq!((bench.case.status(), bench.record("layout")), ("OPEN", 1));
        assert_eq!(bench.decide("staff:approver", &GRANT).unwrap_err().reason, "NOT_REVIEWED");
        assert_eq!(bench.review("staff:clerk").unwrap_err().reason, "SAME_OFFICER");
        bench.review("staff:reviewer").unwrap();
        bench.decide("staff:approver", &GRANT).unwrap();
    }
}

#[test]
fn what_waits_for_another_day_is_not_on_the_spot_any_more() {
    let elsewhere = Officer { organisation: "11511301008778490F".into(), ..world::officer("staff:clerk") };
    let mut bench = Bench::empty("2026-03-02");
    bench.open(&Open { accepted_by: elsewhere, ..open_of(promise(), "2026-03-02") }).unwrap();
    assert_eq!(bench.on("2026-03-03").decide("staff:approver", &GRANT).unwrap_err().reason, "NOT_REVIEWED");
    bench.review("staff:reviewer").unwrap();
    bench.decide("staff:approver", &GRANT).unwrap();
}

fn lacking(item: Item, codes: &[&str]) -> Bench {
    let mut bench = Bench::empty("2026-03-02");
    let outstanding = codes.iter().map(|code| (*code).to_owned()).collect();
    bench.open(&Open { outstanding, ..open_of(item, "2026-03-02") }).unwrap();
    bench
}

#[test]
fn a_paper_that_is_owed_comes_before_the_grant() {
    let mut bench = lacking(licensing(), &["layout", "report"]);
    bench.review("staff:reviewer").unwrap();
    assert_eq!(bench.record("layout"), 1);
    let refusal = bench.decide("staff:approver", &GRANT).unwrap_err();
    assert_eq!(refusal.reason, "MATERIALS_OUTSTANDING");
    assert!(refusal.zh.contains("report") && !refusal.zh.contains("layout"), "{}", refusal.zh);
    bench.record("report");
    bench.decide("staff:approver", &GRANT).unwrap();
    assert_eq!(bench.case.status(), "GRANTED");
}

#[test]
fn a_refusal_waits_for_no_paper() {
    let mut bench = lacking(licensing(), &["layout"]);
    bench.review("staff:reviewer").unwrap();
    bench.decide("staff:approver", &refuse()).unwrap();
    assert_eq!((bench.case.status(), bench.record("layout")), ("REFUSED", 0));
}

#[test]
fn a_paper_told_twice_or_never_owed_changes_nothing() {
    let mut bench = lacking(licensing(), &["layout"]);
    assert_eq!((bench.record("layout"), bench.record("layout"), bench.record("another")), (1, 0, 0));
}

#[test]
fn the_clerk_of_another_organ_grants_nothing_in_its_name() {
    let elsewhere = Officer { organisation: "11511301008778490F".into(), ..world::officer("staff:clerk") };
    let immediate = Item { case_kind: 1, ..licensing() };
    for item in [promise(), immediate] {
        let mut bench = Bench::empty("2026-03-02");
        bench.open(&Open { accepted_by: elsewhere.clone(), ..open_of(item, "2026-03-02") }).unwrap();
        assert_eq!(bench.case.status(), "OPEN");
        bench.decide("staff:approver", &GRANT).unwrap();
        assert_eq!(bench.case.decision.unwrap().by.id, "staff:approver");
    }
    // What is merely recorded, the rule set records.
    let mut bench = Bench::empty("2026-03-02");
    bench.open(&Open { accepted_by: elsewhere, ..open_of(filing(), "2026-03-02") }).unwrap();
    assert!(bench.case.decision.unwrap().by.is_system());
}

#[test]
fn a_paper_decision_never_turns_red_for_want_of_a_licence() {
    let mut bench = Bench::opened(Item { result: ResultKind::Document, ..licensing() }, "2026-03-02");
    bench.review("staff:reviewer").unwrap();
    bench.decide("staff:approver", &GRANT).unwrap();
    assert_eq!((bench.on("2026-06-01").tick(), bench.case.warning()), (0, Warning::None));
}

#[test]
fn a_licence_that_could_not_be_issued_is_still_to_be_delivered() {
    let mut bench = Bench::opened(licensing(), "2026-03-02");
    bench.review("staff:reviewer").unwrap();
    bench.decide("staff:approver", &GRANT).unwrap();
    bench.license_refused();
    assert_eq!((bench.on("2026-06-01").tick(), bench.case.warning()), (1, Warning::Red));
}

#[test]
fn a_licence_is_ordered_again_once_it_was_refused_and_with_the_mended_code() {
    let mut bench = Bench::opened(licensing(), "2026-03-02");
    bench.review("staff:reviewer").unwrap();
    bench.decide("staff:approver", &GRANT).unwrap();
    assert_eq!(bench.retry_license("").unwrap_err().reason, "NO_LICENSE_REFUSED");
    bench.license_refused();
    bench.retry_license(" 115113016823646795001 ").unwrap();
    assert_eq!(bench.case.facts().unwrap().item.license_type, "115113016823646795001");
    assert_eq!(bench.retry_license("").unwrap_err().reason, "NO_LICENSE_REFUSED");
    assert_eq!(bench.license_issued().unwrap(), 1);
}

#[test]
fn a_promise_that_was_kept_ends_the_later_check() {
    let mut bench = Bench::opened(promise(), "2026-03-02");
    bench.on("2026-03-10").check(CheckOutcome::Passed).unwrap();
    assert_eq!(bench.check(CheckOutcome::Passed).unwrap_err().reason, "ALREADY_CHECKED");
    assert_eq!(bench.case.next_mark().map(|mark| mark.which), Some(Which::Delivery));
}

#[test]
fn a_promise_not_kept_is_put_right_in_time_or_the_grant_is_to_be_annulled() {
    let mut bench = Bench::opened(promise(), "2026-03-02");
    bench.on("2026-03-10").check(CheckOutcome::Rectify).unwrap();
    let phase = |bench: &Bench| bench.case.decision.as_ref().unwrap().follow_up.as_ref().unwrap().phase.clone();
    assert!(matches!(phase(&bench), FollowUpPhase::Rectifying { due } if due.date == day("2026-03-24")));
    bench.on("2026-03-25").check(CheckOutcome::Rectify).unwrap();
    assert_eq!(phase(&bench), FollowUpPhase::ToBeAnnulled);
}

#[test]
fn a_case_without_a_promise_has_no_later_check() {
    let mut bench = Bench::opened(licensing(), "2026-03-02");
    assert_eq!(bench.check(CheckOutcome::Passed).unwrap_err().reason, "NO_FOLLOW_UP_DUE");
}

#[test]
fn a_limit_counts_to_the_end_of_its_last_day_then_it_is_marked_once() {
    let mut bench = Bench::opened(licensing(), "2026-03-02");
    assert_eq!((bench.on("2026-03-12").tick(), bench.case.warning()), (1, Warning::Amber));
    assert_eq!((bench.on("2026-03-13").tick(), bench.case.warning()), (1, Warning::Yellow));
    assert_eq!((bench.on("2026-03-14").tick(), bench.case.status()), (0, "OPEN"));
    assert_eq!((bench.on("2026-03-31").tick(), bench.case.warning()), (1, Warning::Red));
    assert_eq!(bench.on("2026-06-01").tick(), 0);
}

#[test]
fn a_limit_is_amber_when_it_is_near_and_what_has_ended_is_not() {
    let mut bench = Bench::opened(licensing(), "2026-03-02");
    // promised by 3-12, by law by 3-30: near on its last day, and from 3-25 on
    for (on, marks, colour) in [
        ("2026-03-11", 0, Warning::None),
        ("2026-03-12", 1, Warning::Amber),
        ("2026-03-13", 1, Warning::Yellow),
        ("2026-03-24", 0, Warning::Yellow),
        ("2026-03-25", 1, Warning::Yellow),
        ("2026-03-31", 1, Warning::Red),
    ] {
        assert_eq!((bench.on(on).tick(), bench.tick(), bench.case.warning()), (marks, 0, colour), "{on}");
    }
    let mut bench = Bench::opened(licensing(), "2026-03-02");
    bench.on("2026-03-12").tick();
    bench.withdraw().unwrap();
    assert_eq!(bench.case.warning(), Warning::None);
}

#[test]
fn a_limit_that_moved_is_near_again_by_its_new_day() {
    let mut bench = Bench::opened(Item { promised: None, ..licensing() }, "2026-03-02");
    assert_eq!((bench.on("2026-03-25").tick(), bench.case.warning()), (2, Warning::Amber));
    bench.allow(&world::extension(10)).unwrap();
    assert_eq!((bench.tick(), bench.case.warning()), (0, Warning::None));
    // thirty working days end on 4-14, of which six are left from 4-07 on
    assert_eq!((bench.on("2026-04-03").tick(), bench.on("2026-04-07").tick()), (0, 2));
    assert_eq!(bench.case.warning(), Warning::Amber);
}

#[test]
fn two_limits_that_passed_unseen_are_marked_together() {
    let mut bench = Bench::opened(licensing(), "2026-03-02");
    assert_eq!(bench.on("2026-06-01").tick(), 2);
}

#[test]
fn a_grant_whose_licence_never_came_is_marked() {
    let mut bench = Bench::opened(licensing(), "2026-03-02");
    bench.review("staff:reviewer").unwrap();
    bench.decide("staff:approver", &GRANT).unwrap();
    assert_eq!((bench.on("2026-03-17").tick(), bench.case.warning()), (1, Warning::Red));
}

#[test]
fn a_licence_that_came_ends_the_delivery_clock() {
    let mut bench = Bench::opened(licensing(), "2026-03-02");
    bench.review("staff:reviewer").unwrap();
    bench.decide("staff:approver", &GRANT).unwrap();
    assert_eq!((bench.license_issued().unwrap(), bench.license_issued().unwrap()), (1, 0));
    assert_eq!((bench.on("2026-06-01").tick(), bench.case.next_mark().is_none()), (0, true));
}

#[test]
fn an_application_is_withdrawn_before_the_decision_and_never_after() {
    let mut bench = Bench::opened(licensing(), "2026-03-02");
    assert_eq!((bench.withdraw().unwrap(), bench.withdraw().unwrap()), (1, 0));
    assert_eq!(bench.review("staff:reviewer").unwrap_err().reason, "WRONG_PHASE");
    let mut decided = Bench::opened(filing(), "2026-03-02");
    assert_eq!(decided.withdraw().unwrap_err().reason, "CASE_DECIDED");
}

#[test]
fn a_case_that_is_not_there_is_not_found() {
    let mut bench = Bench::empty("2026-03-02");
    assert_eq!(bench.review("staff:reviewer").unwrap_err().reason, "CASE_NOT_FOUND");
    assert_eq!(bench.withdraw().unwrap_err().reason, "CASE_NOT_FOUND");
}

#[test]
fn an_application_told_twice_has_one_case_and_another_number_is_refused() {
    let mut bench = Bench::opened(licensing(), "2026-03-02");
    let open = open_of(licensing(), "2026-03-02");
    assert_eq!(bench.open(&open).unwrap(), 0);
    let other = Open { number: "N2".into(), ..open };
    assert_eq!(bench.open(&other).unwrap_err().reason, "APPLICATION_HAS_CASE");
}
