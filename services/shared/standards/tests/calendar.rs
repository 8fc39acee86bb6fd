//! The working-day calendar against the given vectors and its own properties.

use chrono::{Days, NaiveDate};
use proptest::prelude::*;
use yiwang_standards::{
    Reasoned,
    calendar::{Calendar, CalendarError, Pause, Step, Term, Unit, end_of_day_micros, legal_date, start_of_day_micros},
};

const WORKDAYS: &str = include_str!("vectors/workdays.csv");
const CALENDAR_DAYS: &str = include_str!("vectors/calendar_days.csv");
const PAUSES: &str = include_str!("vectors/clock_pauses.csv");
const DATA: &str = include_str!("../data/cn_calendar.csv");

fn d(text: &str) -> NaiveDate {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").unwrap()
}

fn calendar() -> &'static Calendar {
    Calendar::builtin()
}

fn rows(csv: &str) -> impl Iterator<Item = Vec<&str>> {
    csv.lines().skip(1).filter(|line| !line.is_empty()).map(|line| line.split(',').collect())
}

/// The file of one year, taken from the embedded data; the notice's own December spill included.
fn year_file(year: i32) -> String {
    let days = DATA.lines().filter(|line| line.starts_with(&year.to_string()));
    format!("# covers: {year}\ndate,kind,name\n{}\n", days.collect::<Vec<_>>().join("\n"))
}

/// The year's file of 2026 with every date's year replaced: weekdays differ, so make-up days are dropped.
fn invented_2027() -> String {
    let days = DATA.lines().filter(|line| line.starts_with("2026") && line.contains(",holiday,"));
    let days: Vec<String> = days.map(|line| line.replacen("2026", "2027", 1)).collect();
    format!("# covers: 2027\ndate,kind,name\n{}\n", days.join("\n"))
}

#[test]
fn every_working_day_vector_comes_out() {
    let mut seen = 0;
    for row in rows(WORKDAYS) {
        let due = calendar().add_working_days(d(row[0]), row[1].parse().unwrap());
        assert_eq!((due.date, due.provisional), (d(row[2]), false), "{row:?}");
        seen += 1;
    }
    assert_eq!(seen, 19);
}

#[test]
fn every_calendar_day_vector_comes_out_raw_and_rolled() {
    let mut seen = 0;
    for row in rows(CALENDAR_DAYS) {
        let (start, n) = (d(row[0]), row[1].parse().unwrap());
        let due = calendar().add_calendar_days(start, n);
        assert_eq!(start + Days::new(u64::from(n)), d(row[2]));
        assert_eq!(due.date, d(row[3]), "{row:?}");
        let rolled = due.explanation.steps.contains(&Step::RolledForward { from: d(row[2]), to: d(row[3]) });
        assert_eq!(rolled, row[2] != row[3]);
        seen += 1;
    }
    assert_eq!(seen, 6);
}

#[test]
fn every_pause_vector_comes_out() {
    let mut seen = 0;
    for row in rows(PAUSES) {
        let (start, limit) = (d(row[0]), row[1].parse().unwrap());
        assert_eq!(calendar().add_working_days(start, limit).date, d(row[2]));
        let pause = Pause { from: d(row[3]), resumed: Some(d(row[4])) };
        let term = calendar().paused_term(start, (limit, Unit::WorkingDay), &[pause]);
        assert_eq!(term.used, row[5].parse::<u32>().unwrap());
        assert_eq!(term.due.unwrap().date, d(row[6]), "{row:?}");
        seen += 1;
    }
    assert_eq!(seen, 3);
}

#[test]
fn the_worked_clocks_of_the_licensing_law_come_out() {
    for (start, n, due) in [
        ("2026-02-11", 5, "2026-02-25"),
        ("2026-02-11", 20, "2026-03-17"),
        ("2026-02-11", 30, "2026-03-31"),
        ("2026-09-24", 5, "2026-10-09"),
        ("2026-09-24", 20, "2026-10-29"),
        ("2026-09-24", 30, "2026-11-12"),
    ] {
        assert_eq!(calendar().add_working_days(d(start), n).date, d(due), "{start} + {n}");
    }
}

#[test]
fn working_days_of_a_year_are_as_published() {
    for (year, days) in [(2024, 251), (2025, 248), (2026, 248)] {
        let (before, last) = (d(&format!("{}-12-31", year - 1)), d(&format!("{year}-12-31")));
        assert_eq!(calendar().working_days_between(before, last), days, "{year}");
    }
}

#[test]
fn every_listed_day_is_what_the_file_says() {
    let mut seen = 0;
    for line in DATA.lines().filter(|line| line.starts_with("20")) {
        let fields: Vec<&str> = line.split(',').collect();
        assert_eq!(calendar().is_working_day(d(fields[0])), fields[1] == "makeup_workday", "{line}");
        seen += 1;
    }
    assert_eq!(seen, 322);
}

#[test]
fn an_uncovered_year_is_counted_by_weekends_and_says_so() {
    let due = calendar().add_working_days(d("2026-12-04"), 20);
    assert_eq!(due.date, d("2027-01-01"));
    assert!(due.provisional);
    assert_eq!(due.missing_years, [2027]);
    assert!(due.explain_zh().contains("2027年的放假安排尚未公布"), "{}", due.explain_zh());
    assert!(due.explain_en().contains("2027 are not published"), "{}", due.explain_en());
}

#[test]
fn a_date_within_the_covered_years_is_not_provisional() {
    let due = calendar().add_working_days(d("2026-12-01"), 20);
    assert_eq!((due.date, due.provisional, due.missing_years.len()), (d("2026-12-29"), false, 0));
}

#[test]
fn a_term_that_starts_in_an_uncovered_year_is_not_provisional_for_its_start_alone() {
    assert!(!calendar().add_working_days(d("2017-12-31"), 1).provisional);
    assert!(calendar().add_working_days(d("2017-12-28"), 1).provisional);
}

#[test]
fn the_missing_year_makes_the_date_final_once_it_is_loaded() {
    let before = calendar().add_working_days(d("2026-12-04"), 20);
    let loaded = calendar().with_year(&invented_2027()).unwrap();
    let after = loaded.add_working_days(d("2026-12-04"), 20);
    assert!(before.improvable_with(&loaded) && !before.improvable_with(calendar()));
    assert_eq!((after.date, after.provisional), (d("2027-01-04"), false));
    assert!(!calendar().covers(2027) && loaded.covers(2027));
}

#[test]
fn the_same_year_may_be_imported_twice() {
    assert_eq!(&calendar().with_year(&year_file(2026)).unwrap(), calendar());
    let once = calendar().with_year(&invented_2027()).unwrap();
    assert_eq!(once.with_year(&invented_2027()).unwrap(), once);
}

#[test]
fn a_covered_year_with_other_days_is_refused() {
    let other = year_file(2026).replace("2026-02-23,holiday", "2026-03-02,holiday");
    let error = calendar().with_year(&other).unwrap_err();
    assert_eq!(error, CalendarError::Contradiction { date: d("2026-02-23") });
    assert_eq!(error.reason(), "CALENDAR_DAY_CONTRADICTED");
}

#[test]
fn a_day_that_changes_its_kind_is_refused() {
    let other = year_file(2026).replace("2026-01-04,makeup_workday", "2026-01-04,holiday");
    assert_eq!(calendar().with_year(&other).unwrap_err(), CalendarError::Contradiction { date: d("2026-01-04") });
}

#[test]
fn a_notice_may_settle_the_december_before_its_year() {
    let spill = format!("{}2026-12-31,holiday,元旦\n", invented_2027());
    let loaded = calendar().with_year(&spill).unwrap();
    assert!(calendar().is_working_day(d("2026-12-31")) && !loaded.is_working_day(d("2026-12-31")));
    let november = spill.replace("2026-12-31", "2026-11-30");
    assert!(matches!(calendar().with_year(&november), Err(CalendarError::OutsideCoverage { .. })));
}

#[test]
fn a_year_without_one_of_its_festivals_is_refused() {
    for (festival, month) in [
        ("元旦", "01"),
        ("春节", "02"),
        ("清明节", "04"),
        ("劳动节", "05"),
        ("端午节", "06"),
        ("国庆节", "10"),
        ("中秋节", "09"),
    ] {
        let file = year_file(2026);
        let less: Vec<&str> = file.lines().filter(|line| !line.starts_with(&format!("2026-{month}"))).collect();
        let error = Calendar::parse(&less.join("\n")).unwrap_err();
        assert_eq!(error, CalendarError::PartialYear { year: 2026, festival });
    }
}

#[test]
fn malformed_files_are_refused_by_line() {
    let refused = |text: &str| Calendar::parse(text).unwrap_err().reason();
    assert_eq!(refused("date,kind,name\n2026-01-01,holiday,元旦"), "CALENDAR_COVERAGE_MISSING");
    assert_eq!(refused("# covers: soon"), "CALENDAR_COVERAGE_MALFORMED");
    assert_eq!(refused("# covers: 2028-2026"), "CALENDAR_COVERAGE_MALFORMED");
    assert_eq!(refused("# covers: 2026\n2026-02-30,holiday,春节"), "CALENDAR_LINE_MALFORMED");
    assert_eq!(refused("# covers: 2026\n2026-01-01,feast,元旦"), "CALENDAR_LINE_MALFORMED");
    assert_eq!(refused("# covers: 2026\n2026-01-05,workday,元旦"), "CALENDAR_MAKE_UP_ON_WEEKDAY");
    assert_eq!(refused("# covers: 2026\n2026-01-01,holiday,a\n2026-01-01,workday,a"), "CALENDAR_DAY_CONTRADICTED");
}

#[test]
fn the_given_file_with_english_names_and_windows_line_ends_is_read() {
    let text = year_file(2026).replace("元旦,New Year's Day", "New Year's Day").replace('\n', "\r\n");
    let read = Calendar::parse(&format!("\u{feff}{text}")).unwrap();
    assert!(read.day(d("2026-01-01")) == calendar().day(d("2026-01-01")));
}

#[test]
fn the_explanation_names_rest_periods_and_make_up_days() {
    let due = calendar().add_working_days(d("2026-02-09"), 20);
    assert_eq!(
        due.explain_zh(),
        "自2026年2月9日起20个工作日（开始当日不计入，民法典第二百零一条），至2026年3月13日届满。\
         其间不计入：春节放假2月15日至2月23日（9天）、周六、周日3天。\
         按工作日计入：2月14日（周六，春节调休上班）、2月28日（周六，春节调休上班）。"
    );
}

#[test]
fn the_explanation_of_a_rolled_last_day_cites_the_civil_code() {
    let due = calendar().add_calendar_days(d("2026-02-02"), 20);
    assert_eq!(
        due.explain_zh(),
        "自2026年2月2日起20日（开始当日不计入，民法典第二百零一条），至2026年2月24日届满。\
         期间最后一日2026年2月22日为休息日（春节放假2月22日至2月23日（2天）），\
         顺延至休息日结束的次日2026年2月24日（民法典第二百零三条）。"
    );
}

#[test]
fn the_explanation_tells_of_pauses_in_english_too() {
    let pause = Pause { from: d("2026-03-09"), resumed: Some(d("2026-03-23")) };
    let due = calendar().paused_term(d("2026-03-02"), (20, Unit::WorkingDay), &[pause]).due.unwrap();
    assert_eq!(
        due.explain_en(),
        "20 working day(s) from 2026-03-02 (the first day not counted, Civil Code art. 201) end on 2026-04-14. \
         The clock stopped at the end of 2026-03-09 with 5 working day(s) used and went on after 2026-03-23 with 15 left \
         (the pause is not counted). Not counted: \
         Tomb-sweeping Day from 2026-04-04 to 2026-04-06, 6 day(s) of weekends."
    );
}

#[test]
fn calendar_days_stand_still_too_and_the_last_is_still_a_working_day() {
    // five of ten days used on 3-07; the other five after 3-13 end on a Wednesday; six would end on Thursday
    let pause = Pause { from: d("2026-03-07"), resumed: Some(d("2026-03-13")) };
    let due = |days| calendar().paused_term(d("2026-03-02"), (days, Unit::CalendarDay), &[pause]).due.unwrap();
    assert_eq!((due(10).date, due(11).date), (d("2026-03-18"), d("2026-03-19")));
    // the thirteenth falls on a Saturday and gives way
    assert_eq!(due(13).date, d("2026-03-23"));
    assert_eq!(
        due(10).explain_zh(),
        "自2026年3月2日起10日（开始当日不计入，民法典第二百零一条），至2026年3月18日届满。\
         2026年3月7日终了时暂停计时，已用5日；2026年3月13日终了时恢复，余5日（暂停期间不计入）。"
    );
}

#[test]
fn months_end_on_the_corresponding_day_or_the_last() {
    assert_eq!(calendar().add_months(d("2026-01-31"), 1).date, d("2026-02-28"));
    assert_eq!(calendar().add_months(d("2026-01-30"), 2).date, d("2026-03-30"));
    assert_eq!(calendar().add_years(d("2024-02-29"), 1).date, d("2025-02-28"));
    assert_eq!(calendar().due(d("2025-10-01"), Term::Months(12)).date, d("2026-10-08"));
}

#[test]
fn a_paused_clock_has_no_due_date_until_it_is_resumed() {
    let open = Pause { from: d("2026-03-09"), resumed: None };
    let term = calendar().paused_term(d("2026-03-02"), (20, Unit::WorkingDay), &[open]);
    assert!(term.is_paused());
    assert_eq!((term.used, term.left), (5, 15));
}

#[test]
fn a_pause_after_the_limit_is_used_up_changes_nothing() {
    let late = Pause { from: d("2026-03-30"), resumed: Some(d("2026-04-30")) };
    let term = calendar().paused_term(d("2026-03-02"), (20, Unit::WorkingDay), &[late]);
    assert_eq!(term.due.unwrap().date, d("2026-03-30"));
}

#[test]
fn the_working_day_before_is_the_way_back() {
    assert_eq!(calendar().working_days_before(d("2026-02-24"), 1), d("2026-02-14"));
    assert_eq!(calendar().working_days_before(d("2026-10-12"), 2), d("2026-10-09"));
}

#[test]
fn legal_days_begin_at_sixteen_hours_utc() {
    let midnight = start_of_day_micros(d("2026-03-02"));
    assert_eq!(midnight, 1_772_380_800_000_000);
    assert_eq!(legal_date(midnight), d("2026-03-02"));
    assert_eq!(legal_date(midnight - 1), d("2026-03-01"));
    assert_eq!(end_of_day_micros(d("2026-03-01")), midnight - 1);
    assert_eq!((legal_date(i64::MAX), legal_date(i64::MIN)), (NaiveDate::MAX, NaiveDate::MIN));
}

#[test]
fn absurd_terms_end_somewhere_without_an_error() {
    assert!(calendar().add_working_days(d("2026-01-01"), u32::MAX).provisional);
    assert!(calendar().add_calendar_days(NaiveDate::MAX, u32::MAX).provisional);
    assert_eq!(calendar().add_months(d("2026-01-01"), u32::MAX).explanation.term, Term::Months(u32::MAX));
    assert_eq!(calendar().add_working_days(d("2026-03-02"), 0).date, d("2026-03-02"));
}

#[test]
fn a_due_date_survives_being_stored() {
    let due = calendar().add_working_days(d("2026-12-04"), 20);
    let stored = serde_json::to_string(&due).unwrap();
    assert_eq!(serde_json::from_str::<yiwang_standards::calendar::DueDate>(&stored).unwrap(), due);
}

fn any_day() -> impl Strategy<Value = NaiveDate> {
    (0_u64..4_000).prop_map(|n| d("2017-01-01") + Days::new(n))
}

proptest! {
    #[test]
    fn more_days_never_end_earlier(start in any_day(), n in 0_u32..200, later in 0_u64..40) {
        let due = calendar().add_working_days(start, n).date;
        prop_assert!(calendar().add_working_days(start, n + 1).date > due);
        prop_assert!(calendar().add_working_days(start + Days::new(later), n).date >= due);
    }

    #[test]
    fn counting_is_the_inverse_of_adding(start in any_day(), n in 1_u32..200) {
        let due = calendar().add_working_days(start, n);
        prop_assert!(calendar().is_working_day(due.date));
        prop_assert_eq!(calendar().working_days_between(start, due.date), n);
        prop_assert_eq!(&calendar().missing_years(start, due.date), &due.missing_years);
    }

    #[test]
    fn the_way_back_inverts_the_way_on(start in any_day(), n in 1_u32..200) {
        let start = calendar().roll_forward(start);
        let due = calendar().add_working_days(start, n).date;
        prop_assert_eq!(calendar().working_days_before(due, n), start);
    }

    #[test]
    fn pausing_never_moves_a_due_date_earlier(
        start in any_day(), limit in 1_u32..60, working: bool,
        gaps in prop::collection::vec((0_u64..30, 0_u64..30), 0..5),
    ) {
        let unit = if working { Unit::WorkingDay } else { Unit::CalendarDay };
        let mut last = calendar().paused_term(start, (limit, unit), &[]).due.unwrap().date;
        let mut pauses = Vec::new();
        let mut at = start;
        for (wait, length) in gaps {
            let from = at + Days::new(wait);
            at = from + Days::new(length);
            pauses.push(Pause { from, resumed: Some(at) });
            let due = calendar().paused_term(start, (limit, unit), &pauses).due.unwrap().date;
            prop_assert!(due >= last);
            last = due;
        }
    }

    #[test]
    fn a_rolled_last_day_is_worked_and_no_later_than_needed(start in any_day(), n in 0_u32..400) {
        let raw = start + Days::new(u64::from(n));
        let due = calendar().add_calendar_days(start, n).date;
        prop_assert!(due >= raw && calendar().is_working_day(due));
        prop_assert!(raw.iter_days().take_while(|day| *day < due).all(|day| !calendar().is_working_day(day)));
    }

    #[test]
    fn a_moment_belongs_to_the_day_whose_bounds_hold_it(micros in -4_000_000_000_000_000_i64..8_000_000_000_000_000) {
        let day = legal_date(micros);
        prop_assert!(start_of_day_micros(day) <= micros && micros <= end_of_day_micros(day));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(# covers: 20[0-9]{2}\n)?([0-9a-z,\\-#: \n春节]{0,80})") {
        let _ = Calendar::parse(&text);
    }
}
