//! 特别程序: asked for, allowed, ended.

use yiwang_kit::{Fault, Incoming, Resource, wire};
use yiwang_ledger::{Context, Refusal, StreamId};
use yiwang_proto::approval::v1 as pb;

use super::Approval;
use crate::case::procedure::{self, extension};
use crate::case::{Case, Officer, SpecialKind};
use crate::convert::ask;

/// What the policies are asked of whoever allows a procedure: an extension is for the head of the organ, or of the government, any other
/// procedure for the supervision. The organ is the one whose power it is, also where another handles the case for it (art. 24).
fn action<'a>(case: &'a Case, number: u32, resource: &mut Resource<'a>) -> Result<&'static str, Refusal> {
    let asked = &procedure::find(case, number)?.asked;
    let facts = case.facts()?;
    resource.organisation = &facts.item.organisation;
    let by_government = extension(&facts.item, &facts.legal.limit).is_some_and(|extension| extension.by_government);
    Ok(match (asked.kind, by_government) {
        (SpecialKind::Other, _) => "DecideProcedure",
        (SpecialKind::Extension, false) => "DecideExtension",
        (SpecialKind::Extension, true) => "DecideJointExtension",
    })
}

impl Approval {
    pub(super) async fn request_procedure(
        &self,
        incoming: Incoming<pb::RequestProcedureRequest>,
    ) -> Result<pb::Case, Fault> {
        let message = &incoming.message;
        let asked = ask::procedure(message)?;
        let target = (message.id.as_str(), message.request_id.as_str(), message.etag.as_str());
        let rule = move |case: &Case, by: &Officer, cx: &Context| procedure::ask(case, by, &asked, cx);
        self.act(&incoming, "RequestProcedure", target, rule).await
    }

    pub(super) async fn decide_procedure(
        &self,
        incoming: Incoming<pb::DecideProcedureRequest>,
    ) -> Result<pb::Case, Fault> {
        let message = &incoming.message;
        let (number, verdict) = ask::verdict(message)?;
        let id = StreamId::parse("id", &message.id)?;
        let mut call = incoming.call("DecideProcedure", &id.to_string(), &message.request_id)?;
        call.expected_version = wire::expected_version(&message.etag)?;
        let rule = move |case: &Case, by: &Officer, cx: &Context| procedure::decide(case, by, number, &verdict, cx);
        let done =
            self.acted_as(&incoming, (id, call), move |case, resource| action(case, number, resource), rule).await?;
        Ok(self.shown(&self.documented(done, &incoming.trace).await))
    }

    pub(super) async fn end_procedure(&self, incoming: Incoming<pb::EndProcedureRequest>) -> Result<pb::Case, Fault> {
        let message = &incoming.message;
        let (number, on, findings) = ask::procedure_end(message)?;
        let target = (message.id.as_str(), message.request_id.as_str(), message.etag.as_str());
        let rule = move |case: &Case, by: &Officer, cx: &Context| {
            let on = on.unwrap_or_else(|| crate::case::clock::day_of(cx.now));
            procedure::end(case, by, number, (on, &findings), cx)
        };
        self.act(&incoming, "EndProcedure", target, rule).await
    }
}
