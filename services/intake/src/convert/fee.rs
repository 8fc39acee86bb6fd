//! Fees, as the contracts show them.

use strum::IntoEnumIterator as _;
use yiwang_kit::{timestamp, wire};
use yiwang_ledger::{Personal, Refusal, StreamId};
use yiwang_proto::catalogue::v1 as items;
use yiwang_proto::intake::v1 as pb;

use super::application::{Reader, actor};
use super::count;
use crate::catalogue::details::PaidBefore;
use crate::fee::books::{Account, Books};
use crate::fee::{BY_HAND, Bill, Cause, Fees, Line, Payment, PaymentState, Refund, RefundState, Waiver};

/// Why money is asked back.
///
/// # Errors
/// `CAUSE_MISSING`; what comes about by itself is not asked for.
pub fn cause(cause: pb::RefundCause) -> Result<Cause, Refusal> {
    match cause {
        pb::RefundCause::WrongCharge => Ok(Cause::WrongCharge),
        pb::RefundCause::NotRendered => Ok(Cause::NotRendered),
        pb::RefundCause::Other => Ok(Cause::Other),
        pb::RefundCause::Overpaid | pb::RefundCause::Waived | pb::RefundCause::Unspecified => {
            let (zh, en) = ("请选择退付的原因", "say why the money goes back");
            Err(Refusal::field("cause", "CAUSE_MISSING", zh, en))
        }
    }
}

fn cause_shown(cause: Cause) -> pb::RefundCause {
    match cause {
        Cause::Overpaid => pb::RefundCause::Overpaid,
        Cause::Waived => pb::RefundCause::Waived,
        Cause::WrongCharge => pb::RefundCause::WrongCharge,
        Cause::NotRendered => pb::RefundCause::NotRendered,
        Cause::Other => pb::RefundCause::Other,
    }
}

fn line(line: &Line, bill: &str, reader: Reader) -> pb::FeeLine {
    let waiver = |one: &Waiver| pb::FeeWaiver {
        amount_fen: one.amount,
        basis: one.basis.clone(),
        reason: one.reason.clone(),
        time: Some(timestamp(one.at)),
        actor: Some(actor(&one.by, reader)),
    };
    pb::FeeLine {
        line_code: line.code.clone(),
        name: line.name.clone(),
        units: count(line.units),
        amount_fen: line.amount,
        exempt_fen: line.exempt,
        exemption_code: line.exemption.clone(),
        payable_fen: line.payable(),
        bases: line.bases.clone(),
        assess_time: Some(timestamp(line.at)),
        bill_number: bill.to_owned(),
        waived_fen: line.waived(),
        waivers: line.waivers.iter().map(waiver).collect(),
        paid_before: match line.before {
            PaidBefore::HandingOut => items::PaidBefore::HandingOut,
            PaidBefore::Nothing => items::PaidBefore::Unspecified,
        }
        .into(),
    }
}

fn bill(fees: &Fees, bill: &Bill) -> pb::Bill {
    pb::Bill {
        number: bill.number.clone(),
        line_codes: bill.lines.iter().map(|line| line.code.clone()).collect(),
        payable_fen: bill.payable(),
        open_fen: fees.open(bill),
        time: Some(timestamp(bill.at)),
        cancel_reason: bill.cancelled.as_ref().map(|cancelled| cancelled.reason.clone()).unwrap_or_default(),
    }
}

fn payment(fees: &Fees, payment: &Payment) -> pb::Payment {
    let (state, failure) = match &payment.state {
        PaymentState::Waiting => (pb::PaymentState::Waiting, String::new()),
        PaymentState::Paid => (pb::PaymentState::Paid, String::new()),
        PaymentState::Failed { reason } => (pb::PaymentState::Failed, reason.clone()),
    };
    pb::Payment {
        number: payment.number.clone(),
        bill_number: payment.bill.clone(),
        amount_fen: payment.amount,
        state: state.into(),
        pay_url: payment.pay_url.clone(),
        expire_time: Some(timestamp(payment.expires)),
        paid_fen: payment.paid,
        pay_time: payment.paid_at.map(timestamp),
        reference: payment.reference.clone(),
        remitted: payment.remitted,
        receipt: payment.receipt.as_ref().map(|receipt| pb::FeeReceipt {
            number: receipt.number.clone(),
            code: receipt.code.clone(),
            url: receipt.url.clone(),
        }),
        failure,
        refundable_fen: fees.refundable(payment),
        contradicted: payment.contradicted,
        by_hand: payment.provider == BY_HAND,
    }
}

fn refund(refund: &Refund, (reader, whole): (Reader, bool)) -> pb::Refund {
    let (state, refusal) = match &refund.state {
        RefundState::Requested => (pb::RefundState::Requested, String::new()),
        RefundState::Approved => (pb::RefundState::Approved, String::new()),
        RefundState::Refused { reason } => (pb::RefundState::Refused, reason.clone()),
        RefundState::Paid => (pb::RefundState::Paid, String::new()),
    };
    pb::Refund {
        number: refund.number.clone(),
        payment_number: refund.payment.clone(),
        amount_fen: refund.amount,
        cause: cause_shown(refund.cause).into(),
        reason: refund.reason.as_ref().filter(|_| whole).and_then(Personal::get).unwrap_or_default().to_owned(),
        state: state.into(),
        refusal,
        failure: refund.failure.clone(),
        reference: refund.reference.clone(),
        time: Some(timestamp(refund.at)),
        requested_by: Some(actor(&refund.by, reader)),
        decided_by: refund.decided_by.as_ref().map(|by| actor(by, reader)),
        by_hand: refund.provider == BY_HAND,
        contradicted: !refund.contradicted.is_empty(),
    }
}

/// The balances, each account once.
pub fn balances(books: &Books) -> Vec<pb::AccountBalance> {
    let one = |account: Account| pb::AccountBalance {
        account: match account {
            Account::Receivable => pb::Account::Receivable,
            Account::Clearing => pb::Account::Clearing,
            Account::Treasury => pb::Account::Treasury,
            Account::RefundPayable => pb::Account::RefundPayable,
            Account::Exempted => pb::Account::Exempted,
            Account::Income => pb::Account::Income,
        }
        .into(),
        balance_fen: books.of(account),
    };
    Account::iter().map(one).collect()
}

/// The fees of an application; why somebody wants money back in full to who sees the application so.
pub fn fees(application: StreamId, version: u64, fees: &Fees, (reader, whole): (Reader, bool)) -> pb::Fees {
    pb::Fees {
        application_id: application.to_string(),
        lines: fees.all_lines().map(|(one, bill)| line(one, bill, reader)).collect(),
        payable_fen: fees.all_lines().map(|(line, _)| line.payable()).sum(),
        etag: wire::etag(version),
        bills: fees.bills.iter().map(|one| bill(fees, one)).collect(),
        payments: fees.payments.iter().map(|one| payment(fees, one)).collect(),
        refunds: fees.refunds.iter().map(|one| refund(one, (reader, whole))).collect(),
        balances: balances(&fees.books),
        closed_reason: fees.closed.as_ref().map(|closed| closed.reason.clone()).unwrap_or_default(),
        not_due_codes: fees.not_due.iter().cloned().collect(),
    }
}
