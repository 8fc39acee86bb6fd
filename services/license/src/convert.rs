//! Between the contract and the domain. What a field must be is checked here, once, on receipt, and the refusal names it.

use chrono::{Datelike, NaiveDate};
use serde_json::{Map, Value};
use yiwang_kit::{Caller, party, timestamp, wire};
use yiwang_ledger::{Personal, Refusal, StreamId, SubjectId, Timestamp, Vault};
use yiwang_proto::license::v1 as pb;
use yiwang_proto::party::v1 as parties;
use yiwang_standards::license_id::{LicenseId, LicenseIdError};
use yiwang_standards::{calendar, sm};

use crate::license::payload::Content;
use crate::license::{CancelCause, Change, Holder, Issued, License, Officer, Status, StatusOn, decide};
use crate::seal::Seal;

/// Longest reason.
pub const REASON_MAX: usize = 1_000;
/// Longest name of a licence, an issuer or a holder.
pub const NAME_MAX: usize = 200;

/// What approval's relay orders, checked.
#[derive(Clone, Debug)]
pub struct Order {
    /// 证照类型代码.
    pub type_code: String,
    /// 证照名称.
    pub name: String,
    /// 颁发机构.
    pub issuer: String,
    /// 颁发机构代码, as the catalogue has it.
    pub issuer_code: String,
    /// The same as the identifier carries it: letters and digits alone.
    pub issuer_segment: String,
    /// 行政区划.
    pub region: String,
    /// 实施编码.
    pub item_code: String,
    /// 办件编号.
    pub case_number: String,
    /// Account that owns the application.
    pub owner: String,
    /// Keyed hash of that account's own document.
    pub owner_subject: Option<SubjectId>,
    /// 持证主体.
    pub holder: Holder,
    /// 签发日期.
    pub issued_on: NaiveDate,
    /// 有效期止.
    pub valid_to: Option<NaiveDate>,
    /// What the licence says beyond its metadata.
    pub data: Map<String, Value>,
    /// Who granted the case.
    pub by: Officer,
}

/// Checks an order, for a key to sign it with.
///
/// # Errors
/// `LICENSE_TYPE_INVALID`, `ISSUER_INVALID`, `HOLDER_INVALID`, `VALIDITY_INVALID`, `PAYLOAD_INVALID`, `FIELD_INVALID`, each
/// naming the field.
pub fn order(request: &pb::IssueLicenseRequest, vault: &Vault, key_id: &str) -> Result<Order, Refusal> {
    let issued_on = wire::day(&request.issue_date)
        .ok_or_else(|| field("issue_date", "签发日期应为YYYY-MM-DD", "a day is YYYY-MM-DD"))?;
    // Live catalogues have codes with hyphens (68236467-9); the identifier takes letters and digits alone.
    let issuer_segment: String =
        request.issuer_code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    if request.case_number.is_empty() {
        return Err(field("case_number", "缺少办件编号", "the case is missing"));
    }
    let order = Order {
        type_code: request.type_code.trim().to_ascii_uppercase(),
        name: name("name", &request.name)?,
        issuer: name("issuer", &request.issuer)?,
        issuer_code: request.issuer_code.clone(),
        issuer_segment,
        region: request.region_code.clone(),
        item_code: request.item_code.clone(),
        case_number: request.case_number.clone(),
        owner: request.owner.clone(),
        owner_subject: party::owner_subject(&request.owner_subject)?,
        holder: holder(request.holder.as_ref(), vault)?,
        issued_on,
        valid_to: decide::valid_to(issued_on, request.validity_months)?,
        data: data(request.data.as_ref())?,
        by: request.actor.as_ref().map(officer).unwrap_or_default(),
    };
    // With the longest serial there is, before one is taken: a refusal leaves no gap.
    order.paper(u32::MAX, key_id)?;
    Ok(order)
}

fn identifier_refusal(error: LicenseIdError) -> Refusal {
    let (name, reason) = match error {
        LicenseIdError::Type => ("type_code", "LICENSE_TYPE_INVALID"),
        _ => ("issuer_code", "ISSUER_INVALID"),
    };
    Refusal::field(name, reason, error.zh(), error.en())
}

fn holder(party: Option<&parties::Party>, vault: &Vault) -> Result<Holder, Refusal> {
    let invalid = || {
        let (zh, en) = (
            "持证主体应有名称（至多200字）、证件类型和证件号码",
            "a holder has a name (at most 200 characters), a kind of document and its number",
        );
        Refusal::field("holder", "HOLDER_INVALID", zh, en)
    };
    let named = |party: &&parties::Party| (1..=NAME_MAX).contains(&party.name.trim().chars().count());
    let party = party.filter(named).ok_or_else(invalid)?;
    let subject = party::subject_of(vault, party).ok_or_else(invalid)?;
    Ok(Holder {
        name: Personal::new(&subject, "name", party.name.trim()),
        document_kind: party.document_kind,
        document_number: Personal::new(&subject, "document_number", party.document_number.trim()),
        subject,
    })
}

fn data(data: Option<&pbjson_types::Struct>) -> Result<Map<String, Value>, Refusal> {
    let Some(data) = data else { return Ok(Map::new()) };
    match serde_json::to_value(data) {
        Ok(Value::Object(map)) => Ok(map),
        _ => Err(field("data", "证照数据无法读取", "the data cannot be written as JSON")),
    }
}

/// What a serial makes of an order.
struct Paper {
    /// 证照标识.
    identifier: String,
    /// 证照编号: the issuer with the year and serial of its register, so that no two licences have the same.
    number: String,
    /// The bytes to sign.
    payload: String,
}

impl Order {
    fn paper(&self, serial: u32, key_id: &str) -> Result<Paper, Refusal> {
        let year = self.issued_on.year();
        let identifier = LicenseId::new(&self.type_code, &self.issuer_segment, &format!("{year}{serial:07}"), 1)
            .map_err(identifier_refusal)?;
        let identifier = String::from(identifier);
        let number = format!("{}-{year}-{serial:06}", self.issuer_segment);
        let shown = |value: &Personal| value.get().unwrap_or_default().to_owned();
        let (name, document) = (shown(&self.holder.name), shown(&self.holder.document_number));
        let kind = parties::DocumentKind::try_from(self.holder.document_kind).unwrap_or_default();
        let payload = Content {
            identifier: &identifier,
            type_code: &self.type_code,
            name: &self.name,
            number: &number,
            issuer: &self.issuer,
            issuer_code: &self.issuer_code,
            region: &self.region,
            holder_name: &name,
            holder_document_kind: kind.as_str_name(),
            holder_document_number: &document,
            issue_date: self.issued_on.to_string(),
            valid_to: self.valid_to.map(|day| day.to_string()),
            case_number: &self.case_number,
            item_code: &self.item_code,
            version: 1,
            key_id,
            data: self.data.clone(),
        }
        .canonical()?;
        Ok(Paper { identifier, number, payload })
    }
}

/// The order with its serial, signed: what will be issued.
///
/// # Errors
/// The seal's.
pub fn sealed(order: &Order, serial: u32, seal: &Seal) -> Result<Issued, yiwang_kit::Fault> {
    let Paper { identifier, number, payload } = order.paper(serial, &seal.key_id)?;
    let signature = sm::to_hex(&seal.sign(payload.as_bytes())?);
    Ok(Issued {
        identifier,
        type_code: order.type_code.clone(),
        name: order.name.clone(),
        number,
        issuer: order.issuer.clone(),
        issuer_code: order.issuer_code.clone(),
        region: order.region.clone(),
        item_code: order.item_code.clone(),
        case_number: order.case_number.clone(),
        owner: order.owner.clone(),
        owner_subject: order.owner_subject.clone(),
        payload: Personal::new(&order.holder.subject, "payload", payload),
        holder: order.holder.clone(),
        issued_on: order.issued_on,
        valid_to: order.valid_to,
        version: 1,
        signature,
        key_id: seal.key_id.clone(),
        by: order.by.clone(),
    })
}

/// Why a licence ends.
///
/// # Errors
/// `CAUSE_MISSING`, `REASON_MISSING`.
pub fn cancellation(request: &pb::CancelLicenseRequest) -> Result<(CancelCause, String), Refusal> {
    let cause = match request.cause() {
        pb::CancelCause::NotRenewed => CancelCause::NotRenewed,
        pb::CancelCause::DeathOrIncapacity => CancelCause::DeathOrIncapacity,
        pb::CancelCause::OrganisationEnded => CancelCause::OrganisationEnded,
        pb::CancelCause::PermitAnnulled => CancelCause::PermitAnnulled,
        pb::CancelCause::ForceMajeure => CancelCause::ForceMajeure,
        pb::CancelCause::OtherByLaw => CancelCause::OtherByLaw,
        pb::CancelCause::Unspecified => {
            let (zh, en) = ("请选择注销事由（行政许可法第七十条）", "name the cause (Licensing Law, art. 70)");
            return Err(Refusal::field("cause", "CAUSE_MISSING", zh, en));
        }
    };
    match request.reason.trim() {
        "" => Err(Refusal::field("reason", "REASON_MISSING", "请写明注销理由", "say why")),
        reason if reason.chars().count() > REASON_MAX => {
            Err(field("reason", "理由不得超过1000字", "at most 1000 characters"))
        }
        reason => Ok((cause, reason.to_owned())),
    }
}

/// Who acts for the organ.
pub fn officer(actor: &parties::Actor) -> Officer {
    Officer {
        id: actor.id.clone(),
        name: actor.name.clone(),
        role: actor.role.clone(),
        organisation: actor.organisation.clone(),
    }
}

fn actor(officer: &Officer) -> parties::Actor {
    parties::Actor {
        id: officer.id.clone(),
        name: officer.name.clone(),
        role: officer.role.clone(),
        organisation: officer.organisation.clone(),
        ..Default::default()
    }
}

fn name(name: &str, value: &str) -> Result<String, Refusal> {
    match value.trim() {
        "" => Err(field(name, "该项不能为空", "this must not be empty")),
        value if value.chars().count() > NAME_MAX => Err(field(name, "该项不得超过200字", "at most 200 characters")),
        value => Ok(value.to_owned()),
    }
}

fn field(name: &str, zh: &str, en: &str) -> Refusal {
    Refusal::field(name, "FIELD_INVALID", zh, en)
}

/// The status that a filter names; `None`: all.
pub fn status_filter(status: pb::LicenseStatus) -> Option<&'static str> {
    (status != pb::LicenseStatus::Unspecified)
        .then(|| status.as_str_name().strip_prefix("LICENSE_STATUS_").unwrap_or_default())
}

/// The status of a day.
pub fn status(status: StatusOn) -> pb::LicenseStatus {
    match status {
        StatusOn::Absent => pb::LicenseStatus::Unspecified,
        // Issued and sealed, only not begun: it says so in the reasons of a verification.
        StatusOn::NotYetValid | StatusOn::Valid => pb::LicenseStatus::Valid,
        StatusOn::Expired => pb::LicenseStatus::Expired,
        StatusOn::Cancelled => pb::LicenseStatus::Cancelled,
    }
}

fn shown(value: &Personal) -> String {
    value.get().unwrap_or(party::ERASED).to_owned()
}

/// A licence in full, as it stands on a day of legal time.
pub fn license(id: StreamId, version: u64, license: &License, now: Timestamp) -> pb::License {
    let Some(issued) = &license.issued else { return pb::License::default() };
    pb::License {
        id: id.to_string(),
        etag: wire::etag(version),
        identifier: issued.identifier.clone(),
        type_code: issued.type_code.clone(),
        type_name: issued.name.clone(),
        name: issued.name.clone(),
        number: issued.number.clone(),
        issuer: issued.issuer.clone(),
        issuer_code: issued.issuer_code.clone(),
        holder: Some(parties::Party {
            name: shown(&issued.holder.name),
            document_kind: issued.holder.document_kind,
            document_number: shown(&issued.holder.document_number),
            ..parties::Party::default()
        }),
        issue_date: issued.issued_on.to_string(),
        valid_from: issued.issued_on.to_string(),
        valid_to: issued.valid_to.map(|day| day.to_string()).unwrap_or_default(),
        status: status(license.status_on(calendar::legal_date(now.0))).into(),
        payload: issued.payload.get().unwrap_or_default().as_bytes().to_vec(),
        signature: sm::from_hex(&issued.signature).unwrap_or_default(),
        key_id: issued.key_id.clone(),
        case_number: issued.case_number.clone(),
        license_version: i32::try_from(issued.version).unwrap_or(i32::MAX),
        status_changes: license.changes.iter().map(change).collect(),
        create_time: license.changes.first().map(|change| timestamp(change.at)),
        update_time: license.changes.last().map(|change| timestamp(change.at)),
        owner: issued.owner.clone(),
        item_code: issued.item_code.clone(),
    }
}

/// The licence as the caller reads it: to its holder, officers' names go out masked.
pub fn to(caller: &Caller, mut license: pb::License) -> pb::License {
    for actor in license.status_changes.iter_mut().filter_map(|change| change.changed_by.as_mut()) {
        *actor = party::shown_actor(std::mem::take(actor), caller);
    }
    license
}

fn change(change: &Change) -> pb::StatusChange {
    let (status, cause) = match &change.to {
        Status::Absent => (pb::LicenseStatus::Unspecified, None),
        Status::Valid => (pb::LicenseStatus::Valid, None),
        Status::Expired => (pb::LicenseStatus::Expired, None),
        Status::Cancelled { cause } => (pb::LicenseStatus::Cancelled, Some(*cause)),
    };
    let reason = change.reason.as_ref().map(shown);
    pb::StatusChange {
        status: status.into(),
        change_time: Some(timestamp(change.at)),
        changed_by: Some(actor(&change.by)),
        cause: cause.map_or(pb::CancelCause::Unspecified, cause_out).into(),
        reason: match (cause, reason) {
            (Some(cause), Some(reason)) => format!("{reason}（{}）", cause.article()),
            (_, reason) => reason.unwrap_or_default(),
        },
    }
}

fn cause_out(cause: CancelCause) -> pb::CancelCause {
    match cause {
        CancelCause::NotRenewed => pb::CancelCause::NotRenewed,
        CancelCause::DeathOrIncapacity => pb::CancelCause::DeathOrIncapacity,
        CancelCause::OrganisationEnded => pb::CancelCause::OrganisationEnded,
        CancelCause::PermitAnnulled => pb::CancelCause::PermitAnnulled,
        CancelCause::ForceMajeure => pb::CancelCause::ForceMajeure,
        CancelCause::OtherByLaw => pb::CancelCause::OtherByLaw,
    }
}

/// A licence as lists show it.
pub fn summary(id: StreamId, license: &License, now: Timestamp) -> pb::LicenseSummary {
    let Some(issued) = &license.issued else { return pb::LicenseSummary::default() };
    let holder = &issued.holder;
    pb::LicenseSummary {
        id: id.to_string(),
        identifier: issued.identifier.clone(),
        name: issued.name.clone(),
        number: issued.number.clone(),
        issuer: issued.issuer.clone(),
        holder: Some(party::masked(&holder.name, holder.document_kind, &holder.document_number)),
        issue_date: issued.issued_on.to_string(),
        valid_to: issued.valid_to.map(|day| day.to_string()).unwrap_or_default(),
        status: status(license.status_on(calendar::legal_date(now.0))).into(),
        case_number: issued.case_number.clone(),
        data: None,
    }
}

/// The same for the suite's services, which ask by the holder: with what the licence says.
pub fn summary_with_data(id: StreamId, license: &License, now: Timestamp) -> pb::LicenseSummary {
    let payload = license.issued.as_ref().and_then(|issued| issued.payload.get());
    let payload = payload.and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
    let data = payload.and_then(|mut payload| serde_json::from_value(payload.get_mut("data")?.take()).ok());
    pb::LicenseSummary { data, ..summary(id, license, now) }
}
