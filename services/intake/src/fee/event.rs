//! What happens to fees.

use serde::{Deserialize, Serialize};
use yiwang_ledger::{Personal, Timestamp};

use super::provider::Receipt;
use super::{Cause, Closed, Line, Matter};
use crate::application::Actor;

/// What happens to fees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum Event {
    /// 核定.
    FeeAssessed {
        /// The line.
        line: Box<Line>,
        /// By whom.
        by: Actor,
        /// Whose; none in entries that are older than the field.
        #[serde(default)]
        matter: Option<Box<Matter>>,
    },
    /// It was a mistake, or is not due.
    FeeStruck {
        /// Code of the line.
        code: String,
        /// Why.
        reason: String,
        /// By whom.
        by: Actor,
        /// Whose; none in entries that are older than the field.
        #[serde(default)]
        matter: Option<Box<Matter>>,
    },
    /// Nothing more is charged.
    FeesClosed {
        /// How far, and why.
        closed: Closed,
        /// Whose fees they are.
        matter: Box<Matter>,
    },
    /// 缴款通知 of all lines that were on none.
    BillIssued {
        /// Its number.
        number: String,
        /// Whose fees they are.
        matter: Box<Matter>,
        /// By whom.
        by: Actor,
    },
    /// A bill of which something is open is taken back.
    BillCancelled {
        /// Its number.
        number: String,
        /// Why.
        reason: String,
        /// By whom.
        by: Actor,
    },
    /// 减免 by a decision.
    FeeWaived {
        /// Code of the line.
        code: String,
        /// Number of its bill; empty while it is on none.
        bill: String,
        /// What is let off, 分.
        amount: i64,
        /// The rule that it rests on.
        basis: String,
        /// Why.
        reason: String,
        /// By whom.
        by: Actor,
    },
    /// An order is placed with the provider.
    PaymentPlaced {
        /// Our order number.
        number: String,
        /// Number of the bill.
        bill: String,
        /// What is asked for, 分.
        amount: i64,
        /// Until then no other is placed.
        expires: Timestamp,
        /// By whom.
        by: Actor,
        /// With whom; empty in entries that are older than the field.
        #[serde(default)]
        provider: String,
    },
    /// 已缴 at the window or a bank, by the receipt of the non-tax system.
    PaymentRecorded {
        /// Our number.
        number: String,
        /// Number of the bill.
        bill: String,
        /// What was paid, 分.
        paid: i64,
        /// The receipt.
        receipt: Receipt,
        /// Who recorded it.
        by: Actor,
    },
    /// The provider is asked about an order or a refund again.
    ProviderAsked {
        /// Number of the payment order or the refund.
        number: String,
    },
    /// The provider cannot say yet.
    ProviderWaits {
        /// Number of the payment order or the refund.
        number: String,
        /// When it is asked again.
        ask_at: Timestamp,
        /// Where the payer pays.
        pay_url: String,
        /// The provider's reference.
        reference: String,
    },
    /// 已缴.
    PaymentReceived {
        /// Our order number.
        number: String,
        /// What was paid, 分.
        paid: i64,
        /// The provider's reference.
        reference: String,
        /// It is with the treasury already.
        remitted: bool,
    },
    /// It came to nothing.
    PaymentFailed {
        /// Our order number.
        number: String,
        /// Why.
        reason: String,
    },
    /// The provider takes back what it said: what was said first holds, and a person must look.
    PaymentContradicted {
        /// Our order number.
        number: String,
        /// What it says now.
        said: String,
    },
    /// 缴入国库或者财政专户 (行政许可法 art. 59).
    PaymentRemitted {
        /// Our order number.
        number: String,
    },
    /// 电子票据.
    FeeReceiptIssued {
        /// Our order number.
        number: String,
        /// The receipt.
        receipt: Receipt,
    },
    /// 申请退付.
    RefundRequested {
        /// Its number.
        number: String,
        /// Number of the payment order.
        payment: String,
        /// How much, 分.
        amount: i64,
        /// Why.
        cause: Cause,
        /// In words.
        reason: Option<Personal>,
        /// By whom; the law itself for what was paid too much.
        by: Actor,
    },
    /// 同意退付.
    RefundApproved {
        /// Its number.
        number: String,
        /// By whom.
        by: Actor,
        /// Who carries it out; empty in entries that are older than the field.
        #[serde(default)]
        provider: String,
    },
    /// 不同意退付.
    RefundRefused {
        /// Its number.
        number: String,
        /// Why.
        reason: String,
        /// By whom.
        by: Actor,
    },
    /// 已退.
    RefundPaid {
        /// Its number.
        number: String,
        /// The provider's reference, or the voucher's number.
        reference: String,
        /// Who recorded it; nobody where the provider said so.
        #[serde(default)]
        by: Option<Actor>,
    },
    /// The provider says of an order what does not agree with the books: a person must look.
    RefundContradicted {
        /// Its number.
        number: String,
        /// Our number of the order.
        order: String,
        /// What it says.
        said: String,
    },
    /// The provider could not: it is approved anew, or not.
    RefundFailed {
        /// Its number.
        number: String,
        /// Why.
        reason: String,
    },
}
