//! The directory's rules.

use yiwang_ledger::{Decision, Refusal};

use super::{BasicFacts, BasicItem, Event, Level, not_found};

/// Publishes a basic item, or its next version. Equal to the one in force, there is nothing to do.
pub fn publish(basic: &BasicItem, facts: &BasicFacts) -> Decision<Event> {
    if basic.facts == *facts {
        return Ok(Vec::new());
    }
    Ok(vec![Event::BasicItemPublished { facts: facts.clone() }])
}

/// 认领: a department may claim what the directory gives to its level.
///
/// # Errors
/// `BASIC_ITEM_NOT_FOUND`, `LEVEL_NOT_COMPETENT`.
pub fn check_claim(basic: &BasicItem, level: Level) -> Result<(), Refusal> {
    if !basic.exists() {
        return Err(not_found());
    }
    if basic.facts.levels.contains(&level) {
        return Ok(());
    }
    Err(Refusal::state(
        "LEVEL_NOT_COMPETENT",
        "基本目录没有把该事项交给本级行使，不能认领",
        "the directory does not give this item to this level",
    ))
}
