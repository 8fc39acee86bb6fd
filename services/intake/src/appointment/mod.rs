//! 预约: an appointment as its visitor and the hall read it. Its place is the day's ([`crate::queue`]), which says what became of it;
//! whether the visitor may have it is the visitor's ([`visitor`]); [`following`] carries the one to the others.
//!
//! Invariant: who comes, their telephone and address, why they are visited or missed it, stand in it only as [`Personal`] values.

pub mod following;
pub mod visitor;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_ledger::{Aggregate, Context, Decision, Index, Meta, Personal, Refusal, SubjectId, Tag, Timestamp};
use yiwang_standards::identity;

use crate::application::{Actor, Party};
use crate::reception::{Clock, ELDERLY_AGE, Ground, SlotKind};

/// Which place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Code of the window group.
    pub group: String,
    /// The day.
    pub date: NaiveDate,
    /// When the slot begins.
    pub start: Clock,
    /// When the slot ends.
    pub end: Clock,
}

impl Place {
    /// When the slot begins.
    pub fn begins(&self) -> Timestamp {
        self.start.on(self.date)
    }

    /// When the slot ends.
    pub fn ends(&self) -> Timestamp {
        self.end.on(self.date)
    }
}

/// What an appointment is made of, beside its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booking {
    /// Code of the hall.
    pub hall: String,
    /// 行政区划 of the hall.
    pub region: String,
    /// 实施编码.
    pub item: String,
    /// 事项名称.
    pub item_name: String,
    /// Which kind.
    pub kind: SlotKind,
    /// Who comes.
    pub visitor: Party,
    /// Where the visit goes.
    pub address: Option<Personal>,
    /// Why a visit at home is asked for: sensitive, but for age (个人信息保护法 art. 28), and so sealed, and agreed to.
    pub ground: Option<Personal>,
}

impl Booking {
    /// Why a visit at home is asked for; none where nothing was said, or it was erased.
    pub fn ground(&self) -> Option<Ground> {
        self.ground.as_ref().and_then(Personal::get).and_then(|text| text.parse().ok())
    }
}

/// Where an appointment stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Nobody has booked.
    #[default]
    Absent,
    /// 已预约.
    Booked,
    /// 已签到.
    CheckedIn,
    /// 已办理.
    Served,
    /// 爽约.
    Missed,
    /// 已取消.
    Cancelled {
        /// By whom.
        by: Actor,
        /// The hall's reason; empty where the visitor cancelled.
        reason: String,
    },
    /// 未办结.
    Lapsed,
}

impl Phase {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Phase::Absent => "ABSENT",
            Phase::Booked => "BOOKED",
            Phase::CheckedIn => "CHECKED_IN",
            Phase::Served => "SERVED",
            Phase::Missed => "MISSED",
            Phase::Cancelled { .. } => "CANCELLED",
            Phase::Lapsed => "LAPSED",
        }
    }

    /// Whether its visitor's time is still taken.
    pub fn is_open(&self) -> bool {
        matches!(self, Phase::Booked | Phase::CheckedIn)
    }
}

/// Why a no-show does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excuse {
    /// The reason.
    pub reason: Personal,
    /// By whom.
    pub by: Actor,
}

/// An appointment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appointment {
    /// What it is made of; none before it was booked.
    pub booking: Option<Booking>,
    /// Its place.
    pub place: Option<Place>,
    /// Which of its places that is.
    pub turn: u32,
    /// Where it stands.
    pub phase: Phase,
    /// Who booked.
    pub booked_by: Actor,
    /// When.
    pub booked_at: Timestamp,
    /// The ticket; empty before it was checked in.
    pub ticket: String,
    /// What the visitor says of the no-show.
    pub appeal: Option<Personal>,
    /// Why the no-show does not count.
    pub excuse: Option<Excuse>,
}

/// What became of a booking on its day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turned {
    /// 已签到, with the ticket.
    CheckedIn(String),
    /// 已办理.
    Served,
    /// 爽约.
    Missed,
    /// The hall keeps the hour no longer.
    HallClosed(String),
    /// The day ended first.
    Lapsed,
}

/// What happens to an appointment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum AppointmentEvent {
    /// 预约.
    AppointmentBooked {
        /// What it is made of.
        booking: Box<Booking>,
        /// Its place.
        place: Place,
        /// By whom.
        by: Actor,
    },
    /// 改约.
    AppointmentMoved {
        /// Its place.
        place: Place,
        /// Which of its places that is.
        turn: u32,
        /// By whom.
        by: Actor,
    },
    /// 取消, by the visitor.
    AppointmentCancelled {
        /// By whom.
        by: Actor,
    },
    /// Cancelled by the hall.
    AppointmentCancelledByHall {
        /// The published reason.
        reason: String,
    },
    /// 签到.
    AppointmentCheckedIn {
        /// The ticket.
        ticket: String,
    },
    /// 办理.
    AppointmentServed,
    /// 爽约.
    AppointmentMissed,
    /// The day ended first.
    AppointmentLapsed,
    /// 申诉.
    NoShowAppealed {
        /// What the visitor says.
        reason: Personal,
        /// By whom.
        by: Actor,
    },
    /// It does not count.
    NoShowExcused {
        /// Why.
        reason: Personal,
        /// By whom.
        by: Actor,
    },
}

/// Whether a visitor is elderly on a day, by the number of their document (老年人权益保障法 art. 2). Foreigners' too: a hall is kind.
pub fn is_elderly(visitor: &Party, on: NaiveDate) -> bool {
    let number = visitor.kind.zip(visitor.number.as_ref().and_then(Personal::get));
    let born = number.and_then(|(kind, number)| identity::validate(kind, number).ok()?.birth_date());
    born.and_then(|born| on.years_since(born)).is_some_and(|years| years >= ELDERLY_AGE)
}

/// `APPOINTMENT_NOT_FOUND`.
pub fn not_found() -> Refusal {
    Refusal { reason: "APPOINTMENT_NOT_FOUND", ..Refusal::not_found("预约") }
}

/// `APPOINTMENT_NOT_OPEN`.
pub fn not_open() -> Refusal {
    let (zh, en) = ("该预约已签到、取消、逾时或办结", "it was checked in, cancelled, missed or served");
    Refusal::state("APPOINTMENT_NOT_OPEN", zh, en)
}

/// `SLOT_HAS_BEGUN`: it is neither cancelled nor moved any more.
pub fn begun() -> Refusal {
    Refusal::state("SLOT_HAS_BEGUN", "预约时段已经开始，不能取消或者改约", "the slot has begun")
}

/// 预约: the place was taken and the visitor may have it.
pub fn booked(app: &Appointment, booking: &Booking, place: &Place, by: &Actor) -> Decision<AppointmentEvent> {
    if app.booking.is_some() {
        return Ok(Vec::new());
    }
    Ok(vec![AppointmentEvent::AppointmentBooked {
        booking: Box::new(booking.clone()),
        place: place.clone(),
        by: by.clone(),
    }])
}

/// 改约: the new place was taken. Where it ended meanwhile, it stays as it is.
pub fn moved(app: &Appointment, place: &Place, turn: u32, by: &Actor) -> Decision<AppointmentEvent> {
    if app.phase != Phase::Booked || app.turn >= turn {
        return Ok(Vec::new());
    }
    Ok(vec![AppointmentEvent::AppointmentMoved { place: place.clone(), turn, by: by.clone() }])
}

/// What became of its place; a place that it has left, or that is settled, changes nothing.
pub fn turned(app: &Appointment, turn: u32, what: &Turned) -> Decision<AppointmentEvent> {
    if app.turn != turn {
        return Ok(Vec::new());
    }
    let event = match (what, &app.phase) {
        (Turned::CheckedIn(ticket), Phase::Booked) => AppointmentEvent::AppointmentCheckedIn { ticket: ticket.clone() },
        (Turned::Served, Phase::Booked | Phase::CheckedIn) => AppointmentEvent::AppointmentServed,
        (Turned::Lapsed, Phase::Booked | Phase::CheckedIn) => AppointmentEvent::AppointmentLapsed,
        (Turned::Missed, Phase::Booked) => AppointmentEvent::AppointmentMissed,
        (Turned::HallClosed(reason), Phase::Booked) => {
            AppointmentEvent::AppointmentCancelledByHall { reason: reason.clone() }
        }
        _ => return Ok(Vec::new()),
    };
    Ok(vec![event])
}

/// 取消.
///
/// # Errors
/// `APPOINTMENT_NOT_OPEN`, `SLOT_HAS_BEGUN`.
pub fn cancel(app: &Appointment, by: &Actor, cx: &Context) -> Decision<AppointmentEvent> {
    let Some(place) = app.place.as_ref().filter(|_| app.phase == Phase::Booked) else { return Err(not_open()) };
    if cx.now >= place.begins() {
        return Err(begun());
    }
    Ok(vec![AppointmentEvent::AppointmentCancelled { by: by.clone() }])
}

fn no_show(app: &Appointment) -> Result<(), Refusal> {
    let no_such = || Refusal::state("NO_NO_SHOW", "该预约没有计入爽约", "it does not count as a no-show");
    (app.phase == Phase::Missed && app.excuse.is_none()).then_some(()).ok_or_else(no_such)
}

/// 申诉: once.
///
/// # Errors
/// `NO_NO_SHOW`, `APPEALED_ALREADY`.
pub fn appeal(app: &Appointment, reason: &Personal, by: &Actor) -> Decision<AppointmentEvent> {
    no_show(app)?;
    if app.appeal.is_some() {
        return Err(Refusal::state("APPEALED_ALREADY", "已经提出申诉，请等候处理", "it was appealed already"));
    }
    Ok(vec![AppointmentEvent::NoShowAppealed { reason: reason.clone(), by: by.clone() }])
}

/// The no-show does not count.
///
/// # Errors
/// `NO_NO_SHOW`.
pub fn excuse(app: &Appointment, reason: &Personal, by: &Actor) -> Decision<AppointmentEvent> {
    no_show(app)?;
    Ok(vec![AppointmentEvent::NoShowExcused { reason: reason.clone(), by: by.clone() }])
}

impl Appointment {
    /// Whose it is.
    pub fn owner(&self) -> Option<&SubjectId> {
        self.booking.as_ref().map(|booking| &booking.visitor.subject)
    }
}

impl Aggregate for Appointment {
    const KIND: &'static str = "appointment";
    type Event = AppointmentEvent;

    fn evolve(&mut self, event: &AppointmentEvent, meta: &Meta) {
        match event {
            AppointmentEvent::AppointmentBooked { booking, place, by } => {
                self.booking = Some((**booking).clone());
                self.place = Some(place.clone());
                (self.phase, self.booked_by, self.booked_at) = (Phase::Booked, by.clone(), meta.at);
            }
            AppointmentEvent::AppointmentMoved { place, turn, .. } => {
                (self.place, self.turn) = (Some(place.clone()), *turn);
            }
            AppointmentEvent::AppointmentCancelled { by } => {
                self.phase = Phase::Cancelled { by: by.clone(), reason: String::new() };
            }
            AppointmentEvent::AppointmentCancelledByHall { reason } => {
                self.phase = Phase::Cancelled { by: Actor::system(), reason: reason.clone() };
            }
            AppointmentEvent::AppointmentCheckedIn { ticket } => {
                self.phase = Phase::CheckedIn;
                self.ticket.clone_from(ticket);
            }
            AppointmentEvent::AppointmentServed => self.phase = Phase::Served,
            AppointmentEvent::AppointmentMissed => self.phase = Phase::Missed,
            AppointmentEvent::AppointmentLapsed => self.phase = Phase::Lapsed,
            AppointmentEvent::NoShowAppealed { reason, .. } => self.appeal = Some(reason.clone()),
            AppointmentEvent::NoShowExcused { reason, by } => {
                self.excuse = Some(Excuse { reason: reason.clone(), by: by.clone() });
            }
        }
    }

    fn index(&self) -> Index {
        let Some(booking) = &self.booking else { return Index::default() };
        Index {
            region: booking.region.clone(),
            owner: booking.visitor.subject.to_string(),
            item: booking.item.clone(),
            status: self.phase.name().to_owned(),
            ..Index::default()
        }
    }

    fn tags(&self) -> Vec<Tag> {
        let (Some(booking), Some(place)) = (&self.booking, &self.place) else { return Vec::new() };
        // by day and hour
        let sort = format!("{} {}", place.date, place.start);
        let tag = |name, value: String| Tag::new(name, value, sort.clone());
        let mut tags = vec![
            tag(Tag::AUDIENCE, booking.visitor.subject.audience()),
            tag(Tag::AUDIENCE, format!("window:{}", booking.region)),
            tag(Tag::AUDIENCE, format!("halls:{}", booking.region)),
            tag("hall", booking.hall.clone()),
            tag("group", format!("{} {}", booking.hall, place.group)),
            tag("date", place.date.to_string()),
            tag("phase", self.phase.name().to_owned()),
        ];
        if self.phase == Phase::Missed && self.appeal.is_some() && self.excuse.is_none() {
            tags.push(tag("appealed", "yes".to_owned()));
        }
        tags
    }
}
