//! The rules of places: what is taken, given back, missed.

use chrono::{Days, NaiveDate};
use yiwang_ledger::{Context, Decision, Kind, Refusal, StreamId, SubjectId};

use super::{Booked, Day, DayEvent, Green, Line, Release, Seat, SeatPhase, TicketPhase};
use crate::application::Actor;
use crate::appointment::visitor::{Terms, moved_meanwhile};
use crate::appointment::{Booking, Place, not_open};
use crate::limit::legal_date;
use crate::reception::plan::Plan;
use crate::reception::{BookingRules, Clock, SlotKind};

/// The day as it would be opened now.
#[derive(Clone, Debug)]
pub struct Fresh {
    /// Code of the hall.
    pub hall: String,
    /// Code of the group.
    pub group: String,
    /// The day.
    pub date: NaiveDate,
    /// What was published of it.
    pub plan: Plan,
}

/// A place that is asked for.
#[derive(Clone, Debug)]
pub struct Take {
    /// The appointment.
    pub appointment: StreamId,
    /// Which of its places.
    pub turn: u32,
    /// Which kind.
    pub kind: SlotKind,
    /// When the slot begins.
    pub start: Clock,
    /// 实施编码.
    pub item: String,
    /// Whose it is.
    pub owner: SubjectId,
    /// What the appointment is made of; none where it moves.
    pub booking: Option<Box<Booking>>,
    /// Where it moves from.
    pub from: Option<Place>,
    /// On what terms the visitor may have it.
    pub terms: Terms,
    /// By whom.
    pub by: Actor,
}

/// `CLOSED_THAT_DAY`.
pub fn closed(reason: &str) -> Refusal {
    let (zh, en) = (format!("该窗口组当日不办公：{reason}"), format!("the group is closed that day: {reason}"));
    Refusal::state("CLOSED_THAT_DAY", zh, en).with("reason", reason)
}

/// `DAY_HAS_ENDED`.
pub fn day_has_ended() -> Refusal {
    Refusal::state("DAY_HAS_ENDED", "当日办理已经结束", "the day has ended")
}

/// Opens the day, or brings it to what was published since; places whose hour is no longer kept are given back.
pub(super) fn opened(day: &Day, fresh: &Fresh, cx: &Context) -> (Day, Vec<DayEvent>) {
    let newer = day.date.is_none() || fresh.plan.basis.is_at_least(&day.plan.basis);
    if day.over || !newer || (day.date.is_some() && day.plan == fresh.plan) {
        return (day.clone(), Vec::new());
    }
    let Fresh { hall, group, date, plan } = fresh.clone();
    let gone = day.seats.iter().filter(|seat| seat.phase == SeatPhase::Held && !plan.keeps(seat.kind, seat.start));
    let reason = plan.closed.clone().unwrap_or_else(|| "该时段不再开放".to_owned());
    let released = gone.map(|seat| DayEvent::SeatReleased {
        appointment: seat.appointment,
        turn: seat.turn,
        why: Release::HallClosed { reason: reason.clone() },
    });
    let mut events: Vec<_> = released.collect();
    events.insert(0, DayEvent::DayPlanned { hall, group, date, plan: Box::new(plan) });
    (day.after(&events, cx), events)
}

/// What was published, or the calendar, has changed: of today and later.
pub fn replan(day: &Day, fresh: &Fresh, cx: &Context) -> Decision<DayEvent> {
    if day.date.is_none_or(|date| date < legal_date(cx.now)) {
        return Ok(Vec::new());
    }
    Ok(opened(day, fresh, cx).1)
}

/// 预约: takes a place of a slot. Never more than are published.
///
/// # Errors
/// `BEYOND_HORIZON`, `TOO_SHORT_NOTICE`, `CLOSED_THAT_DAY`, `NO_SUCH_SLOT`, `SLOT_FULL`, `ITEM_QUOTA_FULL`.
pub fn book(day: &Day, fresh: &Fresh, rules: &BookingRules, take: &Take, cx: &Context) -> Decision<DayEvent> {
    let (day, mut events) = opened(day, fresh, cx);
    let last = legal_date(cx.now).checked_add_days(Days::new(rules.horizon_days.into()));
    if last.is_none_or(|last| fresh.date > last) {
        let zh = format!("只能预约今天起{}天内的时段", rules.horizon_days);
        let en = format!("bookings are taken for today and {} days on", rules.horizon_days);
        return Err(Refusal::state("BEYOND_HORIZON", zh, en));
    }
    if fresh.date < legal_date(cx.now) {
        return Err(too_short(rules));
    }
    if let Some(reason) = &day.plan.closed {
        return Err(closed(reason));
    }
    let Some(slot) = day.plan.slot(take.kind, take.start) else {
        let (zh, en) = ("没有该时段，请查询号源", "there is no such slot: ask for the slots of the day");
        return Err(Refusal::field("start_time", "NO_SUCH_SLOT", zh, en));
    };
    let notice = i64::from(rules.lead_minutes) * crate::reception::MINUTE_MICROS;
    if slot.start.on(fresh.date).0 - notice <= cx.now.0 {
        return Err(too_short(rules));
    }
    if day.seat(take.appointment, take.turn).is_some() {
        return Err(moved_meanwhile());
    }
    let full = |reason, zh, en| Err(Refusal::new(Kind::ResourceExhausted, reason, zh, en));
    if day.taken(slot) >= usize::from(slot.seats) {
        return full("SLOT_FULL", "该时段已约满", "the slot is full");
    }
    if day.left(slot, &take.item) == 0 {
        return full(
            "ITEM_QUOTA_FULL",
            "该事项在该时段或当日已约满",
            "the item's places of the slot or the day are taken",
        );
    }
    events.push(DayEvent::SeatTaken {
        seat: Seat {
            appointment: take.appointment,
            turn: take.turn,
            kind: take.kind,
            start: take.start,
            item: take.item.clone(),
            owner: None,
            phase: SeatPhase::Held,
        },
        end: slot.end,
        owner: take.owner.clone(),
        booking: take.booking.clone(),
        from: take.from.clone(),
        terms: take.terms,
        by: take.by.clone(),
    });
    Ok(events)
}

fn too_short(rules: &BookingRules) -> Refusal {
    let (zh, en) = match rules.lead_minutes {
        0 => ("该时段已经开始".to_owned(), "the slot has begun".to_owned()),
        lead => (format!("应至少提前{lead}分钟预约"), format!("a slot is booked {lead} minutes before it begins")),
    };
    Refusal::state("TOO_SHORT_NOTICE", zh, en)
}

/// Gives a place back; what is not held (any more) stays as it is.
pub fn release(day: &Day, booked: Booked, why: &Release) -> Decision<DayEvent> {
    let held = day.seat(booked.appointment, booked.turn).filter(|seat| seat.phase == SeatPhase::Held);
    let event = |_| DayEvent::SeatReleased { appointment: booked.appointment, turn: booked.turn, why: why.clone() };
    Ok(held.map(event).into_iter().collect())
}

/// 签到取号: the visitor is there.
///
/// # Errors
/// `APPOINTMENT_NOT_OPEN`, `NO_TICKET_AT_HOME`, `DAY_HAS_ENDED`, `TOO_EARLY`, `TICKETS_EXHAUSTED`.
pub fn check_in(day: &Day, booked: Booked, green: Option<&Green>, by: &Actor, cx: &Context) -> Decision<DayEvent> {
    let held = day.seat(booked.appointment, booked.turn).filter(|seat| seat.phase == SeatPhase::Held);
    let (Some(seat), Some(date)) = (held, day.date) else { return Err(not_open()) };
    if seat.kind == SlotKind::HomeVisit {
        let (zh, en) = ("上门服务无须到厅取号", "a visit at home needs no ticket");
        return Err(Refusal::state("NO_TICKET_AT_HOME", zh, en));
    }
    if day.over {
        return Err(day_has_ended());
    }
    let early = day.plan.queue.early_minutes;
    if cx.now < Clock(seat.start.0.saturating_sub(early)).on(date) {
        let (zh, en) = (format!("最早可提前{early}分钟签到"), format!("check in at most {early} minutes before"));
        return Err(Refusal::state("TOO_EARLY", zh, en));
    }
    // the timer may be late
    if day.missed_at(seat, date).is_some_and(|at| cx.now >= at) {
        return Err(not_open());
    }
    let line = Line::Booked { appointment: booked.appointment, turn: booked.turn, start: seat.start };
    let ticket = super::tickets::issue(day, line, &seat.item, green, seat.owner.clone(), cx)?;
    Ok(vec![DayEvent::TicketIssued { ticket, by: by.clone() }])
}

/// 上门服务: how a visit went.
///
/// # Errors
/// `APPOINTMENT_NOT_OPEN`, `NO_HOME_VISIT`, `SLOT_NOT_BEGUN`.
pub fn report_visit(day: &Day, booked: Booked, nobody: bool, by: &Actor, cx: &Context) -> Decision<DayEvent> {
    let held = day.seat(booked.appointment, booked.turn).filter(|seat| seat.phase == SeatPhase::Held);
    let (Some(seat), Some(date)) = (held, day.date) else { return Err(not_open()) };
    if seat.kind != SlotKind::HomeVisit {
        return Err(Refusal::state("NO_HOME_VISIT", "该预约不是上门服务", "it is no visit at home"));
    }
    if cx.now < seat.start.on(date) {
        return Err(Refusal::state("SLOT_NOT_BEGUN", "上门时段尚未开始", "the slot has not begun"));
    }
    let Booked { appointment, turn } = booked;
    Ok(vec![match nobody {
        true => DayEvent::SeatMissed { appointment, turn, by: by.clone() },
        false => DayEvent::VisitPaid { appointment, turn, by: by.clone() },
    }])
}

/// What happens by the clock: who has not come in time has missed it; at its end nobody waits any more.
pub fn timer(day: &Day, cx: &Context) -> Decision<DayEvent> {
    let Some(date) = day.date.filter(|_| !day.over) else { return Ok(Vec::new()) };
    let late = |seat: &&Seat| day.missed_at(seat, date).is_some_and(|at| cx.now >= at);
    let missed = day.seats.iter().filter(late).map(|seat| DayEvent::SeatMissed {
        appointment: seat.appointment,
        turn: seat.turn,
        by: Actor::system(),
    });
    let mut events: Vec<DayEvent> = missed.collect();
    if cx.now < day.plan.ends.on(date) {
        return Ok(events);
    }
    let (served, lapsed): (Vec<_>, Vec<_>) =
        day.tickets.iter().partition(|ticket| matches!(ticket.phase, TicketPhase::Called { .. }));
    // what is still held at the end, and was not missed, is a visit that nobody reported, or an hour after the end
    let unreported = day.seats.iter().filter(|seat| seat.phase == SeatPhase::Held && !late(seat));
    let unreported = unreported.map(|seat| Booked { appointment: seat.appointment, turn: seat.turn });
    events.push(DayEvent::DayEnded {
        lapsed_bookings: lapsed.iter().filter_map(|ticket| ticket.booking()).chain(unreported).collect(),
        served_bookings: served.iter().filter_map(|ticket| ticket.booking()).collect(),
        lapsed: lapsed.into_iter().map(|ticket| ticket.label.clone()).collect(),
        served: served.into_iter().map(|ticket| ticket.label.clone()).collect(),
    });
    Ok(events)
}
