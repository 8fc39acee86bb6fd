//! What a day offers, by example, and for any group: slots that do not overlap, within the hours.

use chrono::NaiveDate;
use proptest::prelude::*;
use yiwang_intake::reception::plan::plan;
use yiwang_intake::reception::{
    BookingRules, Clock, Closure, DayClass, Exception, Session, SlotKind, WindowGroup, check,
};
use yiwang_standards::calendar::Calendar;

fn session(kind: SlotKind, class: DayClass, weekdays: &[u8], from: u16, until: u16) -> Session {
    let weekdays = weekdays.to_vec();
    Session { kind, class, weekdays, from: Clock(from * 60), until: Clock(until * 60), slot_minutes: 30, seats: 1 }
}

fn group() -> WindowGroup {
    WindowGroup {
        code: "G".into(),
        sessions: vec![
            session(SlotKind::Ordinary, DayClass::Working, &[], 9, 12),
            session(SlotKind::AfterHours, DayClass::Working, &[1, 3], 17, 18),
            session(SlotKind::OffPeak, DayClass::Weekend, &[6], 9, 10),
            session(SlotKind::OffPeak, DayClass::Holiday, &[], 10, 11),
        ],
        ..WindowGroup::default()
    }
}

fn on(month: u32, day: u32) -> yiwang_intake::reception::plan::Plan {
    let date = NaiveDate::from_ymd_opt(2026, month, day).unwrap();
    plan((&group(), 1), (&BookingRules::default(), 0), date, Calendar::builtin())
}

#[test]
fn a_day_has_the_hours_of_its_class_and_weekday() {
    // Monday, Tuesday, Saturday, Sunday
    assert_eq!([(3, 2), (3, 3), (3, 7), (3, 8)].map(|(m, d)| on(m, d).slots.len()), [8, 6, 2, 0]);
    assert_eq!(on(3, 8).closed.as_deref(), Some("周末"));
    // 清明节, with hours of its own; a Saturday worked in exchange is a Monday
    assert_eq!((on(4, 6).slots.len(), on(4, 6).opens), (2, Clock(600)));
    assert_eq!(on(5, 9).slots.len(), 8);
    assert_eq!((on(3, 2).opens, on(3, 2).closes, on(3, 2).ends), (Clock(540), Clock(1080), Clock(1140)));
}

#[test]
fn a_closure_comes_before_an_exception_and_an_exception_before_the_week() {
    let date = NaiveDate::from_ymd_opt(2026, 3, 2).unwrap();
    let (mut group, mut rules) = (group(), BookingRules::default());
    let sessions = vec![session(SlotKind::Ordinary, DayClass::Working, &[], 14, 15)];
    group.exceptions.push(Exception { date, sessions, reason: "培训".into() });
    let planned = |rules: &BookingRules| plan((&group, 1), (rules, 0), date, Calendar::builtin());
    assert_eq!((planned(&rules).slots.len(), planned(&rules).closed), (2, None));
    rules.closures.push(Closure { date, reason: "停电".into() });
    assert_eq!((planned(&rules).slots.len(), planned(&rules).closed.as_deref()), (0, Some("停电")));
}

#[test]
fn a_time_of_day_is_one() {
    assert_eq!([Clock::parse("09:30"), Clock::parse("24:00")], [Some(Clock(570)), Some(Clock::MIDNIGHT)]);
    for wrong in ["9:30", "09:60", "24:01", "0930", "-1:00", "+9:00", ""] {
        assert_eq!(Clock::parse(wrong), None, "{wrong}");
    }
}

fn any_session() -> impl Strategy<Value = Session> {
    let kind = prop_oneof![Just(SlotKind::Ordinary), Just(SlotKind::AfterHours), Just(SlotKind::HomeVisit)];
    let class = prop_oneof![Just(DayClass::Working), Just(DayClass::Weekend), Just(DayClass::Holiday)];
    (kind, class, proptest::collection::vec(1u8..8, 0..3), 0u16..24, 1u16..8, 5u16..90, 0u16..60).prop_map(
        |(kind, class, weekdays, from, slots, slot_minutes, seats)| {
            let from = Clock(from * 60);
            Session { kind, class, weekdays, from, until: from.plus(slots * slot_minutes), slot_minutes, seats }
        },
    )
}

proptest! {
    #[test]
    fn a_group_that_may_be_published_never_offers_two_slots_at_a_time_of_a_kind(
        sessions in proptest::collection::vec(any_session(), 1..8),
        day in 0u64..365,
    ) {
        let group = WindowGroup { sessions, ..WindowGroup::default() };
        prop_assume!(check::group(&group).is_ok());
        let date = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + chrono::Days::new(day);
        let planned = plan((&group, 1), (&BookingRules::default(), 0), date, Calendar::builtin());
        let mut seats = 0;
        for (index, slot) in planned.slots.iter().enumerate() {
            prop_assert!(slot.start < slot.end);
            let meets = planned.slots[..index].iter().any(|other| other.covers(slot.kind, slot.start));
            prop_assert!(!meets);
            seats += u32::from(slot.seats);
        }
        prop_assert!(seats <= check::MOST_SEATS);
        prop_assert_eq!(planned.closed.is_some(), planned.slots.is_empty());
    }
}
