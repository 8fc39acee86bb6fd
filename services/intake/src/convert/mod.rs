//! Between the contracts and the domain. What a field must be is checked here, once, on receipt, and the refusal names it.

pub mod application;
pub mod ask;
pub mod item;

use yiwang_proto::catalogue::v1 as items;
use yiwang_proto::clock::v1 as clocks;

use crate::application::Channel;
use crate::limit::{Due, Limit, Source, Start, Unit};

/// A version as the contracts count it.
pub fn signed(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

/// A count as the contracts count it.
pub fn count(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}

/// 时限.
pub fn limit(limit: &Limit) -> clocks::TimeLimit {
    clocks::TimeLimit {
        days: count(limit.days),
        unit: match limit.unit {
            Unit::WorkingDay => clocks::TimeUnit::WorkingDay.into(),
            Unit::CalendarDay => clocks::TimeUnit::CalendarDay.into(),
        },
        basis: limit.basis.clone(),
        source: match limit.source {
            Source::Statute => clocks::LimitSource::Statute.into(),
            Source::Default => clocks::LimitSource::Default.into(),
            Source::Implementation => clocks::LimitSource::Implementation.into(),
        },
        unverified: limit.unverified,
        start: clocks::LimitStart::Unspecified.into(),
    }
}

/// 办结时限: a limit on handling a case, which says from which day it runs.
pub fn handling_limit(handling: &Limit) -> clocks::TimeLimit {
    let start = match handling.start {
        Start::Acceptance => clocks::LimitStart::Acceptance,
        Start::Receipt => clocks::LimitStart::Receipt,
    };
    clocks::TimeLimit { start: start.into(), ..limit(handling) }
}

/// A due date with its reasons.
pub fn due(due: &Due) -> clocks::DueDate {
    clocks::DueDate {
        date: due.date.to_string(),
        start_date: due.start.to_string(),
        limit: Some(limit(&due.limit)),
        provisional: due.provisional,
        missing_years: due.missing_years.clone(),
        explanation: due.zh.clone(),
        explanation_en: due.en.clone(),
    }
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
