//! 邮寄: a parcel with the carrier, which is asked by our own number until it has ended.

use yiwang_ledger::{Context, Decision, Personal, Refusal, Timestamp};

use super::carrier::{Said, Seen};
use super::{Delivery, Ended, Event, Manner, Move, Parcel, Stage, decide};
use crate::application::Actor;

/// No parcel has more moves.
const MOST_MOVES: usize = 100;
/// No delivery has more parcels.
const MOST: usize = 20;
const HALF_HOUR: i64 = 30 * 60_000_000;
/// No pause before the carrier is asked again is longer.
pub(super) const HALF_DAY: i64 = 24 * HALF_HOUR;
/// What a person said came back or was lost is asked about so often, which takes about a month.
const TRIES: u32 = 60;

/// The pause before the carrier is asked again: half an hour, doubled each time, at most twelve hours.
fn later(asked: u32, cx: &Context) -> Timestamp {
    Timestamp(cx.now.0.saturating_add((HALF_HOUR << asked.min(5)).min(HALF_DAY)))
}

/// 交寄: an order with the carrier.
///
/// # Errors
/// `DELIVERY_NOT_AT_STAGE`, `MANNER_DIFFERS`, `TOO_MANY_PARCELS`.
pub fn dispatch(delivery: &Delivery, carrier: &str, by: &Actor, cx: &Context) -> Decision<Event> {
    decide::at(delivery, &[Stage::Ready])?;
    if !matches!(delivery.manner, Manner::Post(_)) {
        let (zh, en) = ("申请人没有选择邮寄", "the post was not chosen");
        return Err(Refusal::state("MANNER_DIFFERS", zh, en));
    }
    if delivery.parcels.len() >= MOST {
        return Err(Refusal::state("TOO_MANY_PARCELS", "邮寄次数过多", "too many parcels"));
    }
    let digits: String = cx.seed[..12].iter().map(|byte| char::from(b'0' + byte % 10)).collect();
    let day = crate::limit::legal_date(cx.now).format("%y%m%d");
    let number = format!("YJ{day}{digits}{:02}", delivery.parcels.len() + 1);
    Ok(vec![Event::DeliveryDispatched { number, by: by.clone(), carrier: carrier.to_owned() }])
}

/// 退回、丢失, said by a person: the carrier is gone, or does not say. Should it say later that it delivered it, that is a contradiction.
///
/// # Errors
/// `DELIVERY_NOT_AT_STAGE`.
pub fn end(delivery: &Delivery, ended: Ended, reason: &str, by: &Actor) -> Decision<Event> {
    decide::at(delivery, &[Stage::InPost])?;
    let open = delivery.parcels.iter().rfind(|parcel| parcel.ended.is_none()).ok_or_else(not_found)?;
    let (number, moves, by) = (open.number.clone(), Vec::new(), Some(by.clone()));
    let reason = decide::about(delivery, "parcel", reason);
    Ok(vec![match ended {
        Ended::Lost => Event::ParcelLost { number, moves, reason, by },
        Ended::Returned | Ended::Delivered => Event::ParcelReturned { number, moves, reason, by },
    }])
}

/// Whether the carrier is still asked about a parcel whose end a person said.
fn is_watched(parcel: &Parcel) -> bool {
    parcel.by_hand && !parcel.contradicted && parcel.asked < TRIES
}

/// Nobody could be asked: asked again at its time.
///
/// # Errors
/// `PARCEL_NOT_FOUND`.
pub fn away(delivery: &Delivery, number: &str, cx: &Context) -> Decision<Event> {
    let parcel = delivery.parcel(number).ok_or_else(not_found)?;
    let asks = parcel.ask_at.is_none() && (parcel.ended.is_none() || is_watched(parcel));
    Ok(if asks { vec![under_way(parcel, String::new(), Vec::new(), cx)] } else { Vec::new() })
}

fn under_way(parcel: &Parcel, tracking: String, moves: Vec<Move>, cx: &Context) -> Event {
    Event::ParcelMoved { number: parcel.number.clone(), tracking, moves, ask_at: later(parcel.asked, cx) }
}

/// `PARCEL_NOT_FOUND`.
pub fn not_found() -> Refusal {
    Refusal { reason: "PARCEL_NOT_FOUND", ..Refusal::not_found("邮件") }
}

/// What of the carrier's list is new.
fn new_moves(known: &[Move], seen: &[Seen], seal: impl Fn(&str) -> Personal) -> Vec<Move> {
    let is_known = |one: &&Seen| known.iter().any(|old| old.at == one.at && old.text.get() == Some(one.text.as_str()));
    let mut fresh: Vec<&Seen> = Vec::new();
    for one in seen.iter().filter(|one| !is_known(one)) {
        if !fresh.contains(&one) {
            fresh.push(one);
        }
    }
    let room = MOST_MOVES.saturating_sub(known.len());
    fresh.into_iter().take(room).map(|one| Move { at: one.at, text: seal(&one.text) }).collect()
}

/// The carrier says how a parcel stands. Of one that has ended it is no news.
///
/// # Errors
/// `PARCEL_NOT_FOUND`.
pub fn said(delivery: &Delivery, number: &str, said: &Said, cx: &Context) -> Decision<Event> {
    let parcel = delivery.parcel(number).ok_or_else(not_found)?;
    let seal = |text: &str| decide::about(delivery, "parcel", text);
    let (number, moves) = (number.to_owned(), new_moves(&parcel.moves, said.moves(), seal));
    if parcel.ended.is_some() || delivery.stage != Stage::InPost {
        return Ok(match said {
            Said::Delivered { .. } if parcel.by_hand && !parcel.contradicted => {
                vec![Event::ParcelContradicted { number, moves }]
            }
            Said::UnderWay { tracking, .. } if is_watched(parcel) => {
                vec![under_way(parcel, tracking.clone(), moves, cx)]
            }
            _ => Vec::new(),
        });
    }
    Ok(vec![match said {
        Said::UnderWay { tracking, .. } => under_way(parcel, tracking.clone(), moves, cx),
        Said::Delivered { signed_by, .. } => Event::ParcelDelivered {
            number,
            moves,
            signed_by: (!signed_by.is_empty()).then(|| seal(signed_by)),
            late: decide::late(delivery, cx),
        },
        Said::Returned { reason, .. } => Event::ParcelReturned { number, moves, reason: seal(reason), by: None },
        Said::Lost { reason, .. } => Event::ParcelLost { number, moves, reason: seal(reason), by: None },
    }])
}

/// What the timer asks about.
pub(super) fn due(delivery: &Delivery, cx: &Context) -> impl Iterator<Item = Event> {
    let due = delivery.parcels.iter().filter(|parcel| parcel.ask_at.is_some_and(|at| at <= cx.now));
    due.map(|parcel| Event::CarrierAsked { number: parcel.number.clone() })
}

/// A callback: whatever it says, the carrier is asked. While it is being asked already, nothing happens.
///
/// # Errors
/// `PARCEL_NOT_FOUND`.
pub fn notified(delivery: &Delivery, number: &str) -> Decision<Event> {
    let parcel = delivery.parcel(number).ok_or_else(not_found)?;
    let asks = match parcel.ended {
        None => parcel.ask_at.is_some(),
        Some(_) => parcel.by_hand && !parcel.contradicted,
    };
    Ok(if asks { vec![Event::CarrierAsked { number: number.to_owned() }] } else { Vec::new() })
}
