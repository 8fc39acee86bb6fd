//! The kinds of documents that the law has an organ hand out.

use serde::{Deserialize, Serialize};

/// 文书种类. Its short name stands at the beginning of every number, so it is never changed once released.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::EnumIter,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 收件凭证: what was handed in, and when.
    Receipt,
    /// 一次性补正告知书 (行政许可法 art. 32 para. 1 ④).
    Correction,
    /// 受理通知书 (行政许可法 art. 32 para. 2).
    Acceptance,
    /// 不予受理决定书, or 不受理告知书 where nothing need be licensed (行政许可法 art. 32 para. 1 ① ②).
    NonAcceptance,
    /// 延期告知书: ten or fifteen days more, with the reason (行政许可法 art. 42).
    Extension,
    /// 特别程序告知书: the time that is not counted (行政许可法 art. 45).
    SpecialProcedure,
    /// 听证权利告知书 (行政许可法 arts. 46, 47).
    HearingRights,
    /// 听证通知书: time and place, seven days before (行政许可法 art. 48).
    HearingNotice,
    /// 准予行政许可决定书 (行政许可法 art. 38 para. 1).
    Grant,
    /// 不予行政许可决定书, with reasons and remedies (行政许可法 art. 38 para. 2).
    Refusal,
    /// 撤销决定书 (行政许可法 art. 69).
    Revocation,
    /// 注销决定书 (行政许可法 art. 70).
    Deregistration,
    /// 送达回证.
    ProofOfService,
    /// 容缺受理告知书 and the promise that goes with it (安阳市政务服务条例 art. 24).
    Deferral,
    /// 告知承诺书 (国办发〔2020〕42号).
    Promise,
}

impl Kind {
    /// Two letters that begin its numbers.
    pub fn prefix(self) -> &'static str {
        match self {
            Kind::Receipt => "SJ",
            Kind::Correction => "BZ",
            Kind::Acceptance => "SL",
            Kind::NonAcceptance => "BS",
            Kind::Extension => "YQ",
            Kind::SpecialProcedure => "TB",
            Kind::HearingRights => "TG",
            Kind::HearingNotice => "TZ",
            Kind::Grant => "ZY",
            Kind::Refusal => "BY",
            Kind::Revocation => "CX",
            Kind::Deregistration => "ZX",
            Kind::ProofOfService => "SD",
            Kind::Deferral => "RQ",
            Kind::Promise => "CN",
        }
    }

    /// The kind that a number begins with.
    pub fn of_prefix(prefix: &str) -> Option<Self> {
        use strum::IntoEnumIterator as _;
        Kind::iter().find(|kind| kind.prefix() == prefix)
    }

    /// Its name, as lists show it. The document's own title may be that of the item's type.
    pub fn zh(self) -> &'static str {
        match self {
            Kind::Receipt => "收件凭证",
            Kind::Correction => "一次性补正告知书",
            Kind::Acceptance => "受理通知书",
            Kind::NonAcceptance => "不予受理决定书",
            Kind::Extension => "延期告知书",
            Kind::SpecialProcedure => "特别程序告知书",
            Kind::HearingRights => "听证权利告知书",
            Kind::HearingNotice => "听证通知书",
            Kind::Grant => "准予决定书",
            Kind::Refusal => "不予决定书",
            Kind::Revocation => "撤销决定书",
            Kind::Deregistration => "注销决定书",
            Kind::ProofOfService => "送达回证",
            Kind::Deferral => "容缺受理告知书",
            Kind::Promise => "告知承诺书",
        }
    }
}
