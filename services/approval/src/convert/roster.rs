//! Rosters, as the contract brings and shows them.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use yiwang_kit::wire;
use yiwang_ledger::Refusal;
use yiwang_proto::approval::v1 as pb;

use super::ask::{optional, text};
use crate::roster::{Away, Duty, Post, Roster};

const WRONG: &str = "FIELD_INVALID";

/// 机关编码.
///
/// # Errors
/// `FIELD_INVALID`.
pub fn organ(code: &str) -> Result<String, Refusal> {
    text("organisation_code", WRONG, code, 36)
}

/// Who is put on, and as what.
///
/// # Errors
/// `FIELD_INVALID`, `ACCOUNT_UNFIT`, `DUTIES_MISSING`.
pub fn post(message: &pb::SetPostRequest) -> Result<(String, Post), Refusal> {
    let account = text("account", WRONG, &message.account, 100)?;
    if !account.starts_with("staff:") {
        let (zh, en) = ("应为工作人员的账号", "an officer's account begins with staff:");
        return Err(Refusal::field("account", "ACCOUNT_UNFIT", zh, en));
    }
    let duties: BTreeSet<Duty> = message.duties().filter_map(duty).collect();
    if duties.is_empty() {
        let (zh, en) = ("请写明职责：审查、决定", "say what they do: review, decide");
        return Err(Refusal::field("duties", "DUTIES_MISSING", zh, en));
    }
    if message.item_codes.len() > 200 {
        return Err(Refusal::field("item_codes", WRONG, "至多200个事项", "200 items at most"));
    }
    let codes = message.item_codes.iter().enumerate();
    let items = codes.map(|(place, code)| item_code(&format!("item_codes[{place}]"), code));
    Ok((
        account,
        Post {
            name: text("name", WRONG, &message.name, 50)?,
            duties,
            items: items.collect::<Result<_, _>>()?,
            stand_in: optional("stand_in", &message.stand_in, 100)?,
            away: None,
        },
    ))
}

fn item_code(field: &str, code: &str) -> Result<String, Refusal> {
    let code = text(field, WRONG, code, 100)?;
    if code.is_ascii() {
        Ok(code)
    } else {
        Err(Refusal::field(field, WRONG, "应为实施编码", "this is no code of an item"))
    }
}

fn duty(duty: pb::PostDuty) -> Option<Duty> {
    match duty {
        pb::PostDuty::Unspecified => None,
        pb::PostDuty::Review => Some(Duty::Review),
        pb::PostDuty::Decide => Some(Duty::Decide),
    }
}

/// 离岗; none: on duty.
///
/// # Errors
/// `FIELD_INVALID`.
pub fn away(message: &pb::SetPostDutyRequest) -> Result<Option<Away>, Refusal> {
    let until = match message.until.trim() {
        "" => None,
        text => {
            Some(wire::day(text).ok_or_else(|| Refusal::field("until", WRONG, "日期应为YYYY-MM-DD", "YYYY-MM-DD"))?)
        }
    };
    if !message.away && until.is_some() {
        let (zh, en) = ("在岗的不写离岗的最后一日", "who is there has no last day away");
        return Err(Refusal::field("until", WRONG, zh, en));
    }
    Ok(message.away.then_some(Away { until }))
}

/// A roster, as it stands on a day.
pub fn shown(organ: &str, version: u64, roster: &Roster, today: NaiveDate) -> pb::Roster {
    let posts = roster.posts.iter().map(|(account, post)| {
        let away = post.away.as_ref().filter(|_| post.is_away(today));
        let until = away.and_then(|away| away.until).map(|last| last.to_string());
        let duty = |duty: &Duty| match duty {
            Duty::Review => pb::PostDuty::Review.into(),
            Duty::Decide => pb::PostDuty::Decide.into(),
        };
        pb::Post {
            account: account.clone(),
            name: post.name.clone(),
            duties: post.duties.iter().map(duty).collect(),
            item_codes: post.items.iter().cloned().collect(),
            stand_in: post.stand_in.clone(),
            away: away.is_some(),
            away_until: until.unwrap_or_default(),
        }
    });
    pb::Roster { organisation_code: organ.to_owned(), etag: wire::etag(version), posts: posts.collect() }
}
