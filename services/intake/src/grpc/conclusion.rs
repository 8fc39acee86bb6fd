//! 办结: what approval tells. A method of `IntakeService`.

use yiwang_kit::{Fault, Incoming, wire};
use yiwang_ledger::{Context, Refusal, StreamId};
use yiwang_proto::intake::v1 as pb;

use super::{Intake, unowned};
use crate::application::{Actor, Application, decide};
use crate::convert::application as show;

impl Intake {
    pub(super) async fn conclude(
        &self,
        incoming: Incoming<pb::RecordConclusionRequest>,
    ) -> Result<pb::Conclusion, Fault> {
        let message = &incoming.message;
        self.gate.allow(&incoming.caller, "RecordConclusion", &unowned("Application"))?;
        let id = StreamId::parse("application_id", &message.application_id)?;
        let told = show::told(&message.conclusion.clone().unwrap_or_default())?;
        let by = message.actor.as_ref().map_or_else(Actor::system, |told| Actor {
            id: told.id.clone(),
            name: told.name.clone(),
            role: told.role.clone(),
            organisation: told.organisation.clone(),
            person: told.person_id.clone(),
        });
        let call = incoming.call("RecordConclusion", &id.to_string(), &message.request_id)?;
        let rule = move |app: &Application, _: &Context| decide::record_conclusion(app, &told, &by);
        let done = self.ledger.execute::<Application>(id, call, rule).await.map_err(wire::contract_word)?;
        let known = done.state.conclusion.as_ref().map(show::conclusion);
        known.ok_or_else(|| Refusal::not_found("办结").into())
    }
}
