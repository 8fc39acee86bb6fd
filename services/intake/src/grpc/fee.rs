//! `FeeService`.

use tonic::Request;
use yiwang_kit::{Fault, Incoming, Reply, receive, reply, timestamp};
use yiwang_ledger::{Audiences, Committed, Context, Decision, Read, Refusal};
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::fee_service_server::FeeService;

use super::{Intake, resource};
use crate::application::decide::{Acting, check_not_own};
use crate::application::{Application, Phase, wrong_phase};
use crate::catalogue::ItemFacts;
use crate::convert::{ask, count};
use crate::fee::{self, Event, Fees, Line, decide};

/// The fees of applications, which the intake service keeps.
#[derive(Clone)]
pub struct FeesOf(pub Intake);

impl FeesOf {
    /// A command on the fees of an application that the caller sees and may act on.
    async fn act<T: serde::Serialize>(
        &self,
        incoming: &Incoming<T>,
        rpc: &'static str,
        (application, request_id): (&str, &str),
        rule: impl Fn(&Fees, &ItemFacts, &Acting, &Context) -> Decision<Event> + Send + Sync + 'static,
    ) -> Result<pb::Fees, Fault> {
        let seen = self.0.seen(&incoming.caller, application).await?;
        let facts = self.0.pinned(&seen.state.item).await?;
        let acting = ask::acting(&incoming.caller);
        self.0.gate.allow(&incoming.caller, rpc, &resource(&seen.state, &incoming.caller))?;
        // told by the rule, so that a request that was accepted before is answered as then
        let stands = match rpc {
            "AssessFee" => check_open(&seen.state, &acting),
            _ => check_not_own(&seen.state, &acting),
        };
        let stream = fee::stream(seen.stream);
        let call = incoming.call(rpc, &stream.to_string(), request_id)?;
        let rule = move |fees: &Fees, cx: &Context| {
            stands.clone()?;
            rule(fees, &facts.facts, &acting, cx)
        };
        let done = self.0.ledger.execute::<Fees>(stream, call, rule).await?;
        Ok(shown(&seen, &done))
    }

    async fn assess(&self, incoming: Incoming<pb::AssessFeeRequest>) -> Result<pb::Fees, Fault> {
        let message = &incoming.message;
        let negative = |_| Refusal::field("units", "FIELD_INVALID", "数量不能为负", "units are not negative");
        let assess = decide::Assess {
            code: ask::text("line_code", &message.line_code, 1, 40, "FIELD_INVALID")?,
            units: u32::try_from(message.units).map_err(negative)?,
            amount: message.amount_fen,
            exemption: ask::text("exemption_code", &message.exemption_code, 0, 40, "FIELD_INVALID")?,
        };
        let rule = move |fees: &Fees, facts: &ItemFacts, by: &Acting, _: &Context| {
            decide::assess(fees, facts, &assess, &by.actor)
        };
        self.act(&incoming, "AssessFee", (&message.application_id, &message.request_id), rule).await
    }

    async fn strike(&self, incoming: Incoming<pb::StrikeFeeRequest>) -> Result<pb::Fees, Fault> {
        let message = &incoming.message;
        let code = message.line_code.trim().to_owned();
        let reason = ask::text("reason", &message.reason, 1, 500, "FIELD_INVALID")?;
        let rule =
            move |fees: &Fees, _: &ItemFacts, by: &Acting, _: &Context| decide::strike(fees, &code, &reason, &by.actor);
        self.act(&incoming, "StrikeFee", (&message.application_id, &message.request_id), rule).await
    }

    async fn get(&self, incoming: Incoming<pb::GetFeesRequest>) -> Result<pb::Fees, Fault> {
        let seen = self.0.seen(&incoming.caller, &incoming.message.application_id).await?;
        self.0.gate.allow(&incoming.caller, "GetFees", &resource(&seen.state, &incoming.caller))?;
        let read = self.0.ledger.get::<Fees>(fee::stream(seen.stream), &Audiences::all()).await?;
        let fees = read.map(|read| (*read.state).clone()).unwrap_or_default();
        Ok(fees_of(&seen, &fees))
    }
}

/// Fees are assessed of what was handed in and is not over, and not by who has a part in it.
fn check_open(app: &Application, by: &Acting) -> Result<(), Refusal> {
    if matches!(app.phase, Phase::Draft) || app.phase.is_final() {
        return Err(wrong_phase(&app.phase, "核定收费", "charged"));
    }
    check_not_own(app, by)
}

fn shown(app: &Read<Application>, done: &Committed<Fees>) -> pb::Fees {
    fees_of(app, &done.state)
}

fn fees_of(app: &Read<Application>, fees: &Fees) -> pb::Fees {
    let line = |line: &Line| pb::FeeLine {
        line_code: line.code.clone(),
        name: line.name.clone(),
        units: count(line.units),
        amount_fen: line.amount,
        exempt_fen: line.exempt,
        exemption_code: line.exemption.clone(),
        payable_fen: line.payable(),
        bases: line.bases.clone(),
        assess_time: Some(timestamp(line.at)),
    };
    pb::Fees {
        application_id: app.stream.to_string(),
        lines: fees.lines.iter().map(line).collect(),
        payable_fen: fees.lines.iter().map(Line::payable).sum(),
    }
}

#[tonic::async_trait]
impl FeeService for FeesOf {
    async fn assess_fee(&self, request: Request<pb::AssessFeeRequest>) -> Reply<pb::Fees> {
        reply(self.assess(receive(request)?).await)
    }

    async fn strike_fee(&self, request: Request<pb::StrikeFeeRequest>) -> Reply<pb::Fees> {
        reply(self.strike(receive(request)?).await)
    }

    async fn get_fees(&self, request: Request<pb::GetFeesRequest>) -> Reply<pb::Fees> {
        reply(self.get(receive(request)?).await)
    }
}
