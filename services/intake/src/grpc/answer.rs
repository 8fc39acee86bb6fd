//! `AnswerService`.

use std::sync::Arc;

use tonic::Request;
use yiwang_kit::{Caller, Fault, Gate, Incoming, Reply, Resource, receive, reply, wire};
use yiwang_ledger::{Aggregate as _, Audiences, Context, Decision, Ledger, ListQuery, Refusal, StreamId};
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::answer_service_server::AnswerService;

use super::{Target, catalogue::offset};
use crate::answer::{self as answers, Answer, Event, decide};
use crate::application::Actor;
use crate::catalogue::search::{self, Weights};
use crate::catalogue::{self as items, Item, words};
use crate::convert::question::bases;
use crate::convert::{answer as show, ask};
use crate::limit::legal_date;
use crate::question::{self as questions, Question};

/// What a search looks at before it is ranked.
const CANDIDATES: u32 = 400;

/// Published answers over their ledger.
#[derive(Clone)]
pub struct Answers {
    ledger: Ledger,
    gate: Gate,
}

fn resource<'a>(organisation: &'a str, region: &'a str) -> Resource<'a> {
    Resource { kind: "Answer", organisation, region, ..Resource::default() }
}

impl Answers {
    /// Over a ledger and the policies.
    pub fn new(ledger: Ledger, gate: Gate) -> Self {
        Self { ledger, gate }
    }

    async fn item(&self, code: Option<&str>) -> Result<Option<Arc<Item>>, Refusal> {
        let Some(code) = code else { return Ok(None) };
        let read = self.ledger.get::<Item>(items::stream(code), &Audiences::all()).await?;
        Ok(read.map(|read| read.state))
    }

    async fn publish(&self, incoming: Incoming<pb::PublishAnswerRequest>) -> Result<pb::PublishedAnswer, Fault> {
        let (caller, message) = (&incoming.caller, &incoming.message);
        let id = StreamId::parse("question_id", &message.question_id)?;
        let question =
            self.ledger.get::<Question>(id, &caller.audiences()).await?.ok_or_else(questions::not_found)?.state;
        let organ = question.answers.last().map_or("", |answer| &answer.organ.code);
        self.gate.allow(caller, "PublishAnswer", &resource(organ, &question.asked.region))?;
        let words = show::words(message)?;
        let item = self.item(question.asked.item.as_ref().map(|item| item.code.as_str())).await?;
        let by = ask::acting(caller).actor;
        let stream = answers::stream(id);
        let call = incoming.call("PublishAnswer", &stream.to_string(), &message.request_id)?;
        let rule = move |answer: &Answer, cx: &Context| {
            let text = decide::text(&question, &words, item.as_deref(), &by, legal_date(cx.now))?;
            decide::publish(answer, id, &text, &by)
        };
        let done = self.ledger.execute::<Answer>(stream, call, rule).await?;
        Ok(show::answer(done.stream, done.version, &done.state))
    }

    async fn act<T: serde::Serialize>(
        &self,
        incoming: &Incoming<T>,
        rpc: &'static str,
        target: Target<'_>,
        rule: impl Fn(&Answer, &Actor, &Context) -> Decision<Event> + Send + Sync + 'static,
    ) -> Result<pb::PublishedAnswer, Fault> {
        let id = StreamId::parse("id", target.id)?;
        let mut call = incoming.call(rpc, &id.to_string(), target.request_id)?;
        call.expected_version = wire::expected_version(target.etag)?;
        let (gate, caller): (Gate, Arc<Caller>) = (self.gate.clone(), incoming.caller.clone());
        let (audiences, by) = (caller.audiences(), ask::acting(&caller).actor);
        let rule = move |answer: &Answer, cx: &Context| {
            if !audiences.meets(&answer.tags()) {
                return Err(answers::not_found());
            }
            gate.allow(&caller, rpc, &resource(&answer.text.organ.code, &answer.text.region))?;
            rule(answer, &by, cx)
        };
        let done = self.ledger.execute::<Answer>(id, call, rule).await.map_err(wire::contract_word)?;
        Ok(show::answer(done.stream, done.version, &done.state))
    }

    async fn review(&self, incoming: Incoming<pb::ReviewAnswerRequest>) -> Result<pb::PublishedAnswer, Fault> {
        let message = &incoming.message;
        let text = ask::text("answer", &message.answer, 0, show::ANSWER, "FIELD_INVALID")?;
        let bases = bases(&message.bases)?;
        let seen = self.seen(&incoming.caller, &message.id).await?;
        let item = self.item(seen.state.text.item.as_ref().map(|item| item.code.as_str())).await?;
        let question = match seen.state.question {
            Some(id) => self.ledger.get::<Question>(id, &Audiences::all()).await?.map(|read| read.state),
            None => None,
        };
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |answer: &Answer, by: &Actor, cx: &Context| {
            decide::review(answer, (&text, &bases), question.as_deref(), item.as_deref(), by, cx)
        };
        self.act(&incoming, "ReviewAnswer", target, rule).await
    }

    async fn withdraw(&self, incoming: Incoming<pb::WithdrawAnswerRequest>) -> Result<pb::PublishedAnswer, Fault> {
        let message = &incoming.message;
        let reason = ask::text("reason", &message.reason, 1, 500, "FIELD_INVALID")?;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |answer: &Answer, by: &Actor, _: &Context| decide::withdraw(answer, &reason, by);
        self.act(&incoming, "WithdrawAnswer", target, rule).await
    }

    async fn seen(&self, caller: &Caller, id: &str) -> Result<yiwang_ledger::Read<Answer>, Refusal> {
        let id = StreamId::parse("id", id)?;
        self.ledger.get::<Answer>(id, &caller.audiences()).await?.ok_or_else(answers::not_found)
    }

    async fn get(&self, incoming: Incoming<pb::GetAnswerRequest>) -> Result<pb::PublishedAnswer, Fault> {
        self.gate.allow(&incoming.caller, "GetAnswer", &resource("", ""))?;
        let read = self.seen(&incoming.caller, &incoming.message.id).await?;
        Ok(show::answer(read.stream, read.version, &read.state))
    }

    async fn search(&self, incoming: Incoming<pb::SearchAnswersRequest>) -> Result<pb::SearchAnswersResponse, Fault> {
        let message = &incoming.message;
        self.gate.allow(&incoming.caller, "SearchAnswers", &resource("", ""))?;
        let query = ask::text("query", &message.query, 0, 100, "FIELD_INVALID")?;
        let mut filters = vec![("standing", show::standing_tag(message.standing()).to_owned())];
        for (name, value) in [("item", &message.item_code), ("organ", &message.organisation)] {
            if !value.trim().is_empty() {
                filters.push((name, value.trim().to_owned()));
            }
        }
        let (size, audiences) = (wire::page_size(message.page_size)?, incoming.caller.audiences());
        if query.is_empty() {
            let query = ListQuery { filters, page_size: size, page_token: message.page_token.clone() };
            let page = self.ledger.list::<Answer>(&query, &audiences).await?;
            let one = |read: &yiwang_ledger::Read<Answer>| show::answer(read.stream, read.version, &read.state);
            return Ok(pb::SearchAnswersResponse {
                answers: page.items.iter().map(one).collect(),
                next_page_token: page.next_page_token,
            });
        }
        let asked = format!("{query}\0{filters:?}");
        let proof = self.ledger.vault().keyed_hash(&[b"answers", asked.as_bytes()]).to_string();
        let proof = &proof[..16];
        let start = offset(&message.page_token, proof)?;
        let grams = words::query_grams(&words::terms(&query));
        let hits = self.ledger.search::<Answer>("gram", &grams, &filters, &audiences, CANDIDATES).await?;
        let weights = Weights::of(hits.iter().map(|hit| hit.read.state.headings()));
        let ranked = search::rank(&query, hits.clone(), &weights, |hit| hit.read.state.headings());
        let end = start.saturating_add(size as usize).min(ranked.len());
        let page = ranked.get(start..end).unwrap_or_default();
        Ok(pb::SearchAnswersResponse {
            answers: page.iter().map(|hit| show::answer(hit.read.stream, hit.read.version, &hit.read.state)).collect(),
            next_page_token: if end < ranked.len() { format!("{proof}.{end}") } else { String::new() },
        })
    }
}

#[tonic::async_trait]
impl AnswerService for Answers {
    async fn publish_answer(&self, request: Request<pb::PublishAnswerRequest>) -> Reply<pb::PublishedAnswer> {
        reply(self.publish(receive(request)?).await)
    }

    async fn review_answer(&self, request: Request<pb::ReviewAnswerRequest>) -> Reply<pb::PublishedAnswer> {
        reply(self.review(receive(request)?).await)
    }

    async fn withdraw_answer(&self, request: Request<pb::WithdrawAnswerRequest>) -> Reply<pb::PublishedAnswer> {
        reply(self.withdraw(receive(request)?).await)
    }

    async fn get_answer(&self, request: Request<pb::GetAnswerRequest>) -> Reply<pb::PublishedAnswer> {
        reply(self.get(receive(request)?).await)
    }

    async fn search_answers(&self, request: Request<pb::SearchAnswersRequest>) -> Reply<pb::SearchAnswersResponse> {
        reply(self.search(receive(request)?).await)
    }
}
