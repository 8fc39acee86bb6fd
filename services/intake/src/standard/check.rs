//! What an acceptance standard must be before it is published: every expression compiles within its bounds, every check cites
//! its rule, and every example comes out as it says.

use std::collections::BTreeSet;

use super::cel::{About, MOST, Wrong, compile};
use super::{Example, Scenario, State};
use crate::catalogue::ItemFacts;
use crate::drafting::check::Found;

/// All that stands in the way.
pub fn check(found: &mut Found, facts: &ItemFacts) {
    for (place, material) in facts.materials.iter().enumerate() {
        expression(found, format!("materials[{place}].needed_when"), &material.needed_when);
    }
    let (mut codes, mut checks) = (BTreeSet::new(), BTreeSet::new());
    for (place, scenario) in facts.scenarios.iter().enumerate() {
        let at = |field: &str| format!("scenarios[{place}].{field}");
        let mut repeated = |fresh: bool, field: String| {
            if !fresh {
                found.add(field, "CHECK_CODE", "代码重复", "the code stands twice");
            }
        };
        repeated(codes.insert(&scenario.code), at("code"));
        for (index, check) in scenario.checks.iter().enumerate() {
            repeated(checks.insert(&check.code), at(&format!("checks[{index}].code")));
        }
        expression(found, at("when"), &scenario.when);
        for (index, check) in scenario.checks.iter().enumerate() {
            let at = |field: &str| at(&format!("checks[{index}].{field}"));
            found.basis(at("basis"), &check.basis, "该受理要点");
            expression(found, at("needed"), &check.needed);
            expression(found, at("rule"), &check.rule);
            if !check.material.is_empty() && facts.material(&check.material).is_none() {
                let (zh, en) = ("材料清单中没有这项材料", "the list of materials has no such material");
                found.add(at("material_code"), "MATERIAL_UNKNOWN", zh, en);
            }
        }
        if scenario.checks.is_empty() || scenario.examples.is_empty() {
            let (zh, en) = ("每种情形至少有一个要点、一个样例", "a scenario has a check and an example at least");
            found.add(at("examples"), "EXAMPLE_MISSING", zh, en);
        }
        for (index, example) in scenario.examples.iter().enumerate() {
            if let Err(wrong) = tried(scenario, example) {
                let zh = format!("样例“{}”的结果与所写不符：{wrong}", example.name);
                found.add(at(&format!("examples[{index}]")), "EXAMPLE_FAILS", zh, "does not come out as it says");
            }
        }
    }
}

pub(crate) fn expression(found: &mut Found, field: String, text: &str) {
    if text.trim().is_empty() {
        return;
    }
    let Err(wrong) = compile(text) else { return };
    let (reason, zh, en) = match wrong {
        Wrong::Invalid => {
            ("EXPRESSION_INVALID", "条件表达式（CEL）无法编译，或者用了未定义的名称".to_owned(), "does not compile")
        }
        Wrong::TooLong => ("EXPRESSION_TOO_LONG", format!("条件表达式至多{MOST}个字符"), "is too long"),
        Wrong::TooDeep => ("EXPRESSION_TOO_DEEP", "条件表达式嵌套过深，或者循环中又有循环".to_owned(), "is too deep"),
    };
    found.add(field, reason, zh, en);
}

/// Tries an example; what came out otherwise.
fn tried(scenario: &Scenario, example: &Example) -> Result<(), String> {
    let form = match example.form.trim() {
        "" => serde_json::json!({}),
        text => serde_json::from_str(text).map_err(|_| "填写内容不是 JSON".to_owned())?,
    };
    let about = About { form: &form, applicant: &example.applicant, materials: &example.materials };
    if scenario.applies(&about) != example.applies {
        return Err(if example.applies { "不属于该情形" } else { "属于该情形" }.to_owned());
    }
    if !example.applies {
        return Ok(());
    }
    let failing = scenario.looked_at(&about).into_iter().filter(|(_, state)| *state == State::Failed);
    let failing: BTreeSet<&str> = failing.map(|(check, _)| check.code.as_str()).collect();
    let expected: BTreeSet<&str> = example.failing.iter().map(String::as_str).collect();
    if failing == expected {
        return Ok(());
    }
    Err(format!("不符合的要点为“{}”", failing.into_iter().collect::<Vec<_>>().join("、")))
}
