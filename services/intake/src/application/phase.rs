//! Where an application stands, with what belongs to each place.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_ledger::{Personal, Timestamp};

use super::Actor;
use crate::catalogue::handling::Consequence;
use crate::limit::Due;

/// Why an application was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ground {
    /// 行政许可法 art. 32 ①: no permission is needed.
    NoPermissionNeeded,
    /// 行政许可法 art. 32 ②: another organ is competent.
    NotOurAuthority,
    /// 逾期未补正, where the place's rule says so (滨州市并联审批规定 art. 10): by the law itself, never by a clerk.
    CorrectionLate,
}

/// 不受理告知 or 不予受理决定书.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// 文书编号.
    pub notice_number: String,
    /// Ground.
    pub ground: Ground,
    /// Why, in full sentences.
    pub reason: Personal,
    /// 有权受理的机关.
    pub competent_organ: String,
    /// 救济途径, as they were told; empty in records that are older than the field.
    #[serde(default)]
    pub remedies: String,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Actor,
}

/// 受理.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// 受理之日: for a deemed acceptance the day of receipt.
    pub date: NaiveDate,
    /// When the entry was made.
    pub at: Timestamp,
    /// By whom.
    pub by: Actor,
    /// 视为受理, by the law itself (行政许可法 art. 32 ④).
    pub deemed: bool,
    /// Materials that may still follow (容缺), or were missing when the law accepted.
    pub outstanding: Vec<String>,
    /// Withdrawal was asked for and approval has not answered yet.
    pub withdrawal_pending: bool,
    /// 容缺受理告知; none where nothing may follow, or where the papers were asked for once and not brought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deferral: Option<Deferred>,
}

/// 容缺受理告知: what may follow, told at acceptance, with its day and what comes of it otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deferred {
    /// 文书编号.
    pub notice_number: String,
    /// Codes of the materials.
    pub materials: Vec<String>,
    /// When they must have come.
    pub due: Due,
    /// What follows when they have not.
    pub consequence: Consequence,
    /// They did not come in time.
    pub late: bool,
}

/// Why it was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WithdrawalCause {
    /// The applicant wished it.
    Applicant,
    /// The correction did not come in time (视为撤回).
    CorrectionLate,
    /// 容缺: what was to follow did not come in time (视为撤回).
    DeferralLate,
    /// 并案: the matter goes on in another application.
    Joined,
}

/// Where an application stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Not begun.
    #[default]
    Absent,
    /// 草稿.
    Draft,
    /// 已提交.
    Submitted {
        /// The day on which all of it was received; the clock of art. 32 ④ runs from it.
        received: NaiveDate,
        /// When everything missing must have been told.
        due: Due,
        /// Codes of the materials that were not there.
        missing: Vec<String>,
        /// That limit passed and the rule set has no deemed acceptance: a matter for supervision.
        overdue: bool,
    },
    /// 待补正; the notice is the last of `corrections`.
    CorrectionRequested,
    /// 已受理.
    Accepted(Acceptance),
    /// 不受理、不予受理.
    Refused(Rejection),
    /// 已撤回.
    Withdrawn {
        /// When.
        at: Timestamp,
        /// Why.
        cause: WithdrawalCause,
    },
}

impl Phase {
    /// Its name, as tagged and shown.
    pub fn name(&self) -> &'static str {
        match self {
            Phase::Absent => "ABSENT",
            Phase::Draft => "DRAFT",
            Phase::Submitted { .. } => "SUBMITTED",
            Phase::CorrectionRequested => "CORRECTION_REQUESTED",
            Phase::Accepted(_) => "ACCEPTED",
            Phase::Refused(_) => "REFUSED",
            Phase::Withdrawn { .. } => "WITHDRAWN",
        }
    }

    /// Its name in Chinese.
    pub fn zh(&self) -> &'static str {
        match self {
            Phase::Absent => "不存在",
            Phase::Draft => "草稿",
            Phase::Submitted { .. } => "已提交待受理",
            Phase::CorrectionRequested => "待补正",
            Phase::Accepted(_) => "已受理",
            Phase::Refused(_) => "不予受理",
            Phase::Withdrawn { .. } => "已撤回",
        }
    }

    /// Nothing may happen any more.
    pub fn is_final(&self) -> bool {
        matches!(self, Phase::Refused(_) | Phase::Withdrawn { .. })
    }
}
