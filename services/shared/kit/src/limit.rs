//! Limits and due dates between the contracts (`yiwang.clock.v1`) and the domain (`standards::calendar`).

use yiwang_proto::clock::v1 as pb;
use yiwang_standards::calendar::{Due, Limit, Source, Start, Unit};

/// No limit in the contracts is longer: ten years.
pub const LONGEST: u32 = 3_660;

/// A limit as a contract brings it; `None` for a number of days that is none, or more than [`LONGEST`]. What is not said is
/// the usual: working days, a default, from acceptance.
pub fn read(limit: &pb::TimeLimit) -> Option<Limit> {
    Some(Limit {
        days: u32::try_from(limit.days).ok().filter(|days| *days <= LONGEST)?,
        unit: match limit.unit() {
            pb::TimeUnit::CalendarDay => Unit::CalendarDay,
            pb::TimeUnit::WorkingDay | pb::TimeUnit::Unspecified => Unit::WorkingDay,
        },
        basis: limit.basis.clone(),
        source: match limit.source() {
            pb::LimitSource::Statute => Source::Statute,
            pb::LimitSource::Implementation => Source::Implementation,
            pb::LimitSource::Default | pb::LimitSource::Unspecified => Source::Default,
        },
        unverified: limit.unverified,
        start: match limit.start() {
            pb::LimitStart::Receipt => Start::Receipt,
            pb::LimitStart::Acceptance | pb::LimitStart::Unspecified => Start::Acceptance,
        },
    })
}

/// 时限.
pub fn limit(limit: &Limit) -> pb::TimeLimit {
    let unit = match limit.unit {
        Unit::WorkingDay => pb::TimeUnit::WorkingDay,
        Unit::CalendarDay => pb::TimeUnit::CalendarDay,
    };
    let source = match limit.source {
        Source::Statute => pb::LimitSource::Statute,
        Source::Default => pb::LimitSource::Default,
        Source::Implementation => pb::LimitSource::Implementation,
    };
    pb::TimeLimit {
        days: i32::try_from(limit.days).unwrap_or(i32::MAX),
        unit: unit.into(),
        basis: limit.basis.clone(),
        source: source.into(),
        unverified: limit.unverified,
        start: pb::LimitStart::Unspecified.into(),
    }
}

/// 办结时限: a limit on handling a case, which says from which day it runs.
pub fn handling_limit(handling: &Limit) -> pb::TimeLimit {
    let start = match handling.start {
        Start::Acceptance => pb::LimitStart::Acceptance,
        Start::Receipt => pb::LimitStart::Receipt,
    };
    pb::TimeLimit { start: start.into(), ..limit(handling) }
}

/// A due date with how it was reached.
pub fn due(due: &Due) -> pb::DueDate {
    pb::DueDate {
        date: due.date.to_string(),
        start_date: due.start.to_string(),
        limit: Some(limit(&due.limit)),
        provisional: due.provisional(),
        missing_years: due.missing_years.clone(),
        explanation: due.zh.clone(),
        explanation_en: due.en.clone(),
        warn_date: due.warn.map(|day| day.to_string()).unwrap_or_default(),
    }
}

/// The due date of a limit on handling a case.
pub fn handling_due(handling: &Due) -> pb::DueDate {
    pb::DueDate { limit: Some(handling_limit(&handling.limit)), ..due(handling) }
}
