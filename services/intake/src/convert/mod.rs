//! Between the contracts and the domain. What a field must be is checked here, once, on receipt, and the refusal names it.

pub mod application;
pub mod ask;
pub mod draft;
pub mod item;

pub use yiwang_kit::limit::{due, handling_limit, limit};
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

/// 申报来源 as the contract names it.
pub fn channel(channel: Channel) -> items::Channel {
    match channel {
        Channel::Window => items::Channel::Window,
        Channel::Web => items::Channel::Web,
        Channel::Mobile => items::Channel::Mobile,
        Channel::Post => items::Channel::Post,
        Channel::Other => items::Channel::Other,
    }
}
