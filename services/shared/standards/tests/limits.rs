//! Limits and due dates as services store them.

use chrono::NaiveDate;
use serde_json::json;
use yiwang_standards::calendar::{Calendar, Due, Limit, Pause, Source, Start, Unit};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn limit(days: u32, unit: Unit) -> Limit {
    Limit { days, unit, basis: "某法第一条".into(), source: Source::Statute, ..Limit::default() }
}

#[test]
fn what_an_older_release_stored_is_still_read() {
    let old = json!({"limit": {"days": 20, "unit": "WorkingDays", "basis": "某法第一条", "source": "Statute",
        "unverified": false}, "start": "2026-03-02", "day": "2026-03-30", "missing_years": [], "zh": "", "en": ""});
    let due: Due = serde_json::from_value(old).unwrap();
    assert_eq!((due.date, &due.limit), (day("2026-03-30"), &limit(20, Unit::WorkingDay)));
    let new = json!({"limit": {"days": 20, "unit": "calendar_day", "basis": "某法第一条", "source": "statute"},
        "start": "2026-03-02", "date": "2026-03-23", "provisional": false, "zh": "", "en": ""});
    let due: Due = serde_json::from_value(new).unwrap();
    assert_eq!((due.date, &due.limit), (day("2026-03-23"), &limit(20, Unit::CalendarDay)));
}

#[test]
fn a_limit_from_the_usual_day_is_stored_as_before_there_was_another() {
    let stored = |limit: &Limit| serde_json::to_value(limit).unwrap();
    assert!(stored(&limit(20, Unit::WorkingDay)).get("start").is_none());
    let receipt = Limit { start: Start::Receipt, ..limit(20, Unit::WorkingDay) };
    assert_eq!(stored(&receipt)["start"], "receipt");
    assert_eq!(serde_json::from_value::<Limit>(stored(&receipt)).unwrap(), receipt);
}

#[test]
fn a_limit_of_no_days_ends_on_its_day_even_on_a_day_of_rest() {
    for unit in [Unit::WorkingDay, Unit::CalendarDay] {
        let due = limit(0, unit).due(day("2026-10-01"), Calendar::builtin());
        assert_eq!((due.date, due.provisional()), (day("2026-10-01"), false));
        assert!(due.zh.contains("当场") && due.zh.contains("某法第一条"), "{}", due.zh);
    }
}

#[test]
fn what_is_told_of_a_pause_stands_in_the_due_date_and_what_has_no_end_yet_does_not_move_it() {
    let due = |pauses: &[Pause]| limit(20, Unit::WorkingDay).due_around(day("2026-03-02"), pauses, Calendar::builtin());
    let ended = Pause { from: day("2026-03-09"), resumed: Some(day("2026-03-23")) };
    let open = Pause { from: day("2026-03-09"), resumed: None };
    assert_eq!((due(&[ended]).date, due(&[open]).date), (day("2026-04-14"), day("2026-03-30")));
    assert!(due(&[ended]).zh.contains("暂停计时，已用5个工作日") && due(&[ended]).zh.contains("某法第一条"));
    assert_eq!(due(&[]), limit(20, Unit::WorkingDay).due(day("2026-03-02"), Calendar::builtin()));
}

#[test]
fn a_limit_is_near_when_a_fifth_of_it_is_left_and_at_the_latest_on_its_last_day() {
    let due = |days, pauses: &[Pause]| {
        limit(days, Unit::WorkingDay).due_around(day("2026-03-02"), pauses, Calendar::builtin())
    };
    // twenty working days end on 3-30; the last four are 3-25 to 3-30
    for (days, warn) in [(20, "2026-03-25"), (8, "2026-03-12"), (5, "2026-03-09"), (1, "2026-03-03")] {
        assert_eq!(due(days, &[]).warn, Some(day(warn)), "{days}");
    }
    assert_eq!(due(0, &[]).warn, None);
    let paused = Pause { from: day("2026-03-09"), resumed: Some(day("2026-03-23")) };
    // to 4-14 there are four days left from 4-09 on
    assert_eq!(due(20, &[paused]).warn, Some(day("2026-04-09")));
    for unit in [Unit::WorkingDay, Unit::CalendarDay] {
        for days in 1..80 {
            let due = limit(days, unit).due(day("2026-01-30"), Calendar::builtin());
            assert!(due.warn.unwrap() <= due.date, "{due:?}");
        }
    }
}

#[test]
fn a_date_is_counted_again_only_where_the_calendar_answers_otherwise() {
    let due = limit(20, Unit::WorkingDay).due(day("2026-03-02"), Calendar::builtin());
    let worded = Due { zh: "别的说法".into(), ..due.clone() };
    assert_eq!((due.recounted(Calendar::builtin()), worded.recounted(Calendar::builtin())), (None, None));
    let moved = Due { date: day("2026-03-31"), ..due.clone() };
    assert_eq!(moved.recounted(Calendar::builtin()), Some(due));
}
