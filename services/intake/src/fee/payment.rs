//! 缴款: an order with the provider, and what it says of it. It may time out, say the same twice, say it late, or say what it did
//! not say before; it is asked with our own number until it is known.

use yiwang_ledger::{Context, Decision, Refusal, Timestamp};

use super::provider::{Receipt, Said, SaidOfRefund};
use super::{Cause, Event, Fees, Payment, PaymentState, RefundState, bill, payment_not_found};
use crate::application::Actor;

const MINUTE: i64 = 60_000_000;
/// An order is open for two hours. DESIGN, unverified: the providers' own limits differ.
const OPEN: i64 = 120 * MINUTE;
/// Asked for a month after that, and then given up until the provider speaks by itself.
const GIVEN_UP: i64 = 30 * 24 * 60 * MINUTE;
/// No bill has more orders.
const MOST: usize = 50;
/// What no payment exceeds, 分.
const MOST_FEN: i64 = 1_000_000_000_000;

/// The pause before the provider is asked again: one minute, doubled each time, at most a day.
fn pause(asked: u32) -> i64 {
    (MINUTE << asked.min(11)).min(24 * 60 * MINUTE)
}

fn later(asked: u32, cx: &Context) -> Timestamp {
    Timestamp(cx.now.0.saturating_add(pause(asked)))
}

/// Places an order for what is open of a bill.
///
/// # Errors
/// `BILL_NOT_FOUND`, `BILL_SETTLED`, `PAYMENT_UNDERWAY`, `TOO_MANY_PAYMENTS`.
pub fn place(fees: &Fees, number: &str, by: &Actor, cx: &Context) -> Decision<Event> {
    let open = bill::open(fees, number)?;
    bill::underway(fees, number, cx)?;
    let before = fees.payments.iter().filter(|payment| payment.bill == number).count();
    if before >= MOST {
        return Err(Refusal::state(
            "TOO_MANY_PAYMENTS",
            "缴款次数过多，请到窗口办理",
            "too many orders: come to the window",
        ));
    }
    Ok(vec![Event::PaymentPlaced {
        number: format!("{number}-{:02}", before + 1),
        bill: number.to_owned(),
        amount: fees.open(open),
        expires: Timestamp(cx.now.0.saturating_add(OPEN)),
        by: by.clone(),
    }])
}

/// What is to be asked about an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Whether it was paid, or has come to the treasury.
    Payment,
    /// Its receipt.
    Receipt,
}

/// What the provider is to be asked about a payment; none where all is known.
pub fn wanted(payment: &Payment) -> Option<Wanted> {
    match payment.state {
        PaymentState::Paid if payment.receipt.is_none() => Some(Wanted::Receipt),
        PaymentState::Paid if payment.remitted => None,
        _ => Some(Wanted::Payment),
    }
}

/// The provider says how an order stands. Said again, nothing happens.
///
/// # Errors
/// `PAYMENT_NOT_FOUND`.
pub fn said(fees: &Fees, number: &str, said: &Said, cx: &Context) -> Decision<Event> {
    let payment = fees.payment(number).ok_or_else(payment_not_found)?;
    let number = number.to_owned();
    Ok(match (&payment.state, said) {
        (PaymentState::Paid, Said::Paid { fen, remitted, .. }) if *fen == payment.paid => {
            match (payment.remitted, *remitted) {
                (false, true) => vec![Event::PaymentRemitted { number }],
                (false, false) => vec![waits(payment.asked, payment.number.clone(), cx)],
                (true, _) => Vec::new(),
            }
        }
        (PaymentState::Paid, _) => {
            let mut events = match payment.contradicted {
                true => Vec::new(),
                false => vec![Event::PaymentContradicted { number: number.clone(), said: said.word() }],
            };
            // what was paid is still on its way to the treasury
            events.extend((!payment.remitted).then(|| waits(payment.asked, number, cx)));
            events
        }
        (_, Said::Paid { fen, .. }) if !(1..=MOST_FEN).contains(fen) => {
            vec![waits(payment.asked, number, cx)]
        }
        (_, Said::Paid { fen, reference, remitted }) => {
            let open = fees.bill(&payment.bill).map_or(0, |bill| fees.open(bill));
            let mut events = vec![Event::PaymentReceived {
                number: number.clone(),
                paid: *fen,
                reference: reference.clone(),
                remitted: *remitted,
            }];
            // 多缴: goes back without being asked for
            events.extend((*fen > open).then(|| refund_of(fees, number, fen - open)));
            events
        }
        (PaymentState::Waiting, Said::Failed { reason }) => {
            vec![Event::PaymentFailed { number, reason: reason.clone() }]
        }
        (PaymentState::Waiting, Said::Waiting { .. }) if cx.now.0 > payment.expires.0.saturating_add(GIVEN_UP) => {
            vec![Event::PaymentFailed { number, reason: "支付机构长期没有结果".to_owned() }]
        }
        (PaymentState::Waiting, Said::Waiting { pay_url, reference }) => vec![Event::ProviderWaits {
            number,
            ask_at: later(payment.asked, cx),
            pay_url: pay_url.clone(),
            reference: reference.clone(),
        }],
        (PaymentState::Failed { .. }, _) => Vec::new(),
    })
}

fn refund_of(fees: &Fees, payment: String, amount: i64) -> Event {
    Event::RefundRequested {
        number: super::refund::number(fees, 0),
        payment,
        amount,
        cause: Cause::Overpaid,
        reason: None,
        by: Actor::system(),
    }
}

fn waits(asked: u32, number: String, cx: &Context) -> Event {
    Event::ProviderWaits { number, ask_at: later(asked, cx), pay_url: String::new(), reference: String::new() }
}

/// 电子票据, or that there is none yet.
///
/// # Errors
/// `PAYMENT_NOT_FOUND`.
pub fn receipt(fees: &Fees, number: &str, receipt: Option<&Receipt>, cx: &Context) -> Decision<Event> {
    let payment = fees.payment(number).ok_or_else(payment_not_found)?;
    Ok(match (receipt, wanted(payment)) {
        (Some(receipt), Some(Wanted::Receipt)) => {
            let mut events = vec![Event::FeeReceiptIssued { number: number.to_owned(), receipt: receipt.clone() }];
            events.extend((!payment.remitted).then(|| waits(payment.asked, number.to_owned(), cx)));
            events
        }
        (None, Some(Wanted::Receipt)) => vec![waits(payment.asked, number.to_owned(), cx)],
        _ => Vec::new(),
    })
}

/// The provider says how a refund stands; of an order that is not the present one it is no news.
///
/// # Errors
/// `PAYMENT_NOT_FOUND`.
pub fn said_of_refund(fees: &Fees, number: &str, order: &str, said: &SaidOfRefund, cx: &Context) -> Decision<Event> {
    let refund = fees.refund(number).ok_or_else(payment_not_found)?;
    if refund.state != RefundState::Approved || refund.order() != order {
        return Ok(Vec::new());
    }
    let number = number.to_owned();
    Ok(vec![match said {
        SaidOfRefund::Waiting => waits(refund.asked, number, cx),
        SaidOfRefund::Paid { reference } => Event::RefundPaid { number, reference: reference.clone() },
        SaidOfRefund::Failed { reason } => Event::RefundFailed { number, reason: reason.clone() },
    }])
}

/// The timer: whatever is due is asked about again.
pub fn timer(fees: &Fees, cx: &Context) -> Decision<Event> {
    let due = |at: Option<Timestamp>| at.is_some_and(|at| at <= cx.now);
    let payments = fees.payments.iter().filter(|one| due(one.ask_at)).map(|one| &one.number);
    let refunds = fees.refunds.iter().filter(|one| due(one.ask_at)).map(|one| &one.number);
    Ok(payments.chain(refunds).map(|number| Event::ProviderAsked { number: number.clone() }).collect())
}

/// A callback: whatever it says, the provider is asked. While it is being asked already, nothing happens.
///
/// # Errors
/// `PAYMENT_NOT_FOUND`.
pub fn notified(fees: &Fees, number: &str) -> Decision<Event> {
    let payment = fees.payment(number).ok_or_else(payment_not_found)?;
    let failed = matches!(payment.state, PaymentState::Failed { .. });
    let asks = wanted(payment).is_some() && (payment.ask_at.is_some() || failed);
    Ok(if asks { vec![Event::ProviderAsked { number: number.to_owned() }] } else { Vec::new() })
}
