//! Code tables of GB/T 39046-2020 annex A that rules of the suite turn on.

use serde::{Deserialize, Serialize};

/// 办件类型, table A.6: how soon a case is done. Stored by its name in small letters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseKind {
    /// 1 即办件: done on the spot.
    Immediate,
    /// 2 承诺件: done within the promised limit.
    #[default]
    Promised,
    /// 9 其他.
    Other,
}

/// 满意度, table A.8: 1 is the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Satisfaction {
    /// 1 非常满意.
    VerySatisfied = 1,
    /// 2 满意.
    Satisfied = 2,
    /// 3 基本满意: counts as 好评.
    BasicallySatisfied = 3,
    /// 4 不满意.
    Dissatisfied = 4,
    /// 5 非常不满意.
    VeryDissatisfied = 5,
}

impl Satisfaction {
    /// 差评: the last two grades alone.
    pub fn is_bad(self) -> bool {
        self >= Self::Dissatisfied
    }
}
