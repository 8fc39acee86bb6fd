//! 叫号顺序: who is next. A pure rule of the day's state and the hour, stated in the contract:
//!
//! 1. Two lines: bookings whose slot has begun, by slot; walk-ins, by when they came.
//! 2. While walk-ins wait, at most `bookings_in_a_row` bookings are called one after another; then a walk-in.
//! 3. 绿色通道 goes first among equals: within its slot; among walk-ins at most `greens_in_a_row` times before one of the others.
//! 4. Who came back after being passed over waits for so many calls, who is early for the slot; unless nobody else waits.
//!
//! So the k-th walk-in is called within k × (bookings_in_a_row + 1) × (greens_in_a_row + 1) calls.

use yiwang_ledger::Timestamp;

use super::{Day, Line, Ticket, TicketPhase};
use crate::reception::{Clock, MINUTE_MICROS, QueueRule};

/// What the order remembers of the calls before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Runs {
    calls: u32,
    bookings: u8,
    greens: u8,
}

impl Runs {
    fn of(day: &Day) -> Self {
        Runs { calls: day.calls, bookings: day.bookings_run, greens: day.greens_run }
    }

    fn after(self, called: &Ticket) -> Self {
        let calls = self.calls + 1;
        match (&called.line, &called.green) {
            (Line::Booked { .. }, _) => Runs { calls, bookings: self.bookings.saturating_add(1), ..self },
            (Line::WalkIn, Some(_)) => Runs { calls, bookings: 0, greens: self.greens.saturating_add(1) },
            (Line::WalkIn, None) => Runs { calls, bookings: 0, greens: 0 },
        }
    }
}

/// Remembers a call, for the next one.
pub(super) fn count(day: &mut Day, label: &str) {
    if let Some(ticket) = day.ticket(label) {
        let runs = Runs::of(day).after(ticket);
        (day.bookings_run, day.greens_run) = (runs.bookings, runs.greens);
    }
}

/// Who is called next at a moment.
pub fn next(day: &Day, now: Timestamp) -> Option<&Ticket> {
    let waiting: Vec<&Ticket> = waiting(day).collect();
    pick(&waiting, &day.plan.queue, Runs::of(day), hour(day, now)).copied()
}

/// Everybody who waits, in the order in which they are called if nobody else comes and the hour stands still.
pub fn queue(day: &Day, now: Timestamp) -> Vec<&Ticket> {
    let (mut left, mut runs, hour) = (waiting(day).collect::<Vec<_>>(), Runs::of(day), hour(day, now));
    let mut order = Vec::with_capacity(left.len());
    while let Some(next) = pick(&left, &day.plan.queue, runs, hour).copied() {
        left.retain(|ticket| ticket.label != next.label);
        runs = runs.after(next);
        order.push(next);
    }
    order
}

/// About how many minutes somebody waits who has so many before them: as long as people took today, at the windows that call.
pub fn wait_minutes(day: &Day, ahead: usize) -> u32 {
    /// So many say more of the day than what was published.
    const ENOUGH: u32 = 5;
    let (served, took) = day.served;
    let minutes = match served {
        0..ENOUGH => f64::from(day.plan.service_minutes),
        _ => took as f64 / MINUTE_MICROS as f64 / f64::from(served),
    };
    let windows = if day.at_work.is_empty() { day.plan.windows.len() } else { day.at_work.len() };
    (minutes * ahead as f64 / windows.max(1) as f64).ceil() as u32
}

fn waiting(day: &Day) -> impl Iterator<Item = &Ticket> {
    day.tickets.iter().filter(|ticket| matches!(ticket.phase, TicketPhase::Waiting { .. }))
}

/// The hour of the day; its end once it has passed.
fn hour(day: &Day, now: Timestamp) -> Clock {
    let minutes = day.date.map_or(0, |date| (now.0 - Clock(0).on(date).0).div_euclid(MINUTE_MICROS));
    Clock(u16::try_from(minutes.max(0)).unwrap_or(u16::MAX).min(Clock::MIDNIGHT.0))
}

fn pick<'a, 'b>(waiting: &'b [&'a Ticket], rule: &QueueRule, runs: Runs, hour: Clock) -> Option<&'b &'a Ticket> {
    let ready = |ticket: &&&Ticket| {
        let early = matches!(ticket.line, Line::Booked { start, .. } if start > hour);
        let back = matches!(ticket.phase, TicketPhase::Waiting { not_before } if not_before > runs.calls);
        !early && !back
    };
    let booked = waiting.iter().filter(ready).filter(|ticket| ticket.line != Line::WalkIn).min_by_key(|t| by_slot(t));
    let walk_ins = || waiting.iter().filter(ready).filter(|ticket| ticket.line == Line::WalkIn);
    let green = walk_ins().filter(|ticket| ticket.green.is_some()).min_by_key(|t| by_arrival(t));
    let other = walk_ins().filter(|ticket| ticket.green.is_none()).min_by_key(|t| by_arrival(t));
    let walk_in = if runs.greens < rule.greens_in_a_row { green.or(other) } else { other.or(green) };
    let first = if runs.bookings < rule.bookings_in_a_row { booked.or(walk_in) } else { walk_in.or(booked) };
    first.or_else(|| waiting.iter().min_by_key(|ticket| by_slot(ticket)))
}

fn by_arrival(ticket: &Ticket) -> (Timestamp, &str) {
    (ticket.since, &ticket.label)
}

/// By slot, 绿色通道 first within it, then by arrival; walk-ins, who only come here where nobody is ready, by arrival.
fn by_slot(ticket: &Ticket) -> (Clock, bool, Timestamp, &str) {
    let start = match ticket.line {
        Line::Booked { start, .. } => start,
        Line::WalkIn => Clock(0),
    };
    (start, ticket.green.is_none(), ticket.since, &ticket.label)
}
