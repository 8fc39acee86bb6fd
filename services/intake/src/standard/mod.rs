//! 一元化受理标准: per item and scenario what is looked at before acceptance. The clerk's screen and the online form both come from
//! it; it is part of the item's version.

pub mod cel;
pub mod check;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use yiwang_standards::identity::DocumentKind;

use self::cel::{About, asked, holds};
use crate::application::Application;
use crate::catalogue::ItemFacts;
use crate::catalogue::facts::{Material, MaterialSource, Necessity};
use crate::form;

/// 受理要点.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Code, unique within the item.
    pub code: String,
    /// What must be so.
    pub text: String,
    /// The rule that asks for it.
    pub basis: String,
    /// When it is looked at (CEL); empty: always.
    pub needed: String,
    /// What must be true (CEL); empty: a clerk looks.
    pub rule: String,
    /// The material that it is about.
    pub material: String,
}

/// What a scenario does with something, tried at publication.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// Its name.
    pub name: String,
    /// What is filled in, JSON.
    pub form: String,
    /// `person`, `company` or empty.
    pub applicant: String,
    /// Codes of the materials handed in.
    pub materials: Vec<String>,
    /// Whether the scenario is this one's.
    pub applies: bool,
    /// Codes of the checks that are not met.
    pub failing: Vec<String>,
}

/// 情形.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scenario {
    /// Code, unique within the item.
    pub code: String,
    /// Its name.
    pub name: String,
    /// When it is this one (CEL); empty: always.
    pub when: String,
    /// What is looked at.
    pub checks: Vec<Check>,
    /// Examples.
    pub examples: Vec<Example>,
}

/// How a check stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Met.
    Met,
    /// Not met.
    Failed,
    /// A clerk looks, and has not yet.
    ByHand,
}

fn always_or(expression: &str, about: &About<'_>) -> bool {
    expression.trim().is_empty() || holds(expression, about)
}

impl Scenario {
    /// Whether it is this one.
    pub fn applies(&self, about: &About<'_>) -> bool {
        always_or(&self.when, about)
    }

    /// The checks that are looked at, and how those stand that need no eye.
    pub fn looked_at<'a>(&'a self, about: &About<'_>) -> Vec<(&'a Check, State)> {
        let state = |check: &Check| match check.rule.trim() {
            "" => State::ByHand,
            rule if holds(rule, about) => State::Met,
            _ => State::Failed,
        };
        let needed = self.checks.iter().filter(|check| always_or(&check.needed, about));
        needed.map(|check| (check, state(check))).collect()
    }
}

/// What an application says of itself, as conditions see it.
pub struct Said {
    form: Value,
    applicant: &'static str,
    materials: Vec<String>,
    /// Materials that could not be fetched, or wrongly.
    brings: Vec<String>,
    /// Fields of the form whose source says otherwise, or is said to be wrong.
    doubtful: Vec<String>,
}

impl Said {
    /// By an application: its form, the kind of its applicant, the codes of its files.
    pub fn by(app: &Application) -> Self {
        let text = app.form.as_ref().and_then(yiwang_ledger::Personal::get);
        let kind = app.applicant.as_ref().and_then(|party| party.kind);
        let applicant = match kind {
            None => "",
            Some(DocumentKind::Uscc) => "company",
            Some(_) => "person",
        };
        let mut materials: Vec<String> = app.attachments.iter().map(|file| file.material.clone()).collect();
        materials.retain(|code| !code.is_empty());
        materials.sort();
        materials.dedup();
        let form = text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let brings = app.fetched.keys().filter(|code| app.brings(code)).cloned().collect();
        Said { form, applicant, materials, brings, doubtful: form::doubtful(app) }
    }

    /// By what somebody is about to fill in.
    pub fn of(form: Value, applicant: &'static str, materials: Vec<String>) -> Self {
        Said { form, applicant, materials, brings: Vec::new(), doubtful: Vec::new() }
    }

    /// As conditions see it.
    pub fn about(&self) -> About<'_> {
        About { form: &self.form, applicant: self.applicant, materials: &self.materials }
    }

    /// Whether a material is there.
    pub fn has(&self, code: &str) -> bool {
        self.materials.iter().any(|own| own == code)
    }
}

/// The materials that are to be handed in: those that are required, and those whose condition holds. What is made from the form,
/// or obtainable by sharing, is nobody's to bring, unless it was asked for and could not be had.
pub fn materials<'a>(facts: &'a ItemFacts, said: &Said) -> Vec<&'a Material> {
    let about = said.about();
    let asked = |material: &&Material| match material.necessity {
        Necessity::Required | Necessity::Deferrable => true,
        Necessity::Optional => !material.needed_when.is_empty() && holds(&material.needed_when, &about),
    };
    let brought = |material: &&Material| {
        !material.online_form && (material.source != MaterialSource::Government || said.brings.contains(&material.code))
    };
    facts.materials.iter().filter(brought).filter(asked).collect()
}

/// Codes of the 审查环节 that the form does not ask for; where it cannot be found out, it is examined.
pub fn skipped_steps(facts: &ItemFacts, said: &Said) -> Vec<String> {
    let about = said.about();
    let steps = facts.details.handling.review_steps.iter().filter(|step| !step.when.trim().is_empty());
    steps.filter(|step| asked(&step.when, &about) == Some(false)).map(|step| step.code.clone()).collect()
}

/// Codes of the checks of originals begin so.
pub const ORIGINAL: &str = "original.";

/// 核验原件: the check that the original of a material agrees with what was handed in.
fn original(material: &Material) -> Check {
    Check {
        code: format!("{ORIGINAL}{}", material.code),
        text: format!("核验原件：{}", material.name),
        basis: material.basis.clone(),
        material: material.code.clone(),
        ..Check::default()
    }
}

/// Codes of the checks of fields whose source says otherwise begin so.
pub const SOURCED: &str = "sourced.";

/// 核实数据异议: what the form says otherwise than its source is right.
fn sourced(facts: &ItemFacts, field: &str) -> Check {
    Check {
        code: format!("{SOURCED}{field}"),
        text: format!("核实：申请表“{}”与来源数据不一致或者申请人有异议", form::title(facts, field)),
        basis: "《优化营商环境条例》第三十七条".to_owned(),
        ..Check::default()
    }
}

/// Every check that is looked at, with the code of its scenario, those of originals after the scenarios'; how those stand that
/// need an eye is said by `seen`.
pub fn checks(facts: &ItemFacts, said: &Said, seen: impl Fn(&str) -> Option<bool>) -> Vec<(String, Check, State)> {
    let about = said.about();
    let mut all = Vec::new();
    for scenario in facts.scenarios.iter().filter(|scenario| scenario.applies(&about)) {
        let looked_at = scenario.looked_at(&about).into_iter();
        all.extend(looked_at.map(|(check, state)| (scenario.code.clone(), check.clone(), state)));
    }
    let originals = facts.materials.iter().filter(|material| material.verify_original && said.has(&material.code));
    all.extend(originals.map(|material| (String::new(), original(material), State::ByHand)));
    all.extend(said.doubtful.iter().map(|field| (String::new(), sourced(facts, field), State::ByHand)));
    for (_, check, state) in &mut all {
        *state = match (*state, seen(&check.code)) {
            (State::ByHand, Some(true)) => State::Met,
            (State::ByHand, Some(false)) => State::Failed,
            (state, _) => state,
        };
    }
    all
}
