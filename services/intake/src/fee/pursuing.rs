//! From an order to what became of it: the provider is asked, and what it says is written. The same code runs in the handler that
//! placed the order and in the relay `payments`, which goes on for as long as the provider is away.

use std::sync::Arc;

use async_trait::async_trait;
use yiwang_kit::followed::Followed;
use yiwang_ledger::{Audiences, Call, Context, Delivery, Entry, Ledger, Refusal, Route, StreamId};

use super::payment::{self, Wanted};
use super::provider::{Away, Order, Provider, RefundOrder};
use super::{Event, Fees, Payment, RefundState, bill};
use crate::application::Application;

/// Names of the events after which the provider is asked.
const CALLING: [&str; 4] = ["PaymentPlaced", "PaymentReceived", "ProviderAsked", "RefundApproved"];

/// Why it goes no further now.
#[derive(Debug)]
pub enum Halt {
    /// The provider is away.
    Provider(Away),
    /// The ledger refuses.
    Ledger(Refusal),
}

impl From<Refusal> for Halt {
    fn from(refusal: Refusal) -> Self {
        Halt::Ledger(refusal)
    }
}

impl From<Away> for Halt {
    fn from(away: Away) -> Self {
        Halt::Provider(away)
    }
}

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

/// Asks the provider what is open of an order or a refund, and writes what it says. `cause` names the entry that calls for it.
///
/// # Errors
/// The provider is away; those of the ledger.
pub async fn pursue(
    ledger: &Ledger,
    provider: &Arc<dyn Provider>,
    stream: StreamId,
    number: &str,
    (cause, trace): (&str, &str),
) -> Result<(), Halt> {
    let Some(read) = ledger.get::<Fees>(stream, &Audiences::all()).await? else { return Ok(()) };
    let (fees, number) = (&read.state, number.to_owned());
    if let Some(found) = fees.payment(&number) {
        // it was answered, and is asked again at its time
        if found.ask_at.is_some() {
            return Ok(());
        }
        let mut asked = order(fees, found);
        match payment::wanted(found) {
            None => {}
            Some(Wanted::Payment) => {
                asked.fen = found.amount;
                let said = provider.pay(&asked).await?;
                let rule = move |fees: &Fees, cx: &Context| payment::said(fees, &number, &said, cx);
                ledger.execute::<Fees>(stream, Call::system(format!("paid.{cause}"), trace), rule).await?;
            }
            Some(Wanted::Receipt) => {
                let receipt = provider.receipt(&asked).await?;
                let rule = move |fees: &Fees, cx: &Context| payment::receipt(fees, &number, receipt.as_ref(), cx);
                ledger.execute::<Fees>(stream, Call::system(format!("receipt.{cause}"), trace), rule).await?;
            }
        }
    } else if let Some(refund) =
        fees.refund(&number).filter(|refund| refund.state == RefundState::Approved && refund.ask_at.is_none())
    {
        let placed = RefundOrder { number: refund.order(), payment: refund.payment.clone(), fen: refund.amount };
        let said = provider.refund(&placed).await?;
        let rule = move |fees: &Fees, cx: &Context| payment::said_of_refund(fees, &number, &placed.number, &said, cx);
        ledger.execute::<Fees>(stream, Call::system(format!("refunded.{cause}"), trace), rule).await?;
    }
    Ok(())
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
            || (entry.is::<Application>() && matches!(entry.kind.as_str(), "Withdrawn" | "Refused"))
    }

    async fn deliver(&self, entry: &Entry, _request_id: &str) -> Delivery {
        let done = match entry.is::<Application>() {
            true => self.close(entry).await.map_err(Halt::Ledger),
            false => self.pursue(entry).await,
        };
        match done {
            Ok(()) => Delivery::Done,
            Err(Halt::Provider(away)) => Delivery::Later { reason: away.to_string() },
            Err(Halt::Ledger(refusal)) => Delivery::Later { reason: refusal.reason.to_owned() },
        }
    }
}

impl Payments {
    async fn pursue(&self, entry: &Entry) -> Result<(), Halt> {
        let number = match self.ledger.decode::<Fees>(entry).await? {
            Event::PaymentPlaced { number, .. }
            | Event::PaymentReceived { number, .. }
            | Event::ProviderAsked { number }
            | Event::RefundApproved { number, .. } => number,
            _ => return Ok(()),
        };
        let provider = self.provider.now();
        let Some(provider) = &*provider else {
            return Err(Halt::Provider(Away("no provider is configured".to_owned())));
        };
        let cause = entry.hash.to_string();
        pursue(&self.ledger, provider, entry.stream, &number, (&cause, &entry.trace)).await
    }

    /// The application has ended without a decision.
    async fn close(&self, entry: &Entry) -> Result<(), Refusal> {
        let stream = super::stream(entry.stream);
        if self.ledger.get::<Fees>(stream, &Audiences::all()).await?.is_none() {
            return Ok(());
        }
        let reason = if entry.kind == "Refused" { "申请不予受理" } else { "申请已撤回" };
        let call = Call::system(format!("fees.{}", entry.hash), &entry.trace);
        let rule = move |fees: &Fees, _: &Context| bill::close(fees, reason);
        self.ledger.execute::<Fees>(stream, call, rule).await.map(drop)
    }
}
