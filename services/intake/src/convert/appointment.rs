//! Appointments and tickets, as the contracts show them.

use yiwang_kit::party::ERASED;
use yiwang_kit::{timestamp, wire};
use yiwang_ledger::{Personal, StreamId, Timestamp};
use yiwang_proto::intake::v1 as pb;

use super::application::{self as show, Reader};
use super::count;
use super::reception::{ground_shown, kind_shown};
use crate::appointment::visitor::{NoShow, Visitor};
use crate::appointment::{Appointment, Phase};
use crate::limit::legal_date;
use crate::queue::{Day, End, Line, Ticket, TicketPhase, order};
use crate::reception::{NoShowRule, WindowGroup};

/// No board names more that come next.
const NEXT: usize = 10;

fn phase(phase: &Phase) -> pb::AppointmentPhase {
    match phase {
        Phase::Absent => pb::AppointmentPhase::Unspecified,
        Phase::Booked => pb::AppointmentPhase::Booked,
        Phase::CheckedIn => pb::AppointmentPhase::CheckedIn,
        Phase::Served => pb::AppointmentPhase::Served,
        Phase::Missed => pb::AppointmentPhase::Missed,
        Phase::Cancelled { .. } => pb::AppointmentPhase::Cancelled,
        Phase::Lapsed => pb::AppointmentPhase::Lapsed,
    }
}

/// The phase as tagged.
pub fn phase_tag(phase: pb::AppointmentPhase) -> Option<&'static str> {
    Some(match phase {
        pb::AppointmentPhase::Unspecified => return None,
        pb::AppointmentPhase::Booked => Phase::Booked.name(),
        pb::AppointmentPhase::CheckedIn => Phase::CheckedIn.name(),
        pb::AppointmentPhase::Served => Phase::Served.name(),
        pb::AppointmentPhase::Missed => Phase::Missed.name(),
        pb::AppointmentPhase::Cancelled => "CANCELLED",
        pb::AppointmentPhase::Lapsed => Phase::Lapsed.name(),
    })
}

fn text(value: &Option<Personal>) -> String {
    value.as_ref().map(|value| value.get().unwrap_or(ERASED).to_owned()).unwrap_or_default()
}

/// An appointment in full.
pub fn appointment(id: StreamId, version: u64, app: &Appointment, reader: Reader) -> pb::Appointment {
    let mut shown = summary(id, version, app, reader);
    let Some(booking) = &app.booking else { return shown };
    shown.visitor = Some(show::party(&booking.visitor));
    shown.address = text(&booking.address);
    shown.appeal = text(&app.appeal);
    shown.set_ground(booking.ground().map_or(pb::Ground::Unspecified, ground_shown));
    shown.excuse =
        app.excuse.as_ref().map(|excuse| excuse.reason.get().unwrap_or(ERASED).to_owned()).unwrap_or_default();
    shown
}

/// An appointment as lists show it.
pub fn summary(id: StreamId, version: u64, app: &Appointment, reader: Reader) -> pb::Appointment {
    let (Some(booking), Some(place)) = (&app.booking, &app.place) else { return pb::Appointment::default() };
    let (cancelled_by, reason) = match &app.phase {
        Phase::Cancelled { by, reason } => (Some(show::actor(by, reader)), reason.clone()),
        Phase::Lapsed => (None, "当日办理结束时尚未办理，不计爽约".to_owned()),
        _ => (None, String::new()),
    };
    pb::Appointment {
        id: id.to_string(),
        etag: wire::etag(version),
        phase: phase(&app.phase).into(),
        hall_code: booking.hall.clone(),
        group_code: place.group.clone(),
        date: place.date.to_string(),
        kind: kind_shown(booking.kind).into(),
        start_time: place.start.to_string(),
        end_time: place.end.to_string(),
        item_code: booking.item.clone(),
        item_name: booking.item_name.clone(),
        visitor: None,
        visitor_masked: Some(show::masked(&booking.visitor)),
        address: String::new(),
        ground: pb::Ground::Unspecified.into(),
        booked_by: Some(show::actor(&app.booked_by, reader)),
        booked_time: Some(timestamp(app.booked_at)),
        ticket: app.ticket.clone(),
        reason,
        cancelled_by,
        appeal: String::new(),
        appealed: app.appeal.is_some(),
        excuse: String::new(),
        excused_by: app.excuse.as_ref().map(|excuse| show::actor(&excuse.by, reader)),
    }
}

/// How somebody stands with a hall.
pub fn standing(visitor: &Visitor, hall: &str, rule: NoShowRule, now: Timestamp) -> pb::BookingStanding {
    let of_hall = visitor.no_shows.iter().filter(|one| one.hall == hall);
    let shown = |one: &NoShow| pb::NoShow {
        appointment_id: one.appointment.to_string(),
        date: one.date.to_string(),
        excused: one.excused,
    };
    let barred = visitor.barred_until(hall).filter(|until| legal_date(now) <= *until);
    let NoShowRule { count: most, days, bar_days } = rule;
    let (rule_zh, rule_en) = match most {
        0 => ("本大厅不因爽约限制预约".to_owned(), "this hall bars nobody for no-shows".to_owned()),
        _ => (
            format!("{days}天内爽约{most}次的，{bar_days}天内不能网上预约；窗口照常受理，爽约可以申诉"),
            format!(
                "{most} no-shows within {days} days bar from booking online for {bar_days} days; the counter is open, and a no-show may be appealed"
            ),
        ),
    };
    pb::BookingStanding {
        open_bookings: count(visitor.open_in(hall)),
        no_shows: of_hall.map(shown).collect(),
        barred_until: barred.map(|until| until.to_string()).unwrap_or_default(),
        rule_zh,
        rule_en,
    }
}

/// A ticket by its number, as it stands at a moment; none where the day does not know it. What says whose it is is for clerks.
pub fn ticket(day: &Day, label: &str, now: Timestamp, clerk: bool) -> Option<pb::Ticket> {
    let mut shown = pb::Ticket {
        ticket: label.to_owned(),
        hall_code: day.hall.clone(),
        group_code: day.group.clone(),
        date: day.date.map(|date| date.to_string()).unwrap_or_default(),
        ..pb::Ticket::default()
    };
    let Some(live) = day.ticket(label) else {
        match day.ended.get(label)? {
            End::Served => shown.set_phase(pb::TicketPhase::Served),
            End::Lapsed => shown.set_phase(pb::TicketPhase::Lapsed),
            End::Transferred(to) => {
                shown.set_phase(pb::TicketPhase::Transferred);
                shown.transferred_to.clone_from(to);
            }
        }
        return Some(shown);
    };
    shown.booked = live.line != Line::WalkIn;
    shown.green = live.green.is_some();
    shown.taken_time = Some(timestamp(live.since));
    shown.calls = live.calls.into();
    match &live.phase {
        TicketPhase::Waiting { .. } => {
            shown.set_phase(pb::TicketPhase::Waiting);
            let ahead = order::queue(day, now).iter().position(|ticket| ticket.label == label).unwrap_or_default();
            shown.ahead = count(ahead);
            shown.wait_minutes = count(order::wait_minutes(day, ahead));
        }
        TicketPhase::Called { window, .. } => {
            shown.set_phase(pb::TicketPhase::Called);
            shown.window.clone_from(window);
        }
        TicketPhase::Passed => shown.set_phase(pb::TicketPhase::Passed),
    }
    if clerk {
        shown.item_code.clone_from(&live.item);
        shown.appointment_id = live.booking().map(|booked| booked.appointment.to_string()).unwrap_or_default();
        shown.set_ground(
            live.green.as_ref().and_then(|green| green.ground).map_or(pb::Ground::Unspecified, ground_shown),
        );
    }
    Some(shown)
}

/// One group on the board: numbers only.
pub fn board(group: &WindowGroup, day: &Day, now: Timestamp) -> pb::QueueBoard {
    let order = order::queue(day, now);
    let labels = |phase: fn(&TicketPhase) -> bool| {
        day.tickets.iter().filter(move |ticket| phase(&ticket.phase)).map(|ticket| ticket.label.clone())
    };
    let called = |ticket: &Ticket| match &ticket.phase {
        TicketPhase::Called { window, .. } => {
            Some(pb::CalledTicket { ticket: ticket.label.clone(), window: window.clone() })
        }
        _ => None,
    };
    let mut called: Vec<_> = day.tickets.iter().filter_map(called).collect();
    called.sort_by(|one, other| one.window.cmp(&other.window));
    let lapsed = day.ended.iter().filter(|(_, end)| **end == End::Lapsed);
    pb::QueueBoard {
        group_code: group.code.clone(),
        group_name: group.name.clone(),
        called,
        next: order.iter().take(NEXT).map(|ticket| ticket.label.clone()).collect(),
        passed: labels(|phase| *phase == TicketPhase::Passed).collect(),
        waiting: count(order.len()),
        wait_minutes: count(order::wait_minutes(day, order.len())),
        lapsed: lapsed.map(|(label, _)| label.clone()).collect(),
    }
}
