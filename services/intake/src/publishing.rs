//! From a published draft to the catalogue, in two steps that each happen once. The same code runs in the handler that
//! published and in the relay `publishing`, which completes what a crash between the steps left; both use the hash of the
//! draft's entry as request id.

use std::collections::BTreeMap;

use yiwang_ledger::{Audiences, Call, Committed, Context, Hash, Ledger, Refusal};

use crate::catalogue::import::all_tagged;
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
    let (stream, code, basic) = (catalogue::stream(&facts.code), facts.code.clone(), facts.basic.clone());
    let publisher = draft.opinions.last().map(|last| last.by.id.clone()).unwrap_or_default();
    let call = Call::system(format!("publish.{published}"), trace).with_actor(publisher);
    let rule = move |item: &Item, cx: &Context| decide::publish(item, &facts, from, cx);
    let done = ledger.execute::<Item>(stream, call, rule).await?;
    // the directory may have moved between the draft's last entry and this
    let followed = catch_up(ledger, &code, &basic, &format!("follow.{published}"), trace).await?;
    Ok(Some(followed.unwrap_or(done)))
}

/// Brings into an item what its basic item says by now: its next version, or its end.
///
/// # Errors
/// Those of the ledger.
pub async fn catch_up(
    ledger: &Ledger,
    item_code: &str,
    basic_code: &str,
    id: &str,
    trace: &str,
) -> Result<Option<Committed<Item>>, Refusal> {
    let basic = ledger.get::<BasicItem>(directory::stream(basic_code), &Audiences::all()).await?;
    let Some(basic) = basic.map(|read| read.state).filter(|_| !basic_code.is_empty()) else { return Ok(None) };
    let successor = successors(ledger, &basic).await?;
    let call = Call::system(format!("{id}.follow"), trace);
    let rule = move |item: &Item, cx: &Context| decide::follow_or_end(item, &basic, &successor, cx);
    ledger.execute::<Item>(catalogue::stream(item_code), call, rule).await.map(Some)
}

/// By region the item that was claimed from the basic item which takes an ended one's place.
///
/// # Errors
/// Those of the ledger.
pub async fn successors(ledger: &Ledger, basic: &BasicItem) -> Result<BTreeMap<String, String>, Refusal> {
    let Some(successor) = basic.ended.as_ref().and_then(|ended| ended.successor.clone()) else {
        return Ok(BTreeMap::new());
    };
    let items = all_tagged::<Item>(ledger, &[("basic", successor)]).await?;
    Ok(items.iter().map(|read| (read.state.facts.region.clone(), read.state.facts.code.clone())).collect())
}
