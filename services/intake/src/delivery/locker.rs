//! 自助取件柜: put in with a code, taken out with it, put back when it has lapsed.

use yiwang_ledger::{Context, Decision, Refusal, Timestamp};

use super::{Compartment, Delivery, Event, Manner, Stage, decide};
use crate::application::Actor;

/// A code is good for three days. DESIGN, unverified.
const GOOD: i64 = 72 * 3_600_000_000;
/// After so many wrong codes it is good no more.
pub const TRIES: u32 = 5;

/// 入柜.
///
/// # Errors
/// `DELIVERY_NOT_AT_STAGE`, `MANNER_DIFFERS`.
pub fn put(delivery: &Delivery, number: &str, by: &Actor, cx: &Context) -> Decision<Event> {
    decide::at(delivery, &[Stage::Ready])?;
    let Manner::Locker { site } = &delivery.manner else {
        let (zh, en) = ("申请人没有选择自助取件柜", "the locker was not chosen");
        return Err(Refusal::state("MANNER_DIFFERS", zh, en));
    };
    let code: String = cx.seed[16..24].iter().map(|byte| char::from(b'0' + byte % 10)).collect();
    let compartment = Compartment {
        site: site.clone(),
        number: number.to_owned(),
        code: decide::about(delivery, "locker.code", &code),
        expires: Timestamp(cx.now.0.saturating_add(GOOD)),
        wrong: 0,
    };
    Ok(vec![Event::PutInLocker { compartment: Box::new(compartment), by: by.clone() }])
}

/// 取件: with the right code it is delivered; a wrong one is counted.
///
/// # Errors
/// `LOCKER_EMPTY`, `DELIVERY_NOT_AT_STAGE`: its code is good no more.
pub fn open(delivery: &Delivery, code: &str, by: &Actor, cx: &Context) -> Decision<Event> {
    decide::at(delivery, &[Stage::InLocker])?;
    let Some(compartment) = delivery.compartment.as_ref() else { return Err(empty()) };
    if compartment.expires <= cx.now {
        return Ok(vec![Event::LockerLapsed]);
    }
    if compartment.code.get() == Some(code) {
        return Ok(vec![Event::TakenFromLocker { late: decide::late(delivery, cx), by: by.clone() }]);
    }
    let mut events = vec![Event::LockerCodeWrong];
    events.extend((compartment.wrong + 1 >= TRIES).then_some(Event::LockerLapsed));
    Ok(events)
}

/// `LOCKER_EMPTY`.
pub fn empty() -> Refusal {
    Refusal { reason: "LOCKER_EMPTY", ..Refusal::not_found("该格口的取件") }
}

/// 取回 to the window.
///
/// # Errors
/// `DELIVERY_NOT_AT_STAGE`.
pub fn put_back(delivery: &Delivery, by: &Actor) -> Decision<Event> {
    decide::at(delivery, &[Stage::InLocker, Stage::Lapsed])?;
    Ok(vec![Event::PutBack { by: by.clone() }])
}
