//! 办结, and what the applicant is told on the way there: what approval tells. Methods of `IntakeService`.

use yiwang_kit::{Fault, Incoming, wire};
use yiwang_ledger::{Context, Refusal, StreamId, Timestamp};
use yiwang_proto::{intake::v1 as pb, party::v1 as parties};

use super::{Intake, unowned};
use crate::application::{Actor, Application, CaseNotice, decide};
use crate::convert::{application as show, ask};

fn actor(told: Option<&parties::Actor>) -> Actor {
    told.map_or_else(Actor::system, |told| Actor {
        id: told.id.clone(),
        name: told.name.clone(),
        role: told.role.clone(),
        organisation: told.organisation.clone(),
        person: told.person_id.clone(),
    })
}

impl Intake {
    pub(super) async fn notice(&self, incoming: Incoming<pb::RecordNoticeRequest>) -> Result<pb::CaseNotice, Fault> {
        let message = &incoming.message;
        self.gate.allow(&incoming.caller, "RecordNotice", &unowned("Application"))?;
        let id = StreamId::parse("application_id", &message.application_id)?;
        let told = message.notice.clone().unwrap_or_default();
        let told = CaseNotice {
            document: ask::text("notice.document_number", &told.document_number, 1, 40, "FIELD_INVALID")?,
            zh: ask::text("notice.text", &told.text, 1, 500, "FIELD_INVALID")?,
            en: ask::text("notice.text_en", &told.text_en, 1, 500, "FIELD_INVALID")?,
            at: Timestamp(0),
        };
        let (by, document) = (actor(message.actor.as_ref()), told.document.clone());
        let call = incoming.call("RecordNotice", &id.to_string(), &message.request_id)?;
        let rule = move |app: &Application, _: &Context| decide::record_notice(app, &told, &by);
        let done = self.ledger.execute::<Application>(id, call, rule).await.map_err(wire::contract_word)?;
        let known = done.state.notices.iter().find(|known| known.document == document);
        Ok(known.map(show::notice).unwrap_or_default())
    }

    pub(super) async fn conclude(
        &self,
        incoming: Incoming<pb::RecordConclusionRequest>,
    ) -> Result<pb::Conclusion, Fault> {
        let message = &incoming.message;
        self.gate.allow(&incoming.caller, "RecordConclusion", &unowned("Application"))?;
        let id = StreamId::parse("application_id", &message.application_id)?;
        let told = show::told(&message.conclusion.clone().unwrap_or_default())?;
        let by = actor(message.actor.as_ref());
        let call = incoming.call("RecordConclusion", &id.to_string(), &message.request_id)?;
        let rule = move |app: &Application, _: &Context| decide::record_conclusion(app, &told, &by);
        let done = self.ledger.execute::<Application>(id, call, rule).await.map_err(wire::contract_word)?;
        let known = done.state.conclusion.as_ref().map(show::conclusion);
        known.ok_or_else(|| Refusal::not_found("办结").into())
    }
}
