//! The rules of themes: what can be published, said all at once.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use yiwang_ledger::{Decision, Refusal};

use super::plan::{members, order};
use super::{AnswerKind, Event, HandOut, Kind, Member, Theme, ThemeFacts, not_found};
use crate::catalogue::{Item, Standing};
use crate::drafting::check::cites;
use crate::standard::cel::{ANSWERS, Wrong, compile_of};

/// The items of a theme, by code.
pub type Items = BTreeMap<String, Item>;

/// Publishes a theme, or its next version.
///
/// # Errors
/// `THEME_CANCELLED`; `THEME_INVALID`, each field with its own reason.
pub fn publish(theme: &Theme, facts: &ThemeFacts, items: &Items) -> Decision<Event> {
    theme.check_open()?;
    check(facts, items)?;
    if theme.facts == *facts {
        return Ok(Vec::new());
    }
    Ok(vec![Event::ThemePublished { facts: Box::new(facts.clone()), shipped: None }])
}

/// Brings in what the product ships, once; what an administrator changed or cancelled since stands.
pub fn ship(theme: &Theme, facts: &ThemeFacts, digest: &str) -> Decision<Event> {
    if theme.own || theme.shipped.as_deref() == Some(digest) || theme.cancelled.is_some() {
        return Ok(Vec::new());
    }
    Ok(vec![Event::ThemePublished { facts: Box::new(facts.clone()), shipped: Some(digest.to_owned()) }])
}

/// Cancels a theme.
///
/// # Errors
/// `THEME_NOT_FOUND`, `THEME_CANCELLED`.
pub fn cancel(theme: &Theme, reason: &str) -> Decision<Event> {
    if !theme.exists() {
        return Err(not_found());
    }
    theme.check_open()?;
    Ok(vec![Event::ThemeCancelled { reason: reason.to_owned() }])
}

struct Found(Refusal);

impl Found {
    fn add(&mut self, field: impl Into<String>, reason: &'static str, zh: impl Into<String>, en: &str) {
        let refusal = std::mem::replace(&mut self.0, Refusal::invalid("THEME_INVALID", "", ""));
        self.0 = refusal.with_field(field, reason, zh, en);
    }

    fn codes<'a>(&mut self, list: &str, codes: impl Iterator<Item = &'a str>) {
        let mut seen = BTreeSet::new();
        for (place, code) in codes.enumerate() {
            if code.is_empty() || !seen.insert(code) {
                self.add(
                    format!("{list}[{place}].code"),
                    "CODE_REPEATED",
                    "代码缺少或重复",
                    "missing, or stands twice",
                );
            }
        }
    }

    fn condition(&mut self, field: String, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        let (reason, zh, en) = match compile_of(text, ANSWERS) {
            Ok(_) => return,
            Err(Wrong::Invalid) => {
                ("EXPRESSION_INVALID", "条件表达式（CEL）无法编译，或者用了未定义的名称", "does not compile")
            }
            Err(Wrong::TooLong) => ("EXPRESSION_TOO_LONG", "条件表达式过长", "is too long"),
            Err(Wrong::TooDeep) => ("EXPRESSION_TOO_DEEP", "条件表达式嵌套过深，或者循环中又有循环", "is too deep"),
        };
        self.add(field, reason, zh, en);
    }
}

/// What a theme must be, all that is wrong at once.
///
/// # Errors
/// `THEME_INVALID`.
pub fn check(facts: &ThemeFacts, items: &Items) -> Result<(), Refusal> {
    let mut found =
        Found(Refusal::invalid("THEME_INVALID", "主题尚不符合发布条件", "the theme cannot be published as it is"));
    if facts.basis.trim().is_empty() {
        found.add("basis", "BASIS_MISSING", "没有注明依据", "cites no basis");
    } else if !cites(&facts.basis) {
        found.add("basis", "BASIS_NOT_CITED", "依据应写明《文件名》或者文号", "cites neither a name nor a number");
    }
    found.codes("questions", facts.questions.iter().map(|question| question.code.as_str()));
    found.codes("members", facts.members.iter().map(|member| member.code.as_str()));
    for (place, question) in facts.questions.iter().enumerate() {
        found.condition(format!("questions[{place}].when"), &question.when);
        let chosen = matches!(question.kind, AnswerKind::One | AnswerKind::Many);
        if chosen == question.choices.is_empty() {
            let (zh, en) = ("选择题应有选项，其他题不应有", "a choice has choices, and nothing else has");
            found.add(format!("questions[{place}].choices"), "CHOICES_MISSING", zh, en);
        }
        found.codes(&format!("questions[{place}].choices"), question.choices.iter().map(|choice| choice.code.as_str()));
    }
    for (place, member) in facts.members.iter().enumerate() {
        check_member(&mut found, facts, place, member, items);
    }
    if order(&facts.members).is_none() {
        found.add("members", "ORDER_CIRCULAR", "成员的前置关系成环", "the members wait for one another");
    } else {
        check_examples(&mut found, facts);
        check_chain(&mut found, facts);
    }
    if found.0.fields.is_empty() { Ok(()) } else { Err(found.0) }
}

fn check_member(found: &mut Found, facts: &ThemeFacts, place: usize, member: &Member, items: &Items) {
    let at = |field: &str| format!("members[{place}].{field}");
    found.condition(at("when"), &member.when);
    let unknown = |code: &&str| *code == member.code || !facts.members.iter().any(|other| other.code == **code);
    if member.before().iter().any(unknown) {
        let (zh, en) = ("没有这个成员，或者就是它自己", "no such member, or itself");
        found.add(at("after"), "CODE_UNKNOWN", zh, en);
    }
    let item = items.get(&member.item);
    let fits = match (member.item.is_empty(), item) {
        (true, _) => !member.partner.is_empty() && !member.name.is_empty(),
        (false, Some(item)) => {
            member.partner.is_empty() && matches!(item.standing, Standing::InForce | Standing::Announced)
        }
        (false, None) => false,
    };
    if !fits {
        let (zh, en) = (
            "成员应为在用的事项，或者写明合作单位和办理内容的环节",
            "a member is an item in force, or a partner's step with its name",
        );
        found.add(at("item_code"), "MEMBER_UNFIT", zh, en);
    }
    if item.is_some_and(|item| !is_merged_whole(&item.facts.form_schema)) {
        let (zh, en) = (
            "该事项的表单用了引用或者条件，一表申请无法合并",
            "its form refers to definitions or has conditions, which the one form cannot hold",
        );
        found.add(at("item_code"), "FORM_UNFIT", zh, en);
    }
    for (index, input) in member.inputs.iter().enumerate() {
        let schema: Value =
            item.and_then(|item| serde_json::from_str(&item.facts.form_schema).ok()).unwrap_or_default();
        let material =
            input.material.is_empty() || item.is_some_and(|item| item.facts.material(&input.material).is_some());
        let field = input.field.is_empty() || schema["properties"].get(&input.field).is_some();
        if !material || !field || (input.material.is_empty() && input.field.is_empty()) {
            let (zh, en) = ("该事项没有这项材料或者这个栏目", "the item has no such material, or field");
            found.add(at(&format!("inputs[{index}]")), "CODE_UNKNOWN", zh, en);
        }
    }
}

/// Whether a form is its fields and which of them must be there: what else a schema says of a whole object would be lost in the one form.
fn is_merged_whole(form: &str) -> bool {
    const BEYOND: [&str; 13] = [
        "$defs",
        "definitions",
        "if",
        "then",
        "else",
        "allOf",
        "anyOf",
        "oneOf",
        "not",
        "dependentRequired",
        "dependentSchemas",
        "dependencies",
        "patternProperties",
    ];
    let schema: Value = serde_json::from_str(form).unwrap_or_default();
    !form.contains("\"$ref\"") && BEYOND.iter().all(|word| schema.get(word).is_none())
}

/// 一链: the members follow one another, each the end of a stage or the beginning of the next, and what comes of a stage is handed out
/// with it, since the next one needs it.
fn check_chain(found: &mut Found, facts: &ThemeFacts) {
    if facts.kind != Kind::Chain {
        return;
    }
    if facts.hand_out != HandOut::Each {
        let (zh, en) = ("一链的各环节应分别出件", "what comes of a stage is handed out with it");
        found.add("hand_out", "HAND_OUT_UNFIT", zh, en);
    }
    for (place, example) in facts.examples.iter().enumerate() {
        let answers: Value = serde_json::from_str(&example.answers).unwrap_or_default();
        let chosen = members(facts, &answers);
        let codes: BTreeSet<&str> = chosen.iter().map(|member| member.code.as_str()).collect();
        let before: BTreeMap<&str, BTreeSet<&str>> = chosen
            .iter()
            .map(|member| (member.code.as_str(), member.before().intersection(&codes).copied().collect()))
            .collect();
        let followed: BTreeSet<&str> = before.values().flatten().copied().collect();
        let alone = |code: &&str| before[*code].is_empty() && !followed.contains(*code);
        if let Some(code) = codes.iter().find(|code| alone(code)) {
            let zh = format!("“{code}”与其他环节不相衔接，一链的各环节应前后相接");
            found.add(
                format!("examples[{place}]"),
                "CHAIN_BROKEN",
                zh,
                "a member neither follows another nor is followed",
            );
        }
    }
}

fn check_examples(found: &mut Found, facts: &ThemeFacts) {
    if facts.examples.is_empty() {
        found.add("examples", "EXAMPLE_MISSING", "至少有一个样例", "one example at least");
    }
    for (place, example) in facts.examples.iter().enumerate() {
        let answers: Value = serde_json::from_str(&example.answers).unwrap_or_default();
        let got: BTreeSet<&str> = members(facts, &answers).into_iter().map(|member| member.code.as_str()).collect();
        let expected: BTreeSet<&str> = example.members.iter().map(String::as_str).collect();
        if !answers.is_object() || got != expected {
            let zh = format!("样例的结果为“{}”，与所写不符", got.into_iter().collect::<Vec<_>>().join("、"));
            found.add(format!("examples[{place}]"), "EXAMPLE_FAILS", zh, "does not come out as it says");
        }
    }
}
