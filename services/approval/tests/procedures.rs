//! 特别程序: what stops and what lengthens the clocks of a case (行政许可法 arts. 42, 45), without a ledger.

mod world;

use world::{Bench, day, extension, licensing, officer, testing};
use yiwang_approval::case::procedure::{self, Ask, Verdict};
use yiwang_approval::case::{Case, Item, Limit, Listed, Source, SpecialKind, Unit, Warning, Which};
use yiwang_ledger::Refusal;

fn opened() -> Bench {
    Bench::opened(licensing(), "2026-03-02")
}

fn listed(kind: SpecialKind, name: &str, days: u32) -> Listed {
    Listed { kind, name: name.into(), days, basis: "某条例第九条".into() }
}

fn named(name: &str) -> Ask {
    Ask { name: name.into(), ..testing(10) }
}

fn reason<T: std::fmt::Debug>(refused: Result<T, Refusal>) -> &'static str {
    refused.unwrap_err().reason
}

fn legal(case: &Case) -> &str {
    &case.facts().unwrap().legal.zh
}

#[test]
fn the_time_of_a_procedure_is_not_counted() {
    // the vectors of the clock that was paused: (allowed on, working days told, promised, legal)
    for (on, days, promised, due) in
        [("2026-03-09", 10, "2026-03-26", "2026-04-14"), ("2026-03-27", 9, "2026-03-12", "2026-04-13")]
    {
        let mut bench = opened();
        bench.ask(&testing(days)).unwrap();
        bench.on(on).say(1, &Verdict::Allow).unwrap();
        assert_eq!(bench.dues(), (day(promised), day(due)), "{on}");
    }
}

#[test]
fn the_due_date_says_which_procedure_took_how_long_and_by_which_rule() {
    let mut bench = opened();
    bench.on("2026-03-09").allow(&testing(10)).unwrap();
    let told = legal(&bench.case);
    assert!(
        told.contains("2026年3月9日终了时暂停计时，已用5个工作日；2026年3月23日终了时恢复，余15个工作日"),
        "{told}"
    );
    assert!(
        told.contains("2026-03-09终了至2026-03-23为检测的时间（《公共场所卫生管理条例实施细则》第二十六条）"),
        "{told}"
    );
}

#[test]
fn what_is_only_asked_for_or_denied_stops_no_clock() {
    let mut bench = opened();
    bench.ask(&testing(10)).unwrap();
    assert_eq!((bench.dues().1, bench.case.procedure_stage()), (day("2026-03-30"), Some("ASKED")));
    bench.say(1, &Verdict::Deny("不需要检测".into())).unwrap();
    assert_eq!((bench.dues().1, bench.case.procedure_stage()), (day("2026-03-30"), None));
    assert_eq!(reason(bench.say(1, &Verdict::Allow)), "PROCEDURE_DECIDED");
    // with better reasons it may be asked for again
    assert_eq!(bench.allow(&testing(10)).unwrap(), 2);
    assert_eq!(bench.case.procedure_stage(), Some("RUNNING"));
}

#[test]
fn what_ends_early_gives_back_the_time_that_it_did_not_take() {
    let mut bench = opened();
    let number = bench.on("2026-03-09").allow(&testing(10)).unwrap();
    bench.on("2026-03-13").end(number, "2026-03-11").unwrap();
    // two working days instead of ten: 3-30 and two more
    assert_eq!(bench.dues().1, day("2026-04-01"));
    let mut bench = opened();
    let number = bench.on("2026-03-09").allow(&testing(10)).unwrap();
    bench.end(number, "2026-03-09").unwrap();
    assert_eq!(bench.dues(), (day("2026-03-12"), day("2026-03-30")));
    assert!(!legal(&bench.case).contains("检测"), "{}", legal(&bench.case));
}

#[test]
fn beyond_what_was_told_the_clock_goes_on() {
    let mut bench = opened();
    let number = bench.on("2026-03-09").allow(&testing(10)).unwrap();
    bench.on("2026-03-24").tick();
    let mark = bench.case.overdue.last().unwrap();
    assert_eq!((mark.which, mark.due, bench.case.warning()), (Which::Procedure, day("2026-03-23"), Warning::Yellow));
    bench.on("2026-04-08").end(number, "2026-04-08").unwrap();
    assert_eq!(bench.dues().1, day("2026-04-14"));
    // what has ended is no longer late; the promise is, by now
    assert_eq!((bench.case.running().count(), bench.case.warning()), (0, Warning::None));
    bench.tick();
    assert_eq!(bench.case.overdue.last().unwrap().which, Which::Promised);
}

#[test]
fn a_procedure_ends_between_its_beginning_and_today_and_once() {
    let mut bench = opened();
    assert_eq!(reason(bench.end(1, "2026-03-02")), "PROCEDURE_NOT_FOUND");
    bench.ask(&testing(10)).unwrap();
    assert_eq!(reason(bench.end(1, "2026-03-02")), "PROCEDURE_NOT_RUNNING");
    bench.on("2026-03-09").say(1, &Verdict::Allow).unwrap();
    for wrong in ["2026-03-08", "2026-03-10"] {
        assert_eq!(reason(bench.end(1, wrong)), "END_DATE_INVALID");
    }
    bench.end(1, "2026-03-09").unwrap();
    assert_eq!(reason(bench.end(1, "2026-03-09")), "PROCEDURE_NOT_RUNNING");
}

#[test]
fn two_procedures_at_once_stop_the_clock_once() {
    let mut bench = opened();
    bench.on("2026-03-09").allow(&testing(10)).unwrap();
    bench.on("2026-03-16").allow(&named("专家评审")).unwrap();
    // from 3-09 to 3-30, sixteen working days of which five overlap
    assert_eq!(bench.dues().1, day("2026-04-21"));
    assert_eq!(reason(bench.ask(&testing(3))), "PROCEDURE_UNDERWAY");
}

#[test]
fn a_licence_knows_the_eight_procedures_of_the_law_and_a_site_visit_is_none() {
    for name in ["听证", "招标", "拍卖", "检验", "检测", "检疫", "鉴定", "专家评审"] {
        opened().allow(&named(name)).unwrap();
    }
    for name in ["现场勘验", "公示", "延长审批"] {
        assert_eq!(reason(opened().ask(&named(name))), "GROUND_NOT_LISTED");
    }
    let unfounded = Ask { basis: String::new(), ..testing(10) };
    assert_eq!(reason(opened().ask(&unfounded)), "BASIS_MISSING");
}

#[test]
fn where_the_list_names_procedures_it_names_all_of_them_with_their_rules() {
    let item = Item { special: vec![listed(SpecialKind::Other, "检疫", 5)], ..licensing() };
    let mut bench = Bench::opened(item, "2026-03-02");
    let quarantine = |days| Ask { basis: String::new(), days, ..named("检疫") };
    assert_eq!(reason(bench.ask(&testing(5))), "GROUND_NOT_LISTED");
    assert_eq!(reason(bench.ask(&quarantine(6))), "PROCEDURE_TOO_LONG");
    bench.ask(&quarantine(5)).unwrap();
    assert_eq!(bench.case.procedures[0].asked.basis, "某条例第九条");
}

#[test]
fn another_type_has_the_procedures_of_its_own_list_alone() {
    let own = |special: Vec<Listed>| Item { item_type: 7, rules: "confirmation".into(), special, ..licensing() };
    let bench = || Bench::opened(own(vec![listed(SpecialKind::Other, "公示", 5)]), "2026-03-02");
    bench().allow(&Ask { days: 5, ..named("公示") }).unwrap();
    assert_eq!(reason(bench().ask(&testing(5))), "GROUND_NOT_LISTED");
    assert_eq!(reason(bench().ask(&extension(5))), "EXTENSION_NOT_PROVIDED");
    let item = own(vec![listed(SpecialKind::Extension, "延长办理", 5)]);
    let mut bench = Bench::opened(item, "2026-03-02");
    assert_eq!(reason(bench.ask(&extension(6))), "EXTENSION_TOO_LONG");
    bench.allow(&extension(5)).unwrap();
    assert_eq!(bench.dues().1, day("2026-04-07"));
}

#[test]
fn a_limit_is_extended_by_ten_days_and_by_fifteen_where_several_organs_handle_it() {
    let joint = Item { rules: "licensing-joint".into(), legal: None, promised: None, ..licensing() };
    for (item, on, days, before, after) in [
        (licensing(), "2026-02-11", 10, "2026-03-17", "2026-03-31"),
        (licensing(), "2026-09-24", 10, "2026-10-29", "2026-11-12"),
        (joint, "2026-03-02", 15, "2026-05-08", "2026-05-28"),
    ] {
        let mut bench = Bench::opened(item, on);
        assert_eq!(bench.dues().1, day(before));
        assert_eq!(reason(bench.ask(&extension(days + 1))), "EXTENSION_TOO_LONG");
        bench.allow(&extension(days)).unwrap();
        assert_eq!(bench.dues().1, day(after));
        let told = legal(&bench.case);
        assert!(
            told.contains(&format!("经批准延长{days}个工作日（《中华人民共和国行政许可法》第四十二条第")),
            "{told}"
        );
    }
}

#[test]
fn it_is_extended_once_and_a_promise_never() {
    let mut bench = opened();
    bench.allow(&extension(5)).unwrap();
    assert_eq!(bench.dues(), (day("2026-03-12"), day("2026-04-07")));
    assert_eq!(reason(bench.ask(&extension(5))), "ALREADY_EXTENDED");
    // where nothing shorter was promised, the law's limit is the promise, whatever the list says where the promise comes from
    let same = Limit { source: Source::Default, unverified: true, basis: String::new(), ..world::limit(20) };
    for promised in [None, Some(same)] {
        let mut bench = Bench::opened(Item { promised, ..licensing() }, "2026-03-02");
        bench.allow(&extension(5)).unwrap();
        assert_eq!(bench.dues(), (day("2026-04-07"), day("2026-04-07")));
    }
}

#[test]
fn the_article_is_known_however_the_list_writes_it() {
    for basis in [
        "行政许可法 第四十二条、第八十二条；公共场所卫生管理条例实施细则 第二十五条",
        "《行政许可法》 第四十二条",
        "《中华人民共和国行政许可法》第四十二条第一款",
    ] {
        let item = Item { legal: Some(Limit { basis: basis.into(), ..world::limit(20) }), ..licensing() };
        Bench::opened(item, "2026-03-02").allow(&extension(10)).unwrap();
    }
}

#[test]
fn a_limit_in_calendar_days_is_extended_in_its_own_days() {
    let charity = Limit { unit: Unit::CalendarDay, basis: "《慈善法》第十条".into(), ..world::limit(20) };
    let special = vec![listed(SpecialKind::Extension, "延长审批", 60)];
    let item = Item { item_type: 7, legal: Some(charity), promised: None, special, ..licensing() };
    let mut bench = Bench::opened(item, "2026-03-02");
    bench.allow(&extension(60)).unwrap();
    assert_eq!(bench.dues().1, day("2026-05-21"));
    assert!(legal(&bench.case).contains("经批准延长60日（某条例第九条）"), "{}", legal(&bench.case));
}

#[test]
fn a_promise_that_was_cut_by_the_law_is_itself_again_when_there_is_room() {
    let promised = Some(Limit { unit: Unit::CalendarDay, ..world::limit(16) });
    let item = Item { legal: Some(world::limit(10)), promised, ..licensing() };
    let mut bench = Bench::opened(item, "2026-09-21");
    // sixteen days would end on 10-08, ten working days do on 10-09
    let number = bench.on("2026-09-24").allow(&testing(9)).unwrap();
    assert_eq!(bench.dues().0, bench.dues().1);
    bench.on("2026-09-28").end(number, "2026-09-28").unwrap();
    assert_eq!(bench.dues(), (day("2026-10-12"), day("2026-10-13")));
}

#[test]
fn a_limit_of_another_law_is_extended_only_where_the_list_says_so() {
    let own = Limit {
        days: 30,
        unit: Unit::WorkingDay,
        basis: "某法第八条".into(),
        source: Source::Statute,
        ..world::limit(30)
    };
    let item = Item { legal: Some(own), ..licensing() };
    assert_eq!(reason(Bench::opened(item.clone(), "2026-03-02").ask(&extension(1))), "EXTENSION_NOT_PROVIDED");
    let listed = Item { special: vec![listed(SpecialKind::Extension, "延长审批", 20)], ..item };
    Bench::opened(listed, "2026-03-02").allow(&extension(20)).unwrap();
    // and by no more than the law gives, whatever the list says
    let generous = Item { special: vec![self::listed(SpecialKind::Extension, "延长审批", 20)], ..licensing() };
    assert_eq!(reason(Bench::opened(generous, "2026-03-02").ask(&extension(11))), "EXTENSION_TOO_LONG");
}

#[test]
fn an_extended_limit_stands_still_as_well() {
    let both = |first: &Ask, second: &Ask| {
        let mut bench = opened();
        bench.on("2026-03-09").allow(first).unwrap();
        bench.allow(second).unwrap();
        bench.dues().1
    };
    // thirty working days with ten not counted, in whichever order it was allowed
    assert_eq!(both(&extension(10), &testing(10)), day("2026-04-28"));
    assert_eq!(both(&testing(10), &extension(10)), day("2026-04-28"));
}

#[test]
fn on_its_last_day_a_limit_is_extended_and_stopped_no_more() {
    let mut bench = opened();
    bench.ask(&testing(10)).unwrap();
    bench.on("2026-03-30");
    assert_eq!(reason(bench.say(1, &Verdict::Allow)), "LIMIT_PASSED");
    assert_eq!(reason(bench.ask(&named("鉴定"))), "LIMIT_PASSED");
    bench.allow(&extension(10)).unwrap();
    // and then there is a day left again
    bench.say(1, &Verdict::Allow).unwrap();
    // within the time of one another may begin, as nothing of the limit runs
    let mut bench = opened();
    bench.on("2026-03-27").allow(&testing(10)).unwrap();
    bench.on("2026-04-08").allow(&named("鉴定")).unwrap();
    assert_eq!(bench.dues().1, day("2026-04-23"));
}

#[test]
fn what_is_done_on_the_spot_is_not_stopped() {
    let mut bench = Bench::empty("2026-03-02");
    let open = world::open_of(Item { legal: Some(world::limit(0)), promised: None, ..licensing() }, "2026-03-02");
    bench.open(&open).unwrap();
    assert_eq!(reason(bench.ask(&testing(3))), "LIMIT_PASSED");
    assert_eq!(reason(bench.ask(&extension(3))), "EXTENSION_NOT_PROVIDED");
}

#[test]
fn nothing_stops_or_extends_a_limit_that_has_passed() {
    let mut bench = opened();
    bench.ask(&testing(10)).unwrap();
    bench.ask(&extension(10)).unwrap();
    bench.on("2026-03-31");
    for refused in [bench.ask(&named("鉴定")), bench.say(1, &Verdict::Allow), bench.say(2, &Verdict::Allow)] {
        assert_eq!(reason(refused), "LIMIT_PASSED");
    }
    bench.say(1, &Verdict::Deny("已超期".into())).unwrap();
}

#[test]
fn who_asks_does_not_allow() {
    let mut bench = opened();
    bench.ask(&testing(10)).unwrap();
    let own = procedure::decide(&bench.case, &officer("staff:reviewer"), 1, &Verdict::Allow, &bench.cx());
    assert_eq!(reason(own), "SAME_OFFICER");
}

#[test]
fn nothing_is_decided_while_a_procedure_runs_and_what_nobody_allowed_holds_up_nothing() {
    let grant = yiwang_approval::case::decide::Ruling::Grant(None);
    let mut bench = opened();
    bench.review("staff:reviewer").unwrap();
    let number = bench.allow(&testing(10)).unwrap();
    bench.ask(&named("鉴定")).unwrap();
    assert_eq!(reason(bench.decide("staff:approver", &grant)), "PROCEDURE_UNDERWAY");
    bench.end(number, "2026-03-02").unwrap();
    bench.decide("staff:approver", &grant).unwrap();
    assert_eq!(reason(bench.say(2, &Verdict::Allow)), "WRONG_PHASE");
    assert_eq!((reason(bench.ask(&testing(10))), bench.case.procedure_stage()), ("WRONG_PHASE", None));
}

#[test]
fn a_case_that_ended_is_not_late_with_its_procedures() {
    let mut bench = opened();
    bench.allow(&testing(3)).unwrap();
    bench.withdraw().unwrap();
    bench.on("2026-06-01");
    assert_eq!((bench.tick(), bench.case.warning()), (0, Warning::None));
}

#[test]
fn a_procedure_in_an_unpublished_year_is_counted_again_with_the_limits_once_the_year_is_loaded() {
    let mut bench = Bench::opened(licensing(), "2026-12-01");
    bench.on("2026-12-24").allow(&testing(6)).unwrap();
    let until = |bench: &Bench| bench.case.procedures[0].allowance().unwrap().until.clone().unwrap();
    assert!(until(&bench).provisional() && bench.case.facts().unwrap().legal.provisional());
    assert_eq!((until(&bench).date, bench.dues().1), (day("2027-01-01"), day("2027-01-06")));
    bench.calendar = std::sync::Arc::new(bench.calendar.with_year(include_str!("world/2027.csv")).unwrap());
    assert_eq!(bench.recompute(), 1);
    assert!(!until(&bench).provisional() && !bench.case.facts().unwrap().legal.provisional());
    // 2027-01-01 is a day of rest
    assert_eq!((until(&bench).date, bench.dues().1), (day("2027-01-04"), day("2027-01-07")));
    assert_eq!((bench.recompute(), legal(&bench.case).contains("检测")), (0, true));
}
