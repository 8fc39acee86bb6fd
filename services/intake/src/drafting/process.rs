//! 办理流程: what the steps of an examination must be before a list is published.

use std::collections::BTreeSet;

use super::check::Found;
use crate::catalogue::ItemFacts;
use crate::catalogue::facts::ResultKind;
use crate::catalogue::handling::ReviewStep;
use crate::standard::check::expression;
use yiwang_standards::codes::CaseKind;

/// All that stands in the way.
pub(super) fn check(found: &mut Found, facts: &ItemFacts) {
    let handling = &facts.details.handling;
    let steps = &handling.review_steps;
    let on_the_spot = facts.case_kind == CaseKind::Immediate || facts.result.kind == ResultKind::Receipt;
    if on_the_spot && !steps.is_empty() {
        let (zh, en) = ("即办件、备案当场办结，没有审查环节", "what is done on the spot is not examined in steps");
        found.add("details.handling.review_steps", "STEPS_ON_THE_SPOT", zh, en);
    }
    let codes: BTreeSet<&str> = steps.iter().map(|step| step.code.as_str()).collect();
    let mut seen = BTreeSet::new();
    for (place, step) in steps.iter().enumerate() {
        let at = |field: &str| format!("details.handling.review_steps[{place}].{field}");
        // the decision is a task among them
        if !seen.insert(step.code.as_str()) || step.code == "decision" {
            found.add(at("code"), "STEP_CODE", "环节代码重复", "the code stands twice");
        }
        let before: BTreeSet<&str> = step.after.iter().map(String::as_str).collect();
        if before.len() < step.after.len() || !before.is_subset(&codes) {
            let (zh, en) = ("前置环节重复，或者不在清单中", "a step before it stands twice, or is none of the list's");
            found.add(at("after"), "STEP_BEFORE_UNKNOWN", zh, en);
        }
        if step.any && before.len() < 2 {
            let (zh, en) = ("“任一”至少有两个前置环节", "one of several is one of two at least");
            found.add(at("join"), "STEP_JOIN_UNFIT", zh, en);
        }
        if step.other_officer && (handling.sole_officer || step.after.is_empty()) {
            let (zh, en) = (
                "复核环节应当在其他环节之后，且不适用独任审批",
                "what another officer does over is after a step, and of no item that is one officer's",
            );
            found.add(at("other_officer"), "OTHER_OFFICER_UNFIT", zh, en);
        }
        expression(found, at("when"), &step.when);
    }
    if goes_round(steps) {
        let (zh, en) = ("环节的先后次序成环", "the steps go in a circle");
        found.add("details.handling.review_steps", "STEPS_GO_ROUND", zh, en);
    }
    if !steps.is_empty() && steps.iter().all(|step| !step.when.trim().is_empty()) {
        let (zh, en) = (
            "至少有一个环节是任何办件都要办理的（审查与决定分离）",
            "one step at least is needed whatever the form says",
        );
        found.add("details.handling.review_steps", "EXAMINATION_MISSING", zh, en);
    }
}

/// Whether some step can never begin, whatever is done.
fn goes_round(steps: &[ReviewStep]) -> bool {
    let codes: BTreeSet<&str> = steps.iter().map(|step| step.code.as_str()).collect();
    let mut free = BTreeSet::new();
    for _ in steps {
        let ready = |code: &String| free.contains(code.as_str()) || !codes.contains(code.as_str());
        let next: Vec<&str> =
            steps.iter().filter(|step| step.after.iter().all(ready)).map(|step| step.code.as_str()).collect();
        free.extend(next);
    }
    free.len() < codes.len()
}
