//! 撤回: before acceptance at once, after it by way of approval, which may have decided already.

use yiwang_ledger::{Context, Decision, Kind, Personal, Refusal};

use super::Acting;
use super::submit::{held, not_the_applicant};
use crate::application::{
    Application, ApplicationEvent as Event, Phase, WithdrawalCause, check_not_part, not_found, wrong_phase,
};
use crate::mandate::Act;

/// Takes an application back.
#[derive(Clone, Debug, Default)]
pub struct Withdraw {
    /// Why.
    pub reason: Option<Personal>,
    /// By the joint application that it is a part of, whose own rule has looked at who may.
    pub joint: bool,
}

/// The applicant takes it back, at any time before the decision.
/// Once it was handed in, that is the applicant, or an agent with a mandate for it.
pub fn withdraw(app: &Application, ask: &Withdraw, by: &Acting, cx: &Context) -> Decision<Event> {
    // whoever merely began it has no say in it any more
    if app.receipt.is_some() && !ask.joint && !by.is(app.applicant.as_ref()) {
        if !by.is_agent(app) {
            return Err(not_the_applicant());
        }
        held(app, Act::Withdraw, by, cx)?;
    }
    check_not_part(app, ask.joint)?;
    let (reason, by) = (ask.reason.clone(), by.actor.clone());
    match &app.phase {
        Phase::Absent => Err(not_found()),
        Phase::Draft | Phase::Submitted { .. } | Phase::CorrectionRequested => {
            Ok(vec![Event::Withdrawn { cause: WithdrawalCause::Applicant, reason, joined: None, by }])
        }
        Phase::Accepted(acceptance) if acceptance.withdrawal_pending => {
            Err(Refusal::state("WITHDRAWAL_PENDING", "撤回申请正在处理", "a withdrawal is being dealt with"))
        }
        // Approval must hear of the case before it hears of its end.
        Phase::Accepted(_) if app.case_number.is_none() => Err(Refusal::new(
            Kind::Unavailable,
            "NUMBERING_PENDING",
            "办件正在编号，请稍后重试",
            "the case is being numbered: try again shortly",
        )
        .with("retry_after_ms", "500")),
        Phase::Accepted(_) => Ok(vec![Event::WithdrawalRequested { reason, by }]),
        phase => Err(wrong_phase(phase, "撤回", "withdrawn")),
    }
}

/// Approval's answer: the case has ended, or it was decided already.
pub fn answer_withdrawal(app: &Application, ended: bool, reason: Option<Personal>, by: &Acting) -> Decision<Event> {
    match &app.phase {
        Phase::Accepted(acceptance) if acceptance.withdrawal_pending => Ok(vec![if ended {
            let late = acceptance.deferral.as_ref().is_some_and(|deferral| deferral.late);
            let cause = if late { WithdrawalCause::DeferralLate } else { WithdrawalCause::Applicant };
            Event::Withdrawn { cause, reason, joined: None, by: by.actor.clone() }
        } else {
            Event::WithdrawalDenied
        }]),
        _ => Ok(Vec::new()),
    }
}
