//! The directory and drafts of implementation lists, as the contracts bring and show them.

use yiwang_kit::{limit as limits, timestamp, wire};
use yiwang_ledger::{Committed, Read, Refusal, StreamId, Timestamp};
use yiwang_proto::catalogue::v1 as pb;
use yiwang_proto::clock::v1 as clock;
use yiwang_standards::codes::CaseKind;

use super::details::{level_of, level_shown};
use super::{ask, count, details, handling_limit, item, limit, region, signed, standard};
use crate::catalogue::ItemFacts;
use crate::catalogue::facts::{
    Condition, Fetch, Material, MaterialKind, MaterialSource, Necessity, Outcome, PromiseTerms,
};
use crate::directory::{BasicFacts, BasicItem, Level};
use crate::drafting::{Draft, Opinion, Risk, Stage};
use crate::limit::Limit;
use crate::proofs::Abolished;

const WRONG: &str = "FIELD_INVALID";
/// No list of an item is longer.
const MANY: usize = 100;

/// 行使层级.
///
/// # Errors
/// `FIELD_INVALID` where none is named.
pub fn level(level: pb::Level) -> Result<Level, Refusal> {
    level_of(level).ok_or_else(|| Refusal::field("level", WRONG, "缺少行使层级", "the level is needed"))
}

/// 基本编码: letters, digits and inner hyphens.
///
/// # Errors
/// `FIELD_INVALID`.
pub fn basic_code(code: &str) -> Result<String, Refusal> {
    let code = ask::text("basic_code", code, 1, 36, WRONG)?;
    let inner = !code.starts_with('-') && !code.ends_with('-');
    if inner && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Ok(code);
    }
    let (zh, en) = ("基本编码由字母、数字和中间的连字符组成", "a basic code is letters, digits and inner hyphens");
    Err(Refusal::field("basic_code", WRONG, zh, en))
}

fn texts(
    field: &str,
    texts: &[String],
    least: usize,
    most: usize,
    reason: &'static str,
) -> Result<Vec<String>, Refusal> {
    if !(least..=most).contains(&texts.len()) {
        let (zh, en) = (format!("应有{least}至{most}项"), format!("{least} to {most} of them"));
        return Err(Refusal::field(field, reason, zh, en));
    }
    texts
        .iter()
        .enumerate()
        .map(|(place, text)| ask::text(&format!("{field}[{place}]"), text, 1, 1000, reason))
        .collect()
}

/// What the directory says of an item.
///
/// # Errors
/// `FIELD_INVALID`, `BASIS_MISSING`, naming the field.
pub fn basic(message: &pb::PublishBasicItemRequest) -> Result<BasicFacts, Refusal> {
    let mut levels: Vec<Level> = message.levels().filter_map(level_of).collect();
    levels.sort_unstable();
    levels.dedup();
    if levels.is_empty() {
        return Err(Refusal::field("levels", WRONG, "缺少行使层级", "a level is needed"));
    }
    Ok(BasicFacts {
        code: basic_code(&message.basic_code)?,
        name: ask::text("name", &message.name, 1, 200, WRONG)?,
        item_type: item::type_of(message.item_type())?,
        bases: texts("bases", &message.bases, 1, 20, "BASIS_MISSING")?,
        process: texts("process", &message.process, 1, 30, WRONG)?,
        levels,
    })
}

/// A basic item.
pub fn basic_item(version: u64, basic: &BasicItem, at: Timestamp) -> pb::BasicItem {
    let facts = &basic.facts;
    pb::BasicItem {
        basic_code: facts.code.clone(),
        version: signed(version),
        etag: wire::etag(version),
        name: facts.name.clone(),
        item_type: item::item_type(facts.item_type),
        bases: facts.bases.clone(),
        process: facts.process.clone(),
        levels: facts.levels.iter().copied().map(level_shown).collect(),
        update_time: Some(timestamp(at)),
        cancellation: basic.ended.as_ref().map(|ended| pb::Cancellation {
            effective_date: ended.effective.to_string(),
            reason: ended.reason.clone(),
            successor_item_code: ended.successor.clone().unwrap_or_default(),
        }),
    }
}

/// A proof on a region's list.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
pub fn proof(message: &pb::AbolishProofRequest) -> Result<Abolished, Refusal> {
    let name = ask::text("name", &message.name, 1, 100, WRONG)?;
    if message.words.len() > 10 {
        return Err(Refusal::field("words", WRONG, "至多10个词", "at most 10 words"));
    }
    let word = |(place, word): (usize, &String)| ask::text(&format!("words[{place}]"), word, 1, 50, WRONG);
    let mut words = message.words.iter().enumerate().map(word).collect::<Result<Vec<_>, _>>()?;
    if words.is_empty() {
        words.push(name.clone());
    }
    Ok(Abolished {
        source: ask::text("source", &message.source, 1, 200, WRONG)?,
        region: region("region_code", &message.region_code)?,
        unverified: false,
        words,
        name,
    })
}

/// The same, shown.
pub fn proof_shown(proof: &Abolished) -> pb::AbolishedProof {
    pb::AbolishedProof {
        name: proof.name.clone(),
        source: proof.source.clone(),
        words: proof.words.clone(),
        region_code: proof.region.clone(),
        unverified: proof.unverified,
    }
}

/// The elements that a department writes; everything that is not theirs is left empty.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
pub fn elements(message: &pb::ItemElements) -> Result<ItemFacts, Refusal> {
    for (field, length) in [("materials", message.materials.len()), ("conditions", message.conditions.len())] {
        if length > MANY {
            return Err(Refusal::field(field, WRONG, format!("至多{MANY}项"), "too many of them"));
        }
    }
    let places = 0..;
    Ok(ItemFacts {
        case_kind: match message.case_kind() {
            pb::CaseKind::Immediate => CaseKind::Immediate,
            pb::CaseKind::Promised => CaseKind::Promised,
            pb::CaseKind::Unspecified | pb::CaseKind::Other => CaseKind::Other,
        },
        legal_limit: limit_of("legal_limit", message.legal_limit.as_ref())?,
        promised_limit: limit_of("promised_limit", message.promised_limit.as_ref())?,
        conditions: message.conditions.iter().zip(places.clone()).map(condition).collect::<Result<_, _>>()?,
        materials: message.materials.iter().zip(places).map(material).collect::<Result<_, _>>()?,
        visits: number("visits", message.visits)?,
        result: message.result.as_ref().map(result).transpose()?.unwrap_or_default(),
        promise: message.promise.as_ref().map(promise).transpose()?,
        form_schema: ask::text("form_schema", &message.form_schema, 0, 40_000, WRONG)?,
        remedies: ask::text("remedies", &message.remedies, 0, 1000, WRONG)?,
        rules: ask::text("rules", &message.rules, 0, 40, WRONG)?,
        guide: ask::text("guide", &message.guide, 0, 4000, WRONG)?,
        details: message.details.as_ref().map(details::details).transpose()?.unwrap_or_default(),
        scenarios: standard::scenarios(&message.scenarios)?,
        ..ItemFacts::default()
    })
}

fn number(field: &str, number: i32) -> Result<u32, Refusal> {
    u32::try_from(number).ok().filter(|number| *number <= 1200).ok_or_else(|| {
        let (zh, en) = ("应为0至1200的整数", "a number from 0 to 1,200");
        Refusal::field(field, WRONG, zh, en)
    })
}

fn limit_of(field: &str, message: Option<&clock::TimeLimit>) -> Result<Limit, Refusal> {
    let (zh, en) = ("缺少时限，或天数不在允许范围内", "the limit is missing, or its days are out of range");
    let mut limit =
        message.and_then(limits::read).ok_or_else(|| Refusal::field(format!("{field}.days"), WRONG, zh, en))?;
    limit.basis = ask::text(&format!("{field}.basis"), &limit.basis, 0, 500, WRONG)?;
    Ok(limit)
}

fn condition((condition, place): (&pb::Condition, usize)) -> Result<Condition, Refusal> {
    let part =
        |name: &str, text: &str, least| ask::text(&format!("conditions[{place}].{name}"), text, least, 500, WRONG);
    Ok(Condition { text: part("text", &condition.text, 1)?, basis: part("basis", &condition.basis, 0)? })
}

fn material((message, place): (&pb::Material, usize)) -> Result<Material, Refusal> {
    let field = |name: &str| format!("materials[{place}].{name}");
    let part = |name: &str, text: &str, least, most| ask::text(&field(name), text, least, most, WRONG);
    Ok(Material {
        code: part("code", &message.code, 1, 40)?,
        name: part("name", &message.name, 1, 200)?,
        kind: match message.kind() {
            pb::MaterialKind::Certificate => MaterialKind::Certificate,
            pb::MaterialKind::Form => MaterialKind::Form,
            pb::MaterialKind::Unspecified | pb::MaterialKind::Other => MaterialKind::Other,
        },
        source: match message.source() {
            pb::MaterialSource::Government => MaterialSource::Government,
            pb::MaterialSource::Other => MaterialSource::Other,
            pb::MaterialSource::Unspecified | pb::MaterialSource::Applicant => MaterialSource::Applicant,
        },
        issuer: part("issuer", &message.issuer, 0, 100)?,
        necessity: match message.necessity() {
            pb::Necessity::Optional => Necessity::Optional,
            pb::Necessity::Deferrable => Necessity::Deferrable,
            pb::Necessity::Unspecified | pb::Necessity::Required => Necessity::Required,
        },
        condition: part("condition", &message.condition, 0, 300)?,
        originals: number(&field("originals"), message.originals)?,
        copies: number(&field("copies"), message.copies)?,
        basis: part("basis", &message.basis, 0, 500)?,
        note: part("note", &message.note, 0, 500)?,
        online_form: message.online_form,
        blank_form: part("blank_form", &message.blank_form, 0, 300)?,
        sample: part("sample", &message.sample, 0, 300)?,
        source_note: part("source_note", &message.source_note, 0, 300)?,
        needed_when: part("needed_when", &message.needed_when, 0, 5000)?,
        verify_original: message.verify_original,
        fetch: match (message.fetch_license_type.trim(), message.fetch_department_data.trim()) {
            ("", "") => None,
            ("", _) => Some(Fetch::Department(part("fetch_department_data", &message.fetch_department_data, 1, 60)?)),
            _ => Some(Fetch::License(part("fetch_license_type", &message.fetch_license_type, 21, 21)?)),
        },
    })
}

fn result(message: &pb::ItemResult) -> Result<Outcome, Refusal> {
    Ok(Outcome {
        kind: super::item::kind_of_result(message.kind()),
        name: ask::text("result.name", &message.name, 0, 100, WRONG)?,
        license_type_code: ask::text("result.license_type_code", &message.license_type_code, 0, 21, WRONG)?,
        validity_months: number("result.validity_months", message.validity_months)?,
        validity_basis: ask::text("result.validity_basis", &message.validity_basis, 0, 500, WRONG)?,
        license_fields: texts("result.license_fields", &message.license_fields, 0, MANY, WRONG)?,
        unverified: false,
    })
}

fn promise(message: &pb::PromiseTerms) -> Result<PromiseTerms, Refusal> {
    Ok(PromiseTerms {
        text: ask::text("promise.text", &message.text, 1, 4000, WRONG)?,
        legal_limit: limit_of("promise.legal_limit", message.legal_limit.as_ref())?,
        follow_up_limit: limit_of("promise.follow_up_limit", message.follow_up_limit.as_ref())?,
    })
}

/// 风险点.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
pub fn risks(message: &[pb::RiskPoint]) -> Result<Vec<Risk>, Refusal> {
    if message.len() > 50 {
        return Err(Refusal::field("risks", WRONG, "至多50项", "at most 50 of them"));
    }
    let risk = |(place, risk): (usize, &pb::RiskPoint)| {
        let part = |name: &str, text: &str| ask::text(&format!("risks[{place}].{name}"), text, 1, 500, WRONG);
        Ok(Risk { text: part("text", &risk.text)?, measure: part("measure", &risk.measure)? })
    };
    message.iter().enumerate().map(risk).collect()
}

/// The tag of a stage that is asked for.
pub fn stage_tag(stage: pb::DraftStage) -> Option<&'static str> {
    let stage = match stage {
        pb::DraftStage::Unspecified => return None,
        pb::DraftStage::Drafting => Stage::Drafting,
        pb::DraftStage::Review => Stage::Review,
        pb::DraftStage::Legality => Stage::Legality,
        pb::DraftStage::Risks => Stage::Risks,
        pb::DraftStage::Ready => Stage::Ready,
        pb::DraftStage::Published => Stage::Published,
        pb::DraftStage::Abandoned => Stage::Abandoned,
    };
    Some(stage.name())
}

fn stage_shown(stage: Stage) -> i32 {
    match stage {
        Stage::Absent => pb::DraftStage::Unspecified.into(),
        Stage::Drafting => pb::DraftStage::Drafting.into(),
        Stage::Review => pb::DraftStage::Review.into(),
        Stage::Legality => pb::DraftStage::Legality.into(),
        Stage::Risks => pb::DraftStage::Risks.into(),
        Stage::Ready => pb::DraftStage::Ready.into(),
        Stage::Published => pb::DraftStage::Published.into(),
        Stage::Abandoned => pb::DraftStage::Abandoned.into(),
    }
}

fn opinion(opinion: &Opinion) -> pb::DraftOpinion {
    pb::DraftOpinion {
        stage: stage_shown(opinion.stage),
        passed: opinion.passed,
        opinion: opinion.text.clone(),
        actor_id: opinion.by.id.clone(),
        actor_name: opinion.by.name.clone(),
        time: Some(timestamp(opinion.at)),
    }
}

fn elements_shown(facts: &ItemFacts) -> pb::ItemElements {
    let condition = |one: &Condition| pb::Condition { text: one.text.clone(), basis: one.basis.clone() };
    pb::ItemElements {
        case_kind: item::case_kind(facts.case_kind),
        legal_limit: Some(handling_limit(&facts.legal_limit)),
        promised_limit: Some(handling_limit(&facts.promised_limit)),
        conditions: facts.conditions.iter().map(condition).collect(),
        materials: facts.materials.iter().map(item::material).collect(),
        visits: count(facts.visits),
        result: Some(item::result(&facts.result)),
        promise: facts.promise.as_ref().map(|promise| pb::PromiseTerms {
            text: promise.text.clone(),
            legal_limit: Some(handling_limit(&promise.legal_limit)),
            follow_up_limit: Some(limit(&promise.follow_up_limit)),
        }),
        form_schema: facts.form_schema.clone(),
        remedies: facts.remedies.clone(),
        rules: facts.rules.clone(),
        guide: facts.guide.clone(),
        details: Some(details::shown(&facts.details)),
        scenarios: standard::shown(&facts.scenarios),
    }
}

/// A draft.
pub fn draft(id: StreamId, version: u64, draft: &Draft) -> pb::ItemDraft {
    let facts = &draft.facts;
    let risk = |risk: &Risk| pb::RiskPoint { text: risk.text.clone(), measure: risk.measure.clone() };
    pb::ItemDraft {
        id: id.to_string(),
        etag: wire::etag(version),
        item_code: facts.code.clone(),
        basic_code: facts.basic.clone(),
        name: facts.name.clone(),
        department: facts.department.clone(),
        department_code: facts.department_code.clone(),
        region_code: facts.region.clone(),
        stage: stage_shown(draft.stage),
        elements: Some(elements_shown(facts)),
        opinions: draft.opinions.iter().map(opinion).collect(),
        risks: draft.risks.iter().map(risk).collect(),
        from_date: draft.from.map(|day| day.to_string()).unwrap_or_default(),
        create_time: Some(timestamp(draft.begun)),
        item_type: item::item_type(facts.item_type),
        bases: facts.bases.clone(),
        process: facts.process.clone(),
    }
}

/// A draft as a command left it.
pub fn committed(done: &Committed<Draft>) -> pb::ItemDraft {
    draft(done.stream, done.version, &done.state)
}

/// A draft as it was read.
pub fn read(read: &Read<Draft>) -> pb::ItemDraft {
    draft(read.stream, read.version, &read.state)
}
