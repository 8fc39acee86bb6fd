//! 缴款通知, its cancellation, and 减免 by a decision.

use yiwang_ledger::{Context, Decision, Kind, Refusal};

use super::refund::owed_back;
use super::{Bill, Cause, Closed, End, Event, Fees, Line, Matter, PaymentState, day};
use crate::application::Actor;
use crate::catalogue::details::PaidBefore;
use crate::drafting::check::cites;

/// No application has more bills.
const MOST_BILLS: usize = 20;

/// 缴款通知编号: the day, twelve digits of the command's seed, and which bill of the application it is. Short, since some providers
/// take no order number of more than 32 characters. No national layout of a number that an organ gives was found (缴款码 are the
/// finance department's); unverified.
fn number(fees: &Fees, cx: &Context) -> String {
    let digits: String = cx.seed[..12].iter().map(|byte| char::from(b'0' + byte % 10)).collect();
    format!("JK{}{digits}{:02}", day(cx.now).format("%y%m%d"), fees.bills.len() + 1)
}

/// Bills every line that is on no bill yet.
///
/// # Errors
/// `NOTHING_TO_PAY`, `TOO_MANY_BILLS`.
pub fn issue(fees: &Fees, matter: &Matter, by: &Actor, cx: &Context) -> Decision<Event> {
    if fees.lines.iter().map(Line::payable).sum::<i64>() == 0 {
        let (zh, en) = ("没有需要缴纳的费用", "nothing is to be paid that is on no bill");
        return Err(Refusal::state("NOTHING_TO_PAY", zh, en));
    }
    if fees.bills.len() >= MOST_BILLS {
        return Err(Refusal::state("TOO_MANY_BILLS", "缴款通知过多", "too many bills"));
    }
    let matter = Box::new(matter.clone());
    Ok(vec![Event::BillIssued { number: number(fees, cx), matter, by: by.clone() }])
}

/// `BILL_NOT_FOUND`.
pub fn not_found() -> Refusal {
    Refusal { reason: "BILL_NOT_FOUND", ..Refusal::not_found("缴款通知") }
}

/// A bill of which something is open.
///
/// # Errors
/// `BILL_NOT_FOUND`, `BILL_SETTLED`.
pub(super) fn unsettled<'a>(fees: &'a Fees, number: &str) -> Result<&'a Bill, Refusal> {
    let bill = fees.bill(number).ok_or_else(not_found)?;
    if fees.open(bill) == 0 {
        let (zh, en) = ("该缴款通知已缴清或者已撤销", "the bill is paid or cancelled: nothing of it is open");
        return Err(Refusal::state("BILL_SETTLED", zh, en));
    }
    Ok(bill)
}

/// Takes a bill back, while nothing of it was paid and nobody is paying it.
///
/// # Errors
/// `BILL_NOT_FOUND`, `BILL_SETTLED`, `BILL_PAID`, `PAYMENT_UNDERWAY`.
pub fn cancel(fees: &Fees, number: &str, reason: &str, by: &Actor, cx: &Context) -> Decision<Event> {
    unsettled(fees, number)?;
    if fees.applied(number) > 0 {
        let (zh, en) = ("该缴款通知已有缴款，请办理退付", "something of it was paid: refund it");
        return Err(Refusal::state("BILL_PAID", zh, en));
    }
    underway(fees, number, cx)?;
    Ok(vec![Event::BillCancelled { number: number.to_owned(), reason: reason.to_owned(), by: by.clone() }])
}

/// Nobody is paying the bill.
///
/// # Errors
/// `PAYMENT_UNDERWAY`.
pub(super) fn underway(fees: &Fees, bill: &str, cx: &Context) -> Result<(), Refusal> {
    let of = fees.payments.iter().filter(|payment| payment.bill == bill);
    let waiting = |one: &&super::Payment| one.state == PaymentState::Waiting && cx.now < one.expires;
    if of.into_iter().any(|payment| waiting(&payment)) {
        let (zh, en) = ("正在缴款，请等待缴款结果", "somebody is paying it: wait for the outcome");
        return Err(Refusal::state("PAYMENT_UNDERWAY", zh, en));
    }
    Ok(())
}

/// The application has ended: what was not paid need not be, and nothing more is charged. Where it was turned down, that holds for what is
/// paid for the result; another charge of the same bill is to be billed anew. What comes in after it goes back.
pub fn close(fees: &Fees, matter: &Matter, closed: &Closed) -> Decision<Event> {
    if fees.closed.as_ref().is_some_and(|known| known.end == End::Ended || known.end == closed.end) {
        return Ok(Vec::new());
    }
    let gone = |line: &Line| closed.end == End::Ended || line.before == PaidBefore::HandingOut;
    let mut events = Vec::new();
    events.extend(fees.lines.iter().filter(|line| gone(line)).map(|line| Event::FeeStruck {
        code: line.code.clone(),
        reason: closed.reason.clone(),
        by: Actor::system(),
        matter: None,
    }));
    for bill in fees.bills.iter().filter(|bill| fees.open(bill) > 0 && bill.lines.iter().any(gone)) {
        let (kept, reason) = (bill.lines.iter().filter(|line| !gone(line)), closed.reason.clone());
        // a part of a mixed bill was paid: nobody can tell for which line, so a person looks
        if kept.clone().next().is_some() && fees.applied(&bill.number) > 0 {
            continue;
        }
        events.push(Event::BillCancelled { number: bill.number.clone(), reason, by: Actor::system() });
        events.extend(kept.map(|line| Event::FeeAssessed {
            line: Box::new(line.clone()),
            by: line.by.clone(),
            matter: None,
        }));
    }
    events.push(Event::FeesClosed { closed: closed.clone(), matter: Box::new(matter.clone()) });
    Ok(events)
}

/// 减免 by a decision.
#[derive(Clone, Debug)]
pub struct Waive {
    /// Code of the line.
    pub code: String,
    /// What is let off, 分.
    pub amount: i64,
    /// The rule that it rests on.
    pub basis: String,
    /// Why.
    pub reason: String,
}

/// Lets off what a decision with its basis lets off, by somebody else than who assessed it. What was paid already is owed back.
///
/// # Errors
/// `FEE_NOT_FOUND`, `SAME_PERSON`, `BASIS_NOT_CITED`, `WAIVER_TOO_LARGE`.
pub fn waive(fees: &Fees, ask: &Waive, by: &Actor) -> Decision<Event> {
    let of = |(line, _): &(&Line, &str)| line.code == ask.code;
    let (line, bill) = fees.all_lines().find(of).ok_or_else(|| {
        let (zh, en) = ("没有核定过这个收费项目", "no such line was assessed");
        Refusal { kind: Kind::NotFound, ..Refusal::field("line_code", "FEE_NOT_FOUND", zh, en) }
    })?;
    if line.by.id == by.id {
        let (zh, en) = ("核定收费的人员不得决定减免", "who assessed it does not let it off");
        return Err(Refusal::new(Kind::PermissionDenied, "SAME_PERSON", zh, en));
    }
    if !cites(&ask.basis) {
        let (zh, en) = ("依据应写明《文件名》或者文号", "cites neither a law by its name nor a document by its number");
        return Err(Refusal::field("basis", "BASIS_NOT_CITED", zh, en));
    }
    let too_large = || {
        let (zh, en) =
            ("减免金额超出该项目应缴、已缴而未退的金额", "more than is to be paid, or was paid and not refunded");
        Refusal::field("amount_fen", "WAIVER_TOO_LARGE", zh, en)
    };
    if ask.amount <= 0 || ask.amount > line.payable() {
        return Err(too_large());
    }
    let open = fees.bill(bill).map_or(ask.amount, |bill| fees.open(bill));
    let back = owed_back(fees, bill, (ask.amount - open).max(0), Cause::Waived, by).ok_or_else(too_large)?;
    let mut events = vec![Event::FeeWaived {
        code: ask.code.clone(),
        bill: bill.to_owned(),
        amount: ask.amount,
        basis: ask.basis.clone(),
        reason: ask.reason.clone(),
        by: by.clone(),
    }];
    events.extend(back);
    Ok(events)
}
