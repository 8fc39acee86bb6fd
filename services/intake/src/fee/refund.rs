//! 退付: asked for with its cause, approved by somebody else, carried out by the provider. Never more than was paid.

use yiwang_ledger::{Decision, Kind, Personal, Refusal};

use super::{Cause, Event, Fees, Refund, RefundState, payment_not_found};
use crate::application::Actor;

/// No application has more refunds.
const MOST: usize = 50;

/// The number of the refund after next, counted from 0.
pub(super) fn number(fees: &Fees, after: usize) -> String {
    let first = fees.bills.first().map(|bill| bill.number.as_str()).unwrap_or_default();
    format!("{first}-R{:02}", fees.refunds.len() + after + 1)
}

/// Refunds by the law itself of what is owed back of a bill; none where its payments do not have it any more.
pub(super) fn owed_back(fees: &Fees, bill: &str, amount: i64, cause: Cause) -> Option<Vec<Event>> {
    let (mut left, mut events) = (amount, Vec::new());
    for payment in fees.payments.iter().filter(|payment| payment.bill == bill) {
        let part = left.min(fees.refundable(payment));
        if part > 0 {
            events.push(Event::RefundRequested {
                number: number(fees, events.len()),
                payment: payment.number.clone(),
                amount: part,
                cause,
                reason: None,
                by: Actor::system(),
            });
            left -= part;
        }
    }
    (left == 0).then_some(events)
}

/// What is asked back.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Number of the payment order.
    pub payment: String,
    /// How much, 分.
    pub amount: i64,
    /// Why.
    pub cause: Cause,
    /// In words.
    pub reason: Option<Personal>,
}

/// Asks for a refund, in full or in part.
///
/// # Errors
/// `PAYMENT_NOT_FOUND`, `REFUND_TOO_LARGE`, `TOO_MANY_REFUNDS`.
pub fn request(fees: &Fees, ask: &Ask, by: &Actor) -> Decision<Event> {
    let payment = fees.payment(&ask.payment).ok_or_else(payment_not_found)?;
    let left = fees.refundable(payment);
    if !(1..=left).contains(&ask.amount) {
        let zh = format!("该笔缴款可以退付的金额为{left}分");
        let refusal =
            Refusal::field("amount_fen", "REFUND_TOO_LARGE", zh, "more than was paid and is not refunded yet");
        return Err(refusal.with("refundable_fen", left.to_string()));
    }
    if fees.refunds.len() >= MOST {
        return Err(Refusal::state("TOO_MANY_REFUNDS", "退付次数过多", "too many refunds"));
    }
    Ok(vec![Event::RefundRequested {
        number: number(fees, 0),
        payment: ask.payment.clone(),
        amount: ask.amount,
        cause: ask.cause,
        reason: ask.reason.clone(),
        by: by.clone(),
    }])
}

fn requested<'a>(fees: &'a Fees, number: &str, by: &Actor) -> Result<&'a Refund, Refusal> {
    let found = fees.refund(number);
    let refund = found.ok_or_else(|| Refusal { reason: "REFUND_NOT_FOUND", ..Refusal::not_found("退付") })?;
    if refund.state != RefundState::Requested {
        let (zh, en) = ("该退付已经决定", "the refund was decided already");
        return Err(Refusal::state("REFUND_DECIDED", zh, en));
    }
    if refund.by.id == by.id {
        let (zh, en) = ("申请退付的人员不得决定退付", "who asked for it does not decide it");
        return Err(Refusal::new(Kind::PermissionDenied, "SAME_PERSON", zh, en));
    }
    Ok(refund)
}

/// Approves a refund, or approves it anew after the provider could not do it.
///
/// # Errors
/// `REFUND_NOT_FOUND`, `REFUND_DECIDED`, `SAME_PERSON`.
pub fn approve(fees: &Fees, number: &str, by: &Actor) -> Decision<Event> {
    requested(fees, number, by)?;
    Ok(vec![Event::RefundApproved { number: number.to_owned(), by: by.clone() }])
}

/// Refuses a refund. What is owed is not refused.
///
/// # Errors
/// `REFUND_NOT_FOUND`, `REFUND_DECIDED`, `SAME_PERSON`, `REFUND_OWED`.
pub fn refuse(fees: &Fees, number: &str, reason: &str, by: &Actor) -> Decision<Event> {
    if requested(fees, number, by)?.owed {
        let (zh, en) = ("多缴、减免或者已经同意退付的金额应当退还", "what is owed back is not refused");
        return Err(Refusal::state("REFUND_OWED", zh, en));
    }
    Ok(vec![Event::RefundRefused { number: number.to_owned(), reason: reason.to_owned(), by: by.clone() }])
}
