//! Items as the contracts show them.

use std::sync::Arc;

use chrono::NaiveDate;
use yiwang_kit::{timestamp, wire};
use yiwang_ledger::{Read, Refusal};
use yiwang_proto::catalogue::v1 as pb;
use yiwang_standards::codes::CaseKind;
use yiwang_standards::item_code::ItemCode;

use super::{channel, count, details, handling_limit, limit, region, signed, standard};
use crate::application::{Application, ItemPin};
use crate::catalogue::details::{ChargeLine, ChargeMethod};
use crate::catalogue::exchange::FileRow;
use crate::catalogue::facts::{
    Condition, Fetch, ItemFacts, Material, MaterialKind, MaterialSource, Necessity, Outcome, ResultKind,
};
use crate::catalogue::handling::ReviewStep;
use crate::catalogue::source::Row;
use crate::catalogue::{Cancellation, Edition, Entrusted, Item, Received, Standing};

/// 事项类型 of a code.
pub(super) fn item_type(code: u16) -> i32 {
    match code {
        0 => pb::ItemType::AdministrativePower.into(),
        code => i32::from(code),
    }
}

/// The code of a 事项类型.
///
/// # Errors
/// `FIELD_INVALID` where none is named.
pub fn type_of(asked: pb::ItemType) -> Result<u16, Refusal> {
    match asked {
        pb::ItemType::Unspecified => {
            Err(Refusal::field("item_type", "FIELD_INVALID", "缺少事项类型", "the item's type is needed"))
        }
        pb::ItemType::AdministrativePower => Ok(0),
        known => Ok(u16::try_from(i32::from(known)).unwrap_or_default()),
    }
}

pub(super) fn case_kind(kind: CaseKind) -> i32 {
    match kind {
        CaseKind::Immediate => pb::CaseKind::Immediate.into(),
        CaseKind::Promised => pb::CaseKind::Promised.into(),
        CaseKind::Other => pb::CaseKind::Other.into(),
    }
}

pub(super) fn material(material: &Material) -> pb::Material {
    pb::Material {
        code: material.code.clone(),
        name: material.name.clone(),
        kind: match material.kind {
            MaterialKind::Certificate => pb::MaterialKind::Certificate.into(),
            MaterialKind::Form => pb::MaterialKind::Form.into(),
            MaterialKind::Other => pb::MaterialKind::Other.into(),
        },
        source: match material.source {
            MaterialSource::Applicant => pb::MaterialSource::Applicant.into(),
            MaterialSource::Government => pb::MaterialSource::Government.into(),
            MaterialSource::Other => pb::MaterialSource::Other.into(),
        },
        issuer: material.issuer.clone(),
        necessity: match material.necessity {
            Necessity::Required => pb::Necessity::Required.into(),
            Necessity::Optional => pb::Necessity::Optional.into(),
            Necessity::Deferrable => pb::Necessity::Deferrable.into(),
        },
        condition: material.condition.clone(),
        originals: count(material.originals),
        copies: count(material.copies),
        basis: material.basis.clone(),
        note: material.note.clone(),
        online_form: material.online_form,
        blank_form: material.blank_form.clone(),
        sample: material.sample.clone(),
        source_note: material.source_note.clone(),
        needed_when: material.needed_when.clone(),
        verify_original: material.verify_original,
        fetch_license_type: match &material.fetch {
            Some(Fetch::License(type_code)) => type_code.clone(),
            _ => String::new(),
        },
        fetch_department_data: match &material.fetch {
            Some(Fetch::Department(data)) => data.clone(),
            _ => String::new(),
        },
    }
}

pub(super) fn result_kind(kind: ResultKind) -> pb::ResultKind {
    match kind {
        ResultKind::License => pb::ResultKind::License,
        ResultKind::Receipt => pb::ResultKind::Receipt,
        ResultKind::Document => pb::ResultKind::Document,
    }
}

pub(super) fn kind_of_result(kind: pb::ResultKind) -> ResultKind {
    match kind {
        pb::ResultKind::License => ResultKind::License,
        pb::ResultKind::Receipt => ResultKind::Receipt,
        pb::ResultKind::Unspecified | pb::ResultKind::Document => ResultKind::Document,
    }
}

pub(super) fn result(result: &Outcome) -> pb::ItemResult {
    pb::ItemResult {
        kind: result_kind(result.kind).into(),
        name: result.name.clone(),
        license_type_code: result.license_type_code.clone(),
        validity_months: count(result.validity_months),
        validity_basis: result.validity_basis.clone(),
        license_fields: result.license_fields.clone(),
    }
}

fn status(item: &Item, today: NaiveDate) -> i32 {
    match item.status() {
        "CANCELLED" => pb::ItemStatus::Cancelled.into(),
        "ANNOUNCED" => pb::ItemStatus::Announced.into(),
        _ if item.hold.as_ref().is_some_and(|hold| hold.covers(today)) => pb::ItemStatus::OnHold.into(),
        _ => pb::ItemStatus::InForce.into(),
    }
}

fn edition(edition: &Edition) -> pb::Edition {
    pb::Edition {
        version: signed(edition.version),
        from_date: edition.from.to_string(),
        until_date: day(edition.until),
    }
}

fn day(day: Option<NaiveDate>) -> String {
    day.map(|day| day.to_string()).unwrap_or_default()
}

/// A condition with the rule that sets it.
fn condition(condition: &Condition) -> String {
    match &condition.basis[..] {
        "" => condition.text.clone(),
        basis => format!("{}（依据：{basis}）", condition.text),
    }
}

fn cancellation(end: &Cancellation) -> pb::Cancellation {
    pb::Cancellation {
        effective_date: end.effective.to_string(),
        reason: end.reason.clone(),
        successor_item_code: end.successor.clone().unwrap_or_default(),
    }
}

/// One item with its guide, as it stands on a day.
pub fn item(read: &Read<Item>, today: NaiveDate) -> pb::Item {
    let (item, facts) = (&read.state, &read.state.facts);
    let next =
        item.upcoming.as_ref().map(|next| pb::Edition { from_date: next.from.to_string(), ..Default::default() });
    let channels = [pb::Channel::Window, pb::Channel::Web, pb::Channel::Mobile];
    // the guide in sentences leads its conditions
    let guide = (!facts.guide.is_empty()).then(|| facts.guide.clone());
    pb::Item {
        item_code: facts.code.clone(),
        version: signed(read.version),
        etag: wire::etag(read.version),
        name: facts.name.clone(),
        main_item: facts.main_item.clone(),
        department: facts.department.clone(),
        department_code: facts.department_code.clone(),
        region_code: facts.region.clone(),
        item_type: item_type(facts.item_type),
        case_kind: case_kind(facts.case_kind),
        legal_limit: Some(handling_limit(&facts.legal_limit)),
        promised_limit: Some(handling_limit(&facts.promised_limit)),
        bases: facts.bases.clone(),
        conditions: guide.into_iter().chain(facts.conditions.iter().map(condition)).collect(),
        materials: facts.materials.iter().map(material).collect(),
        charge: Some(charge(&facts.details.charges)),
        channels: match facts.details.channels.as_slice() {
            [] => channels.map(Into::into).to_vec(),
            own => own.iter().map(|one| channel(*one).into()).collect(),
        },
        visits: count(facts.visits),
        result: Some(result(&facts.result)),
        notify_promise: facts.promise.is_some(),
        promise_text: facts.promise.as_ref().map(|promise| promise.text.clone()).unwrap_or_default(),
        follow_up_limit: facts.promise.as_ref().map(|promise| limit(&promise.follow_up_limit)),
        deferrable: facts.deferrable(),
        form_schema: facts.form_schema.clone(),
        form_version: count(item.form_version),
        remedies: facts.remedies.clone(),
        // an element that nobody filled is a default, though an empty one
        defaults: facts
            .defaults
            .iter()
            .cloned()
            .chain(facts.details.is_empty().then(|| "details".to_owned()))
            .collect(),
        details: Some(details::shown(&facts.details)),
        scenarios: standard::shown(&facts.scenarios),
        level: details::level_shown(facts.level()),
        rules: facts.rules.clone(),
        status: status(item, today),
        cancellation: match &item.standing {
            Standing::Cancelled(end) => Some(cancellation(end)),
            _ => None,
        },
        update_time: Some(timestamp(read.updated_at)),
        basic_code: facts.basic.clone(),
        process: facts.process.clone(),
        hold: item.hold.as_ref().filter(|hold| !hold.is_over(today)).map(|hold| pb::Hold {
            from_date: hold.from.to_string(),
            until_date: day(hold.until),
            reason: hold.reason.clone(),
        }),
        editions: item.editions.iter().map(edition).chain(next).collect(),
        entrustment: item
            .entrusted
            .as_ref()
            .filter(|held| held.until.is_none_or(|last| today <= last))
            .map(entrustment),
        provenance: item.received.as_ref().map(provenance),
    }
}

/// 收费: nothing is charged without a published list (行政许可法 art. 58).
fn charge(lines: &[ChargeLine]) -> pb::Charge {
    let yuan = |fen: i64| format!("{}.{:02}元", fen / 100, fen % 100);
    let standard = move |line: &ChargeLine| match line.method {
        ChargeMethod::PerUnit => format!("{}：{}/{}", line.name, yuan(line.amount), line.unit),
        ChargeMethod::Range => format!("{}：{}至{}", line.name, yuan(line.amount), yuan(line.most)),
    };
    pb::Charge {
        charged: !lines.is_empty(),
        standard: lines.iter().map(standard).collect::<Vec<_>>().join("；"),
        basis: lines.iter().map(|line| line.basis.as_str()).collect::<Vec<_>>().join("；"),
    }
}

fn entrustment(entrusted: &Entrusted) -> pb::Entrustment {
    let organ = &entrusted.organ;
    pb::Entrustment {
        department: organ.name.clone(),
        department_code: organ.code.clone(),
        region_code: organ.region.clone(),
        from_date: entrusted.from.to_string(),
        until_date: day(entrusted.until),
        document: entrusted.document.clone(),
    }
}

fn provenance(received: &Received) -> pb::Provenance {
    pb::Provenance {
        way: received.way.zh().to_owned(),
        department: received.giver.name.clone(),
        department_code: received.giver.code.clone(),
        item_code: received.item_code.clone(),
        from_date: received.from.to_string(),
        document: received.document.clone(),
    }
}

/// An item as lists show it.
pub fn summary(item: &Item, today: NaiveDate) -> pb::ItemSummary {
    let facts = &item.facts;
    pb::ItemSummary {
        item_code: facts.code.clone(),
        name: facts.name.clone(),
        main_item: facts.main_item.clone(),
        department: facts.department.clone(),
        region_code: facts.region.clone(),
        item_type: item_type(facts.item_type),
        case_kind: case_kind(facts.case_kind),
        promised_limit: Some(handling_limit(&facts.promised_limit)),
        status: status(item, today),
    }
}

/// What a case takes from its item: at the version that the application pinned, and with the limit of the way it chose.
pub fn terms(app: &Application, facts: &ItemFacts) -> pb::ItemTerms {
    // who signed the promise is decided at once (消防法 art. 15), who did not by the item's own limit
    let signed_terms = facts.promise.as_ref().filter(|_| app.promise.is_some());
    let legal = signed_terms.map_or(&facts.legal_limit, |promise| &promise.legal_limit);
    let promised = if facts.promised_limit.days > legal.days { legal } else { &facts.promised_limit };
    let pin = &app.item;
    pb::ItemTerms {
        item_code: pin.code.clone(),
        item_version: signed(pin.version),
        name: pin.name.clone(),
        department: pin.department.clone(),
        department_code: pin.organisation.clone(),
        region_code: pin.region.clone(),
        item_type: item_type(pin.item_type),
        case_kind: case_kind(pin.case_kind),
        legal_limit: Some(handling_limit(legal)),
        promised_limit: Some(handling_limit(promised)),
        result: Some(result(&facts.result)),
        notify_promise: facts.promise.is_some(),
        follow_up_limit: facts.promise.as_ref().map(|promise| limit(&promise.follow_up_limit)),
        remedies: facts.remedies.clone(),
        rules: facts.rules.clone(),
        entrusted_department: pin.entrusted.as_ref().map(|organ| organ.name.clone()).unwrap_or_default(),
        entrusted_department_code: pin.entrusted.as_ref().map(|organ| organ.code.clone()).unwrap_or_default(),
        sole_officer: facts.details.handling.sole_officer,
        special_procedures: facts.details.special_procedures.iter().map(super::details::special).collect(),
        review_steps: facts.details.handling.review_steps.iter().map(taken_step).collect(),
    }
}

/// A step as a case takes it: whether it is needed is found out before.
fn taken_step(step: &ReviewStep) -> pb::ReviewStep {
    pb::ReviewStep { when: String::new(), ..super::handling::review_step(step) }
}

/// What an application keeps of the item it begins with, as it stands on a day.
pub fn pin(read: &Read<Item>, today: NaiveDate) -> Arc<ItemPin> {
    let facts = &read.state.facts;
    Arc::new(ItemPin {
        code: facts.code.clone(),
        version: read.version,
        name: facts.name.clone(),
        department: facts.department.clone(),
        organisation: facts.department_code.clone(),
        region: facts.region.clone(),
        item_type: facts.item_type,
        remedies: facts.remedies.clone(),
        case_kind: facts.case_kind,
        form_version: read.state.form_version,
        rules: crate::rules::in_region(&facts.rules, &facts.region),
        entrusted: read.state.entrusted_on(today).map(|entrusted| entrusted.organ.clone()),
        basic: facts.basic.clone(),
    })
}

/// One row of a file, as a message.
pub fn row_of_file(row: FileRow) -> pb::ItemRow {
    pb::ItemRow {
        item_code: row.item_code,
        name: row.name,
        main_item: row.main_item,
        department: row.department,
        department_code: row.department_code,
        region_code: row.region_code,
        item_type: match row.item_type {
            0 => pb::ItemType::AdministrativePower.into(),
            code => i32::from(code),
        },
    }
}

/// One row of an import, checked.
pub fn row(row: &pb::ItemRow) -> Result<Row, Refusal> {
    let within = |field: &'static str, value: &str, least: usize, most: usize| {
        let length = value.trim().chars().count();
        if (least..=most).contains(&length) {
            return Ok(value.trim().to_owned());
        }
        let (zh, en) = (format!("长度应为{least}至{most}个字符"), format!("{least} to {most} characters"));
        Err(Refusal::field(field, "FIELD_INVALID", zh, en))
    };
    let region_code = region("region_code", &row.region_code)?;
    let item_code = ItemCode::parse(&row.item_code)
        .map_err(|wrong| Refusal::field("item_code", wrong.reason(), wrong.zh(), wrong.en()))?;
    let item_type = type_of(row.item_type())?;
    Ok(Row {
        item_code,
        name: within("name", &row.name, 1, 300)?,
        main_item: within("main_item", &row.main_item, 0, 300)?,
        department: within("department", &row.department, 1, 100)?,
        department_code: within("department_code", &row.department_code, 0, 36)?,
        region_code,
        item_type,
    })
}
