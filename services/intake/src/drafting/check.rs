//! What can be published: every material and condition cites its legal basis (行政许可法 arts. 16 and 31; 优化营商环境条例 art.
//! 35), no abolished proof is asked for (证明取消清单), the promise is not longer than the law, form and rule set are there.

use std::collections::BTreeSet;

use yiwang_ledger::Refusal;
use yiwang_standards::codes::CaseKind;

use super::details;
use crate::catalogue::ItemFacts;
use crate::catalogue::facts::{Material, ResultKind};
use crate::proofs::Abolished;
use crate::{form, rules, standard};

/// Whether a text cites a rule: a law or document by its name, 《…》, or by its number, 〔2018〕47号.
pub fn cites(basis: &str) -> bool {
    let between = |open: char, close: char| {
        basis
            .split_once(open)
            .and_then(|(_, rest)| rest.split_once(close))
            .is_some_and(|(name, _)| !name.trim().is_empty())
    };
    between('《', '》') || (between('〔', '〕') && basis.contains('号'))
}

/// All that stands in the way, at once.
///
/// # Errors
/// `ELEMENTS_INVALID`, each field at fault with its own reason.
pub fn publishable(facts: &ItemFacts, abolished: &[Abolished]) -> Result<(), Refusal> {
    let mut found = Found::default();
    found.bases(facts);
    found.materials(&facts.materials, abolished);
    found.by_the_way(facts, abolished);
    found.limits(facts);
    found.form(facts);
    found.rules(facts);
    details::check(&mut found, facts);
    standard::check::check(&mut found, facts);
    form::check(&mut found, facts);
    match found.0 {
        None => Ok(()),
        Some(refusal) => Err(refusal),
    }
}

/// What was found so far: one refusal with a field for each.
#[derive(Default)]
pub struct Found(Option<Refusal>);

impl Found {
    pub(crate) fn add(&mut self, field: impl Into<String>, reason: &'static str, zh: impl Into<String>, en: &str) {
        let none = || {
            let (zh, en) = ("实施清单尚不符合发布条件，请按提示修改", "the list cannot be published as it is");
            Refusal::invalid("ELEMENTS_INVALID", zh, en)
        };
        let refusal = self.0.take().unwrap_or_else(none);
        self.0 = Some(refusal.with_field(field, reason, zh, en));
    }

    pub(crate) fn basis(&mut self, field: String, basis: &str, what: &str) {
        if basis.trim().is_empty() {
            self.add(field, "BASIS_MISSING", format!("{what}没有注明法定依据，不得发布"), "cites no legal basis");
        } else if !cites(basis) {
            let zh = format!("{what}的依据应写明《文件名》或者文号，如《行政许可法》第四十二条");
            self.add(field, "BASIS_NOT_CITED", zh, "cites neither a law by its name nor a document by its number");
        }
    }

    fn bases(&mut self, facts: &ItemFacts) {
        if facts.bases.is_empty() {
            self.add("bases", "BASIS_MISSING", "没有设定依据", "the item stands on no statute");
        }
        for (place, basis) in facts.bases.iter().enumerate() {
            self.basis(format!("bases[{place}]"), basis, "设定依据");
        }
        for (place, condition) in facts.conditions.iter().enumerate() {
            self.basis(format!("conditions[{place}].basis"), &condition.basis, "该条件");
        }
        for (place, material) in facts.materials.iter().enumerate() {
            self.basis(format!("materials[{place}].basis"), &material.basis, "该材料");
        }
        self.basis("legal_limit.basis".to_owned(), &facts.legal_limit.basis, "法定办结时限");
        if facts.remedies.trim().is_empty() {
            self.add("remedies", "REMEDIES_MISSING", "没有写明救济途径", "how to object is not said");
        }
    }

    fn materials(&mut self, materials: &[Material], abolished: &[Abolished]) {
        let mut codes = BTreeSet::new();
        for (place, material) in materials.iter().enumerate() {
            if material.code.is_empty() || !codes.insert(&material.code) {
                let (zh, en) = ("材料代码缺少或重复", "the code is missing, or stands twice");
                self.add(format!("materials[{place}].code"), "MATERIAL_CODE", zh, en);
            }
            if let Some(proof) = abolished.iter().find(|proof| proof.is(material)) {
                let zh = format!("“{}”已列入证明取消清单（{}），不得要求提交", proof.name, proof.source);
                self.add(format!("materials[{place}].name"), "PROOF_ABOLISHED", zh, "this proof was abolished");
            }
        }
    }

    /// Nor is an abolished proof asked for by the way: in a condition, in a remark, or in what a clerk looks at.
    fn by_the_way(&mut self, facts: &ItemFacts, abolished: &[Abolished]) {
        let conditions =
            facts.conditions.iter().enumerate().map(|(at, one)| (format!("conditions[{at}].text"), &one.text));
        let notes = facts.materials.iter().enumerate().map(|(at, one)| (format!("materials[{at}].note"), &one.note));
        let checks = facts.scenarios.iter().enumerate().flat_map(|(at, scenario)| {
            let of = move |(index, check): (usize, _)| (format!("scenarios[{at}].checks[{index}].text"), check);
            scenario.checks.iter().map(|check| &check.text).enumerate().map(of)
        });
        for (field, text) in conditions.chain(notes).chain(checks) {
            if let Some(proof) = abolished.iter().find(|proof| proof.is_asked_in(text)) {
                let zh = format!("“{}”已列入证明取消清单（{}），不得要求提交", proof.name, proof.source);
                self.add(field, "PROOF_ABOLISHED", zh, "this proof was abolished");
            }
        }
    }

    fn limits(&mut self, facts: &ItemFacts) {
        let (legal, promised) = (&facts.legal_limit, &facts.promised_limit);
        if (legal.unit, legal.start) != (promised.unit, promised.start) {
            let (zh, en) = ("承诺时限应与法定时限同一单位、同一起算", "the promise is counted otherwise than the law");
            self.add("promised_limit.unit", "LIMIT_DIFFERS", zh, en);
        } else if promised.days > legal.days || (facts.case_kind == CaseKind::Immediate && promised.days > 0) {
            let (zh, en) =
                ("承诺时限不得长于法定时限；即办件当场办结", "the promise is longer than the law, or not on the spot");
            self.add("promised_limit.days", "LIMIT_TOO_LONG", zh, en);
        }
    }

    fn form(&mut self, facts: &ItemFacts) {
        let schema = serde_json::from_str(&facts.form_schema).ok();
        let compiled = schema.and_then(|schema| jsonschema::draft202012::new(&schema).ok());
        if compiled.is_none() {
            let (zh, en) = ("表单不是合法的 JSON Schema 2020-12", "the form is no JSON Schema 2020-12");
            self.add("form_schema", "FORM_SCHEMA_INVALID", zh, en);
        }
        let result = &facts.result;
        if result.kind == ResultKind::License && result.license_type_code.len() != 21 {
            let (zh, en) = ("证照类型代码应为21位 (GB/T 36904)", "a licence type code has 21 characters");
            self.add("result.license_type_code", "LICENSE_TYPE_CODE", zh, en);
        }
    }

    /// Arts. 30 to 57 of the licensing law bind type 01 alone.
    fn rules(&mut self, facts: &ItemFacts) {
        let known = rules::named(&facts.rules).name == facts.rules;
        let licensing = facts.rules.starts_with("licensing");
        if !known || licensing != (facts.item_type == 1) {
            let (zh, en) = ("办理规则与事项类型不符", "the rule set does not fit the item's type");
            self.add("rules", "RULES_UNFIT", zh, en);
        }
    }
}
