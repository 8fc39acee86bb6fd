//! `TaskService`: from hand to hand.

use std::collections::BTreeSet;
use std::sync::Arc;

use tonic::Request;
use yiwang_kit::{Caller, Fault, Incoming, Reply, receive, reply};
use yiwang_ledger::{Committed, Context, Decision, Refusal, StreamId};
use yiwang_proto::approval::v1 as pb;
use yiwang_proto::approval::v1::task_service_server::TaskService;

use super::{Approval, officer};
use crate::case::{Case, Event, Hands, clock, task};
use crate::convert::ask;
use crate::roster::{self, Roster};

/// The tasks of cases.
#[derive(Clone)]
pub struct Tasks(pub Approval);

impl Approval {
    /// A command on a task. Whoever is refused because it is in another's hands may stand in for them: then they are asked about, which
    /// nearly nobody has to be.
    pub(super) async fn handled<T: serde::Serialize>(
        &self,
        incoming: &Incoming<T>,
        rpc: &'static str,
        target: (&str, &str, &str),
        rule: impl Fn(&Case, &Hands, &Context) -> Decision<Event> + Clone + Send + Sync + 'static,
    ) -> Result<Committed<Case>, Fault> {
        let oversees = incoming.caller.has_role("head") || incoming.caller.has_role("supervisor");
        let mut hands = Hands { oversees, ..Hands::default() };
        let first = self.handled_by(incoming, rpc, target, hands.clone(), rule.clone()).await;
        let Err(Fault::Refusal(Refusal { reason: "TASK_HELD", .. })) = &first else { return first };
        hands.covers = self.covers(&incoming.caller).await?;
        if hands.covers.is_empty() { first } else { self.handled_by(incoming, rpc, target, hands, rule).await }
    }

    async fn handled_by<T: serde::Serialize>(
        &self,
        incoming: &Incoming<T>,
        rpc: &'static str,
        target: (&str, &str, &str),
        hands: Hands,
        rule: impl Fn(&Case, &Hands, &Context) -> Decision<Event> + Send + Sync + 'static,
    ) -> Result<Committed<Case>, Fault> {
        let hands = Hands { officer: officer(&incoming.caller), ..hands };
        self.acted(incoming, rpc, target, move |case, _, cx| rule(case, &hands, cx)).await
    }

    /// B角: for whom the caller stands in today, in any of their organs.
    async fn covers(&self, caller: &Caller) -> Result<BTreeSet<(String, String)>, Refusal> {
        let today = clock::day_of(self.ledger.host().now());
        let mut covers = BTreeSet::new();
        for organ in &caller.organisations {
            let roster = self.ledger.get::<Roster>(roster::stream(organ), &caller.audiences()).await?;
            let away = roster.into_iter().flat_map(|read| read.state.covered_by(&caller.id, today));
            covers.extend(away.map(|account| (organ.clone(), account)));
        }
        Ok(covers)
    }

    async fn claim_task(&self, incoming: Incoming<pb::ClaimTaskRequest>) -> Result<pb::Case, Fault> {
        let message = &incoming.message;
        let step = ask::task_code(&message.step_code)?;
        let target = (message.id.as_str(), message.request_id.as_str(), message.etag.as_str());
        let rule = move |case: &Case, by: &Hands, _: &Context| task::claim(case, by, &step);
        Ok(self.shown(&self.handled(&incoming, "ClaimTask", target, rule).await?))
    }

    async fn release_task(&self, incoming: Incoming<pb::ReleaseTaskRequest>) -> Result<pb::Case, Fault> {
        let message = &incoming.message;
        let (step, reason) = (ask::task_code(&message.step_code)?, ask::release_reason(message)?);
        let target = (message.id.as_str(), message.request_id.as_str(), message.etag.as_str());
        let rule = move |case: &Case, by: &Hands, _: &Context| task::release(case, by, &step, &reason);
        Ok(self.shown(&self.handled(&incoming, "ReleaseTask", target, rule).await?))
    }

    async fn assign_task(&self, incoming: Incoming<pb::AssignTaskRequest>) -> Result<pb::Case, Fault> {
        let message = &incoming.message;
        let (step, (account, reason)) = (ask::task_code(&message.step_code)?, ask::assignment(message)?);
        let target = (message.id.as_str(), message.request_id.as_str(), message.etag.as_str());
        let id = StreamId::parse("id", &message.id)?;
        let audiences = incoming.caller.audiences();
        let read = self.ledger.get::<Case>(id, &audiences).await?.ok_or_else(crate::case::not_found)?;
        let organ = read.state.facts()?.item.handler().to_owned();
        let roster = self.ledger.get::<Roster>(roster::stream(&organ), &audiences).await?;
        let roster = Arc::new(roster.map(|read| read.state.as_ref().clone()).unwrap_or_default());
        let rule = move |case: &Case, by: &Hands, cx: &Context| {
            let (item, today) = (&case.facts()?.item.code, clock::day_of(cx.now));
            let taker = |task: &str| roster.taker(&account, (task, item), today);
            task::assign(case, by, (&step, &reason), &taker)
        };
        Ok(self.shown(&self.handled(&incoming, "AssignTask", target, rule).await?))
    }
}

#[tonic::async_trait]
impl TaskService for Tasks {
    async fn claim_task(&self, request: Request<pb::ClaimTaskRequest>) -> Reply<pb::Case> {
        reply(self.0.claim_task(receive(request)?).await)
    }

    async fn release_task(&self, request: Request<pb::ReleaseTaskRequest>) -> Reply<pb::Case> {
        reply(self.0.release_task(receive(request)?).await)
    }

    async fn assign_task(&self, request: Request<pb::AssignTaskRequest>) -> Reply<pb::Case> {
        reply(self.0.assign_task(receive(request)?).await)
    }
}

impl Approval {
    /// The account that a filter names.
    pub(super) fn holder_filter(message: &pb::ListCasesRequest, caller: &Caller) -> Result<Option<String>, Refusal> {
        if !caller.is_staff() && (message.free || !message.holder.trim().is_empty()) {
            let (zh, en) = ("只供工作人员查询", "for the officers' own lists alone");
            return Err(Refusal::field("holder", "FIELD_INVALID", zh, en));
        }
        match (message.holder.trim(), message.free) {
            ("", false) => Ok(None),
            ("", true) => Ok(Some(crate::case::FREE.to_owned())),
            ("me", false) => Ok(Some(caller.id.clone())),
            (account, false) => Ok(Some(account.to_owned())),
            (_, true) => {
                let (zh, en) =
                    ("不能同时查某人的任务和无人办理的任务", "either somebody's tasks, or those in nobody's hands");
                Err(Refusal::field("free", "FIELD_INVALID", zh, en))
            }
        }
    }
}
