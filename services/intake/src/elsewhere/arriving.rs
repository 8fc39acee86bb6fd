//! From a parcel that arrived, or was lost, to the limits of the application that waited for it; and from one that was handed out to the
//! delivery that this ends.

use async_trait::async_trait;
use yiwang_ledger::{Call, Context, Delivery, Entry, Ledger, Refusal, Route};

use super::{Custody, CustodyEvent};
use crate::application::{Application, decide};
use crate::delivery::following;
use crate::limit::legal_date;

/// Lets the limits run from the day of a custody's entry, where nothing is on its way any more and they waited for it.
///
/// # Errors
/// Those of the ledger; the relay tries again.
pub async fn complete(ledger: &Ledger, entry: &Entry) -> Result<(), Refusal> {
    // as it stood then: what was sealed since waits for its own arrival
    let Some(custody) = ledger.state_at::<Custody>(entry.stream, entry.version).await? else { return Ok(()) };
    let Some(matter) = custody.state.matter.as_ref().filter(|_| !custody.state.on_the_way_out()) else { return Ok(()) };
    let day = legal_date(entry.at);
    let call = Call::system(format!("papers.{}", entry.hash), &entry.trace).with_actor(entry.actor.clone());
    let rule = move |app: &Application, cx: &Context| decide::papers_arrived(app, day, cx);
    ledger.execute::<Application>(matter.application, call, rule).await.map(drop)
}

/// Ends the delivery of what was in a parcel that was handed out.
///
/// # Errors
/// Those of the ledger; the relay tries again.
pub async fn handed_out(ledger: &Ledger, entry: &Entry) -> Result<(), Refusal> {
    let Some(custody) = ledger.state_at::<Custody>(entry.stream, entry.version).await? else { return Ok(()) };
    let CustodyEvent::ParcelHandedOut { parcel, by, collector: Some(collector) } =
        ledger.decode::<Custody>(entry).await?
    else {
        return Ok(());
    };
    let there = custody.state.parcel(parcel).is_some_and(super::Parcel::has_result);
    let Some(matter) = custody.state.matter.as_ref().filter(|_| there) else { return Ok(()) };
    let cause = (entry.hash.to_string(), entry.trace.as_str());
    following::collected(ledger, matter.application, &collector, (&by, entry.at), (&cause.0, cause.1)).await
}

/// 异地代收: papers that are there, or are lost, let the limits run that waited for them.
pub struct Custodian(pub Ledger);

#[async_trait]
impl Route for Custodian {
    fn wants(&self, entry: &Entry) -> bool {
        entry.is::<Custody>() && matches!(entry.kind.as_str(), "ParcelConfirmed" | "ParcelLost" | "ParcelHandedOut")
    }

    async fn deliver(&self, entry: &Entry, _request_id: &str) -> Delivery {
        let done = match entry.kind.as_str() {
            "ParcelHandedOut" => handed_out(&self.0, entry).await,
            _ => complete(&self.0, entry).await,
        };
        match done {
            Ok(()) => Delivery::Done,
            Err(refusal) => Delivery::Later { reason: refusal.reason.to_owned() },
        }
    }
}
