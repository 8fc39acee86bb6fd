//! The rules of the catalogue's commands.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use yiwang_ledger::{Context, Decision, Refusal};

use super::source::{self, Defaults, Row};
use super::{Cancellation, Entrusted, Hold, Item, ItemEvent, ItemFacts, Received, Standing, not_found};
use crate::directory::{BasicFacts, BasicItem, Ended};
use crate::limit::legal_date;

/// Imports a row: new, changed, or equal (then there is nothing to do). A cancelled item stays cancelled; one that was claimed
/// from the directory changes by drafts that are reviewed, and by nothing else.
pub fn import(item: &Item, row: &Row, defaults: &Defaults) -> Decision<ItemEvent> {
    if item.is_claimed() || item.received.is_some() {
        let (zh, en) =
            ("该事项已认领，须经编制、审查后发布", "this item was claimed: it changes by reviewed drafts alone");
        return Err(Refusal::field("item_code", "ITEM_CLAIMED", zh, en));
    }
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
/// until the product ships another. What was claimed from the directory is its department's.
pub fn ship(item: &Item, facts: &ItemFacts, digest: &str) -> Decision<ItemEvent> {
    let (facts, shipped) = (Box::new(facts.clone()), Some(digest.to_owned()));
    Ok(match item.standing {
        Standing::Unknown => vec![ItemEvent::ItemImported { facts, shipped }],
        _ if item.is_claimed() => Vec::new(),
        _ if item.shipped.as_deref() == Some(digest) => Vec::new(),
        _ => vec![ItemEvent::ItemRevised { facts, shipped }],
    })
}

/// Whether a version that was drafted may be published: the item is not cancelled, is still whose it was, and no other version
/// waits for a day to come, which this one would write over.
///
/// # Errors
/// `ITEM_ALREADY_CANCELLED`, `ITEM_MOVED`, `VERSION_WAITS`.
pub fn check_publish(item: &Item, facts: &ItemFacts, today: NaiveDate) -> Result<(), Refusal> {
    if let Standing::Cancelled(_) = &item.standing {
        return Err(cancelled_already());
    }
    let (organ, region) = (&item.facts.department_code, &item.facts.region);
    if item.exists() && (organ, region) != (&facts.department_code, &facts.region) {
        let (zh, en) = ("该事项已由其他机关实施", "the item is another organ's by now");
        return Err(Refusal::state("ITEM_MOVED", zh, en).with("organisation", organ.clone()));
    }
    if let Some(next) = item.upcoming.as_ref().filter(|next| next.from > today) {
        let zh = format!("已有版本将于{}起施行，请待其施行后再发布", next.from);
        let en = format!("a version waits for {}: publish when it is in force", next.from);
        return Err(Refusal::state("VERSION_WAITS", zh, en).with("from_date", next.from.to_string()));
    }
    Ok(())
}

/// Publishes a version that was drafted and reviewed, in force from a day on. A day that has passed meanwhile is today. What has
/// taken effect by today takes effect first, whether or not the timer has come by.
///
/// # Errors
/// As [`check_publish`].
pub fn publish(item: &Item, facts: &ItemFacts, from: NaiveDate, cx: &Context) -> Decision<ItemEvent> {
    let today = legal_date(cx.now);
    check_publish(item, facts, today)?;
    let mut events = timer(item, cx)?;
    events.push(ItemEvent::VersionPublished { facts: Box::new(facts.clone()), from: from.max(today) });
    Ok(events)
}

/// 三级四同: what the directory says of an item, its lists say from now on, those that wait for their day among them.
pub fn follow(item: &Item, basic: &BasicFacts) -> Decision<ItemEvent> {
    let mut events = Vec::new();
    let theirs = |facts: &ItemFacts| {
        let mut facts = Box::new(facts.clone());
        (facts.basic == basic.code && basic.write_into(&mut facts)).then_some(facts)
    };
    let shown = match &item.standing {
        Standing::InForce => true,
        Standing::Cancelled(end) => !end.in_effect,
        Standing::Unknown | Standing::Announced => false,
    };
    events.extend(theirs(&item.facts).filter(|_| shown).map(|facts| ItemEvent::ItemRevised { facts, shipped: None }));
    if let Some(next) = &item.upcoming {
        events.extend(theirs(&next.facts).map(|facts| ItemEvent::VersionPublished { facts, from: next.from }));
    }
    Ok(events)
}

/// What a basic item says by now of an item that was claimed from it: its next version, or its end, with the item of the region
/// that takes its place.
pub fn follow_or_end(
    item: &Item,
    basic: &BasicItem,
    successors: &BTreeMap<String, String>,
    cx: &Context,
) -> Decision<ItemEvent> {
    match &basic.ended {
        None => follow(item, &basic.facts),
        Some(ended) => {
            let successor = successors.get(&item.newest().region).cloned();
            end_with(item, &basic.facts.code, ended, successor, cx)
        }
    }
}

/// The directory's item came to an end, and its lists with it. One that is announced for a day before that end goes when the end
/// has come, since what is not in force yet is cancelled at once or not at all.
pub fn end_with(item: &Item, code: &str, end: &Ended, successor: Option<String>, cx: &Context) -> Decision<ItemEvent> {
    let today = legal_date(cx.now);
    let theirs = item.newest().basic == code;
    let waits = |from: NaiveDate| from < end.effective && today < end.effective;
    let open = match (&item.standing, &item.upcoming) {
        (Standing::InForce, _) => true,
        (Standing::Announced, Some(next)) => !waits(next.from),
        (Standing::Announced, None) => true,
        // an end of its own that comes later does not outlive the directory's
        (Standing::Cancelled(own), _) => !own.in_effect && own.effective > end.effective.max(today),
        (Standing::Unknown, _) => false,
    };
    if !theirs || !open {
        return Ok(Vec::new());
    }
    let announced = item.standing == Standing::Announced;
    let effective = if announced { today } else { end.effective.max(today) };
    let in_effect = effective <= today;
    let reason = end.reason.clone();
    Ok(vec![ItemEvent::ItemCancelled { cancellation: Cancellation { effective, reason, successor, in_effect } }])
}

/// Takes back a version that waits for its day; what is in force stays. An item that was never in force is cancelled instead.
pub fn withdraw_version(item: &Item, item_code: &str, reason: &str) -> Decision<ItemEvent> {
    match (&item.standing, &item.upcoming) {
        (Standing::Unknown, _) => Err(not_found(item_code)),
        (Standing::InForce | Standing::Cancelled(_), Some(_)) => {
            Ok(vec![ItemEvent::VersionWithdrawn { reason: reason.to_owned() }])
        }
        _ => {
            let (zh, en) =
                ("该事项没有等待施行的版本可以撤回", "no version of this item waits that could be taken back");
            Err(Refusal::state("VERSION_NOT_WAITING", zh, en))
        }
    }
}

/// 委托, from a day on. What was cancelled meanwhile cannot be entrusted.
pub fn entrust(item: &Item, item_code: &str, entrusted: &Entrusted, cx: &Context) -> Decision<ItemEvent> {
    let today = legal_date(cx.now);
    let held = item.entrusted.as_ref().is_some_and(|held| held.until.is_none_or(|last| last >= today));
    match &item.standing {
        Standing::Announced | Standing::InForce if held => {
            let (zh, en) = ("该事项正在委托中", "it is entrusted already");
            Err(Refusal::state("ALREADY_ENTRUSTED", zh, en))
        }
        Standing::Unknown => Err(not_found(item_code)),
        Standing::Cancelled(_) => Err(cancelled_already()),
        Standing::Announced | Standing::InForce => Ok(vec![ItemEvent::ItemEntrusted { entrusted: entrusted.clone() }]),
    }
}

/// 收回委托: the last day of it.
pub fn end_entrustment(item: &Item, organ: &str, last: NaiveDate) -> Decision<ItemEvent> {
    Ok(match &item.entrusted {
        Some(entrusted) if entrusted.organ.code == organ && entrusted.until.is_none_or(|until| last < until) => {
            vec![ItemEvent::EntrustmentEnded { last }]
        }
        _ => Vec::new(),
    })
}

/// 下放、划转: the item under its new organ's own code and name, from a day on.
pub fn receive(item: &Item, facts: &ItemFacts, received: &Received, cx: &Context) -> Decision<ItemEvent> {
    if item.exists() {
        let (zh, en) = ("该实施编码已有事项", "there is an item of this code already");
        return Err(Refusal::state("ITEM_CODE_TAKEN", zh, en).with("item_code", facts.code.clone()));
    }
    let from = received.from.max(legal_date(cx.now));
    Ok(vec![
        ItemEvent::VersionPublished { facts: Box::new(facts.clone()), from },
        ItemEvent::ItemReceived { received: received.clone() },
    ])
}

/// 下放、划转: what waits for its day in the receiver's name becomes what the giver's list says by now; nothing else of a receiver does.
pub fn refresh(item: &Item, facts: &ItemFacts, cx: &Context) -> Vec<ItemEvent> {
    let waits = item.upcoming.as_ref().filter(|next| next.from > legal_date(cx.now));
    match waits.filter(|next| item.standing == Standing::Announced && *next.facts != *facts) {
        Some(next) => vec![ItemEvent::VersionPublished { facts: Box::new(facts.clone()), from: next.from }],
        None => Vec::new(),
    }
}

/// The timer's rule: the first day of the next version, or the first day without a cancelled item has come.
pub fn timer(item: &Item, cx: &Context) -> Decision<ItemEvent> {
    let today = legal_date(cx.now);
    let mut events = Vec::new();
    if item.upcoming.as_ref().is_some_and(|next| today >= next.from) {
        events.push(ItemEvent::VersionTookEffect);
    }
    if let Standing::Cancelled(end) = &item.standing
        && !end.in_effect
        && today >= end.effective
    {
        events.push(ItemEvent::CancellationTookEffect);
    }
    Ok(events)
}

/// Puts an item on hold (暂停办理). Said again, the later word holds.
pub fn suspend(item: &Item, item_code: &str, hold: &Hold, cx: &Context) -> Decision<ItemEvent> {
    let today = legal_date(cx.now);
    match &item.standing {
        Standing::Unknown => return Err(not_found(item_code)),
        Standing::Cancelled(end) if !end.in_effect => {}
        Standing::Announced | Standing::Cancelled(_) => {
            return Err(Refusal::state("ITEM_NOT_IN_FORCE", "该事项不在用，无须暂停", "the item is not in force"));
        }
        Standing::InForce => {}
    }
    if hold.from < today || (hold.from > today && item.hold.as_ref().is_some_and(|now| now.covers(today))) {
        let (zh, en) =
            ("第一日不得早于今天；正在暂停的，自今天起写", "not before today, and today where it is on hold");
        return Err(Refusal::field("from_date", "FIELD_INVALID", zh, en));
    }
    if hold.until.is_some_and(|last| last < hold.from) {
        let (zh, en) = ("最后一日不得早于第一日", "the last day is not before the first");
        return Err(Refusal::field("until_date", "FIELD_INVALID", zh, en));
    }
    Ok(vec![ItemEvent::ItemSuspended { hold: hold.clone() }])
}

/// Ends a hold (恢复办理).
pub fn resume(item: &Item, item_code: &str, cx: &Context) -> Decision<ItemEvent> {
    if !item.exists() {
        return Err(not_found(item_code));
    }
    match &item.hold {
        Some(hold) if !hold.is_over(legal_date(cx.now)) => Ok(vec![ItemEvent::ItemResumed]),
        _ => Err(Refusal::state("ITEM_NOT_ON_HOLD", "该事项没有暂停", "the item is not on hold")),
    }
}

/// `ITEM_ALREADY_CANCELLED`.
pub fn cancelled_already() -> Refusal {
    Refusal::state("ITEM_ALREADY_CANCELLED", "该事项已经取消", "the item is cancelled already")
}

/// What cancels an item.
#[derive(Clone, Debug)]
pub struct Cancel {
    /// 实施编码.
    pub item_code: String,
    /// First day without it; none: today.
    pub effective: Option<NaiveDate>,
    /// Why, citing the decision.
    pub reason: String,
    /// The item in its place.
    pub successor: Option<String>,
}

/// Cancels an item (取消) from a day on, for good.
pub fn cancel(item: &Item, ask: &Cancel, cx: &Context) -> Decision<ItemEvent> {
    match &item.standing {
        Standing::Unknown => Err(not_found(&ask.item_code)),
        Standing::Cancelled(_) => Err(cancelled_already()),
        Standing::Announced | Standing::InForce => {
            let today = legal_date(cx.now);
            let effective = ask.effective.unwrap_or(today);
            if item.standing == Standing::Announced && effective > today {
                let (zh, en) = ("尚未施行的事项只能即日取消", "what is not in force yet is cancelled at once");
                return Err(Refusal::field("effective_date", "FIELD_INVALID", zh, en));
            }
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
