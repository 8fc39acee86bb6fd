//! What happens to a joint application.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use yiwang_ledger::Personal;

use super::{HandedIn, Member, Mended, ThemePin, Whose};
use crate::application::{Actor, IssuedResult, ItemPin};
use crate::limit::Due;

/// What happens to a joint application.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum Event {
    /// A draft was begun.
    JointDrafted {
        /// What for.
        theme: Box<ThemePin>,
        /// Whose it is.
        whose: Box<Whose>,
        /// 回答, as JSON text.
        answers: Personal,
        /// The one form as JSON text.
        form: Option<Personal>,
        /// The members that the answers chose.
        members: Vec<Member>,
    },
    /// The one form was saved.
    JointFormSaved {
        /// The one form as JSON text.
        form: Personal,
        /// Who.
        by: Actor,
    },
    /// 一次提交.
    JointSubmitted {
        /// By whom, and what they said with it.
        handed_in: Box<HandedIn>,
    },
    /// What a member depends on is there.
    MemberReleased {
        /// Its code.
        member: String,
    },
    /// 一链: what a stage depends on is there, and it may be begun.
    MemberOpened {
        /// Its code.
        member: String,
    },
    /// 一链: its applicant began a stage.
    MemberBegun {
        /// Its code.
        member: String,
        /// What its application takes from its item, as the item was when the draft was made.
        item: Arc<ItemPin>,
        /// By whom, and what they said with it.
        handed_in: Box<HandedIn>,
    },
    /// Its application was handed in.
    MemberHandedIn {
        /// Its code.
        member: String,
    },
    /// The rules refuse its application as it is.
    MemberStuck {
        /// Its code.
        member: String,
        /// Reason in capitals.
        reason: String,
        /// In Chinese.
        zh: String,
        /// In English.
        en: String,
    },
    /// 准予, 办成; again when what came of it is there.
    MemberGranted {
        /// Its code.
        member: String,
        /// What came of it; none until it is there.
        result: Option<IssuedResult>,
        /// Who, where a partner's step was recorded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Actor>,
    },
    /// 不予受理, 不予许可, or the partner could not.
    MemberRefused {
        /// Its code.
        member: String,
        /// Why, where a partner's step was recorded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        remark: Option<Personal>,
        /// Who, where a partner's step was recorded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Actor>,
    },
    /// What stood in a member's way was mended.
    MemberMended {
        /// Its code.
        member: String,
        /// What, and by whom.
        mended: Box<Mended>,
    },
    /// 撤回 of one of them.
    MemberWithdrawn {
        /// Its code.
        member: String,
        /// Why, where it was withdrawn here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Personal>,
        /// Who, where it was withdrawn here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Actor>,
    },
    /// What it depends on came to nothing.
    MemberCancelled {
        /// Its code.
        member: String,
        /// Code of that other.
        because: String,
    },
    /// All of it is to be taken back.
    JointTakenBack {
        /// Why.
        reason: Option<Personal>,
        /// Who.
        by: Actor,
    },
    /// The promised limit of all of it has passed.
    JointLate {
        /// The limit.
        due: Due,
    },
    /// A year of the calendar was loaded: the promised limit ends on another day, or is no longer provisional.
    JointDueRecomputed {
        /// The limit.
        due: Due,
    },
}
