//! Every command's rule: `(case, command, context) -> events | refusal`, without I/O.

use chrono::NaiveDate;
use yiwang_ledger::{Context, Decision as Decided, Personal, Refusal, SubjectId};

use super::rules::{self, RuleSet};
use super::{
    Applicant, Case, CaseResult, CheckOutcome, Course, Decision, Due, Event, FollowUp, FollowUpPhase, Hands, Item,
    Officer, Opened, Outcome, ResultKind, Which, clock, review, task,
};

/// What intake's relay brings.
#[derive(Clone, Debug)]
pub struct Open {
    /// 办件编号.
    pub number: String,
    /// The application's id.
    pub application: String,
    /// The item's terms.
    pub item: Item,
    /// 申请人.
    pub applicant: Applicant,
    /// Account that owns the application.
    pub owner: String,
    /// Keyed hash of that account's own document.
    pub owner_subject: Option<SubjectId>,
    /// Keyed hash of the agent's document.
    pub agent_subject: Option<SubjectId>,
    /// Who accepted.
    pub accepted_by: Officer,
    /// 收到申请之日.
    pub received_on: NaiveDate,
    /// 受理之日.
    pub accepted_on: NaiveDate,
    /// 视为受理.
    pub deemed: bool,
    /// 告知承诺 was signed.
    pub promise_signed: bool,
    /// Codes of the required materials that were not there at acceptance: 容缺, or asked for once and not brought.
    pub outstanding: Vec<String>,
    /// Codes of the steps of the examination that the form does not ask for.
    pub skipped: Vec<String>,
    /// The form, JSON text.
    pub form: Option<Personal>,
}

/// Opens the case and starts its clocks; where `decider_at_once` names somebody it is granted with it.
pub fn open(case: &Case, open: &Open, cx: &Context) -> Decided<Event> {
    match &case.facts {
        // The case of an application is the stream named after it: told again, nothing happens.
        Some(facts) if facts.number == open.number => return Ok(Vec::new()),
        Some(_) => {
            return Err(Refusal::new(
                yiwang_ledger::Kind::AlreadyExists,
                "APPLICATION_HAS_CASE",
                "该申请已立案，不得重复立案",
                "the application has a case already",
            ));
        }
        None => {}
    }
    let days = clock::Days { received: open.received_on, accepted: open.accepted_on };
    let (promised, legal) = clock::clocks(&cx.calendar, &open.item, days);
    // a list whose every step is left out would have nobody examine: then all of them do
    let examined = open.item.review_steps.iter().any(|step| !open.skipped.contains(&step.code));
    let opened = Opened {
        number: open.number.clone(),
        application: open.application.clone(),
        item: open.item.clone(),
        applicant: open.applicant.clone(),
        owner: open.owner.clone(),
        owner_subject: open.owner_subject.clone(),
        agent_subject: open.agent_subject.clone(),
        accepted_by: open.accepted_by.clone(),
        received_on: Some(open.received_on),
        accepted_on: open.accepted_on,
        deemed: open.deemed,
        promise_signed: open.promise_signed,
        outstanding: open.outstanding.clone(),
        skipped: if examined { open.skipped.clone() } else { Vec::new() },
        form: open.form.clone(),
        sort: clock::place(&legal),
        promised,
        legal,
    };
    // a later day is not on the spot any more; what the rule set itself records is
    let today = clock::day_of(cx.now) == opened.accepted_on;
    let decider = decider_at_once(&opened).filter(|officer| today || officer.is_system());
    let mut events = vec![Event::Opened(Box::new(opened.clone()))];
    if let Some(officer) = decider {
        let granted = Outcome::Granted { reasons: None };
        events.push(Event::Decided(Box::new(decision(&opened, officer, granted, cx))));
    }
    Ok(events)
}

/// 当场: one officer suffices for a 备案, a 告知承诺 and a 即办件, where the papers were complete and somebody accepted them. What
/// lacked a paper, or what the law itself accepted (行政许可法 art. 32 ④) and nobody has looked at, is reviewed first.
fn on_the_spot(facts: &Opened) -> bool {
    rules::on_the_spot(&facts.item, facts.promise_signed) && !facts.deemed && facts.outstanding.is_empty()
}

/// Who decides a case as it opens. The officer who accepted decides for her own organ alone (arts. 22 to 24: another's power
/// needs a delegation); what is merely recorded, the rule set itself may record.
fn decider_at_once(facts: &Opened) -> Option<Officer> {
    let by = &facts.accepted_by;
    let own = !by.is_system() && by.organisation == facts.item.handler();
    match (on_the_spot(facts), own, RuleSet::of(&facts.item).recorded) {
        (true, true, _) => Some(by.clone()),
        (true, false, true) => Some(Officer::system()),
        _ => None,
    }
}

/// 补交: a material that was owed has come. What is not owed, or comes after the end, changes nothing.
pub fn record_material(case: &Case, code: &str, by: &Officer) -> Decided<Event> {
    case.facts()?;
    let owed = case.is_open() && case.outstanding().any(|outstanding| outstanding == code);
    Ok(if owed { vec![Event::MaterialRecorded { code: code.to_owned(), by: by.clone() }] } else { Vec::new() })
}

/// What an approver decides.
#[derive(Clone, Debug)]
pub enum Ruling {
    /// 准予; a remark may be added.
    Grant(Option<String>),
    /// 不予, with reasons (行政许可法 art. 38).
    Refuse(String),
}

/// 决定: by an officer who neither accepted nor reviewed, unless the item is one officer's (独任审批). What is done on the spot, on the day of acceptance, needs one
/// officer only; a later day is not on the spot any more.
pub fn decide(case: &Case, by: &Hands, ruling: &Ruling, cx: &Context) -> Decided<Event> {
    let facts = case.facts()?;
    if !case.is_open() {
        return wrong_phase(case);
    }
    // what somebody has in hand, or has examined, is not done on the spot
    let untouched = case.reviews.is_empty() && case.holders.is_empty();
    let at_once = on_the_spot(facts) && clock::day_of(cx.now) == facts.accepted_on && untouched;
    if case.running().next().is_some() {
        return procedure_underway(case);
    }
    if !at_once {
        if !matches!(case.phase, super::Phase::Reviewed) {
            return not_reviewed(case);
        }
        review::may_decide(case, &by.officer)?;
        task::in_hand(case, task::DECISION, by)?;
    }
    let subject = &facts.applicant.subject;
    let outcome = match ruling {
        Ruling::Grant(_) if case.outstanding().next().is_some() => return materials_outstanding(case),
        Ruling::Grant(remark) => {
            Outcome::Granted { reasons: remark.as_ref().map(|text| Personal::new(subject, "reasons", text.as_str())) }
        }
        Ruling::Refuse(reasons) if reasons.trim().is_empty() => return reasons_missing(&facts.item),
        Ruling::Refuse(reasons) => Outcome::Refused {
            reasons: Personal::new(subject, "reasons", reasons.as_str()),
            remedies: rules::remedies(&facts.item),
        },
    };
    Ok(vec![Event::Decided(Box::new(decision(facts, by.officer.clone(), outcome, cx)))])
}

fn decision(facts: &Opened, by: Officer, outcome: Outcome, cx: &Context) -> Decision {
    let on = clock::day_of(cx.now);
    let rules = RuleSet::of(&facts.item);
    let grant = outcome.is_grant();
    // A licence arrives here by itself. When a paper document was handed over nobody records yet: no clock runs on it.
    let delivered_here = grant && facts.item.result == ResultKind::License;
    let delivery = rules.delivery.filter(|_| delivered_here).map(|limit| limit.due(on, &cx.calendar));
    let follow_up = (grant && rules::by_promise(&facts.item, facts.promise_signed)).then(|| {
        let limit = facts.item.follow_up.clone();
        let limit = limit
            .unwrap_or_else(|| rules::default_limit(rules::FOLLOW_UP_DAYS, "告知承诺事后核查默认时限，待实施机关确认"));
        FollowUp { phase: FollowUpPhase::Pending { due: limit.due(on, &cx.calendar) }, checks: Vec::new() }
    });
    Decision { document_number: String::new(), by, at: cx.now, on, outcome, delivery, follow_up }
}

/// 撤回 before the decision. Said twice, it is done once.
pub fn withdraw(case: &Case, by: &Officer, reason: &str) -> Decided<Event> {
    let facts = case.facts()?;
    match case.phase {
        super::Phase::Withdrawn { .. } => Ok(Vec::new()),
        _ if !case.is_open() => Err(Refusal::state(
            "CASE_DECIDED",
            "该办件已作出决定，不能撤回申请",
            "the case has been decided; the application cannot be withdrawn any more",
        )),
        _ => {
            let reason = Some(reason.trim()).filter(|reason| !reason.is_empty());
            let reason = reason.map(|reason| Personal::new(&facts.applicant.subject, "reason", reason));
            Ok(vec![Event::Withdrawn { by: by.clone(), reason }])
        }
    }
}

/// 不予: what was to follow (容缺) did not come in time, and the place's rule refuses it then. By the rule itself, with its reasons and
/// remedies, whatever a special procedure that still runs would find. Told after the decision, there is nothing to do.
pub fn lapse(case: &Case, reasons: &str, cx: &Context) -> Decided<Event> {
    let facts = case.facts()?;
    if !case.is_open() {
        return Ok(Vec::new());
    }
    let outcome = Outcome::Refused {
        reasons: Personal::new(&facts.applicant.subject, "reasons", reasons),
        remedies: rules::remedies(&facts.item),
    };
    Ok(vec![Event::Decided(Box::new(decision(facts, Officer::system(), outcome, cx)))])
}

/// 事后核查 of a promise: kept; or 限期整改 and checked again; or 虚假承诺, and the grant is to be annulled (art. 69).
pub fn record_follow_up(
    case: &Case,
    by: &Officer,
    outcome: CheckOutcome,
    findings: &str,
    cx: &Context,
) -> Decided<Event> {
    let facts = case.facts()?;
    let Some(follow_up) = case.decision.as_ref().and_then(|decision| decision.follow_up.as_ref()) else {
        return Err(Refusal::state(
            "NO_FOLLOW_UP_DUE",
            "该办件没有待办的事后核查",
            "no later check is due for this case",
        ));
    };
    let next = match (&follow_up.phase, outcome) {
        (FollowUpPhase::Passed | FollowUpPhase::ToBeAnnulled, _) => {
            return Err(Refusal::state(
                "ALREADY_CHECKED",
                "事后核查已有结论",
                "the later check has its result already",
            ));
        }
        (_, CheckOutcome::Passed) => FollowUpPhase::Passed,
        (_, CheckOutcome::FalsePromise) => FollowUpPhase::ToBeAnnulled,
        // Told once to put it right and still not done: annulment (浦东规定 art. 9, 安阳条例 arts. 25-29).
        (FollowUpPhase::Rectifying { .. }, CheckOutcome::Rectify) => FollowUpPhase::ToBeAnnulled,
        (FollowUpPhase::Pending { .. }, CheckOutcome::Rectify) => {
            let limit = rules::default_limit(rules::RECTIFY_DAYS, "限期整改默认时限，待实施机关确认");
            FollowUpPhase::Rectifying { due: limit.due(clock::day_of(cx.now), &cx.calendar) }
        }
    };
    let findings = Personal::new(&facts.applicant.subject, "findings", findings);
    Ok(vec![Event::FollowUpChecked { by: by.clone(), outcome, findings, next }])
}

/// The timer's rule: marks the limits that are near, and those that passed. A mark, no more (电子监察: amber, yellow over the promise, red over
/// the law). What passed unseen is not near any more. Dates that rest on an unpublished year are counted again first.
pub fn tick(case: &Case, cx: &Context) -> Decided<Event> {
    let mut events = recompute(case, cx)?;
    if !events.is_empty() {
        return Ok(events);
    }
    let mut case = case.clone();
    while let Some(mark) = case.next_mark().filter(|mark| mark.at <= cx.now) {
        let (which, due) = (mark.which, mark.due.date);
        let passed = clock::after(mark.due) <= cx.now;
        if passed {
            events.push(Event::MarkedOverdue { which, due });
            case.overdue.push(super::Overdue { which, due, at: cx.now });
        } else {
            events.push(Event::MarkedNear { which, due });
            case.near.push(super::Near { which, due });
        }
    }
    Ok(events)
}

/// A year of the calendar was loaded: provisional dates are counted again.
pub fn recompute(case: &Case, cx: &Context) -> Decided<Event> {
    let Some(facts) = &case.facts else { return Ok(Vec::new()) };
    // what a special procedure was told to take, by which the two limits are counted
    let (mut procedures, mut last_days) = (case.procedures.clone(), Vec::new());
    for one in &mut procedures {
        let number = one.number;
        let Some(until) = one.allowance_mut().and_then(|allowance| allowance.until.as_mut()) else { continue };
        if let Some(new) = until.recounted(&cx.calendar).filter(|_| until.provisional()) {
            *until = new.clone();
            last_days.push((number, new));
        }
    }
    let mut dates = Vec::new();
    if facts.promised.provisional() || facts.legal.provisional() || !last_days.is_empty() {
        let same = |a: &Due, b: &Due| (a.date, &a.missing_years) == (b.date, &b.missing_years);
        let (promised, legal) = clock::counted(facts, &procedures, &cx.calendar);
        let both = [(Which::Promised, promised, &facts.promised), (Which::Legal, legal, &facts.legal)];
        dates.extend(both.into_iter().filter(|(_, new, old)| !same(new, old)).map(|(which, new, _)| (which, new)));
    }
    let others = case.named_dues().filter(|(which, due)| is_of_the_end(*which) && due.provisional());
    dates.extend(others.filter_map(|(which, due)| Some((which, due.recounted(&cx.calendar)?))));
    let none = dates.is_empty() && last_days.is_empty();
    Ok(if none { Vec::new() } else { vec![Event::DueDatesRecomputed { dates, last_days }] })
}

/// Limits that begin with the decision.
fn is_of_the_end(which: Which) -> bool {
    matches!(which, Which::Delivery | Which::FollowUp)
}

/// The licence service issued the licence.
pub fn license_issued(case: &Case, id: &str, identifier: &str, number: &str) -> Decided<Event> {
    case.facts()?;
    match &case.result {
        CaseResult::License { .. } => Ok(Vec::new()),
        _ => Ok(vec![Event::LicenseIssued { id: id.into(), identifier: identifier.into(), number: number.into() }]),
    }
}

/// The licence service would not issue one, for a reason of business: it shows on the case.
pub fn license_refused(case: &Case, reason: &str, zh: &str, en: &str) -> Decided<Event> {
    case.facts()?;
    match &case.result {
        CaseResult::None => Ok(vec![Event::LicenseRefused { reason: reason.into(), zh: zh.into(), en: en.into() }]),
        _ => Ok(Vec::new()),
    }
}

/// Orders the licence again, after what the licence service refused was mended: a wrong 证照类型代码 with the right one, which
/// the case then keeps, anything else where it lies.
pub fn retry_license(case: &Case, type_code: &str, by: &Officer) -> Decided<Event> {
    case.facts()?;
    match &case.result {
        CaseResult::LicenseRefused { .. } => {
            let type_code = Some(type_code.trim().to_owned()).filter(|code| !code.is_empty());
            Ok(vec![Event::LicenseRetried { by: by.clone(), type_code }])
        }
        _ => Err(Refusal::state(
            "NO_LICENSE_REFUSED",
            "该办件没有签发失败的证照，无需重新签发",
            "no licence of this case was refused, so none is ordered again",
        )),
    }
}

impl Case {
    /// Every due date with its name.
    pub fn named_dues(&self) -> impl Iterator<Item = (Which, &Due)> {
        let facts =
            self.facts.iter().flat_map(|facts| [(Which::Promised, &facts.promised), (Which::Legal, &facts.legal)]);
        let delivery = self.decision.iter().filter_map(|decision| decision.delivery.as_ref());
        let follow_up = self.decision.iter().filter_map(|decision| decision.follow_up.as_ref()?.due());
        facts
            .chain(delivery.map(|due| (Which::Delivery, due)))
            .chain(follow_up.map(|due| (Which::FollowUp, due)))
            .chain(self.told())
    }
}

pub(super) fn wrong_phase(case: &Case) -> Decided<Event> {
    Err(Refusal::state("WRONG_PHASE", "办件当前状态不允许此操作", "the case's phase does not allow this")
        .with("phase", case.status()))
}

/// Nothing is decided before the examination is complete.
fn not_reviewed(case: &Case) -> Decided<Event> {
    let course = Course::of(case);
    let (codes, names): (Vec<&str>, Vec<&str>) =
        course.open().map(|step| (step.code.as_str(), step.name.as_str())).unzip();
    let (zh, en) = (
        format!("该办件尚未审查完毕，不能作出决定：{}", names.join("、")),
        format!("the case has not been reviewed yet: {}", codes.join(", ")),
    );
    Err(Refusal::state("NOT_REVIEWED", zh, en).with("steps", codes.join(",")))
}

/// 特别程序: nothing is decided before what the law demands has been done.
fn procedure_underway(case: &Case) -> Decided<Event> {
    let names: Vec<&str> = case.running().map(|one| one.asked.name.as_str()).collect();
    let (zh, en) = (
        format!("特别程序尚未结束，不能作出决定：{}", names.join("、")),
        format!("special procedures have not ended, so nothing is decided yet: {}", names.join(", ")),
    );
    Err(Refusal::state("PROCEDURE_UNDERWAY", zh, en).with("procedures", names.join(",")))
}

/// 容缺受理: what may follow after acceptance is due before the decision. Refusing needs none of it.
fn materials_outstanding(case: &Case) -> Decided<Event> {
    let codes: Vec<&str> = case.outstanding().map(String::as_str).collect();
    let refusal = Refusal::state(
        "MATERIALS_OUTSTANDING",
        format!("容缺的材料尚未补齐，不能作出准予决定：{}", codes.join("、")),
        format!("materials that were to follow have not come, so nothing is granted yet: {}", codes.join(", ")),
    );
    Err(refusal.with("materials", codes.join(",")))
}

fn reasons_missing(item: &Item) -> Decided<Event> {
    let (zh, en) = match item.item_type == rules::LICENSING {
        true => ("（行政许可法第三十八条）", " (Licensing Law, art. 38)"),
        false => ("", ""),
    };
    let (zh, en) = (format!("不予决定应当说明理由{zh}"), format!("a refusal gives its reasons{en}"));
    Err(Refusal::field("reasons", "REASONS_MISSING", zh, en))
}
