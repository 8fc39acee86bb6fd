//! 办理进度: each step in one sentence, as its applicant reads it.

use yiwang_proto::party::v1 as parties;

use crate::case::procedure::zh;
use crate::case::rules::RuleSet;
use crate::case::{Case, CaseResult, Course, Due, Outcome, StepTaken, Which};
use crate::convert::show;

/// One step with its sentence in both languages.
pub fn step(step: &StepTaken, case: &Case) -> parties::Step {
    let (zh, en) = sentence(step, case);
    show::step(step, zh, en)
}

fn sentence(step: &StepTaken, case: &Case) -> (String, String) {
    let Some(facts) = &case.facts else { return Default::default() };
    // as they were told then: a special procedure may have moved them since
    let told = |place: usize, now: &Due| step.told.get(place).copied().unwrap_or(now.date);
    let (promised, legal) = (told(0, &facts.promised), told(1, &facts.legal));
    match step.kind.as_str() {
        "Opened" if facts.deemed => (
            format!("已依法视为受理（行政许可法第三十二条），办件编号{}，{promised}前办结", facts.number),
            format!("accepted by operation of law (Licensing Law, art. 32); case {}, due {promised}", facts.number),
        ),
        "Opened" => (
            format!("已受理，办件编号{}，承诺{promised}前办结（法定{legal}）", facts.number),
            format!("accepted as case {}; promised by {promised}, by law by {legal}", facts.number),
        ),
        "MaterialRecorded" => ("已收到补交的材料".into(), "a material that was to follow has come".into()),
        "StepReviewed" => examined(step, case),
        "Returned" if !step.step.is_empty() => examined(step, case),
        "Reviewed" => ("审查完毕，待作出决定".into(), "reviewed; a decision is to follow".into()),
        "Returned" => ("退回重新审查".into(), "sent back to be reviewed again".into()),
        "ProcedureAsked" | "ProcedureDenied" | "ProcedureAllowed" | "ProcedureEnded" => procedure(step, case),
        "Decided" => decided(case),
        "Withdrawn" => ("申请人已撤回申请，办件终止".into(), "the applicant withdrew; the case has ended".into()),
        "FollowUpChecked" => ("已完成事后核查".into(), "the later check was done".into()),
        "MarkedOverdue" => {
            let (zh, en) = overdue(step.limit);
            (format!("{zh}，已作标记"), format!("{en}; it is marked"))
        }
        "DueDatesRecomputed" => (
            "放假安排公布，办结期限已重新计算".into(),
            "the calendar was published; the due dates were counted again".into(),
        ),
        "LicenseIssued" => match &case.result {
            CaseResult::License { number, .. } => (
                format!("已颁发{}，证号{number}", facts.item.result_name),
                format!("{} issued, number {number}", facts.item.result_name),
            ),
            _ => ("已颁发证照".into(), "the licence was issued".into()),
        },
        "LicenseRetried" => ("已重新办理证照签发".into(), "the licence was ordered again".into()),
        "LicenseRefused" => {
            ("证照暂未生成，工作人员正在处理".into(), "the licence could not be made yet; staff are at it".into())
        }
        other => (other.to_owned(), other.to_owned()),
    }
}

fn examined(step: &StepTaken, case: &Case) -> (String, String) {
    let course = Course::of(case);
    let name = course.find(&step.step).map_or(step.step.as_str(), |(step, _)| step.name.as_str());
    match step.kind.as_str() {
        "Returned" => (format!("退回“{name}”环节，重新审查"), format!("sent back to be reviewed again: {name}")),
        _ => (format!("“{name}”环节完成"), format!("reviewed: {name}")),
    }
}

fn overdue(limit: Option<Which>) -> (&'static str, &'static str) {
    match limit {
        Some(Which::Promised) => ("办理已超过承诺时限", "the promised limit passed"),
        Some(Which::Legal) => ("办理已超过法定时限", "the legal limit passed"),
        Some(Which::Delivery) => ("颁发、送达已超过时限", "the limit for handing over the licence passed"),
        Some(Which::FollowUp) => ("事后核查已超过时限", "the limit for the later check passed"),
        Some(Which::Procedure) => ("特别程序已超过告知的时间", "a special procedure takes longer than was told"),
        None => ("办理已超过时限", "a time limit passed"),
    }
}

fn procedure(step: &StepTaken, case: &Case) -> (String, String) {
    let found = case.procedures.iter().find(|one| step.procedure == Some(one.number));
    let (Some(one), Some(facts)) = (found, &case.facts) else { return Default::default() };
    let (name, days, unit) = (&one.asked.name, one.asked.days, zh(facts.legal.limit.unit));
    let told = |now: &Due| step.told.first().copied().unwrap_or(now.date);
    match (step.kind.as_str(), one.allowance().map(|allowance| &allowance.until)) {
        ("ProcedureAsked", _) => {
            (format!("拟进行特别程序（{name}），待审核"), format!("a special procedure ({name}) waits to be allowed"))
        }
        ("ProcedureDenied", _) => {
            (format!("特别程序（{name}）未获同意"), format!("the special procedure ({name}) was not allowed"))
        }
        ("ProcedureAllowed", Some(Some(until))) => (
            format!("进行特别程序（{name}），需要{days}个工作日，至{}止，不计入办理期限", told(until)),
            format!("special procedure ({name}): {days} working days, to {}, not counted in the limit", told(until)),
        ),
        ("ProcedureAllowed", _) => (
            format!("办理期限延长{days}{unit}，法定{}前办结", told(&facts.legal)),
            format!("the limit is extended by {days} days; due by law by {}", told(&facts.legal)),
        ),
        _ => (format!("特别程序（{name}）结束"), format!("the special procedure ({name}) has ended")),
    }
}

fn decided(case: &Case) -> (String, String) {
    let (Some(facts), Some(decision)) = (&case.facts, &case.decision) else { return Default::default() };
    let number = &decision.document_number;
    // while the register has not issued it yet
    let told = |before: &str, en: &str| match number.as_str() {
        "" => (String::new(), String::new()),
        number => (format!("，{before}编号{number}"), format!("{en} {number}")),
    };
    let (zh, en) = told("文书", ", document");
    let (receipt_zh, receipt_en) = told("回执", "; receipt");
    match &decision.outcome {
        Outcome::Granted { .. } if RuleSet::of(&facts.item).recorded => {
            (format!("已予备案{receipt_zh}"), format!("recorded{receipt_en}"))
        }
        Outcome::Granted { .. } => (format!("作出准予决定{zh}"), format!("granted{en}")),
        Outcome::Refused { .. } => (
            format!("作出不予决定{zh}，理由和救济途径见决定书"),
            format!("refused{en}; reasons and remedies are in the decision"),
        ),
    }
}
