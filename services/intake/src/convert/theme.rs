//! Themes, as the contracts bring and show them.

use serde_json::Value;
use yiwang_kit::{limit as limits, timestamp, wire};
use yiwang_ledger::{Read, Refusal, Timestamp};
use yiwang_proto::catalogue::v1 as pb;

use super::ask::{self, few};
use super::{count, handling_limit, region, signed};
use crate::limit::legal_date;
use crate::theme::decide::Items;
use crate::theme::plan::{self, Field, Paper};
use crate::theme::{AnswerKind, Choice, Example, HandOut, Input, Kind, Member, Question, Theme, ThemeFacts};

const WRONG: &str = "FIELD_INVALID";

fn code(field: &str, text: &str) -> Result<String, Refusal> {
    let text = ask::text(field, text, 1, 36, WRONG)?;
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-') {
        return Ok(text);
    }
    let (zh, en) = ("代码由字母、数字、连字符和下划线组成", "a code is letters, digits, - and _");
    Err(Refusal::field(field, WRONG, zh, en))
}

/// A code that conditions name the answer by, so that a hyphen would be a minus.
fn name(field: &str, text: &str) -> Result<String, Refusal> {
    let text = code(field, text)?;
    if text.contains('-') || text.starts_with(|first: char| first.is_ascii_digit()) {
        let (zh, en) = ("问题代码由字母、数字和下划线组成，不以数字开头", "letters, digits and _, no digit first");
        return Err(Refusal::field(field, WRONG, zh, en));
    }
    Ok(text)
}

fn kind_of(kind: pb::ThemeKind) -> Option<Kind> {
    Some(match kind {
        pb::ThemeKind::Unspecified => return None,
        pb::ThemeKind::OneMatter => Kind::OneMatter,
        pb::ThemeKind::OneTrade => Kind::OneTrade,
        pb::ThemeKind::Integrated => Kind::Integrated,
        pb::ThemeKind::Chain => Kind::Chain,
    })
}

/// The tag of a kind that is asked for.
pub fn kind_tag(kind: pb::ThemeKind) -> Option<&'static str> {
    kind_of(kind).map(Kind::name)
}

fn question((place, message): (usize, &pb::ThemeQuestion)) -> Result<Question, Refusal> {
    let at = |field: &str| format!("theme.questions[{place}].{field}");
    few(&at("choices"), &message.choices, 30)?;
    let choice = |(index, choice): (usize, &pb::ThemeChoice)| {
        let at = |field: &str| at(&format!("choices[{index}].{field}"));
        Ok(Choice {
            code: code(&at("code"), &choice.code)?,
            text: ask::text(&at("text"), &choice.text, 1, 100, WRONG)?,
        })
    };
    Ok(Question {
        code: name(&at("code"), &message.code)?,
        text: ask::text(&at("text"), &message.text, 1, 200, WRONG)?,
        kind: match message.kind() {
            pb::AnswerKind::Unspecified | pb::AnswerKind::One => AnswerKind::One,
            pb::AnswerKind::Many => AnswerKind::Many,
            pb::AnswerKind::Boolean => AnswerKind::Boolean,
            pb::AnswerKind::Number => AnswerKind::Number,
        },
        choices: message.choices.iter().enumerate().map(choice).collect::<Result<_, Refusal>>()?,
        when: ask::text(&at("when"), &message.when, 0, 5000, WRONG)?,
    })
}

fn member((place, message): (usize, &pb::ThemeMember)) -> Result<Member, Refusal> {
    let at = |field: &str| format!("theme.members[{place}].{field}");
    few(&at("after"), &message.after, 30)?;
    few(&at("inputs"), &message.inputs, 30)?;
    let input = |(index, input): (usize, &pb::ThemeInput)| {
        let part = |field: &str, text: &str| ask::text(&at(&format!("inputs[{index}].{field}")), text, 0, 100, WRONG);
        Ok(Input {
            from: part("from_member", &input.from_member)?,
            material: part("material_code", &input.material_code)?,
            field: part("field", &input.field)?,
        })
    };
    let item = message.item_code.trim().to_owned();
    Ok(Member {
        code: code(&at("code"), &message.code)?,
        partner: ask::text(&at("partner"), &message.partner, 0, 100, WRONG)?,
        // an item has its own name
        name: if item.is_empty() { ask::text(&at("name"), &message.name, 0, 100, WRONG)? } else { String::new() },
        item,
        when: ask::text(&at("when"), &message.when, 0, 5000, WRONG)?,
        after: message.after.clone(),
        inputs: message.inputs.iter().enumerate().map(input).collect::<Result<_, Refusal>>()?,
    })
}

/// A theme that is to be published.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
pub fn theme(message: Option<&pb::Theme>) -> Result<ThemeFacts, Refusal> {
    let message = message.ok_or_else(|| Refusal::field("theme", WRONG, "缺少主题", "the theme is needed"))?;
    few("theme.questions", &message.questions, 30)?;
    few("theme.members", &message.members, 30)?;
    few("theme.examples", &message.examples, 20)?;
    let text = |field: &str, value: &str, least, most| ask::text(&format!("theme.{field}"), value, least, most, WRONG);
    let missing =
        |field: &'static str| move || Refusal::field(format!("theme.{field}"), WRONG, "必须填写", "is required");
    let example = |(place, one): (usize, &pb::ThemeExample)| {
        let answers = text(&format!("examples[{place}].answers"), &one.answers, 1, 2000)?;
        few(&format!("theme.examples[{place}].members"), &one.members, 30)?;
        Ok(Example { answers, members: one.members.clone() })
    };
    let limit = message.promised_limit.as_ref().and_then(limits::read);
    Ok(ThemeFacts {
        code: code("theme.theme_code", &message.theme_code)?,
        name: text("name", &message.name, 1, 100)?,
        kind: kind_of(message.kind()).ok_or_else(missing("kind"))?,
        region: region("theme.region_code", &message.region_code)?,
        lead: text("lead", &message.lead, 1, 100)?,
        lead_code: text("lead_code", &message.lead_code, 1, 36)?,
        basis: text("basis", &message.basis, 0, 500)?,
        guide: text("guide", &message.guide, 0, 2000)?,
        promised_limit: limit.ok_or_else(missing("promised_limit"))?,
        life_event: text("life_event", &message.life_event, 0, 50)?,
        questions: message.questions.iter().enumerate().map(question).collect::<Result<_, _>>()?,
        members: message.members.iter().enumerate().map(member).collect::<Result<_, _>>()?,
        one_survey: message.one_survey,
        hand_out: match message.hand_out() {
            pb::HandOut::Unspecified | pb::HandOut::Together => HandOut::Together,
            pb::HandOut::Each => HandOut::Each,
        },
        examples: message.examples.iter().enumerate().map(example).collect::<Result<_, Refusal>>()?,
    })
}

fn question_shown(question: &Question) -> pb::ThemeQuestion {
    let choice = |choice: &Choice| pb::ThemeChoice { code: choice.code.clone(), text: choice.text.clone() };
    pb::ThemeQuestion {
        code: question.code.clone(),
        text: question.text.clone(),
        kind: match question.kind {
            AnswerKind::One => pb::AnswerKind::One.into(),
            AnswerKind::Many => pb::AnswerKind::Many.into(),
            AnswerKind::Boolean => pb::AnswerKind::Boolean.into(),
            AnswerKind::Number => pb::AnswerKind::Number.into(),
        },
        choices: question.choices.iter().map(choice).collect(),
        when: question.when.clone(),
    }
}

fn member_shown(member: &Member) -> pb::ThemeMember {
    let input = |input: &Input| pb::ThemeInput {
        from_member: input.from.clone(),
        material_code: input.material.clone(),
        field: input.field.clone(),
    };
    pb::ThemeMember {
        code: member.code.clone(),
        item_code: member.item.clone(),
        partner: member.partner.clone(),
        name: member.name.clone(),
        when: member.when.clone(),
        after: member.after.clone(),
        inputs: member.inputs.iter().map(input).collect(),
    }
}

/// 出件规则 in the contract.
pub fn hand_out(rule: HandOut) -> pb::HandOut {
    match rule {
        HandOut::Together => pb::HandOut::Together,
        HandOut::Each => pb::HandOut::Each,
    }
}

/// A theme.
pub fn shown(version: u64, theme: &Theme, at: Timestamp) -> pb::Theme {
    let facts = &theme.facts;
    let example = |one: &Example| pb::ThemeExample { answers: one.answers.clone(), members: one.members.clone() };
    pb::Theme {
        theme_code: facts.code.clone(),
        version: signed(version),
        etag: wire::etag(version),
        name: facts.name.clone(),
        kind: match facts.kind {
            Kind::OneMatter => pb::ThemeKind::OneMatter.into(),
            Kind::OneTrade => pb::ThemeKind::OneTrade.into(),
            Kind::Integrated => pb::ThemeKind::Integrated.into(),
            Kind::Chain => pb::ThemeKind::Chain.into(),
        },
        region_code: facts.region.clone(),
        lead: facts.lead.clone(),
        lead_code: facts.lead_code.clone(),
        basis: facts.basis.clone(),
        guide: facts.guide.clone(),
        promised_limit: Some(handling_limit(&facts.promised_limit)),
        life_event: facts.life_event.clone(),
        questions: facts.questions.iter().map(question_shown).collect(),
        members: facts.members.iter().map(member_shown).collect(),
        one_survey: facts.one_survey,
        hand_out: hand_out(facts.hand_out).into(),
        examples: facts.examples.iter().map(example).collect(),
        cancelled_reason: theme.cancelled.clone().unwrap_or_default(),
        update_time: Some(timestamp(at)),
    }
}

/// 导办: what comes of the answers.
pub fn planned(
    read: &Read<Theme>,
    answers: &Value,
    items: &Items,
    versions: &[(String, u64)],
    now: Timestamp,
) -> pb::ThemePlan {
    let facts = &read.state.facts;
    let next = plan::next(facts, answers);
    let chosen = plan::members(facts, answers);
    let steps = plan::order(chosen.iter().copied()).unwrap_or_default();
    let there = |code: &str| chosen.iter().any(|member| member.code == code);
    let one = |member: &&Member| {
        let item = items.get(&member.item);
        let version = versions.iter().find(|(code, _)| *code == member.item).map_or(0, |(_, version)| *version);
        let obstacle = item.and_then(|item| item.check_open(legal_date(now)).err()).map(|refusal| refusal.zh);
        pb::PlannedMember {
            member_code: member.code.clone(),
            item_code: member.item.clone(),
            item_version: signed(version),
            name: item.map_or(&member.name, |item| &item.facts.name).clone(),
            department: item.map_or(&member.partner, |item| &item.facts.department).clone(),
            step: count(steps.get(member.code.as_str()).copied().unwrap_or_default()),
            after: member.before().into_iter().filter(|code| there(code)).map(str::to_owned).collect(),
            obstacle: obstacle.unwrap_or_default(),
        }
    };
    let with_items = plan::with_items(&chosen, items);
    let (fields, papers) = match next {
        Some(_) => (Vec::new(), Vec::new()),
        None => (plan::form(&with_items), plan::materials(&with_items)),
    };
    let joined = |all: &[(String, String)]| all.iter().map(|(member, name)| format!("{member}.{name}")).collect();
    let field = |field: &Field| pb::PlannedField { name: field.name.clone(), fills: joined(&field.fills) };
    let paper = |paper: &Paper| pb::PlannedMaterial {
        name: paper.name.clone(),
        serves: joined(&paper.serves),
        required: paper.required,
    };
    pb::ThemePlan {
        next_question: next.map(question_shown),
        members: chosen.iter().map(one).collect(),
        form_schema: if next.is_some() { String::new() } else { plan::schema(&facts.name, &fields) },
        fields: fields.iter().map(field).collect(),
        materials: papers.iter().map(paper).collect(),
        theme_version: signed(read.version),
    }
}
