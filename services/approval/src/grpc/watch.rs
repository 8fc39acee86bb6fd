//! 进度: who follows a case live. A method of `ApprovalService`.

use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use yiwang_kit::watching::Looked;
use yiwang_kit::{Fault, Incoming};
use yiwang_ledger::Refusal;
use yiwang_proto::approval::v1 as pb;

use super::Approval;
use crate::case::{Case, CaseResult, Phase, ResultKind, not_found};
use crate::convert::show;

/// Nothing more comes of it that its applicant would see.
fn ended(case: &Case) -> bool {
    let awaited = case.facts.as_ref().is_some_and(|facts| facts.item.result == ResultKind::License)
        && case.decision.as_ref().is_some_and(|decision| decision.outcome.is_grant())
        && !matches!(case.result, CaseResult::License { .. });
    match case.phase {
        Phase::Decided => !awaited,
        Phase::Withdrawn { .. } => true,
        Phase::Absent | Phase::Open | Phase::Reviewed => false,
    }
}

impl Approval {
    pub(super) async fn watch(
        &self,
        incoming: Incoming<pb::WatchCaseRequest>,
    ) -> Result<ReceiverStream<Result<pb::CaseProgress, Status>>, Fault> {
        let (caller, message) = (incoming.caller.clone(), &incoming.message);
        let (zh, en) = ("步骤序号不能为负", "a number of steps is not negative");
        let after = usize::try_from(message.after).map_err(|_| Refusal::field("after", "FIELD_INVALID", zh, en))?;
        let read = self.find(&incoming, "WatchCase", &message.id).await?;
        if caller.is_staff() {
            let call = incoming.read_call("WatchCase", &read.stream.to_string());
            self.ledger.record_read(call, read.stream, "WatchCase").await?;
        }
        let (ledger, stream) = (self.ledger.clone(), read.stream);
        let look = move |after: usize| {
            let (ledger, caller) = (ledger.clone(), caller.clone());
            async move {
                let read = ledger.get::<Case>(stream, &caller.audiences()).await?.ok_or_else(not_found)?;
                let case = show::case(stream, read.version, &read.state, ledger.host().now());
                let shown = show::to(&caller, super::inside(&caller, &read.state), case);
                let (phase, steps, ended) = (shown.phase, shown.steps.len(), ended(&read.state));
                let progress = |number: usize, step| pb::CaseProgress {
                    number: i32::try_from(number).unwrap_or(i32::MAX),
                    step,
                    phase,
                    ended: ended && number == steps,
                };
                let new = shown.steps.into_iter().enumerate().skip(after);
                let new = new.map(|(place, step)| progress(place + 1, Some(step))).collect();
                Ok(Looked { new, after: after.max(steps), ended, beat: progress(steps, None) })
            }
        };
        Ok(self.watching.follow(stream, after, look))
    }
}
