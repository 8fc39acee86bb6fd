//! `RosterService`.

use tonic::Request;
use yiwang_kit::{Fault, Gate, Incoming, Reply, Resource, receive, reply, wire};
use yiwang_ledger::{Context, Decision, Kind, Ledger, Refusal};
use yiwang_proto::approval::v1 as pb;
use yiwang_proto::approval::v1::roster_service_server::RosterService;

use super::officer;
use crate::case::{Officer, clock};
use crate::convert::roster as convert;
use crate::roster::{self, Event, Roster};

/// Rosters over their ledger.
#[derive(Clone)]
pub struct Rosters {
    ledger: Ledger,
    gate: Gate,
}

fn not_found() -> Refusal {
    let (zh, en) = ("未找到该机关的名册，或您无权查看", "there is no such roster, or it is not visible to you");
    Refusal::new(Kind::NotFound, "ROSTER_NOT_FOUND", zh, en)
}

impl Rosters {
    /// Over a ledger and the policies.
    pub fn new(ledger: Ledger, gate: Gate) -> Self {
        Self { ledger, gate }
    }

    /// A command on the roster of an organ of the caller's.
    async fn act<T: serde::Serialize>(
        &self,
        incoming: &Incoming<T>,
        rpc: &'static str,
        (organ, request_id, etag): (&str, &str, &str),
        rule: impl Fn(&Roster, &Officer, &Context) -> Decision<Event> + Send + Sync + 'static,
    ) -> Result<pb::Roster, Fault> {
        let organ = convert::organ(organ)?;
        self.gate.allow(
            &incoming.caller,
            rpc,
            &Resource { kind: "Roster", organisation: &organ, ..Resource::default() },
        )?;
        let mut call = incoming.call(rpc, &organ, request_id)?;
        call.expected_version = wire::expected_version(etag)?;
        let by = officer(&incoming.caller);
        let rule = move |roster: &Roster, cx: &Context| rule(roster, &by, cx);
        let done =
            self.ledger.execute::<Roster>(roster::stream(&organ), call, rule).await.map_err(wire::contract_word)?;
        Ok(convert::shown(&organ, done.version, &done.state, clock::day_of(self.ledger.host().now())))
    }

    async fn set_post(&self, incoming: Incoming<pb::SetPostRequest>) -> Result<pb::Roster, Fault> {
        let message = &incoming.message;
        let (account, post) = convert::post(message)?;
        let (organ, region) = (convert::organ(&message.organisation_code)?, incoming.caller.region.clone());
        let target = (message.organisation_code.as_str(), message.request_id.as_str(), message.etag.as_str());
        let rule = move |roster: &Roster, by: &Officer, _: &Context| {
            roster::set(roster, (&organ, &region), &account, &post, by)
        };
        self.act(&incoming, "SetPost", target, rule).await
    }

    async fn remove_post(&self, incoming: Incoming<pb::RemovePostRequest>) -> Result<pb::Roster, Fault> {
        let message = &incoming.message;
        let account = message.account.trim().to_owned();
        let target = (message.organisation_code.as_str(), message.request_id.as_str(), message.etag.as_str());
        let rule = move |roster: &Roster, by: &Officer, _: &Context| roster::remove(roster, &account, by);
        self.act(&incoming, "RemovePost", target, rule).await
    }

    async fn set_duty(&self, incoming: Incoming<pb::SetPostDutyRequest>) -> Result<pb::Roster, Fault> {
        let message = &incoming.message;
        let (account, away) = (message.account.trim().to_owned(), convert::away(message)?);
        let head = incoming.caller.has_role("head");
        let target = (message.organisation_code.as_str(), message.request_id.as_str(), message.etag.as_str());
        let rule = move |roster: &Roster, by: &Officer, cx: &Context| {
            roster::set_duty(roster, &account, away.clone(), (by, head), clock::day_of(cx.now))
        };
        self.act(&incoming, "SetPostDuty", target, rule).await
    }

    async fn get(&self, incoming: Incoming<pb::GetRosterRequest>) -> Result<pb::Roster, Fault> {
        let (caller, organ) = (&incoming.caller, convert::organ(&incoming.message.organisation_code)?);
        let read = self.ledger.get::<Roster>(roster::stream(&organ), &caller.audiences()).await?;
        let region = read.as_ref().map(|read| read.state.region.clone()).unwrap_or_default();
        let about = Resource { kind: "Roster", organisation: &organ, region: &region, ..Resource::default() };
        if self.gate.allow(caller, "GetRoster", &about).is_err() {
            return Err(not_found().into());
        }
        let today = clock::day_of(self.ledger.host().now());
        // one's own that nobody has kept yet is empty
        let (version, roster) = read.map(|read| (read.version, read.state)).unwrap_or_default();
        Ok(convert::shown(&organ, version, &roster, today))
    }
}

#[tonic::async_trait]
impl RosterService for Rosters {
    async fn set_post(&self, request: Request<pb::SetPostRequest>) -> Reply<pb::Roster> {
        reply(self.set_post(receive(request)?).await)
    }

    async fn remove_post(&self, request: Request<pb::RemovePostRequest>) -> Reply<pb::Roster> {
        reply(self.remove_post(receive(request)?).await)
    }

    async fn set_post_duty(&self, request: Request<pb::SetPostDutyRequest>) -> Reply<pb::Roster> {
        reply(self.set_duty(receive(request)?).await)
    }

    async fn get_roster(&self, request: Request<pb::GetRosterRequest>) -> Reply<pb::Roster> {
        reply(self.get(receive(request)?).await)
    }
}
