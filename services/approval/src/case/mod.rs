//! 办件: a case, from the acceptance of an application to its decision, its delivery and, for 告知承诺, its later
//! check. One stream a case; the rules are in [`decide`], the time limits in [`clock`], what the law asks of which
//! type of item in [`rules`].

pub mod clock;
pub mod decide;
mod limits;
mod matter;
mod model;
mod outcome;
pub mod procedure;
pub mod review;
pub mod rules;
pub mod task;

pub use limits::*;
pub use matter::*;
pub use model::*;
pub use outcome::*;
pub use procedure::{Allowance, Asked, Ended, Listed, Procedure, SpecialKind, Stage};
pub use review::{Course, Recommendation, Return, Review, ReviewStep, Standing};
pub use task::{Hands, Holder};
pub use yiwang_standards::calendar::{Due, Limit, Source, Start, Unit};

use chrono::NaiveDate;
use yiwang_ledger::{Aggregate, EventName, Index, Kind, Meta, Refusal, Tag, Timestamp, UniqueKey};

impl Aggregate for Case {
    const KIND: &'static str = "case";
    const SCHEMA: i32 = 3;
    type Event = Event;

    fn evolve(&mut self, event: &Event, meta: &Meta) {
        let limit = if let Event::MarkedOverdue { which, .. } = event { Some(*which) } else { None };
        // what is between the organ and its supervision is no step of the progress
        if !matches!(event, Event::DocumentIssued { .. } | Event::MarkedNear { .. } | Event::TaskGiven { .. }) {
            let (kind, procedure) = (event.name().to_owned(), self.procedure_of(event));
            let (step, told) = (self.step_of(event), days_told(event));
            self.steps.push(StepTaken { kind, limit, procedure, step, told, by: who(event, meta), at: meta.at });
        }
        match event {
            Event::Opened(opened) => {
                self.facts = Some(opened.as_ref().clone());
                self.opened_at = meta.at;
                self.phase = Phase::Open;
            }
            Event::MaterialRecorded { code, .. } => self.arrived.push(code.clone()),
            Event::Reviewed { by, recommendation, opinion }
            | Event::StepReviewed { by, recommendation, opinion, .. } => {
                let step = if let Event::StepReviewed { step, .. } = event { step } else { review::REVIEW };
                self.holders.remove(step);
                self.reviewed(Review {
                    step: step.to_owned(),
                    by: by.clone(),
                    at: meta.at,
                    recommendation: *recommendation,
                    opinion: opinion.clone(),
                    stands: true,
                });
            }
            Event::Returned { step, by, reason } => {
                let examining = matches!(self.phase, Phase::Open);
                self.returned(Return {
                    step: step.clone(),
                    by: by.clone(),
                    at: meta.at,
                    reason: reason.clone(),
                    examining,
                    checking: false,
                });
            }
            Event::TaskGiven { step, to, by, reason } => {
                self.holders.remove(step);
                if let Some(officer) = to.clone() {
                    let holder = Holder { officer, since: meta.at, given_by: by.clone(), reason: reason.clone() };
                    self.holders.insert(step.clone(), holder);
                }
            }
            Event::Decided(decision) => {
                self.holders.clear();
                self.decision = Some(decision.as_ref().clone());
                self.phase = Phase::Decided;
            }
            Event::ProcedureAsked(asked) => {
                let number = self.procedures.len() as u32 + 1;
                let asked = asked.as_ref().clone();
                self.procedures.push(Procedure { number, asked, at: meta.at, stage: Stage::Asked });
            }
            Event::ProcedureDenied { number, by, reason } => {
                let denied = Stage::Denied { by: by.clone(), at: meta.at, reason: reason.clone() };
                self.procedure_mut(*number).for_each(|one| one.stage = denied.clone());
            }
            Event::ProcedureAllowed { number, allowance, dates } => {
                self.procedure_mut(*number).for_each(|one| one.stage = Stage::Allowed(allowance.clone()));
                self.apply_dates(dates);
                self.take_place();
            }
            Event::ProcedureEnded { number, ended, dates } => {
                let allowances = self.procedure_mut(*number).filter_map(Procedure::allowance_mut);
                allowances.for_each(|allowance| allowance.ended = Some(ended.as_ref().clone()));
                self.apply_dates(dates);
                self.take_place();
            }
            Event::DocumentIssued { number, procedure, .. } => {
                self.documents.push(number.clone());
                match (procedure, &mut self.decision) {
                    (Some(about), _) => {
                        let allowances = self.procedure_mut(*about).filter_map(Procedure::allowance_mut);
                        allowances.for_each(|allowance| allowance.document.clone_from(number));
                    }
                    (None, Some(decision)) => decision.document_number.clone_from(number),
                    (None, None) => {}
                }
            }
            Event::Withdrawn { by, reason } => {
                self.holders.clear();
                self.phase = Phase::Withdrawn { at: meta.at, by: by.clone(), reason: reason.clone() };
            }
            Event::FollowUpChecked { by, outcome, findings, next } => {
                if let Some(follow_up) = self.decision.as_mut().and_then(|decision| decision.follow_up.as_mut()) {
                    follow_up.checks.push(Check {
                        by: by.clone(),
                        at: meta.at,
                        outcome: *outcome,
                        findings: findings.clone(),
                    });
                    follow_up.phase = next.clone();
                }
            }
            Event::MarkedNear { which, due } => self.near.push(Near { which: *which, due: *due }),
            Event::MarkedOverdue { which, due } => self.overdue.push(Overdue { which: *which, due: *due, at: meta.at }),
            Event::DueDatesRecomputed { dates, last_days } => {
                self.apply_dates(dates);
                for (number, until) in last_days {
                    let allowances = self.procedure_mut(*number).filter_map(Procedure::allowance_mut);
                    allowances.for_each(|allowance| allowance.until = Some(until.clone()));
                }
            }
            Event::LicenseIssued { id, identifier, number } => {
                self.result = CaseResult::License {
                    id: id.clone(),
                    identifier: identifier.clone(),
                    number: number.clone(),
                    at: meta.at,
                };
            }
            Event::LicenseRetried { type_code, .. } => {
                self.result = CaseResult::None;
                if let (Some(facts), Some(code)) = (&mut self.facts, type_code) {
                    facts.item.license_type.clone_from(code);
                }
            }
            Event::LicenseRefused { reason, zh, en } => {
                self.result =
                    CaseResult::LicenseRefused { reason: reason.clone(), zh: zh.clone(), en: en.clone(), at: meta.at };
            }
        }
    }

    fn index(&self) -> Index {
        let Some(facts) = &self.facts else { return Index::default() };
        Index {
            region: facts.item.region.clone(),
            organisation: facts.item.organisation.clone(),
            owner: facts.applicant.subject.to_string(),
            item: facts.item.code.clone(),
            status: self.status().to_owned(),
            due_at: self.next_mark().map(|mark| mark.at),
        }
    }

    fn tags(&self) -> Vec<Tag> {
        let Some(facts) = &self.facts else { return Vec::new() };
        let sort = self.sort(facts);
        let mut tags = vec![
            Tag::new(Tag::AUDIENCE, facts.applicant.subject.audience(), sort.clone()),
            Tag::new(Tag::AUDIENCE, format!("org:{}", facts.item.organisation), sort.clone()),
            Tag::new(Tag::AUDIENCE, format!("org:{}", facts.item.handler()), sort.clone()),
            Tag::new(Tag::AUDIENCE, format!("region:{}", facts.item.region), sort.clone()),
            // The counter hands out what was decided (前台受理、后台办理、窗口出件).
            Tag::new(Tag::AUDIENCE, format!("window:{}", facts.item.region), sort.clone()),
            Tag::new("status", self.status(), sort.clone()),
            Tag::new("item", facts.item.code.as_str(), sort.clone()),
            Tag::new("number", facts.number.as_str(), sort.clone()),
            Tag::new("warning", self.warning().name(), sort.clone()),
            Tag::new("application", facts.application.as_str(), sort.clone()),
        ];
        for owner in facts.owner_subject.iter().chain(&facts.agent_subject) {
            tags.push(Tag::new(Tag::AUDIENCE, owner.audience(), sort.clone()));
        }
        if self.is_open() && !facts.item.review_steps.is_empty() {
            tags.extend(Course::of(self).open().map(|step| Tag::new("step", step.code.as_str(), sort.clone())));
        }
        let holder = |(task, _): (&str, &str)| self.holders.get(task).map_or(FREE, |holder| holder.officer.id.as_str());
        tags.extend(task::open(self).into_iter().map(|task| Tag::new("holder", holder(task), sort.clone())));
        if let Some(stage) = self.procedure_stage() {
            tags.push(Tag::new("procedure", stage, sort.clone()));
        }
        // 本级人民政府: whose head extends what several organs handle together
        if rules::is_joint(&facts.item) {
            tags.push(Tag::new(Tag::AUDIENCE, format!("government:{}", facts.item.region), sort.clone()));
        }
        if !facts.owner.is_empty() {
            tags.push(Tag::new("owner", facts.owner.as_str(), sort.clone()));
        }
        let years: std::collections::BTreeSet<i32> =
            self.named_dues().flat_map(|(_, due)| due.missing_years.iter().copied()).collect();
        tags.extend(years.into_iter().map(|year| Tag::new(PROVISIONAL, year.to_string(), sort.clone())));
        tags.sort();
        tags.dedup();
        tags
    }

    fn keys(&self) -> Vec<UniqueKey> {
        let Some(facts) = &self.facts else { return Vec::new() };
        vec![
            UniqueKey { scope: "CASE_NUMBER_TAKEN", key: facts.number.clone() },
            UniqueKey { scope: "APPLICATION_HAS_CASE", key: facts.application.clone() },
        ]
    }
}

/// `CASE_NOT_FOUND`, worded alike whether the case is missing or hidden from the caller.
pub fn not_found() -> Refusal {
    Refusal::new(
        Kind::NotFound,
        "CASE_NOT_FOUND",
        "未找到该办件，或您无权查看",
        "there is no such case, or it is not visible to you",
    )
}

/// Who did it, as the progress shows it.
fn who(event: &Event, meta: &Meta) -> Officer {
    match event {
        Event::Opened(opened) => opened.accepted_by.clone(),
        Event::MaterialRecorded { by, .. }
        | Event::Reviewed { by, .. }
        | Event::StepReviewed { by, .. }
        | Event::Returned { by, .. }
        | Event::Withdrawn { by, .. }
        | Event::FollowUpChecked { by, .. }
        | Event::ProcedureDenied { by, .. }
        | Event::LicenseRetried { by, .. } => by.clone(),
        Event::ProcedureAsked(asked) => asked.by.clone(),
        Event::ProcedureAllowed { allowance, .. } => allowance.by.clone(),
        Event::ProcedureEnded { ended, .. } => ended.by.clone(),
        Event::Decided(decision) => decision.by.clone(),
        _ if meta.actor == Officer::SYSTEM => Officer::system(),
        _ => Officer { id: meta.actor.clone(), ..Officer::default() },
    }
}

/// The last days that an event tells of.
fn days_told(event: &Event) -> Vec<NaiveDate> {
    match event {
        Event::Opened(opened) => vec![opened.promised.date, opened.legal.date],
        Event::ProcedureAllowed { allowance, dates, .. } => match &allowance.until {
            Some(until) => vec![until.date],
            None => dates.iter().filter(|(which, _)| *which == Which::Legal).map(|(_, due)| due.date).collect(),
        },
        _ => Vec::new(),
    }
}

/// Tag `holder` of what is in nobody's hands.
pub const FREE: &str = "-";

/// Tag of the records whose due date rests on a year that the calendar did not cover.
pub const PROVISIONAL: &str = "provisional";

impl Case {
    /// What the case was opened with; `NOT_FOUND` before its first entry.
    pub fn facts(&self) -> Result<&Opened, Refusal> {
        self.facts.as_ref().ok_or_else(not_found)
    }

    /// Place in lists: what is open comes first, the earliest due date before the others; what has ended comes after it, the
    /// latest first.
    fn sort(&self, facts: &Opened) -> String {
        match self.ended_at() {
            None => format!("0{}", facts.sort),
            Some(at) => format!("1{}", Tag::newest_first(at)),
        }
    }

    /// The phase's name, as it stands in lists and in refusals.
    pub fn status(&self) -> &'static str {
        match (&self.phase, &self.decision) {
            (Phase::Absent, _) => "ABSENT",
            (Phase::Open, _) => "OPEN",
            (Phase::Reviewed, _) => "REVIEWED",
            (Phase::Decided, Some(Decision { outcome: Outcome::Refused { .. }, .. })) => "REFUSED",
            (Phase::Decided, _) => "GRANTED",
            (Phase::Withdrawn { .. }, _) => "WITHDRAWN",
        }
    }

    /// 容缺: codes of the required materials that have not come yet.
    pub fn outstanding(&self) -> impl Iterator<Item = &String> {
        let owed = self.facts.iter().flat_map(|facts| &facts.outstanding);
        owed.filter(|code| !self.arrived.contains(code))
    }

    /// True while nobody has decided and nobody has withdrawn.
    pub fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::Reviewed)
    }

    /// The colour of 电子监察: amber when a limit is near, yellow when over the promised one, red when over the legal one. A mark, no
    /// more: the case goes on.
    pub fn warning(&self) -> Warning {
        // A mark on a date that was counted again since does not count.
        let near = |(which, due): (Which, &Due)| self.near.contains(&Near { which, due: due.date });
        let over = |wanted| {
            let marked = |due: &Due| self.overdue.iter().any(|mark| mark.which == wanted && mark.due == due.date);
            self.named_dues().any(|(which, due)| which == wanted && marked(due))
        };
        if over(Which::Legal) || over(Which::Delivery) || over(Which::FollowUp) {
            Warning::Red
        } else if over(Which::Promised) || over(Which::Procedure) {
            Warning::Yellow
        } else if self.limits().into_iter().any(near) {
            Warning::Amber
        } else {
            Warning::None
        }
    }

    /// The limits that still run.
    fn limits(&self) -> Vec<(Which, &Due)> {
        match (&self.facts, &self.decision) {
            (Some(facts), None) if self.is_open() => {
                let limits = [(Which::Promised, &facts.promised), (Which::Legal, &facts.legal)];
                limits.into_iter().chain(self.told()).collect()
            }
            (Some(_), Some(decision)) => {
                let delivery =
                    decision.delivery.as_ref().filter(|_| !matches!(self.result, CaseResult::License { .. }));
                let follow_up = decision.follow_up.as_ref().and_then(FollowUp::due);
                delivery
                    .map(|due| (Which::Delivery, due))
                    .into_iter()
                    .chain(follow_up.map(|due| (Which::FollowUp, due)))
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    /// The next mark that a running limit is to get, should nothing happen before: near, and then over.
    pub fn next_mark(&self) -> Option<Mark<'_>> {
        let marks = self.limits().into_iter().filter_map(|(which, due)| {
            let (near, date) = (Near { which, due: due.date }, due.date);
            if self.overdue.iter().any(|mark| mark.which == which && mark.due == date) {
                return None;
            }
            let warns = due.warn.filter(|_| which != Which::Procedure && !self.near.contains(&near));
            Some(Mark { which, due, at: warns.map_or_else(|| clock::after(due), clock::beginning) })
        });
        marks.min_by_key(|mark| mark.at)
    }

    fn apply_dates(&mut self, dates: &[(Which, Due)]) {
        for (which, due) in dates {
            match which {
                Which::Promised => self.facts.iter_mut().for_each(|facts| facts.promised = due.clone()),
                Which::Legal => self.facts.iter_mut().for_each(|facts| facts.legal = due.clone()),
                Which::Delivery => self.decision.iter_mut().for_each(|decision| decision.delivery = Some(due.clone())),
                Which::FollowUp => {
                    if let Some(follow_up) = self.decision.as_mut().and_then(|decision| decision.follow_up.as_mut()) {
                        follow_up.set_due(due.clone());
                    }
                }
                // by their numbers: `DueDatesRecomputed`
                Which::Procedure => {}
            }
        }
    }

    /// Its place among the open cases follows the legal limit that a special procedure moved.
    fn take_place(&mut self) {
        self.facts.iter_mut().for_each(|facts| facts.sort = clock::place(&facts.legal));
    }

    fn procedure_mut(&mut self, number: u32) -> impl Iterator<Item = &mut Procedure> {
        self.procedures.iter_mut().filter(move |one| one.number == number)
    }

    /// The number of the special procedure that an event is about.
    fn procedure_of(&self, event: &Event) -> Option<u32> {
        match event {
            Event::ProcedureAsked(_) => Some(self.procedures.len() as u32 + 1),
            Event::ProcedureDenied { number, .. }
            | Event::ProcedureAllowed { number, .. }
            | Event::ProcedureEnded { number, .. } => Some(*number),
            _ => None,
        }
    }

    /// Code of the step of the examination that an event is about; empty where the item's list defines none.
    fn step_of(&self, event: &Event) -> String {
        let (Event::StepReviewed { step, .. } | Event::Returned { step, .. }) = event else { return String::new() };
        let defined = self.facts.iter().any(|facts| !facts.item.review_steps.is_empty());
        if defined { step.clone() } else { String::new() }
    }

    /// The last days that were told of the special procedures that run.
    fn told(&self) -> impl Iterator<Item = (Which, &Due)> {
        let last_days = self.running().filter_map(|one| one.allowance()?.until.as_ref());
        last_days.filter(|_| self.is_open()).map(|until| (Which::Procedure, until))
    }

    /// When the case ended: decided or withdrawn.
    pub fn ended_at(&self) -> Option<Timestamp> {
        match (&self.phase, &self.decision) {
            (Phase::Withdrawn { at, .. }, _) => Some(*at),
            (_, Some(decision)) => Some(decision.at),
            _ => None,
        }
    }
}
