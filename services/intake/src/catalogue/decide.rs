//! The rules of the catalogue's commands.

use yiwang_ledger::{Context, Decision, Refusal};

use super::source::{self, Defaults, Row};
use super::{Cancellation, Item, ItemEvent, ItemFacts, Standing, not_found};
use crate::limit::legal_date;

/// Imports a row: new, changed, or equal (then there is nothing to do). A cancelled item stays cancelled.
pub fn import(item: &Item, row: &Row, defaults: &Defaults) -> Decision<ItemEvent> {
    let facts = Box::new(completed(item, row, defaults)?);
    Ok(match item.standing {
        Standing::Unknown => vec![ItemEvent::ItemImported { facts, shipped: None }],
        _ if item.facts == *facts => Vec::new(),
        _ => vec![ItemEvent::ItemRevised { facts, shipped: None }],
    })
}

/// A row completed: what is known of the item already stays, what is new comes from the defaults of its type.
fn completed(item: &Item, row: &Row, defaults: &Defaults) -> Result<ItemFacts, Refusal> {
    let (known, code) = (&item.facts, source::tolerated(&row.department_code));
    if item.exists() && known.item_type == row.item_type {
        return Ok(ItemFacts {
            name: row.name.clone(),
            main_item: row.main_item.clone(),
            department: row.department.clone(),
            department_code: if code.is_empty() { known.department_code.clone() } else { code },
            region: row.region_code.clone(),
            ..known.clone()
        });
    }
    defaults.complete(row, code).ok_or_else(|| {
        Refusal::field("item_type", "NO_DEFAULTS", "该事项类型没有默认要素", "there are no defaults for this type")
    })
}

/// Imports what the product ships. What was shipped already is left, so that a change made since by an administrator stands
/// until the product ships another.
pub fn ship(item: &Item, facts: &ItemFacts, digest: &str) -> Decision<ItemEvent> {
    let (facts, shipped) = (Box::new(facts.clone()), Some(digest.to_owned()));
    Ok(match item.standing {
        Standing::Unknown => vec![ItemEvent::ItemImported { facts, shipped }],
        _ if item.shipped.as_deref() == Some(digest) => Vec::new(),
        _ => vec![ItemEvent::ItemRevised { facts, shipped }],
    })
}

/// The timer's rule: the first day without a cancelled item has come.
pub fn timer(item: &Item, cx: &Context) -> Decision<ItemEvent> {
    Ok(match &item.standing {
        Standing::Cancelled(end) if !end.in_effect && legal_date(cx.now) >= end.effective => {
            vec![ItemEvent::CancellationTookEffect]
        }
        _ => Vec::new(),
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
        Standing::Cancelled(_) => {
            Err(Refusal::state("ITEM_ALREADY_CANCELLED", "该事项已经取消", "the item is cancelled already"))
        }
        Standing::InForce => {
            let today = legal_date(cx.now);
            let effective = ask.effective.unwrap_or(today);
            let cancellation = Cancellation {
                effective,
                reason: ask.reason.clone(),
                successor: ask.successor.clone(),
                in_effect: effective <= today,
            };
            Ok(vec![ItemEvent::ItemCancelled { cancellation }])
        }
    }
}
