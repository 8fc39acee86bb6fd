//! The rules of a question. The shell has checked that the caller may see it and that the policies allow the action.

use yiwang_ledger::{Context, Decision, Kind, Personal, Refusal, StreamId};

use super::{Asked, Event, Question, Rules, Satisfaction, Stage, tags};
use crate::application::Actor;
use crate::directory::governs;
use crate::drafting::check::cites;
use crate::limit::{Ends as _, legal_date};
use crate::transfer::Organ;

/// No question holds more texts of its asker's.
const UTTERANCES: usize = 20;

/// 提问.
pub fn ask(
    question: &Question,
    asked: &Asked,
    text: &Personal,
    rules: &Rules,
    by: &Actor,
    cx: &Context,
) -> Decision<Event> {
    if question.stage != Stage::Absent {
        return Ok(Vec::new());
    }
    let due = rules.answer.due(legal_date(cx.now), &cx.calendar);
    let (asked, text, rules, by) = (Box::new(asked.clone()), text.clone(), Box::new(rules.clone()), by.clone());
    Ok(vec![Event::QuestionAsked { asked, text, rules, due, by }])
}

/// 补充, before the answer; 追问, after it.
///
/// # Errors
/// `QUESTION_NOT_AT_STAGE`, `FOLLOW_UPS_USED`, `FIELD_INVALID`.
pub fn supplement(question: &Question, text: &Personal, by: &Actor, cx: &Context) -> Decision<Event> {
    if question.utterances.len() >= UTTERANCES {
        let (zh, en) = ("补充、追问过多，请另行提问", "too many texts: ask anew");
        return Err(Refusal::field("text", "FIELD_INVALID", zh, en));
    }
    let (text, by) = (text.clone(), by.clone());
    if question.stage.is_open() {
        return Ok(vec![Event::QuestionSupplemented { text, by }]);
    }
    at(question, &[Stage::Answered])?;
    let used = question.utterances.iter().filter(|said| said.kind == super::UtteranceKind::FollowUp).count();
    if used >= question.rules.follow_ups as usize {
        let zh = format!("同一咨询至多追问{used}次，请评价或者另行提问");
        return Err(Refusal::state("FOLLOW_UPS_USED", zh, "no more follow-ups: rate it, or ask anew"));
    }
    let due = question.rules.answer.due(legal_date(cx.now), &cx.calendar);
    Ok(vec![Event::FollowUpAsked { text, due, by }])
}

/// 撤回, before it was answered for the first time.
///
/// # Errors
/// `QUESTION_NOT_AT_STAGE`.
pub fn withdraw(question: &Question, by: &Actor) -> Decision<Event> {
    if !question.stage.is_open() || !question.answers.is_empty() {
        return Err(elsewhere(question));
    }
    Ok(vec![Event::QuestionWithdrawn { by: by.clone() }])
}

/// 签收: from now on the organ is responsible. Late is better than never.
///
/// # Errors
/// `QUESTION_NOT_AT_STAGE`.
pub fn take(question: &Question, organ: &Organ, by: &Actor) -> Decision<Event> {
    at(question, &[Stage::Waiting, Stage::Offered])?;
    Ok(vec![Event::QuestionTaken { organ: organ.clone(), by: by.clone() }])
}

/// 转办: “not ours” names whose it is. Who says so before taking it was asked first and is responsible until the other takes it
/// (首问负责). After the rule's offers a coordinator decides.
///
/// # Errors
/// `QUESTION_NOT_AT_STAGE`, `ORGAN_ITSELF`, `ORGAN_ELSEWHERE`, `ASSIGNMENT_BINDS`, `NOT_OURS_TOO_LATE`.
pub fn hand_on(question: &Question, to: &Organ, reason: &Personal, by: &Actor, cx: &Context) -> Decision<Event> {
    at(question, &[Stage::Waiting, Stage::InHand])?;
    let from = match question.stage {
        Stage::Waiting => question.asked.addressed.as_ref(),
        _ => question.responsible.as_ref(),
    };
    // nobody is asked yet: whoever takes it may hand it on
    let Some(from) = from else { return Err(elsewhere(question)) };
    if from.code == to.code {
        let (zh, en) = ("不能转给本机关", "this is the organ itself");
        return Err(Refusal::field("organisation", "ORGAN_ITSELF", zh, en));
    }
    check_region(&question.asked.region, to)?;
    if question.assignment.is_some() {
        let (zh, en) = ("已指定由本机关承办，不得再转办", "a coordinator has assigned it: it stays");
        return Err(Refusal::state("ASSIGNMENT_BINDS", zh, en));
    }
    if !question.answers.is_empty() {
        let (zh, en) = ("本机关已经答复过，追问和重办仍由本机关负责", "who has answered goes on answering");
        return Err(Refusal::state("ASSIGNMENT_BINDS", zh, en));
    }
    in_time(question, cx)?;
    let (from, to, reason) = (from.clone(), to.clone(), reason.clone());
    let mut events = Vec::with_capacity(2);
    if question.stage == Stage::Waiting {
        events.push(Event::QuestionTaken { organ: from.clone(), by: by.clone() });
    }
    events.push(match question.hand_ons.len() < question.rules.hand_ons as usize {
        true => Event::QuestionHandedOn { from, to, reason, by: by.clone() },
        false => Event::QuestionReferred { to, reason, by: by.clone() },
    });
    Ok(events)
}

/// 退回: it comes back to who handed it on.
///
/// # Errors
/// `QUESTION_NOT_AT_STAGE`, `NOT_OURS_TOO_LATE`.
pub fn give_back(question: &Question, reason: &Personal, by: &Actor, cx: &Context) -> Decision<Event> {
    at(question, &[Stage::Offered])?;
    in_time(question, cx)?;
    Ok(vec![Event::QuestionReturned { reason: reason.clone(), by: by.clone() }])
}

/// 指定承办: whatever was offered, this organ is responsible from now on.
///
/// # Errors
/// `QUESTION_NOT_AT_STAGE`, `ORGAN_ELSEWHERE`.
pub fn assign(question: &Question, organ: &Organ, reason: &Personal, by: &Actor) -> Decision<Event> {
    if !question.stage.is_open() {
        return Err(elsewhere(question));
    }
    check_region(&question.asked.region, organ)?;
    let (organ, reason, by) = (organ.clone(), reason.clone(), by.clone());
    Ok(vec![Event::QuestionAssigned { organ, reason, by }])
}

/// 延期: once a round, before the date, told with its reason.
///
/// # Errors
/// `QUESTION_NOT_AT_STAGE`, `ALREADY_EXTENDED`, `EXTENSION_TOO_LATE`.
pub fn extend(question: &Question, reason: &Personal, by: &Actor, cx: &Context) -> Decision<Event> {
    at(question, &[Stage::InHand, Stage::Offered, Stage::Referred])?;
    let Some(due) = &question.due else { return Err(elsewhere(question)) };
    if question.extension.is_some() {
        return Err(Refusal::state("ALREADY_EXTENDED", "只能延期一次", "it is extended once"));
    }
    let due = due.recounted(&cx.calendar).unwrap_or_else(|| due.clone());
    if due.passed(cx.now) {
        let (zh, en) = ("期限已过，不能再延期", "the date has passed: it is not extended any more");
        return Err(Refusal::state("EXTENSION_TOO_LATE", zh, en));
    }
    let due = question.rules.extended.due(due.start, &cx.calendar);
    Ok(vec![Event::QuestionExtended { reason: reason.clone(), due, by: by.clone() }])
}

/// What an organ answers.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The answer.
    pub text: Personal,
    /// What it rests on.
    pub bases: Vec<String>,
    /// The published answer it points to.
    pub published: Option<StreamId>,
}

/// 答复: by the responsible organ, whatever it has offered to whom, citing what it rests on; after a rating that says dissatisfied, by somebody
/// else.
///
/// # Errors
/// `QUESTION_NOT_AT_STAGE`, `BASIS_NOT_CITED`, `SAME_PERSON`.
pub fn answer(question: &Question, reply: &Reply, by: &Actor, cx: &Context) -> Decision<Event> {
    at(question, &[Stage::InHand, Stage::Offered, Stage::Referred])?;
    if let Some(place) = reply.bases.iter().position(|basis| !cites(basis)) {
        let (zh, en) = ("依据应写明《文件名》或者文号", "cites neither a law by its name nor a document by its number");
        return Err(Refusal::field(format!("bases[{place}]"), "BASIS_NOT_CITED", zh, en));
    }
    let reopened = question.ratings.iter().any(|rating| rating.reopened);
    if reopened && question.answers.iter().any(|answer| answer.by.id == by.id) {
        let (zh, en) = ("不满意重办的，由原答复人以外的人员答复", "after a bad rating somebody else answers");
        return Err(Refusal::new(Kind::PermissionDenied, "SAME_PERSON", zh, en));
    }
    let late = question
        .due
        .as_ref()
        .is_some_and(|due| due.recounted(&cx.calendar).unwrap_or_else(|| due.clone()).passed(cx.now));
    Ok(vec![Event::QuestionAnswered {
        text: reply.text.clone(),
        bases: reply.bases.clone(),
        published: reply.published,
        late,
        closes: question.rules.closing.due(legal_date(cx.now), &cx.calendar),
        by: by.clone(),
    }])
}

/// 评价: once an answer. The first that says dissatisfied opens the question again; the word on what follows (回访) closes it. Nobody of
/// an organ that answered enters it; `organs` are those of who does.
///
/// # Errors
/// `QUESTION_NOT_AT_STAGE`, `RATED_OFFICER`.
pub fn rate(
    question: &Question,
    satisfaction: Satisfaction,
    comment: Option<&Personal>,
    organs: &[String],
    by: &Actor,
    cx: &Context,
) -> Decision<Event> {
    at(question, &[Stage::Answered])?;
    let rated = |answer: &super::Answer| answer.by.id == by.id || organs.contains(&answer.organ.code);
    if question.answers.iter().any(rated) {
        let (zh, en) = ("答复机关的人员不得代为评价", "nobody of the organ that answered enters the rating");
        return Err(Refusal::new(Kind::PermissionDenied, "RATED_OFFICER", zh, en));
    }
    let first = !question.ratings.iter().any(|rating| rating.reopened);
    let reopened =
        (satisfaction.is_bad() && first).then(|| question.rules.answer.due(legal_date(cx.now), &cx.calendar));
    Ok(vec![Event::QuestionRated { satisfaction, comment: comment.cloned(), reopened, by: by.clone() }])
}

/// What happens when nobody acts: marks who is late, and closes what nobody rated. No rating is made up.
pub fn timer(question: &Question, cx: &Context) -> Decision<Event> {
    let events = recompute(question, cx)?;
    if !events.is_empty() {
        return Ok(events);
    }
    let waiting = matches!(question.stage, Stage::Waiting | Stage::Offered) && !question.reaction_overdue;
    let mut events = Vec::new();
    if waiting && cx.now >= question.react_by() {
        events.push(Event::ReactionOverdue);
    }
    if let Some(due) = question.due.as_ref().filter(|due| question.stage.is_open() && due.passed(cx.now))
        && !question.overdue
    {
        events.push(Event::AnswerOverdue { due: due.date });
    }
    if question.stage == Stage::Answered && question.closes.as_ref().is_some_and(|due| due.forfeited(cx.now)) {
        events.push(Event::QuestionClosed);
    }
    Ok(events)
}

/// A year of the calendar was loaded: the dates that still matter are counted anew.
pub fn recompute(question: &Question, cx: &Context) -> Decision<Event> {
    if !tags::watched(question).any(|due| due.recounted(&cx.calendar).is_some()) {
        return Ok(Vec::new());
    }
    let anew = |due: &Option<crate::limit::Due>| {
        due.as_ref().map(|due| due.recounted(&cx.calendar).unwrap_or_else(|| due.clone()))
    };
    Ok(vec![Event::DatesRecomputed { due: anew(&question.due), closes: anew(&question.closes) }])
}

/// `ORGAN_ELSEWHERE`: an organ answers for its own region, those that it lies in and those below it.
///
/// # Errors
/// As it says.
pub fn check_region(region: &str, organ: &Organ) -> Result<(), Refusal> {
    if governs(&organ.region, region) || governs(region, &organ.region) {
        return Ok(());
    }
    let (zh, en) = ("该机关不在本区域", "the organ is another region's");
    Err(Refusal::field("organisation", "ORGAN_ELSEWHERE", zh, en))
}

/// `NOT_OURS_TOO_LATE`: 安阳市政务服务条例 art. 50 ②, elsewhere the region's configuration. Afterwards only a coordinator moves it.
fn in_time(question: &Question, cx: &Context) -> Result<(), Refusal> {
    if cx.now < question.react_by() {
        return Ok(());
    }
    let hours = question.rules.not_ours_hours;
    Err(Refusal::state(
        "NOT_OURS_TOO_LATE",
        format!("不属于本机关职责的，应当在{hours}小时内提出；现在只能由协调人员指定"),
        format!("“not ours” is said within {hours} hours; now only a coordinator moves it"),
    ))
}

fn at(question: &Question, stages: &[Stage]) -> Result<(), Refusal> {
    if stages.contains(&question.stage) { Ok(()) } else { Err(elsewhere(question)) }
}

fn elsewhere(question: &Question) -> Refusal {
    if question.stage == Stage::Absent {
        return super::not_found();
    }
    let (zh, en) = ("咨询不在这一环节", "the question stands at another stage");
    Refusal::state("QUESTION_NOT_AT_STAGE", zh, en).with("stage", question.stage.name())
}
