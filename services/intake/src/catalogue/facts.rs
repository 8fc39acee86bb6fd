//! What is known of a service item (政务服务事项): the elements of its guide, as GB/T 39046 table 4 names them.

use serde::{Deserialize, Serialize};
use yiwang_standards::codes::CaseKind;

use super::details::Details;
use crate::directory::Level;
use crate::limit::Limit;
use crate::standard::Scenario;

/// 材料类型.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaterialKind {
    /// 证件证书证明.
    Certificate,
    /// 申请表格文书.
    Form,
    /// 其他.
    #[default]
    Other,
}

/// 来源渠道.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaterialSource {
    /// 申请人自备.
    #[default]
    Applicant,
    /// 政府部门核发: obtainable by sharing, must not be asked for (优化营商环境条例 art. 37).
    Government,
    /// 其他.
    Other,
}

/// 必要性.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Necessity {
    /// 必要.
    #[default]
    Required,
    /// 非必要.
    Optional,
    /// 容缺后补: may follow after acceptance.
    Deferrable,
}

/// 申请材料: one material of the closed list (行政许可法 art. 31).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Material {
    /// Code, unique within the item.
    pub code: String,
    /// Name as printed.
    pub name: String,
    /// Kind.
    pub kind: MaterialKind,
    /// Who has it.
    pub source: MaterialSource,
    /// Who makes it out.
    #[serde(default)]
    pub issuer: String,
    /// Whether it must be there.
    pub necessity: Necessity,
    /// When an optional one is needed.
    #[serde(default)]
    pub condition: String,
    /// 原件份数.
    #[serde(default)]
    pub originals: u32,
    /// 复印件份数.
    #[serde(default)]
    pub copies: u32,
    /// The rule that asks for it.
    #[serde(default)]
    pub basis: String,
    /// What the applicant should know.
    #[serde(default)]
    pub note: String,
    /// The online form itself is this material: nothing to upload.
    #[serde(default)]
    pub online_form: bool,
    /// 空表.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub blank_form: String,
    /// 样表, 示范文本.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sample: String,
    /// 来源渠道说明.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source_note: String,
    /// When an optional one is needed, in CEL; empty where only `condition` says it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub needed_when: String,
    /// 免提交: where it is fetched from; none where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetch: Option<Fetch>,
    /// 核验原件: the original is looked at before acceptance.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub verify_original: bool,
}

/// 受理条件: one condition, and the rule that sets it. What an older release wrote, or a source without rules, is the text alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Condition {
    /// The condition, in a sentence.
    pub text: String,
    /// The rule that sets it; empty where the source names none.
    pub basis: String,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Whole { text: String, basis: String },
}

impl From<Written> for Condition {
    fn from(written: Written) -> Self {
        match written {
            Written::Text(text) => Self { text, basis: String::new() },
            Written::Whole { text, basis } => Self { text, basis },
        }
    }
}

impl From<Condition> for Written {
    fn from(condition: Condition) -> Self {
        match condition {
            Condition { text, basis } if basis.is_empty() => Self::Text(text),
            Condition { text, basis } => Self::Whole { text, basis },
        }
    }
}

/// What comes out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultKind {
    /// 证照: an electronic licence is issued.
    License,
    /// 备案回执: a receipt; no licence.
    Receipt,
    /// 批文或证明.
    #[default]
    Document,
}

/// 办理结果.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Kind.
    pub kind: ResultKind,
    /// Name.
    pub name: String,
    /// 证照类型代码 (GB/T 36904), 21 characters; only for a licence.
    #[serde(default)]
    pub license_type_code: String,
    /// 有效期 in months; 0 for none.
    #[serde(default)]
    pub validity_months: u32,
    /// The rule that sets the validity.
    #[serde(default)]
    pub validity_basis: String,
    /// Fields of the form that the licence repeats.
    #[serde(default)]
    pub license_fields: Vec<String>,
    /// The type code or the validity was not checked against a source.
    #[serde(default)]
    pub unverified: bool,
}

/// 告知承诺 as an item offers it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromiseTerms {
    /// The text that is promised.
    pub text: String,
    /// The legal limit for those who sign, instead of the item's.
    pub legal_limit: Limit,
    /// When the later check is due, from the decision.
    pub follow_up_limit: Limit,
}

/// 免提交: where a material is fetched from (优化营商环境条例 art. 37).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fetch {
    /// The licence service has it: 证照类型代码, 21 characters.
    License(String),
    /// A department has it: the name of its data.
    Department(String),
}

/// An item's elements. Everything that an import may change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemFacts {
    /// 实施编码: opaque.
    pub code: String,
    /// 事项名称.
    pub name: String,
    /// 主项名称.
    pub main_item: String,
    /// 实施主体.
    pub department: String,
    /// 实施主体编码 of the organ that answers for it (see `source::organ_codes`).
    pub department_code: String,
    /// 行政区划.
    pub region: String,
    /// 事项类型, code of GB/T 39046 A.1.
    pub item_type: u16,
    /// 办件类型.
    pub case_kind: CaseKind,
    /// 法定办结时限.
    pub legal_limit: Limit,
    /// 承诺办结时限.
    pub promised_limit: Limit,
    /// 设定依据, one text each.
    pub bases: Vec<String>,
    /// 受理条件.
    pub conditions: Vec<Condition>,
    /// 申请材料.
    pub materials: Vec<Material>,
    /// 到现场次数.
    pub visits: u32,
    /// 办理结果.
    pub result: Outcome,
    /// 告知承诺; none where not offered.
    pub promise: Option<PromiseTerms>,
    /// JSON Schema 2020-12 of the form, as text.
    pub form_schema: String,
    /// 救济途径.
    pub remedies: String,
    /// Elements that are defaults of the item's type.
    pub defaults: Vec<String>,
    /// Name of the rule set.
    pub rules: String,
    /// 办事指南 in sentences; joins `conditions` where shown.
    #[serde(default)]
    pub guide: String,
    /// 基本编码 of the basic item that it was claimed from; empty where it was imported.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub basic: String,
    /// 办理流程, the directory's; empty where it was imported.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub process: Vec<String>,
    /// The rest of GB/T 39046 table 4.
    #[serde(default, skip_serializing_if = "Details::is_empty")]
    pub details: Details,
    /// 一元化受理标准.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scenarios: Vec<Scenario>,
}

impl ItemFacts {
    /// The material of a code.
    pub fn material(&self, code: &str) -> Option<&Material> {
        self.materials.iter().find(|material| material.code == code)
    }

    /// 行使层级: as the list says, or else that of its region.
    pub fn level(&self) -> Level {
        self.details.level.unwrap_or_else(|| Level::of_region(&self.region))
    }

    /// 容缺受理 is possible.
    pub fn deferrable(&self) -> bool {
        self.materials.iter().any(|material| material.necessity == Necessity::Deferrable)
    }
}
