//! From what happened on a day to the appointments and their visitors, and back; each step once. The same code runs in the handler
//! that acted and in the relay `appointments`, which completes what a crash left, and alone carries what the timer did; both use
//! the hash of the entry as request id.
//!
//! A place is taken in three steps: the day gives it (never too many), the visitor may have it (never two at a time), the
//! appointment says so. Where the second is refused, the place goes back. Every outcome is an event, so that whoever comes second
//! does the same.

use yiwang_ledger::{Audiences, Call, Committed, Context, Entry, Hash, Ledger, Refusal, StreamId, SubjectId};

use super::visitor::{self, Claim, NoShow, Visitor};
use super::{Appointment, AppointmentEvent, Phase, Place, Turned};
use crate::application::Actor;
use crate::queue::{Booked, Day, DayEvent, Release, seats, tickets};
use crate::reception::plan::plan;
use crate::reception::{self, BookingRules, WindowGroup};

/// Where the steps after an entry are made.
pub struct After<'a> {
    ledger: &'a Ledger,
    entry: Hash,
    trace: &'a str,
}

impl<'a> After<'a> {
    /// After an entry.
    pub fn new(ledger: &'a Ledger, entry: Hash, trace: &'a str) -> Self {
        Self { ledger, entry, trace }
    }

    fn call(&self, step: &str) -> Call {
        Call::system(format!("{step}.{}", self.entry), self.trace)
    }

    /// What an entry of a day means to the others; the appointment that it is about, right after.
    ///
    /// # Errors
    /// Why the visitor may not have a place, after it went back; those of the ledger: again later.
    pub async fn day(&self, day: &Day, event: &DayEvent) -> Result<Option<Committed<Appointment>>, Refusal> {
        let of = |appointment: &StreamId, turn: &u32| Booked { appointment: *appointment, turn: *turn };
        let (step, booked, what) = match event {
            DayEvent::SeatTaken { .. } => return self.taken(day, event).await,
            DayEvent::SeatReleased { appointment, turn, why: Release::HallClosed { reason } } => {
                ("closed", of(appointment, turn), Turned::HallClosed(reason.clone()))
            }
            DayEvent::SeatMissed { appointment, turn, .. } => ("missed", of(appointment, turn), Turned::Missed),
            DayEvent::VisitPaid { appointment, turn, .. } => ("visited", of(appointment, turn), Turned::Served),
            DayEvent::TicketIssued { ticket, .. } => match ticket.booking() {
                Some(booked) => ("checked-in", booked, Turned::CheckedIn(ticket.label.clone())),
                None => return Ok(None),
            },
            DayEvent::TicketFinished { booked: Some(booked), .. } => ("served", *booked, Turned::Served),
            DayEvent::TicketTransferred { ticket, to, .. } => {
                self.transferred(day, ticket, to).await?;
                return Ok(None);
            }
            DayEvent::DayEnded { lapsed_bookings, served_bookings, .. } => {
                for booked in lapsed_bookings {
                    self.turned(&format!("lapsed.{}", booked.appointment), *booked, Turned::Lapsed).await?;
                }
                for booked in served_bookings {
                    self.turned(&format!("served.{}", booked.appointment), *booked, Turned::Served).await?;
                }
                return Ok(None);
            }
            _ => return Ok(None),
        };
        let missed = what == Turned::Missed;
        let app = self.turned(step, booked, what).await?;
        if missed {
            self.no_show(day, booked, &app).await?;
        }
        Ok(Some(app))
    }

    /// What an entry of an appointment means to the others.
    ///
    /// # Errors
    /// Those of the ledger: again later.
    pub async fn appointment(&self, id: StreamId, app: &Appointment, event: &AppointmentEvent) -> Result<(), Refusal> {
        let (Some(booking), Some(place)) = (&app.booking, &app.place) else { return Ok(()) };
        match event {
            AppointmentEvent::AppointmentCancelled { .. } => {
                self.release(&booking.hall, place, Booked { appointment: id, turn: app.turn }, Release::Cancelled)
                    .await?;
                self.settle("settle", id, &booking.visitor.subject).await
            }
            AppointmentEvent::NoShowExcused { .. } => {
                let rule = move |visitor: &Visitor, _: &Context| visitor::forgive(visitor, id);
                let stream = visitor::stream(&booking.visitor.subject);
                self.ledger.execute::<Visitor>(stream, self.call("forgive"), rule).await.map(drop)
            }
            _ => Ok(()),
        }
    }

    async fn taken(&self, day: &Day, event: &DayEvent) -> Result<Option<Committed<Appointment>>, Refusal> {
        let DayEvent::SeatTaken { seat, end, owner, booking, from, terms, by } = event else { return Ok(None) };
        let Some(date) = day.date else { return Ok(None) };
        let place = Place { group: day.group.clone(), date, start: seat.start, end: *end };
        let booked = Booked { appointment: seat.appointment, turn: seat.turn };
        let claim = Claim {
            appointment: seat.appointment,
            turn: seat.turn,
            hall: day.hall.clone(),
            from: place.begins(),
            until: place.ends(),
        };
        let (subject, terms) = (owner.clone(), *terms);
        let rule = move |visitor: &Visitor, cx: &Context| visitor::claim(visitor, &subject, &claim, terms, cx);
        let claimed = self.ledger.execute::<Visitor>(visitor::stream(owner), self.call("claim"), rule).await?;
        if let Err(refusal) = claimed.state.verdict(booked) {
            self.release(&day.hall, &place, booked, Release::NotClaimed).await?;
            return Err(refusal);
        }
        let (step, by) = (self.call("book").with_actor(by.id.clone()), by.clone());
        let Some(booking) = booking.clone() else {
            return self.moved(day, booked, place, from.as_ref(), by).await;
        };
        let rule = move |app: &Appointment, _: &Context| super::booked(app, &booking, &place, &by);
        self.ledger.execute::<Appointment>(seat.appointment, step, rule).await.map(Some)
    }

    /// The new place is had: the old one goes back. Where the appointment ended meanwhile, the new one does.
    async fn moved(
        &self,
        day: &Day,
        booked: Booked,
        place: Place,
        from: Option<&Place>,
        by: Actor,
    ) -> Result<Option<Committed<Appointment>>, Refusal> {
        let (call, next) = (self.call("move").with_actor(by.id.clone()), place.clone());
        let rule = move |app: &Appointment, _: &Context| super::moved(app, &next, booked.turn, &by);
        let done = self.ledger.execute::<Appointment>(booked.appointment, call, rule).await?;
        if done.state.turn < booked.turn {
            self.release(&day.hall, &place, booked, Release::NotClaimed).await?;
            if let Some(owner) = done.state.owner() {
                self.settle("settle", booked.appointment, owner).await?;
            }
            return Err(super::not_open());
        }
        let old = Booked { turn: booked.turn.saturating_sub(1), ..booked };
        if let Some(from) = from {
            self.release(&day.hall, from, old, Release::Moved).await?;
        }
        Ok(Some(done))
    }

    async fn release(&self, hall: &str, place: &Place, booked: Booked, why: Release) -> Result<(), Refusal> {
        let rule = move |day: &Day, _: &Context| seats::release(day, booked, &why);
        let stream = crate::queue::stream(hall, &place.group, place.date);
        self.ledger.execute::<Day>(stream, self.call("release"), rule).await.map(drop)
    }

    /// Says to an appointment what became of its place; its visitor's time is free when it has ended.
    async fn turned(&self, step: &str, booked: Booked, what: Turned) -> Result<Committed<Appointment>, Refusal> {
        let rule = move |app: &Appointment, _: &Context| super::turned(app, booked.turn, &what);
        let done = self.ledger.execute::<Appointment>(booked.appointment, self.call(step), rule).await?;
        let ended = !done.state.phase.is_open() && done.state.phase != Phase::Missed && done.state.turn == booked.turn;
        if let Some(owner) = done.state.owner().filter(|_| ended) {
            self.settle(&format!("settle.{step}"), booked.appointment, owner).await?;
        }
        Ok(done)
    }

    async fn settle(&self, step: &str, appointment: StreamId, owner: &SubjectId) -> Result<(), Refusal> {
        let rule = move |visitor: &Visitor, _: &Context| visitor::settle(visitor, appointment);
        self.ledger.execute::<Visitor>(visitor::stream(owner), self.call(step), rule).await.map(drop)
    }

    async fn no_show(&self, day: &Day, booked: Booked, app: &Committed<Appointment>) -> Result<(), Refusal> {
        let missed = app.state.phase == Phase::Missed && app.state.turn == booked.turn;
        let (Some(owner), Some(date)) = (app.state.owner().filter(|_| missed), day.date) else { return Ok(()) };
        let no_show = NoShow {
            appointment: booked.appointment,
            hall: day.hall.clone(),
            date,
            rule: day.plan.no_show,
            excused: false,
        };
        let rule = move |visitor: &Visitor, _: &Context| visitor::no_show(visitor, &no_show);
        self.ledger.execute::<Visitor>(visitor::stream(owner), self.call("no-show"), rule).await.map(drop)
    }

    async fn transferred(&self, day: &Day, ticket: &crate::queue::Ticket, to: &str) -> Result<(), Refusal> {
        let Some(date) = day.date else { return Ok(()) };
        let published = Published::of(self.ledger, &day.hall, to).await?;
        let (fresh, from) = (published, day.group.clone());
        let (hall, group, ticket) = (day.hall.clone(), to.to_owned(), ticket.clone());
        let rule = move |other: &Day, cx: &Context| {
            let fresh = fresh.on(&hall, &group, date, cx);
            tickets::receive(other, &fresh, &ticket, &from, cx)
        };
        let stream = crate::queue::stream(&day.hall, to, date);
        self.ledger.execute::<Day>(stream, self.call("receive"), rule).await.map(drop)
    }
}

/// What a hall has published of a group, with its versions.
#[derive(Clone, Debug, Default)]
pub struct Published {
    /// The group.
    pub group: (WindowGroup, u64),
    /// The hall's rules, or the product's.
    pub rules: (BookingRules, u64),
}

impl Published {
    /// As it stands now.
    ///
    /// # Errors
    /// `WINDOW_GROUP_NOT_FOUND`, and those of the ledger.
    pub async fn of(ledger: &Ledger, hall: &str, group: &str) -> Result<Self, Refusal> {
        let found = ledger.get::<WindowGroup>(reception::stream(hall, group), &Audiences::all()).await?;
        let found = found.filter(|read| !read.state.code.is_empty()).ok_or_else(reception::not_found)?;
        Ok(Self { group: ((*found.state).clone(), found.version), rules: Self::rules(ledger, hall).await? })
    }

    /// The hall's rules, or the product's, with their version.
    ///
    /// # Errors
    /// Those of the ledger.
    pub async fn rules(ledger: &Ledger, hall: &str) -> Result<(BookingRules, u64), Refusal> {
        let read = ledger.get::<BookingRules>(reception::rules_stream(hall), &Audiences::all()).await?;
        Ok(read.map_or_else(Default::default, |read| ((*read.state).clone(), read.version)))
    }

    /// The day as it would be opened now.
    pub fn on(&self, hall: &str, group: &str, date: chrono::NaiveDate, cx: &Context) -> seats::Fresh {
        let (own, rules) = ((&self.group.0, self.group.1), (&self.rules.0, self.rules.1));
        seats::Fresh { hall: hall.into(), group: group.into(), date, plan: plan(own, rules, date, &cx.calendar) }
    }
}

/// Brings the days of a group to what was published, or to the calendar; how many were looked at.
///
/// # Errors
/// Those of the ledger: sweep again.
pub async fn replan(ledger: &Ledger, hall: &str, group: &str) -> Result<u64, Refusal> {
    let published = Published::of(ledger, hall, group).await?;
    let (own_hall, own_group) = (hall.to_owned(), group.to_owned());
    let rule = move |day: &Day, cx: &Context| match day.date {
        Some(date) => seats::replan(day, &published.on(&own_hall, &own_group, date, cx), cx),
        None => Ok(Vec::new()),
    };
    ledger.sweep::<Day>("group", &crate::queue::group_tag(hall, group), rule).await
}

/// The same of every group of a hall, or of all halls.
///
/// # Errors
/// Those of the ledger: sweep again.
pub async fn replan_all(ledger: &Ledger, hall: Option<&str>) -> Result<u64, Refusal> {
    let filters: Vec<_> = hall.into_iter().map(|hall| ("hall", hall.to_owned())).collect();
    let mut looked = 0;
    for read in crate::catalogue::import::all_tagged::<WindowGroup>(ledger, &filters).await? {
        looked += replan(ledger, &read.state.hall, &read.state.code).await?;
    }
    Ok(looked)
}

/// Carries out what an entry means; nothing where it is none of ours.
///
/// # Errors
/// Those of the ledger: again later.
pub async fn carry_out(ledger: &Ledger, entry: &Entry) -> Result<(), Refusal> {
    let after = After::new(ledger, entry.hash, &entry.trace);
    // as they are now: hall, group and day never change, and an appointment that has ended stays so
    if entry.is::<Day>() {
        let event = ledger.decode::<Day>(entry).await?;
        if let Some(read) = ledger.get::<Day>(entry.stream, &Audiences::all()).await? {
            after.day(&read.state, &event).await?;
        }
    }
    if entry.is::<Appointment>() {
        let event = ledger.decode::<Appointment>(entry).await?;
        if let Some(read) = ledger.get::<Appointment>(entry.stream, &Audiences::all()).await? {
            after.appointment(entry.stream, &read.state, &event).await?;
        }
    }
    if entry.is::<WindowGroup>() {
        let read = ledger.get::<WindowGroup>(entry.stream, &Audiences::all()).await?;
        if let Some(read) = read {
            replan(ledger, &read.state.hall, &read.state.code).await?;
        }
    }
    if entry.is::<BookingRules>() {
        let read = ledger.get::<BookingRules>(entry.stream, &Audiences::all()).await?;
        if let Some(read) = read {
            replan_all(ledger, Some(&read.state.hall)).await?;
        }
    }
    Ok(())
}
