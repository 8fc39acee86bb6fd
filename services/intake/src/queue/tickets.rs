//! The rules of tickets: taken, called, called again, passed over, back, finished, transferred.

use yiwang_ledger::{Context, Decision, Kind, Refusal, SubjectId};

use super::seats::{Fresh, closed, day_has_ended, opened};
use super::{Day, DayEvent, End, Green, Line, MOST_WAITING, Ticket, TicketPhase, order};
use crate::application::Actor;
use crate::reception::Clock;

/// `TICKET_NOT_FOUND`.
pub fn not_found() -> Refusal {
    Refusal { reason: "TICKET_NOT_FOUND", ..Refusal::not_found("号票") }
}

/// `QUEUE_NOT_FOUND`: nothing has happened on the day.
pub fn no_queue() -> Refusal {
    Refusal { reason: "QUEUE_NOT_FOUND", ..Refusal::not_found("排队队列") }
}

fn not_called() -> Refusal {
    Refusal::state("TICKET_NOT_CALLED", "该号不在叫号状态", "the ticket is not called")
}

fn exhausted() -> Refusal {
    let (zh, en) = ("今日号票已发完，请预约其他日期", "the tickets of the day are given out: book another day");
    Refusal::new(Kind::ResourceExhausted, "TICKETS_EXHAUSTED", zh, en)
}

/// The next number.
pub(super) fn issue(
    day: &Day,
    line: Line,
    item: &str,
    green: Option<&Green>,
    owner: Option<SubjectId>,
    cx: &Context,
) -> Result<Ticket, Refusal> {
    if day.tickets.len() >= MOST_WAITING || day.issued == u16::MAX {
        return Err(exhausted());
    }
    let green = green.cloned().map(|green| green.with(&line, owner.as_ref()));
    Ok(Ticket {
        label: format!("{}{:03}", day.plan.prefix, day.issued + 1),
        since: cx.now,
        item: item.to_owned(),
        line,
        green,
        owner,
        phase: TicketPhase::Waiting { not_before: 0 },
        calls: 0,
        rejoins: 0,
    })
}

/// A walk-in.
#[derive(Clone, Debug, Default)]
pub struct WalkIn {
    /// 实施编码; empty where none was named.
    pub item: String,
    /// 绿色通道.
    pub green: Option<Green>,
    /// Who takes it themself.
    pub owner: Option<SubjectId>,
}

/// 取号. Nobody stands in two lines: who has a ticket that may still be called, or a place that may be checked in now.
///
/// # Errors
/// `DAY_HAS_ENDED`, `CLOSED_THAT_DAY`, `CLOSED_NOW`, `TICKET_HELD`, `CHECK_IN_INSTEAD`, `TICKETS_EXHAUSTED`.
pub fn take(day: &Day, fresh: &Fresh, ask: &WalkIn, by: &Actor, cx: &Context) -> Decision<DayEvent> {
    let (day, mut events) = opened(day, fresh, cx);
    if let Some(reason) = &day.plan.closed {
        return Err(closed(reason));
    }
    if day.over {
        return Err(day_has_ended());
    }
    let plan = &day.plan;
    let from = Clock(plan.opens.0.saturating_sub(plan.queue.early_minutes));
    if cx.now < from.on(fresh.date) || cx.now >= plan.closes.on(fresh.date) {
        let (zh, en) =
            (format!("取号时间为{from}至{}", plan.closes), format!("tickets are taken from {from} to {}", plan.closes));
        return Err(Refusal::state("CLOSED_NOW", zh, en));
    }
    let own = |owner: &Option<SubjectId>| ask.owner.is_some() && *owner == ask.owner;
    let held = day.tickets.iter().find(|ticket| own(&ticket.owner) && !spent(&day, ticket));
    if let Some(held) = held {
        let label = &held.label;
        let (zh, en) = (format!("您已取{label}号，尚未办结"), format!("you hold {label} already"));
        return Err(Refusal::state("TICKET_HELD", zh, en).with("ticket", label.clone()));
    }
    if let Some(seat) = day.seats.iter().find(|seat| own(&seat.owner) && day.takes_in(seat, fresh.date, cx.now)) {
        let (zh, en) =
            (format!("您已预约{}，请签到取号", seat.start), format!("you have booked {}: check in", seat.start));
        return Err(Refusal::state("CHECK_IN_INSTEAD", zh, en));
    }
    if day.issued >= plan.tickets {
        return Err(exhausted());
    }
    let ticket = issue(&day, Line::WalkIn, &ask.item, ask.green.as_ref(), ask.owner.clone(), cx)?;
    events.push(DayEvent::TicketIssued { ticket, by: by.clone() });
    Ok(events)
}

/// Passed over for the last time: it is never called again.
fn spent(day: &Day, ticket: &Ticket) -> bool {
    ticket.phase == TicketPhase::Passed && ticket.rejoins >= day.plan.queue.rejoins
}

/// 叫号.
///
/// # Errors
/// `DAY_HAS_ENDED`, `NO_SUCH_WINDOW`, `WINDOW_BUSY`, `NOBODY_WAITING`.
pub fn call_next(day: &Day, window: &str, by: &Actor, cx: &Context) -> Decision<DayEvent> {
    if day.over {
        return Err(day_has_ended());
    }
    if !day.plan.windows.iter().any(|own| own == window) {
        return Err(Refusal::state("NO_SUCH_WINDOW", "该窗口组没有这个窗口", "the group has no such window"));
    }
    let serves = |ticket: &&Ticket| matches!(&ticket.phase, TicketPhase::Called { window: own, .. } if own == window);
    if let Some(busy) = day.tickets.iter().find(serves) {
        let label = &busy.label;
        let (zh, en) = (format!("本窗口{label}号尚未办结"), format!("{label} is not finished at this window"));
        return Err(Refusal::state("WINDOW_BUSY", zh, en).with("ticket", label.clone()));
    }
    let next = order::next(day, cx.now)
        .ok_or_else(|| Refusal::state("NOBODY_WAITING", "当前无人等候", "nobody is waiting"))?;
    Ok(vec![DayEvent::TicketCalled { label: next.label.clone(), window: window.to_owned(), by: by.clone() }])
}

/// The ticket, live; or one that is over, in the words of `otherwise`.
fn live<'a>(day: &'a Day, label: &str, otherwise: fn() -> Refusal) -> Result<&'a Ticket, Refusal> {
    match day.ticket(label) {
        Some(ticket) => Ok(ticket),
        None if day.ended.contains_key(label) => Err(otherwise()),
        None => Err(not_found()),
    }
}

fn called<'a>(day: &'a Day, label: &str) -> Result<&'a Ticket, Refusal> {
    let ticket = live(day, label, not_called)?;
    matches!(ticket.phase, TicketPhase::Called { .. }).then_some(ticket).ok_or_else(not_called)
}

/// 重呼.
///
/// # Errors
/// `TICKET_NOT_FOUND`, `TICKET_NOT_CALLED`.
pub fn recall(day: &Day, label: &str, by: &Actor) -> Decision<DayEvent> {
    called(day, label)?;
    Ok(vec![DayEvent::TicketRecalled { label: label.to_owned(), by: by.clone() }])
}

/// 过号.
///
/// # Errors
/// `TICKET_NOT_FOUND`, `TICKET_NOT_CALLED`, `NOT_CALLED_OFTEN_ENOUGH`.
pub fn pass(day: &Day, label: &str, by: &Actor) -> Decision<DayEvent> {
    let (ticket, most) = (called(day, label)?, day.plan.queue.calls_before_pass);
    if ticket.calls < most {
        let (zh, en) = (format!("应叫号{most}次后方可过号"), format!("call {most} times before passing over"));
        return Err(Refusal::state("NOT_CALLED_OFTEN_ENOUGH", zh, en));
    }
    Ok(vec![DayEvent::TicketPassed { label: label.to_owned(), by: by.clone() }])
}

/// Back after being passed over.
///
/// # Errors
/// `TICKET_NOT_FOUND`, `TICKET_NOT_PASSED`, `REJOINED_TOO_OFTEN`, `DAY_HAS_ENDED`.
pub fn rejoin(day: &Day, label: &str, by: &Actor) -> Decision<DayEvent> {
    if day.over {
        return Err(day_has_ended());
    }
    let not_passed = || Refusal::state("TICKET_NOT_PASSED", "该号未过号", "the ticket was not passed over");
    let ticket = live(day, label, not_passed)?;
    if ticket.phase != TicketPhase::Passed {
        return Err(not_passed());
    }
    if spent(day, ticket) {
        let (zh, en) = ("过号次数已满，请重新取号", "passed over too often: take another ticket");
        return Err(Refusal::state("REJOINED_TOO_OFTEN", zh, en));
    }
    let not_before = day.calls + u32::from(day.plan.queue.rejoin_after);
    Ok(vec![DayEvent::TicketRejoined { label: label.to_owned(), not_before, by: by.clone() }])
}

/// 办结. What is finished stays so.
///
/// # Errors
/// `TICKET_NOT_FOUND`, `TICKET_NOT_CALLED`.
pub fn finish(day: &Day, label: &str, by: &Actor) -> Decision<DayEvent> {
    if day.ended.get(label) == Some(&End::Served) {
        return Ok(Vec::new());
    }
    let booked = called(day, label)?.booking();
    Ok(vec![DayEvent::TicketFinished { label: label.to_owned(), booked, by: by.clone() }])
}

/// 转移: it keeps its number, its line, and its place by when it came. Who was passed over comes back first.
///
/// # Errors
/// `TICKET_NOT_FOUND`, `TICKET_NOT_LIVE`.
pub fn transfer(day: &Day, label: &str, to: &str, reason: &str, by: &Actor) -> Decision<DayEvent> {
    let ended = || Refusal::state("TICKET_NOT_LIVE", "该号已结束", "the ticket has ended");
    let ticket = live(day, label, ended)?.clone();
    if ticket.phase == TicketPhase::Passed {
        let (zh, en) = ("该号已过号，请先恢复排队", "the ticket was passed over: it rejoins first");
        return Err(Refusal::state("TICKET_NOT_LIVE", zh, en));
    }
    let ticket = Ticket { phase: TicketPhase::Waiting { not_before: 0 }, calls: 0, ..ticket };
    Ok(vec![DayEvent::TicketTransferred { ticket, to: to.to_owned(), reason: reason.to_owned(), by: by.clone() }])
}

/// The other side of a transfer; where the day has ended meanwhile, the ticket lapses with it.
pub fn receive(day: &Day, fresh: &Fresh, ticket: &Ticket, from: &str, cx: &Context) -> Decision<DayEvent> {
    let (day, mut events) = opened(day, fresh, cx);
    events.push(DayEvent::TicketReceived { ticket: ticket.clone(), from: from.to_owned() });
    if day.over {
        events.push(DayEvent::DayEnded {
            lapsed: vec![ticket.label.clone()],
            served: Vec::new(),
            lapsed_bookings: ticket.booking().into_iter().collect(),
            served_bookings: Vec::new(),
        });
    }
    Ok(events)
}

/// 绿色通道.
///
/// # Errors
/// `TICKET_NOT_FOUND`, `TICKET_NOT_WAITING`.
pub fn grant(day: &Day, label: &str, green: &Green, by: &Actor) -> Decision<DayEvent> {
    let not_waiting = || Refusal::state("TICKET_NOT_WAITING", "该号不在等候", "the ticket is not waiting");
    let ticket = live(day, label, not_waiting)?;
    if !matches!(ticket.phase, TicketPhase::Waiting { .. }) {
        return Err(not_waiting());
    }
    let green = green.clone().with(&ticket.line, ticket.owner.as_ref());
    if ticket.green.as_ref() == Some(&green) {
        return Ok(Vec::new());
    }
    Ok(vec![DayEvent::PriorityGranted { label: label.to_owned(), green, by: by.clone() }])
}
