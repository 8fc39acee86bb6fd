//! 收费: the fees of an application, one stream beside it: what was assessed, the bill (缴款通知), its payment orders with the
//! provider, receipts, exemptions and refunds, and the books of it all.
//!
//! Invariant: every amount is one that the charge list of the item's pinned version gives (行政许可法 art. 58), the accounts sum to
//! zero, and nothing is refunded beyond what was paid.

pub mod bill;
pub mod books;
pub mod decide;
mod event;
mod evolve;
pub mod payment;
pub mod provider;
pub mod pursuing;
pub mod refund;

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_ledger::{Aggregate, Index, Meta, Personal, Read, Refusal, StreamId, Tag, Timestamp, UniqueKey};

use self::books::Books;
pub use self::event::Event;
use self::provider::Receipt;
use crate::application::{Actor, Application};
use crate::catalogue::details::{ChargeLine, PaidBefore};
use crate::limit::legal_date;

/// The scope of the numbers of bills.
pub const BILL: &str = "BILL_NUMBER_TAKEN";
/// The scope of the receipts under which payments were recorded by hand: one receipt is one payment.
pub const RECEIPT: &str = "RECEIPT_TAKEN";
/// In place of a provider's name: paid or refunded at the window or a bank, and recorded by hand.
pub const BY_HAND: &str = "-";

/// 减免 by a decision, beyond what the list itself lets off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiver {
    /// What is let off, 分.
    pub amount: i64,
    /// The rule that it rests on.
    pub basis: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// Who decided it.
    pub by: Actor,
}

/// A line that was assessed. Amounts are in 分.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Code in the charge list.
    pub code: String,
    /// Its name.
    pub name: String,
    /// How many units; 0 for a range.
    pub units: u32,
    /// What the list says.
    pub amount: i64,
    /// 减免: what the list lets off.
    pub exempt: i64,
    /// Code of the exemption.
    pub exemption: String,
    /// The rules behind it.
    pub bases: Vec<String>,
    /// When.
    pub at: Timestamp,
    /// What may not happen before it is paid.
    #[serde(default)]
    pub before: PaidBefore,
    /// Who assessed it; nobody in records that are older than the field.
    #[serde(default)]
    pub by: Actor,
    /// 减免 by a decision.
    #[serde(default)]
    pub waivers: Vec<Waiver>,
}

impl Line {
    /// What a decision lets off.
    pub fn waived(&self) -> i64 {
        self.waivers.iter().map(|waiver| waiver.amount).sum()
    }

    /// What is to be paid.
    pub fn payable(&self) -> i64 {
        self.amount - self.exempt - self.waived()
    }
}

/// Whose fees they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matter {
    /// The application.
    pub application: StreamId,
    /// 事项编码.
    pub item: String,
    /// 事项名称.
    pub item_name: String,
    /// 实施主体编码: who charges.
    pub organisation: String,
    /// 行政区划.
    pub region: String,
}

impl Matter {
    /// That of an application.
    pub fn of(app: &Read<Application>) -> Self {
        let item = &app.state.item;
        Self {
            application: app.stream,
            item: item.code.clone(),
            item_name: item.name.clone(),
            organisation: item.organisation.clone(),
            region: item.region.clone(),
        }
    }
}

/// How far an application's fees are closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// It was withdrawn or not accepted: nothing is charged any more.
    Ended,
    /// It was turned down: what is paid before the result is handed out is not charged, for there is none.
    NotGranted,
}

/// That nothing more is charged, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// How far.
    pub end: End,
    /// Why.
    pub reason: String,
}

/// How a bill was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancelled {
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Actor,
}

/// 缴款通知.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bill {
    /// 缴款通知编号.
    pub number: String,
    /// Its lines, with what they came to when it was cancelled or as they stand.
    pub lines: Vec<Line>,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Actor,
    /// What was written off when it was cancelled after a part was paid.
    pub written_off: i64,
    /// How it was taken back; none while it stands.
    pub cancelled: Option<Cancelled>,
}

impl Bill {
    /// What it comes to.
    pub fn payable(&self) -> i64 {
        self.lines.iter().map(Line::payable).sum()
    }
}

/// What is known of a payment order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PaymentState {
    /// Nobody knows yet.
    Waiting,
    /// 已缴.
    Paid,
    /// It came to nothing; the provider may still say otherwise.
    Failed {
        /// Why.
        reason: String,
    },
}

/// A payment order with the provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Our order number: the provider acts once for it.
    pub number: String,
    /// Number of the bill.
    pub bill: String,
    /// What is asked for, 分.
    pub amount: i64,
    /// What is known of it.
    pub state: PaymentState,
    /// When it was placed.
    pub at: Timestamp,
    /// Until then no other order of the bill is placed.
    pub expires: Timestamp,
    /// Who placed it.
    pub by: Actor,
    /// How often the provider said that it waits.
    pub asked: u32,
    /// When the provider is asked again; none while it is being asked, or nothing is open.
    pub ask_at: Option<Timestamp>,
    /// Where the payer pays.
    pub pay_url: String,
    /// The provider's reference.
    pub reference: String,
    /// What was paid, 分.
    pub paid: i64,
    /// Of it what the bill took; the rest was too much.
    pub applied: i64,
    /// When it was known to be paid.
    pub paid_at: Option<Timestamp>,
    /// 已缴入国库或者财政专户.
    pub remitted: bool,
    /// 电子票据.
    pub receipt: Option<Receipt>,
    /// The provider has said two things that do not agree.
    pub contradicted: bool,
    /// With whom it was placed; empty in records that are older than the field, [`BY_HAND`] where it was recorded.
    #[serde(default)]
    pub provider: String,
}

/// Why money goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// 多缴.
    Overpaid,
    /// 减免 after it was paid.
    Waived,
    /// 误收.
    WrongCharge,
    /// The application ended before the charged service was rendered.
    NotRendered,
    /// 其他.
    Other,
}

/// Where a refund stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefundState {
    /// 申请退付.
    Requested,
    /// 同意退付; the provider is at it.
    Approved,
    /// 不同意退付.
    Refused {
        /// Why.
        reason: String,
    },
    /// 已退.
    Paid,
}

/// A refund of a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Its number.
    pub number: String,
    /// Number of the payment order.
    pub payment: String,
    /// How much, 分.
    pub amount: i64,
    /// Why.
    pub cause: Cause,
    /// In words.
    pub reason: Option<Personal>,
    /// Where it stands.
    pub state: RefundState,
    /// Asked for when.
    pub at: Timestamp,
    /// By whom.
    pub by: Actor,
    /// It stands in the books as owed.
    pub owed: bool,
    /// How often it was approved: each has an order of its own with the provider.
    pub attempts: u32,
    /// Why the provider did not do it the last time.
    pub failure: String,
    /// Who approved or refused it.
    pub decided_by: Option<Actor>,
    /// How often the provider said that it waits.
    pub asked: u32,
    /// When the provider is asked again.
    pub ask_at: Option<Timestamp>,
    /// The provider's reference.
    pub reference: String,
    /// Who carries out the present order; empty in records that are older than the field, [`BY_HAND`] where a person does.
    #[serde(default)]
    pub provider: String,
    /// Orders of which the provider has said what does not agree with the books.
    #[serde(default)]
    pub contradicted: BTreeSet<String>,
}

impl Refund {
    /// Our number of the present order with the provider.
    pub fn order(&self) -> String {
        self.order_of(self.attempts)
    }

    /// Our number of the n-th order.
    fn order_of(&self, attempt: u32) -> String {
        format!("{}-{attempt}", self.number)
    }

    /// Our numbers of the orders before the present one: each has failed.
    pub fn earlier(&self) -> impl Iterator<Item = String> {
        (1..self.attempts).map(|attempt| self.order_of(attempt))
    }
}

/// Whether somebody of this name is asked about an order that was placed with that one. Nobody else has ever heard its number, and
/// would take it for a new one.
pub fn asks(placed_with: &str, name: &str) -> bool {
    placed_with.is_empty() || placed_with == name
}

/// The fees of an application.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fees {
    /// The lines that are on no bill yet.
    pub lines: Vec<Line>,
    /// Whose they are; none before the first line.
    pub matter: Option<Box<Matter>>,
    /// Day of the first line; none before it.
    pub opened: Option<NaiveDate>,
    /// The bills.
    pub bills: Vec<Bill>,
    /// The payment orders.
    pub payments: Vec<Payment>,
    /// The refunds.
    pub refunds: Vec<Refund>,
    /// The accounts.
    pub books: Books,
    /// Nothing more is charged; none while it may be.
    #[serde(default)]
    pub closed: Option<Closed>,
    /// Codes of the charges that somebody said are not due.
    #[serde(default)]
    pub not_due: BTreeSet<String>,
}

/// The stream of an application's fees.
pub fn stream(application: StreamId) -> StreamId {
    StreamId::named(Fees::KIND, &application.to_string())
}

/// `PAYMENT_NOT_FOUND`.
pub fn payment_not_found() -> Refusal {
    Refusal { reason: "PAYMENT_NOT_FOUND", ..Refusal::not_found("缴款") }
}

impl Fees {
    /// A bill by its number.
    pub fn bill(&self, number: &str) -> Option<&Bill> {
        self.bills.iter().find(|bill| bill.number == number)
    }

    /// A payment order by its number.
    pub fn payment(&self, number: &str) -> Option<&Payment> {
        self.payments.iter().find(|payment| payment.number == number)
    }

    /// A refund by its number.
    pub fn refund(&self, number: &str) -> Option<&Refund> {
        self.refunds.iter().find(|refund| refund.number == number)
    }

    /// A refund by the number of one of its orders.
    pub fn refund_of(&self, order: &str) -> Option<&Refund> {
        let has = |refund: &&Refund| (1..=refund.attempts).any(|attempt| refund.order_of(attempt) == order);
        self.refunds.iter().find(has)
    }

    /// Every line in force, with the number of its bill, empty for none.
    pub fn all_lines(&self) -> impl Iterator<Item = (&Line, &str)> {
        let standing = self.bills.iter().filter(|bill| bill.cancelled.is_none());
        let billed = standing.flat_map(|bill| bill.lines.iter().map(|line| (line, bill.number.as_str())));
        self.lines.iter().map(|line| (line, "")).chain(billed)
    }

    /// What of a bill was paid.
    pub fn applied(&self, bill: &str) -> i64 {
        self.payments.iter().filter(|payment| payment.bill == bill).map(|payment| payment.applied).sum()
    }

    /// What of a bill is still to be paid.
    pub fn open(&self, bill: &Bill) -> i64 {
        match bill.cancelled {
            Some(_) => 0,
            None => (bill.payable() - self.applied(&bill.number)).max(0),
        }
    }

    /// What of a payment may still go back.
    pub fn refundable(&self, payment: &Payment) -> i64 {
        let refunds = self.refunds.iter().filter(|refund| refund.payment == payment.number);
        let bound = refunds.filter(|refund| !matches!(refund.state, RefundState::Refused { .. }));
        payment.paid - bound.map(|refund| refund.amount).sum::<i64>()
    }

    /// Whether something is unpaid that the list wants paid before what it names, or stands on the list and nobody has said whether it
    /// is due.
    pub fn holds_up(&self, what: PaidBefore, listed: &[ChargeLine]) -> bool {
        let said = |code: &str| self.not_due.contains(code) || self.all_lines().any(|(line, _)| line.code == code);
        if listed.iter().any(|charge| charge.paid_before == what && !said(&charge.code)) {
            return true;
        }
        let unpaid = |number: &str| match self.bill(number) {
            Some(bill) => self.open(bill) > 0,
            None => true,
        };
        self.all_lines().any(|(line, bill)| line.before == what && line.payable() > 0 && unpaid(bill))
    }

    fn ask_at(&self) -> Option<Timestamp> {
        let refunds = self.refunds.iter().filter_map(|refund| refund.ask_at);
        self.payments.iter().filter_map(|payment| payment.ask_at).chain(refunds).min()
    }
}

impl Aggregate for Fees {
    const KIND: &'static str = "fee";
    const SCHEMA: i32 = 3;
    type Event = Event;

    fn evolve(&mut self, event: &Event, meta: &Meta) {
        evolve::evolve(self, event, meta);
    }

    fn index(&self) -> Index {
        let matter = self.matter.as_deref();
        Index {
            region: matter.map(|matter| matter.region.clone()).unwrap_or_default(),
            organisation: matter.map(|matter| matter.organisation.clone()).unwrap_or_default(),
            item: matter.map(|matter| matter.item.clone()).unwrap_or_default(),
            due_at: self.ask_at(),
            ..Index::default()
        }
    }

    fn tags(&self) -> Vec<Tag> {
        // read with its application; the audience is supervision's, who reads the books of a month
        let (Some(matter), Some(opened)) = (&self.matter, self.opened) else { return Vec::new() };
        let audience = format!("region:{}", matter.region);
        let month = format!("{}/{}", matter.region, opened.format("%Y-%m"));
        vec![Tag::new(Tag::AUDIENCE, audience, ""), Tag::new("month", month, "")]
    }

    fn keys(&self) -> Vec<UniqueKey> {
        let bills = self.bills.iter().map(|bill| UniqueKey { scope: BILL, key: bill.number.clone() });
        let recorded = self.payments.iter().filter(|payment| payment.provider == BY_HAND);
        let receipts = recorded.filter_map(|payment| payment.receipt.as_ref());
        let receipt = |one: &Receipt| UniqueKey { scope: RECEIPT, key: format!("{}/{}", one.code, one.number) };
        bills.chain(receipts.map(receipt)).collect()
    }
}

/// The day of a moment.
fn day(at: Timestamp) -> NaiveDate {
    legal_date(at)
}
