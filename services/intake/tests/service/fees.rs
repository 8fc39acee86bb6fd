//! 收费: bills, payment orders with a provider that fails, repeats and delays, receipts, exemptions, refunds and the books.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use yiwang_kit::{Link, new_request_id};
use yiwang_ledger::Timestamp;
use yiwang_proto::catalogue::v1 as items;
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::fee_service_client::FeeServiceClient;

use crate::details::{rich, with};
use crate::directory::{ITEM, publish, ready};
use crate::world::{World, pdf, reason, struct_of};

pub fn fees(world: &World, account: &str) -> FeeServiceClient<Link> {
    FeeServiceClient::new(world.link(account))
}

/// What the provider is told to do, and what it was asked.
#[derive(Default)]
pub struct Told {
    /// Answers 503 so often.
    pub away: usize,
    /// Says so often that it waits.
    pub waits: usize,
    /// Orders that it will not hear of: answered with 410.
    pub gone: std::collections::HashSet<String>,
    /// What it says of an order then; nothing: paid as asked.
    pub outcome: HashMap<String, Value>,
    /// Every question.
    pub asked: Vec<Value>,
    /// The money that it has taken, by order number.
    pub taken: HashMap<String, i64>,
}

/// A provider on purpose: away, slow, and the same however often it is asked.
#[derive(Clone, Default)]
pub struct Desk(Arc<Mutex<Told>>);

impl Desk {
    pub fn set(&self, change: impl FnOnce(&mut Told)) {
        change(&mut self.0.lock().unwrap());
    }

    pub fn asked(&self, act: &str) -> Vec<Value> {
        let told = self.0.lock().unwrap();
        told.asked.iter().filter(|question| question["act"] == act).cloned().collect()
    }

    fn taken(&self) -> i64 {
        self.0.lock().unwrap().taken.values().sum()
    }
}

async fn answer(State(desk): State<Desk>, headers: HeaderMap, Json(ask): Json<Value>) -> (StatusCode, Json<Value>) {
    assert_eq!(headers["authorization"], "Bearer s3cret");
    let mut told = desk.0.lock().unwrap();
    told.asked.push(ask.clone());
    if told.away > 0 {
        told.away -= 1;
        return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({})));
    }
    let number = ask["number"].as_str().unwrap().to_owned();
    if told.gone.contains(&number) {
        return (StatusCode::GONE, Json(json!({})));
    }
    let said = match ask["act"].as_str().unwrap() {
        "receipt" => {
            json!({"issued": true, "number": format!("51{number}"), "code": "0102", "url": "https://pj.example.org/1"})
        }
        _ if told.waits > 0 => {
            told.waits -= 1;
            json!({"state": "waiting", "pay_url": "https://pay.example.org/1", "reference": "P1"})
        }
        "pay" => {
            let usual = json!({"state": "paid", "amount_fen": ask["amount_fen"], "reference": "P1", "remitted": true});
            let said = told.outcome.get(&number).cloned().unwrap_or(usual);
            if said["state"] == "paid" {
                // however often it is asked, the money moves once
                told.taken.insert(number, said["amount_fen"].as_i64().unwrap());
            }
            said
        }
        _ => told
            .outcome
            .get(&number)
            .cloned()
            .unwrap_or_else(|| json!({"state": "paid", "amount_fen": ask["amount_fen"], "reference": "R1"})),
    };
    (StatusCode::OK, Json(said))
}

/// The same world with a provider at the end of a line.
pub async fn provided(world: World) -> (World, Desk) {
    let desk = Desk::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    // its port is its name
    let address = format!("http://{}/pay", listener.local_addr().unwrap());
    let router = Router::new().route("/pay", post(answer)).with_state(desk.clone());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let folder = world.folder.path().to_owned();
    std::fs::write(folder.join("pay.token"), "s3cret\n").unwrap();
    let token = folder.join("pay.token");
    let file = format!("[provider]\naddress = \"{address}\"\ntoken_file = {token:?}\n");
    std::fs::write(folder.join("payments.toml"), file).unwrap();
    (world.restart().await, desk)
}

/// An application that was handed in, of an item with two charges; the first is paid before its result is handed out.
pub async fn handed_in(world: &World) -> String {
    let mut details = rich();
    details.charges[0].set_paid_before(items::PaidBefore::HandingOut);
    let id = ready(world, with(details)).await;
    publish(world, "admin", &id, "").await.unwrap();
    let draft = world.draft(ITEM, struct_of(json!({}))).await;
    world.upload(&draft.id, "floor_plan", pdf(100)).await.unwrap();
    world.submit(&draft.id).await.unwrap();
    draft.id
}

pub async fn assess(world: &World, id: &str, code: &str, units: i32, amount: i64) -> pb::Fees {
    let ask = pb::AssessFeeRequest {
        application_id: id.into(),
        request_id: new_request_id(),
        line_code: code.into(),
        units,
        amount_fen: amount,
        ..Default::default()
    };
    fees(world, "clerk").assess_fee(ask).await.unwrap().into_inner()
}

pub async fn issue(world: &World, id: &str) -> Result<pb::Fees, tonic::Status> {
    let ask = pb::IssueBillRequest { application_id: id.into(), request_id: new_request_id(), ..Default::default() };
    fees(world, "clerk").issue_bill(ask).await.map(tonic::Response::into_inner)
}

/// Two certificates, billed: 20 元.
pub async fn billed(world: &World) -> (String, String) {
    let id = Box::pin(handed_in(world)).await;
    assess(world, &id, "F01", 2, 0).await;
    let bill = issue(world, &id).await.unwrap().bills[0].number.clone();
    (id, bill)
}

pub fn pay(id: &str, bill: &str) -> pb::PayBillRequest {
    pb::PayBillRequest {
        application_id: id.into(),
        request_id: new_request_id(),
        bill_number: bill.into(),
        ..Default::default()
    }
}

pub async fn read(world: &World, id: &str) -> pb::Fees {
    fees(world, "citizen").get_fees(pb::GetFeesRequest { application_id: id.into() }).await.unwrap().into_inner()
}

/// Waits until the fees are as they are wanted.
pub async fn until(world: &World, id: &str, wanted: impl Fn(&pb::Fees) -> bool) -> pb::Fees {
    world
        .until(async || {
            let now = read(world, id).await;
            wanted(&now).then_some(now)
        })
        .await
}

pub fn balances(fees: &pb::Fees) -> [i64; 6] {
    let mut all = [0; 6];
    for one in &fees.balances {
        all[one.account as usize - 1] = one.balance_fen;
    }
    assert_eq!(all.iter().sum::<i64>(), 0);
    all
}

pub fn later(world: &World, minutes: i64) {
    let now = world.ledger().host().now();
    world.process.legal.set_to(Timestamp(now.0 + minutes * 60_000_000)).unwrap();
}

pub async fn a_bill_is_paid_once_and_has_its_receipt(world: World) {
    let (world, desk) = Box::pin(provided(world)).await;
    let (id, bill) = billed(&world).await;
    assert_eq!(reason(&issue(&world, &id).await.unwrap_err()), "NOTHING_TO_PAY");
    assert_eq!(balances(&read(&world, &id).await), [2000, 0, 0, 0, 0, -2000]);
    let ask = pay(&id, &bill);
    fees(&world, "citizen").pay_bill(ask.clone()).await.unwrap();
    let paid = until(&world, &id, |fees| fees.payments[0].receipt.is_some()).await;
    let one = &paid.payments[0];
    assert_eq!((one.state(), one.paid_fen, one.remitted), (pb::PaymentState::Paid, 2000, true));
    assert_eq!(one.receipt.as_ref().unwrap().number, format!("51{}", one.number));
    assert_eq!((paid.bills[0].open_fen, balances(&paid)), (0, [0, 0, 2000, 0, 0, -2000]));
    // what is sent again is answered as then, and asks for nothing more
    assert_eq!(fees(&world, "citizen").pay_bill(ask).await.unwrap().into_inner().payments.len(), 1);
    let refused = fees(&world, "citizen").pay_bill(pay(&id, &bill)).await.unwrap_err();
    assert_eq!((reason(&refused), desk.taken()), ("BILL_SETTLED".into(), 2000));
    assert_eq!(reason(&fees(&world, "citizen2").pay_bill(pay(&id, &bill)).await.unwrap_err()), "APPLICATION_NOT_FOUND");
}

pub async fn a_provider_that_is_away_is_asked_by_the_same_number_until_it_answers(world: World) {
    let (world, desk) = Box::pin(provided(world)).await;
    let (id, bill) = billed(&world).await;
    // away for whoever comes first, and for the other, should it still ask: the handler and the relay go for it side by side
    desk.set(|told| told.away = usize::MAX);
    let so_far = fees(&world, "citizen").pay_bill(pay(&id, &bill)).await.unwrap().into_inner();
    assert_eq!(so_far.payments[0].state(), pb::PaymentState::Waiting);
    // placed, and written down that nobody answered
    until(&world, &id, |fees| fees.etag == "4").await;
    desk.set(|told| told.away = 0);
    later(&world, 2);
    until(&world, &id, |fees| fees.payments[0].state() == pb::PaymentState::Paid).await;
    let numbers: Vec<_> = desk.asked("pay").iter().map(|ask| ask["number"].clone()).collect();
    assert!(numbers.len() >= 2 && numbers.iter().all(|number| *number == numbers[0]), "{numbers:?}");
    assert_eq!(desk.taken(), 2000);
    // nothing about the payer goes out
    assert!(!desk.asked("pay")[0].to_string().contains("张建国"));
}

pub async fn a_slow_provider_is_asked_by_the_clock_and_by_its_own_notice(world: World) {
    let (world, desk) = Box::pin(provided(world)).await;
    let (id, bill) = billed(&world).await;
    desk.set(|told| told.waits = 3);
    let placed = fees(&world, "citizen").pay_bill(pay(&id, &bill)).await.unwrap().into_inner();
    assert_eq!(placed.payments[0].pay_url, "https://pay.example.org/1");
    assert_eq!(reason(&fees(&world, "citizen").pay_bill(pay(&id, &bill)).await.unwrap_err()), "PAYMENT_UNDERWAY");
    let cancel = pb::CancelBillRequest {
        application_id: id.clone(),
        request_id: new_request_id(),
        bill_number: bill.clone(),
        reason: "误开".into(),
        ..Default::default()
    };
    assert_eq!(reason(&fees(&world, "clerk").cancel_bill(cancel).await.unwrap_err()), "PAYMENT_UNDERWAY");
    later(&world, 2);
    world.until(async || (desk.asked("pay").len() >= 2).then_some(())).await;
    // a notice is not believed: it only asks; whoever else sends it is not heard
    let notice =
        || pb::NotifyPaymentRequest { order_number: placed.payments[0].number.clone(), request_id: new_request_id() };
    let notify = async |account: &str| fees(&world, account).notify_payment(notice()).await;
    assert_eq!(reason(&notify("citizen").await.unwrap_err()), "ACTION_NOT_PERMITTED");
    assert_eq!(reason(&notify("partner").await.unwrap_err()), "ACTION_NOT_PERMITTED");
    world
        .until(async || {
            notify("payment_desk").await.unwrap();
            (desk.asked("pay").len() >= 4).then_some(())
        })
        .await;
    until(&world, &id, |fees| fees.payments[0].state() == pb::PaymentState::Paid).await;
    let unknown = pb::NotifyPaymentRequest { order_number: "JK0-01".into(), request_id: new_request_id() };
    assert_eq!(reason(&fees(&world, "payment_desk").notify_payment(unknown).await.unwrap_err()), "PAYMENT_NOT_FOUND");
}

pub async fn an_answer_that_comes_late_is_paid_too_much_and_goes_back(world: World) {
    let (world, desk) = Box::pin(provided(world)).await;
    let (id, bill) = billed(&world).await;
    let failed = json!({"state": "failed", "reason": "余额不足"});
    desk.set(|told| drop(told.outcome.insert(format!("{bill}-01"), failed)));
    let first = fees(&world, "citizen").pay_bill(pay(&id, &bill)).await.unwrap().into_inner();
    assert_eq!((first.payments[0].state(), first.payments[0].failure.as_str()), (pb::PaymentState::Failed, "余额不足"));
    fees(&world, "citizen").pay_bill(pay(&id, &bill)).await.unwrap();
    // the first order was paid all the same
    desk.set(|told| drop(told.outcome.remove(&format!("{bill}-01"))));
    let notice = pb::NotifyPaymentRequest { order_number: format!("{bill}-01"), request_id: new_request_id() };
    fees(&world, "payment_desk").notify_payment(notice).await.unwrap();
    let both = until(&world, &id, |fees| !fees.refunds.is_empty()).await;
    assert_eq!((both.refunds[0].cause(), both.refunds[0].amount_fen), (pb::RefundCause::Overpaid, 2000));
    assert_eq!(balances(&both), [0, 0, 4000, -2000, 0, -2000]);
    let number = both.refunds[0].number.clone();
    let refuse = pb::RefuseRefundRequest {
        application_id: id.clone(),
        request_id: new_request_id(),
        refund_number: number.clone(),
        reason: "例".into(),
        ..Default::default()
    };
    assert_eq!(reason(&fees(&world, "approver").refuse_refund(refuse).await.unwrap_err()), "REFUND_OWED");
    fees(&world, "approver").approve_refund(approve(&id, &number)).await.unwrap();
    let back = until(&world, &id, |fees| fees.refunds[0].state() == pb::RefundState::Paid).await;
    assert_eq!(balances(&back), [0, 0, 2000, 0, 0, -2000]);
}

pub fn approve(id: &str, number: &str) -> pb::ApproveRefundRequest {
    pb::ApproveRefundRequest {
        application_id: id.into(),
        request_id: new_request_id(),
        refund_number: number.into(),
        ..Default::default()
    }
}

pub fn ask_back(id: &str, payment: &str, amount: i64) -> pb::RequestRefundRequest {
    pb::RequestRefundRequest {
        application_id: id.into(),
        request_id: new_request_id(),
        payment_number: payment.into(),
        amount_fen: amount,
        cause: pb::RefundCause::WrongCharge.into(),
        reason: "张建国只领一证".into(),
        ..Default::default()
    }
}

pub async fn a_refund_is_approved_by_another_and_never_more_than_was_paid(world: World) {
    let (world, desk) = Box::pin(provided(world)).await;
    let (id, bill) = billed(&world).await;
    let paid = fees(&world, "citizen").pay_bill(pay(&id, &bill)).await.unwrap().into_inner();
    let payment = paid.payments[0].number.clone();
    let ask = async |who: &str, fen| fees(&world, who).request_refund(ask_back(&id, &payment, fen)).await;
    assert_eq!(reason(&ask("citizen", 2001).await.unwrap_err()), "REFUND_TOO_LARGE");
    let asked = ask("approver", 1000).await.unwrap().into_inner();
    let number = asked.refunds[0].number.clone();
    // what is asked for is bound, before it is decided
    assert_eq!(reason(&ask("citizen", 1001).await.unwrap_err()), "REFUND_TOO_LARGE");
    let refused = fees(&world, "approver").approve_refund(approve(&id, &number)).await.unwrap_err();
    assert_eq!(reason(&refused), "SAME_PERSON");
    assert_eq!(
        reason(&fees(&world, "reviewer").approve_refund(approve(&id, &number)).await.unwrap_err()),
        "ACTION_NOT_PERMITTED"
    );
    let asked = ask("citizen", 1000).await.unwrap().into_inner();
    let second = asked.refunds[1].number.clone();
    let failed = json!({"state": "failed", "reason": "账户已销"});
    desk.set(|told| drop(told.outcome.insert(format!("{second}-1"), failed)));
    fees(&world, "approver").approve_refund(approve(&id, &second)).await.unwrap();
    let back = until(&world, &id, |fees| !fees.refunds[1].failure.is_empty()).await;
    assert_eq!((back.refunds[1].state(), balances(&back)), (pb::RefundState::Requested, [0, 0, 2000, -1000, 0, -1000]));
    // approved anew it is another order
    fees(&world, "approver").approve_refund(approve(&id, &second)).await.unwrap();
    let back = until(&world, &id, |fees| fees.refunds[1].state() == pb::RefundState::Paid).await;
    assert_eq!((balances(&back), back.payments[0].refundable_fen), ([0, 0, 1000, 0, 0, -1000], 0));
    let mut numbers: Vec<_> = desk.asked("refund").iter().map(|ask| ask["number"].clone()).collect();
    // the handler and the relay may both ask: by the same number
    numbers.dedup();
    // and the first is asked about before the second is placed, and once that was carried out
    assert_eq!(numbers[..2], [format!("{second}-1"), format!("{second}-2")]);
}

pub async fn what_a_decision_lets_off_needs_another_person_and_its_basis(world: World) {
    let (world, _desk) = Box::pin(provided(world)).await;
    let (id, bill) = billed(&world).await;
    let waive = async |who: &str, fen, basis: &str| {
        let ask = pb::WaiveFeeRequest {
            application_id: id.clone(),
            request_id: new_request_id(),
            line_code: "F01".into(),
            amount_fen: fen,
            basis: basis.into(),
            reason: "受灾减免".into(),
            ..Default::default()
        };
        fees(&world, who).waive_fee(ask).await.map(tonic::Response::into_inner)
    };
    let law = "川财税〔2026〕3号";
    assert_eq!(reason(&waive("clerk", 500, law).await.unwrap_err()), "ACTION_NOT_PERMITTED");
    assert_eq!(reason(&waive("approver", 500, "领导同意").await.unwrap_err()), "BASIS_NOT_CITED");
    assert_eq!(reason(&waive("approver", 2001, law).await.unwrap_err()), "WAIVER_TOO_LARGE");
    let off = waive("approver", 500, law).await.unwrap();
    assert_eq!((off.payable_fen, off.bills[0].open_fen, balances(&off)), (1500, 1500, [1500, 0, 0, 0, 500, -2000]));
    fees(&world, "citizen").pay_bill(pay(&id, &bill)).await.unwrap();
    // after it was paid it is owed back by itself
    let off = waive("approver", 1500, law).await.unwrap();
    assert_eq!((off.refunds[0].cause(), off.refunds[0].amount_fen), (pb::RefundCause::Waived, 1500));
    assert_eq!(balances(&off), [0, 0, 1500, -1500, 2000, -2000]);
    assert_eq!(assess(&world, &id, "F02", 0, 6000).await.payable_fen, 6000);
    // who assesses a fee does not let it off
    let mine = pb::AssessFeeRequest {
        application_id: id.clone(),
        request_id: new_request_id(),
        line_code: "F02".into(),
        amount_fen: 6000,
        ..Default::default()
    };
    let strike = pb::StrikeFeeRequest {
        application_id: id.clone(),
        request_id: new_request_id(),
        line_code: "F02".into(),
        reason: "重核".into(),
    };
    fees(&world, "clerk").strike_fee(strike).await.unwrap();
    fees(&world, "approver").assess_fee(mine).await.unwrap();
    let own = pb::WaiveFeeRequest {
        application_id: id.clone(),
        request_id: new_request_id(),
        line_code: "F02".into(),
        amount_fen: 1,
        basis: law.into(),
        reason: "例".into(),
        ..Default::default()
    };
    assert_eq!(reason(&fees(&world, "approver").waive_fee(own).await.unwrap_err()), "SAME_PERSON");
}

pub async fn what_is_withdrawn_is_not_paid_and_what_was_paid_late_goes_back(world: World) {
    let (world, desk) = Box::pin(provided(world)).await;
    let (id, bill) = billed(&world).await;
    assess(&world, &id, "F02", 0, 5000).await;
    // however often the provider is asked before the withdrawal, it knows no outcome yet
    desk.set(|told| told.waits = 100);
    fees(&world, "citizen").pay_bill(pay(&id, &bill)).await.unwrap();
    world.withdraw(&id).await.unwrap();
    let closed = until(&world, &id, |fees| fees.bills[0].cancel_reason == "申请已撤回").await;
    assert_eq!((closed.lines.len(), balances(&closed)), (0, [0; 6]));
    // the order was on its way
    desk.set(|told| told.waits = 0);
    later(&world, 2);
    let late = until(&world, &id, |fees| !fees.refunds.is_empty()).await;
    assert_eq!(balances(&late), [0, 0, 2000, -2000, 0, 0]);
}

pub async fn a_bill_that_was_a_mistake_is_taken_back(world: World) {
    let (id, bill) = billed(&world).await;
    let strike = pb::StrikeFeeRequest {
        application_id: id.clone(),
        request_id: new_request_id(),
        line_code: "F01".into(),
        reason: "误核".into(),
    };
    assert_eq!(reason(&fees(&world, "clerk").strike_fee(strike).await.unwrap_err()), "FEE_BILLED");
    let cancel = |bill: &str, etag: &str| pb::CancelBillRequest {
        application_id: id.clone(),
        request_id: new_request_id(),
        bill_number: bill.into(),
        reason: "误开".into(),
        etag: etag.into(),
    };
    assert_eq!(reason(&fees(&world, "clerk").cancel_bill(cancel("JK0", "")).await.unwrap_err()), "BILL_NOT_FOUND");
    assert_eq!(reason(&fees(&world, "clerk").cancel_bill(cancel(&bill, "1")).await.unwrap_err()), "ETAG_MISMATCH");
    let back = fees(&world, "clerk").cancel_bill(cancel(&bill, "2")).await.unwrap().into_inner();
    assert_eq!((back.payable_fen, balances(&back)), (0, [0; 6]));
    assert_eq!(reason(&fees(&world, "citizen").pay_bill(pay(&id, &bill)).await.unwrap_err()), "BILL_SETTLED");
    // assessed anew, it is another bill
    assess(&world, &id, "F01", 1, 0).await;
    assert_eq!(issue(&world, &id).await.unwrap().bills.len(), 2);
}

pub async fn supervision_reads_the_books_of_a_month(world: World) {
    let (world, desk) = Box::pin(provided(world)).await;
    let (id, bill) = billed(&world).await;
    let unremitted = json!({"state": "paid", "amount_fen": 2000, "reference": "P1", "remitted": false});
    desk.set(|told| drop(told.outcome.insert(format!("{bill}-01"), unremitted)));
    fees(&world, "citizen").pay_bill(pay(&id, &bill)).await.unwrap();
    until(&world, &id, |fees| fees.payments[0].receipt.is_some()).await;
    let ask = |month: &str| pb::GetTrialBalanceRequest { month: month.into(), ..Default::default() };
    let read = async |who: &str, month: &str| fees(&world, who).get_trial_balance(ask(month)).await;
    assert_eq!(reason(&read("clerk", "2026-03").await.unwrap_err()), "ACTION_NOT_PERMITTED");
    assert_eq!(reason(&read("supervisor", "2026-13").await.unwrap_err()), "MONTH_INVALID");
    assert_eq!(read("supervisor", "2026-02").await.unwrap().into_inner().application_count, 0);
    let found = read("supervisor", "2026-03").await.unwrap().into_inner();
    let clearing = found.balances.iter().find(|one| one.account() == pb::Account::Clearing).unwrap();
    assert_eq!((found.sum_fen, clearing.balance_fen, found.application_count), (0, 2000, 1));
    assert!(found.unremitted_payments.is_empty());
    // what lies with the provider for a week is told; and that it came to the treasury is found by asking
    world.day(2026, 3, 10);
    let found = read("supervisor", "2026-03").await.unwrap().into_inner();
    assert_eq!(found.unremitted_payments, [format!("{bill}-01")]);
    desk.set(|told| told.outcome.clear());
    world.day(2026, 3, 12);
    let there = until(&world, &id, |fees| fees.payments[0].remitted).await;
    assert_eq!(balances(&there), [0, 0, 2000, 0, 0, -2000]);
}
