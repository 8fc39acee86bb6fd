//! `AgentService`.

use std::sync::Arc;

use tonic::Request;
use yiwang_kit::{Caller, Fault, Gate, Incoming, Reply, Resource, receive, reply, wire};
use yiwang_ledger::{Audiences, Context, Decision, Kind, Ledger, ListQuery, Read, Refusal, StreamId};
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::agent_service_server::AgentService;

use super::{Target, known_organ, reader};
use crate::agent::{self as agents, Agent, Event, county};
use crate::application::Actor;
use crate::convert::{agent as show, ask, region};
use crate::directory::governs;

/// Agents over their ledger.
#[derive(Clone)]
pub struct Agents {
    ledger: Ledger,
    gate: Gate,
}

fn resource<'a>(county: &'a str, organisation: &'a str) -> Resource<'a> {
    Resource { kind: "Agent", region: county, organisation, ..Resource::default() }
}

impl Agents {
    /// Over a ledger and the policies.
    pub fn new(ledger: Ledger, gate: Gate) -> Self {
        Self { ledger, gate }
    }

    fn shown(&self, caller: &Caller, id: StreamId, version: u64, agent: &Agent) -> pb::Agent {
        show::agent(id, version, agent, reader(caller), self.ledger.host().now())
    }

    async fn register(&self, incoming: Incoming<pb::RegisterAgentRequest>) -> Result<pb::Agent, Fault> {
        let message = &incoming.message;
        let place = region("region_code", &message.region_code)?;
        self.gate.allow(&incoming.caller, "RegisterAgent", &resource(&county(&place), ""))?;
        let organ = known_organ(&self.ledger, "organisation", &message.organisation).await?;
        // an organ's people serve its own region and what lies in it or around it
        if !governs(&organ.region, &place) && !governs(&place, &organ.region) {
            let (zh, en) = ("该机关不在代办员的服务区域", "the organ is another region's");
            return Err(Refusal::field("organisation", "ORGAN_ELSEWHERE", zh, en).into());
        }
        let next = show::registration(message, organ)?;
        let stream = agents::stream(&next.account);
        let mut call = incoming.call("RegisterAgent", &stream.to_string(), &message.request_id)?;
        call.expected_version = wire::expected_version(&message.etag)?;
        let (gate, caller, by) = (self.gate.clone(), incoming.caller.clone(), ask::acting(&incoming.caller).actor);
        let rule = move |agent: &Agent, _: &Context| {
            // whom another county has registered is not taken over
            if agent.stands() {
                gate.allow(&caller, "RegisterAgent", &resource(&county(&agent.registered.region), ""))?;
            }
            agents::register(agent, &next, &by)
        };
        let done = self.ledger.execute::<Agent>(stream, call, rule).await.map_err(wire::contract_word)?;
        Ok(self.shown(&incoming.caller, done.stream, done.version, &done.state))
    }

    /// A command on an agent: found, allowed, then decided.
    async fn act<T: serde::Serialize>(
        &self,
        incoming: &Incoming<T>,
        rpc: &'static str,
        target: Target<'_>,
        rule: impl Fn(&Agent, &Actor, &Context) -> Decision<Event> + Send + Sync + 'static,
    ) -> Result<pb::Agent, Fault> {
        let id = StreamId::parse("id", target.id)?;
        let mut call = incoming.call(rpc, &id.to_string(), target.request_id)?;
        call.expected_version = wire::expected_version(target.etag)?;
        let (gate, caller): (Gate, Arc<Caller>) = (self.gate.clone(), incoming.caller.clone());
        let by = ask::acting(&caller).actor;
        let rule = move |agent: &Agent, cx: &Context| {
            if agent.registered.account.is_empty() {
                return Err(agents::not_found());
            }
            let own = &agent.registered;
            gate.allow(&caller, rpc, &resource(&county(&own.region), &own.organ.code))?;
            rule(agent, &by, cx)
        };
        let done = self.ledger.execute::<Agent>(id, call, rule).await.map_err(wire::contract_word)?;
        Ok(self.shown(&incoming.caller, done.stream, done.version, &done.state))
    }

    async fn set_duty(&self, incoming: Incoming<pb::SetAgentDutyRequest>) -> Result<pb::Agent, Fault> {
        let message = &incoming.message;
        let away = show::away(message)?;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let caller = incoming.caller.clone();
        let rule = move |agent: &Agent, by: &Actor, cx: &Context| {
            let coordinates = caller.has_role("coordinator") && caller.region == county(&agent.registered.region);
            if agent.registered.account != by.id && !coordinates {
                let (zh, en) = ("只能登记本人的在岗情况", "an agent speaks of themselves");
                return Err(Refusal::new(Kind::PermissionDenied, "NOT_YOUR_DUTY", zh, en));
            }
            agents::set_duty(agent, away.as_ref(), by, cx)
        };
        self.act(&incoming, "SetAgentDuty", target, rule).await
    }

    async fn retire(&self, incoming: Incoming<pb::RetireAgentRequest>) -> Result<pb::Agent, Fault> {
        let message = &incoming.message;
        let reason = ask::text("reason", &message.reason, 1, 200, "FIELD_INVALID")?;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |agent: &Agent, by: &Actor, _: &Context| agents::retire(agent, &reason, by);
        self.act(&incoming, "RetireAgent", target, rule).await
    }

    async fn get(&self, incoming: Incoming<pb::GetAgentRequest>) -> Result<pb::Agent, Fault> {
        self.gate.allow(&incoming.caller, "GetAgent", &resource("", ""))?;
        let id = StreamId::parse("id", &incoming.message.id)?;
        let seen = Audiences::of(["public".to_owned()]);
        let read = self.ledger.get::<Agent>(id, &seen).await?.ok_or_else(agents::not_found)?;
        Ok(self.shown(&incoming.caller, read.stream, read.version, &read.state))
    }

    async fn list(&self, incoming: Incoming<pb::ListAgentsRequest>) -> Result<pb::ListAgentsResponse, Fault> {
        let message = &incoming.message;
        self.gate.allow(&incoming.caller, "ListAgents", &resource("", ""))?;
        let mut filters: Vec<(&'static str, String)> = Vec::new();
        if !message.region_code.trim().is_empty() {
            filters.push(("serves", region("region_code", &message.region_code)?));
        }
        filters.extend(show::kind_tag(message.kind()).map(|kind| ("kind", kind.to_owned())));
        let query = ListQuery {
            filters,
            page_size: wire::page_size(message.page_size)?,
            page_token: message.page_token.clone(),
        };
        let page = self.ledger.list::<Agent>(&query, &Audiences::of(["public".to_owned()])).await?;
        let one = |read: &Read<Agent>| self.shown(&incoming.caller, read.stream, read.version, &read.state);
        Ok(pb::ListAgentsResponse {
            agents: page.items.iter().map(one).collect(),
            next_page_token: page.next_page_token,
        })
    }
}

#[tonic::async_trait]
impl AgentService for Agents {
    async fn register_agent(&self, request: Request<pb::RegisterAgentRequest>) -> Reply<pb::Agent> {
        reply(self.register(receive(request)?).await)
    }

    async fn set_agent_duty(&self, request: Request<pb::SetAgentDutyRequest>) -> Reply<pb::Agent> {
        reply(self.set_duty(receive(request)?).await)
    }

    async fn retire_agent(&self, request: Request<pb::RetireAgentRequest>) -> Reply<pb::Agent> {
        reply(self.retire(receive(request)?).await)
    }

    async fn get_agent(&self, request: Request<pb::GetAgentRequest>) -> Reply<pb::Agent> {
        reply(self.get(receive(request)?).await)
    }

    async fn list_agents(&self, request: Request<pb::ListAgentsRequest>) -> Reply<pb::ListAgentsResponse> {
        reply(self.list(receive(request)?).await)
    }
}
