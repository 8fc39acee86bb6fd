//! 收费: what goes wrong between the office, the provider and the list, and what becomes of charges when the matter ends.

use serde_json::json;
use yiwang_kit::new_request_id;
use yiwang_proto::catalogue::v1 as items;
use yiwang_proto::intake::v1 as pb;

use crate::details::{rich, with};
use crate::directory::{ITEM, passed, publish};
use crate::fees::{
    Desk, approve, ask_back, assess, balances, billed, fees, handed_in, issue, later, pay, provided, read, until,
};
use crate::world::{World, reason};

fn notice(number: &str) -> pb::NotifyPaymentRequest {
    pb::NotifyPaymentRequest { order_number: number.into(), request_id: new_request_id() }
}

async fn balance(world: &World) -> pb::TrialBalance {
    let ask = pb::GetTrialBalanceRequest { month: "2026-03".into(), ..Default::default() };
    fees(world, "supervisor").get_trial_balance(ask).await.unwrap().into_inner()
}

/// A paid bill, and a refund of half of it that the bank says it could not do.
async fn refund_failed(world: &World, desk: &Desk) -> (String, String) {
    let (id, bill) = billed(world).await;
    let paid = fees(world, "citizen").pay_bill(pay(&id, &bill)).await.unwrap().into_inner();
    let asked = fees(world, "citizen").request_refund(ask_back(&id, &paid.payments[0].number, 1000)).await;
    let number = asked.unwrap().into_inner().refunds[0].number.clone();
    let failed = json!({"state": "failed", "reason": "超时"});
    desk.set(|told| drop(told.outcome.insert(format!("{number}-1"), failed)));
    fees(world, "approver").approve_refund(approve(&id, &number)).await.unwrap();
    until(world, &id, |fees| !fees.refunds[0].failure.is_empty()).await;
    (id, number)
}

pub async fn a_refund_that_only_seemed_to_fail_is_not_paid_twice(world: World) {
    let (world, desk) = Box::pin(provided(world)).await;
    let (id, number) = refund_failed(&world, &desk).await;
    // nobody can say now what became of it: it is not ordered anew
    desk.set(|told| {
        told.gone.insert(format!("{number}-1"));
    });
    let refused = fees(&world, "approver").approve_refund(approve(&id, &number)).await.unwrap_err();
    assert_eq!(reason(&refused), "PROVIDER_AWAY");
    // the bank has carried it out after all
    desk.set(|told| {
        told.gone.clear();
        told.outcome.clear();
    });
    let done = fees(&world, "approver").approve_refund(approve(&id, &number)).await.unwrap().into_inner();
    assert_eq!((done.refunds[0].state(), balances(&done)), (pb::RefundState::Paid, [0, 0, 1000, 0, 0, -1000]));
    assert!(desk.asked("refund").iter().all(|ask| ask["number"] == format!("{number}-1")), "ordered twice");
}

pub async fn a_refund_that_was_paid_twice_all_the_same_is_seen(world: World) {
    let (world, desk) = Box::pin(provided(world)).await;
    let (id, number) = refund_failed(&world, &desk).await;
    fees(&world, "approver").approve_refund(approve(&id, &number)).await.unwrap();
    until(&world, &id, |fees| fees.refunds[0].state() == pb::RefundState::Paid).await;
    assert!(balance(&world).await.contradicted_refunds.is_empty());
    // now it says that the first was carried out as well
    desk.set(|told| told.outcome.clear());
    fees(&world, "payment_desk").notify_payment(notice(&format!("{number}-1"))).await.unwrap();
    let seen = until(&world, &id, |fees| fees.refunds[0].contradicted).await;
    assert_eq!(balances(&seen), [0, 0, 1000, 0, 0, -1000]);
    assert_eq!(balance(&world).await.contradicted_refunds, [format!("{number}-1")]);
    let unknown = fees(&world, "payment_desk").notify_payment(notice(&format!("{number}-9"))).await.unwrap_err();
    assert_eq!(reason(&unknown), "PAYMENT_NOT_FOUND");
}

pub async fn an_order_that_nobody_answers_holds_up_no_other(world: World) {
    let (world, desk) = Box::pin(provided(world)).await;
    let (id, bill) = billed(&world).await;
    desk.set(|told| {
        told.gone.insert(format!("{bill}-01"));
    });
    fees(&world, "citizen").pay_bill(pay(&id, &bill)).await.unwrap();
    until(&world, &id, |fees| fees.etag == "4").await;
    later(&world, 121);
    desk.set(|told| told.waits = 100);
    let second = fees(&world, "citizen").pay_bill(pay(&id, &bill)).await.unwrap().into_inner();
    assert_eq!(second.payments[1].pay_url, "https://pay.example.org/1");
    desk.set(|told| told.waits = 0);
    later(&world, 10);
    let paid = until(&world, &id, |fees| fees.payments[1].receipt.is_some()).await;
    assert_eq!((paid.payments[1].state(), paid.bills[0].open_fen), (pb::PaymentState::Paid, 0));
    // a refund of which another amount went back is seen, and holds up nothing either
    let asked = fees(&world, "citizen").request_refund(ask_back(&id, &paid.payments[1].number, 1000)).await;
    let number = asked.unwrap().into_inner().refunds[0].number.clone();
    let other = json!({"state": "paid", "amount_fen": 900, "reference": "R1"});
    desk.set(|told| drop(told.outcome.insert(format!("{number}-1"), other)));
    fees(&world, "approver").approve_refund(approve(&id, &number)).await.unwrap();
    let seen = until(&world, &id, |fees| fees.refunds[0].contradicted).await;
    assert_eq!(seen.refunds[0].state(), pb::RefundState::Approved);
}

fn record(id: &str, bill: &str, receipt: &str) -> pb::RecordPaymentRequest {
    pb::RecordPaymentRequest {
        application_id: id.into(),
        request_id: new_request_id(),
        bill_number: bill.into(),
        amount_fen: 2000,
        receipt_number: receipt.into(),
        ..Default::default()
    }
}

pub async fn what_is_paid_at_the_window_is_recorded_by_another_and_goes_back_by_hand(world: World) {
    let (world, desk) = Box::pin(provided(world)).await;
    let (id, bill) = billed(&world).await;
    let recorded = async |who: &str, receipt| {
        fees(&world, who).record_payment(record(&id, &bill, receipt)).await.map(tonic::Response::into_inner)
    };
    assert_eq!(reason(&recorded("citizen", "51001").await.unwrap_err()), "ACTION_NOT_PERMITTED");
    assert_eq!(reason(&recorded("clerk", "51001").await.unwrap_err()), "SAME_PERSON");
    let paid = recorded("reviewer", "51001").await.unwrap();
    let one = &paid.payments[0];
    assert_eq!(
        (one.state(), one.by_hand, one.receipt.as_ref().unwrap().number.as_str()),
        (pb::PaymentState::Paid, true, "51001")
    );
    assert_eq!((paid.bills[0].open_fen, balances(&paid)), (0, [0, 0, 2000, 0, 0, -2000]));
    assert_eq!(reason(&recorded("reviewer", "51002").await.unwrap_err()), "BILL_SETTLED");
    // it goes back as it came: the provider has never heard of it
    let asked = fees(&world, "citizen").request_refund(ask_back(&id, &one.number, 2000)).await.unwrap().into_inner();
    let number = asked.refunds[0].number.clone();
    let out = async |who: &str| {
        let ask = pb::RecordRefundRequest {
            application_id: id.clone(),
            request_id: new_request_id(),
            refund_number: number.clone(),
            voucher_number: "TF1".into(),
            ..Default::default()
        };
        fees(&world, who).record_refund(ask).await.map(tonic::Response::into_inner)
    };
    assert_eq!(reason(&out("clerk").await.unwrap_err()), "REFUND_NOT_APPROVED");
    let approved = fees(&world, "approver").approve_refund(approve(&id, &number)).await.unwrap().into_inner();
    assert!(approved.refunds[0].by_hand);
    assert_eq!(reason(&out("approver").await.unwrap_err()), "SAME_PERSON");
    let back = out("clerk").await.unwrap();
    assert_eq!((back.refunds[0].state(), balances(&back)), (pb::RefundState::Paid, [0; 6]));
    assert!(desk.asked("refund").is_empty() && desk.asked("pay").is_empty());
}

pub async fn one_receipt_is_one_payment(world: World) {
    let (id, bill) = billed(&world).await;
    assess(&world, &id, "F02", 0, 5000).await;
    let second = issue(&world, &id).await.unwrap().bills[1].number.clone();
    fees(&world, "reviewer").record_payment(record(&id, &bill, "51001")).await.unwrap();
    let again = fees(&world, "reviewer").record_payment(record(&id, &second, "51001")).await.unwrap_err();
    assert_eq!(reason(&again), "RECEIPT_TAKEN");
}

pub async fn what_was_placed_with_one_provider_no_other_is_asked_about(world: World) {
    let (world, first) = Box::pin(provided(world)).await;
    let (id, bill) = billed(&world).await;
    first.set(|told| told.waits = 1000);
    fees(&world, "citizen").pay_bill(pay(&id, &bill)).await.unwrap();
    let (world, second) = Box::pin(provided(world)).await;
    let before: u64 = read(&world, &id).await.etag.parse().unwrap();
    later(&world, 60);
    // the timer asks, and it is written down that nobody can say
    until(&world, &id, |fees| fees.etag.parse::<u64>().unwrap() >= before + 2).await;
    assert!(second.asked("pay").is_empty(), "{:?}", second.asked("pay"));
    assert_eq!(read(&world, &id).await.payments[0].state(), pb::PaymentState::Waiting);
}

/// A new version of the list, in force.
async fn revised(world: &World, elements: items::ItemElements) {
    let revise = items::ReviseItemRequest { item_code: ITEM.into(), request_id: new_request_id() };
    let next = world.directory_as("editor").revise_item(revise).await.unwrap().into_inner();
    passed(world, &next.id, elements).await;
    publish(world, "admin", &next.id, "").await.unwrap();
}

pub async fn what_was_abolished_is_not_charged_and_what_is_cheaper_now_is_cheaper(world: World) {
    let id = Box::pin(handed_in(&world)).await;
    let mut details = rich();
    details.charges.remove(0);
    details.charges[0].most_fen = 6000;
    revised(&world, with(details)).await;
    let ask = |code: &str, fen| pb::AssessFeeRequest {
        application_id: id.clone(),
        request_id: new_request_id(),
        line_code: code.into(),
        amount_fen: fen,
        ..Default::default()
    };
    let abolished = fees(&world, "clerk").assess_fee(ask("F01", 0)).await.unwrap_err();
    assert_eq!(reason(&abolished), "CHARGE_ABOLISHED");
    let dearer = fees(&world, "clerk").assess_fee(ask("F02", 20_000)).await.unwrap_err();
    assert_eq!(reason(&dearer), "AMOUNT_NOT_LISTED");
    fees(&world, "clerk").assess_fee(ask("F02", 6000)).await.unwrap();
}

pub async fn what_ends_before_anything_was_charged_is_closed(world: World) {
    let id = Box::pin(handed_in(&world)).await;
    world.withdraw(&id).await.unwrap();
    let closed = until(&world, &id, |fees| !fees.closed_reason.is_empty()).await;
    assert_eq!((closed.closed_reason.as_str(), closed.lines.len()), ("申请已撤回", 0));
}

pub async fn what_turns_somebody_down_is_handed_out_unpaid_and_its_charge_is_taken_back(world: World) {
    let (id, bill) = billed(&world).await;
    // of another charge it makes no difference
    assess(&world, &id, "F02", 0, 5000).await;
    let second = issue(&world, &id).await.unwrap().bills[1].number.clone();
    world.accept(&id).await.unwrap();
    crate::deliveries::conclude(&world, &id, false, "BX1").await;
    let ready = |one: &pb::Delivery| one.stage() == pb::DeliveryStage::Ready;
    let delivery = world.until(async || crate::deliveries::of(&world, "citizen", &id).await.filter(ready)).await;
    crate::deliveries::hand_out(&world, &delivery.id, "张建国", crate::world::CITIZEN).await.unwrap();
    let closed = until(&world, &id, |fees| !fees.closed_reason.is_empty()).await;
    assert_eq!((closed.bills[0].number == bill, closed.bills[0].open_fen), (true, 0));
    assert_eq!((closed.bills[1].number == second, closed.bills[1].open_fen), (true, 5000));
    assert_eq!(balances(&closed), [5000, 0, 0, 0, 0, -5000]);
}

pub async fn what_is_listed_for_the_result_is_assessed_or_said_not_to_be_due(world: World) {
    let id = Box::pin(handed_in(&world)).await;
    world.accept(&id).await.unwrap();
    crate::deliveries::conclude(&world, &id, true, "批准〔2026〕1号").await;
    let ready = |one: &pb::Delivery| one.stage() == pb::DeliveryStage::Ready;
    let delivery = world.until(async || crate::deliveries::of(&world, "citizen", &id).await.filter(ready)).await;
    let hand_out = async || crate::deliveries::hand_out(&world, &delivery.id, "张建国", crate::world::CITIZEN).await;
    assert_eq!(reason(&hand_out().await.unwrap_err()), "FEE_UNPAID");
    // nor is it left with who would not take it
    let leave = pb::LeaveDeliveryRequest {
        id: delivery.id.clone(),
        request_id: new_request_id(),
        reason: "拒收".into(),
        place: "滨江路88号".into(),
        witnesses: vec!["李四".into()],
        ..Default::default()
    };
    let refused = crate::deliveries::deliveries(&world, "clerk").leave_delivery(leave).await.unwrap_err();
    assert_eq!(reason(&refused), "FEE_UNPAID");
    let strike = |code: &str| pb::StrikeFeeRequest {
        application_id: id.clone(),
        request_id: new_request_id(),
        line_code: code.into(),
        reason: "延续换证，不收工本费".into(),
    };
    let unlisted = fees(&world, "clerk").strike_fee(strike("F99")).await.unwrap_err();
    assert_eq!(reason(&unlisted), "FEE_NOT_FOUND");
    let said = fees(&world, "clerk").strike_fee(strike("F01")).await.unwrap().into_inner();
    assert_eq!(said.not_due_codes, ["F01"]);
    hand_out().await.unwrap();
}

pub async fn who_lets_off_does_not_approve_what_goes_back_for_it(world: World) {
    let (id, bill) = billed(&world).await;
    fees(&world, "citizen").pay_bill(pay(&id, &bill)).await.unwrap();
    let waive = pb::WaiveFeeRequest {
        application_id: id.clone(),
        request_id: new_request_id(),
        line_code: "F01".into(),
        amount_fen: 2000,
        basis: "川财税〔2026〕3号".into(),
        reason: "受灾减免".into(),
        ..Default::default()
    };
    let off = fees(&world, "approver").waive_fee(waive).await.unwrap().into_inner();
    let number = off.refunds[0].number.clone();
    let own = fees(&world, "approver").approve_refund(approve(&id, &number)).await.unwrap_err();
    assert_eq!(reason(&own), "SAME_PERSON");
    fees(&world, "approver2").approve_refund(approve(&id, &number)).await.unwrap();
}

pub async fn why_money_is_asked_back_who_watches_does_not_read_and_reads_leave_an_entry(world: World) {
    let (id, bill) = billed(&world).await;
    let paid = fees(&world, "citizen").pay_bill(pay(&id, &bill)).await.unwrap().into_inner();
    fees(&world, "citizen").request_refund(ask_back(&id, &paid.payments[0].number, 1000)).await.unwrap();
    let reasons = async |who: &str| {
        let read = fees(&world, who).get_fees(pb::GetFeesRequest { application_id: id.clone() }).await.unwrap();
        read.into_inner().refunds[0].reason.clone()
    };
    let before = world.ledger().head().await.unwrap().position;
    assert_eq!(reasons("supervisor").await, "");
    assert_eq!(reasons("clerk").await, "张建国只领一证");
    assert_eq!(reasons("citizen").await, "张建国只领一证");
    let readers = world.readers(before).await;
    assert_eq!(readers, ["staff:supervisor", "staff:clerk"]);
}

pub async fn an_amount_that_nobody_pays_is_seen_and_given_up(world: World) {
    let (world, desk) = Box::pin(provided(world)).await;
    let (id, bill) = billed(&world).await;
    let nothing = json!({"state": "paid", "amount_fen": 0});
    desk.set(|told| drop(told.outcome.insert(format!("{bill}-01"), nothing)));
    fees(&world, "citizen").pay_bill(pay(&id, &bill)).await.unwrap();
    until(&world, &id, |fees| fees.payments[0].contradicted).await;
    assert_eq!(balance(&world).await.contradicted_payments, [format!("{bill}-01")]);
    world.day(2026, 4, 15);
    until(&world, &id, |fees| fees.payments[0].state() == pb::PaymentState::Failed).await;
}
