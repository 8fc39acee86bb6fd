//! 账: what each event moves between the accounts. Double entry: the postings of an event sum to zero.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Bill, Event, Fees, Line};

/// An account. Amounts are in 分; what is had or claimed is positive, what is owed or earned negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, strum::EnumIter)]
#[serde(rename_all = "snake_case")]
pub enum Account {
    /// 应收: what the applicant still has to pay.
    Receivable,
    /// 在途: paid to the provider, and not with the treasury yet.
    Clearing,
    /// 国库、财政专户 (行政许可法 art. 59).
    Treasury,
    /// 应退: what goes back to the payer.
    RefundPayable,
    /// 减免.
    Exempted,
    /// 收入: what was assessed by the list.
    Income,
}

/// The balances.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Books(pub BTreeMap<Account, i64>);

impl Books {
    /// The balance of an account.
    pub fn of(&self, account: Account) -> i64 {
        self.0.get(&account).copied().unwrap_or_default()
    }

    /// Zero, always.
    pub fn sum(&self) -> i64 {
        self.0.values().sum()
    }

    /// Adds what an event moves.
    pub fn post(&mut self, postings: &[(Account, i64)]) {
        for (account, amount) in postings {
            *self.0.entry(*account).or_default() += amount;
        }
    }

    /// Adds the balances of other books.
    pub fn add(&mut self, other: &Books) {
        for (account, amount) in &other.0 {
            *self.0.entry(*account).or_default() += amount;
        }
    }
}

fn charge(line: &Line) -> Vec<(Account, i64)> {
    let exempt = line.exempt + line.waived();
    vec![
        (Account::Receivable, line.payable()),
        (Account::Exempted, exempt),
        (Account::Income, -(line.payable() + exempt)),
    ]
}

fn back(lines: &[Line]) -> Vec<(Account, i64)> {
    lines.iter().flat_map(charge).map(|(account, amount)| (account, -amount)).collect()
}

/// A bill that is taken back: its lines, where nothing was paid; otherwise what is open is written off.
fn cancelled(fees: &Fees, bill: &Bill) -> Vec<(Account, i64)> {
    if fees.applied(&bill.number) == 0 {
        return back(&bill.lines);
    }
    let open = fees.open(bill);
    vec![(Account::Receivable, -open), (Account::Income, open)]
}

/// What comes in for a bill; what the bill does not take is owed back.
fn received(fees: &Fees, bill: &str, paid: i64, with: Account) -> Vec<(Account, i64)> {
    let applied = fees.bill(bill).map_or(0, |bill| fees.open(bill)).min(paid);
    vec![(with, paid), (Account::Receivable, -applied), (Account::RefundPayable, -(paid - applied))]
}

/// What an event moves, by the state before it.
pub fn postings(fees: &Fees, event: &Event) -> Vec<(Account, i64)> {
    match event {
        Event::FeeAssessed { line, .. } => charge(line),
        Event::FeeStruck { code, .. } => fees
            .lines
            .iter()
            .find(|line| line.code == *code)
            .map(|line| back(std::slice::from_ref(line)))
            .unwrap_or_default(),
        Event::BillCancelled { number, .. } => fees.bill(number).map(|bill| cancelled(fees, bill)).unwrap_or_default(),
        Event::FeeWaived { bill, amount, .. } => {
            let open = fees.bill(bill).map_or(*amount, |bill| fees.open(bill)).min(*amount);
            vec![(Account::Exempted, *amount), (Account::Receivable, -open), (Account::RefundPayable, -(amount - open))]
        }
        Event::PaymentReceived { number, paid, remitted, .. } => {
            let with = if *remitted { Account::Treasury } else { Account::Clearing };
            received(fees, fees.payment(number).map_or("", |payment| &payment.bill), *paid, with)
        }
        Event::PaymentRecorded { bill, paid, .. } => received(fees, bill, *paid, Account::Treasury),
        Event::PaymentRemitted { number } => {
            // what went back before it came to the treasury went back out of it
            let left = fees.payment(number).map_or(0, |payment| payment.paid - fees.paid_back(&payment.number));
            vec![(Account::Treasury, left), (Account::Clearing, -left)]
        }
        Event::RefundApproved { number, .. } => match fees.refund(number) {
            Some(refund) if !refund.owed => {
                vec![(Account::Income, refund.amount), (Account::RefundPayable, -refund.amount)]
            }
            _ => Vec::new(),
        },
        Event::RefundPaid { number, .. } => {
            let Some(refund) = fees.refund(number) else { return Vec::new() };
            let remitted = fees.payment(&refund.payment).is_some_and(|payment| payment.remitted);
            let from = if remitted { Account::Treasury } else { Account::Clearing };
            vec![(Account::RefundPayable, refund.amount), (from, -refund.amount)]
        }
        Event::BillIssued { .. }
        | Event::FeesClosed { .. }
        | Event::RefundContradicted { .. }
        | Event::PaymentPlaced { .. }
        | Event::ProviderAsked { .. }
        | Event::ProviderWaits { .. }
        | Event::PaymentFailed { .. }
        | Event::PaymentContradicted { .. }
        | Event::FeeReceiptIssued { .. }
        | Event::RefundRequested { .. }
        | Event::RefundRefused { .. }
        | Event::RefundFailed { .. } => Vec::new(),
    }
}

impl Fees {
    /// What of a payment went back.
    pub fn paid_back(&self, payment: &str) -> i64 {
        let paid = self.refunds.iter().filter(|refund| matches!(refund.state, super::RefundState::Paid));
        paid.filter(|refund| refund.payment == payment).map(|refund| refund.amount).sum()
    }
}
