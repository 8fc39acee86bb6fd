//! What a case is about: the item, the applicant, and what the application brought with it.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_ledger::{Personal, SubjectId};

use super::{Due, Limit, Listed, Officer, ReviewStep};

/// What the application brought with it, and the limits that follow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// 办件编号, issued at acceptance by the organ's register.
    pub number: String,
    /// The application's id in intake.
    pub application: String,
    /// The item, as it stood when the application was accepted.
    pub item: Item,
    /// Who applied.
    pub applicant: Applicant,
    /// Account that owns the application.
    pub owner: String,
    /// Keyed hash of that account's own document.
    pub owner_subject: Option<SubjectId>,
    /// Keyed hash of the agent's document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_subject: Option<SubjectId>,
    /// Who accepted; `system` where the law itself did (行政许可法 art. 32 ④).
    pub accepted_by: Officer,
    /// 收到申请之日, from which some limits run; none in the oldest entries, whose limits all run from acceptance.
    #[serde(default)]
    pub received_on: Option<NaiveDate>,
    /// 受理之日, from which the limits run that say no other day. The day of receipt where nobody acted in five working days.
    pub accepted_on: NaiveDate,
    /// 视为受理.
    pub deemed: bool,
    /// 告知承诺 was signed.
    pub promise_signed: bool,
    /// Codes of the required materials that were not there at acceptance. What is still owed: [`super::Case::outstanding`].
    #[serde(default)]
    pub outstanding: Vec<String>,
    /// Codes of the steps of the examination that the form does not ask for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<String>,
    /// The form as accepted, JSON text; the licence's data are taken from it.
    pub form: Option<Personal>,
    /// Place among the open cases: the legal due date, as it was at first or as a special procedure moved it, so that the earliest come
    /// first.
    pub sort: String,
    /// 承诺办结时限.
    pub promised: Due,
    /// 法定办结时限.
    pub legal: Due,
}

/// 事项: its terms at acceptance, which the case keeps however the item changes later.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// 实施编码, opaque.
    pub code: String,
    /// Version of the item.
    pub version: i64,
    /// 事项名称.
    pub name: String,
    /// 事项类型, GB/T 39046 A.1; 1 is 行政许可.
    pub item_type: i32,
    /// 办件类型, GB/T 39046 A.6; 1 is 即办件.
    pub case_kind: i32,
    /// The rule set that governs the case, as the catalogue names it.
    pub rules: String,
    /// 行政区划.
    pub region: String,
    /// 实施主体编码.
    pub organisation: String,
    /// 实施主体.
    pub organisation_name: String,
    /// 受委托机关, which handles the case in the organ's name (行政许可法 art. 24): code and name; empty where the organ does itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub trustee: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub trustee_name: String,
    /// What comes out of a grant.
    pub result: ResultKind,
    /// Name of what comes out.
    pub result_name: String,
    /// 证照类型代码 of the licence, 21 characters; empty where none comes out.
    pub license_type: String,
    /// How long a licence holds, in months; 0: without term.
    pub validity_months: u32,
    /// The rule that sets the validity.
    pub validity_basis: String,
    /// The form's fields that the licence repeats.
    pub license_fields: Vec<String>,
    /// 法定办结时限, as the catalogue has it.
    pub legal: Option<Limit>,
    /// 承诺办结时限.
    pub promised: Option<Limit>,
    /// 告知承诺 is possible.
    pub notify_promise: bool,
    /// 告知承诺: the limit of the later check.
    pub follow_up: Option<Limit>,
    /// 救济途径 in the item's own words.
    pub remedies: String,
    /// 独任审批: one officer accepts, reviews and decides.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sole_officer: bool,
    /// 特别程序 that the item's list names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub special: Vec<Listed>,
    /// 审查环节 that the item's list defines; none: one examination.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub review_steps: Vec<ReviewStep>,
}

impl Item {
    /// Code of the organ whose officers handle the case.
    pub fn handler(&self) -> &str {
        if self.trustee.is_empty() { &self.organisation } else { &self.trustee }
    }
}

/// What comes out of a grant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum ResultKind {
    /// 批文或证明: the written decision itself.
    #[default]
    Document,
    /// 电子证照.
    License,
    /// 备案回执: a receipt with a number.
    Receipt,
}

/// 申请人.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Applicant {
    /// Keyed hash of the person's or organisation's number.
    pub subject: SubjectId,
    /// 姓名或名称.
    pub name: Personal,
    /// 证件类型, the number of the contract's `DocumentKind`.
    pub document_kind: i32,
    /// 证件号码.
    pub document_number: Personal,
    /// 联系电话.
    pub phone: Option<Personal>,
    /// 地址.
    pub address: Option<Personal>,
}
