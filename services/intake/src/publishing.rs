//! From a published draft to the catalogue, in two steps that each happen once. The same code runs in the handler that
//! published and in the relay `publishing`, which completes what a crash between the steps left; both use the hash of the
//! draft's entry as request id.

use yiwang_ledger::{Call, Committed, Context, Hash, Ledger, Refusal};

use crate::catalogue::{self, Item, decide};
use crate::drafting::Draft;

/// Brings what a draft published by the entry of this hash into the catalogue; the item afterwards, `None` for a draft that
/// was not published.
///
/// # Errors
/// Those of the ledger, and `ITEM_ALREADY_CANCELLED`.
pub async fn complete(
    ledger: &Ledger,
    draft: &Draft,
    published: Hash,
    trace: &str,
) -> Result<Option<Committed<Item>>, Refusal> {
    let Some(from) = draft.from else { return Ok(None) };
    let facts = draft.facts.clone();
    let stream = catalogue::stream(&facts.code);
    let call = Call::system(format!("publish.{published}"), trace);
    let rule = move |item: &Item, cx: &Context| decide::publish(item, &facts, from, cx);
    ledger.execute::<Item>(stream, call, rule).await.map(Some)
}
