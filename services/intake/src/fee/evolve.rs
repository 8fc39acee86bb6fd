//! The fees after an event.

use std::collections::BTreeSet;

use yiwang_ledger::{Meta, Timestamp};

use super::books::postings;
use super::{
    BY_HAND, Bill, Cancelled, Cause, Event, Fees, Line, Payment, PaymentState, Refund, RefundState, Waiver, day,
};

pub(super) fn evolve(fees: &mut Fees, event: &Event, meta: &Meta) {
    let moved = postings(fees, event);
    match event {
        Event::FeeAssessed { line, by, matter } => {
            fees.not_due.remove(&line.code);
            fees.lines.push(Line { at: meta.at, by: by.clone(), ..(**line).clone() });
            fees.matter = fees.matter.take().or_else(|| matter.clone());
            fees.opened = fees.opened.or_else(|| Some(day(meta.at)));
        }
        Event::FeeStruck { code, matter, .. } => {
            fees.lines.retain(|line| line.code != *code);
            fees.not_due.insert(code.clone());
            fees.matter = fees.matter.take().or_else(|| matter.clone());
        }
        Event::FeesClosed { closed, matter } => {
            fees.closed = Some(closed.clone());
            fees.matter = fees.matter.take().or_else(|| Some(matter.clone()));
        }
        Event::BillIssued { number, matter, by } => {
            fees.matter = fees.matter.take().or_else(|| Some(matter.clone()));
            let lines = std::mem::take(&mut fees.lines);
            let (number, by) = (number.clone(), by.clone());
            fees.bills.push(Bill { number, lines, at: meta.at, by, written_off: 0, cancelled: None });
        }
        Event::BillCancelled { number, reason, by } => {
            let open = fees.bill(number).map_or(0, |bill| fees.open(bill));
            if let Some(bill) = fees.bills.iter_mut().find(|bill| bill.number == *number) {
                bill.written_off = open;
                bill.cancelled = Some(Cancelled { reason: reason.clone(), at: meta.at, by: by.clone() });
            }
        }
        Event::FeeWaived { code, bill, amount, basis, reason, by } => {
            let lines = match fees.bills.iter_mut().find(|one| one.number == *bill) {
                Some(bill) => &mut bill.lines,
                None => &mut fees.lines,
            };
            if let Some(line) = lines.iter_mut().find(|line| line.code == *code) {
                let (basis, reason, by) = (basis.clone(), reason.clone(), by.clone());
                line.waivers.push(Waiver { amount: *amount, basis, reason, at: meta.at, by });
            }
        }
        Event::ProviderAsked { number } => asked(fees, number, None, None),
        Event::ProviderWaits { number, ask_at, pay_url, reference } => {
            asked(fees, number, Some(*ask_at), Some((pay_url, reference)));
        }
        _ => money(fees, event, meta),
    }
    fees.books.post(&moved);
}

fn asked(fees: &mut Fees, number: &str, at: Option<Timestamp>, said: Option<(&String, &String)>) {
    let set = |url: &mut String, reference: &mut String, asked: &mut u32| {
        let Some((pay_url, its)) = said else { return };
        *asked += 1;
        if !pay_url.is_empty() {
            url.clone_from(pay_url);
        }
        if !its.is_empty() {
            reference.clone_from(its);
        }
    };
    if let Some(payment) = fees.payments.iter_mut().find(|payment| payment.number == number) {
        payment.ask_at = at;
        set(&mut payment.pay_url, &mut payment.reference, &mut payment.asked);
    }
    if let Some(refund) = fees.refunds.iter_mut().find(|refund| refund.number == number) {
        refund.ask_at = at;
        set(&mut String::new(), &mut refund.reference, &mut refund.asked);
    }
}

fn money(fees: &mut Fees, event: &Event, meta: &Meta) {
    match event {
        Event::PaymentPlaced { number, bill, amount, expires, by, provider } => fees.payments.push(Payment {
            provider: provider.clone(),
            number: number.clone(),
            bill: bill.clone(),
            amount: *amount,
            state: PaymentState::Waiting,
            at: meta.at,
            expires: *expires,
            by: by.clone(),
            asked: 0,
            ask_at: None,
            pay_url: String::new(),
            reference: String::new(),
            paid: 0,
            applied: 0,
            paid_at: None,
            remitted: false,
            receipt: None,
            contradicted: false,
        }),
        Event::PaymentRecorded { number, bill, paid, receipt, by } => {
            let applied = fees.bill(bill).map_or(0, |bill| fees.open(bill)).min(*paid);
            fees.payments.push(Payment {
                number: number.clone(),
                bill: bill.clone(),
                amount: *paid,
                state: PaymentState::Paid,
                at: meta.at,
                expires: meta.at,
                by: by.clone(),
                asked: 0,
                ask_at: None,
                pay_url: String::new(),
                reference: receipt.number.clone(),
                paid: *paid,
                applied,
                paid_at: Some(meta.at),
                remitted: true,
                receipt: Some(receipt.clone()),
                contradicted: false,
                provider: BY_HAND.to_owned(),
            });
        }
        Event::PaymentReceived { number, paid, reference, remitted } => {
            let bill = fees.payment(number).and_then(|payment| fees.bill(&payment.bill));
            let applied = bill.map_or(0, |bill| fees.open(bill)).min(*paid);
            payment(fees, number, |payment| {
                payment.state = PaymentState::Paid;
                (payment.paid, payment.applied, payment.paid_at) = (*paid, applied, Some(meta.at));
                (payment.remitted, payment.asked, payment.ask_at) = (*remitted, 0, None);
                payment.reference.clone_from(reference);
            });
        }
        Event::PaymentFailed { number, reason } => payment(fees, number, |payment| {
            payment.state = PaymentState::Failed { reason: reason.clone() };
            payment.ask_at = None;
        }),
        Event::PaymentContradicted { number, .. } => payment(fees, number, |payment| payment.contradicted = true),
        Event::PaymentRemitted { number } => payment(fees, number, |payment| payment.remitted = true),
        Event::FeeReceiptIssued { number, receipt } => {
            payment(fees, number, |payment| payment.receipt = Some(receipt.clone()));
        }
        Event::RefundRequested { number, payment, amount, cause, reason, by } => fees.refunds.push(Refund {
            number: number.clone(),
            payment: payment.clone(),
            amount: *amount,
            cause: *cause,
            reason: reason.clone(),
            state: RefundState::Requested,
            at: meta.at,
            by: by.clone(),
            owed: matches!(cause, Cause::Overpaid | Cause::Waived),
            attempts: 0,
            failure: String::new(),
            decided_by: None,
            asked: 0,
            ask_at: None,
            reference: String::new(),
            provider: String::new(),
            contradicted: BTreeSet::new(),
        }),
        Event::RefundContradicted { number, order, .. } => refund(fees, number, |refund| {
            refund.contradicted.insert(order.clone());
        }),
        Event::RefundApproved { number, by, provider } => refund(fees, number, |refund| {
            refund.provider.clone_from(provider);
            (refund.state, refund.owed, refund.decided_by) = (RefundState::Approved, true, Some(by.clone()));
            refund.attempts += 1;
            refund.asked = 0;
        }),
        Event::RefundRefused { number, reason, by } => refund(fees, number, |refund| {
            refund.state = RefundState::Refused { reason: reason.clone() };
            refund.decided_by = Some(by.clone());
        }),
        Event::RefundPaid { number, reference, by } => refund(fees, number, |refund| {
            (refund.state, refund.ask_at) = (RefundState::Paid, None);
            if by.is_some() {
                BY_HAND.clone_into(&mut refund.provider);
            }
            refund.reference.clone_from(reference);
        }),
        Event::RefundFailed { number, reason } => refund(fees, number, |refund| {
            (refund.state, refund.ask_at) = (RefundState::Requested, None);
            refund.failure.clone_from(reason);
        }),
        _ => {}
    }
}

fn payment(fees: &mut Fees, number: &str, change: impl FnOnce(&mut Payment)) {
    if let Some(found) = fees.payments.iter_mut().find(|payment| payment.number == number) {
        change(found);
    }
}

fn refund(fees: &mut Fees, number: &str, change: impl FnOnce(&mut Refund)) {
    if let Some(found) = fees.refunds.iter_mut().find(|refund| refund.number == number) {
        change(found);
    }
}
