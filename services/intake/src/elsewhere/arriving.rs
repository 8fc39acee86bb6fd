//! From a parcel that arrived, or was lost, to the limits of the application that waited for it.

use yiwang_ledger::{Call, Context, Entry, Ledger, Refusal};

use super::Custody;
use crate::application::{Application, decide};
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
