//! Agents, as the contracts bring and show them.

use std::collections::BTreeSet;

use yiwang_kit::{timestamp, wire};
use yiwang_ledger::{Refusal, StreamId, Timestamp};
use yiwang_proto::intake::v1 as pb;
use yiwang_standards::identity::mask_name;

use super::application::Reader;
use super::transfer::organ_shown;
use super::{ask, count, region};
use crate::agent::{Agent, Away, Kind, Registration};
use crate::limit::legal_date;
use crate::transfer::Organ;

const WRONG: &str = "FIELD_INVALID";

/// What kind of help.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
pub fn kind(field: &str, kind: pb::HelpKind) -> Result<Kind, Refusal> {
    let missing = || Refusal::field(field, WRONG, "请指明帮办、投资项目代办或者群众事务代理", "name the kind of help");
    kind_of(kind).ok_or_else(missing)
}

fn kind_of(kind: pb::HelpKind) -> Option<Kind> {
    Some(match kind {
        pb::HelpKind::Unspecified => return None,
        pb::HelpKind::Assist => Kind::Assist,
        pb::HelpKind::Investment => Kind::Investment,
        pb::HelpKind::Errand => Kind::Errand,
    })
}

/// The tag of a kind that is asked for.
pub fn kind_tag(kind: pb::HelpKind) -> Option<&'static str> {
    kind_of(kind).map(Into::into)
}

/// A kind.
pub fn kind_shown(kind: Kind) -> pb::HelpKind {
    match kind {
        Kind::Assist => pb::HelpKind::Assist,
        Kind::Investment => pb::HelpKind::Investment,
        Kind::Errand => pb::HelpKind::Errand,
    }
}

/// Codes of items or themes.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
pub fn codes(field: &str, codes: &[String], most: usize) -> Result<BTreeSet<String>, Refusal> {
    ask::few(field, codes, most)?;
    let one = |(place, code): (usize, &String)| ask::text(&format!("{field}[{place}]"), code, 1, 100, WRONG);
    codes.iter().enumerate().map(one).collect()
}

/// An account: visible ASCII characters.
///
/// # Errors
/// `FIELD_INVALID`.
pub fn account(account: &str) -> Result<String, Refusal> {
    let account = ask::text("account", account, 1, 100, WRONG)?;
    match account.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(account),
        false => {
            Err(Refusal::field("account", WRONG, "账号由可见ASCII字符组成", "an account is visible ASCII characters"))
        }
    }
}

/// What is to be registered.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
pub fn registration(message: &pb::RegisterAgentRequest, organ: Organ) -> Result<Registration, Refusal> {
    let kinds: BTreeSet<Kind> = message
        .kinds()
        .enumerate()
        .map(|(place, one)| kind(&format!("kinds[{place}]"), one))
        .collect::<Result<_, _>>()?;
    if kinds.is_empty() {
        return Err(Refusal::field("kinds", WRONG, "请指明代办类型", "name what they do"));
    }
    let capacity = u32::try_from(message.capacity).ok().filter(|capacity| (1..=100).contains(capacity));
    Ok(Registration {
        account: account(&message.account)?,
        name: ask::text("name", &message.name, 1, 50, WRONG)?,
        organ,
        region: region("region_code", &message.region_code)?,
        park: ask::text("park", &message.park, 0, 50, WRONG)?,
        kinds,
        items: codes("item_codes", &message.item_codes, 100)?,
        themes: codes("theme_codes", &message.theme_codes, 20)?,
        capacity: capacity
            .ok_or_else(|| Refusal::field("capacity", WRONG, "同时代办件数应为1至100", "1 to 100 at a time"))?,
        phone: ask::text("phone", &message.phone, 0, 30, WRONG)?,
    })
}

/// 离岗; none: on duty.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
pub fn away(message: &pb::SetAgentDutyRequest) -> Result<Option<Away>, Refusal> {
    if message.on_duty {
        return Ok(None);
    }
    let until = crate::grpc::day("away_until", &message.away_until)?;
    Ok(Some(Away { until, reason: ask::text("reason", &message.reason, 0, 200, WRONG)? }))
}

/// An agent; the name in full only to offices.
pub fn agent(id: StreamId, version: u64, agent: &Agent, reader: Reader, now: Timestamp) -> pb::Agent {
    let own = &agent.registered;
    let kinds = own.kinds.iter().map(|one| kind_shown(*one).into());
    pb::Agent {
        id: id.to_string(),
        account: own.account.clone(),
        etag: wire::etag(version),
        name: name(&own.name, reader),
        organ: Some(organ_shown(&own.organ)),
        region_code: own.region.clone(),
        park: own.park.clone(),
        kinds: kinds.collect(),
        item_codes: own.items.iter().cloned().collect(),
        theme_codes: own.themes.iter().cloned().collect(),
        capacity: count(own.capacity),
        phone: own.phone.clone(),
        on_duty: agent.on_duty(legal_date(now)),
        away_until: agent.away.as_ref().and_then(|away| away.until).map(|day| day.to_string()).unwrap_or_default(),
        retired: agent.retired,
        load: count(agent.open.len()),
        idle_since: Some(timestamp(agent.idle_since)),
    }
}

/// An agent's name, in full only to offices.
pub fn name(name: &str, reader: Reader) -> String {
    match reader {
        Reader::Office => name.to_owned(),
        Reader::Public => mask_name(name),
    }
}
