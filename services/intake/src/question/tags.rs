//! What is derived from a question's state: who sees it, by what it is listed, when the timer looks.

use yiwang_ledger::{Index, Tag, Timestamp};

use super::{Question, Stage};
use crate::limit::{Due, Ends as _};

/// The dates that still matter.
pub(super) fn watched(question: &Question) -> impl Iterator<Item = &Due> {
    let due = question.due.as_ref().filter(|_| question.stage.is_open());
    let closes = question.closes.as_ref().filter(|_| question.stage == Stage::Answered);
    due.into_iter().chain(closes)
}

/// When the timer looks. What an asker would lose waits until its date is settled.
fn due_at(question: &Question) -> Option<Timestamp> {
    let waiting = matches!(question.stage, Stage::Waiting | Stage::Offered) && !question.reaction_overdue;
    let due = question.due.as_ref().filter(|_| question.stage.is_open() && !question.overdue).map(Due::passed_at);
    let closes = question.closes.as_ref().filter(|due| question.stage == Stage::Answered && !due.provisional());
    let react = waiting.then(|| question.react_by());
    [react, due, closes.map(Due::passed_at)].into_iter().flatten().min()
}

pub(super) fn index(question: &Question) -> Index {
    let organ = question.responsible.as_ref().or(question.asked.addressed.as_ref());
    Index {
        region: question.asked.region.clone(),
        organisation: organ.map(|organ| organ.code.clone()).unwrap_or_default(),
        owner: question.asked.subject.to_string(),
        item: question.asked.item.as_ref().map(|item| item.code.clone()).unwrap_or_default(),
        status: question.stage.name().to_owned(),
        due_at: due_at(question),
    }
}

/// The asker; the organs whose word it waits for, and the responsible one; the windows, where it is addressed to nobody or one of them
/// entered it; the coordinator and the supervision of the region.
fn audiences(question: &Question) -> Vec<String> {
    let asked = &question.asked;
    let mut all = Vec::new();
    if asked.is_known() {
        all.push(asked.subject.audience());
    }
    if asked.for_another || (question.stage == Stage::Waiting && asked.addressed.is_none()) {
        all.push(format!("window:{}", asked.region));
    }
    let organs = question.responsible.iter().chain(question.reached());
    all.extend(organs.map(|organ| format!("org:{}", organ.code)));
    all.push(format!("coordination:{}", asked.region));
    all.push(format!("region:{}", asked.region));
    all
}

pub(super) fn tags(question: &Question) -> Vec<Tag> {
    if question.stage == Stage::Absent {
        return Vec::new();
    }
    let sort = Tag::newest_first(question.asked_at);
    let tag = |name, value: &str| Tag::new(name, value, sort.clone());
    let mut tags: Vec<Tag> = audiences(question).iter().map(|value| tag(Tag::AUDIENCE, value)).collect();
    tags.push(tag("stage", question.stage.name()));
    tags.push(tag("channel", question.asked.channel.into()));
    tags.extend(question.asked.item.iter().map(|item| tag("item", &item.code)));
    if question.overdue || question.reaction_overdue {
        tags.push(tag("overdue", "yes"));
    }
    if question.ratings.last().is_some_and(|rating| rating.satisfaction.is_bad()) {
        tags.push(tag("dissatisfied", "yes"));
    }
    let missing = watched(question).flat_map(|due| &due.missing_years);
    tags.extend(missing.map(|year| tag("provisional", &year.to_string())));
    tags.sort();
    tags.dedup();
    tags
}
