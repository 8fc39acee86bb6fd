//! What the licensing law fixes by name.

/// 行政许可法 art. 45: whose time is not counted in the limit, and nobody else's.
pub const SPECIAL_GROUNDS: [&str; 8] = ["听证", "招标", "拍卖", "检验", "检测", "检疫", "鉴定", "专家评审"];
