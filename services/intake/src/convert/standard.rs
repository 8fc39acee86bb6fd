//! Acceptance standards and checklists, as the contracts bring and show them.

use yiwang_ledger::Refusal;
use yiwang_proto::catalogue::v1 as pb;

use super::ask::{self, few};
use crate::application::{Application, MAX_FORM_BYTES};
use crate::catalogue::ItemFacts;
use crate::catalogue::facts::Necessity;
use crate::standard::{self, Check, Example, Said, Scenario, State};

const WRONG: &str = "FIELD_INVALID";

/// The scenarios of an item.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
pub fn scenarios(all: &[pb::AcceptanceScenario]) -> Result<Vec<Scenario>, Refusal> {
    few("scenarios", all, 20)?;
    all.iter().enumerate().map(|(place, one)| scenario(&format!("scenarios[{place}]"), one)).collect()
}

fn scenario(at: &str, message: &pb::AcceptanceScenario) -> Result<Scenario, Refusal> {
    let text = |field: &str, value: &str, least, most| ask::text(&format!("{at}.{field}"), value, least, most, WRONG);
    few(&format!("{at}.checks"), &message.checks, 50)?;
    few(&format!("{at}.examples"), &message.examples, 20)?;
    let check = |(place, check): (usize, &pb::AcceptanceCheck)| {
        let part =
            |field: &str, value: &str, least, most| text(&format!("checks[{place}].{field}"), value, least, most);
        Ok(Check {
            code: part("code", &check.code, 1, 40)?,
            text: part("text", &check.text, 1, 300)?,
            basis: part("basis", &check.basis, 0, 500)?,
            // how long an expression may be is said when it is compiled
            needed: part("needed", &check.needed, 0, 5000)?,
            rule: part("rule", &check.rule, 0, 5000)?,
            material: part("material_code", &check.material_code, 0, 40)?,
        })
    };
    let example = |(place, example): (usize, &pb::AcceptanceExample)| {
        let part =
            |field: &str, value: &str, least, most| text(&format!("examples[{place}].{field}"), value, least, most);
        few(&format!("{at}.examples[{place}].materials"), &example.materials, 100)?;
        few(&format!("{at}.examples[{place}].failing"), &example.failing, 100)?;
        Ok(Example {
            name: part("name", &example.name, 1, 100)?,
            form: part("form", &example.form, 0, 5000)?,
            applicant: applicant(&format!("{at}.examples[{place}].applicant"), &example.applicant)?.to_owned(),
            materials: example.materials.clone(),
            applies: example.applies,
            failing: example.failing.clone(),
        })
    };
    Ok(Scenario {
        code: text("code", &message.code, 1, 40)?,
        name: text("name", &message.name, 1, 100)?,
        when: text("when", &message.when, 0, 5000)?,
        checks: message.checks.iter().enumerate().map(check).collect::<Result<_, Refusal>>()?,
        examples: message.examples.iter().enumerate().map(example).collect::<Result<_, Refusal>>()?,
    })
}

fn applicant(field: &str, text: &str) -> Result<&'static str, Refusal> {
    match text {
        "" => Ok(""),
        "person" => Ok("person"),
        "company" => Ok("company"),
        _ => Err(Refusal::field(field, WRONG, "应为 person、company 或者空", "is person, company or empty")),
    }
}

/// What somebody is about to hand in.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
pub fn preview(message: &pb::PreviewChecklistRequest) -> Result<Said, Refusal> {
    few("material_codes", &message.material_codes, 100)?;
    let form = message.form.as_ref().map(ask::form_value).transpose()?.unwrap_or_else(|| serde_json::json!({}));
    if form.to_string().len() > MAX_FORM_BYTES {
        let (zh, en) = (format!("表单内容过大，至多{MAX_FORM_BYTES}字节"), format!("at most {MAX_FORM_BYTES} bytes"));
        return Err(Refusal::field("form", "FORM_TOO_LARGE", zh, en));
    }
    Ok(Said::of(form, applicant("applicant", &message.applicant)?, message.material_codes.clone()))
}

/// The scenarios, shown.
pub fn shown(scenarios: &[Scenario]) -> Vec<pb::AcceptanceScenario> {
    let check = |check: &Check| pb::AcceptanceCheck {
        code: check.code.clone(),
        text: check.text.clone(),
        basis: check.basis.clone(),
        needed: check.needed.clone(),
        rule: check.rule.clone(),
        material_code: check.material.clone(),
    };
    let example = |example: &Example| pb::AcceptanceExample {
        name: example.name.clone(),
        form: example.form.clone(),
        applicant: example.applicant.clone(),
        materials: example.materials.clone(),
        applies: example.applies,
        failing: example.failing.clone(),
    };
    let scenario = |scenario: &Scenario| pb::AcceptanceScenario {
        code: scenario.code.clone(),
        name: scenario.name.clone(),
        when: scenario.when.clone(),
        checks: scenario.checks.iter().map(check).collect(),
        examples: scenario.examples.iter().map(example).collect(),
    };
    scenarios.iter().map(scenario).collect()
}

/// 受理清单 of an item for what is said; `app` has what clerks have looked at.
pub fn checklist(facts: &ItemFacts, said: &Said, app: Option<&Application>, office: bool) -> pb::Checklist {
    let looked = |code: &str| app.and_then(|app| app.looked.get(code));
    let checks = standard::checks(facts, said, |code| looked(code).map(|looked| looked.met));
    let mut codes: Vec<String> = checks.iter().map(|(scenario, ..)| scenario.clone()).collect();
    codes.retain(|code| !code.is_empty());
    codes.dedup();
    let entry = |(scenario, check, state): &(String, Check, State)| pb::ChecklistEntry {
        scenario_code: scenario.clone(),
        check_code: check.code.clone(),
        text: check.text.clone(),
        basis: check.basis.clone(),
        state: match state {
            State::Met => pb::CheckState::Met.into(),
            State::Failed => pb::CheckState::Failed.into(),
            State::ByHand => pb::CheckState::ByHand.into(),
        },
        material_code: check.material.clone(),
        checked_by: looked(&check.code).filter(|_| office).map(|looked| looked.by.name.clone()).unwrap_or_default(),
    };
    let materials: Vec<_> = standard::materials(facts, said)
        .into_iter()
        .map(|material| pb::ChecklistMaterial {
            material_code: material.code.clone(),
            name: material.name.clone(),
            present: said.has(&material.code),
            deferrable: material.necessity == Necessity::Deferrable,
        })
        .collect();
    pb::Checklist {
        scenario_codes: codes,
        complete: checks.iter().all(|(.., state)| *state == State::Met)
            && materials.iter().all(|material| material.present || material.deferrable),
        entries: checks.iter().map(entry).collect(),
        materials,
    }
}
