//! `QueueService`.

use tonic::Request;
use yiwang_kit::{CallerKind, Fault, Incoming, Reply, receive, reply};
use yiwang_ledger::{Audiences, Context, Decision, Refusal};
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::queue_service_server::QueueService;

use super::appointment::{bookable, green, same_place};
use super::of_region;
use super::reception::{Receptions, is_clerk, of_hall};
use crate::appointment::following::Published;
use crate::catalogue::import;
use crate::convert::{appointment as show, ask, reception as words};
use crate::queue::seats::{closed, day_has_ended};
use crate::queue::tickets::{self, WalkIn};
use crate::queue::{self, Day, DayEvent};
use crate::reception::WindowGroup;

/// No board shows more groups.
const GROUPS: usize = 100;

/// The queues.
#[derive(Clone)]
pub struct Queues(pub Receptions);

/// `ITEM_NOT_SERVED`.
pub(super) fn not_served() -> Refusal {
    Refusal::state("ITEM_NOT_SERVED", "该窗口组不办理该事项", "the group does not serve the item")
}

/// Which ticket, of which group.
struct At<'a> {
    hall: &'a str,
    group: &'a str,
    request_id: &'a str,
}

impl Queues {
    /// A clerk's command on today's queue; the ticket afterwards. What names no ticket is about the latest.
    async fn act<T: serde::Serialize>(
        &self,
        incoming: &Incoming<T>,
        rpc: &'static str,
        at: At<'_>,
        label: Option<&str>,
        rule: impl Fn(&Day, &Context) -> Decision<DayEvent> + Send + Sync + 'static,
    ) -> Result<pb::Ticket, Fault> {
        let published = self.0.published(at.hall, at.group).await?;
        let region = published.group.0.region.clone();
        self.0.gate.allow(&incoming.caller, rpc, &of_hall("", &region))?;
        let rule = move |day: &Day, cx: &Context| match day.date {
            Some(_) => rule(day, cx),
            None => Err(tickets::no_queue()),
        };
        self.run(incoming, (rpc, at.request_id), published, label, rule).await
    }

    async fn run<T: serde::Serialize>(
        &self,
        incoming: &Incoming<T>,
        (rpc, request_id): (&'static str, &str),
        published: Published,
        label: Option<&str>,
        rule: impl Fn(&Day, &Context) -> Decision<DayEvent> + Send + Sync + 'static,
    ) -> Result<pb::Ticket, Fault> {
        let (group, today) = (&published.group.0, self.0.today());
        let target = queue::stream(&group.hall, &group.code, today).to_string();
        let call = incoming.call(rpc, &target, request_id)?;
        let (done, ..) = self.0.on_day(&published, today, call, &incoming.trace, rule).await?;
        let clerk = is_clerk(&incoming.caller, &group.region);
        let label = label.unwrap_or(&done.state.latest);
        Ok(show::ticket(&done.state, label, self.0.now(), clerk).ok_or_else(tickets::not_found)?)
    }

    async fn take(&self, incoming: Incoming<pb::TakeTicketRequest>) -> Result<pb::Ticket, Fault> {
        let (caller, message) = (incoming.caller.clone(), &incoming.message);
        let hall = self.0.hall(&message.hall_code).await?;
        let published = self.0.published(&hall.code, &message.group_code).await?;
        let own = matches!(caller.kind, CallerKind::Person | CallerKind::Company);
        let owner = caller.subject.clone().filter(|_| own);
        let whose = owner.as_ref().map_or("", |subject| subject.as_str());
        self.0.gate.allow(&caller, "TakeTicket", &of_hall(whose, &hall.region))?;
        let ask = WalkIn {
            item: ask::text("item_code", &message.item_code, 0, 100, "FIELD_INVALID")?,
            green: green(message.ground(), is_clerk(&caller, &hall.region))?,
            owner,
        };
        let (fresh, by) = (self.0.fresh(&published, self.0.today()), ask::acting(&caller).actor);
        let stands = self.taken_today(&published.group.0, &ask.item).await;
        let rule = move |day: &Day, cx: &Context| {
            stands.clone()?;
            tickets::take(day, &fresh, &ask, &by, cx)
        };
        self.run(&incoming, ("TakeTicket", &message.request_id), published, None, rule).await
    }

    /// Whether the windows take an item today; where none is named, they say so there.
    async fn taken_today(&self, group: &WindowGroup, item: &str) -> Result<(), Refusal> {
        if item.is_empty() {
            return Ok(());
        }
        let item = self.0.item(item).await?;
        let presence = self.0.presence(&group.hall, &item.facts.code).await?;
        bookable(&item, presence.as_ref(), group, self.0.today())
    }

    async fn call(&self, incoming: Incoming<pb::CallNextRequest>) -> Result<pb::Ticket, Fault> {
        let (message, by) = (&incoming.message, ask::acting(&incoming.caller).actor);
        let window = message.window.trim().to_owned();
        let rule = move |day: &Day, cx: &Context| tickets::call_next(day, &window, &by, cx);
        let at = At { hall: &message.hall_code, group: &message.group_code, request_id: &message.request_id };
        self.act(&incoming, "CallNext", at, None, rule).await
    }

    async fn recall(&self, incoming: Incoming<pb::RecallTicketRequest>) -> Result<pb::Ticket, Fault> {
        let (message, by) = (&incoming.message, ask::acting(&incoming.caller).actor);
        let (label, own) = (message.ticket.trim(), message.ticket.trim().to_owned());
        let rule = move |day: &Day, _: &Context| tickets::recall(day, &own, &by);
        let at = At { hall: &message.hall_code, group: &message.group_code, request_id: &message.request_id };
        self.act(&incoming, "RecallTicket", at, Some(label), rule).await
    }

    async fn pass(&self, incoming: Incoming<pb::PassTicketRequest>) -> Result<pb::Ticket, Fault> {
        let (message, by) = (&incoming.message, ask::acting(&incoming.caller).actor);
        let (label, own) = (message.ticket.trim(), message.ticket.trim().to_owned());
        let rule = move |day: &Day, _: &Context| tickets::pass(day, &own, &by);
        let at = At { hall: &message.hall_code, group: &message.group_code, request_id: &message.request_id };
        self.act(&incoming, "PassTicket", at, Some(label), rule).await
    }

    async fn rejoin(&self, incoming: Incoming<pb::RejoinTicketRequest>) -> Result<pb::Ticket, Fault> {
        let (message, by) = (&incoming.message, ask::acting(&incoming.caller).actor);
        let (label, own) = (message.ticket.trim(), message.ticket.trim().to_owned());
        let rule = move |day: &Day, _: &Context| tickets::rejoin(day, &own, &by);
        let at = At { hall: &message.hall_code, group: &message.group_code, request_id: &message.request_id };
        self.act(&incoming, "RejoinTicket", at, Some(label), rule).await
    }

    async fn finish(&self, incoming: Incoming<pb::FinishTicketRequest>) -> Result<pb::Ticket, Fault> {
        let (message, by) = (&incoming.message, ask::acting(&incoming.caller).actor);
        let (label, own) = (message.ticket.trim(), message.ticket.trim().to_owned());
        let rule = move |day: &Day, _: &Context| tickets::finish(day, &own, &by);
        let at = At { hall: &message.hall_code, group: &message.group_code, request_id: &message.request_id };
        self.act(&incoming, "FinishTicket", at, Some(label), rule).await
    }

    async fn transfer(&self, incoming: Incoming<pb::TransferTicketRequest>) -> Result<pb::Ticket, Fault> {
        let (message, by) = (&incoming.message, ask::acting(&incoming.caller).actor);
        let reason = ask::text("reason", &message.reason, 1, 200, "REASON_MISSING")?;
        let hall = self.0.hall(&message.hall_code).await?;
        let other = self.0.published(&hall.code, &message.to_group_code).await?;
        let day = self.0.day(&other, self.0.today()).await?;
        let (to, here) = (other.group.0.code.clone(), message.group_code.trim().to_owned());
        let stands = match &day.plan.closed {
            _ if to == here => Err(same_place()),
            Some(reason) => Err(closed(reason)),
            None if day.over => Err(day_has_ended()),
            None => Ok(()),
        };
        let (label, own) = (message.ticket.trim(), message.ticket.trim().to_owned());
        let rule = move |day: &Day, _: &Context| {
            stands.clone()?;
            tickets::transfer(day, &own, &to, &reason, &by)
        };
        let at = At { hall: &hall.code, group: &here, request_id: &message.request_id };
        self.act(&incoming, "TransferTicket", at, Some(label), rule).await
    }

    async fn grant(&self, incoming: Incoming<pb::GrantPriorityRequest>) -> Result<pb::Ticket, Fault> {
        let (message, by) = (&incoming.message, ask::acting(&incoming.caller).actor);
        let Some(green) = green(message.ground(), true)? else {
            return Err(Refusal::field("ground", "GROUND_MISSING", "请指明优先的情形", "name the ground").into());
        };
        let (label, own) = (message.ticket.trim(), message.ticket.trim().to_owned());
        let rule = move |day: &Day, _: &Context| tickets::grant(day, &own, &green, &by);
        let at = At { hall: &message.hall_code, group: &message.group_code, request_id: &message.request_id };
        self.act(&incoming, "GrantPriority", at, Some(label), rule).await
    }

    async fn get(&self, incoming: Incoming<pb::GetTicketRequest>) -> Result<pb::Ticket, Fault> {
        let (caller, message) = (&incoming.caller, &incoming.message);
        self.0.gate.allow(caller, "GetTicket", &of_region(""))?;
        let date = match message.date.trim() {
            "" => self.0.today(),
            text => words::day("date", text)?,
        };
        let stream = queue::stream(message.hall_code.trim(), message.group_code.trim(), date);
        let read = self.0.ledger.get::<Day>(stream, &Audiences::all()).await?.ok_or_else(tickets::no_queue)?;
        let clerk = is_clerk(caller, &read.state.plan.region);
        let shown = show::ticket(&read.state, message.ticket.trim(), self.0.now(), clerk);
        Ok(shown.ok_or_else(tickets::not_found)?)
    }

    async fn board(&self, incoming: Incoming<pb::GetQueueBoardRequest>) -> Result<pb::GetQueueBoardResponse, Fault> {
        self.0.gate.allow(&incoming.caller, "GetQueueBoard", &of_region(""))?;
        let hall = self.0.hall(&incoming.message.hall_code).await?;
        let all = import::all_tagged::<WindowGroup>(&self.0.ledger, &[("hall", hall.code.clone())]).await?;
        let (mut groups, today) = (Vec::new(), self.0.today());
        for read in all.into_iter().take(GROUPS) {
            let stream = queue::stream(&hall.code, &read.state.code, today);
            let day = self.0.ledger.get::<Day>(stream, &Audiences::all()).await?;
            let day = day.map(|read| (*read.state).clone()).unwrap_or_default();
            groups.push(show::board(&read.state, &day, self.0.now()));
        }
        Ok(pb::GetQueueBoardResponse { groups })
    }
}

#[tonic::async_trait]
impl QueueService for Queues {
    async fn take_ticket(&self, request: Request<pb::TakeTicketRequest>) -> Reply<pb::Ticket> {
        reply(self.take(receive(request)?).await)
    }

    async fn call_next(&self, request: Request<pb::CallNextRequest>) -> Reply<pb::Ticket> {
        reply(self.call(receive(request)?).await)
    }

    async fn recall_ticket(&self, request: Request<pb::RecallTicketRequest>) -> Reply<pb::Ticket> {
        reply(self.recall(receive(request)?).await)
    }

    async fn pass_ticket(&self, request: Request<pb::PassTicketRequest>) -> Reply<pb::Ticket> {
        reply(self.pass(receive(request)?).await)
    }

    async fn rejoin_ticket(&self, request: Request<pb::RejoinTicketRequest>) -> Reply<pb::Ticket> {
        reply(self.rejoin(receive(request)?).await)
    }

    async fn finish_ticket(&self, request: Request<pb::FinishTicketRequest>) -> Reply<pb::Ticket> {
        reply(self.finish(receive(request)?).await)
    }

    async fn transfer_ticket(&self, request: Request<pb::TransferTicketRequest>) -> Reply<pb::Ticket> {
        reply(self.transfer(receive(request)?).await)
    }

    async fn grant_priority(&self, request: Request<pb::GrantPriorityRequest>) -> Reply<pb::Ticket> {
        reply(self.grant(receive(request)?).await)
    }

    async fn get_ticket(&self, request: Request<pb::GetTicketRequest>) -> Reply<pb::Ticket> {
        reply(self.get(receive(request)?).await)
    }

    async fn get_queue_board(&self, request: Request<pb::GetQueueBoardRequest>) -> Reply<pb::GetQueueBoardResponse> {
        reply(self.board(receive(request)?).await)
    }
}
