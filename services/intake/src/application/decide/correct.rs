//! 一次性补正告知.

use std::collections::BTreeSet;

use serde_json::Value;
use yiwang_ledger::{Context, Decision, Refusal};

use super::accept::{missing, naming, stopping};
use super::look;
use super::{Acting, check_not_deemed, check_not_own};
use crate::application::{Application, ApplicationEvent as Event, Phase, Point, not_found, wrong_phase};
use crate::catalogue::ItemFacts;
use crate::form;
use crate::limit::legal_date;
use crate::standard::{Check, ORIGINAL, SOURCED};

/// Tells what is missing.
#[derive(Clone, Debug)]
pub struct RequestCorrection {
    /// All points at once.
    pub points: Vec<Point>,
}

/// A point about the form names a field that the form has: what is told is told once, so that a slip could not be mended.
fn check_fields(schema: &str, ask: &RequestCorrection) -> Result<(), Refusal> {
    let schema: Value = serde_json::from_str(schema).unwrap_or_default();
    let (zh, en) = ("要求补正的栏目不在该事项的表单中", "not a field of the item's form");
    let mut refusal = Refusal::invalid("FIELD_NOT_IN_FORM", zh, en);
    for (index, point) in ask.points.iter().enumerate().filter(|(_, point)| !point.field.is_empty()) {
        let name = point.field.trim_start_matches('/').split('/').next().unwrap_or_default();
        if schema["properties"].get(name.replace("~1", "/").replace("~0", "~")).is_none() {
            refusal = refusal.with_field(format!("points[{index}].field"), "FIELD_NOT_IN_FORM", zh, en);
        }
    }
    if refusal.fields.is_empty() { Ok(()) } else { Err(refusal) }
}

/// A point about a check names one that the item has.
fn check_codes(facts: &ItemFacts, ask: &RequestCorrection) -> Result<(), Refusal> {
    let (zh, en) = ("该事项的受理标准中没有这个要点", "not a check of the item's acceptance standard");
    let mut refusal = Refusal::invalid("CHECK_NOT_ON_LIST", zh, en);
    let original = |code: &str| code.strip_prefix(ORIGINAL).is_some_and(|material| facts.material(material).is_some());
    let listed = |code: &str| facts.scenarios.iter().flat_map(|one| &one.checks).any(|check| check.code == code);
    let sourced = |code: &str| code.strip_prefix(SOURCED).is_some_and(|field| !form::title(facts, field).is_empty());
    let known = |code: &str| listed(code) || original(code) || sourced(code);
    for (index, point) in ask.points.iter().enumerate() {
        if !point.check.is_empty() && !known(&point.check) {
            refusal = refusal.with_field(format!("points[{index}].check_code"), "CHECK_NOT_ON_LIST", zh, en);
        }
    }
    if refusal.fields.is_empty() { Ok(()) } else { Err(refusal) }
}

/// 行政许可法 art. 32 ④: everything that is missing is told at once, once, within five working days of receipt.
pub fn request_correction(
    app: &Application,
    facts: &ItemFacts,
    ask: &RequestCorrection,
    by: &Acting,
    cx: &Context,
) -> Decision<Event> {
    match &app.phase {
        Phase::Absent => return Err(not_found()),
        Phase::Submitted { .. } | Phase::CorrectionRequested => {}
        phase => return Err(wrong_phase(phase, "要求补正", "sent back for correction")),
    }
    check_not_own(app, by)?;
    if let Some(told) = app.corrections.last() {
        let (day, basis) = (legal_date(told.at), &app.item.rules.tell_once.basis);
        return Err(Refusal::state(
            "ALREADY_TOLD_ONCE",
            format!("已于{day}一次性告知，不得再次要求补正（{basis}）"),
            format!("told on {day}: what is missing is told once ({basis})"),
        ));
    }
    check_not_deemed(app, cx)?;
    if ask.points.is_empty() {
        return Err(Refusal::field("points", "POINTS_MISSING", "请列明全部需要补正的内容", "name all that is missing"));
    }
    // 行政许可法 art. 31: nothing beyond the list may be asked for.
    let mut refusal = Refusal::invalid(
        "MATERIAL_NOT_IN_LIST",
        "要求补正的材料不在该事项的材料清单中",
        "not in the item's list of materials",
    );
    let mut seen = BTreeSet::new();
    for (index, point) in ask.points.iter().enumerate() {
        let named = !point.material.is_empty();
        if named
            && (facts.material(&point.material).is_none()
                || !seen.insert((&point.material, &point.field, point.text.get())))
        {
            let field = format!("points[{index}].material_code");
            refusal =
                refusal.with_field(field, "MATERIAL_NOT_IN_LIST", "材料编码有误或重复", "unknown, or named twice");
        }
    }
    if !refusal.fields.is_empty() {
        return Err(refusal);
    }
    check_fields(&facts.form_schema, ask)?;
    check_codes(facts, ask)?;
    // what may follow (容缺) need not be told
    let mut untold = stopping(&missing(app, facts), facts);
    untold.retain(|material| ask.points.iter().all(|point| point.material != material.code));
    if !untold.is_empty() {
        let refusal = Refusal::invalid(
            "POINTS_INCOMPLETE",
            "需要补正的内容应当一次告知，以下缺少的材料未列入",
            "all that is missing is told at once: these materials are not among the points",
        );
        return Err(naming(refusal, &untold, |_| "points".to_owned()));
    }
    let told = |check: &Check| {
        let about = |point: &Point| !check.material.is_empty() && point.material == check.material;
        ask.points.iter().any(|point| point.check == check.code || about(point))
    };
    let untold = look::untold(app, facts, told);
    if !untold.is_empty() {
        let (zh, en) = ("需要补正的内容应当一次告知，以下不符合的要点未列入", "all that is not met is told at once");
        let refusal = Refusal::invalid("POINTS_INCOMPLETE", zh, en);
        return Err(untold.into_iter().fold(refusal, |refusal, check| {
            refusal.with_field("points", "CHECK_FAILED", check.text.clone(), check.code.clone())
        }));
    }
    Ok(vec![Event::CorrectionRequested {
        notice_number: String::new(),
        points: ask.points.clone(),
        reply_by: app.item.rules.correction.due(legal_date(cx.now), &cx.calendar),
        by: by.actor.clone(),
    }])
}
