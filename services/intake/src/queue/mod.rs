//! The day of a window group: its places (号源) and its queue (排队). One stream a hall, group and day, because that is where the
//! two promises live that must hold under any concurrency: never more places are given than are published, and no number twice.
//!
//! Invariant: a place is taken here before anybody is told so; a ticket is in one queue at a time; when the day is over nobody
//! waits. Nothing here is personal data but the keyed hash of whoever has a place, or took a ticket themself; what a booking says of its
//! visitor passes through in the event, sealed, to the appointment.

pub mod order;
pub mod seats;
pub mod tickets;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_ledger::{Aggregate, Context, Index, Meta, StreamId, SubjectId, Tag, Timestamp};

use crate::application::Actor;
use crate::appointment::visitor::Terms;
use crate::appointment::{Booking, Place};
use crate::reception::plan::{Plan, Slot};
use crate::reception::{Clock, Ground, SlotKind};

/// More tickets do not wait at a time: the state of a day must hold them.
pub const MOST_WAITING: usize = 300;

/// How a place stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeatPhase {
    /// Taken.
    #[default]
    Held,
    /// Its visitor is there and has a ticket, or was visited.
    Used,
    /// 爽约.
    Missed,
}

/// A place that is taken. An appointment that moves takes another one, of its next turn, before it gives this one back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// The appointment.
    pub appointment: StreamId,
    /// Which of its places: 0, and one more a move.
    pub turn: u32,
    /// Which kind.
    pub kind: SlotKind,
    /// When its slot begins.
    pub start: Clock,
    /// 实施编码.
    pub item: String,
    /// Whose it is; the event says it beside the place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<SubjectId>,
    /// How it stands.
    #[serde(default)]
    pub phase: SeatPhase,
}

/// In which line a ticket stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Line {
    /// Walk-ins, by when they came.
    WalkIn,
    /// Bookings, by slot.
    Booked {
        /// The appointment.
        appointment: StreamId,
        /// Which of its places.
        turn: u32,
        /// When its slot begins.
        start: Clock,
    },
}

/// 绿色通道. The order needs no more than that it is one; why is a matter of the person's (个人信息保护法 art. 28), so it stands with no ticket
/// that is known to be somebody's, and what was seen of it is written nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Green {
    /// On which ground; none where it is known whose ticket it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ground: Option<Ground>,
}

impl Green {
    /// As it is kept with a ticket.
    pub(super) fn with(self, line: &Line, owner: Option<&SubjectId>) -> Self {
        let known = owner.is_some() || *line != Line::WalkIn;
        Green { ground: self.ground.filter(|_| !known) }
    }
}

/// How a ticket stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TicketPhase {
    /// 等候.
    Waiting {
        /// Not before so many calls of the day.
        not_before: u32,
    },
    /// 已叫号.
    Called {
        /// To which window.
        window: String,
        /// When, first.
        at: Timestamp,
    },
    /// 过号.
    Passed,
}

/// A ticket that has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Number, such as A023.
    pub label: String,
    /// When it was taken.
    pub since: Timestamp,
    /// 实施编码; empty where none was named.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub item: String,
    /// Its line.
    pub line: Line,
    /// 绿色通道.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub green: Option<Green>,
    /// Whose it is; none where a clerk gave it to whoever stood there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<SubjectId>,
    /// How it stands.
    pub phase: TicketPhase,
    /// How often it was called since it last began to wait.
    #[serde(default)]
    pub calls: u8,
    /// How often it came back.
    #[serde(default)]
    pub rejoins: u8,
}

impl Ticket {
    /// The appointment's place that it is of.
    pub fn booking(&self) -> Option<Booked> {
        match self.line {
            Line::Booked { appointment, turn, .. } => Some(Booked { appointment, turn }),
            Line::WalkIn => None,
        }
    }
}

/// An appointment's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booked {
    /// The appointment.
    pub appointment: StreamId,
    /// Which of its places.
    pub turn: u32,
}

/// How a ticket ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// 办结.
    Served,
    /// The day ended first.
    Lapsed,
    /// It went to another group.
    Transferred(String),
}

/// The day of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    /// Code of the hall.
    pub hall: String,
    /// Code of the group.
    pub group: String,
    /// The day; none before anything happened on it.
    pub date: Option<NaiveDate>,
    /// What it offers.
    pub plan: Plan,
    /// The places that are taken.
    pub seats: Vec<Seat>,
    /// The tickets that have not ended.
    pub tickets: Vec<Ticket>,
    /// Those that have.
    pub ended: BTreeMap<String, End>,
    /// The last number.
    pub issued: u16,
    /// How many calls there were.
    pub calls: u32,
    /// How many bookings were called since the last walk-in.
    pub bookings_run: u8,
    /// How many walk-ins of the green channel were called since the last other one.
    pub greens_run: u8,
    /// How many were served, and how long that took together, in microseconds.
    pub served: (u32, i64),
    /// The windows that have called.
    pub at_work: BTreeSet<String>,
    /// Whether the day has ended.
    pub over: bool,
    /// The ticket of the latest command: what a repeated request is answered with.
    pub latest: String,
}

/// Why a place was given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Release {
    /// The visitor cancelled.
    Cancelled,
    /// The visitor has another one.
    Moved,
    /// The visitor may not have it.
    NotClaimed,
    /// The hall keeps the hour no longer.
    HallClosed {
        /// The published reason.
        reason: String,
    },
}

/// What happens on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum DayEvent {
    /// It offers this from now on.
    DayPlanned {
        /// Code of the hall.
        hall: String,
        /// Code of the group.
        group: String,
        /// The day.
        date: NaiveDate,
        /// What it offers.
        plan: Box<Plan>,
    },
    /// A place was taken.
    SeatTaken {
        /// The place.
        seat: Seat,
        /// When its slot ends.
        end: Clock,
        /// Whose it is.
        owner: SubjectId,
        /// What the appointment is made of; none where it moves.
        booking: Option<Box<Booking>>,
        /// Where it moves from.
        from: Option<Place>,
        /// On what terms the visitor may have it.
        terms: Terms,
        /// By whom.
        by: Actor,
    },
    /// A place was given back.
    SeatReleased {
        /// The appointment.
        appointment: StreamId,
        /// Which of its places.
        turn: u32,
        /// Why.
        why: Release,
    },
    /// 爽约.
    SeatMissed {
        /// The appointment.
        appointment: StreamId,
        /// Which of its places.
        turn: u32,
        /// By whom; the timer, or the clerk who found nobody at home.
        by: Actor,
    },
    /// 上门服务: the visit was paid.
    VisitPaid {
        /// The appointment.
        appointment: StreamId,
        /// Which of its places.
        turn: u32,
        /// By whom.
        by: Actor,
    },
    /// 取号.
    TicketIssued {
        /// The ticket; a booking's uses its place.
        ticket: Ticket,
        /// By whom.
        by: Actor,
    },
    /// 叫号.
    TicketCalled {
        /// The number.
        label: String,
        /// The window.
        window: String,
        /// By whom.
        by: Actor,
    },
    /// 重呼.
    TicketRecalled {
        /// The number.
        label: String,
        /// By whom.
        by: Actor,
    },
    /// 过号.
    TicketPassed {
        /// The number.
        label: String,
        /// By whom.
        by: Actor,
    },
    /// Back after being passed over.
    TicketRejoined {
        /// The number.
        label: String,
        /// Not before so many calls of the day.
        not_before: u32,
        /// By whom.
        by: Actor,
    },
    /// 办结.
    TicketFinished {
        /// The number.
        label: String,
        /// The appointment's place.
        booked: Option<Booked>,
        /// By whom.
        by: Actor,
    },
    /// It goes to another group.
    TicketTransferred {
        /// As it arrives there.
        ticket: Ticket,
        /// The group.
        to: String,
        /// Why.
        reason: String,
        /// By whom.
        by: Actor,
    },
    /// It came from another group.
    TicketReceived {
        /// The ticket.
        ticket: Ticket,
        /// The group.
        from: String,
    },
    /// 绿色通道.
    PriorityGranted {
        /// The number.
        label: String,
        /// On what.
        green: Green,
        /// By whom.
        by: Actor,
    },
    /// The day is over.
    DayEnded {
        /// Who waited, or was passed over and did not come back.
        lapsed: Vec<String>,
        /// Who was at a window.
        served: Vec<String>,
        /// The appointments among those that lapsed, visits that nobody reported among them.
        lapsed_bookings: Vec<Booked>,
        /// The appointments among those at a window.
        served_bookings: Vec<Booked>,
    },
}

/// The stream of a day.
pub fn stream(hall: &str, group: &str, date: NaiveDate) -> StreamId {
    StreamId::named(Day::KIND, &format!("{hall} {group} {date}"))
}

/// What a sweep finds the days of a group by.
pub fn group_tag(hall: &str, group: &str) -> String {
    format!("{hall} {group}")
}

impl Day {
    /// The places that are taken of a slot.
    pub fn taken(&self, slot: &Slot) -> usize {
        self.seats.iter().filter(|seat| slot.covers(seat.kind, seat.start)).count()
    }

    /// Places left of a slot, for an item.
    pub fn left(&self, slot: &Slot, item: &str) -> usize {
        let free = usize::from(slot.seats).saturating_sub(self.taken(slot));
        let Some(quota) = self.plan.quota(item) else { return free };
        let of_item = || self.seats.iter().filter(|seat| seat.item == item);
        let room = |most: u16, taken: usize| if most == 0 { free } else { usize::from(most).saturating_sub(taken) };
        let in_slot = of_item().filter(|seat| slot.covers(seat.kind, seat.start)).count();
        free.min(room(quota.a_slot, in_slot)).min(room(quota.a_day, of_item().count()))
    }

    /// A place.
    pub fn seat(&self, appointment: StreamId, turn: u32) -> Option<&Seat> {
        self.seats.iter().find(|seat| seat.appointment == appointment && seat.turn == turn)
    }

    /// A ticket that has not ended.
    pub fn ticket(&self, label: &str) -> Option<&Ticket> {
        self.tickets.iter().find(|ticket| ticket.label == label)
    }

    /// Whether its visitor may check in at a moment.
    fn takes_in(&self, seat: &Seat, date: NaiveDate, now: Timestamp) -> bool {
        let from = Clock(seat.start.0.saturating_sub(self.plan.queue.early_minutes)).on(date);
        now >= from && self.missed_at(seat, date).is_some_and(|missed| now < missed)
    }

    /// The moment after which a place that is held was missed; none of visits, which are reported.
    fn missed_at(&self, seat: &Seat, date: NaiveDate) -> Option<Timestamp> {
        let counted = seat.phase == SeatPhase::Held && seat.kind != SlotKind::HomeVisit;
        counted.then(|| seat.start.plus(self.plan.queue.late_minutes).on(date))
    }

    fn ticket_mut(&mut self, label: &str) -> Option<&mut Ticket> {
        self.tickets.iter_mut().find(|ticket| ticket.label == label)
    }

    fn set_seat(&mut self, appointment: StreamId, turn: u32, phase: SeatPhase) {
        let own = |seat: &&mut Seat| seat.appointment == appointment && seat.turn == turn;
        if let Some(seat) = self.seats.iter_mut().find(own) {
            seat.phase = phase;
        }
    }

    fn end_ticket(&mut self, label: &str, end: End) {
        self.tickets.retain(|ticket| ticket.label != label);
        self.ended.insert(label.to_owned(), end);
    }

    /// The state after events that are not written yet, as a rule needs it that decides in steps.
    fn after(&self, events: &[DayEvent], cx: &Context) -> Day {
        let meta = Meta { at: cx.now, actor: cx.actor.clone(), version: cx.version };
        let mut day = self.clone();
        events.iter().for_each(|event| day.evolve(event, &meta));
        day
    }
}

impl Aggregate for Day {
    const KIND: &'static str = "window_day";
    type Event = DayEvent;

    fn evolve(&mut self, event: &DayEvent, meta: &Meta) {
        match event {
            DayEvent::DayPlanned { hall, group, date, plan } => {
                (self.hall, self.group, self.date) = (hall.clone(), group.clone(), Some(*date));
                self.plan = (**plan).clone();
            }
            DayEvent::SeatTaken { seat, owner, .. } => {
                self.seats.push(Seat { owner: Some(owner.clone()), ..seat.clone() });
            }
            DayEvent::SeatReleased { appointment, turn, .. } => {
                self.seats.retain(|seat| seat.appointment != *appointment || seat.turn != *turn);
            }
            DayEvent::SeatMissed { appointment, turn, .. } => self.set_seat(*appointment, *turn, SeatPhase::Missed),
            DayEvent::VisitPaid { appointment, turn, .. } => self.set_seat(*appointment, *turn, SeatPhase::Used),
            DayEvent::TicketIssued { ticket, .. } => {
                if let Some(Booked { appointment, turn }) = ticket.booking() {
                    self.set_seat(appointment, turn, SeatPhase::Used);
                }
                self.issued += 1;
                self.latest.clone_from(&ticket.label);
                self.tickets.push(ticket.clone());
            }
            DayEvent::TicketCalled { label, window, .. } => {
                order::count(self, label);
                self.calls += 1;
                self.at_work.insert(window.clone());
                self.latest.clone_from(label);
                if let Some(ticket) = self.ticket_mut(label) {
                    ticket.calls = 1;
                    ticket.phase = TicketPhase::Called { window: window.clone(), at: meta.at };
                }
            }
            DayEvent::TicketRecalled { label, .. } => {
                if let Some(ticket) = self.ticket_mut(label) {
                    ticket.calls = ticket.calls.saturating_add(1);
                }
            }
            DayEvent::TicketPassed { label, .. } => {
                if let Some(ticket) = self.ticket_mut(label) {
                    ticket.phase = TicketPhase::Passed;
                }
            }
            DayEvent::TicketRejoined { label, not_before, .. } => {
                if let Some(ticket) = self.ticket_mut(label) {
                    ticket.phase = TicketPhase::Waiting { not_before: *not_before };
                    ticket.rejoins += 1;
                    ticket.calls = 0;
                }
            }
            DayEvent::TicketFinished { label, .. } => {
                if let Some(TicketPhase::Called { at, .. }) = self.ticket(label).map(|ticket| &ticket.phase) {
                    self.served = (self.served.0 + 1, self.served.1 + (meta.at.0 - at.0).max(0));
                }
                self.end_ticket(label, End::Served);
            }
            DayEvent::TicketTransferred { ticket, to, .. } => {
                self.end_ticket(&ticket.label, End::Transferred(to.clone()));
            }
            DayEvent::TicketReceived { ticket, .. } => {
                self.ended.remove(&ticket.label);
                self.tickets.push(ticket.clone());
            }
            DayEvent::PriorityGranted { label, green, .. } => {
                if let Some(ticket) = self.ticket_mut(label) {
                    ticket.green = Some(green.clone());
                }
            }
            DayEvent::DayEnded { lapsed, served, lapsed_bookings, .. } => {
                lapsed.iter().for_each(|label| self.end_ticket(label, End::Lapsed));
                served.iter().for_each(|label| self.end_ticket(label, End::Served));
                lapsed_bookings.iter().for_each(|one| self.set_seat(one.appointment, one.turn, SeatPhase::Used));
                self.over = true;
            }
        }
    }

    fn index(&self) -> Index {
        let due = self.date.filter(|_| !self.over).map(|date| {
            let missed = self.seats.iter().filter_map(|seat| self.missed_at(seat, date));
            missed.chain([self.plan.ends.on(date)]).min().unwrap_or(Timestamp::NEVER)
        });
        let status = if self.over { "ENDED" } else { "OPEN" }.to_owned();
        Index { region: self.plan.region.clone(), status, due_at: due, ..Index::default() }
    }

    fn tags(&self) -> Vec<Tag> {
        let Some(date) = self.date.filter(|_| !self.over) else { return Vec::new() };
        // nobody reads a day but through what is shown of it; its tags are for sweeps
        vec![Tag::new("group", group_tag(&self.hall, &self.group), date.to_string())]
    }
}
