//! A case: its state, its phases, its events.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_documents::Kind;
use yiwang_ledger::{Personal, Timestamp};

use super::{
    Allowance, Asked, CaseResult, CheckOutcome, Decision, Due, Ended, FollowUpPhase, Holder, Near, Opened, Overdue,
    Procedure, Recommendation, Return, Review, Which,
};

/// 办件. See the folder's page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// What it was opened with; none before the first entry.
    pub facts: Option<Opened>,
    /// When it was opened here.
    pub opened_at: Timestamp,
    /// Where it stands.
    pub phase: Phase,
    /// 补交: codes of the materials that came after acceptance.
    #[serde(default)]
    pub arrived: Vec<String>,
    /// 审查: the opinions that were given, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reviews: Vec<Review>,
    /// 退回: how often, and to which step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub returns: Vec<Return>,
    /// 任务: in whose hands, by the codes of the tasks.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub holders: BTreeMap<String, Holder>,
    /// 特别程序, in the order in which they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub procedures: Vec<Procedure>,
    /// 决定.
    pub decision: Option<Decision>,
    /// 文书: numbers of the documents that were issued, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<String>,
    /// What came of a grant: a licence, a receipt.
    pub result: CaseResult,
    /// Limits that passed before the duty was done.
    pub overdue: Vec<Overdue>,
    /// Limits that came near before it was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub near: Vec<Near>,
    /// 办理进度: what happened, oldest first. Bounded: a case has few events.
    pub steps: Vec<StepTaken>,
}

/// One step of the progress; its words are made where it is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepTaken {
    /// Name of the event.
    pub kind: String,
    /// Which limit passed, where one did.
    #[serde(default)]
    pub limit: Option<Which>,
    /// Number of the special procedure that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub procedure: Option<u32>,
    /// Code of the step of the examination that it is about, where the item's list defines steps.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub step: String,
    /// The last days that it told of: the promise and the law's limit of a case that was opened, the end of a special procedure, the
    /// limit as it was extended. None of what an older release wrote.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<NaiveDate>,
    /// Who did it.
    pub by: Officer,
    /// When.
    pub at: Timestamp,
}

/// Who acts for the organ: decisions are signed, so an officer's name stands in the file. A citizen's name does not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Officer {
    /// Account.
    pub id: String,
    /// Name; empty for citizens.
    pub name: String,
    /// Role in which it was done.
    pub role: String,
    /// Code of the officer's organ.
    pub organisation: String,
}

impl Officer {
    /// The law itself, and the suite on its behalf.
    pub const SYSTEM: &'static str = "system";

    /// The actor `system`.
    pub fn system() -> Self {
        Self {
            id: Self::SYSTEM.to_owned(),
            name: "系统".to_owned(),
            role: Self::SYSTEM.to_owned(),
            organisation: String::new(),
        }
    }

    /// True where no human acted.
    pub fn is_system(&self) -> bool {
        self.id == Self::SYSTEM
    }
}

/// Where a case stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Phase {
    /// No such case.
    #[default]
    Absent,
    /// Accepted, waiting for the reviewer.
    #[serde(rename = "UnderReview")]
    Open,
    /// Reviewed, waiting for the approver.
    Reviewed,
    /// Granted or refused; the end of the case, though not of what follows from it.
    Decided,
    /// Withdrawn by the applicant before the decision.
    Withdrawn {
        /// When.
        at: Timestamp,
        /// By whom.
        by: Officer,
        /// Why, in the applicant's words.
        reason: Option<Personal>,
    },
}

/// What happens to a case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum Event {
    /// 受理 arrived from intake.
    Opened(Box<Opened>),
    /// 补交: a required material that was not there at acceptance has come.
    MaterialRecorded {
        /// Its code.
        code: String,
        /// Who brought it.
        by: Officer,
    },
    /// 审查 done, of an item whose list defines no steps.
    Reviewed {
        /// The reviewer.
        by: Officer,
        /// What the reviewer proposes.
        recommendation: Recommendation,
        /// In words.
        opinion: Personal,
    },
    /// 审查环节 done.
    StepReviewed {
        /// Code of the step.
        step: String,
        /// The reviewer.
        by: Officer,
        /// What the reviewer proposes.
        recommendation: Recommendation,
        /// In words.
        opinion: Personal,
    },
    /// 退回 to a step, which is done again.
    Returned {
        /// Code of the step.
        step: String,
        /// By whom.
        by: Officer,
        /// Why.
        reason: Personal,
    },
    /// 任务 from hand to hand.
    TaskGiven {
        /// Code of the step, or of the decision.
        step: String,
        /// Into whose hands; none: into nobody's.
        to: Option<Officer>,
        /// By whom.
        by: Officer,
        /// Why, where that was said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Personal>,
    },
    /// 特别程序 asked for.
    ProcedureAsked(Box<Asked>),
    /// 特别程序 not allowed.
    ProcedureDenied {
        /// Its number in the case.
        number: u32,
        /// By whom.
        by: Officer,
        /// Why.
        reason: Personal,
    },
    /// 特别程序 allowed: the clock stands still, or the limit is longer.
    ProcedureAllowed {
        /// Its number in the case.
        number: u32,
        /// By whom, since when, until when.
        allowance: Box<Allowance>,
        /// The due dates that it moves.
        dates: Vec<(Which, Due)>,
    },
    /// 特别程序 ended: the clock goes on.
    ProcedureEnded {
        /// Its number in the case.
        number: u32,
        /// When, and with what result.
        ended: Box<Ended>,
        /// The due dates that it moves.
        dates: Vec<(Which, Due)>,
    },
    /// 决定 made.
    Decided(Box<Decision>),
    /// 文书: the organ's register issued one, and it has this number.
    DocumentIssued {
        /// 文书种类.
        kind: Kind,
        /// 文书编号.
        number: String,
        /// Number of the special procedure that it tells of; none where it is the decision.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        procedure: Option<u32>,
    },
    /// Withdrawn before the decision.
    Withdrawn {
        /// Who did it.
        by: Officer,
        /// Why.
        reason: Option<Personal>,
    },
    /// The later check of a promise.
    FollowUpChecked {
        /// The officer.
        by: Officer,
        /// What came of it.
        #[serde(rename = "finding")]
        outcome: CheckOutcome,
        /// In words.
        findings: Personal,
        /// What follows.
        next: FollowUpPhase,
    },
    /// A limit is near.
    MarkedNear {
        /// Which.
        which: Which,
        /// Its last day.
        due: NaiveDate,
    },
    /// A limit passed.
    MarkedOverdue {
        /// Which.
        which: Which,
        /// Its last day.
        due: NaiveDate,
    },
    /// A year of the calendar was loaded.
    DueDatesRecomputed {
        /// The new dates.
        dates: Vec<(Which, Due)>,
        /// The new last days of special procedures, by their numbers.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        last_days: Vec<(u32, Due)>,
    },
    /// The licence is there.
    LicenseIssued {
        /// Its id.
        id: String,
        /// Its identifier.
        identifier: String,
        /// 证照编号.
        number: String,
    },
    /// The licence is ordered again, after the licence service refused.
    LicenseRetried {
        /// The approver.
        by: Officer,
        /// 证照类型代码 from now on, where it was mended.
        type_code: Option<String>,
    },
    /// The licence service refused.
    LicenseRefused {
        /// Reason in capitals.
        reason: String,
        /// In Chinese.
        zh: String,
        /// In English.
        en: String,
    },
}
