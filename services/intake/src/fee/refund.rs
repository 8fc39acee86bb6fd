//! 退付: asked for with its cause, approved by somebody else, carried out by the provider. Never more than was paid.

use yiwang_ledger::{Decision, Kind, Personal, Refusal};

use super::provider::SaidOfRefund;
use super::{BY_HAND, Cause, Event, Fees, Refund, RefundState, asks, payment_not_found};
use crate::application::Actor;

/// No application has more refunds.
const MOST: usize = 50;

/// The number of the refund after next, counted from 0.
pub(super) fn number(fees: &Fees, after: usize) -> String {
    let first = fees.bills.first().map(|bill| bill.number.as_str()).unwrap_or_default();
    format!("{first}-R{:02}", fees.refunds.len() + after + 1)
}

/// Refunds of what somebody's decision makes owed back of a bill, asked for by them; none where its payments do not have it any more.
pub(super) fn owed_back(fees: &Fees, bill: &str, amount: i64, cause: Cause, by: &Actor) -> Option<Vec<Event>> {
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
                by: by.clone(),
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

fn find<'a>(fees: &'a Fees, number: &str) -> Result<&'a Refund, Refusal> {
    fees.refund(number).ok_or_else(|| Refusal { reason: "REFUND_NOT_FOUND", ..Refusal::not_found("退付") })
}

fn requested<'a>(fees: &'a Fees, number: &str, by: &Actor) -> Result<&'a Refund, Refusal> {
    let refund = find(fees, number)?;
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

/// Who carries a refund out, and what became of the order before.
#[derive(Clone, Debug)]
pub struct Order {
    /// The provider's name; [`BY_HAND`] for a person.
    pub provider: String,
    /// What the provider says now of the order that failed; none where there was none, or nobody can say.
    pub earlier: Option<SaidOfRefund>,
}

/// Approves a refund, or approves it anew after the provider could not do it: but only where the order before has still failed. What turns
/// out to have gone back went back.
///
/// # Errors
/// `REFUND_NOT_FOUND`, `REFUND_DECIDED`, `SAME_PERSON`, `PROVIDER_AWAY`, `REFUND_UNDERWAY`, `REFUND_CONTRADICTED`.
pub fn approve(fees: &Fees, number: &str, order: &Order, by: &Actor) -> Decision<Event> {
    let refund = requested(fees, number, by)?;
    if refund.attempts > 0 {
        match &order.earlier {
            Some(SaidOfRefund::Failed { .. }) => {}
            Some(SaidOfRefund::Paid { reference, fen }) if *fen == refund.amount => {
                return Ok(vec![Event::RefundPaid {
                    number: number.to_owned(),
                    reference: reference.clone(),
                    by: None,
                }]);
            }
            Some(said @ SaidOfRefund::Paid { .. }) => return contradiction(refund, &refund.order(), said),
            Some(SaidOfRefund::Waiting) => return Err(underway()),
            None => {
                let (zh, en) = (
                    "无法向支付机构核实上一笔退付的结果，请稍后再试，以免重复退付",
                    "the provider cannot be asked what became of the order before: it might go back twice",
                );
                return Err(Refusal::state("PROVIDER_AWAY", zh, en));
            }
        }
    }
    Ok(vec![Event::RefundApproved { number: number.to_owned(), by: by.clone(), provider: order.provider.clone() }])
}

fn underway() -> Refusal {
    let (zh, en) = ("支付机构正在办理该退付", "the provider is at it");
    Refusal::state("REFUND_UNDERWAY", zh, en)
}

/// The first time it is written down, and then it stands in the way.
fn contradiction(refund: &Refund, order: &str, said: &SaidOfRefund) -> Decision<Event> {
    if refund.contradicted.contains(order) {
        let (zh, en) =
            ("支付机构的说法与账不符，请先核实", "the provider and the books do not agree: look into it first");
        return Err(Refusal::state("REFUND_CONTRADICTED", zh, en));
    }
    Ok(vec![contradicted(refund, order, said)])
}

pub(super) fn contradicted(refund: &Refund, order: &str, said: &SaidOfRefund) -> Event {
    Event::RefundContradicted { number: refund.number.clone(), order: order.to_owned(), said: said.word() }
}

/// 退付 that was approved was paid out at the window or by a bank: recorded by its voucher, by somebody else than who approved it.
/// What the provider is at is left to it.
///
/// # Errors
/// `REFUND_NOT_FOUND`, `REFUND_NOT_APPROVED`, `SAME_PERSON`, `REFUND_UNDERWAY`.
pub fn record(fees: &Fees, number: &str, voucher: &str, provider: &str, by: &Actor) -> Decision<Event> {
    let refund = find(fees, number)?;
    if refund.state != RefundState::Approved {
        let (zh, en) = ("该退付没有待支付的批准", "no approval of it waits to be carried out");
        return Err(Refusal::state("REFUND_NOT_APPROVED", zh, en));
    }
    if refund.decided_by.as_ref().is_some_and(|approved| approved.id == by.id) {
        let (zh, en) = ("批准退付的人员不得登记支付", "who approved it does not record that it was paid");
        return Err(Refusal::new(Kind::PermissionDenied, "SAME_PERSON", zh, en));
    }
    if refund.provider != BY_HAND && !provider.is_empty() && asks(&refund.provider, provider) {
        return Err(underway());
    }
    Ok(vec![Event::RefundPaid { number: number.to_owned(), reference: voucher.to_owned(), by: Some(by.clone()) }])
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
