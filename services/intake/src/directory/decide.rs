//! The directory's rules.

use chrono::NaiveDate;
use yiwang_ledger::{Context, Decision, Refusal};

use super::{BasicFacts, BasicItem, Ended, Event, Level, not_found};
use crate::limit::legal_date;

/// Publishes a basic item, or its next version. Equal to the one in force, there is nothing to do. Its type stays: a power of
/// another type is another item, since the rules that bind its lists hang on it.
///
/// # Errors
/// `BASIC_ITEM_CANCELLED`, `TYPE_FIXED`.
pub fn publish(basic: &BasicItem, facts: &BasicFacts) -> Decision<Event> {
    check_open(basic, None)?;
    if basic.exists() && basic.facts.item_type != facts.item_type {
        let (zh, en) =
            ("已发布的基本目录事项不得变更类型，请取消后另行发布", "its type stays: cancel it and publish another");
        return Err(Refusal::field("item_type", "TYPE_FIXED", zh, en));
    }
    if basic.facts == *facts {
        return Ok(Vec::new());
    }
    Ok(vec![Event::BasicItemPublished { facts: facts.clone() }])
}

/// What cancels a basic item.
#[derive(Clone, Debug)]
pub struct Cancel {
    /// First day without it; none: today.
    pub effective: Option<NaiveDate>,
    /// Why, citing the decision.
    pub reason: String,
    /// 基本编码 of what takes its place.
    pub successor: Option<String>,
}

/// 取消: the basic item, and by it every item that was claimed from it ("明取消暗审批" is impossible).
///
/// # Errors
/// `BASIC_ITEM_NOT_FOUND`, `BASIC_ITEM_CANCELLED`, `DATE_IN_THE_PAST`.
pub fn cancel(basic: &BasicItem, ask: &Cancel, cx: &Context) -> Decision<Event> {
    if !basic.exists() {
        return Err(not_found());
    }
    check_open(basic, None)?;
    let today = legal_date(cx.now);
    let effective = ask.effective.unwrap_or(today);
    if effective < today {
        let (zh, en) = ("取消日期不得早于今天", "the first day without it is not before today");
        return Err(Refusal::field("effective_date", "DATE_IN_THE_PAST", zh, en));
    }
    let (reason, successor) = (ask.reason.clone(), ask.successor.clone());
    let ended = Ended { effective, reason, successor, in_effect: effective <= today };
    Ok(vec![Event::BasicItemCancelled { ended }])
}

/// The timer's rule: the first day without it has come.
pub fn timer(basic: &BasicItem, cx: &Context) -> Decision<Event> {
    let over = |ended: &Ended| !ended.in_effect && legal_date(cx.now) >= ended.effective;
    Ok(if basic.ended.as_ref().is_some_and(over) { vec![Event::BasicItemEnded] } else { Vec::new() })
}

/// Refuses what was cancelled; where a day is named, only from the first day without it on.
///
/// # Errors
/// `BASIC_ITEM_CANCELLED`, naming reason and successor.
pub fn check_open(basic: &BasicItem, on: Option<NaiveDate>) -> Result<(), Refusal> {
    let Some(ended) = basic.ended.as_ref().filter(|ended| on.is_none_or(|day| day >= ended.effective)) else {
        return Ok(());
    };
    let zh = format!("该基本目录事项自{}起取消：{}", ended.effective, ended.reason);
    let en = format!("the basic item is cancelled from {} on: {}", ended.effective, ended.reason);
    let successor = ended.successor.clone().unwrap_or_default();
    Err(Refusal::state("BASIC_ITEM_CANCELLED", zh, en).with("successor_basic_code", successor))
}

/// 认领: a department may claim what the directory gives to its level.
///
/// # Errors
/// `BASIC_ITEM_NOT_FOUND`, `BASIC_ITEM_CANCELLED`, `LEVEL_NOT_COMPETENT`.
pub fn check_claim(basic: &BasicItem, level: Level) -> Result<(), Refusal> {
    if !basic.exists() {
        return Err(not_found());
    }
    check_open(basic, None)?;
    if basic.facts.is_open_to(level) {
        return Ok(());
    }
    Err(Refusal::state(
        "LEVEL_NOT_COMPETENT",
        "基本目录没有把该事项交给本级行使，不能认领",
        "the directory does not give this item to this level",
    ))
}
