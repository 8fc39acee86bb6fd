//! 进度: who follows an application live. A method of `IntakeService`.

use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use yiwang_kit::watching::Looked;
use yiwang_kit::{Fault, Incoming};
use yiwang_ledger::Refusal;
use yiwang_proto::intake::v1 as pb;

use super::{Intake, reader, unowned};
use crate::application::{self as app, Application};
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
        let look = move |after: usize| {
            let (ledger, caller) = (ledger.clone(), caller.clone());
            async move {
                let read = ledger.get::<Application>(stream, &caller.audiences()).await?.ok_or_else(app::not_found)?;
                let app = &read.state;
                let progress = |(place, step)| pb::ApplicationProgress {
                    number: count(place + 1),
                    step: Some(show::step(step, app, reader(&caller))),
                    phase: show::phase(&app.phase).into(),
                };
                let new = app.steps.iter().enumerate().skip(after).map(progress).collect();
                Ok(Looked { new, after: after.max(app.steps.len()), ended: ended(app) })
            }
        };
        Ok(self.watching.follow(stream, after, pb::ApplicationProgress::default, look))
    }
}
