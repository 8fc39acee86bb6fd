//! Between the contracts and the domain. What a field must be is checked here, once, on receipt, and the refusal names it.

pub mod agent;
pub mod answer;
pub mod application;
pub mod appointment;
pub mod ask;
pub mod details;
pub mod draft;
pub mod engagement;
pub mod hall;
pub mod handling;
pub mod item;
pub mod joint;
pub mod mandate;
pub mod question;
pub mod reception;
pub mod standard;
pub mod theme;
pub mod transfer;

pub use yiwang_kit::limit::{due, handling_limit, limit};
use yiwang_ledger::Refusal;
use yiwang_proto::catalogue::v1 as items;

use crate::application::Channel;

/// A version as the contracts count it.
pub fn signed(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

/// A count as the contracts count it.
pub fn count(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}

/// 行政区划: 6 to 12 digits, kept as 12.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
pub fn region(field: &str, code: &str) -> Result<String, Refusal> {
    let code = code.trim();
    if (6..=12).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(format!("{code:0<12}"));
    }
    let (zh, en) = ("行政区划代码应为6至12位数字", "a region code has 6 to 12 digits");
    Err(Refusal::field(field, "FIELD_INVALID", zh, en))
}

/// 申报来源 as the contract names it.
pub fn channel(channel: Channel) -> items::Channel {
    match channel {
        Channel::Window => items::Channel::Window,
        Channel::Web => items::Channel::Web,
        Channel::Mobile => items::Channel::Mobile,
        Channel::Post => items::Channel::Post,
        Channel::Other => items::Channel::Other,
        Channel::Terminal => items::Channel::Terminal,
        Channel::Phone => items::Channel::Phone,
        Channel::VillageProxy => items::Channel::VillageProxy,
    }
}
