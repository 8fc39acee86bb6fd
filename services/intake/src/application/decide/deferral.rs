//! 容缺受理: the main papers are complete, secondary ones follow. The applicant promises it in writing, and is told on the spot, once,
//! which they are, by when, and what follows otherwise (安阳市政务服务条例 art. 24; 滨州市并联审批规定 art. 11). It is not 告知承诺: here
//! the papers come before the decision.

use yiwang_ledger::{Context, Refusal};

use super::accept::naming;
use crate::application::{Application, Deferred};
use crate::catalogue::ItemFacts;
use crate::catalogue::facts::{Material, Necessity};
use crate::limit::{Limit, Source, Start, Unit, legal_date};

/// Where neither the item nor its place says: unverified, as `data/rules.toml`.
const DAYS: u32 = 10;

/// What is promised.
pub(super) fn text(facts: &ItemFacts) -> String {
    let own = facts.details.handling.deferral.as_ref().map(|terms| terms.text.clone());
    own.unwrap_or_else(|| {
        "本人（单位）承诺：所缺材料在告知的期限内补齐，内容真实、有效；逾期未补齐的，自愿承担告知书载明的后果。"
            .to_owned()
    })
}

/// The notice that goes with acceptance; none where nothing is missing that may follow.
///
/// # Errors
/// `DEFERRAL_NOT_SIGNED`, each material named.
pub(super) fn notice(
    app: &Application,
    facts: &ItemFacts,
    missing: &[String],
    signed: bool,
    cx: &Context,
) -> Result<Option<Deferred>, Refusal> {
    let materials = missing.iter().filter_map(|code| facts.material(code));
    let following: Vec<&Material> = materials.filter(|one| one.necessity == Necessity::Deferrable).collect();
    if following.is_empty() {
        return Ok(None);
    }
    if !signed {
        let (zh, en) = (
            "容缺受理须由申请人书面承诺补齐所缺材料，请先签署承诺，或者告知补正",
            "what may follow is promised in writing first; or tell the applicant what is missing",
        );
        let refusal = Refusal::state("DEFERRAL_NOT_SIGNED", zh, en);
        return Err(naming(refusal, &following, |material| format!("attachments[{}]", material.code)));
    }
    let (rules, terms) = (&app.item.rules, facts.details.handling.deferral.as_ref());
    let days = terms.map(|terms| terms.working_days).or(Some(rules.deferral_days)).filter(|days| *days > 0);
    let limit = Limit {
        days: days.unwrap_or(DAYS),
        unit: Unit::WorkingDay,
        basis: terms.map_or(&rules.deferral_source, |terms| &terms.basis).clone(),
        source: Source::Default,
        unverified: terms.is_none(),
        start: Start::default(),
    };
    Ok(Some(Deferred {
        notice_number: String::new(),
        materials: following.iter().map(|material| material.code.clone()).collect(),
        due: limit.due(legal_date(cx.now), &cx.calendar),
        consequence: terms.and_then(|terms| terms.consequence).unwrap_or(rules.deferral_late),
        late: false,
    }))
}
