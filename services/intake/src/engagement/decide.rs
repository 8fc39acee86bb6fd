//! The rules of an engagement. The shell has checked that the caller may see it and that the policies allow the action.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use yiwang_ledger::{Context, Decision, Kind, Personal, Refusal, StreamId};

use super::authority::not_the_agent;
use super::{Asked, Authorisation, Engagement, Event, Helper, Log, Stage, tags};
use crate::application::Actor;
use crate::limit::legal_date;
use crate::mandate;

/// No engagement has more steps.
const STEPS: usize = 100;
/// No engagement names more applications.
const APPLICATIONS: usize = 20;

/// 申请代办.
///
/// # Errors
/// Those of an authorisation.
pub fn ask(
    engagement: &Engagement,
    asked: &Asked,
    authorisation: Option<&Authorisation>,
    applications: &BTreeSet<StreamId>,
    by: &Actor,
    cx: &Context,
) -> Decision<Event> {
    if engagement.stage != Stage::Absent {
        return Ok(Vec::new());
    }
    authorisation.map_or(Ok(()), |given| check_given(asked, given, legal_date(cx.now)))?;
    let (authorisation, applications) = (authorisation.cloned(), applications.clone());
    Ok(vec![Event::HelpAsked { asked: Box::new(asked.clone()), authorisation, applications, by: by.clone() }])
}

/// 指派: by the rule while it waits, or by a coordinator at any time before it is reported.
///
/// # Errors
/// `ENGAGEMENT_NOT_AT_STAGE`.
pub fn assign(engagement: &Engagement, helper: &Helper, reason: Option<&Personal>, by: &Actor) -> Decision<Event> {
    match (engagement.stage, reason) {
        (Stage::Waiting, _) | (Stage::InHand, Some(_)) => {}
        _ => return Err(elsewhere(engagement)),
    }
    if engagement.helper() == Some(helper) {
        return Ok(Vec::new());
    }
    Ok(vec![Event::AgentAssigned { helper: helper.clone(), reason: reason.cloned(), by: by.clone() }])
}

/// 授权: given, or replaced, while something is to be done. No agent enters their own.
///
/// # Errors
/// `ENGAGEMENT_NOT_AT_STAGE`, `AGENT_AUTHORISES_NOT`, `DATE_IN_THE_PAST`, `PERIOD_INVALID`, `ACTS_MISSING`, `ITEM_OUT_OF_SCOPE`,
/// `ITEMS_MISSING`.
pub fn authorise(engagement: &Engagement, given: &Authorisation, cx: &Context) -> Decision<Event> {
    open(engagement)?;
    if has_had(engagement, &given.by) {
        let (zh, en) = ("代办员不得登记对本人的授权", "who has it in hand does not enter the authorisation");
        return Err(Refusal::new(Kind::PermissionDenied, "AGENT_AUTHORISES_NOT", zh, en));
    }
    check_given(&engagement.asked, given, legal_date(cx.now))?;
    Ok(vec![Event::AgentAuthorised { authorisation: given.clone() }])
}

/// 民法典 art. 165: the matter, the powers and the term stand in it.
fn check_given(asked: &Asked, given: &Authorisation, today: NaiveDate) -> Result<(), Refusal> {
    if given.until < today {
        let (zh, en) = ("授权期限不得早于今天", "the last day is not before today");
        return Err(Refusal::field("authorisation.until_date", "DATE_IN_THE_PAST", zh, en));
    }
    mandate::check_period("authorisation.until_date", today, given.until, today)?;
    if given.acts.is_empty() {
        let (zh, en) = ("委托书应当写明权限（民法典第一百六十五条）", "name the acts (民法典 art. 165)");
        return Err(Refusal::field("authorisation.acts", "ACTS_MISSING", zh, en));
    }
    if !given.items.is_subset(&asked.wanted.items) {
        let (zh, en) = ("授权的事项应当在所求助的事项之内", "an item that help was not asked for");
        return Err(Refusal::field("authorisation.item_codes", "ITEM_OUT_OF_SCOPE", zh, en));
    }
    if asked.wanted.items.is_empty() {
        let (zh, en) = (
            "委托书应当写明代理事项，求助时请指明事项（民法典第一百六十五条）",
            "help was asked for with no item (民法典 art. 165)",
        );
        return Err(Refusal::field("authorisation.item_codes", "ITEMS_MISSING", zh, en));
    }
    Ok(())
}

/// 撤回委托: at once, at any time (民法典 art. 173 ②).
///
/// # Errors
/// `ENGAGEMENT_NOT_AT_STAGE`.
pub fn withdraw(engagement: &Engagement, reason: Option<&Personal>, by: &Actor) -> Decision<Event> {
    open(engagement)?;
    Ok(vec![Event::AuthorisationWithdrawn { reason: reason.cloned(), by: by.clone() }])
}

/// 关联申请. Said again, nothing happens.
///
/// # Errors
/// `ENGAGEMENT_NOT_AT_STAGE`, `FIELD_INVALID`.
pub fn link(engagement: &Engagement, application: StreamId, by: &Actor) -> Decision<Event> {
    open(engagement)?;
    if engagement.applications.contains(&application) {
        return Ok(Vec::new());
    }
    if engagement.applications.len() >= APPLICATIONS {
        return Err(Refusal::field("application_id", "FIELD_INVALID", "关联的申请过多", "too many applications"));
    }
    Ok(vec![Event::ApplicationLinked { application, by: by.clone() }])
}

/// 代办日志, by the agent.
///
/// # Errors
/// `NOT_THE_AGENT`, `ENGAGEMENT_NOT_AT_STAGE`, `FIELD_INVALID`.
pub fn record(engagement: &Engagement, log: &Log, by: &Actor, cx: &Context) -> Decision<Event> {
    in_hand(engagement, by)?;
    if log.at > cx.now {
        return Err(Refusal::field("time", "FIELD_INVALID", "时间不得晚于现在", "a step is not in the future"));
    }
    if log.visit && log.place.is_none() {
        return Err(Refusal::field("place", "FIELD_INVALID", "上门应当写明地点", "a visit says where"));
    }
    if engagement.steps.len() >= STEPS {
        return Err(Refusal::field("what", "FIELD_INVALID", "日志过多", "too many steps"));
    }
    Ok(vec![Event::StepRecorded { log: log.clone(), by: by.clone() }])
}

/// 交接: offered with what is open; nothing moves before it is accepted.
///
/// # Errors
/// `NOT_THE_AGENT`, `ENGAGEMENT_NOT_AT_STAGE`, `HAND_OVER_OPEN`, `AGENT_UNFIT`.
pub fn offer(engagement: &Engagement, to: &Helper, left: &Personal, by: &Actor) -> Decision<Event> {
    in_hand(engagement, by)?;
    no_offer(engagement)?;
    if to.account == by.id {
        return Err(crate::agent::unfit());
    }
    Ok(vec![Event::HandOverOffered { to: to.clone(), open: left.clone(), by: by.clone() }])
}

/// The receiver refuses.
///
/// # Errors
/// `NO_HAND_OVER`.
pub fn refuse(engagement: &Engagement, reason: &Personal, by: &Actor) -> Decision<Event> {
    offered_to(engagement, &by.id)?;
    Ok(vec![Event::HandOverRefused { reason: reason.clone(), by: by.clone() }])
}

/// The receiver accepts: from now on it is theirs.
///
/// # Errors
/// `NO_HAND_OVER`.
pub fn accept(engagement: &Engagement, by: &Actor) -> Decision<Event> {
    offered_to(engagement, &by.id)?;
    Ok(vec![Event::HandOverAccepted { by: by.clone() }])
}

/// Whether a hand-over waits for this account.
///
/// # Errors
/// `NO_HAND_OVER`.
pub fn offered_to(engagement: &Engagement, account: &str) -> Result<(), Refusal> {
    if engagement.offered().is_some_and(|offer| offer.to.account == account) {
        return Ok(());
    }
    Err(Refusal::state("NO_HAND_OVER", "没有等待您接收的交接", "no hand-over waits for you"))
}

/// 办结报告, by the agent; the asker has the last word.
///
/// # Errors
/// `NOT_THE_AGENT`, `ENGAGEMENT_NOT_AT_STAGE`, `HAND_OVER_OPEN`.
pub fn report(engagement: &Engagement, report: &Personal, by: &Actor) -> Decision<Event> {
    in_hand(engagement, by)?;
    no_offer(engagement)?;
    Ok(vec![Event::EngagementReported { report: report.clone(), by: by.clone() }])
}

/// 确认, or what is not done. No agent enters it.
///
/// # Errors
/// `ENGAGEMENT_NOT_AT_STAGE`, `AGENT_CONFIRMS_NOT`.
pub fn confirm(engagement: &Engagement, missing: Option<&Personal>, by: &Actor) -> Decision<Event> {
    if engagement.stage != Stage::Reported {
        return Err(elsewhere(engagement));
    }
    if has_had(engagement, by) {
        let (zh, en) = ("代办员不得代求助人确认", "who has had it in hand does not confirm it");
        return Err(Refusal::new(Kind::PermissionDenied, "AGENT_CONFIRMS_NOT", zh, en));
    }
    let by = by.clone();
    Ok(vec![match missing {
        None => Event::EngagementConfirmed { by },
        Some(reason) => Event::EngagementDisputed { reason: reason.clone(), by },
    }])
}

/// What happens when nobody acts: an authorisation ends with its last day (民法典 art. 173 ①), and who is late with a task is marked.
pub fn timer(engagement: &Engagement, cx: &Context) -> Decision<Event> {
    let today = legal_date(cx.now);
    let mut events = Vec::new();
    if let Some(given) = engagement.authorisation.as_ref().filter(|given| given.is_over(today))
        && engagement.stage.is_open()
    {
        events.push(Event::AuthorisationExpired { until: given.until });
    }
    let late = tags::tasks(engagement).filter(|(.., task)| task.is_open() && !task.overdue && task.until < today);
    events.extend(late.map(|(meeting, task, _)| Event::TaskOverdue { meeting, task }));
    Ok(events)
}

/// Whether somebody has it in hand, or had.
fn has_had(engagement: &Engagement, by: &Actor) -> bool {
    engagement.assignments.iter().any(|assigned| assigned.helper.account == by.id)
}

fn open(engagement: &Engagement) -> Result<(), Refusal> {
    if engagement.stage.is_open() { Ok(()) } else { Err(elsewhere(engagement)) }
}

fn in_hand(engagement: &Engagement, by: &Actor) -> Result<(), Refusal> {
    if engagement.stage != Stage::InHand {
        return Err(elsewhere(engagement));
    }
    match engagement.helper() {
        Some(helper) if helper.account == by.id => Ok(()),
        _ => Err(not_the_agent()),
    }
}

fn no_offer(engagement: &Engagement) -> Result<(), Refusal> {
    match engagement.offered() {
        None => Ok(()),
        Some(_) => Err(Refusal::state("HAND_OVER_OPEN", "已有交接等待接收", "a hand-over waits already")),
    }
}

pub(super) fn elsewhere(engagement: &Engagement) -> Refusal {
    if engagement.stage == Stage::Absent {
        return super::not_found();
    }
    let (zh, en) = ("代办不在这一环节", "the engagement stands at another stage");
    Refusal::state("ENGAGEMENT_NOT_AT_STAGE", zh, en).with("stage", engagement.stage.name())
}
