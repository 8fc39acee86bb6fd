//! The rules of drafting: what is handed in could be published, nobody passes their own work, and nobody passes twice.

use chrono::NaiveDate;
use yiwang_ledger::{Context, Decision, Refusal};

use super::{Draft, Event, Risk, Stage, check, not_found};
use crate::application::Actor;
use crate::catalogue::ItemFacts;
use crate::directory::{self, BasicItem};
use crate::limit::legal_date;
use crate::proofs::Abolished;

/// Begins a draft. That the item has no other one open is the unique key's affair.
pub fn begin(draft: &Draft, facts: &ItemFacts, by: &Actor) -> Decision<Event> {
    if draft.stage != Stage::Absent {
        return Ok(Vec::new());
    }
    Ok(vec![Event::DraftBegun { facts: Box::new(facts.clone()), by: by.clone() }])
}

/// Writes its elements. What is the directory's, and whose item it is, stays as it was.
pub fn save(draft: &Draft, elements: &ItemFacts, by: &Actor) -> Decision<Event> {
    at(draft, Stage::Drafting)?;
    let known = &draft.facts;
    let facts = ItemFacts {
        code: known.code.clone(),
        name: known.name.clone(),
        main_item: known.main_item.clone(),
        department: known.department.clone(),
        department_code: known.department_code.clone(),
        region: known.region.clone(),
        item_type: known.item_type,
        bases: known.bases.clone(),
        basic: known.basic.clone(),
        process: known.process.clone(),
        // nothing that a department wrote is a default
        defaults: Vec::new(),
        ..elements.clone()
    };
    if facts == *known {
        return Ok(Vec::new());
    }
    Ok(vec![Event::DraftSaved { facts: Box::new(facts), by: by.clone() }])
}

/// Hands it to review; what could not be published is said now.
pub fn submit(draft: &Draft, abolished: &[Abolished], by: &Actor) -> Decision<Event> {
    at(draft, Stage::Drafting)?;
    check::publishable(&draft.facts, abolished)?;
    Ok(vec![Event::DraftSubmitted { by: by.clone() }])
}

/// What a review says.
#[derive(Clone, Debug)]
pub struct Say {
    /// At which stage.
    pub stage: Stage,
    /// Passed on, or returned.
    pub passed: bool,
    /// The opinion.
    pub opinion: String,
    /// 风险点; only of their review.
    pub risks: Vec<Risk>,
}

/// 审核, 合法性审查 or 风险点审查; and, of what passed them all, its return by who was to publish it.
pub fn examine(draft: &Draft, say: &Say, by: &Actor) -> Decision<Event> {
    at(draft, say.stage)?;
    another(draft, by)?;
    let (stage, opinion, by) = (say.stage, say.opinion.clone(), by.clone());
    if !say.passed {
        return Ok(vec![Event::DraftReturned { stage, opinion, by }]);
    }
    if stage == Stage::Risks && say.risks.is_empty() {
        let (zh, en) = ("风险点审查通过时应列明风险点及防控措施", "name the risk points and their measures");
        return Err(Refusal::field("risks", "RISKS_MISSING", zh, en));
    }
    Ok(vec![Event::DraftPassed { stage, opinion, risks: say.risks.clone(), by }])
}

/// Publishes it, from a day on: today, where none is named. What is the directory's is written in as it stands now.
pub fn publish(
    draft: &Draft,
    basic: Option<&BasicItem>,
    abolished: &[Abolished],
    from: Option<NaiveDate>,
    by: &Actor,
    cx: &Context,
) -> Decision<Event> {
    at(draft, Stage::Ready)?;
    another(draft, by)?;
    let today = legal_date(cx.now);
    let from = from.unwrap_or(today);
    if from < today {
        let (zh, en) = ("施行日期不得早于今天", "the first day is not before today");
        return Err(Refusal::field("from_date", "DATE_IN_THE_PAST", zh, en));
    }
    let mut facts = draft.facts.clone();
    if let Some(basic) = basic {
        directory::decide::check_open(basic, Some(from))?;
        basic.facts.write_into(&mut facts);
    }
    check::publishable(&facts, abolished)?;
    Ok(vec![Event::DraftPublished { facts: Box::new(facts), from, by: by.clone() }])
}

/// Gives it up.
pub fn abandon(draft: &Draft, reason: &str, by: &Actor) -> Decision<Event> {
    if draft.stage == Stage::Absent {
        return Err(not_found());
    }
    if !draft.stage.is_open() {
        return Err(elsewhere(draft));
    }
    Ok(vec![Event::DraftAbandoned { reason: reason.to_owned(), by: by.clone() }])
}

fn at(draft: &Draft, stage: Stage) -> Result<(), Refusal> {
    if draft.stage == Stage::Absent {
        return Err(not_found());
    }
    if draft.stage == stage { Ok(()) } else { Err(elsewhere(draft)) }
}

fn elsewhere(draft: &Draft) -> Refusal {
    let (zh, en) = ("编制稿不在这一环节", "the draft stands at another stage");
    Refusal::state("DRAFT_NOT_AT_STAGE", zh, en).with("stage", draft.stage.name())
}

/// Each step by another person: nobody passes what they have written, or have passed already.
fn another(draft: &Draft, by: &Actor) -> Result<(), Refusal> {
    if draft.drafters.contains(&by.id) || draft.passed_by.contains(&by.id) {
        return Err(yours());
    }
    Ok(())
}

fn yours() -> Refusal {
    let (zh, en) =
        ("您参与过本稿的起草或审查，应由他人办理", "you had a part in this draft: another person must do this");
    Refusal::state("DRAFT_IS_YOURS", zh, en)
}
