//! 填报: saving field by field, and going on elsewhere.

use std::sync::Arc;

use yiwang_kit::{Fault, Incoming, timestamp, wire};
use yiwang_ledger::{Audiences, Call, Context, Read, Refusal, StreamId};
use yiwang_proto::intake::v1 as pb;

use super::{Intake, Target, resource};
use crate::application::decide::{self, Acting};
use crate::application::tags::TAKE_UP;
use crate::application::{Application, not_found};
use crate::convert::ask;

impl Intake {
    pub(super) async fn save(&self, incoming: Incoming<pb::SaveFieldsRequest>) -> Result<pb::Application, Fault> {
        let message = &incoming.message;
        if message.fields.is_empty() || message.fields.len() > 200 {
            return Err(Refusal::field("fields", "FIELD_INVALID", "应有1至200个栏目", "1 to 200 fields").into());
        }
        let seen = self.seen(&incoming.caller, &message.id).await?;
        let pinned = self.pinned(&seen.state.item).await?;
        let given = pbjson_types::Struct { fields: message.fields.clone() };
        let serde_json::Value::Object(fields) = ask::form_value(&given)? else { return Err(not_found().into()) };
        // what was seen guards each field, not the whole
        let version = wire::expected_version(&message.etag)?.unwrap_or_default();
        let save = decide::Save { fields, seen: version };
        let target = Target { id: &message.id, request_id: &message.request_id, etag: "" };
        let rule =
            move |app: &Application, by: &Acting, cx: &Context| decide::save_fields(app, &pinned.facts, &save, by, cx);
        let done = self.act(&incoming, "SaveFields", target, rule).await?;
        Ok(self.shown(&incoming.caller, &done))
    }

    pub(super) async fn offer(&self, incoming: Incoming<pb::OfferTakeUpRequest>) -> Result<pb::TakeUpOffer, Fault> {
        let message = &incoming.message;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: "" };
        let done = self.act(&incoming, "OfferTakeUp", target, decide::offer).await?;
        let word = done.state.take_up.as_ref();
        Ok(pb::TakeUpOffer {
            code: word.map(|word| word.code.clone()).unwrap_or_default(),
            expire_time: word.map(|word| timestamp(word.until)),
        })
    }

    /// A party, or the window that sees it already, names the draft; a window that does not see it says the word.
    pub(super) async fn take_up(&self, incoming: Incoming<pb::TakeUpDraftRequest>) -> Result<pb::Application, Fault> {
        let (caller, message) = (incoming.caller.clone(), &incoming.message);
        let code = message.code.trim().to_uppercase();
        let id = match (code.is_empty(), caller.is_staff()) {
            (false, true) => self.by_word(&code).await?.stream,
            _ => StreamId::parse("id", &message.id)?,
        };
        let channel = ask::channel(message.channel(), caller.is_staff());
        let call: Call = incoming.call("TakeUpDraft", &id.to_string(), &message.request_id)?;
        let (gate, by, audiences) = (self.gate.clone(), Arc::clone(&caller), caller.audiences());
        let acting = ask::acting(&caller);
        let rule = move |app: &Application, cx: &Context| {
            let said = acting.staff && app.take_up.as_ref().is_some_and(|word| word.code == code);
            if !app.exists() || !(said || audiences.meets(&yiwang_ledger::Aggregate::tags(app))) {
                return Err(not_found());
            }
            gate.allow(&by, "TakeUpDraft", &resource(app, &by))?;
            decide::take_up(app, &code, channel, &acting, cx)
        };
        let done = self.ledger.execute::<Application>(id, call, rule).await.map_err(wire::contract_word)?;
        Ok(self.shown(&caller, &done))
    }

    async fn by_word(&self, code: &str) -> Result<Read<Application>, Refusal> {
        let found = self.ledger.find::<Application>(TAKE_UP, code, &Audiences::all()).await?;
        found.ok_or_else(decide::wrong_code)
    }
}
