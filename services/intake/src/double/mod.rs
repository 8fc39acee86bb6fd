//! 禁双头受理: another application of the same applicant for the same matter that is in progress, whatever the region, the organ or
//! the channel. What is in progress is tagged by who applies and for what, so that it is found by the index.

pub mod outside;

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_ledger::{Audiences, Ledger, Personal, Read, Refusal, StreamId, SubjectId, Timestamp, Vault};
use yiwang_standards::identity::{DocumentKind, validate};

use crate::application::{Application, ItemPin, Party, Phase};
use crate::catalogue::import::all_tagged;
use crate::catalogue::{self, Item, Standing};
use crate::directory::{self, BasicItem};
use crate::limit::legal_date;

/// The tag of what is in progress: who applies, and for what.
pub const MATTER: &str = "matter";
/// So many others are told of, those that stop before the rest; more than one are rare.
const MOST: usize = 20;
/// So many items are followed from one to the next by succession; longer chains are none.
const CHAIN: usize = 20;

/// Another application for the same matter, as whoever handles this one may know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Other {
    /// Which.
    pub application: StreamId,
    /// 办件编号, before acceptance 收件凭证编号; empty for the moment in which the receipt is being numbered.
    pub number: String,
    /// 行政区划.
    pub region: String,
    /// 实施主体.
    pub department: String,
    /// Code of the organ.
    pub organisation: String,
    /// The day of its first receipt.
    pub received: NaiveDate,
    /// It was accepted.
    pub accepted: bool,
    /// It stops the acceptance of this one: it was handed in earlier, or was accepted.
    pub stops: bool,
    /// It is part of a joint application: it is joined to nothing, the other one to it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub part: bool,
}

/// 双头受理: why it was accepted all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// The others, as they stood then.
    pub others: Vec<Other>,
    /// Why.
    pub reason: Personal,
    /// Who.
    pub by: crate::application::Actor,
}

/// Whether it counts: handed in, and neither ended nor decided.
pub fn in_progress(app: &Application) -> bool {
    match &app.phase {
        Phase::Submitted { .. } | Phase::CorrectionRequested => true,
        Phase::Accepted(_) => app.conclusion.is_none(),
        Phase::Absent | Phase::Draft | Phase::Refused(_) | Phase::Withdrawn { .. } => false,
    }
}

fn item_key(code: &str) -> String {
    format!("item {code}")
}

fn basic_key(code: &str) -> String {
    format!("basic {code}")
}

fn tag(subject: &SubjectId, key: &str) -> String {
    format!("{subject} {key}")
}

/// What an application in progress is found by: its item, and the basic item that this was claimed from.
pub fn tags(app: &Application) -> Vec<String> {
    let Some(applicant) = app.identified_applicant().filter(|_| in_progress(app)) else { return Vec::new() };
    keys_of(&app.item.code, &app.item.basic).iter().map(|key| tag(&applicant.subject, key)).collect()
}

fn keys_of(code: &str, basic: &str) -> BTreeSet<String> {
    let basic = Some(basic).filter(|basic| !basic.is_empty()).map(basic_key);
    [item_key(code)].into_iter().chain(basic).collect()
}

/// The items that this one succeeds, or that succeed it: by name (取消), and whence it came (下放、划转).
fn named_by(item: &Item) -> impl Iterator<Item = &String> {
    let successor = match &item.standing {
        Standing::Cancelled(end) => end.successor.as_ref(),
        _ => None,
    };
    successor.into_iter().chain(item.received.as_ref().map(|received| &received.item_code))
}

/// The items that an item names, as it is tagged.
pub fn succession(item: &Item) -> Vec<String> {
    named_by(item).filter(|code| !code.is_empty()).cloned().collect()
}

/// Every key under which the same matter may be in progress: the item, its basic item, and what they succeed or are succeeded by.
///
/// # Errors
/// Those of the ledger.
pub async fn matter(ledger: &Ledger, pin: &ItemPin) -> Result<BTreeSet<String>, Refusal> {
    let (mut codes, mut basics) = (BTreeSet::new(), BTreeSet::new());
    let mut next = vec![pin.code.clone()];
    if !pin.basic.is_empty() {
        basics.insert(pin.basic.clone());
    }
    while let Some(code) = next.pop() {
        if codes.len() >= CHAIN || !codes.insert(code.clone()) {
            continue;
        }
        if let Some(read) = ledger.get::<Item>(catalogue::stream(&code), &Audiences::all()).await? {
            next.extend(succession(&read.state));
            basics.extend(Some(read.state.facts.basic.clone()).filter(|basic| !basic.is_empty()));
        }
        let naming = all_tagged::<Item>(ledger, &[("succession", code)]).await?;
        next.extend(naming.into_iter().map(|read| read.state.facts.code.clone()));
    }
    let mut next: Vec<String> = std::mem::take(&mut basics).into_iter().collect();
    while let Some(code) = next.pop() {
        if basics.len() >= CHAIN || !basics.insert(code.clone()) {
            continue;
        }
        if let Some(read) = ledger.get::<BasicItem>(directory::stream(&code), &Audiences::all()).await? {
            next.extend(read.state.ended.as_ref().and_then(|ended| ended.successor.clone()));
        }
        let naming = all_tagged::<BasicItem>(ledger, &[("successor", code)]).await?;
        next.extend(naming.into_iter().map(|read| read.state.facts.code.clone()));
    }
    Ok(codes.iter().map(|code| item_key(code)).chain(basics.iter().map(|code| basic_key(code))).collect())
}

/// Everybody whom the applicant may be: the same number given as another kind of document is the same person.
fn bearers(vault: &Vault, party: &Party) -> BTreeSet<SubjectId> {
    let number = party.number.as_ref().and_then(Personal::get).unwrap_or_default();
    let kinds = [
        DocumentKind::ResidentId,
        DocumentKind::Uscc,
        DocumentKind::HongKongMacauPermit,
        DocumentKind::TaiwanPermit,
        DocumentKind::ForeignPermanentResidence,
        DocumentKind::Other,
    ];
    // a passport's number may be another country's, too
    let told_apart = matches!(
        party.kind,
        None | Some(DocumentKind::Passport | DocumentKind::HongKongMacauPass | DocumentKind::TaiwanPass)
    );
    let kinds = kinds.into_iter().filter(|kind| !told_apart && !number.is_empty() && validate(*kind, number).is_ok());
    let as_given = [party.subject.clone()];
    as_given.into_iter().chain(kinds.map(|kind| yiwang_kit::subject(vault, kind, number))).collect()
}

/// What is to be known of another one, by who looks at one that was received at a moment (none while it was not).
pub fn other(read: &Read<Application>, own: StreamId, own_receipt: Option<Timestamp>) -> Option<Other> {
    let app = &read.state;
    let receipt = app.receipt.as_ref()?;
    let accepted = matches!(app.phase, Phase::Accepted(_));
    // of two of one moment the ids say which goes first
    let earlier = own_receipt.is_none_or(|at| (receipt.at, read.stream) < (at, own));
    Some(Other {
        application: read.stream,
        number: app.case_number.clone().unwrap_or_else(|| receipt.number.clone()),
        region: app.item.region.clone(),
        department: app.item.department.clone(),
        organisation: app.item.organisation.clone(),
        received: legal_date(receipt.at),
        accepted,
        stops: accepted || earlier,
        part: app.joint.is_some(),
    })
}

/// Others in progress, the earliest received first.
///
/// # Errors
/// Those of the ledger.
pub async fn others(ledger: &Ledger, own: StreamId, app: &Application) -> Result<Vec<Other>, Refusal> {
    let Some(applicant) = app.identified_applicant() else { return Ok(Vec::new()) };
    let keys = matter(ledger, &app.item).await?;
    let receipt = app.receipt.as_ref().map(|receipt| receipt.at);
    let mut found: Vec<(Timestamp, Other)> = Vec::new();
    for subject in bearers(ledger.vault(), applicant) {
        for key in &keys {
            // all of them: the one that stops is the oldest, and lists begin with the newest
            for read in all_tagged::<Application>(ledger, &[(MATTER, tag(&subject, key))]).await? {
                let known = read.stream == own || found.iter().any(|(_, other)| other.application == read.stream);
                let at = read.state.receipt.as_ref().map(|receipt| receipt.at).unwrap_or_default();
                found.extend(other(&read, own, receipt).filter(|_| !known).map(|other| (at, other)));
            }
        }
    }
    found.sort_by_key(|(at, other)| (!other.stops, *at, other.application));
    found.truncate(MOST);
    found.sort_by_key(|(at, other)| (*at, other.application));
    Ok(found.into_iter().map(|(_, other)| other).collect())
}

/// Refuses what another one stops.
///
/// # Errors
/// `DOUBLE_ENTRY`, naming the first that does.
pub fn check(others: &[Other]) -> Result<(), Refusal> {
    let Some(first) = others.iter().find(|other| other.stops) else { return Ok(()) };
    let (zh, en) = (
        format!(
            "申请人就同一事项已有在办的申请：{}（{}）{}收件，编号{}。请并入该申请，或者说明理由后受理，理由报送监督",
            first.department, first.region, first.received, first.number
        ),
        format!(
            "the applicant has another application for the same matter in progress: {} ({}), received {}, number {}. Join this one \
             to it, or say why it is accepted all the same; supervision sees the reason",
            first.department, first.region, first.received, first.number
        ),
    );
    let stopping = others.iter().filter(|other| other.stops).count();
    Err(Refusal::state("DOUBLE_ENTRY", zh, en)
        .with("number", first.number.clone())
        .with("region_code", first.region.clone())
        .with("department", first.department.clone())
        .with("receive_date", first.received.to_string())
        .with("others", stopping.to_string()))
}
