//! A hall with windows, for the cases of appointments and queues.

use chrono::NaiveDate;
use yiwang_kit::{Link, new_request_id};
use yiwang_ledger::Timestamp;
use yiwang_proto::catalogue::v1 as catalogue;
use yiwang_proto::catalogue::v1::hall_service_client::HallServiceClient;
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::appointment_service_client::AppointmentServiceClient;
use yiwang_proto::intake::v1::queue_service_client::QueueServiceClient;
use yiwang_proto::intake::v1::reception_service_client::ReceptionServiceClient;
use yiwang_proto::party::v1::Party;
use yiwang_standards::calendar;

use crate::world::{CITIZEN2, HYGIENE, PLAIN, World, citizen, person};

pub const HALL: &str = "GA-01";
/// The general windows.
pub const GENERAL: &str = "general";
/// A Tuesday, the day after the worlds begin.
pub const TUESDAY: &str = "2026-03-03";

pub type Answer<T> = Result<T, tonic::Status>;

pub fn reception(world: &World, who: &str) -> ReceptionServiceClient<Link> {
    ReceptionServiceClient::new(world.link(who))
}

pub fn appointments(world: &World, who: &str) -> AppointmentServiceClient<Link> {
    AppointmentServiceClient::new(world.link(who))
}

pub fn queues(world: &World, who: &str) -> QueueServiceClient<Link> {
    QueueServiceClient::new(world.link(who))
}

/// Moves the clock to an hour of a day of 2026.
pub fn at(world: &World, month: u32, day: u32, hour: i64, minute: i64) {
    let date = NaiveDate::from_ymd_opt(2026, month, day).unwrap();
    let moment = calendar::start_of_day_micros(date) + (hour * 60 + minute) * 60_000_000;
    world.process.legal.set_to(Timestamp(moment)).unwrap();
}

pub fn session(kind: pb::SlotKind, class: pb::DayClass, from: &str, until: &str, seats: i32) -> pb::Session {
    pb::Session {
        kind: kind.into(),
        class: class.into(),
        weekdays: Vec::new(),
        from_time: from.into(),
        until_time: until.into(),
        slot_minutes: 30,
        seats,
    }
}

/// Mornings and afternoons, an evening, a Saturday morning, and visits at home; two places a slot.
pub fn general() -> pb::WindowGroup {
    use pb::{DayClass, SlotKind};
    pb::WindowGroup {
        group_code: GENERAL.into(),
        name: "综合窗口".into(),
        ticket_prefix: "A".into(),
        windows: vec!["A01".into(), "A02".into()],
        sessions: vec![
            session(SlotKind::Ordinary, DayClass::Working, "09:00", "12:00", 2),
            session(SlotKind::Ordinary, DayClass::Working, "13:00", "17:00", 2),
            session(SlotKind::AfterHours, DayClass::Working, "17:00", "18:00", 1),
            session(SlotKind::OffPeak, DayClass::Weekend, "09:00", "11:00", 1),
        ],
        quotas: vec![pb::ItemQuota { item_code: PLAIN.into(), seats_a_slot: 1, seats_a_day: 2 }],
        ..Default::default()
    }
}

/// Another group, for transfers, with visits at home.
pub fn social() -> pb::WindowGroup {
    use pb::{DayClass, SlotKind};
    pb::WindowGroup {
        group_code: "social".into(),
        name: "社保窗口".into(),
        ticket_prefix: "B".into(),
        windows: vec!["B01".into()],
        item_codes: vec![HYGIENE.into()],
        sessions: vec![
            session(SlotKind::Ordinary, DayClass::Working, "09:00", "17:00", 2),
            session(SlotKind::HomeVisit, DayClass::Working, "14:00", "16:00", 1),
        ],
        home_visits_for: vec![pb::Ground::Elderly.into(), pb::Ground::Disabled.into()],
        ..Default::default()
    }
}

pub fn rules() -> pb::BookingRules {
    pb::BookingRules {
        horizon_days: 14,
        open_bookings: 3,
        early_minutes: 30,
        late_minutes: 15,
        no_shows: 2,
        no_show_days: 30,
        bar_days: 20,
        bookings_in_a_row: 2,
        greens_in_a_row: 2,
        calls_before_pass: 2,
        rejoin_after: 1,
        rejoins: 1,
        overrun_minutes: 30,
        ..Default::default()
    }
}

pub async fn publish(world: &World, group: pb::WindowGroup) -> Answer<pb::WindowGroup> {
    let request_id = new_request_id();
    let ask =
        pb::PublishWindowGroupRequest { hall_code: HALL.into(), request_id, group: Some(group), ..Default::default() };
    reception(world, "hall").publish_window_group(ask).await.map(tonic::Response::into_inner)
}

pub async fn rule(world: &World, rules: pb::BookingRules) -> Answer<pb::BookingRules> {
    let request_id = new_request_id();
    let ask =
        pb::PublishBookingRulesRequest { hall_code: HALL.into(), request_id, rules: Some(rules), ..Default::default() };
    reception(world, "hall").publish_booking_rules(ask).await.map(tonic::Response::into_inner)
}

/// The hall, with two items in it, and its windows.
pub async fn open(world: &World) {
    let mut halls = HallServiceClient::new(world.link("admin"));
    let hall = catalogue::Hall {
        hall_code: HALL.into(),
        name: "区政务服务中心".into(),
        region_code: "511602".into(),
        address: "金安大道".into(),
        hours: "工作日9:00至17:00".into(),
        ..Default::default()
    };
    let ask = catalogue::PublishHallRequest { request_id: new_request_id(), hall: Some(hall), ..Default::default() };
    halls.publish_hall(ask).await.unwrap();
    for item in [HYGIENE, PLAIN] {
        let ask = catalogue::RegisterPresenceRequest {
            hall_code: HALL.into(),
            item_code: item.into(),
            request_id: new_request_id(),
            way: catalogue::PresenceWay::In.into(),
            authorised: true,
            ..Default::default()
        };
        halls.register_presence(ask).await.unwrap();
    }
    rule(world, rules()).await.unwrap();
    publish(world, general()).await.unwrap();
    publish(world, social()).await.unwrap();
}

pub fn booking(visitor: Party, date: &str, start: &str) -> pb::BookAppointmentRequest {
    pb::BookAppointmentRequest {
        request_id: new_request_id(),
        hall_code: HALL.into(),
        group_code: GENERAL.into(),
        item_code: HYGIENE.into(),
        date: date.into(),
        start_time: start.into(),
        visitor: Some(visitor),
        ..Default::default()
    }
}

pub async fn book(world: &World, who: &str, ask: pb::BookAppointmentRequest) -> Answer<pb::Appointment> {
    appointments(world, who).book_appointment(ask).await.map(tonic::Response::into_inner)
}

/// The citizen's place on Tuesday.
pub async fn booked(world: &World, start: &str) -> pb::Appointment {
    book(world, "citizen", booking(citizen(), TUESDAY, start)).await.unwrap()
}

/// Somebody whom a clerk books for, the n-th of many.
pub fn somebody(n: usize) -> Party {
    let mut number = format!("5116021980{:02}{:02}{:03}", n / 28 % 12 + 1, n % 28 + 1, n % 1000);
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: usize = number.bytes().zip(weights).map(|(digit, weight)| usize::from(digit - b'0') * weight).sum();
    number.push(b"10X98765432"[sum % 11] as char);
    person("王小明", &number)
}

pub fn citizen2() -> Party {
    person("李秀英", CITIZEN2)
}

pub async fn cancel(world: &World, who: &str, id: &str) -> Answer<pb::Appointment> {
    let ask = pb::CancelAppointmentRequest { id: id.into(), request_id: new_request_id(), ..Default::default() };
    appointments(world, who).cancel_appointment(ask).await.map(tonic::Response::into_inner)
}

pub async fn shift(world: &World, id: &str, date: &str, start: &str) -> Answer<pb::Appointment> {
    let ask = pb::MoveAppointmentRequest {
        id: id.into(),
        request_id: new_request_id(),
        date: date.into(),
        start_time: start.into(),
        ..Default::default()
    };
    appointments(world, "citizen").move_appointment(ask).await.map(tonic::Response::into_inner)
}

pub async fn check_in(world: &World, who: &str, id: &str) -> Answer<pb::Appointment> {
    let ask = pb::CheckInAppointmentRequest { id: id.into(), request_id: new_request_id(), ..Default::default() };
    appointments(world, who).check_in_appointment(ask).await.map(tonic::Response::into_inner)
}

pub async fn appointment(world: &World, who: &str, id: &str) -> pb::Appointment {
    let ask = pb::GetAppointmentRequest { id: id.into() };
    appointments(world, who).get_appointment(ask).await.unwrap().into_inner()
}

/// Waits until the timer and the relay have brought an appointment to a phase.
pub async fn becomes(world: &World, id: &str, phase: pb::AppointmentPhase) -> pb::Appointment {
    world.until(|| async { Some(appointment(world, "citizen", id).await).filter(|found| found.phase() == phase) }).await
}

/// Places left of a slot.
pub async fn left(world: &World, date: &str, start: &str, item: &str) -> i32 {
    let slots = slots(world, GENERAL, date, item).await;
    slots.slots.iter().find(|slot| slot.start_time == start).map_or(-1, |slot| slot.left)
}

pub async fn slots(world: &World, group: &str, date: &str, item: &str) -> pb::GetSlotsResponse {
    let ask = pb::GetSlotsRequest {
        hall_code: HALL.into(),
        group_code: group.into(),
        date: date.into(),
        item_code: item.into(),
    };
    ReceptionServiceClient::new(world.process.links.get("intake")).get_slots(ask).await.unwrap().into_inner()
}

pub fn taking() -> pb::TakeTicketRequest {
    pb::TakeTicketRequest {
        hall_code: HALL.into(),
        group_code: GENERAL.into(),
        request_id: new_request_id(),
        ..Default::default()
    }
}

pub async fn take(world: &World, who: &str, ask: pb::TakeTicketRequest) -> Answer<pb::Ticket> {
    queues(world, who).take_ticket(ask).await.map(tonic::Response::into_inner)
}

/// A ticket for somebody who walked in.
pub async fn walk_in(world: &World) -> String {
    take(world, "clerk", taking()).await.unwrap().ticket
}

pub async fn call(world: &World, group: &str, window: &str) -> Answer<pb::Ticket> {
    let ask = pb::CallNextRequest {
        hall_code: HALL.into(),
        group_code: group.into(),
        request_id: new_request_id(),
        window: window.into(),
    };
    queues(world, "clerk").call_next(ask).await.map(tonic::Response::into_inner)
}

pub async fn finish(world: &World, group: &str, ticket: &str) -> Answer<pb::Ticket> {
    let ask = pb::FinishTicketRequest {
        hall_code: HALL.into(),
        group_code: group.into(),
        ticket: ticket.into(),
        request_id: new_request_id(),
    };
    queues(world, "clerk").finish_ticket(ask).await.map(tonic::Response::into_inner)
}

/// Calls and finishes until nobody waits; in which order they were called.
pub async fn serve_all(world: &World, group: &str, window: &str) -> Vec<String> {
    let mut served = Vec::new();
    while let Ok(called) = call(world, group, window).await {
        finish(world, group, &called.ticket).await.unwrap();
        served.push(called.ticket);
    }
    served
}

/// A ticket, as anybody reads it.
pub async fn ticket(world: &World, group: &str, label: &str) -> Answer<pb::Ticket> {
    let ask = pb::GetTicketRequest {
        hall_code: HALL.into(),
        group_code: group.into(),
        ticket: label.into(),
        date: String::new(),
    };
    let public = QueueServiceClient::new(world.process.links.get("intake"));
    public.clone().get_ticket(ask).await.map(tonic::Response::into_inner)
}

pub async fn board(world: &World) -> pb::GetQueueBoardResponse {
    let ask = pb::GetQueueBoardRequest { hall_code: HALL.into() };
    QueueServiceClient::new(world.process.links.get("intake")).get_queue_board(ask).await.unwrap().into_inner()
}
