//! The rules of an evaluation, without I/O.

use yiwang_ledger::{Context, Decision, Kind, Personal, Refusal};
use yiwang_standards::calendar::{self, Limit};

use super::{Duty, Evaluation, Event, Finding, Officer, Right, Satisfaction};

/// The suite's default, unverified: 差评 is verified within one working day, as local rules elsewhere have it for 实名差评
/// (上海市优化营商环境条例 2024 art. 30; 安阳市政务服务条例 art. 52). They bind Shanghai and Anyang; no rule was found for the rest.
pub const VERIFY_WITHIN: u32 = 1;

/// Opens the right. One right a service: opened again with the same facts, nothing happens.
pub fn open(evaluation: &Evaluation, right: &Right, _cx: &Context) -> Decision<Event> {
    match &evaluation.right {
        None => Ok(vec![Event::RightOpened(Box::new(right.clone()))]),
        Some(known) if known.subject == right.subject && known.item_code == right.item_code => Ok(Vec::new()),
        Some(_) => Err(Refusal::new(
            Kind::AlreadyExists,
            "RIGHT_EXISTS",
            "该次服务的评价权已经存在",
            "the right to evaluate this service exists already",
        )),
    }
}

/// What a citizen says.
#[derive(Clone, Debug)]
pub struct Rate {
    /// 满意度.
    pub satisfaction: Satisfaction,
    /// 评价标签.
    pub tags: Vec<String>,
    /// 文字评价; may be empty.
    pub text: String,
    /// 评价渠道.
    pub channel: i32,
    /// 匿名.
    pub anonymous: bool,
}

/// 一次一评: the right is used once. The last two grades open the organ's duty to verify.
pub fn rate(evaluation: &Evaluation, rate: &Rate, cx: &Context) -> Decision<Event> {
    let Some(right) = &evaluation.right else { return Err(no_right()) };
    if evaluation.rating.is_some() {
        return Err(Refusal::state(
            "RIGHT_USED",
            "该次服务已经评价过，一次服务只能评价一次（GB/T 39734）",
            "this service was evaluated already; one service is evaluated once (GB/T 39734)",
        ));
    }
    let text = Some(rate.text.trim()).filter(|text| !text.is_empty());
    Ok(vec![Event::Rated {
        satisfaction: rate.satisfaction,
        tags: rate.tags.iter().map(|tag| Personal::new(&right.subject, "tag", tag.as_str())).collect(),
        text: text.map(|text| Personal::new(&right.subject, "text", text)),
        channel: rate.channel,
        anonymous: rate.anonymous,
        duty: rate.satisfaction.is_bad().then(|| duty(rate.anonymous, cx)),
    }])
}

fn duty(anonymous: bool, cx: &Context) -> Duty {
    let basis = if anonymous {
        "匿名差评参照实名差评时限（默认规则，待主管部门确认）"
    } else {
        "参照《上海市优化营商环境条例》（2024）第三十条、《安阳市政务服务条例》第五十二条：\
         实名差评一个工作日内联系核实（默认规则，待主管部门确认）"
    };
    let limit = Limit { days: VERIFY_WITHIN, basis: basis.to_owned(), unverified: true, ..Limit::default() };
    Duty { due: limit.due(calendar::legal_date(cx.now.0), &cx.calendar), overdue: false }
}

/// The organ verifies a 差评 and answers it, by somebody who did not render the service.
pub fn reply(evaluation: &Evaluation, by: &Officer, finding: Finding, text: &str, cx: &Context) -> Decision<Event> {
    let (Some(right), Some(_)) = (&evaluation.right, &evaluation.rating) else { return Err(super::not_found()) };
    let Some(duty) = &evaluation.duty else {
        return Err(Refusal::state(
            "NOT_A_BAD_EVALUATION",
            "该评价不是差评，无需核实答复",
            "this is no bad evaluation; nothing is to be answered",
        ));
    };
    if evaluation.reply.is_some() {
        return Err(Refusal::state("ALREADY_REPLIED", "该差评已经答复", "the evaluation was answered already"));
    }
    if right.handlers.contains(&by.id) {
        return Err(Refusal::new(
            Kind::PermissionDenied,
            "RATED_OFFICER",
            "被评价的办件人员不得自行核实答复该差评",
            "an officer who handled the case does not answer what is said about it",
        ));
    }
    let late = cx.now >= duty.passed_at();
    Ok(vec![Event::Replied { finding, text: Personal::new(&right.subject, "reply", text), by: by.clone(), late }])
}

/// The timer's rule: marks a verification that is late. Dates that rest on an unpublished year are counted again first.
pub fn tick(evaluation: &Evaluation, cx: &Context) -> Decision<Event> {
    let events = recompute(evaluation, cx)?;
    match evaluation.duty.as_ref().filter(|duty| evaluation.reply.is_none() && !duty.overdue) {
        Some(duty) if events.is_empty() && duty.passed_at() <= cx.now => {
            Ok(vec![Event::VerificationOverdue { due: duty.due.date }])
        }
        _ => Ok(events),
    }
}

/// A year of the calendar was loaded. Where the day moves it has not passed yet, as far as is known: the timer looks again.
pub fn recompute(evaluation: &Evaluation, cx: &Context) -> Decision<Event> {
    let waiting = evaluation.duty.as_ref().filter(|duty| evaluation.reply.is_none() && duty.due.provisional());
    let recounted = waiting.and_then(|old| Some((old, old.due.recounted(&cx.calendar)?)));
    let Some((old, due)) = recounted else { return Ok(Vec::new()) };
    let overdue = old.overdue && due.date == old.due.date;
    Ok(vec![Event::DueDateRecomputed { duty: Duty { due, overdue } }])
}

/// `RIGHT_NOT_FOUND`, worded alike whether there is none or it is somebody else's.
pub fn no_right() -> Refusal {
    Refusal::new(
        Kind::NotFound,
        "RIGHT_NOT_FOUND",
        "未找到可评价的服务，或该次服务不属于您",
        "there is no such service to evaluate, or it was not yours",
    )
}
