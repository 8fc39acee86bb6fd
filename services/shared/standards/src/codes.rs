//! The code tables of GB/T 39046-2020 annex A, as enums that carry their codes and names.
//!
//! Invariant: a code never travels as a bare number inside the product; it becomes one of these on receipt and a code
//! again on the way out.

use serde::{Deserialize, Serialize};

/// Defines an enum over one code table: code, name in capitals for JSON, Chinese and English name.
macro_rules! table {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal, $json:literal, $zh:literal, $en:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name {
            $(#[doc = concat!($zh, " (", $code, ").")] $(#[$vdoc])* #[serde(rename = $json)] $variant,)+
        }

        impl $name {
            /// Every entry, in the table's order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The code as the standard writes it.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// The name in capitals, as JSON spells it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $json),+ }
            }

            /// The Chinese name.
            pub const fn zh(self) -> &'static str {
                match self { $(Self::$variant => $zh),+ }
            }

            /// The English name.
            pub const fn en(self) -> &'static str {
                match self { $(Self::$variant => $en),+ }
            }

            /// By code (leading zeros or not) or by name, `None` when neither is in the table.
            pub fn parse(text: &str) -> Option<Self> {
                let bare = |code: &str| code.trim().parse::<u8>().ok();
                Self::ALL
                    .iter()
                    .copied()
                    .find(|entry| entry.name() == text || (bare(text).is_some() && bare(text) == bare(entry.code())))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.zh())
            }
        }
    };
}

table! {
    /// 事项类型, A.1. What binds an item follows from its type: 行政许可法 arts. 30 to 57 bind [`ItemType::License`] alone.
    ItemType {
        Power = "00", "ADMINISTRATIVE_POWER", "行政权力", "administrative power";
        License = "01", "ADMINISTRATIVE_LICENSE", "行政许可", "administrative licence";
        Penalty = "02", "ADMINISTRATIVE_PENALTY", "行政处罚", "administrative penalty";
        Compulsion = "03", "ADMINISTRATIVE_COMPULSION", "行政强制", "administrative compulsion";
        Levy = "04", "ADMINISTRATIVE_LEVY", "行政征收", "administrative levy";
        Payment = "05", "ADMINISTRATIVE_PAYMENT", "行政给付", "administrative payment";
        Inspection = "06", "ADMINISTRATIVE_INSPECTION", "行政检查", "administrative inspection";
        Confirmation = "07", "ADMINISTRATIVE_CONFIRMATION", "行政确认", "administrative confirmation";
        Reward = "08", "ADMINISTRATIVE_REWARD", "行政奖励", "administrative reward";
        Ruling = "09", "ADMINISTRATIVE_RULING", "行政裁决", "administrative ruling";
        OtherPower = "10", "OTHER_ADMINISTRATIVE_POWER", "其他类别", "other administrative power";
        PublicService = "20", "PUBLIC_SERVICE", "公共服务", "public service";
    }
}

impl ItemType {
    /// Whether the licensing law (行政许可法) binds items of this type.
    pub const fn is_license(self) -> bool {
        matches!(self, Self::License)
    }
}

table! {
    /// 行使层级, A.2.
    ExerciseLevel {
        National = "1", "NATIONAL", "国家级", "national";
        Provincial = "2", "PROVINCIAL", "省级（直属）", "provincial";
        Municipal = "3", "MUNICIPAL", "市级（隶属）", "municipal";
        County = "4", "COUNTY", "县级", "county";
        Township = "5", "TOWNSHIP", "镇（乡、街道）级", "township";
        Village = "6", "VILLAGE", "村（社区）级", "village";
        Graded = "7", "GRADED", "分级管理", "managed by grades";
    }
}

table! {
    /// 实施主体性质, A.3.
    OrganNature {
        Statutory = "1", "STATUTORY", "法定机关", "statutory organ";
        Authorised = "2", "AUTHORISED", "授权组织", "authorised organisation";
        Entrusted = "3", "ENTRUSTED", "受委托组织", "entrusted organisation";
        Other = "9", "OTHER", "其他", "other";
    }
}

table! {
    /// 服务对象, A.4; an item may serve several.
    SubjectKind {
        NaturalPerson = "1", "NATURAL_PERSON", "自然人", "natural person";
        Enterprise = "2", "ENTERPRISE", "企业法人", "enterprise";
        PublicInstitution = "3", "PUBLIC_INSTITUTION", "事业法人", "public institution";
        SocialOrganisation = "4", "SOCIAL_ORGANISATION", "社会组织法人", "social organisation";
        AdministrativeOrgan = "5", "ADMINISTRATIVE_ORGAN", "行政机关", "administrative organ";
        OtherOrganisation = "6", "OTHER_ORGANISATION", "其他组织", "other organisation";
    }
}

table! {
    /// 办理形式, A.5; an item may allow several.
    HandlingForm {
        Counter = "1", "COUNTER", "窗口办理", "at the counter";
        Web = "2", "WEB", "电脑端网上办理", "on the web";
        Mobile = "3", "MOBILE", "移动端办理", "on a mobile device";
        Courier = "4", "COURIER", "快递申请", "by courier";
        Other = "9", "OTHER", "其他", "other";
    }
}

table! {
    /// 办件类型, A.6.
    CaseKind {
        Immediate = "1", "IMMEDIATE", "即办件", "done at once";
        Promised = "2", "PROMISED", "承诺件", "done within a promised time";
        Other = "9", "OTHER", "其他", "other";
    }
}

table! {
    /// 特别程序种类, A.7.
    SpecialProcedure {
        Extension = "1", "EXTENSION", "延长审批", "extension of the time limit";
        Other = "2", "OTHER", "除延长审批之外的情况", "other than an extension";
    }
}

table! {
    /// 满意度, A.8: **1 is the best**. Several provincial feeds send stars, where 5 is the best: see
    /// [`Satisfaction::from_stars`].
    Satisfaction {
        VerySatisfied = "1", "VERY_SATISFIED", "非常满意", "very satisfied";
        Satisfied = "2", "SATISFIED", "满意", "satisfied";
        BasicallySatisfied = "3", "BASICALLY_SATISFIED", "基本满意", "basically satisfied";
        Dissatisfied = "4", "DISSATISFIED", "不满意", "dissatisfied";
        VeryDissatisfied = "5", "VERY_DISSATISFIED", "非常不满意", "very dissatisfied";
    }
}

impl Satisfaction {
    /// From stars: five stars are 非常满意, one star is 非常不满意; `None` outside 1 to 5.
    pub const fn from_stars(stars: u8) -> Option<Self> {
        Some(match stars {
            5 => Self::VerySatisfied,
            4 => Self::Satisfied,
            3 => Self::BasicallySatisfied,
            2 => Self::Dissatisfied,
            1 => Self::VeryDissatisfied,
            _ => return None,
        })
    }

    /// As stars, five the best.
    pub const fn stars(self) -> u8 {
        5 - self as u8
    }

    /// 好评: the first three grades (GB/T 39734), 基本满意 among them.
    pub const fn is_good(self) -> bool {
        matches!(self, Self::VerySatisfied | Self::Satisfied | Self::BasicallySatisfied)
    }

    /// 差评: the last two grades.
    pub const fn is_bad(self) -> bool {
        !self.is_good()
    }
}
