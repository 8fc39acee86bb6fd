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
