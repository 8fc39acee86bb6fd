//! Habits of the contracts that every service shares: etags, page sizes, days, moments.

use chrono::NaiveDate;
use yiwang_ledger::{Kind, Refusal, Timestamp};

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

/// A moment that came from outside. What is no `google.protobuf.Timestamp` could be kept, and then never be shown again.
///
/// # Errors
/// `FIELD_INVALID` outside the years 1 to 9999, naming the field.
pub fn moment(field: &str, at: &pbjson_types::Timestamp) -> Result<Timestamp, Refusal> {
    // 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z
    if (-62_135_596_800..=253_402_300_799).contains(&at.seconds) && (0..1_000_000_000).contains(&at.nanos) {
        return Ok(Timestamp(at.seconds * 1_000_000 + i64::from(at.nanos) / 1_000));
    }
    let (zh, en) = ("时间应在公元1年至9999年之间", "a time is of the years 1 to 9999");
    Err(Refusal::field(field, "FIELD_INVALID", zh, en))
}

/// A day as `YYYY-MM-DD`.
pub fn day(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
}
