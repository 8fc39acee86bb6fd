//! Habits of the contracts that every service shares: etags, page sizes, days.

use chrono::NaiveDate;
use yiwang_ledger::{Kind, Refusal};

/// The etag of a version. Opaque to callers.
pub fn etag(version: u64) -> String {
    version.to_string()
}

/// The version that an etag stands for; an empty one asks for none.
///
/// # Errors
/// `ETAG_MISMATCH` for what is no etag of ours: whatever was seen, it was not this.
pub fn expected_version(etag: &str) -> Result<Option<u64>, Refusal> {
    match etag.trim().trim_matches('"') {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| etag_mismatch()),
    }
}

/// The ledger's `STALE_VERSION` in the contracts' word.
pub fn contract_word(refusal: Refusal) -> Refusal {
    if refusal.reason == "STALE_VERSION" { etag_mismatch() } else { refusal }
}

fn etag_mismatch() -> Refusal {
    let (zh, en) = ("内容已被他人更新，请刷新后重试", "it has changed since you read it: read it again");
    Refusal::new(Kind::Aborted, "ETAG_MISMATCH", zh, en)
}

/// How many a page holds.
#[derive(Clone, Copy, Debug)]
pub struct PageSize {
    /// Where nobody asked.
    pub usual: u32,
    /// However many were asked for.
    pub most: u32,
}

/// 0 means 20, more than 100 means 100.
///
/// # Errors
/// `FIELD_INVALID` for a negative number.
pub fn page_size(asked: i32) -> Result<u32, Refusal> {
    page_size_of(asked, PageSize { usual: 20, most: 100 })
}

/// The same of a list with pages of its own.
///
/// # Errors
/// `FIELD_INVALID` for a negative number.
pub fn page_size_of(asked: i32, page: PageSize) -> Result<u32, Refusal> {
    match u32::try_from(asked) {
        Ok(0) => Ok(page.usual),
        Ok(size) => Ok(size.min(page.most)),
        Err(_) => Err(Refusal::field("page_size", "FIELD_INVALID", "每页条数不能为负", "a page size is not negative")),
    }
}

/// A day as `YYYY-MM-DD`.
pub fn day(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
}
