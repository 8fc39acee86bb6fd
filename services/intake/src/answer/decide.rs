//! The rules of a published answer.

use chrono::NaiveDate;
use yiwang_ledger::{Context, Decision, Kind, Refusal, StreamId};

use super::{Answer, Event, Published, Standing, Subject, edition};
use crate::application::Actor;
use crate::catalogue::{Item, Standing as ItemStanding};
use crate::drafting::check::cites;
use crate::limit::legal_date;
use crate::question::masking::{masked, names_anybody};
use crate::question::{Question, Stage};

/// What the publisher writes; empty is the asker's and the organ's own.
#[derive(Clone, Debug, Default)]
pub struct Words {
    /// In a few words.
    pub title: String,
    /// The question.
    pub question: String,
    /// The answer.
    pub answer: String,
}

/// What is published of a question's last answer: the publisher's words, or, as far as the asker agrees, their own without what names
/// anybody.
///
/// # Errors
/// `QUESTION_NOT_ANSWERED`, `OWN_ANSWER`, `CONSENT_MISSING`, `PERSONAL_DATA_LEFT`, `ITEM_CANCELLED`.
pub fn text(
    question: &Question,
    words: &Words,
    item: Option<&Item>,
    by: &Actor,
    today: NaiveDate,
) -> Result<Published, Refusal> {
    let (Some(last), Stage::Answered | Stage::Closed) = (question.answers.last(), question.stage) else {
        let (zh, en) = ("该咨询尚未答复", "the question is not answered");
        return Err(Refusal::state("QUESTION_NOT_ANSWERED", zh, en).with("stage", question.stage.name()));
    };
    if last.by.id == by.id {
        return Err(own_answer());
    }
    let asked = &question.asked;
    let names: Vec<&str> = asked.name().into_iter().collect();
    let own = |field: &'static str, given: &str, own: Option<&str>, needs_consent: bool| match given {
        "" if needs_consent && !asked.consents => {
            let (zh, en) =
                ("提问人没有同意公开，请用自己的话写明", "the asker did not agree: write it in words of your own");
            Err(Refusal::field(field, "CONSENT_MISSING", zh, en))
        }
        "" => own.map(|own| masked(own, &names)).ok_or_else(|| {
            let (zh, en) = ("内容已删除，请写明", "it was erased: write it");
            Refusal::field(field, "CONSENT_MISSING", zh, en)
        }),
        given => Ok(given.to_owned()),
    };
    let said: Vec<&str> = question.utterances.iter().filter_map(|said| said.text.get()).collect();
    let title_said = asked.title.as_ref().and_then(|title| title.get());
    let whole = (!said.is_empty()).then(|| said.join("\n"));
    let published = Published {
        title: own("title", &words.title, title_said, true)?,
        question: own("question", &words.question, whole.as_deref(), true)?,
        answer: own("answer", &words.answer, last.text.get(), false)?,
        bases: last.bases.clone(),
        organ: last.organ.clone(),
        region: asked.region.clone(),
        item: item.map(Subject::of),
    };
    let texts = [("title", &published.title), ("question", &published.question), ("answer", &published.answer)];
    if !asked.consents {
        // the organ's own answer may say back what it was asked; a publisher who writes one does not
        let written = texts.into_iter().filter(|(field, _)| *field != "answer" || !words.answer.is_empty());
        let own: Vec<String> = said.iter().copied().chain(title_said).map(bare).collect();
        written.into_iter().try_for_each(|(field, text)| check_own_words(field, text, &own))?;
    }
    texts.into_iter().try_for_each(|(field, text)| check_anonymous(field, text, &names))?;
    check_bases(&published.bases, &names)?;
    item.map_or(Ok(()), |item| check_stands(item, today))?;
    Ok(published)
}

fn own_answer() -> Refusal {
    let (zh, en) = (
        "公开应当先经审查，由答复人以外的人员公开（政府信息公开条例第十七条）",
        "it is reviewed before it is published: not by who answered (政府信息公开条例 art. 17)",
    );
    Refusal::new(Kind::PermissionDenied, "OWN_ANSWER", zh, en)
}

/// So many letters of the asker's say that they were copied.
const COPIED: usize = 10;

/// Letters and digits alone: blanks and other points make no words one's own.
fn bare(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Without consent not even the asker's own words, retyped.
fn check_own_words(field: &str, text: &str, own: &[String]) -> Result<(), Refusal> {
    let text = bare(text);
    if !own.iter().any(|said| said.chars().count() >= COPIED && text.contains(said.as_str())) {
        return Ok(());
    }
    let (zh, en) = ("提问人没有同意公开，不得照抄其原话", "the asker did not agree: their words are not to be copied");
    Err(Refusal::field(field, "CONSENT_MISSING", zh, en))
}

fn check_bases(bases: &[String], names: &[&str]) -> Result<(), Refusal> {
    let mut all = bases.iter().enumerate();
    all.try_for_each(|(place, basis)| check_anonymous(&format!("bases[{place}]"), basis, names))
}

/// 公开. One publication a question.
///
/// # Errors
/// `ALREADY_PUBLISHED`.
pub fn publish(answer: &Answer, question: StreamId, text: &Published, by: &Actor) -> Decision<Event> {
    if !matches!(answer.standing, Standing::Absent | Standing::Withdrawn { .. }) {
        let (zh, en) = ("该咨询的答复已经公开", "this question's answer is published already");
        return Err(Refusal::state("ALREADY_PUBLISHED", zh, en));
    }
    Ok(vec![Event::AnswerPublished { text: Box::new(text.clone()), question: Some(question), by: by.clone() }])
}

/// 复核: as it stands from now on it is right for the item as it is now. That it still holds whoever answered may say; other words are
/// published like the first, not by them. `question` is the one that it answers.
///
/// # Errors
/// `ANSWER_NOT_FOUND`, `ANSWER_WITHDRAWN`, `OWN_ANSWER`, `PERSONAL_DATA_LEFT`, `BASIS_NOT_CITED`, `ITEM_CANCELLED`.
pub fn review(
    answer: &Answer,
    (text, bases): (&str, &[String]),
    question: Option<&Question>,
    item: Option<&Item>,
    by: &Actor,
    cx: &Context,
) -> Decision<Event> {
    check_there(answer)?;
    let other = !(text.is_empty() || text == answer.text.answer) || !(bases.is_empty() || bases == answer.text.bases);
    if other && question.is_some_and(|question| question.answers.iter().any(|given| given.by.id == by.id)) {
        return Err(own_answer());
    }
    let names: Vec<&str> = question.and_then(|question| question.asked.name()).into_iter().collect();
    check_anonymous("answer", text, &names)?;
    check_bases(bases, &names)?;
    if let Some(place) = bases.iter().position(|basis| !cites(basis)) {
        let (zh, en) = ("依据应写明《文件名》或者文号", "cites neither a law by its name nor a document by its number");
        return Err(Refusal::field(format!("bases[{place}]"), "BASIS_NOT_CITED", zh, en));
    }
    item.map_or(Ok(()), |item| check_stands(item, legal_date(cx.now)))?;
    let given = |given: String, own: &String| if given.is_empty() { own.clone() } else { given };
    Ok(vec![Event::AnswerReviewed {
        answer: given(text.to_owned(), &answer.text.answer),
        bases: if bases.is_empty() { answer.text.bases.clone() } else { bases.to_vec() },
        item: item.map(Subject::of),
        by: by.clone(),
    }])
}

/// 撤下.
///
/// # Errors
/// `ANSWER_NOT_FOUND`, `ANSWER_WITHDRAWN`.
pub fn withdraw(answer: &Answer, reason: &str, by: &Actor) -> Decision<Event> {
    check_there(answer)?;
    Ok(vec![Event::AnswerWithdrawn { reason: reason.to_owned(), by: by.clone() }])
}

/// What the item is now: an answer that was looked at against an older version is shown to nobody until it was looked at again.
pub fn follow(answer: &Answer, item: &Item, today: NaiveDate) -> Decision<Event> {
    let Some(subject) = answer.text.item.as_ref().filter(|subject| subject.code == item.facts.code) else {
        return Ok(Vec::new());
    };
    if answer.standing != Standing::Current {
        return Ok(Vec::new());
    }
    let reason = match &item.standing {
        ItemStanding::Cancelled(end) if today >= end.effective => format!("事项自{}起取消", end.effective),
        _ if edition(item) != subject.edition => "事项已经修订，问答待复核".to_owned(),
        _ => return Ok(Vec::new()),
    };
    Ok(vec![Event::AnswerWentStale { reason }])
}

/// `ANSWER_NOT_CURRENT`: only what is shown to everybody answers a question.
///
/// # Errors
/// As it says, and `ANSWER_NOT_FOUND`.
pub fn check_current(answer: &Answer) -> Result<(), Refusal> {
    match answer.standing {
        Standing::Current => Ok(()),
        Standing::Absent => Err(super::not_found()),
        _ => {
            let (zh, en) = ("该问答待复核或者已撤下，不能引用", "it is stale or withdrawn: it answers nothing now");
            Err(Refusal::state("ANSWER_NOT_CURRENT", zh, en).with("standing", answer.standing.name()))
        }
    }
}

fn check_stands(item: &Item, today: NaiveDate) -> Result<(), Refusal> {
    match &item.standing {
        ItemStanding::Cancelled(end) if today >= end.effective => item.check_open(today),
        _ => Ok(()),
    }
}

fn check_there(answer: &Answer) -> Result<(), Refusal> {
    match answer.standing {
        Standing::Absent => Err(super::not_found()),
        Standing::Withdrawn { .. } => {
            Err(Refusal::state("ANSWER_WITHDRAWN", "该问答已经撤下", "it was taken down already"))
        }
        _ => Ok(()),
    }
}

fn check_anonymous(field: &str, text: &str, names: &[&str]) -> Result<(), Refusal> {
    if !names_anybody(text, names) {
        return Ok(());
    }
    let (zh, en) =
        ("仍含有证件号码、手机号、邮箱或者提问人姓名，请删去", "a number, a mail address or the asker's name is left");
    Err(Refusal::field(field, "PERSONAL_DATA_LEFT", zh, en))
}
