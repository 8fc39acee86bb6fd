//! 取号、叫号: who is next, by a rule that is the same for everybody.

use std::collections::BTreeSet;

use yiwang_kit::new_request_id;
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::{AppointmentPhase, TicketPhase};

use crate::lobby::*;
use crate::world::{HYGIENE, World, citizen, reason};

pub async fn numbers_are_given_once_and_called_in_their_order(world: World) {
    open(&world).await;
    at(&world, 3, 3, 8, 29);
    assert_eq!(reason(&take(&world, "clerk", taking()).await.unwrap_err()), "CLOSED_NOW");
    at(&world, 3, 3, 9, 0);
    let all: Vec<_> = (0..12)
        .map(|_| {
            let mut clerk = queues(&world, "clerk");
            tokio::spawn(async move { clerk.take_ticket(taking()).await.unwrap().into_inner().ticket })
        })
        .collect();
    let mut given = BTreeSet::new();
    for one in all {
        assert!(given.insert(one.await.unwrap()));
    }
    assert_eq!(serve_all(&world, GENERAL, "A01").await, given.into_iter().collect::<Vec<_>>());
    assert_eq!(reason(&call(&world, GENERAL, "A01").await.unwrap_err()), "NOBODY_WAITING");
    // another day begins with 1
    at(&world, 3, 4, 9, 0);
    assert_eq!(walk_in(&world).await, "A001");
}

pub async fn two_windows_never_call_the_same_number(world: World) {
    open(&world).await;
    at(&world, 3, 3, 9, 0);
    walk_in(&world).await;
    walk_in(&world).await;
    let calls = ["A01", "A02"].map(|window| {
        let mut clerk = queues(&world, "clerk");
        let ask = pb::CallNextRequest {
            hall_code: HALL.into(),
            group_code: GENERAL.into(),
            request_id: new_request_id(),
            window: window.into(),
        };
        tokio::spawn(async move { clerk.call_next(ask).await.unwrap().into_inner().ticket })
    });
    let [one, two] = calls;
    assert_ne!(one.await.unwrap(), two.await.unwrap());
    assert_eq!(reason(&call(&world, GENERAL, "A01").await.unwrap_err()), "WINDOW_BUSY");
    assert_eq!(reason(&call(&world, GENERAL, "C09").await.unwrap_err()), "NO_SUCH_WINDOW");
}

pub async fn bookings_and_walk_ins_are_called_in_turn(world: World) {
    open(&world).await;
    let mut ids = Vec::new();
    for (n, start) in ["09:00", "09:00", "09:30", "09:30"].into_iter().enumerate() {
        ids.push(book(&world, "clerk", booking(somebody(n), TUESDAY, start)).await.unwrap().id);
    }
    at(&world, 3, 3, 8, 59);
    assert_eq!(reason(&check_in(&world, "clerk", &ids[2]).await.unwrap_err()), "TOO_EARLY");
    at(&world, 3, 3, 9, 10);
    for _ in 0..3 {
        walk_in(&world).await;
    }
    for id in &ids {
        check_in(&world, "clerk", id).await.unwrap();
    }
    // A001 to A003 walked in; A004 and A005 have 09:00; A006 and A007 have 09:30 and wait for it
    let order = ["A004", "A005", "A001", "A002", "A003", "A006", "A007"];
    assert_eq!(serve_all(&world, GENERAL, "A01").await, order);
    assert_eq!(appointment_phase(&world, &ids[3]).await, AppointmentPhase::Served);
}

async fn appointment_phase(world: &World, id: &str) -> AppointmentPhase {
    appointment(world, "clerk", id).await.phase()
}

pub async fn the_green_channel_is_first_among_equals_and_starves_nobody(world: World) {
    open(&world).await;
    at(&world, 3, 3, 9, 0);
    walk_in(&world).await;
    walk_in(&world).await;
    let green = pb::TakeTicketRequest { ground: pb::Ground::Military.into(), ..taking() };
    for _ in 0..3 {
        let ask = pb::TakeTicketRequest { request_id: new_request_id(), ..green.clone() };
        take(&world, "clerk", ask).await.unwrap();
    }
    let own = pb::TakeTicketRequest { request_id: new_request_id(), ..green.clone() };
    assert_eq!(reason(&take(&world, "citizen", own).await.unwrap_err()), "FIELD_INVALID");
    let grant = pb::GrantPriorityRequest {
        hall_code: HALL.into(),
        group_code: GENERAL.into(),
        ticket: "A002".into(),
        request_id: new_request_id(),
        ground: pb::Ground::Pregnant.into(),
    };
    queues(&world, "clerk").grant_priority(grant).await.unwrap();
    assert_eq!(serve_all(&world, GENERAL, "A01").await, ["A002", "A003", "A001", "A004", "A005"]);
}

pub async fn who_does_not_answer_is_passed_over_and_may_come_back_once(world: World) {
    open(&world).await;
    at(&world, 3, 3, 9, 0);
    for _ in 0..3 {
        walk_in(&world).await;
    }
    let one = |label: &str| pb::RecallTicketRequest {
        hall_code: HALL.into(),
        group_code: GENERAL.into(),
        ticket: label.into(),
        request_id: new_request_id(),
    };
    let pass = async |label: &str| {
        let pb::RecallTicketRequest { hall_code, group_code, ticket, request_id } = one(label);
        let ask = pb::PassTicketRequest { hall_code, group_code, ticket, request_id };
        queues(&world, "clerk").pass_ticket(ask).await
    };
    let rejoin = async |label: &str| {
        let pb::RecallTicketRequest { hall_code, group_code, ticket, request_id } = one(label);
        let ask = pb::RejoinTicketRequest { hall_code, group_code, ticket, request_id };
        queues(&world, "clerk").rejoin_ticket(ask).await
    };
    assert_eq!(call(&world, GENERAL, "A01").await.unwrap().ticket, "A001");
    assert_eq!(reason(&pass("A001").await.unwrap_err()), "NOT_CALLED_OFTEN_ENOUGH");
    let again = queues(&world, "clerk").recall_ticket(one("A001")).await.unwrap().into_inner();
    assert_eq!(again.calls, 2);
    assert_eq!(pass("A001").await.unwrap().into_inner().phase(), TicketPhase::Passed);
    assert_eq!(board(&world).await.groups[0].passed, ["A001"]);
    assert_eq!(reason(&rejoin("A002").await.unwrap_err()), "TICKET_NOT_PASSED");
    rejoin("A001").await.unwrap();
    // one call goes before it
    assert_eq!(call(&world, GENERAL, "A01").await.unwrap().ticket, "A002");
    finish(&world, GENERAL, "A002").await.unwrap();
    assert_eq!(call(&world, GENERAL, "A01").await.unwrap().ticket, "A001");
    queues(&world, "clerk").recall_ticket(one("A001")).await.unwrap();
    pass("A001").await.unwrap();
    assert_eq!(reason(&rejoin("A001").await.unwrap_err()), "REJOINED_TOO_OFTEN");
    assert_eq!(reason(&finish(&world, GENERAL, "A001").await.unwrap_err()), "TICKET_NOT_CALLED");
    assert_eq!(reason(&finish(&world, GENERAL, "A099").await.unwrap_err()), "TICKET_NOT_FOUND");
}

fn pass_of(label: &str) -> pb::PassTicketRequest {
    pb::PassTicketRequest {
        hall_code: HALL.into(),
        group_code: GENERAL.into(),
        ticket: label.into(),
        request_id: new_request_id(),
    }
}

/// Called, called again, and passed over.
async fn passed(world: &World, label: &str) {
    assert_eq!(call(world, GENERAL, "A01").await.unwrap().ticket, label);
    let pb::PassTicketRequest { hall_code, group_code, ticket, request_id } = pass_of(label);
    let again = pb::RecallTicketRequest { hall_code, group_code, ticket, request_id };
    queues(world, "clerk").recall_ticket(again).await.unwrap();
    queues(world, "clerk").pass_ticket(pass_of(label)).await.unwrap();
}

pub async fn who_was_passed_over_too_often_takes_another_ticket(world: World) {
    open(&world).await;
    at(&world, 3, 3, 9, 0);
    let label = take(&world, "citizen", taking()).await.unwrap().ticket;
    passed(&world, &label).await;
    // may still come back, and so has one
    assert_eq!(reason(&take(&world, "citizen", taking()).await.unwrap_err()), "TICKET_HELD");
    let pb::PassTicketRequest { hall_code, group_code, ticket, request_id } = pass_of(&label);
    let rejoin = pb::RejoinTicketRequest { hall_code, group_code, ticket, request_id };
    queues(&world, "clerk").rejoin_ticket(rejoin.clone()).await.unwrap();
    passed(&world, &label).await;
    let rejoin = pb::RejoinTicketRequest { request_id: new_request_id(), ..rejoin };
    assert_eq!(reason(&queues(&world, "clerk").rejoin_ticket(rejoin).await.unwrap_err()), "REJOINED_TOO_OFTEN");
    assert_eq!(take(&world, "citizen", taking()).await.unwrap().ticket, "A002");
}

pub async fn who_was_passed_over_is_not_transferred_to_the_head_of_the_line(world: World) {
    open(&world).await;
    at(&world, 3, 3, 9, 0);
    let label = walk_in(&world).await;
    passed(&world, &label).await;
    let ask = pb::TransferTicketRequest {
        hall_code: HALL.into(),
        group_code: GENERAL.into(),
        ticket: label,
        request_id: new_request_id(),
        to_group_code: "social".into(),
        reason: "窗口调整".into(),
    };
    assert_eq!(reason(&queues(&world, "clerk").transfer_ticket(ask).await.unwrap_err()), "TICKET_NOT_LIVE");
}

pub async fn who_has_a_place_now_stands_in_one_line(world: World) {
    open(&world).await;
    let one = booked(&world, "10:00").await;
    at(&world, 3, 3, 9, 0);
    // the place is for later
    let early = take(&world, "citizen", taking()).await.unwrap().ticket;
    call(&world, GENERAL, "A01").await.unwrap();
    finish(&world, GENERAL, &early).await.unwrap();
    at(&world, 3, 3, 9, 30);
    assert_eq!(reason(&take(&world, "citizen", taking()).await.unwrap_err()), "CHECK_IN_INSTEAD");
    check_in(&world, "citizen", &one.id).await.unwrap();
    assert_eq!(reason(&take(&world, "citizen", taking()).await.unwrap_err()), "TICKET_HELD");
}

pub async fn a_ticket_names_an_item_that_the_window_takes_today(world: World) {
    open(&world).await;
    at(&world, 3, 3, 9, 0);
    let refused = async |item: &str| {
        let ask = pb::TakeTicketRequest { item_code: item.into(), ..taking() };
        reason(&take(&world, "clerk", ask).await.unwrap_err())
    };
    assert_eq!(refused("李秀英 511602199007250027").await, "ITEM_NOT_FOUND");
    assert_eq!(refused(crate::world::FIRE).await, "ITEM_NOT_PRESENT");
    let ask = pb::TakeTicketRequest { item_code: HYGIENE.into(), ..taking() };
    assert_eq!(take(&world, "clerk", ask).await.unwrap().item_code, HYGIENE);
}

pub async fn a_transferred_ticket_keeps_its_number_and_its_place(world: World) {
    open(&world).await;
    at(&world, 3, 3, 9, 0);
    let mine = walk_in(&world).await;
    at(&world, 3, 3, 9, 1);
    let theirs = take(&world, "clerk", pb::TakeTicketRequest { group_code: "social".into(), ..taking() }).await;
    assert_eq!(theirs.unwrap().ticket, "B001");
    call(&world, GENERAL, "A01").await.unwrap();
    let transfer = |to: &str| pb::TransferTicketRequest {
        hall_code: HALL.into(),
        group_code: GENERAL.into(),
        ticket: mine.clone(),
        request_id: new_request_id(),
        to_group_code: to.into(),
        reason: "应在社保窗口办理".into(),
    };
    let same = queues(&world, "clerk").transfer_ticket(transfer(GENERAL)).await.unwrap_err();
    assert_eq!(reason(&same), "SAME_PLACE");
    let gone = queues(&world, "clerk").transfer_ticket(transfer("social")).await.unwrap().into_inner();
    assert_eq!((gone.phase(), gone.transferred_to.as_str()), (TicketPhase::Transferred, "social"));
    // it came first, and is called first
    assert_eq!(ticket(&world, "social", &mine).await.unwrap().ahead, 0);
    assert_eq!(serve_all(&world, "social", "B01").await, [mine.as_str(), "B001"]);
    let again = queues(&world, "clerk").transfer_ticket(transfer("social")).await.unwrap_err();
    assert_eq!(reason(&again), "TICKET_NOT_LIVE");
}

pub async fn a_booking_that_is_transferred_is_served_there(world: World) {
    open(&world).await;
    let one = booked(&world, "09:00").await;
    at(&world, 3, 3, 9, 0);
    let label = check_in(&world, "citizen", &one.id).await.unwrap().ticket;
    let ask = pb::TransferTicketRequest {
        hall_code: HALL.into(),
        group_code: GENERAL.into(),
        ticket: label.clone(),
        request_id: new_request_id(),
        to_group_code: "social".into(),
        reason: "窗口调整".into(),
    };
    queues(&world, "clerk").transfer_ticket(ask).await.unwrap();
    assert_eq!(serve_all(&world, "social", "B01").await, [label]);
    assert_eq!(appointment(&world, "citizen", &one.id).await.phase(), AppointmentPhase::Served);
}

pub async fn the_board_shows_numbers_and_nobody(world: World) {
    open(&world).await;
    let one = booked(&world, "09:00").await;
    at(&world, 3, 3, 9, 0);
    let label = check_in(&world, "citizen", &one.id).await.unwrap().ticket;
    for _ in 0..4 {
        walk_in(&world).await;
    }
    call(&world, GENERAL, "A02").await.unwrap();
    let shown = board(&world).await;
    let general = &shown.groups[0];
    assert_eq!((general.called[0].ticket.as_str(), general.called[0].window.as_str()), (label.as_str(), "A02"));
    assert_eq!((general.waiting, general.next.len(), general.wait_minutes), (4, 4, 40));
    // anybody reads a ticket; whose it is, clerks alone
    let public = ticket(&world, GENERAL, &label).await.unwrap();
    assert_eq!((public.appointment_id.as_str(), public.ground()), ("", pb::Ground::Unspecified));
    let last = ticket(&world, GENERAL, "A005").await.unwrap();
    assert_eq!((last.ahead, last.wait_minutes, last.phase()), (3, 30, TicketPhase::Waiting));
    assert_eq!(reason(&ticket(&world, GENERAL, "A006").await.unwrap_err()), "TICKET_NOT_FOUND");
}

pub async fn a_citizen_holds_one_ticket(world: World) {
    open(&world).await;
    at(&world, 3, 3, 9, 0);
    let ask = taking();
    let first = take(&world, "citizen", ask.clone()).await.unwrap();
    assert_eq!(take(&world, "citizen", ask).await.unwrap().ticket, first.ticket);
    assert_eq!(reason(&take(&world, "citizen", taking()).await.unwrap_err()), "TICKET_HELD");
    // why it goes first stands with no ticket that is known to be somebody's
    let grant = pb::GrantPriorityRequest {
        hall_code: HALL.into(),
        group_code: GENERAL.into(),
        ticket: first.ticket,
        request_id: new_request_id(),
        ground: pb::Ground::Ill.into(),
    };
    let granted = queues(&world, "clerk").grant_priority(grant).await.unwrap().into_inner();
    assert_eq!((granted.green, granted.ground()), (true, pb::Ground::Unspecified));
    let mut own = queues(&world, "citizen");
    let ask = pb::CallNextRequest {
        hall_code: HALL.into(),
        group_code: GENERAL.into(),
        request_id: new_request_id(),
        window: "A01".into(),
    };
    assert_eq!(reason(&own.call_next(ask).await.unwrap_err()), "ACTION_NOT_PERMITTED");
}

pub async fn who_waits_when_the_day_ends_is_told_and_missed_nothing(world: World) {
    open(&world).await;
    let one = book(&world, "citizen", booking(citizen(), TUESDAY, "16:30")).await.unwrap();
    at(&world, 3, 3, 16, 30);
    let label = check_in(&world, "citizen", &one.id).await.unwrap().ticket;
    let window = walk_in(&world).await;
    let waits = walk_in(&world).await;
    // the booking first; then one is at the window when the day ends
    assert_eq!(call(&world, GENERAL, "A02").await.unwrap().ticket, label);
    let pass = |n: u32| pb::RecallTicketRequest {
        hall_code: HALL.into(),
        group_code: GENERAL.into(),
        ticket: label.clone(),
        request_id: format!("recall-{n}"),
    };
    queues(&world, "clerk").recall_ticket(pass(1)).await.unwrap();
    let passed = pb::PassTicketRequest {
        hall_code: HALL.into(),
        group_code: GENERAL.into(),
        ticket: label.clone(),
        request_id: new_request_id(),
    };
    queues(&world, "clerk").pass_ticket(passed).await.unwrap();
    assert_eq!(call(&world, GENERAL, "A02").await.unwrap().ticket, window);
    at(&world, 3, 3, 18, 0);
    assert_eq!(reason(&take(&world, "clerk", taking()).await.unwrap_err()), "CLOSED_NOW");
    // still served for half an hour
    at(&world, 3, 3, 18, 29);
    assert_eq!(ticket(&world, GENERAL, &waits).await.unwrap().phase(), TicketPhase::Waiting);
    at(&world, 3, 3, 18, 30);
    let lapsed = becomes(&world, &one.id, AppointmentPhase::Lapsed).await;
    assert!(!lapsed.reason.is_empty());
    assert_eq!(ticket(&world, GENERAL, &waits).await.unwrap().phase(), TicketPhase::Lapsed);
    assert_eq!(ticket(&world, GENERAL, &window).await.unwrap().phase(), TicketPhase::Served);
    assert_eq!(board(&world).await.groups[0].lapsed, [label, waits]);
    assert_eq!(reason(&call(&world, GENERAL, "A01").await.unwrap_err()), "DAY_HAS_ENDED");
    let ask = pb::GetBookingStandingRequest { hall_code: HALL.into() };
    let standing = appointments(&world, "citizen").get_booking_standing(ask).await.unwrap().into_inner();
    assert_eq!((standing.no_shows.len(), standing.open_bookings), (0, 0));
}
