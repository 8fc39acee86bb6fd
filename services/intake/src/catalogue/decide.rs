//! The rules of the catalogue's commands.

use yiwang_ledger::{Context, Decision, Refusal};

use super::{Cancellation, Item, ItemEvent, ItemFacts, Standing, not_found};
use crate::limit::legal_date;

/// Imports an item: new, changed, or equal (then there is nothing to do). A cancelled item stays cancelled.
pub fn import(item: &Item, facts: &ItemFacts) -> Decision<ItemEvent> {
    let facts = Box::new(facts.clone());
    Ok(match item.standing {
        Standing::Unknown => vec![ItemEvent::ItemImported { facts }],
        _ if item.facts == *facts => Vec::new(),
        _ => vec![ItemEvent::ItemRevised { facts }],
    })
}

/// What cancels an item.
#[derive(Clone, Debug)]
pub struct Cancel {
    /// 实施编码.
    pub item_code: String,
    /// First day without it; none: today.
    pub effective: Option<chrono::NaiveDate>,
    /// Why, citing the decision.
    pub reason: String,
    /// The item in its place.
    pub successor: Option<String>,
}

/// Cancels an item (取消) from a day on, for good.
pub fn cancel(item: &Item, ask: &Cancel, cx: &Context) -> Decision<ItemEvent> {
    match &item.standing {
        Standing::Unknown => Err(not_found(&ask.item_code)),
        Standing::Cancelled(_) => Err(Refusal::state("ITEM_ALREADY_CANCELLED", "该事项已经取消", "the item is cancelled already")),
        Standing::InForce => {
            let effective = ask.effective.unwrap_or_else(|| legal_date(cx.now));
            let cancellation = Cancellation { effective, reason: ask.reason.clone(), successor: ask.successor.clone() };
            Ok(vec![ItemEvent::ItemCancelled { cancellation }])
        }
    }
}
