//! 行政许可法 art. 32 ④ over every day of eight years, against a count of our own from the published list of days.

use std::collections::BTreeMap;

use super::*;

const DAYS: &str = include_str!("../../../../shared/standards/data/cn_calendar.csv");

/// Rest days and make-up working days as published: whether a day is worked.
fn worked(on: NaiveDate, listed: &BTreeMap<NaiveDate, bool>) -> bool {
    use chrono::Datelike as _;
    listed.get(&on).copied().unwrap_or(on.weekday().number_from_monday() <= 5)
}

fn listed() -> BTreeMap<NaiveDate, bool> {
    let line = |line: &str| {
        let mut parts = line.split(',');
        let day: NaiveDate = parts.next()?.parse().ok()?;
        Some((day, parts.next()? == "makeup_workday"))
    };
    DAYS.lines().filter_map(line).collect()
}

/// The day of the `count`-th working day after a day, one by one.
fn counted(from: NaiveDate, count: u32, listed: &BTreeMap<NaiveDate, bool>) -> NaiveDate {
    let mut day = from;
    for _ in 0..count {
        day = day.succ_opt().expect("a day");
        while !worked(day, listed) {
            day = day.succ_opt().expect("a day");
        }
    }
    day
}

fn handed_in(on: NaiveDate) -> World {
    let mut world = World::new();
    world.now = Timestamp(calendar::start_of_day_micros(on) + 12 * 3_600_000_000);
    world.draft().submitted()
}

#[test]
fn what_is_not_told_in_five_working_days_is_accepted_as_of_its_receipt_whatever_the_day() {
    let listed = listed();
    let (mut day, last) = ("2018-01-01".parse().expect("a day"), "2025-12-31".parse::<NaiveDate>().expect("a day"));
    let mut days = 0;
    while day <= last {
        let mut world = handed_in(day);
        let due = counted(day, 5, &listed);
        // through the last moment of the fifth working day it may still be told
        world.now = Timestamp(calendar::start_of_day_micros(due.succ_opt().expect("a day")) - 1);
        assert!(timer(&world.app, &world.cx()).expect("no refusal").is_empty(), "{day}");
        assert!(request_correction(&world.app, &facts(), &points(), &clerk(), &world.cx()).is_ok(), "{day}");
        // the moment after, the law has accepted it, as of the day of receipt
        world.now = Timestamp(world.now.0 + 1);
        let late = request_correction(&world.app, &facts(), &points(), &clerk(), &world.cx());
        assert_eq!(late.expect_err("too late").reason, "DEEMED_ACCEPTED", "{day}");
        let decided = timer(&world.app, &world.cx());
        assert_eq!(world.take(decided).expect("accepted"), ["DeemedAccepted"], "{day}");
        let Phase::Accepted(acceptance) = &world.app.phase else { panic!("{day}: {:?}", world.app.phase) };
        assert_eq!((acceptance.date, acceptance.deemed), (day, true));
        (day, days) = (day.succ_opt().expect("a day"), days + 1);
    }
    assert_eq!(days, 2922);
}

/// The worked clocks of the licensing law: receipt, the notice, silent acceptance.
#[test]
fn the_worked_clocks_come_out() {
    let day = |text: &str| text.parse::<NaiveDate>().expect("a day");
    for (received, notice) in [("2026-02-11", "2026-02-25"), ("2026-09-24", "2026-10-09")] {
        let mut world = handed_in(day(received));
        let Phase::Submitted { due, .. } = &world.app.phase else { panic!("{:?}", world.app.phase) };
        assert_eq!(due.date, day(notice));
        world.now = Timestamp(calendar::start_of_day_micros(day(notice).succ_opt().expect("a day")));
        let decided = timer(&world.app, &world.cx());
        world.take(decided).expect("accepted");
        let Phase::Accepted(acceptance) = &world.app.phase else { panic!("{:?}", world.app.phase) };
        assert_eq!(acceptance.date, day(received));
    }
}

/// 滨州: who does not correct in time is refused, with the reason and what can be done against it; 安阳 counts it as withdrawn.
#[test]
fn what_follows_a_late_correction_is_the_places_rule() {
    for (region, name) in [("371602000000", "Refused"), ("410502000000", "Withdrawn"), ("511602000000", "Withdrawn")] {
        let mut world = World::new().draft();
        std::sync::Arc::make_mut(&mut world.app.item).rules = rules::in_region("licensing", region);
        let mut world = world.submitted().asked_to_correct();
        let reply_by = world.app.corrections[0].reply_by.date;
        world.now = Timestamp(calendar::start_of_day_micros(reply_by) + 23 * 3_600_000_000);
        assert!(timer(&world.app, &world.cx()).expect("no refusal").is_empty());
        world.now = Timestamp(calendar::start_of_day_micros(reply_by.succ_opt().expect("a day")));
        let decided = timer(&world.app, &world.cx());
        assert_eq!(world.take(decided).expect("late"), [name], "{region}");
        if let Phase::Refused(rejection) = &world.app.phase {
            assert_eq!(rejection.ground, Ground::CorrectionLate);
            let reason = rejection.reason.get().unwrap_or_default();
            assert!(reason.contains("未") && reason.contains("第十条"), "{reason}");
            assert!(rejection.remedies.contains("六十日") && rejection.remedies.contains("六个月"));
        }
    }
}
