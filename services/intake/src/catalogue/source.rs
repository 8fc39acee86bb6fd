//! The catalogue that is part of the product: 1,135 real items of 511602 (names, codes, departments), completed by defaults
//! of their type, five of them authored. An element that is a default says so (`ItemFacts::defaults`).

use std::collections::{BTreeMap, HashMap};

use anyhow::Context as _;
use serde::Deserialize;
use yiwang_standards::codes::CaseKind;
use yiwang_standards::item_code::ItemCode;
use yiwang_standards::uscc;

use super::facts::{ItemFacts, Material, Outcome, PromiseTerms};
use crate::limit::{Source, Limit};

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
    conditions: Vec<String>,
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
    conditions: Vec<String>,
    guide: String,
    basis: Vec<Basis>,
    promise: Option<PromiseTerms>,
    materials: Vec<Material>,
    result: Outcome,
    form: Form,
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
        // Without a promise of the organ the promised limit is the legal one, and says so.
        let promised_limit = Limit { source: Source::Default, unverified: true, ..of.legal_limit.clone() };
        let defaults =
            ["promised_limit", "conditions", "materials", "form_schema", "result", "visits", "charge", "rules"];
        let legal = (of.legal_limit.source == Source::Default).then_some("legal_limit");
        Some(ItemFacts {
            code: row.item_code.to_string(),
            name: row.name.clone(),
            main_item: row.main_item.clone(),
            department: row.department.clone(),
            department_code,
            region: row.region_code.clone(),
            item_type: row.item_type,
            case_kind: CaseKind::Promised,
            bases: match of.legal_limit.source {
                Source::Statute => vec![of.legal_limit.basis.clone()],
                _ => Vec::new(),
            },
            legal_limit: of.legal_limit.clone(),
            promised_limit,
            conditions: self.common.conditions.clone(),
            materials: self.common.materials.clone(),
            visits: self.common.visits,
            result: of.result.clone(),
            promise: None,
            form_schema: self.common.form_schema.trim().to_owned(),
            remedies: self.common.remedies.clone(),
            defaults: defaults.into_iter().chain(legal).map(str::to_owned).collect(),
            rules: of.rules.clone(),
            guide: String::new(),
        })
    }
}

fn author(facts: &mut ItemFacts, text: &Authored) {
    let basis = |basis: &Basis| {
        let doubt = if basis.unverified { "〔待核〕" } else { "" };
        format!("《{}》{}：{}{doubt}", basis.law, basis.article, basis.text)
    };
    facts.case_kind = text.case_kind;
    facts.legal_limit = text.legal_limit.clone();
    facts.promised_limit = text.promised_limit.clone();
    facts.bases = text.basis.iter().map(basis).collect();
    facts.conditions = text.conditions.clone();
    facts.materials = text.materials.clone();
    facts.result = text.result.clone();
    facts.promise = text.promise.clone();
    facts.form_schema = text.form.schema.trim().to_owned();
    facts.rules = text.rules.clone();
    facts.guide = text.guide.clone();
    facts.defaults = ["visits", "charge"].map(str::to_owned).to_vec();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::facts::ResultKind;
    use crate::limit::Start;
    use crate::rules;

    fn item(prefix: &str) -> ItemFacts {
        let items = builtin().expect("data");
        items.into_iter().find(|item| item.code.starts_with(prefix)).expect("item")
    }

    #[test]
    fn the_real_catalogue_has_1135_items_of_34_departments() {
        let items = builtin().expect("data");
        let codes: std::collections::BTreeSet<_> = items.iter().map(|item| &item.code).collect();
        let departments: std::collections::BTreeSet<_> = items.iter().map(|item| &item.department).collect();
        assert_eq!((items.len(), codes.len(), departments.len()), (1135, 1135, 34));
    }

    #[test]
    fn the_types_are_counted_as_in_the_source() {
        let mut counts = BTreeMap::<u16, usize>::new();
        builtin().expect("data").iter().for_each(|item| *counts.entry(item.item_type).or_default() += 1);
        assert_eq!(counts, BTreeMap::from([(1, 536), (5, 9), (7, 50), (8, 2), (9, 8), (10, 182), (20, 348)]));
    }

    #[test]
    fn five_items_are_authored_and_all_others_say_what_is_a_default() {
        let items = builtin().expect("data");
        let authored = items.iter().filter(|item| !item.defaults.contains(&"materials".to_owned())).count();
        assert_eq!(authored, 5);
        assert!(items.iter().all(|item| item.defaults.contains(&"charge".to_owned())));
    }

    #[test]
    fn only_licensing_items_have_the_twenty_days_of_article_42_by_default() {
        for item in builtin().expect("data").iter().filter(|item| item.guide.is_empty()) {
            let article42 = item.legal_limit.basis.contains("行政许可法");
            assert_eq!(article42, item.item_type == 1, "{}", item.code);
            assert_eq!(item.legal_limit.unverified, item.item_type != 1, "{}", item.code);
        }
    }

    #[test]
    fn the_promise_of_the_hygiene_permit_is_shorter_than_the_law() {
        let item = item("511A0015500009");
        assert!(item.promised_limit.days < item.legal_limit.days);
        assert_eq!((item.rules.as_str(), item.result.kind), ("licensing", ResultKind::License));
    }

    #[test]
    fn a_filing_yields_a_receipt_on_the_spot() {
        let item = item("513A0102900001");
        assert_eq!(
            (item.result.kind, item.case_kind, item.legal_limit.days),
            (ResultKind::Receipt, CaseKind::Immediate, 0)
        );
        assert!(!rules::named(&item.rules).deemed_acceptance);
    }

    #[test]
    fn the_fire_check_offers_a_promise_and_ten_working_days_without_it() {
        let item = item("511A0021300001");
        let promise = item.promise.expect("promise");
        assert_eq!((promise.legal_limit.days, item.legal_limit.days), (0, 10));
        assert!(item.legal_limit.basis.contains("消防法") && !item.legal_limit.unverified);
    }

    #[test]
    fn only_the_unemployment_benefit_runs_from_receipt() {
        let items = builtin().expect("data");
        let from_receipt = |limit: &Limit| limit.start == Start::Receipt;
        let found: Vec<_> = items.iter().filter(|item| from_receipt(&item.legal_limit)).collect();
        assert_eq!(found.iter().map(|item| item.name.as_str()).collect::<Vec<_>>(), ["失业保险金申领"]);
        assert!(from_receipt(&found[0].promised_limit), "a promise is not later than the law");
    }

    #[test]
    fn every_form_is_a_json_schema_and_every_rule_set_exists() {
        for item in builtin().expect("data") {
            let schema = serde_json::from_str(&item.form_schema).expect("JSON");
            jsonschema::draft202012::new(&schema).expect("schema");
            assert_eq!(rules::named(&item.rules).name, item.rules);
        }
    }

    #[test]
    fn an_organ_has_one_code_and_a_valid_one_where_the_source_has_any() {
        let codes = organ_codes(&rows().expect("data"));
        assert_eq!(codes["区行政审批局"], "115113016823646795");
        assert_eq!(codes["区消防大队"], "11511300MB1A21304N");
        assert_eq!(codes["区人社局"], "11511301008778239R");
        assert_eq!(codes.values().filter(|code| !uscc::is_valid(code)).count(), 1, "{codes:?}");
    }
}
