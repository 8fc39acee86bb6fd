//! Window groups, rules and slots, as the contracts bring and show them.

use chrono::NaiveDate;
use yiwang_kit::wire;
use yiwang_ledger::Refusal;
use yiwang_proto::intake::v1 as pb;

use super::{ask, count};
use crate::hall::Hall;
use crate::queue::Day;
use crate::reception::plan::Slot;
use crate::reception::{
    BookingRules, Clock, Closure, DayClass, Exception, Ground, NoShowRule, QueueRule, Quota, Session, SlotKind,
    WindowGroup, check,
};

const WRONG: &str = "FIELD_INVALID";

/// A number between two others.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
fn number<T: TryFrom<i32>>(field: &str, value: i32, least: i32, most: i32) -> Result<T, Refusal> {
    let wrong = || Refusal::field(field, WRONG, format!("应为{least}至{most}"), format!("{least} to {most}"));
    if !(least..=most).contains(&value) {
        return Err(wrong());
    }
    T::try_from(value).map_err(|_| wrong())
}

/// A day.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
pub fn day(field: &str, text: &str) -> Result<NaiveDate, Refusal> {
    wire::day(text.trim())
        .ok_or_else(|| Refusal::field(field, WRONG, "日期应写作YYYY-MM-DD", "a day is written YYYY-MM-DD"))
}

/// A time of day.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
pub fn clock(field: &str, text: &str) -> Result<Clock, Refusal> {
    Clock::parse(text).ok_or_else(|| Refusal::field(field, WRONG, "时间应写作HH:MM", "a time is written HH:MM"))
}

/// A code of letters, digits and inner hyphens.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
fn code(field: &str, text: &str, most: usize) -> Result<String, Refusal> {
    let code = ask::text(field, text, 1, most, WRONG)?;
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if code.bytes().all(inner) && !code.starts_with('-') && !code.ends_with('-') {
        return Ok(code);
    }
    Err(Refusal::field(field, WRONG, "代码由字母、数字和连字符组成", "a code is letters, digits and inner hyphens"))
}

/// Which kind; unspecified means ordinary hours.
pub fn kind(kind: pb::SlotKind) -> SlotKind {
    match kind {
        pb::SlotKind::Unspecified | pb::SlotKind::Ordinary => SlotKind::Ordinary,
        pb::SlotKind::AfterHours => SlotKind::AfterHours,
        pb::SlotKind::OffPeak => SlotKind::OffPeak,
        pb::SlotKind::HomeVisit => SlotKind::HomeVisit,
    }
}

/// Which kind, shown.
pub fn kind_shown(kind: SlotKind) -> pb::SlotKind {
    match kind {
        SlotKind::Ordinary => pb::SlotKind::Ordinary,
        SlotKind::AfterHours => pb::SlotKind::AfterHours,
        SlotKind::OffPeak => pb::SlotKind::OffPeak,
        SlotKind::HomeVisit => pb::SlotKind::HomeVisit,
    }
}

/// A ground; none where none was named.
pub fn ground(ground: pb::Ground) -> Option<Ground> {
    Some(match ground {
        pb::Ground::Unspecified => return None,
        pb::Ground::Elderly => Ground::Elderly,
        pb::Ground::Disabled => Ground::Disabled,
        pb::Ground::Pregnant => Ground::Pregnant,
        pb::Ground::WithInfant => Ground::WithInfant,
        pb::Ground::Military => Ground::Military,
        pb::Ground::Ill => Ground::Ill,
        pb::Ground::Other => Ground::Other,
    })
}

/// A ground, shown.
pub fn ground_shown(ground: Ground) -> pb::Ground {
    match ground {
        Ground::Elderly => pb::Ground::Elderly,
        Ground::Disabled => pb::Ground::Disabled,
        Ground::Pregnant => pb::Ground::Pregnant,
        Ground::WithInfant => pb::Ground::WithInfant,
        Ground::Military => pb::Ground::Military,
        Ground::Ill => pb::Ground::Ill,
        Ground::Other => pb::Ground::Other,
    }
}

/// A session; of an exceptional day, whose class and weekdays do not matter.
fn session(field: &str, message: &pb::Session, exceptional: bool) -> Result<Session, Refusal> {
    let class = match message.class() {
        _ if exceptional => DayClass::Working,
        pb::DayClass::Working => DayClass::Working,
        pb::DayClass::Weekend => DayClass::Weekend,
        pb::DayClass::Holiday => DayClass::Holiday,
        pb::DayClass::Unspecified => {
            return Err(Refusal::field(format!("{field}.class"), WRONG, "请指明日期类型", "name the class of days"));
        }
    };
    if message.kind() == pb::SlotKind::Unspecified {
        return Err(Refusal::field(format!("{field}.kind"), WRONG, "请指明服务类型", "name the kind"));
    }
    let mut weekdays = Vec::new();
    for day in message.weekdays.iter().filter(|_| !exceptional) {
        let day = number(&format!("{field}.weekdays"), *day, 1, 7)?;
        if !check::weekday_fits(class, day) {
            let (zh, en) = ("该日期类型没有这个星期几", "days of this class have no such weekday");
            return Err(Refusal::field(format!("{field}.weekdays"), WRONG, zh, en));
        }
        weekdays.push(day);
    }
    weekdays.sort_unstable();
    weekdays.dedup();
    Ok(Session {
        kind: kind(message.kind()),
        class,
        weekdays,
        from: clock(&format!("{field}.from_time"), &message.from_time)?,
        until: clock(&format!("{field}.until_time"), &message.until_time)?,
        slot_minutes: number(&format!("{field}.slot_minutes"), message.slot_minutes, 5, 480)?,
        seats: number(&format!("{field}.seats"), message.seats, 0, 400)?,
    })
}

fn sessions(field: &str, all: &[pb::Session], exceptional: bool) -> Result<Vec<Session>, Refusal> {
    ask::few(field, all, 40)?;
    let one = |(index, one): (usize, &pb::Session)| session(&format!("{field}[{index}]"), one, exceptional);
    all.iter().enumerate().map(one).collect()
}

/// A window group that is to be published.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
pub fn group(message: Option<&pb::WindowGroup>, hall: &Hall) -> Result<WindowGroup, Refusal> {
    let message = message.ok_or_else(|| Refusal::field("group", WRONG, "缺少窗口组", "the group is needed"))?;
    let prefix = message.ticket_prefix.trim();
    if !(1..=2).contains(&prefix.len()) || !prefix.bytes().all(|byte| byte.is_ascii_uppercase()) {
        let (zh, en) = ("号票前缀为1至2个大写字母", "a prefix is 1 or 2 capital letters");
        return Err(Refusal::field("group.ticket_prefix", WRONG, zh, en));
    }
    if message.windows.is_empty() {
        return Err(Refusal::field("group.windows", WRONG, "至少应有一个窗口", "a group has a window"));
    }
    ask::few("group.windows", &message.windows, 100)?;
    ask::few("group.item_codes", &message.item_codes, 500)?;
    ask::few("group.quotas", &message.quotas, 100)?;
    ask::few("group.exceptions", &message.exceptions, 60)?;
    let texts = |field: &str, all: &[String], most| -> Result<Vec<String>, Refusal> {
        all.iter().map(|text| ask::text(field, text, 1, most, WRONG)).collect()
    };
    let quota = |quota: &pb::ItemQuota| {
        Ok(Quota {
            item: ask::text("group.quotas.item_code", &quota.item_code, 1, 100, WRONG)?,
            a_slot: number("group.quotas.seats_a_slot", quota.seats_a_slot, 0, 400)?,
            a_day: number("group.quotas.seats_a_day", quota.seats_a_day, 0, 400)?,
        })
    };
    let exception = |(index, one): (usize, &pb::ExceptionalDay)| {
        let field = format!("group.exceptions[{index}]");
        Ok(Exception {
            date: day(&format!("{field}.date"), &one.date)?,
            sessions: sessions(&format!("{field}.sessions"), &one.sessions, true)?,
            reason: ask::text(&format!("{field}.reason"), &one.reason, 0, 200, WRONG)?,
        })
    };
    Ok(WindowGroup {
        hall: hall.code.clone(),
        code: code("group.group_code", &message.group_code, 20)?,
        region: hall.region.clone(),
        name: ask::text("group.name", &message.name, 1, 100, WRONG)?,
        prefix: prefix.to_owned(),
        windows: texts("group.windows", &message.windows, 20)?,
        items: texts("group.item_codes", &message.item_codes, 100)?,
        sessions: sessions("group.sessions", &message.sessions, false)?,
        quotas: message.quotas.iter().map(quota).collect::<Result<_, Refusal>>()?,
        home_visits_for: message.home_visits_for().filter_map(ground).collect(),
        exceptions: message.exceptions.iter().enumerate().map(exception).collect::<Result<_, Refusal>>()?,
        tickets_a_day: match number("group.tickets_a_day", message.tickets_a_day, 0, 9999)? {
            0 => 999,
            tickets => tickets,
        },
        service_minutes: match number("group.service_minutes", message.service_minutes, 0, 480)? {
            0 => 10,
            minutes => minutes,
        },
    })
}

fn session_shown(session: &Session) -> pb::Session {
    let class = match session.class {
        DayClass::Working => pb::DayClass::Working,
        DayClass::Weekend => pb::DayClass::Weekend,
        DayClass::Holiday => pb::DayClass::Holiday,
    };
    pb::Session {
        kind: kind_shown(session.kind).into(),
        class: class.into(),
        weekdays: session.weekdays.iter().map(|day| i32::from(*day)).collect(),
        from_time: session.from.to_string(),
        until_time: session.until.to_string(),
        slot_minutes: session.slot_minutes.into(),
        seats: session.seats.into(),
    }
}

/// A window group.
pub fn group_shown(version: u64, group: &WindowGroup) -> pb::WindowGroup {
    let quota = |quota: &Quota| pb::ItemQuota {
        item_code: quota.item.clone(),
        seats_a_slot: quota.a_slot.into(),
        seats_a_day: quota.a_day.into(),
    };
    let exception = |one: &Exception| pb::ExceptionalDay {
        date: one.date.to_string(),
        sessions: one.sessions.iter().map(session_shown).collect(),
        reason: one.reason.clone(),
    };
    pb::WindowGroup {
        hall_code: group.hall.clone(),
        group_code: group.code.clone(),
        etag: wire::etag(version),
        name: group.name.clone(),
        ticket_prefix: group.prefix.clone(),
        windows: group.windows.clone(),
        item_codes: group.items.clone(),
        sessions: group.sessions.iter().map(session_shown).collect(),
        quotas: group.quotas.iter().map(quota).collect(),
        home_visits_for: group.home_visits_for.iter().map(|one| ground_shown(*one).into()).collect(),
        exceptions: group.exceptions.iter().map(exception).collect(),
        tickets_a_day: group.tickets_a_day.into(),
        service_minutes: group.service_minutes.into(),
    }
}

/// Rules that are to be published.
///
/// # Errors
/// `FIELD_INVALID`, `REASON_MISSING`, naming the field.
pub fn rules(message: Option<&pb::BookingRules>, hall: &Hall) -> Result<BookingRules, Refusal> {
    let message = message.ok_or_else(|| Refusal::field("rules", WRONG, "缺少规则", "the rules are needed"))?;
    ask::few("rules.closures", &message.closures, 60)?;
    let closure = |(index, one): (usize, &pb::Closure)| {
        let field = format!("rules.closures[{index}]");
        Ok(Closure {
            date: day(&format!("{field}.date"), &one.date)?,
            reason: ask::text(&format!("{field}.reason"), &one.reason, 1, 200, "REASON_MISSING")?,
        })
    };
    Ok(BookingRules {
        hall: hall.code.clone(),
        region: hall.region.clone(),
        horizon_days: number("rules.horizon_days", message.horizon_days, 1, 90)?,
        lead_minutes: number("rules.lead_minutes", message.lead_minutes, 0, 10080)?,
        open_bookings: number("rules.open_bookings", message.open_bookings, 1, 20)?,
        no_show: NoShowRule {
            count: number("rules.no_shows", message.no_shows, 0, 20)?,
            days: number("rules.no_show_days", message.no_show_days, 1, 365)?,
            bar_days: number("rules.bar_days", message.bar_days, 1, 365)?,
        },
        queue: QueueRule {
            early_minutes: number("rules.early_minutes", message.early_minutes, 0, 240)?,
            late_minutes: number("rules.late_minutes", message.late_minutes, 0, 240)?,
            bookings_in_a_row: number("rules.bookings_in_a_row", message.bookings_in_a_row, 1, 10)?,
            greens_in_a_row: number("rules.greens_in_a_row", message.greens_in_a_row, 1, 10)?,
            calls_before_pass: number("rules.calls_before_pass", message.calls_before_pass, 1, 10)?,
            rejoin_after: number("rules.rejoin_after", message.rejoin_after, 0, 20)?,
            rejoins: number("rules.rejoins", message.rejoins, 0, 5)?,
        },
        overrun_minutes: number("rules.overrun_minutes", message.overrun_minutes, 0, 240)?,
        closures: message.closures.iter().enumerate().map(closure).collect::<Result<_, Refusal>>()?,
    })
}

/// Rules; without an etag where they are the product's.
pub fn rules_shown(hall: &str, version: u64, rules: &BookingRules) -> pb::BookingRules {
    let closure = |one: &Closure| pb::Closure { date: one.date.to_string(), reason: one.reason.clone() };
    pb::BookingRules {
        hall_code: hall.to_owned(),
        etag: if version == 0 { String::new() } else { wire::etag(version) },
        horizon_days: rules.horizon_days.into(),
        lead_minutes: rules.lead_minutes.into(),
        open_bookings: rules.open_bookings.into(),
        early_minutes: rules.queue.early_minutes.into(),
        late_minutes: rules.queue.late_minutes.into(),
        no_shows: rules.no_show.count.into(),
        no_show_days: rules.no_show.days.into(),
        bar_days: rules.no_show.bar_days.into(),
        bookings_in_a_row: rules.queue.bookings_in_a_row.into(),
        greens_in_a_row: rules.queue.greens_in_a_row.into(),
        calls_before_pass: rules.queue.calls_before_pass.into(),
        rejoin_after: rules.queue.rejoin_after.into(),
        rejoins: rules.queue.rejoins.into(),
        overrun_minutes: rules.overrun_minutes.into(),
        closures: rules.closures.iter().map(closure).collect(),
    }
}

/// A slot of a day, for an item; `open` where it can still be booked.
pub fn slot(day: &Day, slot: &Slot, item: &str, open: bool) -> pb::Slot {
    pb::Slot {
        kind: kind_shown(slot.kind).into(),
        start_time: slot.start.to_string(),
        end_time: slot.end.to_string(),
        seats: slot.seats.into(),
        left: if open { count(day.left(slot, item)) } else { 0 },
    }
}
