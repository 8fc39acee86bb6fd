//! Questions, as the contracts bring and show them.

use yiwang_kit::{timestamp, wire};
use yiwang_ledger::{Personal, Refusal, StreamId, SubjectId};
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::party::v1 as party_pb;

use super::application::{Reader, actor, mask_party, party, shown};
use super::ask;
use super::due;
use super::transfer::organ_shown;
use crate::question::masking::masked;
use crate::question::{Answer, Channel, HandOn, Outcome, Question, Satisfaction, Stage, Utterance, UtteranceKind};

const WRONG: &str = "FIELD_INVALID";

/// How much of a question is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// To the asker, and to who handles it.
    Full,
    /// To who watches: what names the asker is masked.
    Watching,
    /// In a list: masked, and without texts.
    List,
}

/// A text of 1 to `most` characters, sealed.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
pub fn sealed(subject: &SubjectId, field: &'static str, text: &str, most: usize) -> Result<Personal, Refusal> {
    Ok(Personal::new(subject, field, ask::text(field, text, 1, most, WRONG)?))
}

/// How it came: who asks for themselves does so online or by the direct line.
///
/// # Errors
/// `CHANNEL_NOT_YOURS`.
pub fn channel(asked: pb::QuestionChannel, staff: bool) -> Result<Channel, Refusal> {
    let channel = match asked {
        pb::QuestionChannel::Unspecified if staff => Channel::Window,
        pb::QuestionChannel::Unspecified | pb::QuestionChannel::Online => Channel::Online,
        pb::QuestionChannel::DirectLine => Channel::DirectLine,
        pb::QuestionChannel::Phone => Channel::Phone,
        pb::QuestionChannel::Window => Channel::Window,
        pb::QuestionChannel::Mail => Channel::Mail,
    };
    if staff || matches!(channel, Channel::Online | Channel::DirectLine) {
        return Ok(channel);
    }
    let (zh, en) = ("该渠道由工作人员登记", "staff enter what came this way");
    Err(Refusal::field("channel", "CHANNEL_NOT_YOURS", zh, en))
}

/// The tag of a channel that is asked for.
pub fn channel_tag(channel: pb::QuestionChannel) -> Option<&'static str> {
    let channel = match channel {
        pb::QuestionChannel::Unspecified => return None,
        pb::QuestionChannel::Online => Channel::Online,
        pb::QuestionChannel::Phone => Channel::Phone,
        pb::QuestionChannel::Window => Channel::Window,
        pb::QuestionChannel::Mail => Channel::Mail,
        pb::QuestionChannel::DirectLine => Channel::DirectLine,
    };
    Some(channel.into())
}

fn channel_shown(channel: Channel) -> pb::QuestionChannel {
    match channel {
        Channel::Online => pb::QuestionChannel::Online,
        Channel::Phone => pb::QuestionChannel::Phone,
        Channel::Window => pb::QuestionChannel::Window,
        Channel::Mail => pb::QuestionChannel::Mail,
        Channel::DirectLine => pb::QuestionChannel::DirectLine,
    }
}

/// The tag of a stage that is asked for.
pub fn stage_tag(stage: pb::QuestionStage) -> Option<&'static str> {
    let stage = match stage {
        pb::QuestionStage::Unspecified => return None,
        pb::QuestionStage::Waiting => Stage::Waiting,
        pb::QuestionStage::InHand => Stage::InHand,
        pb::QuestionStage::Offered => Stage::Offered,
        pb::QuestionStage::Referred => Stage::Referred,
        pb::QuestionStage::Answered => Stage::Answered,
        pb::QuestionStage::Closed => Stage::Closed,
        pb::QuestionStage::Withdrawn => Stage::Withdrawn,
    };
    Some(stage.name())
}

fn stage_shown(stage: Stage) -> pb::QuestionStage {
    match stage {
        Stage::Absent => pb::QuestionStage::Unspecified,
        Stage::Waiting => pb::QuestionStage::Waiting,
        Stage::InHand => pb::QuestionStage::InHand,
        Stage::Offered => pb::QuestionStage::Offered,
        Stage::Referred => pb::QuestionStage::Referred,
        Stage::Answered => pb::QuestionStage::Answered,
        Stage::Closed => pb::QuestionStage::Closed,
        Stage::Withdrawn => pb::QuestionStage::Withdrawn,
    }
}

/// 满意度; the contract's enum, never a bare number.
///
/// # Errors
/// `FIELD_INVALID`.
pub fn satisfaction(said: pb::AnswerSatisfaction) -> Result<Satisfaction, Refusal> {
    Ok(match said {
        pb::AnswerSatisfaction::VerySatisfied => Satisfaction::VerySatisfied,
        pb::AnswerSatisfaction::Satisfied => Satisfaction::Satisfied,
        pb::AnswerSatisfaction::BasicallySatisfied => Satisfaction::BasicallySatisfied,
        pb::AnswerSatisfaction::Dissatisfied => Satisfaction::Dissatisfied,
        pb::AnswerSatisfaction::VeryDissatisfied => Satisfaction::VeryDissatisfied,
        pb::AnswerSatisfaction::Unspecified => {
            return Err(Refusal::field("satisfaction", WRONG, "请选择满意度", "name the satisfaction"));
        }
    })
}

fn satisfaction_shown(satisfaction: Satisfaction) -> pb::AnswerSatisfaction {
    match satisfaction {
        Satisfaction::VerySatisfied => pb::AnswerSatisfaction::VerySatisfied,
        Satisfaction::Satisfied => pb::AnswerSatisfaction::Satisfied,
        Satisfaction::BasicallySatisfied => pb::AnswerSatisfaction::BasicallySatisfied,
        Satisfaction::Dissatisfied => pb::AnswerSatisfaction::Dissatisfied,
        Satisfaction::VeryDissatisfied => pb::AnswerSatisfaction::VeryDissatisfied,
    }
}

/// What an answer rests on.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
pub fn bases(bases: &[String]) -> Result<Vec<String>, Refusal> {
    ask::few("bases", bases, 10)?;
    let one = |(place, basis): (usize, &String)| ask::text(&format!("bases[{place}]"), basis, 1, 200, WRONG);
    bases.iter().enumerate().map(one).collect()
}

/// How texts are shown to somebody.
struct Texts<'a> {
    view: View,
    names: Vec<&'a str>,
}

impl Texts<'_> {
    fn show(&self, text: &Personal) -> String {
        match self.view {
            View::Full => shown(text).to_owned(),
            View::Watching | View::List => masked(shown(text), &self.names),
        }
    }

    fn utterance(&self, said: &Utterance, reader: Reader) -> pb::Utterance {
        pb::Utterance {
            kind: match said.kind {
                UtteranceKind::Question => pb::UtteranceKind::Question.into(),
                UtteranceKind::Supplement => pb::UtteranceKind::Supplement.into(),
                UtteranceKind::FollowUp => pb::UtteranceKind::FollowUp.into(),
            },
            text: self.show(&said.text),
            time: Some(timestamp(said.at)),
            actor: Some(actor(&said.by, reader)),
        }
    }

    fn hand_on(&self, offer: &HandOn) -> pb::HandOn {
        let (outcome, why) = match &offer.outcome {
            Outcome::Open => (pb::HandOnOutcome::Open, String::new()),
            Outcome::Taken => (pb::HandOnOutcome::Taken, String::new()),
            Outcome::Returned(reason) => (pb::HandOnOutcome::Returned, self.show(reason)),
            Outcome::Overtaken => (pb::HandOnOutcome::Overtaken, String::new()),
        };
        pb::HandOn {
            from: Some(organ_shown(&offer.from)),
            to: Some(organ_shown(&offer.to)),
            reason: self.show(&offer.reason),
            time: Some(timestamp(offer.at)),
            outcome: outcome.into(),
            return_reason: why,
        }
    }

    fn answer(&self, answer: &Answer, reader: Reader) -> pb::QuestionAnswer {
        pb::QuestionAnswer {
            text: self.show(&answer.text),
            bases: answer.bases.clone(),
            published_answer_id: answer.published.map(|id| id.to_string()).unwrap_or_default(),
            organ: Some(organ_shown(&answer.organ)),
            actor: Some(actor(&answer.by, reader)),
            time: Some(timestamp(answer.at)),
            late: answer.late,
        }
    }
}

fn asker(question: &Question, view: View) -> Option<party_pb::Party> {
    let mut asker = question.asked.asker.as_ref().map(party)?;
    if view != View::Full {
        mask_party(&mut asker);
    }
    Some(asker)
}

/// A question.
pub fn question(id: StreamId, version: u64, question: &Question, view: View, reader: Reader) -> pb::Question {
    let asked = &question.asked;
    let texts = Texts { view, names: asked.name().into_iter().collect() };
    let whole = view != View::List;
    let item = asked.item.as_ref();
    pb::Question {
        id: id.to_string(),
        etag: wire::etag(version),
        stage: stage_shown(question.stage).into(),
        title: asked.title.as_ref().map(|title| texts.show(title)).unwrap_or_default(),
        channel: channel_shown(asked.channel).into(),
        region_code: asked.region.clone(),
        item_code: item.map(|item| item.code.clone()).unwrap_or_default(),
        item_name: item.map(|item| item.name.clone()).unwrap_or_default(),
        asker: asker(question, view),
        entered_by: asked.for_another.then(|| actor(&question.entered_by, reader)),
        utterances: match whole {
            true => question.utterances.iter().map(|said| texts.utterance(said, reader)).collect(),
            false => Vec::new(),
        },
        addressed_to: asked.addressed.as_ref().map(organ_shown),
        responsible: question.responsible.as_ref().map(organ_shown),
        hand_ons: question.hand_ons.iter().map(|offer| texts.hand_on(offer)).collect(),
        assignment: question.assignment.as_ref().map(|assigned| pb::QuestionAssignment {
            organ: Some(organ_shown(&assigned.organ)),
            reason: texts.show(&assigned.reason),
            actor: Some(actor(&assigned.by, reader)),
            time: Some(timestamp(assigned.at)),
        }),
        react_by: matches!(question.stage, Stage::Waiting | Stage::Offered).then(|| timestamp(question.react_by())),
        reaction_overdue: question.reaction_overdue,
        due: question.due.as_ref().map(due),
        overdue: question.overdue,
        extension: question.extension.as_ref().map(|extended| pb::QuestionExtension {
            reason: texts.show(&extended.reason),
            actor: Some(actor(&extended.by, reader)),
            time: Some(timestamp(extended.at)),
            previous_date: extended.previous.to_string(),
        }),
        answers: match whole {
            true => question.answers.iter().map(|answer| texts.answer(answer, reader)).collect(),
            false => Vec::new(),
        },
        ratings: question
            .ratings
            .iter()
            .map(|rating| pb::QuestionRating {
                satisfaction: satisfaction_shown(rating.satisfaction).into(),
                comment: rating.comment.as_ref().filter(|_| whole).map(|text| texts.show(text)).unwrap_or_default(),
                time: Some(timestamp(rating.at)),
                reopened: rating.reopened,
            })
            .collect(),
        closes: question.closes.as_ref().filter(|_| question.stage == Stage::Answered).map(due),
        publication_consent: asked.consents,
        create_time: Some(timestamp(question.asked_at)),
    }
}
