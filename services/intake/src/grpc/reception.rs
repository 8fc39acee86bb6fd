//! `ReceptionService`, and what the handlers of appointments and queues share with it.

use std::sync::Arc;

use chrono::NaiveDate;
use tonic::Request;
use yiwang_kit::{Caller, CallerKind, Fault, Gate, Incoming, Reply, Resource, receive, reply, wire};
use yiwang_ledger::{
    Aggregate, Audiences, Call, Committed, Context, Decision, Entry, EventName as _, Ledger, ListQuery, Refusal,
    Timestamp,
};
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::reception_service_server::ReceptionService;

use super::{of_region, public};
use crate::appointment::Appointment;
use crate::appointment::following::{After, Published, replan, replan_all};
use crate::catalogue::{self as items, Item};
use crate::convert::{ask, reception as show};
use crate::hall::{self, Hall, Presence};
use crate::limit::legal_date;
use crate::queue::seats::Fresh;
use crate::queue::{self, Day, DayEvent};
use crate::reception::plan::plan;
use crate::reception::{self, BookingRules, WindowGroup};

/// Window groups, appointments and queues over their ledger.
#[derive(Clone)]
pub struct Receptions {
    pub(super) ledger: Ledger,
    pub(super) gate: Gate,
}

/// What the policies are asked about appointments and queues.
pub(super) fn of_hall<'a>(owner: &'a str, region: &'a str) -> Resource<'a> {
    Resource { kind: "Appointment", owner, region, ..Resource::default() }
}

/// Whether somebody acts at the hall's counter.
pub(super) fn is_clerk(caller: &Caller, region: &str) -> bool {
    caller.kind == CallerKind::Staff && caller.has_role("clerk") && caller.region == region
}

/// Whose entry it is.
pub(super) struct Own {
    principal: String,
    request: String,
}

impl Own {
    /// A call's.
    pub(super) fn of(call: &Call) -> Self {
        Self { principal: call.principal.clone(), request: call.request_id.clone() }
    }

    /// Whether the call wrote an entry.
    pub(super) fn wrote(&self, entry: &Entry) -> bool {
        (&entry.principal, &entry.request) == (&self.principal, &self.request)
    }
}

impl Receptions {
    /// Over a ledger and the policies.
    pub fn new(ledger: Ledger, gate: Gate) -> Self {
        Self { ledger, gate }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.ledger.host().now()
    }

    pub(super) fn today(&self) -> NaiveDate {
        legal_date(self.now())
    }

    pub(super) async fn hall(&self, code: &str) -> Result<Arc<Hall>, Refusal> {
        let read = self.ledger.get::<Hall>(hall::stream(code.trim()), &public()).await?;
        read.map(|read| read.state).ok_or_else(hall::not_found)
    }

    pub(super) async fn item(&self, code: &str) -> Result<Item, Refusal> {
        let read = self.ledger.get::<Item>(items::stream(code), &public()).await?;
        let read = read.filter(|read| read.state.exists()).ok_or_else(|| items::not_found(code))?;
        Ok((*read.state).clone())
    }

    pub(super) async fn presence(&self, hall: &str, item: &str) -> Result<Option<Presence>, Refusal> {
        let read = self.ledger.get::<Presence>(hall::presence_stream(hall, item), &public()).await?;
        Ok(read.map(|read| (*read.state).clone()))
    }

    pub(super) async fn published(&self, hall: &str, group: &str) -> Result<Published, Refusal> {
        Published::of(&self.ledger, hall.trim(), group.trim()).await
    }

    /// The day as it stands, or as it would be opened now.
    pub(super) async fn day(&self, published: &Published, date: NaiveDate) -> Result<Arc<Day>, Refusal> {
        let group = &published.group.0;
        let stream = queue::stream(&group.hall, &group.code, date);
        let read = self.ledger.get::<Day>(stream, &Audiences::all()).await?.map(|read| read.state);
        let fresh = self.fresh(published, date);
        let stands = read.filter(|day| day.date.is_some());
        Ok(stands.unwrap_or_else(|| {
            Arc::new(Day { hall: fresh.hall, group: fresh.group, date: Some(date), plan: fresh.plan, ..Day::default() })
        }))
    }

    pub(super) fn fresh(&self, published: &Published, date: NaiveDate) -> Fresh {
        let (group, rules) = (&published.group, &published.rules);
        let plan = plan((&group.0, group.1), (&rules.0, rules.1), date, &self.ledger.host().calendar());
        Fresh { hall: group.0.hall.clone(), group: group.0.code.clone(), date, plan }
    }

    /// A command on a day, and what follows from it: the day, the event, and the appointment that it is about.
    pub(super) async fn on_day(
        &self,
        published: &Published,
        date: NaiveDate,
        call: Call,
        trace: &str,
        rule: impl Fn(&Day, &Context) -> Decision<DayEvent> + Send + Sync + 'static,
    ) -> Result<(Committed<Day>, Option<DayEvent>, Option<Committed<Appointment>>), Refusal> {
        let group = &published.group.0;
        let stream = queue::stream(&group.hall, &group.code, date);
        let own = Own::of(&call);
        let done = self.ledger.execute::<Day>(stream, call, rule).await.map_err(wire::contract_word)?;
        let entries = self.ledger.history(done.stream, done.version.saturating_sub(1), 1).await?;
        // a command that changed nothing has no entry: the last one is somebody else's to carry out
        let Some(entry) = entries.first().filter(|entry| own.wrote(entry)) else { return Ok((done, None, None)) };
        let event = self.ledger.decode::<Day>(entry).await?;
        tracing::debug!(day = %done.stream, event = event.name(), "carried on");
        let app = After::new(&self.ledger, entry.hash, trace).day(&done.state, &event).await?;
        Ok((done, Some(event), app))
    }

    async fn publish<A: Aggregate>(
        &self,
        incoming: &Incoming<impl serde::Serialize>,
        rpc: &'static str,
        stream: yiwang_ledger::StreamId,
        (request_id, etag): (&str, &str),
        rule: impl Fn(&A, &Context) -> Decision<A::Event> + Send + Sync + 'static,
    ) -> Result<Committed<A>, Refusal> {
        let mut call = incoming.call(rpc, &stream.to_string(), request_id)?;
        call.expected_version = wire::expected_version(etag)?;
        self.ledger.execute::<A>(stream, call, rule).await.map_err(wire::contract_word)
    }

    async fn publish_rules(
        &self,
        incoming: Incoming<pb::PublishBookingRulesRequest>,
    ) -> Result<pb::BookingRules, Fault> {
        let message = &incoming.message;
        let hall = self.hall(&message.hall_code).await?;
        self.gate.allow(&incoming.caller, "PublishBookingRules", &of_region(&hall.region))?;
        let (next, by) = (show::rules(message.rules.as_ref(), &hall)?, ask::acting(&incoming.caller).actor);
        let rule = move |rules: &BookingRules, _: &Context| reception::publish_rules(rules, &next, &by);
        let stream = reception::rules_stream(&hall.code);
        let guard = (message.request_id.as_str(), message.etag.as_str());
        let done = self.publish::<BookingRules>(&incoming, "PublishBookingRules", stream, guard, rule).await?;
        self.left_to_the_relay(replan_all(&self.ledger, Some(&hall.code)).await);
        Ok(show::rules_shown(&hall.code, done.version, &done.state))
    }

    async fn get_rules(&self, incoming: Incoming<pb::GetBookingRulesRequest>) -> Result<pb::BookingRules, Fault> {
        self.gate.allow(&incoming.caller, "GetBookingRules", &of_region(""))?;
        let hall = self.hall(&incoming.message.hall_code).await?;
        let (rules, version) = Published::rules(&self.ledger, &hall.code).await?;
        Ok(show::rules_shown(&hall.code, version, &rules))
    }

    async fn publish_group(&self, incoming: Incoming<pb::PublishWindowGroupRequest>) -> Result<pb::WindowGroup, Fault> {
        let message = &incoming.message;
        let hall = self.hall(&message.hall_code).await?;
        self.gate.allow(&incoming.caller, "PublishWindowGroup", &of_region(&hall.region))?;
        let (next, by) = (show::group(message.group.as_ref(), &hall)?, ask::acting(&incoming.caller).actor);
        let stream = reception::stream(&hall.code, &next.code);
        let rule = move |group: &WindowGroup, _: &Context| reception::publish_group(group, &next, &by);
        let guard = (message.request_id.as_str(), message.etag.as_str());
        let done = self.publish::<WindowGroup>(&incoming, "PublishWindowGroup", stream, guard, rule).await?;
        self.left_to_the_relay(replan(&self.ledger, &hall.code, &done.state.code).await);
        Ok(show::group_shown(done.version, &done.state))
    }

    /// What was published stands; days that could not be reached are the relay's.
    fn left_to_the_relay(&self, done: Result<u64, Refusal>) {
        if let Err(refusal) = done {
            tracing::warn!(reason = refusal.reason, "bringing days to what was published is left to the relay");
        }
    }

    async fn get_group(&self, incoming: Incoming<pb::GetWindowGroupRequest>) -> Result<pb::WindowGroup, Fault> {
        self.gate.allow(&incoming.caller, "GetWindowGroup", &of_region(""))?;
        let published = self.published(&incoming.message.hall_code, &incoming.message.group_code).await?;
        Ok(show::group_shown(published.group.1, &published.group.0))
    }

    async fn list(
        &self,
        incoming: Incoming<pb::ListWindowGroupsRequest>,
    ) -> Result<pb::ListWindowGroupsResponse, Fault> {
        let message = &incoming.message;
        self.gate.allow(&incoming.caller, "ListWindowGroups", &of_region(""))?;
        let hall = message.hall_code.trim();
        let query = ListQuery {
            filters: Some(("hall", hall.to_owned())).filter(|_| !hall.is_empty()).into_iter().collect(),
            page_size: wire::page_size(message.page_size)?,
            page_token: message.page_token.clone(),
        };
        let page = self.ledger.list::<WindowGroup>(&query, &public()).await?;
        Ok(pb::ListWindowGroupsResponse {
            groups: page.items.iter().map(|read| show::group_shown(read.version, &read.state)).collect(),
            next_page_token: page.next_page_token,
        })
    }

    async fn slots(&self, incoming: Incoming<pb::GetSlotsRequest>) -> Result<pb::GetSlotsResponse, Fault> {
        let message = &incoming.message;
        self.gate.allow(&incoming.caller, "GetSlots", &of_region(""))?;
        let date = show::day("date", &message.date)?;
        let hall = self.hall(&message.hall_code).await?;
        let published = self.published(&hall.code, &message.group_code).await?;
        let (day, rules, now) = (self.day(&published, date).await?, &published.rules.0, self.now());
        let horizon = self.today().checked_add_days(chrono::Days::new(rules.horizon_days.into()));
        let lead = i64::from(rules.lead_minutes) * reception::MINUTE_MICROS;
        let within = horizon.is_some_and(|last| date <= last) && !day.over;
        let slots = day.plan.slots.iter().map(|slot| {
            let open = within && slot.start.on(date).0 - lead > now.0;
            show::slot(&day, slot, message.item_code.trim(), open)
        });
        Ok(pb::GetSlotsResponse {
            slots: slots.collect(),
            closed_reason: day.plan.closed.clone().unwrap_or_default(),
            provisional: !self.ledger.host().calendar().covers(chrono::Datelike::year(&date)),
        })
    }
}

#[tonic::async_trait]
impl ReceptionService for Receptions {
    async fn publish_booking_rules(&self, request: Request<pb::PublishBookingRulesRequest>) -> Reply<pb::BookingRules> {
        reply(self.publish_rules(receive(request)?).await)
    }

    async fn get_booking_rules(&self, request: Request<pb::GetBookingRulesRequest>) -> Reply<pb::BookingRules> {
        reply(self.get_rules(receive(request)?).await)
    }

    async fn publish_window_group(&self, request: Request<pb::PublishWindowGroupRequest>) -> Reply<pb::WindowGroup> {
        reply(self.publish_group(receive(request)?).await)
    }

    async fn get_window_group(&self, request: Request<pb::GetWindowGroupRequest>) -> Reply<pb::WindowGroup> {
        reply(self.get_group(receive(request)?).await)
    }

    async fn list_window_groups(
        &self,
        request: Request<pb::ListWindowGroupsRequest>,
    ) -> Reply<pb::ListWindowGroupsResponse> {
        reply(self.list(receive(request)?).await)
    }

    async fn get_slots(&self, request: Request<pb::GetSlotsRequest>) -> Reply<pb::GetSlotsResponse> {
        reply(self.slots(receive(request)?).await)
    }
}
