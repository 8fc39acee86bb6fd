//! What must hold of a window group before it is published.

use std::collections::BTreeSet;

use yiwang_ledger::Refusal;

use super::{DayClass, Session, WindowGroup};

/// The state of a day must hold all its places; a hall with more of them makes another group.
pub const MOST_SEATS: u32 = 400;

/// Whether two sessions can fall on one day.
fn meet(one: &Session, other: &Session) -> bool {
    let shared = |day: &u8| other.weekdays.contains(day);
    one.class == other.class
        && (one.weekdays.is_empty() || other.weekdays.is_empty() || one.weekdays.iter().any(shared))
}

/// The places of a session on a day.
fn seats(session: &Session) -> u32 {
    let length = session.until.0.saturating_sub(session.from.0);
    u32::from(length.div_ceil(session.slot_minutes.max(1))) * u32::from(session.seats)
}

fn sessions(field: &str, all: &[Session], meet: impl Fn(&Session, &Session) -> bool) -> Result<(), Refusal> {
    for (index, one) in all.iter().enumerate() {
        let field = format!("{field}[{index}]");
        if one.from >= one.until || (one.until.0 - one.from.0) % one.slot_minutes.max(1) != 0 {
            let (zh, en) =
                ("结束时间应晚于开始时间，且为整数个时段", "it ends a whole number of slots after it begins");
            return Err(Refusal::field(format!("{field}.until_time"), "FIELD_INVALID", zh, en));
        }
        let overlaps = |other: &Session| {
            other.kind == one.kind && other.from < one.until && one.from < other.until && meet(one, other)
        };
        if all[..index].iter().any(overlaps) {
            let (zh, en) = ("同类服务时段在同一天重叠", "two sessions of a kind overlap on a day");
            return Err(Refusal::field(field, "SESSIONS_OVERLAP", zh, en));
        }
        let weekdays: &[u8] = &one.weekdays;
        let days: Vec<u8> = if weekdays.is_empty() { (1..=7).collect() } else { weekdays.to_vec() };
        let of_day = |day: &u8| {
            let there =
                |other: &&Session| meet(one, other) && (other.weekdays.is_empty() || other.weekdays.contains(day));
            all.iter().filter(there).map(seats).sum::<u32>()
        };
        if days.iter().map(of_day).max().unwrap_or_default() > MOST_SEATS {
            let zh = format!("一个窗口组每天至多{MOST_SEATS}个预约号源，请分设窗口组");
            let en = format!("a group has at most {MOST_SEATS} places a day: make another one");
            return Err(Refusal::field(field, "TOO_MANY_SEATS", zh, en));
        }
    }
    Ok(())
}

/// Refuses a group that cannot be kept.
///
/// # Errors
/// `FIELD_INVALID`, `SESSIONS_OVERLAP`, `TOO_MANY_SEATS`, `REASON_MISSING`, each naming the field.
pub fn group(group: &WindowGroup) -> Result<(), Refusal> {
    sessions("group.sessions", &group.sessions, meet)?;
    let mut days = BTreeSet::new();
    for (index, exception) in group.exceptions.iter().enumerate() {
        let field = format!("group.exceptions[{index}]");
        if exception.reason.is_empty() {
            let (zh, en) = ("例外日期应当公布理由", "an exceptional day has a published reason");
            return Err(Refusal::field(format!("{field}.reason"), "REASON_MISSING", zh, en));
        }
        if !days.insert(exception.date) {
            return Err(Refusal::field(field, "FIELD_INVALID", "同一天只能有一条例外", "one exception a day"));
        }
        // on an exceptional day its sessions all fall together
        sessions(&format!("{field}.sessions"), &exception.sessions, |_, _| true)?;
    }
    let distinct = |all: &[String]| all.iter().collect::<BTreeSet<_>>().len() == all.len();
    for (field, all) in [("group.windows", &group.windows), ("group.item_codes", &group.items)] {
        if !distinct(all) {
            return Err(Refusal::field(field, "FIELD_INVALID", "不能重复", "each one once"));
        }
    }
    Ok(())
}

/// A weekday and class that fit: a working day is no weekend day, but for those worked in exchange.
pub fn weekday_fits(class: DayClass, weekday: u8) -> bool {
    match class {
        DayClass::Working => (1..=5).contains(&weekday),
        DayClass::Weekend => (6..=7).contains(&weekday),
        DayClass::Holiday => (1..=7).contains(&weekday),
    }
}
