//! One of each event of window groups, days, appointments and visitors.

use chrono::NaiveDate;
use yiwang_intake::application::{Actor, Party};
use yiwang_intake::appointment::visitor::{Claim, NoShow, Objection, Terms, VisitorEvent};
use yiwang_intake::appointment::{AppointmentEvent, Booking, Place};
use yiwang_intake::queue::{Booked, DayEvent, Green, Line, Release, Seat, SeatPhase, Ticket, TicketPhase};
use yiwang_intake::reception::plan::{Basis, plan};
use yiwang_intake::reception::{
    BookingRules, Clock, Closure, DayClass, Exception, Ground, GroupEvent, NoShowRule, Quota, RulesEvent, Session,
    SlotKind, WindowGroup,
};
use yiwang_ledger::{Personal, StreamId, SubjectId, Timestamp};
use yiwang_standards::calendar::Calendar;
use yiwang_standards::identity::DocumentKind;

use crate::world::HYGIENE;

fn by() -> Actor {
    Actor { id: "staff:clerk".into(), ..Actor::system() }
}

fn date() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, 3).unwrap()
}

fn subject() -> SubjectId {
    SubjectId::parse(&"ab".repeat(32)).unwrap()
}

fn appointment() -> StreamId {
    StreamId::named("golden", "appointment")
}

fn booked() -> Booked {
    Booked { appointment: appointment(), turn: 0 }
}

fn place() -> Place {
    Place { group: "general".into(), date: date(), start: Clock(540), end: Clock(570) }
}

fn group() -> WindowGroup {
    let session = Session {
        kind: SlotKind::Ordinary,
        class: DayClass::Working,
        weekdays: vec![1, 2],
        from: Clock(540),
        until: Clock(720),
        slot_minutes: 30,
        seats: 2,
    };
    WindowGroup {
        hall: "GA-01".into(),
        code: "general".into(),
        region: "511602000000".into(),
        name: "综合窗口".into(),
        prefix: "A".into(),
        windows: vec!["A01".into()],
        items: vec![HYGIENE.into()],
        sessions: vec![session.clone()],
        quotas: vec![Quota { item: HYGIENE.into(), a_slot: 1, a_day: 5 }],
        home_visits_for: vec![Ground::Elderly],
        exceptions: vec![Exception { date: date(), sessions: vec![session], reason: "培训".into() }],
        tickets_a_day: 999,
        service_minutes: 10,
    }
}

fn rules() -> BookingRules {
    let closures = vec![Closure { date: date(), reason: "停电".into() }];
    BookingRules { hall: "GA-01".into(), region: "511602000000".into(), closures, ..BookingRules::default() }
}

pub fn groups() -> Vec<GroupEvent> {
    vec![GroupEvent::WindowGroupPublished { group: Box::new(group()), by: by() }]
}

pub fn all_rules() -> Vec<RulesEvent> {
    vec![RulesEvent::BookingRulesPublished { rules: Box::new(rules()), by: by() }]
}

fn booking() -> Booking {
    let personal = |field, value: &str| Some(Personal::new(&subject(), field, value));
    let visitor = Party {
        subject: subject(),
        kind: Some(DocumentKind::ResidentId),
        name: personal("visitor.name", "张建国"),
        number: personal("visitor.number", "511602198503120016"),
        phone: personal("visitor.phone", "13812345678"),
        address: None,
    };
    Booking {
        hall: "GA-01".into(),
        region: "511602000000".into(),
        item: HYGIENE.into(),
        item_name: "公共场所卫生许可新办".into(),
        kind: SlotKind::HomeVisit,
        visitor,
        address: personal("visit.address", "滨江路1号"),
        ground: personal("visit.ground", "disabled"),
    }
}

fn ticket() -> Ticket {
    Ticket {
        label: "A001".into(),
        since: Timestamp(1_772_413_200_000_000),
        item: HYGIENE.into(),
        line: Line::Booked { appointment: appointment(), turn: 0, start: Clock(540) },
        green: Some(Green { ground: Some(Ground::Military) }),
        owner: Some(subject()),
        phase: TicketPhase::Waiting { not_before: 0 },
        calls: 0,
        rejoins: 0,
    }
}

pub fn days() -> Vec<DayEvent> {
    let (appointment, turn, label) = (appointment(), 0, || "A001".to_owned());
    let mut quiet = BookingRules { closures: Vec::new(), ..rules() };
    quiet.horizon_days = 7;
    let planned = plan((&group(), 2), (&quiet, 1), date(), Calendar::builtin());
    assert_eq!(planned.basis, Basis { group: 2, rules: 1 });
    let why = Release::HallClosed { reason: "停电".into() };
    vec![
        DayEvent::DayPlanned { hall: "GA-01".into(), group: "general".into(), date: date(), plan: Box::new(planned) },
        DayEvent::SeatTaken {
            seat: Seat {
                appointment,
                turn,
                kind: SlotKind::Ordinary,
                start: Clock(540),
                item: HYGIENE.into(),
                owner: None,
                phase: SeatPhase::Held,
            },
            end: Clock(570),
            owner: subject(),
            booking: Some(Box::new(booking())),
            from: Some(place()),
            terms: Terms { open_bookings: 3, online: true },
            by: by(),
        },
        DayEvent::SeatReleased { appointment, turn, why },
        DayEvent::SeatMissed { appointment, turn, by: by() },
        DayEvent::VisitPaid { appointment, turn, by: by() },
        DayEvent::TicketIssued { ticket: ticket(), by: by() },
        DayEvent::TicketCalled { label: label(), window: "A01".into(), by: by() },
        DayEvent::TicketRecalled { label: label(), by: by() },
        DayEvent::TicketPassed { label: label(), by: by() },
        DayEvent::TicketRejoined { label: label(), not_before: 4, by: by() },
        DayEvent::TicketFinished { label: label(), booked: Some(booked()), by: by() },
        DayEvent::TicketTransferred { ticket: ticket(), to: "social".into(), reason: "例".into(), by: by() },
        DayEvent::TicketReceived { ticket: ticket(), from: "social".into() },
        DayEvent::PriorityGranted { label: label(), green: Green { ground: Some(Ground::Pregnant) }, by: by() },
        DayEvent::DayEnded {
            lapsed: vec![label()],
            served: vec!["A002".into()],
            lapsed_bookings: vec![booked()],
            served_bookings: vec![booked()],
        },
    ]
}

pub fn appointments() -> Vec<AppointmentEvent> {
    vec![
        AppointmentEvent::AppointmentBooked { booking: Box::new(booking()), place: place(), by: by() },
        AppointmentEvent::AppointmentMoved { place: place(), turn: 1, by: by() },
        AppointmentEvent::AppointmentCancelled { by: by() },
        AppointmentEvent::AppointmentCancelledByHall { reason: "停电".into() },
        AppointmentEvent::AppointmentCheckedIn { ticket: "A001".into() },
        AppointmentEvent::AppointmentServed,
        AppointmentEvent::AppointmentMissed,
        AppointmentEvent::AppointmentLapsed,
        AppointmentEvent::NoShowAppealed { reason: Personal::new(&subject(), "appeal", "急诊"), by: by() },
        AppointmentEvent::NoShowExcused { reason: Personal::new(&subject(), "excuse", "属实"), by: by() },
    ]
}

pub fn visitors() -> Vec<VisitorEvent> {
    let (appointment, hall) = (appointment(), || "GA-01".to_owned());
    let rule = NoShowRule { count: 3, days: 90, bar_days: 30 };
    let (from, until) = (place().begins(), place().ends());
    vec![
        VisitorEvent::TimeClaimed {
            subject: subject(),
            claim: Claim { appointment, turn: 0, hall: hall(), from, until },
        },
        VisitorEvent::ClaimRefused { subject: subject(), booked: booked(), why: Objection::Barred(date()) },
        VisitorEvent::ClaimSettled { appointment },
        VisitorEvent::NoShowRecorded {
            no_show: NoShow { appointment, hall: hall(), date: date(), rule, excused: false },
        },
        VisitorEvent::NoShowForgiven { appointment },
    ]
}
