//! From an order to what became of it: the provider is asked, and what it says is written. The same code runs in the handler that
//! placed the order and in the relay `payments`, which goes on for as long as the provider is away.

use std::sync::Arc;

use async_trait::async_trait;
use yiwang_kit::followed::Followed;
use yiwang_ledger::{Audiences, Call, Context, Delivery, Entry, Ledger, Refusal, Route, StreamId};

use super::payment::{self, Wanted};
use super::provider::{Away, Order, Provider, RefundOrder};
use super::{BY_HAND, Closed, End, Event, Fees, Matter, Payment, Refund, RefundState, asks, bill};
use crate::application::Application;
use crate::outside::Halt;

/// Names of the events after which the provider is asked.
const CALLING: [&str; 5] = ["PaymentPlaced", "PaymentReceived", "ProviderAsked", "RefundApproved", "RefundPaid"];

/// Whom the provider is asked about.
fn order(fees: &Fees, payment: &Payment) -> Order {
    let matter = fees.matter.as_deref();
    Order {
        number: payment.number.clone(),
        bill: payment.bill.clone(),
        // the receipt is for what was paid
        fen: if payment.paid > 0 { payment.paid } else { payment.amount },
        title: matter.map(|matter| matter.item_name.clone()).unwrap_or_default(),
        organisation: matter.map(|matter| matter.organisation.clone()).unwrap_or_default(),
    }
}

/// Asks the provider what is open of an order or a refund, and writes what it says. What was placed with another is not its business.
/// `cause` names the entry that calls for it.
///
/// # Errors
/// The provider is away; those of the ledger.
pub async fn pursue(
    ledger: &Ledger,
    provider: Option<&Arc<dyn Provider>>,
    stream: StreamId,
    number: &str,
    (cause, trace): (&str, &str),
) -> Result<(), Halt> {
    let Some(read) = ledger.get::<Fees>(stream, &Audiences::all()).await? else { return Ok(()) };
    let fees = &read.state;
    let whose = |placed_with: &str| match provider {
        Some(provider) if asks(placed_with, provider.name()) => Ok(provider),
        Some(_) => Err(Away(format!("it was placed with {placed_with}"))),
        None => Err(Away("no provider is configured".to_owned())),
    };
    if let Some(found) = fees.payment(number) {
        // it was answered, and is asked again at its time
        let wanted = payment::wanted(found).filter(|_| found.ask_at.is_none());
        let (mut asked, number) = (order(fees, found), number.to_owned());
        match wanted {
            None => {}
            Some(Wanted::Payment) => {
                asked.fen = found.amount;
                let said = whose(&found.provider)?.pay(&asked).await?;
                let rule = move |fees: &Fees, cx: &Context| payment::said(fees, &number, &said, cx);
                ledger.execute::<Fees>(stream, Call::system(format!("paid.{cause}"), trace), rule).await?;
            }
            Some(Wanted::Receipt) => {
                let receipt = whose(&found.provider)?.receipt(&asked).await?;
                let rule = move |fees: &Fees, cx: &Context| payment::receipt(fees, &number, receipt.as_ref(), cx);
                ledger.execute::<Fees>(stream, Call::system(format!("receipt.{cause}"), trace), rule).await?;
            }
        }
        return Ok(());
    }
    for (refund, placed) in refund_orders(fees, number) {
        let said = whose(&refund.provider)?.refund(&placed).await?;
        let (number, call) =
            (refund.number.clone(), Call::system(format!("refunded.{cause}.{}", placed.number), trace));
        let rule = move |fees: &Fees, cx: &Context| payment::said_of_refund(fees, &number, &placed.number, &said, cx);
        ledger.execute::<Fees>(stream, call, rule).await?;
    }
    Ok(())
}

/// The orders of a refund that are asked about: the present one; once it was carried out, those before it, one of which may have been
/// carried out as well; or the one that is named.
fn refund_orders<'a>(fees: &'a Fees, number: &str) -> Vec<(&'a Refund, RefundOrder)> {
    let (refund, orders) = match (fees.refund(number), fees.refund_of(number)) {
        (Some(refund), _) => match refund.state {
            RefundState::Approved if refund.ask_at.is_none() => (refund, vec![refund.order()]),
            RefundState::Paid => (refund, refund.earlier().collect()),
            _ => return Vec::new(),
        },
        (None, Some(refund)) => (refund, vec![number.to_owned()]),
        (None, None) => return Vec::new(),
    };
    let by_hand = refund.provider == BY_HAND;
    let placed = |number: String| RefundOrder { number, payment: refund.payment.clone(), fen: refund.amount };
    orders.into_iter().filter(|_| !by_hand).map(|number| (refund, placed(number))).collect()
}

/// The relay `payments`: the provider is asked for as long as it is away, and what an application no longer owes is taken back.
pub struct Payments {
    /// The ledger.
    pub ledger: Ledger,
    /// Who takes the money; none where nothing is paid online.
    pub provider: Followed<Option<Arc<dyn Provider>>>,
}

#[async_trait]
impl Route for Payments {
    fn wants(&self, entry: &Entry) -> bool {
        (entry.is::<Fees>() && CALLING.contains(&entry.kind.as_str()))
            || (entry.is::<Application>() && matches!(entry.kind.as_str(), "Withdrawn" | "Refused" | "Concluded"))
    }

    async fn deliver(&self, entry: &Entry, _request_id: &str) -> Delivery {
        let done = match entry.is::<Application>() {
            true => self.close(entry).await,
            false => self.pursue(entry).await,
        };
        match done {
            Ok(()) => Delivery::Done,
            Err(refusal) => Delivery::Later { reason: refusal.reason.to_owned() },
        }
    }
}

impl Payments {
    async fn pursue(&self, entry: &Entry) -> Result<(), Refusal> {
        let number = match self.ledger.decode::<Fees>(entry).await? {
            Event::PaymentPlaced { number, .. }
            | Event::PaymentReceived { number, .. }
            | Event::ProviderAsked { number }
            | Event::RefundPaid { number, .. }
            | Event::RefundApproved { number, .. } => number,
            _ => return Ok(()),
        };
        let provider = self.provider.now();
        let cause = entry.hash.to_string();
        match pursue(&self.ledger, (*provider).as_ref(), entry.stream, &number, (&cause, &entry.trace)).await {
            Ok(()) => Ok(()),
            Err(Halt::Ledger(refusal)) => Err(refusal),
            // asked at its time, by the timer: the feed goes on to what else there is
            Err(Halt::Away(away)) => {
                tracing::warn!(fees = %entry.stream, %number, %away, "asked again later");
                let rule = move |fees: &Fees, cx: &Context| payment::away(fees, &number, cx);
                let call = Call::system(format!("away.{cause}"), &entry.trace);
                self.ledger.execute::<Fees>(entry.stream, call, rule).await.map(drop)
            }
        }
    }

    /// The application has ended without a decision, or was turned down.
    async fn close(&self, entry: &Entry) -> Result<(), Refusal> {
        let Some(app) = self.ledger.state_at::<Application>(entry.stream, entry.version).await? else { return Ok(()) };
        let granted = app.state.conclusion.as_ref().is_some_and(|conclusion| conclusion.granted);
        let (end, reason) = match entry.kind.as_str() {
            "Refused" => (End::Ended, "申请不予受理"),
            "Concluded" => (End::NotGranted, "申请未获准予"),
            _ => (End::Ended, "申请已撤回"),
        };
        // of a draft nothing is charged
        if app.state.receipt.is_none() || (end == End::NotGranted && granted) {
            return Ok(());
        }
        let (matter, closed) = (Matter::of(&app), Closed { end, reason: reason.to_owned() });
        let call = Call::system(format!("fees.{}", entry.hash), &entry.trace);
        let rule = move |fees: &Fees, _: &Context| bill::close(fees, &matter, &closed);
        self.ledger.execute::<Fees>(super::stream(entry.stream), call, rule).await.map(drop)
    }
}
