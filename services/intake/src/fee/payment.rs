//! 缴款: an order with the provider, and what it says of it. It may time out, say the same twice, say it late, or say what it did
//! not say before; it is asked with our own number until it is known.

use yiwang_ledger::{Context, Decision, Kind, Refusal, Timestamp};

use super::provider::{Receipt, Said, SaidOfRefund};
use super::refund::contradicted;
use super::{BY_HAND, Cause, Event, Fees, Payment, PaymentState, RefundState, bill, payment_not_found};
use crate::application::Actor;

const MINUTE: i64 = 60_000_000;
/// An order is open for two hours. DESIGN, unverified: the providers' own limits differ.
const OPEN: i64 = 120 * MINUTE;
/// Asked for a month after that, and then given up until the provider speaks by itself.
const GIVEN_UP: i64 = 30 * 24 * 60 * MINUTE;
/// A receipt is asked for so often, which takes a month, and then given up.
const RECEIPT_TRIES: u32 = 40;
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

/// Places an order for what is open of a bill, with a provider.
///
/// # Errors
/// `BILL_NOT_FOUND`, `BILL_SETTLED`, `PAYMENT_UNDERWAY`, `TOO_MANY_PAYMENTS`.
pub fn place(fees: &Fees, number: &str, provider: &str, by: &Actor, cx: &Context) -> Decision<Event> {
    let open = bill::unsettled(fees, number)?;
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
        provider: provider.to_owned(),
    }])
}

/// What was paid at the window or a bank.
#[derive(Clone, Debug)]
pub struct Record {
    /// Number of the bill.
    pub bill: String,
    /// How much, 分.
    pub paid: i64,
    /// The receipt of the non-tax system: what it is for is with the treasury.
    pub receipt: Receipt,
}

/// Records what was paid at the window or a bank, by somebody else than who assessed or billed it. An order that is on its way does not
/// stand in the way: should it be paid as well, that goes back.
///
/// # Errors
/// `BILL_NOT_FOUND`, `BILL_SETTLED`, `SAME_PERSON`, `AMOUNT_INVALID`, `RECEIPT_TAKEN`.
pub fn record(fees: &Fees, ask: &Record, by: &Actor) -> Decision<Event> {
    let bill = bill::unsettled(fees, &ask.bill)?;
    if bill.by.id == by.id || bill.lines.iter().any(|line| line.by.id == by.id) {
        let (zh, en) =
            ("核定收费、开具缴款通知的人员不得登记缴款", "who assessed or billed it does not record it as paid");
        return Err(Refusal::new(Kind::PermissionDenied, "SAME_PERSON", zh, en));
    }
    if !(1..=MOST_FEN).contains(&ask.paid) {
        return Err(Refusal::field("amount_fen", "AMOUNT_INVALID", "请填写票据上的金额", "the amount on the receipt"));
    }
    // between applications it is a unique key
    let same = |payment: &&Payment| payment.provider == BY_HAND && payment.receipt.as_ref() == Some(&ask.receipt);
    if fees.payments.iter().any(|payment| same(&payment)) {
        let (zh, en) = ("该票据已经登记过缴款", "a payment was recorded by this receipt already");
        return Err(Refusal::new(Kind::AlreadyExists, super::RECEIPT, zh, en));
    }
    let before = fees.payments.iter().filter(|payment| payment.bill == ask.bill).count();
    let number = format!("{}-{:02}", ask.bill, before + 1);
    let open = fees.open(bill);
    let mut events = vec![Event::PaymentRecorded {
        number: number.clone(),
        bill: ask.bill.clone(),
        paid: ask.paid,
        receipt: ask.receipt.clone(),
        by: by.clone(),
    }];
    events.extend((ask.paid > open).then(|| refund_of(fees, number, ask.paid - open)));
    Ok(events)
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
        PaymentState::Paid if payment.receipt.is_none() && payment.asked < RECEIPT_TRIES => Some(Wanted::Receipt),
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
            let mut events = contradiction(payment, said);
            // what was paid is still on its way to the treasury
            events.extend((!payment.remitted).then(|| waits(payment.asked, number, cx)));
            events
        }
        // no amount that anybody pays: a person looks
        (_, Said::Paid { fen, .. }) if !(1..=MOST_FEN).contains(fen) => {
            let mut events = contradiction(payment, said);
            events.extend(again(payment, cx));
            events
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
        (PaymentState::Waiting, Said::Waiting { .. }) if given_up(payment, cx) => again(payment, cx),
        (PaymentState::Waiting, Said::Waiting { pay_url, reference }) => vec![Event::ProviderWaits {
            number,
            ask_at: later(payment.asked, cx),
            pay_url: pay_url.clone(),
            reference: reference.clone(),
        }],
        (PaymentState::Failed { .. }, _) => Vec::new(),
    })
}

/// What does not agree, written down once.
fn contradiction(payment: &Payment, said: &Said) -> Vec<Event> {
    if payment.contradicted {
        return Vec::new();
    }
    vec![Event::PaymentContradicted { number: payment.number.clone(), said: said.word() }]
}

fn given_up(payment: &Payment, cx: &Context) -> bool {
    payment.state == PaymentState::Waiting && cx.now.0 > payment.expires.0.saturating_add(GIVEN_UP)
}

/// An order is asked about again at its time, or given up after a month; one that failed is not.
fn again(payment: &Payment, cx: &Context) -> Vec<Event> {
    let number = payment.number.clone();
    match payment.state {
        PaymentState::Failed { .. } => Vec::new(),
        _ if wanted(payment).is_none() => Vec::new(),
        _ if given_up(payment, cx) => {
            vec![Event::PaymentFailed { number, reason: "支付机构长期没有结果".to_owned() }]
        }
        _ => vec![waits(payment.asked, number, cx)],
    }
}

/// Nobody could be asked about an order or a refund: it is at its time. So that one that nobody answers holds up no other.
///
/// # Errors
/// None.
pub fn away(fees: &Fees, number: &str, cx: &Context) -> Decision<Event> {
    if let Some(payment) = fees.payment(number) {
        return Ok(if payment.ask_at.is_none() { again(payment, cx) } else { Vec::new() });
    }
    let open = |refund: &&super::Refund| refund.state == RefundState::Approved && refund.ask_at.is_none();
    let refund = fees.refund(number).filter(open).filter(|refund| refund.provider != BY_HAND);
    Ok(refund.map(|refund| waits(refund.asked, number.to_owned(), cx)).into_iter().collect())
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
        (None, Some(Wanted::Receipt)) => again(payment, cx),
        _ => Vec::new(),
    })
}

/// The provider says how an order of a refund stands. Of one that failed before it is news only that it was carried out after all: while
/// no other took its place it is what went back, and otherwise it went back twice.
///
/// # Errors
/// `PAYMENT_NOT_FOUND`.
pub fn said_of_refund(fees: &Fees, number: &str, order: &str, said: &SaidOfRefund, cx: &Context) -> Decision<Event> {
    let refund = fees.refund(number).ok_or_else(payment_not_found)?;
    let last = refund.attempts > 0 && refund.order() == order && refund.provider != BY_HAND;
    let live = last && refund.state == RefundState::Approved;
    let number = number.to_owned();
    Ok(match said {
        SaidOfRefund::Paid { .. } if last && refund.state == RefundState::Paid => Vec::new(),
        SaidOfRefund::Paid { reference, fen }
            if last && *fen == refund.amount && (live || refund.state == RefundState::Requested) =>
        {
            vec![Event::RefundPaid { number, reference: reference.clone(), by: None }]
        }
        SaidOfRefund::Paid { .. } => {
            let new = !refund.contradicted.contains(order);
            let mut events: Vec<Event> = new.then(|| contradicted(refund, order, said)).into_iter().collect();
            events.extend(live.then(|| waits(refund.asked, number, cx)));
            events
        }
        SaidOfRefund::Waiting if live => vec![waits(refund.asked, number, cx)],
        SaidOfRefund::Failed { reason } if live => vec![Event::RefundFailed { number, reason: reason.clone() }],
        SaidOfRefund::Waiting | SaidOfRefund::Failed { .. } => Vec::new(),
    })
}

/// The timer: whatever is due is asked about again.
pub fn timer(fees: &Fees, cx: &Context) -> Decision<Event> {
    let due = |at: Option<Timestamp>| at.is_some_and(|at| at <= cx.now);
    let payments = fees.payments.iter().filter(|one| due(one.ask_at)).map(|one| &one.number);
    let refunds = fees.refunds.iter().filter(|one| due(one.ask_at)).map(|one| &one.number);
    Ok(payments.chain(refunds).map(|number| Event::ProviderAsked { number: number.clone() }).collect())
}

/// A callback about an order or a refund's: whatever it says, the provider is asked. While it is being asked already, nothing happens.
///
/// # Errors
/// `PAYMENT_NOT_FOUND`.
pub fn notified(fees: &Fees, number: &str) -> Decision<Event> {
    let ask = |number: &str| vec![Event::ProviderAsked { number: number.to_owned() }];
    if let Some(payment) = fees.payment(number) {
        let failed = matches!(payment.state, PaymentState::Failed { .. });
        let asks = wanted(payment).is_some() && (payment.ask_at.is_some() || failed);
        return Ok(if asks { ask(number) } else { Vec::new() });
    }
    let refund = fees.refund_of(number).ok_or_else(payment_not_found)?;
    Ok(match refund.state == RefundState::Approved && refund.order() == number {
        true if refund.ask_at.is_none() => Vec::new(),
        true => ask(&refund.number),
        // one that failed, or was carried out
        false => ask(number),
    })
}
