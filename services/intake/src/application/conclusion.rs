//! 办结: how the case of an accepted application ended, as approval tells it. The phase stays accepted: what intake did is done.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_ledger::Timestamp;

use crate::catalogue::facts::ResultKind;

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conclusion {
    /// 准予 (or recorded, confirmed, served, by the item's type); otherwise 不予.
    pub granted: bool,
    /// 决定之日.
    pub on: NaiveDate,
    /// Id of the case.
    pub case: String,
    /// 决定书编号; empty until its register has issued it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub document: String,
    /// What came of a grant; none until it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<IssuedResult>,
}

/// 办理中的告知: what the applicant is told in writing while the case goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseNotice {
    /// 文书编号, in the approval service.
    pub document: String,
    /// What it says, in a sentence without personal data.
    pub zh: String,
    /// The same in English.
    pub en: String,
    /// When it came.
    #[serde(default)]
    pub at: Timestamp,
}

/// 办理结果: what is handed out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedResult {
    /// What it is.
    pub kind: ResultKind,
    /// Its name.
    pub name: String,
    /// 证照编号, 回执编号 or 文书编号.
    pub number: String,
    /// Id of the licence; empty for anything else.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub license: String,
}
