//! 核对: what a clerk looks at before acceptance, by the item's acceptance standard (一元化受理标准).

use yiwang_ledger::{Context, Decision, Refusal};

use super::{Acting, check_not_deemed, check_not_own};
use crate::application::{Application, ApplicationEvent as Event, Phase, not_found, wrong_phase};
use crate::catalogue::ItemFacts;
use crate::standard::{self, Check, Said, State};

/// Every check of an application, with how it stands.
pub(super) fn checks(app: &Application, facts: &ItemFacts) -> Vec<(Check, State)> {
    let seen = |code: &str| app.looked.get(code).map(|looked| looked.met);
    let all = standard::checks(facts, &Said::by(app), seen);
    all.into_iter().map(|(_, check, state)| (check, state)).collect()
}

/// A clerk says of checks whether they are met. Said again, the later word holds.
pub fn record_checks(
    app: &Application,
    facts: &ItemFacts,
    asked: &[(String, bool)],
    by: &Acting,
    cx: &Context,
) -> Decision<Event> {
    if !matches!(app.phase, Phase::Submitted { .. }) {
        return Err(if app.exists() { wrong_phase(&app.phase, "核对", "looked at") } else { not_found() });
    }
    check_not_own(app, by)?;
    check_not_deemed(app, cx)?;
    let (zh, en) = ("该申请没有这个需要人工核对的要点", "not a check of this application that needs an eye");
    let mut refusal = Refusal::invalid("CHECK_NOT_ON_LIST", zh, en);
    let listed = checks(app, facts);
    for (place, (code, _)) in asked.iter().enumerate() {
        if !listed.iter().any(|(check, _)| check.code == *code && check.rule.trim().is_empty()) {
            refusal = refusal.with_field(format!("checks[{place}].check_code"), "CHECK_NOT_ON_LIST", zh, en);
        }
    }
    if !refusal.fields.is_empty() {
        return Err(refusal);
    }
    let news = asked.iter().filter(|(code, met)| app.looked.get(code).is_none_or(|looked| looked.met != *met));
    let checks: Vec<_> = news.cloned().collect();
    Ok(if checks.is_empty() { Vec::new() } else { vec![Event::ChecksRecorded { checks, by: by.actor.clone() }] })
}

/// Refuses acceptance while a check is open: one that is not met and was not told, or one that nobody has looked at. What was
/// told once and not mended stops nobody, since it cannot be asked again.
///
/// # Errors
/// `CHECKS_OPEN`, each check with `CHECK_FAILED` or `CHECK_NOT_LOOKED_AT`.
pub(super) fn check_looked_at(app: &Application, facts: &ItemFacts) -> Result<(), Refusal> {
    let (zh, en) = ("受理要点尚未核对或者不符合", "a check of the acceptance standard is open");
    let mut refusal = Refusal::state("CHECKS_OPEN", zh, en);
    for (check, state) in checks(app, facts) {
        let reason = match state {
            State::Failed if app.corrections.is_empty() => "CHECK_FAILED",
            State::ByHand => "CHECK_NOT_LOOKED_AT",
            State::Met | State::Failed => continue,
        };
        refusal = refusal.with_field(format!("checks[{}]", check.code), reason, check.text.clone(), check.code.clone());
    }
    if refusal.fields.is_empty() { Ok(()) } else { Err(refusal) }
}

/// The checks that are not met, or that nobody has looked at, and that no point names: the one notice waits for every eye.
pub(super) fn untold(app: &Application, facts: &ItemFacts, told: impl Fn(&Check) -> bool) -> Vec<Check> {
    let open = checks(app, facts).into_iter().filter(|(_, state)| *state != State::Met);
    open.map(|(check, _)| check).filter(|check| !told(check)).collect()
}
