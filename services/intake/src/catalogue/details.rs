//! The rest of GB/T 39046 table 4: what an implementation list says of an item beside its limits, materials and result, with the
//! standard's code tables, and the charge list, outside which nothing is charged (行政许可法 art. 58).

use serde::{Deserialize, Serialize};

use super::handling::HandlingRules;
use crate::application::Channel;
use crate::directory::Level;

/// 实施主体性质, table A.3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrganNature {
    /// 1 法定机关.
    #[default]
    Statutory,
    /// 2 授权组织.
    Authorised,
    /// 3 受委托组织.
    Entrusted,
    /// 9 其他.
    Other,
}

/// 服务对象, table A.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Served {
    /// 1 自然人.
    Person,
    /// 2 企业法人.
    Enterprise,
    /// 3 事业法人.
    Institution,
    /// 4 社会组织法人.
    Association,
    /// 5 行政机关.
    Organ,
    /// 6 其他组织.
    Other,
}

impl Served {
    /// Its name in tags.
    pub fn name(self) -> &'static str {
        match self {
            Served::Person => "PERSON",
            Served::Enterprise => "ENTERPRISE",
            Served::Institution => "INSTITUTION",
            Served::Association => "ASSOCIATION",
            Served::Organ => "ORGAN",
            Served::Other => "OTHER",
        }
    }
}

/// 通办范围.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// 全国.
    Nation,
    /// 跨省.
    Provinces,
    /// 跨市.
    Cities,
    /// 跨县.
    Counties,
}

/// 网办深度.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnlineDepth {
    /// Nothing online.
    #[default]
    None,
    /// I: information alone.
    I,
    /// II: forms to be downloaded.
    Ii,
    /// III: applied for online, originals at the counter.
    Iii,
    /// IV: 全程网办.
    Iv,
}

/// 特别程序种类, table A.7.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpecialKind {
    /// 1 延长审批.
    #[default]
    Extension,
    /// 2 除延长审批之外的情况.
    Other,
}

/// 特别程序.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpecialProcedure {
    /// Its kind.
    pub kind: SpecialKind,
    /// Its name.
    pub name: String,
    /// How long it takes, in words.
    pub duration: String,
    /// Working days that it takes at most; 0: not said.
    #[serde(default, skip_serializing_if = "not_said")]
    pub days: u32,
    /// The rule that allows it.
    pub basis: String,
}

fn not_said(days: &u32) -> bool {
    *days == 0
}

/// 中介服务.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intermediary {
    /// Its name.
    pub name: String,
    /// The rule that asks for it.
    pub basis: String,
}

/// How an amount comes about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargeMethod {
    /// A fixed amount for each unit.
    #[default]
    PerUnit,
    /// Between two bounds, set for each case.
    Range,
}

/// What may not happen before a line is paid. A fee never holds up acceptance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaidBefore {
    /// Nothing waits for it.
    #[default]
    Nothing,
    /// 领取结果.
    HandingOut,
}

impl PaidBefore {
    fn is_nothing(&self) -> bool {
        *self == PaidBefore::Nothing
    }
}

/// 减免.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exemption {
    /// Code, unique within the line.
    pub code: String,
    /// Who.
    pub name: String,
    /// Of a hundred, what is let off.
    pub percent: u32,
    /// The rule that says so.
    pub basis: String,
}

/// 收费项目: a line of the charge list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChargeLine {
    /// Code, unique within the item.
    pub code: String,
    /// Its name.
    pub name: String,
    /// How the amount comes about.
    pub method: ChargeMethod,
    /// 分 for each unit; the lower bound of a range.
    pub amount: i64,
    /// The upper bound of a range, 分.
    pub most: i64,
    /// The unit.
    pub unit: String,
    /// The most units that one case has; 0: any number.
    pub most_units: u32,
    /// The rule that allows it.
    pub basis: String,
    /// 减免.
    pub exemptions: Vec<Exemption>,
    /// What may not happen before it is paid.
    #[serde(default, skip_serializing_if = "PaidBefore::is_nothing")]
    pub paid_before: PaidBefore,
}

/// 办理地点.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Name.
    pub name: String,
    /// Address.
    pub address: String,
    /// 办理时间.
    pub hours: String,
    /// Telephone.
    pub phone: String,
}

/// 常见问题.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The question.
    pub question: String,
    /// The answer.
    pub answer: String,
}

/// The elements. All of them empty where a source has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    /// 权限划分.
    pub division: String,
    /// 行使内容.
    pub content: String,
    /// 实施主体性质.
    pub organ_nature: OrganNature,
    /// 委托部门.
    pub entrusting_organ: String,
    /// 联办机构.
    pub joint_organs: Vec<String>,
    /// 法定办结时限说明.
    pub legal_limit_note: String,
    /// 承诺办结时限说明.
    pub promised_limit_note: String,
    /// 中介服务.
    pub intermediaries: Vec<Intermediary>,
    /// 数量限制.
    pub quantity: String,
    /// 结果样本.
    pub result_samples: Vec<String>,
    /// 收费项目.
    pub charges: Vec<ChargeLine>,
    /// 通办范围.
    pub scopes: Vec<Scope>,
    /// 服务对象.
    pub served: Vec<Served>,
    /// 服务主题 (自然人).
    pub person_topics: Vec<String>,
    /// 服务主题 (法人).
    pub legal_topics: Vec<String>,
    /// 办理形式.
    pub channels: Vec<Channel>,
    /// 特别程序.
    pub special_procedures: Vec<SpecialProcedure>,
    /// 预约办理.
    pub bookable: bool,
    /// 网上支付.
    pub paid_online: bool,
    /// 物流快递.
    pub delivered: bool,
    /// 网办深度.
    pub online_depth: OnlineDepth,
    /// 运行系统.
    pub system: String,
    /// 运行系统层级.
    pub system_level: String,
    /// 办理地点和时间.
    pub places: Vec<Place>,
    /// 咨询电话.
    pub enquiries: String,
    /// 监督投诉方式.
    pub complaints: String,
    /// 常见问题.
    pub questions: Vec<Question>,
    /// 行使层级; none: that of the organ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// How it is handled.
    #[serde(skip_serializing_if = "HandlingRules::is_empty")]
    pub handling: HandlingRules,
}

impl Details {
    /// The line of a code.
    pub fn charge(&self, code: &str) -> Option<&ChargeLine> {
        self.charges.iter().find(|line| line.code == code)
    }

    /// 部门间政务服务: whoever applies is an organ.
    pub fn serves_organs_alone(&self) -> bool {
        self.served == [Served::Organ]
    }

    /// Nobody has written any of them.
    pub fn is_empty(&self) -> bool {
        *self == Details::default()
    }
}
