//! The catalogue that is part of the product: 1,135 real items of 511602 (names, codes, departments), completed by defaults
//! of their type, five of them authored. An element that is a default says so (`ItemFacts::defaults`).

use std::collections::{BTreeMap, HashMap};

use anyhow::Context as _;
use serde::Deserialize;
use yiwang_standards::codes::CaseKind;
use yiwang_standards::item_code::ItemCode;
use yiwang_standards::uscc;

use super::facts::{Condition, ItemFacts, Material, Outcome, PromiseTerms};
use super::handling::Repeat;
use crate::limit::{Limit, Source};

const ROWS: &str = include_str!("../../data/items-511602.csv");
const DEFAULTS: &str = include_str!("../../data/defaults.toml");
const AUTHORED: &[&str] = &[
    include_str!("../../data/authored/hygiene.toml"),
    include_str!("../../data/authored/small_food_shop.toml"),
    include_str!("../../data/authored/fire_check.toml"),
    include_str!("../../data/authored/charity.toml"),
    include_str!("../../data/authored/unemployment.toml"),
];

/// One row of a source.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Row {
    /// 实施主体.
    pub department: String,
    /// 主项名称.
    pub main_item: String,
    /// 事项名称.
    pub name: String,
    /// 实施编码.
    pub item_code: ItemCode,
    /// 行政区划.
    pub region_code: String,
    /// 实施主体编码 as the source has it.
    pub department_code: String,
    /// 事项类型, code of GB/T 39046 A.1.
    pub item_type: u16,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Common {
    conditions: Vec<Condition>,
    remedies: String,
    visits: u32,
    form_schema: String,
    materials: Vec<Material>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfType {
    item_type: u16,
    #[expect(dead_code, reason = "for the reader of the file")]
    name: String,
    rules: String,
    legal_limit: Limit,
    result: Outcome,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DefaultsFile {
    common: Common,
    r#type: Vec<OfType>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Basis {
    law: String,
    article: String,
    text: String,
    #[serde(default)]
    unverified: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    schema: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Authored {
    item_code: String,
    rules: String,
    case_kind: CaseKind,
    legal_limit: Limit,
    promised_limit: Limit,
    conditions: Vec<Condition>,
    guide: String,
    basis: Vec<Basis>,
    promise: Option<PromiseTerms>,
    materials: Vec<Material>,
    result: Outcome,
    form: Form,
    /// 双头受理: why it may be applied for several times at one time; empty where nobody says so.
    #[serde(default)]
    repeatable: String,
}

/// The defaults by item type, ready to complete rows.
pub struct Defaults {
    common: Common,
    types: HashMap<u16, OfType>,
}

impl Defaults {
    /// The defaults that ship with the product.
    pub fn load() -> anyhow::Result<Self> {
        let file: DefaultsFile = toml::from_str(DEFAULTS).context("data/defaults.toml")?;
        Ok(Self { common: file.common, types: file.r#type.into_iter().map(|of| (of.item_type, of)).collect() })
    }

    /// Completes a row by the defaults of its type; none where the type has none.
    pub fn complete(&self, row: &Row, department_code: String) -> Option<ItemFacts> {
        let of = self.types.get(&row.item_type)?;
        let mut facts = ItemFacts {
            code: row.item_code.to_string(),
            name: row.name.clone(),
            main_item: row.main_item.clone(),
            department: row.department.clone(),
            department_code,
            region: row.region_code.clone(),
            item_type: row.item_type,
            // no source has them, and they are the same for all (see convert::item)
            defaults: ["charge", "channels"].map(str::to_owned).to_vec(),
            ..ItemFacts::default()
        };
        // the general law of the type, where its limit was checked against one
        let bases = if of.legal_limit.unverified { Vec::new() } else { vec![of.legal_limit.basis.clone()] };
        // Without a promise of the organ the promised limit is the legal one, and says so.
        let promised_limit = Limit { source: Source::Default, unverified: true, ..of.legal_limit.clone() };
        let form_schema = self.common.form_schema.trim().to_owned();
        let marks = &mut facts.defaults;
        fill(marks, "case_kind", &mut facts.case_kind, CaseKind::Promised);
        fill(marks, "legal_limit", &mut facts.legal_limit, of.legal_limit.clone());
        fill(marks, "promised_limit", &mut facts.promised_limit, promised_limit);
        fill(marks, "bases", &mut facts.bases, bases);
        fill(marks, "conditions", &mut facts.conditions, self.common.conditions.clone());
        fill(marks, "materials", &mut facts.materials, self.common.materials.clone());
        fill(marks, "visits", &mut facts.visits, self.common.visits);
        fill(marks, "result", &mut facts.result, of.result.clone());
        fill(marks, "notify_promise", &mut facts.promise, None);
        fill(marks, "form_schema", &mut facts.form_schema, form_schema);
        fill(marks, "remedies", &mut facts.remedies, self.common.remedies.clone());
        fill(marks, "rules", &mut facts.rules, of.rules.clone());
        Some(facts)
    }
}

/// An element that the source has not: from the defaults, and marked as one.
fn fill<T>(marks: &mut Vec<String>, name: &str, element: &mut T, default: T) {
    *element = default;
    marks.push(name.to_owned());
}

/// An element that was authored: no default any more.
fn write<T>(marks: &mut Vec<String>, name: &str, element: &mut T, own: T) {
    *element = own;
    marks.retain(|mark| mark != name);
}

/// A limit that was authored, unless it says itself that it is a default.
fn write_limit(marks: &mut Vec<String>, name: &str, element: &mut Limit, own: &Limit) {
    match own.source {
        Source::Default => *element = own.clone(),
        _ => write(marks, name, element, own.clone()),
    }
}

fn author(facts: &mut ItemFacts, text: &Authored) {
    let basis = |basis: &Basis| {
        let doubt = if basis.unverified { "〔待核〕" } else { "" };
        format!("《{}》{}：{}{doubt}", basis.law, basis.article, basis.text)
    };
    let marks = &mut facts.defaults;
    write(marks, "case_kind", &mut facts.case_kind, text.case_kind);
    write_limit(marks, "legal_limit", &mut facts.legal_limit, &text.legal_limit);
    write_limit(marks, "promised_limit", &mut facts.promised_limit, &text.promised_limit);
    write(marks, "bases", &mut facts.bases, text.basis.iter().map(basis).collect());
    write(marks, "conditions", &mut facts.conditions, text.conditions.clone());
    write(marks, "materials", &mut facts.materials, text.materials.clone());
    write(marks, "result", &mut facts.result, text.result.clone());
    write(marks, "notify_promise", &mut facts.promise, text.promise.clone());
    write(marks, "form_schema", &mut facts.form_schema, text.form.schema.trim().to_owned());
    write(marks, "rules", &mut facts.rules, text.rules.clone());
    facts.guide.clone_from(&text.guide);
    if !text.repeatable.is_empty() {
        facts.details.handling.repeat = Repeat::Repeatable(text.repeatable.clone());
    }
}

/// The code of each department's organ. The source's own column fails GB 32100 for many, so the valid code that stands most
/// often in the department's item codes goes before it, an organ's own (11, 机关) before that of an institution below it (12,
/// 事业单位); where there is none, the column stays, upper-cased.
pub fn organ_codes(rows: &[Row]) -> BTreeMap<String, String> {
    let mut seen: BTreeMap<&str, BTreeMap<String, usize>> = BTreeMap::new();
    for row in rows {
        let counts = seen.entry(&row.department).or_default();
        for part in row.item_code.as_str().split('-').map(str::to_uppercase).filter(|part| uscc::is_valid(part)) {
            *counts.entry(part).or_default() += 1;
        }
    }
    let fallback = |department: &str| {
        let row = rows.iter().find(|row| row.department == department);
        row.map(|row| tolerated(&row.department_code)).unwrap_or_default()
    };
    seen.into_iter()
        .map(|(department, counts)| {
            // among equals the smaller code, so that the answer is one
            let rank = |(code, count): &(String, usize)| (code.starts_with("11"), *count);
            let best = counts.into_iter().max_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| b.0.cmp(&a.0)));
            (department.to_owned(), best.map_or_else(|| fallback(department), |(code, _)| code))
        })
        .collect()
}

/// A department's code as it is taken on import: upper-cased, blanks cut off, otherwise tolerated.
pub fn tolerated(code: &str) -> String {
    code.trim().to_uppercase()
}

/// The rows that ship with the product.
pub fn rows() -> anyhow::Result<Vec<Row>> {
    csv::Reader::from_reader(ROWS.as_bytes()).deserialize().collect::<Result<_, _>>().context("data/items-511602.csv")
}

/// The items that ship with the product.
pub fn builtin() -> anyhow::Result<Vec<ItemFacts>> {
    let (rows, defaults) = (rows()?, Defaults::load()?);
    let codes = organ_codes(&rows);
    let mut authored = HashMap::new();
    for text in AUTHORED {
        let item: Authored = toml::from_str(text).context("data/authored")?;
        authored.insert(item.item_code.clone(), item);
    }
    let mut items = Vec::with_capacity(rows.len());
    for row in &rows {
        let code = codes.get(&row.department).cloned().unwrap_or_else(|| tolerated(&row.department_code));
        let mut facts = defaults
            .complete(row, code)
            .with_context(|| format!("{}: no defaults for item type {}", row.item_code, row.item_type))?;
        if let Some(text) = authored.remove(row.item_code.as_str()) {
            author(&mut facts, &text);
        }
        items.push(facts);
    }
    anyhow::ensure!(authored.is_empty(), "authored, but not in the catalogue: {:?}", authored.keys());
    Ok(items)
}
