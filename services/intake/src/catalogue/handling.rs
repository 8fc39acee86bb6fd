//! How an item is handled, beside the elements of GB/T 39046 table 4.

use serde::{Deserialize, Serialize};

use super::details::Scope;
use crate::directory::governs;

/// 证照分离 (国发〔2021〕7号).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Separation {
    /// Not one of them.
    #[default]
    None,
    /// 直接取消审批.
    Abolished,
    /// 审批改为备案.
    Filing,
    /// 实行告知承诺.
    Promise,
    /// 优化审批服务.
    Optimised,
}

/// A field in which no promise takes the place of a condition (国办发〔2020〕42号; 安阳市政务服务条例 art. 25, 滨州市并联审批规定
/// art. 12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Excluded {
    /// 国家安全、国家秘密.
    NationalSecurity,
    /// 公共安全.
    PublicSafety,
    /// 金融业审慎监管.
    Finance,
    /// 生态环境保护.
    Environment,
    /// 人身健康、生命财产安全.
    LifeAndProperty,
}

/// What follows when something does not come in time. No national statute says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consequence {
    /// 视为撤回 (安阳市政务服务条例 arts. 24, 42).
    #[default]
    Withdrawn,
    /// 不予审批 (滨州市并联审批规定 arts. 10, 11).
    Refused,
}

/// 容缺受理: what may follow after acceptance, and what is promised for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deferral {
    /// Working days from acceptance.
    pub working_days: u32,
    /// What the applicant promises.
    pub text: String,
    /// What follows when it does not come; none: as the region's rule says.
    pub consequence: Option<Consequence>,
    /// The rule that allows it.
    pub basis: String,
}

/// 双头受理: whether one applicant may have several applications in progress at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    /// Nobody has said.
    #[default]
    Unsaid,
    /// Once at a time.
    Once,
    /// As often as somebody likes; why.
    Repeatable(String),
}

impl Repeat {
    fn is_unsaid(&self) -> bool {
        *self == Repeat::Unsaid
    }

    /// Whether another one in progress stops acceptance: where nobody has said, for a licence (type 01) alone.
    pub fn once(&self, item_type: u16) -> bool {
        match self {
            Repeat::Unsaid => item_type == 1,
            Repeat::Once => true,
            Repeat::Repeatable(_) => false,
        }
    }
}

/// 跨省通办 (国办发〔2020〕35号): in which way somebody elsewhere is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// 全程网办.
    Online,
    /// 异地代收代办.
    ReceivedElsewhere,
    /// 多地联办.
    Joint,
}

/// 审查环节: one examination between acceptance and decision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReviewStep {
    /// Code, unique within the item.
    pub code: String,
    /// Name.
    pub name: String,
    /// Codes of the steps before it; none: it begins with the case.
    pub after: Vec<String>,
    /// Of several steps before it, one is enough.
    pub any: bool,
    /// When it is needed (CEL); empty: always.
    pub when: String,
    /// 复核: not by an officer who did a step before it.
    pub other_officer: bool,
}

/// How an item is handled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HandlingRules {
    /// 独任审批.
    pub sole_officer: bool,
    /// The least grade of a clerk who accepts or refuses; 0 for any.
    pub clerk_grade: u8,
    /// 证照分离.
    pub separation: Separation,
    /// 多证合一.
    pub merged: Vec<String>,
    /// Fields in which no promise takes the place of a condition.
    pub excluded: Vec<Excluded>,
    /// The national law that orders 告知承诺 all the same.
    pub promise_ordered_by: String,
    /// 容缺受理; none: the region's rule.
    pub deferral: Option<Deferral>,
    /// 双头受理.
    #[serde(skip_serializing_if = "Repeat::is_unsaid")]
    pub repeat: Repeat,
    /// 跨省通办.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub modes: Vec<Mode>,
    /// 异地代收代办: the regions that receive it; empty: as far as 通办范围 goes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub receiving: Vec<String>,
    /// 审查环节; none: one examination.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub review_steps: Vec<ReviewStep>,
}

impl HandlingRules {
    /// 异地代收代办: whether an item of a region is received in another one.
    pub fn received_in(&self, region: &str, own: &str, scopes: &[Scope]) -> bool {
        let named = |within: &String| governs(within, region);
        let same = |digits: usize| region.get(..digits) == own.get(..digits);
        let reaches = |scope: &Scope| match scope {
            Scope::Nation | Scope::Provinces => true,
            Scope::Cities => same(2),
            Scope::Counties => same(4),
        };
        let open = match self.receiving.is_empty() {
            true => scopes.iter().any(reaches),
            false => self.receiving.iter().any(named),
        };
        self.modes.contains(&Mode::ReceivedElsewhere) && region != own && !region.is_empty() && open
    }

    /// Nobody has written any of it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
