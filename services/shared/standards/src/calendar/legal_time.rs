//! Legal days are those of Asia/Shanghai: +08:00 all year (no summer time since 1991).

use chrono::{Datelike, NaiveDate};

const DAY: i64 = 86_400_000_000;
const OFFSET: i64 = 8 * 3_600_000_000;
/// 1970-01-01 as a day of the common era.
const EPOCH: i64 = 719_163;

/// The legal day of a moment in microseconds since 1970 UTC. Moments beyond chrono's years give its first or last day.
pub fn legal_date(micros: i64) -> NaiveDate {
    let days = micros.saturating_add(OFFSET).div_euclid(DAY) + EPOCH;
    let edge = if days < 0 { NaiveDate::MIN } else { NaiveDate::MAX };
    i32::try_from(days).ok().and_then(NaiveDate::from_num_days_from_ce_opt).unwrap_or(edge)
}

/// The first microsecond of the legal day.
pub fn start_of_day_micros(date: NaiveDate) -> i64 {
    (i64::from(date.num_days_from_ce()) - EPOCH).saturating_mul(DAY).saturating_sub(OFFSET)
}

/// The last microsecond of the legal day (24:00, 民法典 art. 203). What happens at it is in time.
pub fn end_of_day_micros(date: NaiveDate) -> i64 {
    start_of_day_micros(date).saturating_add(DAY - 1)
}
