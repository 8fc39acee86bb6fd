//! 并案: one of two applications for the same matter ends, and the other goes on.

use yiwang_ledger::{Context, Decision, Personal, Refusal};

use super::{Acting, check_grade, check_not_deemed, check_not_own};
use crate::application::{Application, ApplicationEvent as Event, Phase, WithdrawalCause, not_found, wrong_phase};
use crate::catalogue::ItemFacts;
use crate::double::Other;

/// Ends an application that waits for acceptance or for its correction, for the matter goes on in another one that is in progress and was
/// handed in earlier, was accepted, or is part of a joint application. Once the law has accepted it, it is a case of its own. So that no
/// two end for each other's sake: of two that wait one alone may end, and what was accepted, or is such a part, never does.
///
/// # Errors
/// `WRONG_PHASE`, `PART_OF_JOINT`, `DEEMED_ACCEPTED`, `NOT_THE_SAME_MATTER`, `OTHER_CAME_LATER`, `OWN_APPLICATION`,
/// `CLERK_GRADE_TOO_LOW`.
pub fn join(
    app: &Application,
    pinned: &ItemFacts,
    into: Option<&Other>,
    note: Option<&Personal>,
    by: &Acting,
    cx: &Context,
) -> Decision<Event> {
    match &app.phase {
        Phase::Absent => return Err(not_found()),
        Phase::Submitted { .. } | Phase::CorrectionRequested => {}
        phase => return Err(wrong_phase(phase, "并入其他申请", "joined to another")),
    }
    // what others of its theme wait for is granted here, or not at all: the other one is joined to it
    if let Some(of) = &app.joint {
        let (zh, en) = (
            "该申请是联办申请的一部分，其他事项等待其结果；请将另一件并入本件",
            "others of a joint application wait for what comes of it: join the other one to it",
        );
        return Err(Refusal::state("PART_OF_JOINT", zh, en).with("joint_id", of.joint.to_string()));
    }
    check_not_own(app, by)?;
    check_grade(pinned, by)?;
    check_not_deemed(app, cx)?;
    let into = into.ok_or_else(|| {
        let (zh, en) = (
            "没有该编号的在办申请，或者不是同一申请人的同一事项",
            "no application with that number is in progress for the same applicant and matter",
        );
        Refusal::state("NOT_THE_SAME_MATTER", zh, en)
    })?;
    if !into.stops && !into.part {
        let (zh, en) = (
            "该申请收件在后且尚未受理，应当由后收件的并入先收件的",
            "the other was handed in later and is not accepted: it is joined to this one, not this one to it",
        );
        return Err(Refusal::state("OTHER_CAME_LATER", zh, en));
    }
    Ok(vec![Event::Withdrawn {
        cause: WithdrawalCause::Joined,
        reason: note.cloned(),
        joined: Some(Box::new(into.clone())),
        by: by.actor.clone(),
    }])
}
