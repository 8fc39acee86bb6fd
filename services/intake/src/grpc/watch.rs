//! 进度: who follows an application live. A method of `IntakeService`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use yiwang_kit::watching::Looked;
use yiwang_kit::{Fault, Incoming};
use yiwang_ledger::Refusal;
use yiwang_proto::intake::v1 as pb;

use super::{Intake, reader, unowned};
use crate::application::{self as app, Application, Step};
use crate::convert::application as show;
use crate::convert::count;

/// Nothing more comes of it that its applicant would see.
fn ended(app: &Application) -> bool {
    let concluded = app.conclusion.as_ref().is_some_and(|how| !how.granted || how.result.is_some());
    app.phase.is_final() || concluded
}

impl Intake {
    pub(super) async fn watch(
        &self,
        incoming: Incoming<pb::WatchApplicationRequest>,
    ) -> Result<ReceiverStream<Result<pb::ApplicationProgress, Status>>, Fault> {
        let (caller, message) = (incoming.caller.clone(), &incoming.message);
        self.gate.allow(&caller, "WatchApplication", &unowned("Application"))?;
        let (zh, en) = ("步骤序号不能为负", "a number of steps is not negative");
        let after = usize::try_from(message.after).map_err(|_| Refusal::field("after", "FIELD_INVALID", zh, en))?;
        let read = self.seen(&caller, &message.id).await?;
        self.leave_trace(&incoming, "WatchApplication", read.stream).await?;
        let (ledger, stream) = (self.ledger.clone(), read.stream);
        let mended = Arc::new(AtomicI64::new(i64::MIN));
        let look = move |after: usize| {
            let (ledger, caller, mended) = (ledger.clone(), caller.clone(), mended.clone());
            async move {
                let read = ledger.get::<Application>(stream, &caller.audiences()).await?.ok_or_else(app::not_found)?;
                let (app, ended) = (&read.state, ended(&read.state));
                let progress = |number: usize, step: Option<&Step>| pb::ApplicationProgress {
                    number: count(number),
                    step: step.map(|step| show::step(step, app, reader(&caller))),
                    phase: show::phase(&app.phase).into(),
                    ended: ended && number == app.steps.len(),
                };
                let from = after.saturating_sub(usize::from(again(app, after, &mended)));
                let new = app.steps.iter().enumerate().skip(from).map(|(place, step)| progress(place + 1, Some(step)));
                let beat = progress(app.steps.len(), None);
                Ok(Looked { new: new.collect(), after: after.max(app.steps.len()), ended, beat })
            }
        };
        Ok(self.watching.follow(stream, after, look))
    }
}

/// 当场更正: what is mended in several commands is one step, whose time moves. Whoever has seen it sees it again under its number.
fn again(app: &Application, after: usize, mended: &AtomicI64) -> bool {
    let last = app.steps.last().filter(|step| step.kind == "CorrectedOnTheSpot");
    let at = last.map_or(i64::MIN, |step| step.at.0);
    mended.swap(at, Ordering::Relaxed) != at && last.is_some() && after == app.steps.len()
}
