//! The rules of a licence, without I/O. The signature is made outside and comes in as a value.

use chrono::{Days, Months, NaiveDate};
use yiwang_ledger::{Context, Decision, Kind, Personal, Refusal};
use yiwang_standards::calendar;

use super::{CancelCause, Event, Issued, License, Officer, Status, StatusOn};

/// Issues: one licence a stream.
pub fn issue(license: &License, issued: &Issued, _cx: &Context) -> Decision<Event> {
    if license.issued.is_some() {
        return Err(Refusal::new(
            Kind::AlreadyExists,
            super::BY_CASE,
            "该办件已签发证照，不得重复签发",
            "the case has its licence already",
        ));
    }
    Ok(vec![Event::Issued(Box::new(issued.clone()))])
}

/// The timer's rule: writes down that the last day passed.
pub fn tick(license: &License, cx: &Context) -> Decision<Event> {
    let today = calendar::legal_date(cx.now.0);
    let expired = license.status == Status::Valid && license.status_on(today) == StatusOn::Expired;
    Ok(if expired { vec![Event::Expired {}] } else { Vec::new() })
}

/// 有效期止: the day before the corresponding day, since the day of issue counts; none for 0 months.
///
/// # Errors
/// `VALIDITY_INVALID` for a negative number of months or one beyond a hundred years.
pub fn valid_to(issued_on: NaiveDate, months: i32) -> Result<Option<NaiveDate>, Refusal> {
    let invalid = || {
        Refusal::field("validity_months", "VALIDITY_INVALID", "有效期应为0至1200个月", "a validity is 0 to 1200 months")
    };
    match u32::try_from(months).map_err(|_| invalid())? {
        0 => Ok(None),
        months if months > 1200 => Err(invalid()),
        months => issued_on
            .checked_add_months(Months::new(months))
            .and_then(|day| day.checked_sub_days(Days::new(1)))
            .map(Some)
            .ok_or_else(invalid),
    }
}

/// 注销 (行政许可法 art. 70): what is valid or expired may be cancelled, for one of its six causes. An expiry is a cause only
/// once it has come; a death only of a citizen, a dissolution only of an organisation.
pub fn cancel(license: &License, by: &Officer, cause: CancelCause, reason: &str, cx: &Context) -> Decision<Event> {
    let issued = license.issued()?;
    let today = calendar::legal_date(cx.now.0);
    match (&license.status, cause) {
        (Status::Valid, CancelCause::NotRenewed) if license.status_on(today) != StatusOn::Expired => {
            Err(Refusal::state(
                "NOT_EXPIRED",
                "证照有效期尚未届满，不能以“有效期届满未延续”为由注销（行政许可法第七十条第一项）",
                "the licence has not expired, so non-renewal is no cause yet (Licensing Law, art. 70 (1))",
            ))
        }
        (Status::Valid | Status::Expired, _) if !issued.holder.can_meet(cause) => Err(Refusal::state(
            "CAUSE_NOT_OF_HOLDER",
            format!("该注销事由不适用于本证照的持证主体：{}区分公民与法人或者其他组织", cause.article()),
            "this cause does not befall such a holder: (2) is a citizen's, (3) an organisation's (Licensing Law, art. 70)",
        )),
        (Status::Valid | Status::Expired, _) => {
            let reason = Personal::new(&issued.holder.subject, "reason", reason);
            Ok(vec![Event::Cancelled { by: by.clone(), cause, reason }])
        }
        _ => {
            Err(Refusal::state("LICENSE_NOT_VALID", "证照已经失去效力，不能再次注销", "the licence has ended already"))
        }
    }
}
