//! 决定, what follows from a decision, and what came of it.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_ledger::{Personal, Timestamp};

use super::{Due, Officer};

/// 决定 (行政许可法 art. 38: in writing; a refusal gives reasons and remedies).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// 文书编号; empty until the register has issued it.
    #[serde(default)]
    pub document_number: String,
    /// The approver; who accepted, or `system`, where it is done on the spot.
    pub by: Officer,
    /// When.
    pub at: Timestamp,
    /// The day of it.
    pub on: NaiveDate,
    /// Granted or refused.
    pub outcome: Outcome,
    /// 颁发、送达 by this day (art. 44), for type 01.
    pub delivery: Option<Due>,
    /// 告知承诺: the later check.
    pub follow_up: Option<FollowUp>,
}

/// Granted or refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// 准予, 予以备案, 予以确认 …
    Granted {
        /// Remark of the approver.
        reasons: Option<Personal>,
    },
    /// 不予.
    Refused {
        /// 理由.
        reasons: Personal,
        /// 救济途径, both, in full sentences.
        remedies: Remedies,
    },
}

/// 救济途径 (行政许可法 art. 38; 行政复议法 2023 art. 20; 行政诉讼法 art. 46).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remedies {
    /// In Chinese, as it stands in the decision.
    pub zh: String,
    /// In English.
    pub en: String,
}

/// 告知承诺 later check: one task with its own due date.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FollowUp {
    /// Where it stands.
    pub phase: FollowUpPhase,
    /// What was found so far.
    pub checks: Vec<Check>,
}

/// Where the later check stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FollowUpPhase {
    /// To be done by then.
    Pending {
        /// By then.
        due: Due,
    },
    /// 符合承诺.
    Passed,
    /// 限期整改: to be put right, and checked again, by then.
    Rectifying {
        /// By then.
        due: Due,
    },
    /// 虚假承诺, or not put right: the grant is to be annulled (撤销, 行政许可法 art. 69), which is an act of its own.
    ToBeAnnulled,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// The officer.
    pub by: Officer,
    /// When.
    pub at: Timestamp,
    /// What came of it.
    #[serde(rename = "finding")]
    pub outcome: CheckOutcome,
    /// The findings in words.
    pub findings: Personal,
}

/// What a later check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CheckOutcome {
    /// 符合承诺.
    Passed,
    /// 不符合承诺, 限期整改.
    Rectify,
    /// 虚假承诺.
    FalsePromise,
}

impl FollowUp {
    /// The day that runs, if one does.
    pub fn due(&self) -> Option<&Due> {
        match &self.phase {
            FollowUpPhase::Pending { due } | FollowUpPhase::Rectifying { due } => Some(due),
            FollowUpPhase::Passed | FollowUpPhase::ToBeAnnulled => None,
        }
    }

    /// Puts a recomputed date in its place.
    pub fn set_due(&mut self, new: Due) {
        if let FollowUpPhase::Pending { due } | FollowUpPhase::Rectifying { due } = &mut self.phase {
            *due = new;
        }
    }
}

/// What came of a grant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum CaseResult {
    /// Nothing yet, or nothing to come.
    #[default]
    None,
    /// 电子证照.
    License {
        /// Its id in the licence service.
        id: String,
        /// Its identifier, GB/T 36904.
        identifier: String,
        /// 证照编号.
        number: String,
        /// When it came.
        at: Timestamp,
    },
    /// The licence service would not issue one; somebody must look.
    LicenseRefused {
        /// Its reason, in capitals.
        reason: String,
        /// In Chinese.
        zh: String,
        /// In English.
        en: String,
        /// When it came.
        at: Timestamp,
    },
}
