//! 审查: what is examined between acceptance and decision. An item's list may define steps, in sequence or side by side, some only
//! where the form says so; a case keeps the steps of the list's version that it began with (decision 63). Who examined does not decide
//! (审查与决定分离).

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use yiwang_ledger::{Decision as Decided, Personal, Refusal, Timestamp};

use super::decide::wrong_phase;
use super::task::{DECISION, in_hand, settle};
use super::{Case, Event, Hands, Officer, Phase};

/// A case keeps at most so many opinions, those that stand no more among them; it goes back no further than they allow.
pub const MOST_REVIEWS: usize = 24;

/// 审查环节, as the item's list defines it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewStep {
    /// Code, unique within the item.
    pub code: String,
    /// Name.
    pub name: String,
    /// Codes of the steps before it; none: it begins with the case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// Of several steps before it, one is enough.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub any: bool,
    /// 复核: not by an officer who did a step before it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub other_officer: bool,
}

/// The one step of an item whose list defines none.
pub const REVIEW: &str = "review";

static PLAIN: LazyLock<[ReviewStep; 1]> =
    LazyLock::new(|| [ReviewStep { code: REVIEW.to_owned(), name: "审查".to_owned(), ..ReviewStep::default() }]);

/// 审查意见.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Review {
    /// Code of the step.
    pub step: String,
    /// The reviewer.
    pub by: Officer,
    /// When.
    pub at: Timestamp,
    /// What the reviewer proposes.
    pub recommendation: Recommendation,
    /// In words.
    pub opinion: Personal,
    /// Whether it stands: the case has not gone back to its step, or to one before it, since.
    pub stands: bool,
}

/// What a reviewer proposes; it binds nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Recommendation {
    /// 拟准予.
    Grant,
    /// 拟不予.
    Refuse,
}

/// 退回: that a case went back to a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Return {
    /// Code of the step.
    pub step: String,
    /// Who sent it back.
    pub by: Officer,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: Personal,
    /// By who examined: before that was complete.
    pub examining: bool,
    /// By whose turn it was to do what another had done over (复核).
    pub checking: bool,
}

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// What comes before it is not done.
    Waiting,
    /// To be done now.
    Open,
    /// Done.
    Done,
    /// The form does not ask for it.
    Skipped,
    /// 任一: another one was enough.
    Dropped,
}

/// Where the examination stands: every step, in the list's order.
pub struct Course<'a> {
    steps: &'a [ReviewStep],
    standing: Vec<Standing>,
    /// What comes after a step to which the case went back, and which was not done again yet.
    held_up: BTreeSet<&'a str>,
}

impl<'a> Course<'a> {
    /// Of a case. The catalogue publishes no list whose steps go in a circle.
    pub fn of(case: &'a Case) -> Self {
        let steps = case.facts.as_ref().map_or(&[][..], |facts| match facts.item.review_steps.as_slice() {
            [] => &PLAIN[..],
            own => own,
        });
        let skipped = |step: &ReviewStep| case.facts.iter().any(|facts| facts.skipped.contains(&step.code));
        let done = |step: &ReviewStep| case.reviews.iter().any(|review| review.stands && review.step == step.code);
        let standing = steps.iter().map(|step| match (done(step), skipped(step)) {
            (true, _) => Standing::Done,
            (_, true) => Standing::Skipped,
            _ => Standing::Waiting,
        });
        let mut course = Self { steps, standing: standing.collect(), held_up: BTreeSet::new() };
        let again = |step: &&ReviewStep| !done(step) && case.returns.iter().any(|back| back.step == step.code);
        course.held_up = steps.iter().filter(again).flat_map(|step| course.following(&step.code)).collect();
        course.settle();
        course
    }

    /// Finds what is open, and what is not needed any more. Nothing goes on without what is done again.
    fn settle(&mut self) {
        let passed = self.passed();
        let past = self.past(&passed);
        for (place, step) in self.steps.iter().enumerate() {
            let reached = self.is_reached(step, &passed);
            self.standing[place] = match self.standing[place] {
                Standing::Waiting if past.contains(step.code.as_str()) => Standing::Dropped,
                Standing::Waiting if reached => Standing::Open,
                known => known,
            };
        }
    }

    /// The steps behind which one may go on: those that are done, and those that are left out, where what is before them is passed.
    fn passed(&self) -> BTreeSet<&'a str> {
        let of = |wanted: Standing| {
            let all = self.steps.iter().zip(&self.standing);
            all.filter(move |(_, standing)| **standing == wanted).map(|(step, _)| step)
        };
        let mut passed: BTreeSet<&str> = of(Standing::Done).map(|step| step.code.as_str()).collect();
        for _ in 0..self.steps.len() {
            let through = of(Standing::Skipped).filter(|step| self.is_reached(step, &passed));
            let through: Vec<&str> = through.map(|step| step.code.as_str()).collect();
            passed.extend(through);
        }
        passed
    }

    /// Whether what comes before a step is passed. Where one of several is enough, a step that is left out is not the one, unless all
    /// are.
    fn is_reached(&self, step: &ReviewStep, passed: &BTreeSet<&str>) -> bool {
        if self.held_up.contains(step.code.as_str()) {
            return false;
        }
        let passed = |code: &&String| passed.contains(code.as_str());
        let asked: Vec<&String> =
            step.after.iter().filter(|code| self.standing(code) != Some(Standing::Skipped)).collect();
        match step.any && !asked.is_empty() {
            true => asked.iter().any(passed),
            false => step.after.iter().all(|code| passed(&code)),
        }
    }

    /// 任一: the steps without which all that comes after them went on, or is not needed itself. For a step that is left out nothing that is
    /// before it is.
    fn past(&self, passed: &BTreeSet<&str>) -> BTreeSet<&'a str> {
        let mut past = BTreeSet::new();
        for _ in 0..self.steps.len() {
            let without = |later: &ReviewStep| {
                let left_out = self.standing(&later.code) == Some(Standing::Skipped);
                past.contains(later.code.as_str()) || (later.any && !left_out && self.is_reached(later, passed))
            };
            let found = self.steps.iter().filter(|step| {
                let mut later = self.steps.iter().filter(|later| later.after.contains(&step.code)).peekable();
                later.peek().is_some() && later.all(without)
            });
            let found: Vec<&str> = found.map(|step| step.code.as_str()).collect();
            past.extend(found);
        }
        past
    }

    fn standing(&self, code: &str) -> Option<Standing> {
        let place = self.steps.iter().position(|step| step.code == code)?;
        self.standing.get(place).copied()
    }

    /// Every step, and how it stands.
    pub fn steps(&self) -> impl Iterator<Item = (&'a ReviewStep, Standing)> {
        self.steps.iter().zip(self.standing.iter().copied())
    }

    /// The steps that are to be done now.
    pub fn open(&self) -> impl Iterator<Item = &'a ReviewStep> {
        self.steps().filter(|(_, standing)| *standing == Standing::Open).map(|(step, _)| step)
    }

    /// Whether nothing is left to examine.
    pub fn is_complete(&self) -> bool {
        !self.standing.iter().any(|standing| matches!(standing, Standing::Waiting | Standing::Open))
    }

    /// A step by its code.
    pub fn find(&self, code: &str) -> Option<(&'a ReviewStep, Standing)> {
        self.steps().find(|(step, _)| step.code == code)
    }

    /// Codes of all that comes after a step.
    fn following(&self, code: &str) -> BTreeSet<&'a str> {
        let mut following = BTreeSet::new();
        for _ in 0..self.steps.len() {
            let next = self
                .steps
                .iter()
                .filter(|step| step.after.iter().any(|before| before == code || following.contains(before.as_str())));
            let next: Vec<&str> = next.map(|step| step.code.as_str()).collect();
            following.extend(next);
        }
        following
    }
}

/// 审查: one step. An empty code is the step that is open, where one is.
pub fn review(
    case: &Case,
    by: &Hands,
    (code, recommendation, opinion): (&str, Recommendation, &str),
) -> Decided<Event> {
    let facts = case.facts()?;
    if !matches!(case.phase, Phase::Open) {
        return wrong_phase(case);
    }
    let course = Course::of(case);
    let step = to_be_done(&course, code.trim())?;
    may_review(case, &course, step, &by.officer)?;
    in_hand(case, &step.code, by)?;
    let opinion = Personal::new(&facts.applicant.subject, "opinion", opinion);
    let (step, by) = (step.code.clone(), by.officer.clone());
    Ok(vec![match facts.item.review_steps.is_empty() {
        true => Event::Reviewed { by, recommendation, opinion },
        false => Event::StepReviewed { step, by, recommendation, opinion },
    }])
}

/// 受办分离: who accepted does not review. 复核: a step of another officer's is not done by who did one before it, nor they by who did it.
/// Unless the item is one officer's (独任审批).
pub(super) fn may_review(case: &Case, course: &Course<'_>, step: &ReviewStep, by: &Officer) -> Result<(), Refusal> {
    let facts = case.facts()?;
    if facts.item.sole_officer {
        return Ok(());
    }
    if by.id == facts.accepted_by.id {
        let (zh, en) = ("受理人员不得审查同一办件（受办分离）", "who accepted the application does not review it");
        return Err(same_officer(zh, en));
    }
    // also what stands no more, for whoever gave it has seen the case
    let mut own = case.reviews.iter().filter(|review| review.by.id == by.id);
    let after = course.following(&step.code);
    let checks = |review: &Review| {
        let again = course.find(&review.step).is_some_and(|(other, _)| other.other_officer);
        review.stands && again && after.contains(review.step.as_str())
    };
    let before = |review: &Review| course.following(&review.step).contains(step.code.as_str());
    // who sent it back from 复核 keeps it, and does not do what it checks
    let checked = course.steps().any(|(other, _)| other.other_officer && after.contains(other.code.as_str()));
    let back = |back: &Return| {
        back.checking && (back.step == step.code || course.following(&back.step).contains(step.code.as_str()))
    };
    let sent_back = checked && case.returns.iter().any(|one| one.by.id == by.id && back(one));
    if sent_back || own.any(|review| (step.other_officer && before(review)) || checks(review)) {
        let (zh, en) = ("复核人员不得是此前环节的审查人员", "who did a step before it does not do this one");
        return Err(same_officer(zh, en));
    }
    Ok(())
}

/// 审查与决定分离: who accepted, examined, or sent back what was examined does not decide, unless the item is one officer's (独任审批).
pub fn may_decide(case: &Case, by: &Officer) -> Result<(), Refusal> {
    let facts = case.facts()?;
    if facts.item.sole_officer {
        return Ok(());
    }
    let reviewed = case.reviews.iter().map(|review| &review.by);
    let returned = case.returns.iter().filter(|back| back.examining).map(|back| &back.by);
    if reviewed.chain(returned).any(|officer| officer.id == by.id) {
        return Err(same_officer("审查人员与决定人员不得为同一人", "the reviewer does not decide the same case"));
    }
    if facts.accepted_by.id == by.id {
        let (zh, en) = ("受理人员不得决定同一办件（受办分离）", "who accepted the application does not decide it");
        return Err(same_officer(zh, en));
    }
    Ok(())
}

fn same_officer(zh: &str, en: &str) -> Refusal {
    Refusal::state("SAME_OFFICER", zh, en)
}

fn to_be_done<'a>(course: &Course<'a>, code: &str) -> Result<&'a ReviewStep, Refusal> {
    let codes = || course.open().map(|step| step.code.as_str()).collect::<Vec<_>>().join(",");
    if code.is_empty() {
        let mut open = course.open();
        return match (open.next(), open.next()) {
            (Some(step), None) => Ok(step),
            _ => {
                let (zh, en) = ("有多个待办的审查环节，应当写明是哪一个", "several steps are open; say which");
                Err(Refusal::field("step_code", "STEP_MISSING", zh, en).with("steps", codes()))
            }
        };
    }
    match found(course, code)? {
        (step, Standing::Open) => Ok(step),
        (step, standing) => {
            let zh = format!("审查环节“{}”目前不能办理：{}", step.name, words(standing));
            let en = format!("the step {} is not to be done now", step.code);
            Err(Refusal::state("STEP_NOT_OPEN", zh, en).with("steps", codes()))
        }
    }
}

pub(super) fn found<'a>(course: &Course<'a>, code: &str) -> Result<(&'a ReviewStep, Standing), Refusal> {
    course.find(code).ok_or_else(|| {
        let (zh, en) = ("该办件没有这个审查环节", "the case has no such step");
        Refusal::field("step_code", "STEP_UNKNOWN", zh, en)
    })
}

fn words(standing: Standing) -> &'static str {
    match standing {
        Standing::Waiting => "此前的环节尚未完成",
        Standing::Open => "待办",
        Standing::Done => "已经完成",
        Standing::Skipped => "本办件不需要",
        Standing::Dropped => "其他环节已经满足",
    }
}

/// 退回: to a step that was done, by whoever's turn is after it. It is done again, and so is what came after it; the opinions that were
/// given stay in the file. The clock goes on.
pub fn return_to(case: &Case, by: &Hands, code: &str, reason: &str) -> Decided<Event> {
    let facts = case.facts()?;
    if !case.is_open() {
        return wrong_phase(case);
    }
    let course = Course::of(case);
    let (step, standing) = found(&course, code)?;
    let following = course.following(code);
    let mut next = course.open().filter(|open| following.contains(open.code.as_str()));
    let may =
        |open: &ReviewStep| may_review(case, &course, open, &by.officer).and_then(|()| in_hand(case, &open.code, by));
    let turn = match (case.phase == Phase::Reviewed, next.next()) {
        _ if standing != Standing::Done => None,
        (true, _) => Some(may_decide(case, &by.officer).and_then(|()| in_hand(case, DECISION, by))),
        (false, Some(first)) => Some(next.fold(may(first), |known, open| known.or_else(|_| may(open)))),
        (false, None) => None,
    };
    let Some(turn) = turn else {
        let zh = format!("审查环节“{}”尚未完成，或者此后没有待办的环节，不能退回", step.name);
        let en = format!("the step {} is not done, or nothing that comes after it is to be done now", step.code);
        return Err(Refusal::state("STEP_NOT_DONE", zh, en));
    };
    turn?;
    // each of them may have to be done once more
    if case.reviews.len() + following.len() + 1 > MOST_REVIEWS {
        let (zh, en) =
            ("该办件退回的次数过多，请依现有审查意见作出决定", "the case went back too often: decide on what there is");
        return Err(Refusal::state("TOO_MANY_RETURNS", zh, en));
    }
    let reason = Personal::new(&facts.applicant.subject, "reason", reason);
    Ok(vec![Event::Returned { step: step.code.clone(), by: by.officer.clone(), reason }])
}

impl Case {
    /// After a review: whether the decision is next.
    pub(super) fn reviewed(&mut self, review: Review) {
        self.reviews.push(review);
        self.phase = if Course::of(self).is_complete() { Phase::Reviewed } else { Phase::Open };
        settle(self);
    }

    /// After a return: what was done of the step and after it stands no more.
    pub(super) fn returned(&mut self, mut back: Return) {
        let course = Course::of(self);
        let following = course.following(&back.step);
        back.checking = course.open().any(|open| open.other_officer && following.contains(open.code.as_str()));
        let mut again: BTreeSet<String> = following.into_iter().map(str::to_owned).collect();
        again.insert(back.step.clone());
        self.reviews.iter_mut().filter(|review| again.contains(&review.step)).for_each(|review| review.stands = false);
        self.returns.push(back);
        self.phase = Phase::Open;
        settle(self);
    }
}
