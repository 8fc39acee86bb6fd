//! `PreReviewService`.

use tonic::Request;
use yiwang_kit::{Fault, Incoming, Reply, receive, reply, wire};
use yiwang_ledger::{Aggregate as _, Context, Refusal, StreamId};
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::pre_review_service_server::PreReviewService;

use super::{Intake, Target, known_organ, resource};
use crate::application::decide::{self, Acting};
use crate::application::{Application, not_found};
use crate::convert::ask;

/// Pre-reviews of intake's applications.
#[derive(Clone)]
pub struct PreReviews(pub Intake);

impl PreReviews {
    async fn request(&self, incoming: Incoming<pb::RequestPreReviewRequest>) -> Result<pb::Application, Fault> {
        let message = &incoming.message;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |app: &Application, by: &Acting, _: &Context| decide::request(app, by);
        let done = self.0.act(&incoming, "RequestPreReview", target, rule).await?;
        Ok(self.0.shown(&incoming.caller, &done))
    }

    async fn invite(&self, incoming: Incoming<pb::InvitePreReviewRequest>) -> Result<pb::Application, Fault> {
        let message = &incoming.message;
        if message.organs.is_empty() {
            return Err(Refusal::field("organs", "FIELD_INVALID", "请指明部门", "name the departments").into());
        }
        ask::few("organs", &message.organs, decide::MOST_ORGANS)?;
        let mut organs = Vec::with_capacity(message.organs.len());
        for (place, organ) in message.organs.iter().enumerate() {
            organs.push(known_organ(&self.0.ledger, &format!("organs[{place}].organ_code"), &organ.organ_code).await?);
        }
        let until = message.until_time.unwrap_or_default();
        let until = wire::moment("until_time", &until)?;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |app: &Application, by: &Acting, cx: &Context| decide::invite(app, &organs, until, by, cx);
        let done = self.0.act(&incoming, "InvitePreReview", target, rule).await?;
        Ok(self.0.shown(&incoming.caller, &done))
    }

    /// The policies are asked about the department that speaks, not about the one that will handle the application.
    async fn give(&self, incoming: Incoming<pb::GivePreReviewRequest>) -> Result<pb::Application, Fault> {
        let (caller, message) = (incoming.caller.clone(), &incoming.message);
        let seen = self.0.seen(&caller, &message.id).await?;
        let text = ask::opinion(seen.state.data_subject(), "opinion", &message.opinion)?;
        let organ = match message.organ_code.trim() {
            "" => caller.organisations.first().cloned().unwrap_or_default(),
            code => code.to_owned(),
        };
        let id = StreamId::parse("id", &message.id)?;
        let mut call = incoming.call("GivePreReview", &id.to_string(), &message.request_id)?;
        call.expected_version = wire::expected_version(&message.etag)?;
        let (gate, by, audiences) = (self.0.gate.clone(), caller.clone(), caller.audiences());
        let (acting, ready) = (ask::acting(&caller), message.ready);
        let rule = move |app: &Application, _: &Context| {
            if !app.exists() || !audiences.meets(&app.tags()) {
                return Err(not_found());
            }
            let asked = yiwang_kit::Resource { organisation: &organ, region: "", ..resource(app, &by) };
            gate.allow(&by, "GivePreReview", &asked)?;
            decide::give(app, &organ, ready, text.clone(), &acting)
        };
        let done = self.0.ledger.execute::<Application>(id, call, rule).await.map_err(wire::contract_word)?;
        Ok(self.0.shown(&caller, &done))
    }

    async fn conclude(&self, incoming: Incoming<pb::ConcludePreReviewRequest>) -> Result<pb::Application, Fault> {
        let message = &incoming.message;
        let seen = self.0.seen(&incoming.caller, &message.id).await?;
        let text = ask::opinion(seen.state.data_subject(), "opinion", &message.opinion)?;
        let (target, ready) =
            (Target { id: &message.id, request_id: &message.request_id, etag: &message.etag }, message.ready);
        let rule =
            move |app: &Application, by: &Acting, cx: &Context| decide::conclude(app, ready, text.clone(), by, cx);
        let done = self.0.act(&incoming, "ConcludePreReview", target, rule).await?;
        Ok(self.0.shown(&incoming.caller, &done))
    }
}

#[tonic::async_trait]
impl PreReviewService for PreReviews {
    async fn request_pre_review(&self, request: Request<pb::RequestPreReviewRequest>) -> Reply<pb::Application> {
        reply(self.request(receive(request)?).await)
    }

    async fn invite_pre_review(&self, request: Request<pb::InvitePreReviewRequest>) -> Reply<pb::Application> {
        reply(self.invite(receive(request)?).await)
    }

    async fn give_pre_review(&self, request: Request<pb::GivePreReviewRequest>) -> Reply<pb::Application> {
        reply(self.give(receive(request)?).await)
    }

    async fn conclude_pre_review(&self, request: Request<pb::ConcludePreReviewRequest>) -> Reply<pb::Application> {
        reply(self.conclude(receive(request)?).await)
    }
}
