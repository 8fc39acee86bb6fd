//! 任务: in whose hands the work on a case is (decision 64). A task is an open step of the examination, or the decision once nothing is
//! left to examine. In nobody's hands it is done by any officer whose turn it is; in an officer's by them, or by their stand-in (B角) while
//! they are away.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use yiwang_ledger::{Decision as Decided, Kind, Personal, Refusal, Timestamp};

use super::decide::wrong_phase;
use super::review::{Course, Standing, found, may_decide, may_review};
use super::{Case, Event, Officer, Phase};

/// Code of the decision among the tasks; no step of a list has it.
pub const DECISION: &str = "decision";

/// In whose hands a task is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Holder {
    /// The officer.
    pub officer: Officer,
    /// Since when.
    pub since: Timestamp,
    /// Who gave it to them; themselves where they took it.
    pub given_by: Officer,
    /// Why, where that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Personal>,
}

/// Who acts on a task.
#[derive(Clone, Debug, Default)]
pub struct Hands {
    /// The officer.
    pub officer: Officer,
    /// B角: for whom they stand in today, by the organ whose roster says so.
    pub covers: BTreeSet<(String, String)>,
    /// Whether they answer for the office: its head, or the region's supervision.
    pub oversees: bool,
}

impl From<Officer> for Hands {
    fn from(officer: Officer) -> Self {
        Self { officer, ..Self::default() }
    }
}

impl Hands {
    fn is(&self, holder: &Holder) -> bool {
        holder.officer.id == self.officer.id
    }

    /// B角 stands in by the roster of the organ that handles the case, and no other's.
    fn covers(&self, case: &Case, holder: &Holder) -> bool {
        let handler = case.facts.as_ref().map_or("", |facts| facts.item.handler());
        self.covers.contains(&(handler.to_owned(), holder.officer.id.clone()))
    }
}

/// What is to be done with a case now: codes and names.
pub fn open(case: &Case) -> Vec<(&str, &str)> {
    match case.phase {
        Phase::Open => Course::of(case).open().map(|step| (step.code.as_str(), step.name.as_str())).collect(),
        Phase::Reviewed => vec![(DECISION, "决定")],
        _ => Vec::new(),
    }
}

/// The task that is meant; an empty code is the one that is open, where one is.
fn meant(case: &Case, code: &str) -> Result<String, Refusal> {
    let open = open(case);
    let codes = || open.iter().map(|(code, _)| *code).collect::<Vec<_>>().join(",");
    match (code, open.as_slice()) {
        ("", [(one, _)]) => return Ok((*one).to_owned()),
        ("", _) => {
            let (zh, en) = ("有多个待办的任务，应当写明是哪一个", "several tasks are open; say which");
            return Err(Refusal::field("step_code", "STEP_MISSING", zh, en).with("steps", codes()));
        }
        _ if open.iter().any(|(one, _)| *one == code) => return Ok(code.to_owned()),
        (DECISION, _) => {}
        _ => drop(found(&Course::of(case), code)?),
    }
    let (zh, en) = ("该任务目前不能办理", "the task is not to be done now");
    Err(Refusal::state("TASK_NOT_OPEN", zh, en).with("steps", codes()))
}

/// Whether an officer may do a task.
fn may_do(case: &Case, task: &str, by: &Officer) -> Result<(), Refusal> {
    let course = Course::of(case);
    match course.find(task) {
        Some((step, Standing::Open)) => may_review(case, &course, step, by),
        _ => may_decide(case, by),
    }
}

/// What is in another's hands is not done, unless one stands in for them.
pub fn in_hand(case: &Case, task: &str, by: &Hands) -> Result<(), Refusal> {
    match case.holders.get(task) {
        Some(holder) if !by.is(holder) && !by.covers(case, holder) => Err(held(holder)),
        _ => Ok(()),
    }
}

fn held(holder: &Holder) -> Refusal {
    let zh = format!("该任务由{}办理", holder.officer.name);
    let en = format!("the task is in the hands of {}", holder.officer.id);
    Refusal::state("TASK_HELD", zh, en).with("holder", holder.officer.id.clone())
}

/// Who may not do any more what is in their hands has it no more: they examined what it is to check, or it is not needed.
pub fn settle(case: &mut Case) {
    let keeps = |task: &str, officer: &Officer| {
        let course = Course::of(case);
        match course.find(task) {
            Some((_, Standing::Done | Standing::Skipped | Standing::Dropped)) => false,
            Some((step, _)) => may_review(case, &course, step, officer).is_ok(),
            None => may_decide(case, officer).is_ok(),
        }
    };
    let kept: BTreeSet<String> = case
        .holders
        .iter()
        .filter(|(task, holder)| keeps(task, &holder.officer))
        .map(|(task, _)| task.clone())
        .collect();
    case.holders.retain(|task, _| kept.contains(task));
}

/// 领取, of what is in nobody's hands. Of what is one's own already, nothing happens.
pub fn claim(case: &Case, by: &Hands, code: &str) -> Decided<Event> {
    case.facts()?;
    if !case.is_open() {
        return wrong_phase(case);
    }
    let task = meant(case, code)?;
    may_do(case, &task, &by.officer)?;
    match case.holders.get(&task) {
        Some(holder) if by.is(holder) => Ok(Vec::new()),
        Some(holder) => Err(held(holder)),
        None => {
            let to = Some(by.officer.clone());
            Ok(vec![Event::TaskGiven { step: task, to, by: by.officer.clone(), reason: None }])
        }
    }
}

/// 退回任务: by who has it, or who answers for the office; also of what waits.
pub fn release(case: &Case, by: &Hands, code: &str, reason: &str) -> Decided<Event> {
    let facts = case.facts()?;
    if !case.is_open() {
        return wrong_phase(case);
    }
    let task = if case.holders.contains_key(code) { code.to_owned() } else { meant(case, code)? };
    let Some(holder) = case.holders.get(&task) else {
        let (zh, en) = ("该任务无人办理，不用退回", "the task is in nobody's hands");
        return Err(Refusal::state("TASK_NOT_HELD", zh, en));
    };
    if !by.oversees && !by.is(holder) {
        return not_yours();
    }
    let reason = Some(Personal::new(&facts.applicant.subject, "reason", reason));
    Ok(vec![Event::TaskGiven { step: task, to: None, by: by.officer.clone(), reason }])
}

/// 分派、转办: by the head, or by who has it; who from hand to hand gives says why. What is theirs already is not given to them.
pub fn assign(
    case: &Case,
    by: &Hands,
    (code, reason): (&str, &str),
    to: &dyn Fn(&str) -> Result<Officer, Refusal>,
) -> Decided<Event> {
    let facts = case.facts()?;
    if !case.is_open() {
        return wrong_phase(case);
    }
    let task = meant(case, code)?;
    let holder = case.holders.get(&task);
    if !by.oversees && !holder.is_some_and(|holder| by.is(holder)) {
        return not_yours();
    }
    let to = to(&task)?;
    may_do(case, &task, &to)?;
    if holder.is_some_and(|holder| holder.officer.id == to.id) {
        return Ok(Vec::new());
    }
    if holder.is_some() && reason.is_empty() {
        let (zh, en) = ("转办应当说明理由", "what goes from hand to hand has its reason");
        return Err(Refusal::field("reason", "REASONS_MISSING", zh, en));
    }
    let reason = (!reason.is_empty()).then(|| Personal::new(&facts.applicant.subject, "reason", reason));
    Ok(vec![Event::TaskGiven { step: task, to: Some(to), by: by.officer.clone(), reason }])
}

fn not_yours() -> Decided<Event> {
    let (zh, en) = ("该任务不在您手中", "the task is not in your hands");
    Err(Refusal::new(Kind::PermissionDenied, "NOT_YOUR_TASK", zh, en))
}
