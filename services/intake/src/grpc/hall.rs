//! `HallService`.

use std::collections::BTreeMap;

use tonic::Request;
use yiwang_kit::{Fault, Gate, Incoming, Reply, receive, reply, wire};
use yiwang_ledger::{Audiences, Context, Ledger, ListQuery, Read, Refusal};
use yiwang_proto::catalogue::v1 as pb;
use yiwang_proto::catalogue::v1::hall_service_server::HallService;

use super::{of_region, public};
use crate::catalogue::{self as items, Item, import};
use crate::convert::{ask, count, hall as show, region};
use crate::directory::governs;
use crate::hall::{self, Hall, Presence, board};

/// No board shows more lines.
const LINES: usize = 500;

/// The halls over their ledger.
#[derive(Clone)]
pub struct Halls {
    ledger: Ledger,
    gate: Gate,
}

impl Halls {
    /// Over a ledger and the policies.
    pub fn new(ledger: Ledger, gate: Gate) -> Self {
        Self { ledger, gate }
    }

    async fn found(&self, code: &str) -> Result<Read<Hall>, Refusal> {
        let read = self.ledger.get::<Hall>(hall::stream(code.trim()), &public()).await?;
        read.ok_or_else(hall::not_found)
    }

    async fn publish(&self, incoming: Incoming<pb::PublishHallRequest>) -> Result<pb::Hall, Fault> {
        let message = &incoming.message;
        let next = show::hall(message.hall.as_ref())?;
        self.gate.allow(&incoming.caller, "PublishHall", &of_region(&next.region))?;
        let stream = hall::stream(&next.code);
        let mut call = incoming.call("PublishHall", &stream.to_string(), &message.request_id)?;
        call.expected_version = wire::expected_version(&message.etag)?;
        let (gate, caller) = (self.gate.clone(), incoming.caller.clone());
        let by = ask::acting(&caller).actor;
        let rule = move |hall: &Hall, _: &Context| {
            // a code that another region uses is not taken over
            if !hall.code.is_empty() {
                gate.allow(&caller, "PublishHall", &of_region(&hall.region))?;
            }
            hall::publish(hall, &next, &by)
        };
        let done = self.ledger.execute::<Hall>(stream, call, rule).await.map_err(wire::contract_word)?;
        Ok(show::hall_shown(done.version, &done.state))
    }

    async fn register(&self, incoming: Incoming<pb::RegisterPresenceRequest>) -> Result<pb::Presence, Fault> {
        let message = &incoming.message;
        let hall = self.found(&message.hall_code).await?.state;
        self.gate.allow(&incoming.caller, "RegisterPresence", &of_region(&hall.region))?;
        let code = message.item_code.trim();
        let item = self.ledger.get::<Item>(items::stream(code), &Audiences::all()).await?;
        let item = item.filter(|read| read.state.exists()).ok_or_else(|| items::not_found(code))?.state;
        let next = show::presence(message, &hall, &item.facts.code)?;
        // a hall takes its own region's items, those of the regions above it, and those below
        let theirs = governs(&item.facts.region, &hall.region) || governs(&hall.region, &item.facts.region);
        let stands = theirs.then_some(()).ok_or_else(|| {
            let (zh, en) = ("该事项属于其他区域", "the item is another region's");
            Refusal::state("ITEM_OF_ANOTHER_REGION", zh, en)
        });
        let stream = hall::presence_stream(&hall.code, &item.facts.code);
        let call = incoming.call("RegisterPresence", &stream.to_string(), &message.request_id)?;
        let by = ask::acting(&incoming.caller).actor;
        let rule = move |presence: &Presence, _: &Context| {
            stands.clone()?;
            hall::register(presence, &next, &by)
        };
        let done = self.ledger.execute::<Presence>(stream, call, rule).await?;
        Ok(show::presence_shown(done.version, &done.state))
    }

    async fn get(&self, incoming: Incoming<pb::GetHallRequest>) -> Result<pb::Hall, Fault> {
        self.gate.allow(&incoming.caller, "GetHall", &of_region(""))?;
        let read = self.found(&incoming.message.hall_code).await?;
        Ok(show::hall_shown(read.version, &read.state))
    }

    async fn list(&self, incoming: Incoming<pb::ListPresencesRequest>) -> Result<pb::ListPresencesResponse, Fault> {
        let message = &incoming.message;
        self.gate.allow(&incoming.caller, "ListPresences", &of_region(""))?;
        let mut filters: Vec<(&'static str, String)> = Vec::new();
        for (name, value) in [("hall", &message.hall_code), ("item", &message.item_code)] {
            if !value.trim().is_empty() {
                filters.push((name, value.trim().to_owned()));
            }
        }
        let query = ListQuery {
            filters,
            page_size: wire::page_size(message.page_size)?,
            page_token: message.page_token.clone(),
        };
        let page = self.ledger.list::<Presence>(&query, &public()).await?;
        Ok(pb::ListPresencesResponse {
            presences: page.items.iter().map(|read| show::presence_shown(read.version, &read.state)).collect(),
            next_page_token: page.next_page_token,
        })
    }

    async fn absent(
        &self,
        incoming: Incoming<pb::GetAbsenceBoardRequest>,
    ) -> Result<pb::GetAbsenceBoardResponse, Fault> {
        self.gate.allow(&incoming.caller, "GetAbsenceBoard", &of_region(""))?;
        let region = region("region_code", &incoming.message.region_code)?;
        let department = incoming.message.department.trim();
        let presences = import::all_tagged::<Presence>(&self.ledger, &[("region", region.clone())]).await?;
        let all = import::all(&self.ledger).await?;
        let own = all.iter().map(|read| &*read.state).filter(|item| {
            item.facts.region == region && (department.is_empty() || item.facts.department == department)
        });
        let lines = board(own, presences.iter().map(|read| &*read.state));
        let mut counts: BTreeMap<&str, (i32, i32)> = BTreeMap::new();
        for line in &lines {
            let counted = counts.entry(&line.department).or_default();
            match line.hall {
                None => counted.0 += 1,
                Some(_) => counted.1 += 1,
            }
        }
        let mut departments: Vec<_> = counts
            .into_iter()
            .map(|(department, (absent, not_authorised))| pb::DepartmentAbsences {
                department: department.to_owned(),
                absent,
                not_authorised,
            })
            .collect();
        departments.sort_by_key(|one| std::cmp::Reverse(count(one.absent + one.not_authorised)));
        Ok(pb::GetAbsenceBoardResponse { absences: lines.iter().take(LINES).map(show::absence).collect(), departments })
    }
}

#[tonic::async_trait]
impl HallService for Halls {
    async fn publish_hall(&self, request: Request<pb::PublishHallRequest>) -> Reply<pb::Hall> {
        reply(self.publish(receive(request)?).await)
    }

    async fn register_presence(&self, request: Request<pb::RegisterPresenceRequest>) -> Reply<pb::Presence> {
        reply(self.register(receive(request)?).await)
    }

    async fn get_hall(&self, request: Request<pb::GetHallRequest>) -> Reply<pb::Hall> {
        reply(self.get(receive(request)?).await)
    }

    async fn list_presences(&self, request: Request<pb::ListPresencesRequest>) -> Reply<pb::ListPresencesResponse> {
        reply(self.list(receive(request)?).await)
    }

    async fn get_absence_board(
        &self,
        request: Request<pb::GetAbsenceBoardRequest>,
    ) -> Reply<pb::GetAbsenceBoardResponse> {
        reply(self.absent(receive(request)?).await)
    }
}
