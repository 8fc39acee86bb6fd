//! 导办: from answers to members, their order, one form (一表申请) and one list of materials (一套材料).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use yiwang_ledger::Refusal;

use super::decide::Items;
use super::{AnswerKind, Member, Question, ThemeFacts};
use crate::catalogue::ItemFacts;
use crate::catalogue::facts::{MaterialSource, Necessity};
use crate::catalogue::words::normal;
use crate::standard::cel::holds_for;

fn holds(condition: &str, answers: &Value) -> bool {
    condition.trim().is_empty() || holds_for(condition, answers)
}

/// Checks answers against their questions: every answer has one, and is what it asks for.
///
/// # Errors
/// `ANSWERS_INVALID`, naming each answer at fault.
pub fn check_answers(facts: &ThemeFacts, answers: &Value) -> Result<(), Refusal> {
    let (zh, en) = ("回答与问题不符", "an answer does not fit its question");
    let mut refusal = Refusal::invalid("ANSWERS_INVALID", zh, en);
    for (code, answer) in answers.as_object().into_iter().flatten() {
        let question = facts.questions.iter().find(|question| question.code == *code);
        if !question.is_some_and(|question| fits(question, answer)) {
            refusal = refusal.with_field(format!("answers.{code}"), "ANSWERS_INVALID", zh, en);
        }
    }
    if refusal.fields.is_empty() { Ok(()) } else { Err(refusal) }
}

fn fits(question: &Question, answer: &Value) -> bool {
    let is_choice = |value: &Value| question.choices.iter().any(|choice| value.as_str() == Some(&choice.code));
    match question.kind {
        AnswerKind::One => is_choice(answer),
        AnswerKind::Many => answer.as_array().is_some_and(|all| all.iter().all(is_choice)),
        AnswerKind::Boolean => answer.is_boolean(),
        AnswerKind::Number => answer.is_number(),
    }
}

/// The next question that is to be asked.
pub fn next<'a>(facts: &'a ThemeFacts, answers: &Value) -> Option<&'a Question> {
    let open = |question: &&Question| answers.get(&question.code).is_none() && holds(&question.when, answers);
    facts.questions.iter().find(open)
}

/// The members that the answers choose, in the theme's order.
pub fn members<'a>(facts: &'a ThemeFacts, answers: &Value) -> Vec<&'a Member> {
    facts.members.iter().filter(|member| holds(&member.when, answers)).collect()
}

/// The step at which each member can begin, from 1; none where they wait for one another. Whoever is no member is waited for by
/// nobody.
pub fn order<'a>(members: impl IntoIterator<Item = &'a Member>) -> Option<BTreeMap<&'a str, usize>> {
    let members: Vec<&Member> = members.into_iter().collect();
    let there: BTreeSet<&str> = members.iter().map(|member| member.code.as_str()).collect();
    let mut steps: BTreeMap<&str, usize> = BTreeMap::new();
    while steps.len() < there.len() {
        let mut moved = false;
        for member in &members {
            let before: Vec<&str> = member.before().into_iter().filter(|code| there.contains(code)).collect();
            if steps.contains_key(member.code.as_str()) || !before.iter().all(|code| steps.contains_key(code)) {
                continue;
            }
            let step = before.iter().filter_map(|code| steps.get(code)).max().map_or(1, |step| step + 1);
            steps.insert(&member.code, step);
            moved = true;
        }
        if !moved {
            return None;
        }
    }
    Some(steps)
}

/// A field of the one form.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// The members' fields that it fills in.
    pub fills: Vec<(String, String)>,
    schema: Value,
    required: bool,
}

/// 一表申请: a field that several members ask for alike is asked once; one that they ask for differently is each one's own.
pub fn form(chosen: &[(&Member, &ItemFacts)]) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    for (member, facts) in chosen {
        let schema: Value = serde_json::from_str(&facts.form_schema).unwrap_or_default();
        let required = |name: &str| {
            schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one.as_str() == Some(name)))
        };
        let given = |name: &str| {
            member
                .inputs
                .iter()
                .any(|input| input.field == name && chosen.iter().any(|(other, _)| other.code == input.from))
        };
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            if given(name) {
                continue;
            }
            let fills = (member.code.clone(), name.clone());
            let alike = fields
                .iter_mut()
                .find(|field| field.fills.iter().any(|(_, own)| own == name) && field.schema == *property);
            if let Some(field) = alike {
                field.fills.push(fills);
                field.required |= required(name);
                continue;
            }
            let mut free = name.clone();
            while fields.iter().any(|field| field.name == free) {
                free = format!("{}_{free}", member.code);
            }
            fields.push(Field { name: free, fills: vec![fills], schema: property.clone(), required: required(name) });
        }
    }
    fields
}

/// The one form as a JSON Schema.
pub fn schema(title: &str, fields: &[Field]) -> String {
    let properties: Map<String, Value> =
        fields.iter().map(|field| (field.name.clone(), field.schema.clone())).collect();
    let required: Vec<&str> = fields.iter().filter(|field| field.required).map(|field| field.name.as_str()).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
    .to_string()
}

/// A member's own form, out of the one form.
pub fn part(fields: &[Field], union: &Value, member: &str) -> Value {
    let own = |field: &Field| {
        let (_, name) = field.fills.iter().find(|(of, _)| of == member)?;
        Some((name.clone(), union.get(&field.name)?.clone()))
    };
    Value::Object(fields.iter().filter_map(own).collect())
}

/// A material of the one list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paper {
    /// Its name.
    pub name: String,
    /// The members' materials that it is.
    pub serves: Vec<(String, String)>,
    /// It must be there for one of them.
    pub required: bool,
}

/// 一套材料: the same paper is handed in once. The same is what bears the same name by the same issuer. What is made from the
/// form, obtainable by sharing, or the result of another member is nobody's to bring.
pub fn materials(chosen: &[(&Member, &ItemFacts)]) -> Vec<Paper> {
    let mut papers: Vec<(String, Paper)> = Vec::new();
    for (member, facts) in chosen {
        let made = |code: &str| {
            member
                .inputs
                .iter()
                .any(|input| input.material == code && chosen.iter().any(|(other, _)| other.code == input.from))
        };
        for material in &facts.materials {
            if material.online_form || material.source == MaterialSource::Government || made(&material.code) {
                continue;
            }
            let key = format!("{}\0{}", normal(&material.name), normal(&material.issuer));
            let serves = (member.code.clone(), material.code.clone());
            let required = material.necessity == Necessity::Required;
            match papers.iter_mut().find(|(own, _)| *own == key) {
                Some((_, paper)) => {
                    paper.serves.push(serves);
                    paper.required |= required;
                }
                None => papers.push((key, Paper { name: material.name.clone(), serves: vec![serves], required })),
            }
        }
    }
    papers.into_iter().map(|(_, paper)| paper).collect()
}

/// The chosen members that are items, with their elements.
pub fn with_items<'a>(chosen: &[&'a Member], items: &'a Items) -> Vec<(&'a Member, &'a ItemFacts)> {
    chosen.iter().filter_map(|member| Some((*member, &items.get(&member.item)?.facts))).collect()
}
