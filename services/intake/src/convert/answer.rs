//! Published answers, as the contracts bring and show them.

use yiwang_kit::{timestamp, wire};
use yiwang_ledger::{Refusal, StreamId};
use yiwang_proto::intake::v1 as pb;

use super::transfer::organ_shown;
use super::{ask, signed};
use crate::answer::decide::Words;
use crate::answer::{Answer, Standing};

const WRONG: &str = "FIELD_INVALID";
/// Longest published answer in characters.
pub const ANSWER: usize = 4000;

/// What the publisher writes.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
pub fn words(message: &pb::PublishAnswerRequest) -> Result<Words, Refusal> {
    Ok(Words {
        title: ask::text("title", &message.title, 0, 100, WRONG)?,
        question: ask::text("question", &message.question, 0, 2000, WRONG)?,
        answer: ask::text("answer", &message.answer, 0, ANSWER, WRONG)?,
    })
}

/// The tag of a standing that is asked for.
pub fn standing_tag(standing: pb::AnswerStanding) -> &'static str {
    match standing {
        pb::AnswerStanding::Unspecified | pb::AnswerStanding::Current => "CURRENT",
        pb::AnswerStanding::Stale => "STALE",
        pb::AnswerStanding::Withdrawn => "WITHDRAWN",
    }
}

/// A published answer.
pub fn answer(id: StreamId, version: u64, answer: &Answer) -> pb::PublishedAnswer {
    let text = &answer.text;
    let item = text.item.as_ref();
    let (standing, reason) = match &answer.standing {
        Standing::Absent => (pb::AnswerStanding::Unspecified, ""),
        Standing::Current => (pb::AnswerStanding::Current, ""),
        Standing::Stale { reason } => (pb::AnswerStanding::Stale, reason.as_str()),
        Standing::Withdrawn { reason } => (pb::AnswerStanding::Withdrawn, reason.as_str()),
    };
    pb::PublishedAnswer {
        id: id.to_string(),
        etag: wire::etag(version),
        standing: standing.into(),
        title: text.title.clone(),
        question: text.question.clone(),
        answer: text.answer.clone(),
        bases: text.bases.clone(),
        organ: Some(organ_shown(&text.organ)),
        item_code: item.map(|item| item.code.clone()).unwrap_or_default(),
        item_name: item.map(|item| item.name.clone()).unwrap_or_default(),
        item_version: item.map_or(0, |item| signed(item.edition)),
        reason: reason.to_owned(),
        publish_time: Some(timestamp(answer.published_at)),
        review_time: Some(timestamp(answer.reviewed_at)),
    }
}
