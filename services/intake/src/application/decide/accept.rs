//! 受理, 不受理 and 不予受理.

use yiwang_ledger::{Context, Decision, Personal, Refusal, SubjectId};
use yiwang_standards::remedies::remedies;

use super::deferral;
use super::look::check_looked_at;
use super::submit::check_bars_of;
use super::{Acting, check_grade, check_not_deemed, check_not_own, deemed};
use crate::application::{Application, ApplicationEvent as Event, Ground, Phase, not_found, wrong_phase};
use crate::bar::{self, Bar};
use crate::catalogue::facts::{Material, Necessity};
use crate::catalogue::{Item, ItemFacts};
use crate::double::{self, Other};
use crate::limit::legal_date;
use crate::standard::{self, Said};

/// Accepts.
#[derive(Clone, Debug, Default)]
pub struct Accept {
    /// Remark for the file.
    pub note: Option<Personal>,
    /// 容缺受理承诺 is signed at the window with it.
    pub deferral_signed: bool,
    /// What the applicant is barred from.
    pub bars: Vec<Bar>,
    /// Whose bars these are; none in tests.
    pub bars_of: Option<SubjectId>,
    /// 双头受理: others for the same matter that are in progress.
    pub others: Vec<Other>,
    /// Why it is accepted all the same.
    pub double_reason: Option<Personal>,
}

/// Codes of the materials that were to be uploaded and were not.
pub(super) fn missing(app: &Application, facts: &ItemFacts) -> Vec<String> {
    let materials = standard::materials(facts, &Said::by(app));
    materials.into_iter().map(|material| &material.code).filter(|code| !app.has_material(code)).cloned().collect()
}

/// Of the missing materials those without which nothing is accepted: what may follow (容缺) stops nobody.
pub(super) fn stopping<'a>(missing: &[String], facts: &'a ItemFacts) -> Vec<&'a Material> {
    let materials = missing.iter().filter_map(|code| facts.material(code));
    materials.filter(|material| material.necessity != Necessity::Deferrable).collect()
}

/// The refusal with a field for each missing material.
pub(super) fn naming(refusal: Refusal, materials: &[&Material], field: impl Fn(&Material) -> String) -> Refusal {
    materials.iter().fold(refusal, |refusal, material| {
        let (zh, en) = (format!("缺少：{}", material.name), format!("missing: {}", material.code));
        refusal.with_field(field(material), "MATERIAL_MISSING", zh, en)
    })
}

/// 受理 (行政许可法 art. 32 ⑤): by a clerk who is not the applicant. Where the five working days have passed unused, the law
/// has accepted already, as of the day of receipt, and that is what is recorded. 双头受理: another application for the same matter
/// stops it, unless the clerk says why it does not.
pub fn accept(
    app: &Application,
    now: &Item,
    pinned: &ItemFacts,
    ask: &Accept,
    by: &Acting,
    cx: &Context,
) -> Decision<Event> {
    let Phase::Submitted { due, .. } = &app.phase else {
        return Err(if app.exists() { wrong_phase(&app.phase, "受理", "accepted") } else { not_found() });
    };
    check_not_own(app, by)?;
    check_grade(pinned, by)?;
    let missing = missing(app, pinned);
    if let Some(date) = deemed(app, cx) {
        return Ok(vec![Event::DeemedAccepted { date, due: due.clone(), outstanding: missing }]);
    }
    let today = legal_date(cx.now);
    now.check_open(today)?;
    let doubled = double::check(&ask.others);
    let overridden = match (doubled, &ask.double_reason) {
        (Ok(()), _) => None,
        (Err(refusal), None) => return Err(refusal),
        (Err(_), Some(reason)) => Some(Event::DoubleEntryOverridden {
            others: ask.others.clone(),
            reason: reason.clone(),
            by: by.actor.clone(),
        }),
    };
    // what was asked for once and did not come stops nobody either, since it cannot be asked again
    let stopping = stopping(&missing, pinned);
    if app.corrections.is_empty() && !stopping.is_empty() {
        let refusal = Refusal::state(
            "MATERIALS_MISSING",
            "申请材料不齐全，请一次性告知申请人补正",
            "materials are missing: tell the applicant once what they are",
        );
        return Err(naming(refusal, &stopping, |material| format!("attachments[{}]", material.code)));
    }
    check_looked_at(app, pinned)?;
    let signed = (ask.deferral_signed && app.deferral.is_none()).then(|| deferral::text(pinned));
    // what was asked for in the one notice and did not come is no paper that may follow; what was not asked for is
    let told =
        |code: &String| app.corrections.iter().flat_map(|told| &told.points).any(|point| point.material == *code);
    let following: Vec<String> = missing.iter().filter(|code| !told(code)).cloned().collect();
    let deferral = deferral::notice(app, pinned, &following, app.deferral.is_some() || signed.is_some(), cx)?;
    if signed.is_some() && deferral.is_some() {
        check_bars_of(app, ask.bars_of.as_ref())?;
        bar::check(&ask.bars, &app.item.code, true, today)?;
    }
    let accepted = Event::Accepted {
        date: today,
        outstanding: missing,
        signed: signed.filter(|_| deferral.is_some()),
        deferral: deferral.map(Box::new),
        note: ask.note.clone(),
        by: by.actor.clone(),
    };
    Ok(overridden.into_iter().chain([accepted]).collect())
}

/// Refuses to accept.
#[derive(Clone, Debug)]
pub struct Refuse {
    /// Ground.
    pub ground: Ground,
    /// Why.
    pub reason: Personal,
    /// 有权受理的机关.
    pub competent_organ: String,
}

/// 行政许可法 art. 32 ① ②: only where no permission is needed, or where another organ is competent, which is then named.
/// Incomplete materials are no ground. What can be done against it is said with it (行政许可法 art. 38).
pub fn refuse(app: &Application, pinned: &ItemFacts, ask: &Refuse, by: &Acting, cx: &Context) -> Decision<Event> {
    if !matches!(app.phase, Phase::Submitted { .. }) {
        return Err(if app.exists() {
            wrong_phase(&app.phase, "作出不予受理决定", "refused")
        } else {
            not_found()
        });
    }
    check_not_own(app, by)?;
    check_grade(pinned, by)?;
    check_not_deemed(app, cx)?;
    if ask.ground == Ground::NotOurAuthority && ask.competent_organ.trim().is_empty() {
        return Err(Refusal::field(
            "competent_organ",
            "COMPETENT_ORGAN_MISSING",
            "不属于本机关职权范围的，应当告知申请人向哪个机关申请",
            "name the organ that is competent",
        ));
    }
    Ok(vec![Event::Refused {
        notice_number: String::new(),
        ground: ask.ground,
        reason: ask.reason.clone(),
        competent_organ: ask.competent_organ.trim().to_owned(),
        remedies: remedies(&app.item.department, &pinned.remedies).zh,
        by: by.actor.clone(),
    }])
}
