//! 预约: places that are never given twice, whoever may have them, and what becomes of who does not come.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use yiwang_intake::application::{Actor, Party};
use yiwang_intake::appointment::Booking;
use yiwang_intake::appointment::following::Published;
use yiwang_intake::appointment::visitor::Terms;
use yiwang_intake::queue::seats::{self, Take};
use yiwang_intake::queue::{self, Day};
use yiwang_intake::reception::{Clock, SlotKind};
use yiwang_kit::{new_request_id, new_stream_id};
use yiwang_ledger::{Call, Context, Personal, StreamId};
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::AppointmentPhase as Phase;
use yiwang_standards::identity::DocumentKind;

use crate::lobby::*;
use crate::world::{CITIZEN, HYGIENE, PLAIN, World, citizen, person, reason};

pub async fn a_place_is_taken_moved_and_given_back(world: World) {
    open(&world).await;
    let one = booked(&world, "09:30").await;
    assert_eq!((one.phase(), one.date.as_str(), one.end_time.as_str()), (Phase::Booked, TUESDAY, "10:00"));
    assert_eq!(left(&world, TUESDAY, "09:30", "").await, 1);
    let moved = shift(&world, &one.id, "2026-03-04", "10:00").await.unwrap();
    assert_eq!((moved.id.as_str(), moved.date.as_str()), (one.id.as_str(), "2026-03-04"));
    assert_eq!((left(&world, TUESDAY, "09:30", "").await, left(&world, "2026-03-04", "10:00", "").await), (2, 1));
    // within a day, and to where it is
    shift(&world, &one.id, "2026-03-04", "10:30").await.unwrap();
    assert_eq!(left(&world, "2026-03-04", "10:00", "").await, 2);
    assert_eq!(reason(&shift(&world, &one.id, "2026-03-04", "10:30").await.unwrap_err()), "SAME_PLACE");
    let gone = cancel(&world, "citizen", &one.id).await.unwrap();
    assert_eq!((gone.phase(), left(&world, "2026-03-04", "10:30", "").await), (Phase::Cancelled, 2));
    assert_eq!(reason(&cancel(&world, "citizen", &one.id).await.unwrap_err()), "APPOINTMENT_NOT_OPEN");
    assert_eq!(reason(&shift(&world, &one.id, TUESDAY, "09:00").await.unwrap_err()), "APPOINTMENT_NOT_OPEN");
}

pub async fn however_many_book_at_once_no_place_is_given_twice(world: World) {
    open(&world).await;
    let all: Vec<_> = (0..24)
        .map(|n| {
            let start = if n % 2 == 0 { "09:00" } else { "09:30" };
            let mut clerk = appointments(&world, "clerk");
            tokio::spawn(async move { clerk.book_appointment(booking(somebody(n), TUESDAY, start)).await })
        })
        .collect();
    let (mut ids, mut refused) = (BTreeSet::new(), 0);
    for one in all {
        match one.await.unwrap() {
            Ok(booked) => assert!(ids.insert(booked.into_inner().id)),
            Err(status) => {
                assert_eq!(reason(&status), "SLOT_FULL");
                refused += 1;
            }
        }
    }
    assert_eq!((ids.len(), refused), (4, 20));
    assert_eq!((left(&world, TUESDAY, "09:00", "").await, left(&world, TUESDAY, "09:30", "").await), (0, 0));
    let listed = appointments(&world, "clerk")
        .list_appointments(pb::ListAppointmentsRequest { hall_code: HALL.into(), ..Default::default() })
        .await
        .unwrap()
        .into_inner();
    let listed: BTreeSet<String> = listed.appointments.into_iter().map(|one| one.id).collect();
    assert_eq!(listed, ids);
}

pub async fn one_person_has_one_place_at_a_time_however_often_it_is_asked(world: World) {
    open(&world).await;
    let all: Vec<_> = (0..12)
        .map(|n| {
            let mut own = appointments(&world, "citizen");
            let mut ask = booking(citizen(), TUESDAY, "10:00");
            ask.group_code = if n % 2 == 0 { GENERAL } else { "social" }.into();
            tokio::spawn(async move { own.book_appointment(ask).await })
        })
        .collect();
    let mut had = 0;
    for one in all {
        match one.await.unwrap() {
            Ok(_) => had += 1,
            Err(status) => assert!(["SAME_TIME_TAKEN", "SLOT_FULL"].contains(&reason(&status).as_str())),
        }
    }
    assert_eq!(had, 1);
    let open = (left(&world, TUESDAY, "10:00", "").await, slots(&world, "social", TUESDAY, "").await.slots[2].left);
    assert_eq!(open.0 + open.1, 3, "what was refused went back");
}

pub async fn a_booking_sent_again_is_answered_as_then(world: World) {
    open(&world).await;
    let ask = booking(citizen(), TUESDAY, "09:00");
    let first = book(&world, "citizen", ask.clone()).await.unwrap();
    // though by now the time is taken, by that very booking
    let again = book(&world, "citizen", ask.clone()).await.unwrap();
    assert_eq!((again.id, again.etag), (first.id.clone(), first.etag.clone()));
    assert_eq!(left(&world, TUESDAY, "09:00", "").await, 1);
    let other = pb::BookAppointmentRequest { start_time: "09:30".into(), ..ask };
    assert_eq!(reason(&book(&world, "citizen", other).await.unwrap_err()), "REQUEST_ID_REUSED");
    let stale = pb::MoveAppointmentRequest {
        id: first.id,
        request_id: new_request_id(),
        etag: "99".into(),
        date: TUESDAY.into(),
        start_time: "10:00".into(),
        ..Default::default()
    };
    let refused = appointments(&world, "citizen").move_appointment(stale).await.unwrap_err();
    assert_eq!(reason(&refused), "ETAG_MISMATCH");
}

pub async fn what_cannot_be_booked_says_why(world: World) {
    open(&world).await;
    let refused = async |ask| reason(&book(&world, "citizen", ask).await.unwrap_err());
    let plain = |date: &str, start: &str| booking(citizen(), date, start);
    assert_eq!(refused(plain("2026-03-02", "09:00")).await, "TOO_SHORT_NOTICE");
    assert_eq!(refused(plain("2026-03-17", "09:00")).await, "BEYOND_HORIZON");
    assert_eq!(refused(plain(TUESDAY, "12:00")).await, "NO_SUCH_SLOT");
    assert_eq!(refused(plain("2026-03-08", "12:00")).await, "NO_SUCH_SLOT");
    let other = pb::BookAppointmentRequest { visitor: Some(citizen2()), ..plain(TUESDAY, "09:00") };
    assert_eq!(refused(other).await, "NOT_YOURSELF");
    let nobody = pb::BookAppointmentRequest { visitor: None, ..plain(TUESDAY, "09:00") };
    assert_eq!(refused(nobody).await, "VISITOR_INCOMPLETE");
    let elsewhere = pb::BookAppointmentRequest { group_code: "none".into(), ..plain(TUESDAY, "09:00") };
    assert_eq!(refused(elsewhere).await, "WINDOW_GROUP_NOT_FOUND");
    let foreign = pb::BookAppointmentRequest { item_code: crate::world::FIRE.into(), ..plain(TUESDAY, "09:00") };
    assert_eq!(refused(foreign.clone()).await, "ITEM_NOT_PRESENT");
    let social = pb::BookAppointmentRequest { group_code: "social".into(), ..foreign };
    assert_eq!(refused(social).await, "ITEM_NOT_SERVED");
    for start in ["09:00", "10:00", "11:00"] {
        booked(&world, start).await;
    }
    assert_eq!(refused(plain(TUESDAY, "13:00")).await, "OPEN_LIMIT_REACHED");
    assert_eq!(refused(plain(TUESDAY, "09:00")).await, "SAME_TIME_TAKEN");
}

pub async fn an_item_has_no_more_places_than_its_quota(world: World) {
    open(&world).await;
    let ask = |n, start| pb::BookAppointmentRequest { item_code: PLAIN.into(), ..booking(somebody(n), TUESDAY, start) };
    book(&world, "clerk", ask(1, "09:00")).await.unwrap();
    let refused = book(&world, "clerk", ask(2, "09:00")).await.unwrap_err();
    assert_eq!(reason(&refused), "ITEM_QUOTA_FULL");
    assert_eq!((left(&world, TUESDAY, "09:00", PLAIN).await, left(&world, TUESDAY, "09:00", HYGIENE).await), (0, 1));
    book(&world, "clerk", ask(3, "09:30")).await.unwrap();
    assert_eq!(reason(&book(&world, "clerk", ask(4, "10:00")).await.unwrap_err()), "ITEM_QUOTA_FULL");
}

pub async fn who_does_not_come_twice_is_barred_online_and_never_at_the_counter(world: World) {
    open(&world).await;
    let one = booked(&world, "09:00").await;
    let two = booked(&world, "10:00").await;
    at(&world, 3, 3, 9, 14);
    assert_eq!(appointment(&world, "citizen", &one.id).await.phase(), Phase::Booked);
    at(&world, 3, 3, 9, 15);
    becomes(&world, &one.id, Phase::Missed).await;
    assert_eq!(reason(&check_in(&world, "citizen", &one.id).await.unwrap_err()), "APPOINTMENT_NOT_OPEN");
    at(&world, 3, 3, 10, 15);
    becomes(&world, &two.id, Phase::Missed).await;
    let standing = || async {
        let ask = pb::GetBookingStandingRequest { hall_code: HALL.into() };
        let own = appointments(&world, "citizen").get_booking_standing(ask).await.unwrap().into_inner();
        Some(own).filter(|own| own.no_shows.len() == 2)
    };
    assert_eq!(world.until(standing).await.barred_until, "2026-03-23");
    let ask = booking(citizen(), "2026-03-04", "09:00");
    assert_eq!(reason(&book(&world, "citizen", ask.clone()).await.unwrap_err()), "BARRED_FROM_BOOKING");
    // by telephone, and at the counter
    let assisted = pb::BookAppointmentRequest { request_id: new_request_id(), ..ask.clone() };
    let by_phone = book(&world, "clerk", assisted).await.unwrap();
    assert_eq!(by_phone.booked_by.unwrap().id, "staff:clerk");
    assert_eq!(take(&world, "citizen", taking()).await.unwrap().ticket, "A001");
    // excused, with a reason: the bar falls
    let appeal = pb::AppealNoShowRequest {
        id: two.id.clone(),
        request_id: new_request_id(),
        reason: "送医途中".into(),
        ..Default::default()
    };
    appointments(&world, "citizen").appeal_no_show(appeal).await.unwrap();
    let appealed = pb::ListAppointmentsRequest { appealed: true, ..Default::default() };
    let listed = appointments(&world, "hall").list_appointments(appealed).await.unwrap().into_inner().appointments;
    assert_eq!(listed.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), [two.id.as_str()]);
    let excuse = |reason: &str| pb::ExcuseNoShowRequest {
        id: two.id.clone(),
        request_id: new_request_id(),
        reason: reason.into(),
        ..Default::default()
    };
    let bare = appointments(&world, "hall").excuse_no_show(excuse("")).await.unwrap_err();
    assert_eq!(reason(&bare), "REASON_MISSING");
    let by_clerk = appointments(&world, "clerk").excuse_no_show(excuse("急诊")).await.unwrap_err();
    assert_eq!(reason(&by_clerk), "ACTION_NOT_PERMITTED");
    let excused = appointments(&world, "hall").excuse_no_show(excuse("急诊病历属实")).await.unwrap().into_inner();
    assert_eq!(excused.excuse, "急诊病历属实");
    let again = pb::BookAppointmentRequest { request_id: new_request_id(), start_time: "11:00".into(), ..ask };
    book(&world, "citizen", again).await.unwrap();
}

pub async fn a_visit_at_home_is_for_whom_it_is_meant(world: World) {
    open(&world).await;
    let visit = |ground: pb::Ground, address: &str| pb::BookAppointmentRequest {
        group_code: "social".into(),
        kind: pb::SlotKind::HomeVisit.into(),
        address: address.into(),
        ground: ground.into(),
        ..booking(citizen(), TUESDAY, "14:00")
    };
    let refused = async |ask| reason(&book(&world, "citizen", ask).await.unwrap_err());
    let without = pb::BookAppointmentRequest { consent_sensitive: true, ..visit(pb::Ground::Disabled, "") };
    assert_eq!(refused(without).await, "ADDRESS_MISSING");
    assert_eq!(refused(visit(pb::Ground::Unspecified, "滨江路1号")).await, "GROUND_MISSING");
    let pregnant =
        pb::BookAppointmentRequest { consent_sensitive: true, ..visit(pb::Ground::Pregnant, "滨江路1号") };
    assert_eq!(refused(pregnant).await, "GROUND_NOT_SERVED");
    assert_eq!(refused(visit(pb::Ground::Elderly, "滨江路1号")).await, "GROUND_NOT_MET");
    assert_eq!(refused(visit(pb::Ground::Disabled, "滨江路1号")).await, "CONSENT_MISSING");
    let agreed = pb::BookAppointmentRequest { consent_sensitive: true, ..visit(pb::Ground::Disabled, "滨江路1号") };
    let one = book(&world, "citizen", agreed).await.unwrap();
    assert_eq!(one.address, "滨江路1号");
    assert_eq!(reason(&check_in(&world, "citizen", &one.id).await.unwrap_err()), "NO_TICKET_AT_HOME");
    let report = |who: &'static str| {
        let ask = pb::ReportHomeVisitRequest { id: one.id.clone(), request_id: new_request_id(), nobody_home: false };
        let mut client = appointments(&world, who);
        async move { client.report_home_visit(ask).await.map(tonic::Response::into_inner) }
    };
    assert_eq!(reason(&report("clerk").await.unwrap_err()), "SLOT_NOT_BEGUN");
    at(&world, 3, 3, 14, 40);
    assert_eq!(reason(&report("citizen").await.unwrap_err()), "ACTION_NOT_PERMITTED");
    assert_eq!(report("clerk").await.unwrap().phase(), Phase::Served);
}

pub async fn a_slot_that_has_begun_is_not_moved_out_of(world: World) {
    open(&world).await;
    let one = booked(&world, "09:00").await;
    at(&world, 3, 3, 9, 10);
    assert_eq!(reason(&shift(&world, &one.id, "2026-03-10", "09:00").await.unwrap_err()), "SLOT_HAS_BEGUN");
    at(&world, 3, 3, 9, 15);
    becomes(&world, &one.id, Phase::Missed).await;
    assert_eq!(left(&world, "2026-03-10", "09:00", "").await, 2);
}

pub async fn why_somebody_is_visited_is_agreed_to_sealed_and_erased(world: World) {
    open(&world).await;
    let visit = pb::BookAppointmentRequest {
        group_code: "social".into(),
        kind: pb::SlotKind::HomeVisit.into(),
        address: "滨江路1号".into(),
        ground: pb::Ground::Disabled.into(),
        consent_sensitive: true,
        ..booking(citizen(), TUESDAY, "14:00")
    };
    let one = book(&world, "citizen", visit).await.unwrap();
    assert_eq!(appointment(&world, "clerk", &one.id).await.ground(), pb::Ground::Disabled);
    let entries = world.ledger().history(StreamId::parse("id", &one.id).unwrap(), 0, 10).await.unwrap();
    let says = |body: &[u8]| body.windows("disabled".len()).any(|window| window == b"disabled");
    assert!(!entries.is_empty() && entries.iter().all(|entry| !says(&entry.body)));
    // no list says it
    let listed = appointments(&world, "clerk").list_appointments(pb::ListAppointmentsRequest::default()).await;
    assert_eq!(listed.unwrap().into_inner().appointments[0].ground(), pb::Ground::Unspecified);
    at(&world, 3, 3, 14, 40);
    let report = pb::ReportHomeVisitRequest { id: one.id.clone(), request_id: new_request_id(), nobody_home: true };
    appointments(&world, "clerk").report_home_visit(report).await.unwrap();
    let excuse = pb::ExcuseNoShowRequest {
        id: one.id.clone(),
        request_id: new_request_id(),
        reason: "因癫痫发作送医".into(),
        ..Default::default()
    };
    let excused = appointments(&world, "hall").excuse_no_show(excuse).await.unwrap().into_inner();
    assert_eq!(excused.excuse, "因癫痫发作送医");
    let listed = appointments(&world, "clerk").list_appointments(pb::ListAppointmentsRequest::default()).await;
    assert_eq!(listed.unwrap().into_inner().appointments[0].excuse, "");
    let open = |bytes: &[u8]| bytes.windows("癫痫".len()).any(|window| window == "癫痫".as_bytes());
    assert!(world.folder_bytes().iter().all(|(_, bytes)| !open(bytes)));
    world.erase_citizen().await;
    let after = appointment(&world, "clerk", &one.id).await;
    assert_eq!((after.ground(), after.excuse.as_str()), (pb::Ground::Unspecified, "（已删除）"));
}

pub async fn who_repeats_what_is_done_carries_out_nobody_elses_booking(world: World) {
    open(&world).await;
    let one = book(&world, "clerk", booking(somebody(1), TUESDAY, "09:00")).await.unwrap();
    let theirs = pb::BookAppointmentRequest { group_code: "social".into(), ..booking(citizen(), TUESDAY, "09:30") };
    book(&world, "citizen", theirs).await.unwrap();
    at(&world, 3, 3, 9, 0);
    let label = check_in(&world, "clerk", &one.id).await.unwrap().ticket;
    call(&world, GENERAL, "A01").await.unwrap();
    finish(&world, GENERAL, &label).await.unwrap();
    for _ in 0..8 {
        // the citizen's other place at that time is taken, and what follows from it is not done yet
        crash_after_the_place(&world, 570).await;
        assert_eq!(finish(&world, GENERAL, &label).await.unwrap().phase(), pb::TicketPhase::Served);
        let back = || async { Some(left(&world, TUESDAY, "09:30", "").await).filter(|left| *left == 2) };
        world.until(back).await;
    }
}

pub async fn evenings_saturdays_and_rest_days_are_as_published(world: World) {
    open(&world).await;
    let evening =
        pb::BookAppointmentRequest { kind: pb::SlotKind::AfterHours.into(), ..booking(citizen(), TUESDAY, "17:30") };
    assert_eq!(book(&world, "citizen", evening).await.unwrap().kind(), pb::SlotKind::AfterHours);
    // a Saturday
    let saturday =
        pb::BookAppointmentRequest { kind: pb::SlotKind::OffPeak.into(), ..booking(citizen(), "2026-03-07", "09:00") };
    book(&world, "citizen", saturday).await.unwrap();
    // 清明节 (2026-04-04 to 06), and a Saturday that is worked in exchange for 劳动节 (2026-05-09)
    assert_eq!(slots(&world, GENERAL, "2026-04-06", "").await.closed_reason, "清明节");
    let worked = slots(&world, GENERAL, "2026-05-09", "").await;
    assert_eq!((worked.closed_reason.as_str(), worked.slots.len()), ("", 16));
    let later = slots(&world, GENERAL, "2028-03-06", "").await;
    assert!(later.provisional && later.slots.iter().all(|slot| slot.left == 0));
}

pub async fn a_hall_that_closes_cancels_with_its_reason_and_nobody_missed_anything(world: World) {
    open(&world).await;
    let one = booked(&world, "09:00").await;
    let two = book(&world, "citizen", booking(citizen(), "2026-03-04", "09:00")).await.unwrap();
    let closure = pb::Closure { date: TUESDAY.into(), reason: "停电检修".into() };
    rule(&world, pb::BookingRules { closures: vec![closure], ..rules() }).await.unwrap();
    let gone = becomes(&world, &one.id, Phase::Cancelled).await;
    assert_eq!(gone.reason, "停电检修");
    assert_eq!(appointment(&world, "citizen", &two.id).await.phase(), Phase::Booked);
    let refused = book(&world, "citizen", booking(citizen(), TUESDAY, "10:00")).await.unwrap_err();
    assert_eq!(reason(&refused), "CLOSED_THAT_DAY");
    // a group's own exceptional day: the afternoon alone
    let half = session(pb::SlotKind::Ordinary, pb::DayClass::Working, "13:00", "15:00", 2);
    let exception =
        pb::ExceptionalDay { date: "2026-03-04".into(), sessions: vec![half], reason: "上午业务培训".into() };
    publish(&world, pb::WindowGroup { exceptions: vec![exception], ..general() }).await.unwrap();
    assert_eq!(becomes(&world, &two.id, Phase::Cancelled).await.reason, "该时段不再开放");
    assert_eq!(slots(&world, GENERAL, "2026-03-04", "").await.slots.len(), 4);
    at(&world, 3, 3, 18, 0);
    let ask = pb::GetBookingStandingRequest { hall_code: HALL.into() };
    let standing = appointments(&world, "citizen").get_booking_standing(ask).await.unwrap().into_inner();
    assert_eq!((standing.no_shows.len(), standing.open_bookings), (0, 0));
}

pub async fn an_appointment_is_its_visitors_and_the_halls(world: World) {
    open(&world).await;
    let one = booked(&world, "09:00").await;
    let read = |who: &'static str| {
        let ask = pb::GetAppointmentRequest { id: one.id.clone() };
        let mut client = appointments(&world, who);
        async move { client.get_appointment(ask).await }
    };
    for who in ["citizen2", "approver", "supervisor", "company"] {
        assert_eq!(reason(&read(who).await.unwrap_err()), "APPOINTMENT_NOT_FOUND", "{who}");
        let listed = appointments(&world, who).list_appointments(pb::ListAppointmentsRequest::default()).await;
        assert!(listed.unwrap().into_inner().appointments.is_empty(), "{who}");
    }
    for who in ["citizen", "clerk", "hall"] {
        assert_eq!(read(who).await.unwrap().into_inner().visitor.unwrap().document_number, CITIZEN, "{who}");
        let listed = appointments(&world, who).list_appointments(pb::ListAppointmentsRequest::default()).await;
        let listed = listed.unwrap().into_inner().appointments;
        assert_eq!((listed.len(), listed[0].visitor.is_none(), listed[0].address.as_str()), (1, true, ""), "{who}");
        assert_eq!(listed[0].visitor_masked.as_ref().unwrap().name, "张**");
    }
    assert_eq!(reason(&cancel(&world, "citizen2", &one.id).await.unwrap_err()), "APPOINTMENT_NOT_FOUND");
    // nothing of a person lies open on disk
    let plain = |bytes: &[u8]| {
        let holds = |word: &str| bytes.windows(word.len()).any(|window| window == word.as_bytes());
        holds(CITIZEN) || holds("13812345678")
    };
    assert!(world.folder_bytes().iter().all(|(_, bytes)| !plain(bytes)));
    world.erase_citizen().await;
    let after = read("clerk").await.unwrap().into_inner();
    assert_eq!(after.visitor.unwrap().name, "（已删除）");
}

pub async fn what_a_hall_publishes_is_checked_and_is_its_own(world: World) {
    open(&world).await;
    let refused = async |group| reason(&publish(&world, group).await.unwrap_err());
    let twice = session(pb::SlotKind::Ordinary, pb::DayClass::Working, "11:00", "13:00", 1);
    let mut group = general();
    group.sessions.push(twice);
    assert_eq!(refused(group).await, "SESSIONS_OVERLAP");
    let mut group = general();
    group.sessions[0].seats = 80;
    assert_eq!(refused(group).await, "TOO_MANY_SEATS");
    assert_eq!(refused(pb::WindowGroup { group_code: "other".into(), ..general() }).await, "PREFIX_TAKEN");
    let bare = pb::ExceptionalDay { date: TUESDAY.into(), ..Default::default() };
    assert_eq!(refused(pb::WindowGroup { exceptions: vec![bare], ..general() }).await, "REASON_MISSING");
    let mut group = general();
    group.sessions[0].until_time = "12:10".into();
    assert_eq!(refused(group).await, "FIELD_INVALID");
    for who in ["clerk", "admin", "citizen"] {
        let ask = pb::PublishWindowGroupRequest {
            hall_code: HALL.into(),
            request_id: new_request_id(),
            group: Some(general()),
            ..Default::default()
        };
        let refused = reception(&world, who).publish_window_group(ask).await.unwrap_err();
        assert_eq!(reason(&refused), "ACTION_NOT_PERMITTED", "{who}");
    }
    let ask = pb::ListWindowGroupsRequest { hall_code: HALL.into(), page_size: 1, ..Default::default() };
    let page = reception(&world, "citizen").list_window_groups(ask.clone()).await.unwrap().into_inner();
    assert_eq!((page.groups[0].group_code.as_str(), page.groups.len()), (GENERAL, 1));
    let next = pb::ListWindowGroupsRequest { page_token: page.next_page_token, ..ask };
    let page = reception(&world, "citizen").list_window_groups(next).await.unwrap().into_inner();
    assert_eq!((page.groups[0].group_code.as_str(), page.next_page_token.as_str()), ("social", ""));
}

pub async fn the_elderly_are_of_the_green_channel_by_their_number(world: World) {
    open(&world).await;
    let old = person("赵德福", "511602195001010016");
    let young = book(&world, "clerk", booking(somebody(1), TUESDAY, "09:00")).await.unwrap();
    let elder = book(&world, "clerk", booking(old, TUESDAY, "09:00")).await;
    let elder = elder.unwrap();
    at(&world, 3, 3, 9, 0);
    assert_eq!(check_in(&world, "clerk", &young.id).await.unwrap().ticket, "A001");
    assert_eq!(check_in(&world, "clerk", &elder.id).await.unwrap().ticket, "A002");
    let first = call(&world, GENERAL, "A01").await.unwrap();
    // that it is one is enough for the order
    assert_eq!((first.ticket.as_str(), first.ground(), first.green), ("A002", pb::Ground::Unspecified, true));
    assert_eq!(first.appointment_id, elder.id);
}

/// Takes the citizen's place on Tuesday, and no step more.
async fn crash_after_the_place(world: &World, start: u16) -> StreamId {
    let (ledger, id) = (world.ledger(), new_stream_id());
    let subject = yiwang_kit::subject(ledger.vault(), DocumentKind::ResidentId, CITIZEN);
    let personal = |field, value: &str| Some(Personal::new(&subject, field, value));
    let visitor = Party {
        subject: subject.clone(),
        kind: Some(DocumentKind::ResidentId),
        name: personal("visitor.name", "张建国"),
        number: personal("visitor.number", CITIZEN),
        phone: personal("visitor.phone", "13812345678"),
        address: None,
    };
    let booking = Booking {
        hall: HALL.into(),
        region: "511602000000".into(),
        item: HYGIENE.into(),
        item_name: "公共场所卫生许可新办".into(),
        kind: SlotKind::Ordinary,
        visitor,
        address: None,
        ground: None,
    };
    let take = Take {
        appointment: id,
        turn: 0,
        kind: SlotKind::Ordinary,
        start: Clock(start),
        item: HYGIENE.into(),
        owner: subject,
        booking: Some(Box::new(booking)),
        from: None,
        terms: Terms { open_bookings: 3, online: true },
        by: Actor::system(),
    };
    let published = Published::of(ledger, HALL, GENERAL).await.unwrap();
    let date = NaiveDate::from_ymd_opt(2026, 3, 3).unwrap();
    let rule = move |day: &Day, cx: &Context| {
        seats::book(day, &published.on(HALL, GENERAL, date, cx), &published.rules.0, &take, cx)
    };
    let call = Call::system(new_request_id(), "");
    ledger.execute::<Day>(queue::stream(HALL, GENERAL, date), call, rule).await.unwrap();
    id
}

pub async fn a_crash_after_the_place_was_taken_is_completed(world: World) {
    open(&world).await;
    let id = crash_after_the_place(&world, 540).await.to_string();
    let there = || async {
        let ask = pb::GetAppointmentRequest { id: id.clone() };
        appointments(&world, "citizen").get_appointment(ask).await.ok().map(tonic::Response::into_inner)
    };
    assert_eq!(world.until(there).await.phase(), Phase::Booked);
    assert_eq!(left(&world, TUESDAY, "09:00", "").await, 1);
    // what the visitor may not have goes back
    crash_after_the_place(&world, 540).await;
    let again = || async { Some(left(&world, TUESDAY, "09:00", "").await).filter(|left| *left == 1) };
    world.until(again).await;
    let ask = pb::ListAppointmentsRequest::default();
    let listed = appointments(&world, "citizen").list_appointments(ask).await.unwrap().into_inner();
    assert_eq!(listed.appointments.len(), 1);
}
