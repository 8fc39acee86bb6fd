//! `MandateService`.

use tonic::Request;
use yiwang_kit::{Fault, Gate, Incoming, Reply, Resource, new_stream_id, receive, reply, wire};
use yiwang_ledger::{Context, Ledger, ListQuery, Read, Refusal, StreamId};
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::mandate_service_server::MandateService;

use super::reader;
use crate::convert::ask::{self, Sealing};
use crate::convert::mandate as show;
use crate::limit::legal_date;
use crate::mandate::{self, Mandate};

/// The mandates over their ledger.
#[derive(Clone)]
pub struct Mandates {
    ledger: Ledger,
    gate: Gate,
}

fn resource<'a>(caller: &'a yiwang_kit::Caller) -> Resource<'a> {
    let owner = caller.subject.as_ref().map(|subject| subject.as_str()).unwrap_or_default();
    Resource { kind: "Application", owner, region: &caller.region, ..Resource::default() }
}

impl Mandates {
    /// Over a ledger and the policies.
    pub fn new(ledger: Ledger, gate: Gate) -> Self {
        Self { ledger, gate }
    }

    async fn seen(&self, caller: &yiwang_kit::Caller, id: &str) -> Result<Read<Mandate>, Refusal> {
        let id = StreamId::parse("id", id)?;
        self.ledger.get::<Mandate>(id, &caller.audiences()).await?.ok_or_else(mandate::not_found)
    }

    async fn grant(&self, incoming: Incoming<pb::GrantMandateRequest>) -> Result<pb::Mandate, Fault> {
        let (caller, message) = (incoming.caller.clone(), &incoming.message);
        self.gate.allow(&caller, "GrantMandate", &resource(&caller))?;
        let now = self.ledger.host().now();
        let stream = new_stream_id();
        let fallback = self.ledger.vault().lookup("mandate", &stream.to_string());
        let sealing = Sealing { vault: self.ledger.vault(), fallback: &fallback, now };
        let granted = show::grant(message, &caller, &sealing, legal_date(now))?;
        let call = incoming.call("GrantMandate", "", &message.request_id)?;
        let acting = ask::acting(&caller);
        let rule = move |_: &Mandate, cx: &Context| {
            mandate::grant(granted.clone(), &acting.actor, acting.subject.as_ref(), acting.staff, cx)
        };
        let done = self.ledger.create::<Mandate>(stream, call, rule).await.map_err(wire::contract_word)?;
        Ok(show::shown(done.stream, done.version, &done.state, legal_date(now), false, reader(&caller)))
    }

    async fn revoke(&self, incoming: Incoming<pb::RevokeMandateRequest>) -> Result<pb::Mandate, Fault> {
        let (caller, message) = (incoming.caller.clone(), &incoming.message);
        self.gate.allow(&caller, "RevokeMandate", &resource(&caller))?;
        let read = self.seen(&caller, &message.id).await?;
        let reason = show::reason(message, &read.state)?;
        let mut call = incoming.call("RevokeMandate", &read.stream.to_string(), &message.request_id)?;
        call.expected_version = wire::expected_version(&message.etag)?;
        let (audiences, by) = (caller.audiences(), ask::acting(&caller).actor);
        let rule = move |one: &Mandate, cx: &Context| {
            if !mandate::seen(one, &audiences) {
                return Err(mandate::not_found());
            }
            mandate::revoke(one, &reason, &by, cx)
        };
        let done = self.ledger.execute::<Mandate>(read.stream, call, rule).await.map_err(wire::contract_word)?;
        let today = legal_date(self.ledger.host().now());
        Ok(show::shown(done.stream, done.version, &done.state, today, false, reader(&caller)))
    }

    async fn get(&self, incoming: Incoming<pb::GetMandateRequest>) -> Result<pb::Mandate, Fault> {
        let caller = &incoming.caller;
        self.gate.allow(caller, "GetMandate", &resource(caller))?;
        let read = self.seen(caller, &incoming.message.id).await?;
        if caller.is_staff() {
            let call = incoming.read_call("GetMandate", &read.stream.to_string());
            self.ledger.record_read(call, read.stream, "GetMandate").await?;
        }
        let today = legal_date(self.ledger.host().now());
        Ok(show::shown(read.stream, read.version, &read.state, today, false, reader(caller)))
    }

    async fn list(&self, incoming: Incoming<pb::ListMandatesRequest>) -> Result<pb::ListMandatesResponse, Fault> {
        let (caller, message) = (&incoming.caller, &incoming.message);
        self.gate.allow(caller, "ListMandates", &resource(caller))?;
        let query = ListQuery {
            filters: Vec::new(),
            page_size: wire::page_size(message.page_size)?,
            page_token: message.page_token.clone(),
        };
        let page = self.ledger.list::<Mandate>(&query, &caller.audiences()).await?;
        let today = legal_date(self.ledger.host().now());
        let shown =
            |read: &Read<Mandate>| show::shown(read.stream, read.version, &read.state, today, true, reader(caller));
        Ok(pb::ListMandatesResponse {
            mandates: page.items.iter().map(shown).collect(),
            next_page_token: page.next_page_token,
        })
    }
}

#[tonic::async_trait]
impl MandateService for Mandates {
    async fn grant_mandate(&self, request: Request<pb::GrantMandateRequest>) -> Reply<pb::Mandate> {
        reply(self.grant(receive(request)?).await)
    }

    async fn revoke_mandate(&self, request: Request<pb::RevokeMandateRequest>) -> Reply<pb::Mandate> {
        reply(self.revoke(receive(request)?).await)
    }

    async fn get_mandate(&self, request: Request<pb::GetMandateRequest>) -> Reply<pb::Mandate> {
        reply(self.get(receive(request)?).await)
    }

    async fn list_mandates(&self, request: Request<pb::ListMandatesRequest>) -> Reply<pb::ListMandatesResponse> {
        reply(self.list(receive(request)?).await)
    }
}
