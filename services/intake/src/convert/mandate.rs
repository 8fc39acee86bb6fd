//! Mandates, as the contracts bring and show them.

use chrono::NaiveDate;
use yiwang_kit::{Caller, timestamp, wire};
use yiwang_ledger::{Personal, Refusal, StreamId};
use yiwang_proto::intake::v1 as pb;

use super::application::{actor, mask_party, party};
use super::ask;
use crate::mandate::{Act, Grant, Kind, Mandate};

fn kind(message: pb::MandateKind) -> Result<Kind, Refusal> {
    Ok(match message {
        pb::MandateKind::Unspecified => {
            return Err(Refusal::field("kind", "KIND_MISSING", "请选择代理类型", "name the kind of the mandate"));
        }
        pb::MandateKind::Entrusted => Kind::Entrusted,
        pb::MandateKind::LegalRepresentative => Kind::LegalRepresentative,
        pb::MandateKind::Employee => Kind::Employee,
        pb::MandateKind::Guardian => Kind::Guardian,
        pb::MandateKind::Family => Kind::Family,
        pb::MandateKind::Helper => Kind::Helper,
    })
}

/// A kind, as shown.
pub fn kind_shown(kind: Kind) -> pb::MandateKind {
    match kind {
        Kind::Entrusted => pb::MandateKind::Entrusted,
        Kind::LegalRepresentative => pb::MandateKind::LegalRepresentative,
        Kind::Employee => pb::MandateKind::Employee,
        Kind::Guardian => pb::MandateKind::Guardian,
        Kind::Family => pb::MandateKind::Family,
        Kind::Helper => pb::MandateKind::Helper,
    }
}

/// What is to be granted; a person or company that names no principal is it.
///
/// # Errors
/// `PARTY_INVALID`, `PRINCIPAL_MISSING`, `AGENT_MISSING`, `KIND_MISSING`, `FIELD_INVALID`, `PERIOD_INVALID`.
pub fn grant(
    message: &pb::GrantMandateRequest,
    caller: &Caller,
    sealing: &ask::Sealing<'_>,
    today: NaiveDate,
) -> Result<Grant, Refusal> {
    let whole = |party: &crate::application::Party| party.is_identified() && party.name.is_some();
    let principal = message.principal.as_ref().map(|party| sealing.principal(party)).transpose()?.flatten();
    let principal = principal.filter(whole).ok_or_else(|| {
        let (zh, en) = (
            "请填写被代理人的姓名或名称、证件类型和证件号码",
            "the principal's name, document kind and number are needed",
        );
        Refusal::field("principal", "PRINCIPAL_MISSING", zh, en)
    })?;
    let agent = message.agent.as_ref().map(|party| sealing.agent(party)).transpose()?.flatten();
    let agent = agent.filter(whole).ok_or_else(|| {
        let (zh, en) =
            ("请填写代理人的姓名、证件类型和证件号码", "the agent's name, document kind and number are needed");
        Refusal::field("agent", "AGENT_MISSING", zh, en)
    })?;
    ask::few("items", &message.items, 20)?;
    let items = message.items.iter().enumerate();
    let items = items.map(|(place, item)| ask::text(&format!("items[{place}]"), item, 1, 100, "FIELD_INVALID"));
    let mut acts: Vec<Act> = message.acts().filter_map(act).collect();
    acts.sort_unstable();
    acts.dedup();
    let day = |field: &str, text: &str| match text.trim() {
        "" => Ok(None),
        text => wire::day(text)
            .map(Some)
            .ok_or_else(|| Refusal::field(field, "FIELD_INVALID", "日期应为YYYY-MM-DD", "a day is YYYY-MM-DD")),
    };
    let evidence = ask::text("evidence", &message.evidence, 0, 200, "FIELD_INVALID")?;
    let evidence = (caller.is_staff() && !evidence.is_empty())
        .then(|| Personal::new(&principal.subject, "mandate.evidence", evidence));
    Ok(Grant {
        principal,
        agent,
        kind: kind(message.kind())?,
        items: items.collect::<Result<_, _>>()?,
        acts,
        from: day("from_date", &message.from_date)?.unwrap_or(today),
        until: day("until_date", &message.until_date)?.ok_or_else(|| {
            let (zh, en) = ("授权应当载明期限（民法典第一百六十五条）", "name the last day (Civil Code art. 165)");
            Refusal::field("until_date", "PERIOD_INVALID", zh, en)
        })?,
        evidence,
        region: if caller.is_staff() { caller.region.clone() } else { String::new() },
        helping: None,
    })
}

/// An act; none where none was named.
pub fn act(act: pb::MandateAct) -> Option<Act> {
    match act {
        pb::MandateAct::Unspecified => None,
        pb::MandateAct::Apply => Some(Act::Apply),
        pb::MandateAct::Withdraw => Some(Act::Withdraw),
        pb::MandateAct::Receive => Some(Act::Receive),
    }
}

/// An act, as shown.
pub fn act_shown(act: Act) -> pb::MandateAct {
    match act {
        Act::Apply => pb::MandateAct::Apply,
        Act::Withdraw => pb::MandateAct::Withdraw,
        Act::Receive => pb::MandateAct::Receive,
    }
}

/// A mandate, in a list with its parties masked.
pub fn shown(
    stream: StreamId,
    version: u64,
    mandate: &Mandate,
    today: NaiveDate,
    masked: bool,
    reader: super::application::Reader,
) -> pb::Mandate {
    let Some(grant) = &mandate.grant else { return pb::Mandate::default() };
    let mut one = pb::Mandate {
        id: stream.to_string(),
        etag: wire::etag(version),
        principal: Some(party(&grant.principal)),
        agent: Some(party(&grant.agent)),
        kind: kind_shown(grant.kind).into(),
        items: grant.items.clone(),
        from_date: grant.from.to_string(),
        until_date: grant.until.to_string(),
        // what was shown may name people: not in lists
        evidence: grant.evidence.as_ref().filter(|_| !masked).and_then(Personal::get).unwrap_or_default().to_owned(),
        in_force: mandate.in_force(today),
        ended_reason: mandate.ended.as_ref().and_then(|ended| ended.reason.get()).unwrap_or_default().to_owned(),
        end_time: mandate.ended.as_ref().map(|ended| timestamp(ended.at)),
        granted_by: Some(actor(&mandate.by, reader)),
        create_time: Some(timestamp(mandate.at)),
        ..Default::default()
    };
    one.acts = grant.acts.iter().map(|act| act_shown(*act).into()).collect();
    if let Some(helping) = &grant.helping {
        (one.account, one.engagement_id) = (helping.account.clone(), helping.engagement.to_string());
    }
    if masked {
        for party in [&mut one.principal, &mut one.agent].into_iter().flatten() {
            mask_party(party);
        }
    }
    one
}

/// Why a mandate ends.
///
/// # Errors
/// `FIELD_INVALID`.
pub fn reason(message: &pb::RevokeMandateRequest, mandate: &Mandate) -> Result<Personal, Refusal> {
    let text = ask::text("reason", &message.reason, 1, 200, "FIELD_INVALID")?;
    let grant = mandate.grant.as_ref().ok_or_else(crate::mandate::not_found)?;
    Ok(Personal::new(&grant.principal.subject, "mandate.reason", text))
}
