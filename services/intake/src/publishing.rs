//! From a published draft to the catalogue, in two steps that each happen once. The same code runs in the handler that
//! published and in the relay `publishing`, which completes what a crash between the steps left; both use the hash of the
//! draft's entry as request id.

use yiwang_ledger::{Audiences, Call, Committed, Context, Hash, Ledger, Refusal};

use crate::catalogue::{self, Item, decide};
use crate::directory::{self, BasicItem};
use crate::drafting::Draft;

/// Brings what a draft published by the entry of this hash into the catalogue; the item afterwards, `None` for a draft that
/// was not published.
///
/// # Errors
/// Those of the ledger, and those of [`decide::check_publish`].
pub async fn complete(
    ledger: &Ledger,
    draft: &Draft,
    published: Hash,
    trace: &str,
) -> Result<Option<Committed<Item>>, Refusal> {
    let Some(from) = draft.from else { return Ok(None) };
    let facts = draft.facts.clone();
    let (stream, basic) = (catalogue::stream(&facts.code), facts.basic.clone());
    let publisher = draft.opinions.last().map(|last| last.by.id.clone()).unwrap_or_default();
    let call = Call::system(format!("publish.{published}"), trace).with_actor(publisher);
    let rule = move |item: &Item, cx: &Context| decide::publish(item, &facts, from, cx);
    let done = ledger.execute::<Item>(stream, call, rule).await?;
    // the directory may have moved between the draft's last entry and this
    let Some(basic) = ledger.get::<BasicItem>(directory::stream(&basic), &Audiences::all()).await? else {
        return Ok(Some(done));
    };
    let call = Call::system(format!("follow.{published}"), trace);
    let rule = move |item: &Item, _: &Context| decide::follow(item, &basic.state.facts);
    ledger.execute::<Item>(stream, call, rule).await.map(Some)
}
