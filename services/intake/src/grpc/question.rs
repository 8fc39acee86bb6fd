//! `QuestionService`.

use std::sync::Arc;

use tonic::Request;
use yiwang_kit::{Caller, Fault, Gate, Incoming, Reply, Resource, new_stream_id, receive, reply, wire};
use yiwang_ledger::{
    Aggregate as _, Audiences, Committed, Context, Decision, Ledger, ListQuery, Personal, Refusal, StreamId, SubjectId,
};
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::question_service_server::QuestionService;

use super::{Target, asker, catalogue, known_organ, reader};
use crate::answer::{self as answers, Answer};
use crate::application::Actor;
use crate::catalogue::{self as items, Item};
use crate::convert::question::{self as show, View, sealed};
use crate::convert::{ask, region};
use crate::limit::legal_date;
use crate::question::{self as questions, About, Asked, Event, Question, Stage, decide, rules};
use crate::transfer::Organ;

/// Longest answer in characters.
const ANSWER: usize = 4000;

/// Questions over their ledger.
#[derive(Clone)]
pub struct Questions {
    ledger: Ledger,
    gate: Gate,
}

/// In whose name an act on a question is done.
#[derive(Clone, Copy)]
enum Part {
    /// Whoever asks, or a window for them.
    Asker,
    /// The organ whose turn it is to take it; where it is addressed to nobody, the caller's.
    Reached,
    /// The organ that is responsible, or, before it was taken, addressed.
    Responsible,
    /// A coordinator of the region.
    Region,
}

impl Part {
    fn organ<'a>(self, question: &'a Question, own: &'a str) -> &'a str {
        let code = |organ: Option<&'a Organ>| organ.map(|organ| organ.code.as_str());
        match self {
            Part::Asker | Part::Region => "",
            Part::Reached if question.stage == Stage::Waiting => code(question.asked.addressed.as_ref()).unwrap_or(own),
            Part::Reached => code(question.reached()).unwrap_or_default(),
            Part::Responsible => {
                code(question.responsible.as_ref().or(question.asked.addressed.as_ref())).unwrap_or_default()
            }
        }
    }
}

fn resource<'a>(question: &'a Question, organisation: &'a str) -> Resource<'a> {
    let asked = &question.asked;
    Resource {
        kind: "Question",
        owner: if asked.is_known() { asked.subject.as_str() } else { "" },
        organisation,
        region: &asked.region,
        item: asked.item.as_ref().map_or("", |item| &item.code),
        status: question.stage.name(),
    }
}

/// Full to the asker, to the organs that handle it and to the windows that entered it; masked to those who watch.
fn view(question: &Question, caller: &Caller) -> View {
    if !caller.is_staff() {
        return View::Full;
    }
    let handles = |organ: &Organ| caller.organisations.contains(&organ.code);
    let window = (question.asked.for_another || question.stage == Stage::Waiting)
        && caller.has_role("clerk")
        && caller.region == question.asked.region;
    match window || question.responsible.iter().chain(question.reached()).any(handles) {
        true => View::Full,
        false => View::Watching,
    }
}

impl Questions {
    /// Over a ledger and the policies.
    pub fn new(ledger: Ledger, gate: Gate) -> Self {
        Self { ledger, gate }
    }

    async fn ask(&self, incoming: Incoming<pb::AskQuestionRequest>) -> Result<pb::Question, Fault> {
        let (caller, message) = (incoming.caller.clone(), &incoming.message);
        let (stream, staff) = (new_stream_id(), caller.is_staff());
        let own = || self.ledger.vault().lookup("question", &stream.to_string());
        let fallback = caller.subject.clone().filter(|_| !staff).unwrap_or_else(own);
        let asker = asker(&self.ledger, &caller, message.asker.as_ref(), &message.phone, &fallback)?;
        let subject = asker.as_ref().map_or(&fallback, |asker| &asker.subject).clone();
        let (item, addressed) = self.addressed(&caller, message).await?;
        let place = match (&addressed, message.region_code.trim()) {
            (Some(organ), "") => organ.region.clone(),
            (None, "") => region("region_code", &caller.region)?,
            (_, given) => region("region_code", given)?,
        };
        if let Some(organ) = &addressed {
            decide::check_region(&place, organ)?;
        }
        let text = sealed(&subject, "text", &message.text, 2000)?;
        let asked = Asked {
            title: Some(sealed(&subject, "title", &message.title, 100)?),
            item: item.map(|item| About { code: item.facts.code.clone(), name: item.facts.name.clone() }),
            addressed,
            channel: show::channel(message.channel(), staff)?,
            asker,
            owner: caller.id.clone(),
            for_another: staff,
            consents: message.publication_consent,
            subject,
            region: place,
        };
        let call = incoming.call("AskQuestion", "", &message.request_id)?;
        let (gate, by, binds) = (self.gate.clone(), ask::acting(&caller).actor, rules::of(&asked.region));
        let who = caller.clone();
        let rule = move |question: &Question, cx: &Context| {
            let new = Question { asked: asked.clone(), ..Question::default() };
            gate.allow(&who, "AskQuestion", &resource(&new, ""))?;
            decide::ask(question, &asked, &text, &binds, &by, cx)
        };
        let done = self.ledger.create::<Question>(stream, call, rule).await?;
        Ok(self.shown(&caller, &done))
    }

    /// The item it is about, and the organ it goes to: whoever handles the item, or the one that is named.
    async fn addressed(
        &self,
        caller: &Caller,
        message: &pb::AskQuestionRequest,
    ) -> Result<(Option<Arc<Item>>, Option<Organ>), Refusal> {
        let code = message.item_code.trim();
        if code.is_empty() {
            return match message.organisation.trim() {
                "" => Ok((None, None)),
                organ => Ok((None, Some(known_organ(&self.ledger, "organisation", organ).await?))),
            };
        }
        let found = self.ledger.get::<Item>(items::stream(code), &catalogue::seen_by(caller)).await?;
        let item = found.filter(|read| read.state.exists()).ok_or_else(|| items::not_found(code))?.state;
        let facts = &item.facts;
        let entrusted = item.entrusted_on(legal_date(self.ledger.host().now()));
        let organ = entrusted.map_or_else(
            || Organ {
                name: facts.department.clone(),
                code: facts.department_code.clone(),
                region: facts.region.clone(),
            },
            |entrusted| entrusted.organ.clone(),
        );
        Ok((Some(item), Some(organ)))
    }

    /// Under whose key what is written about the asker is sealed. Whether the caller may see the question the rule says, so that a
    /// repeated request is answered as then.
    async fn subject(&self, id: &str) -> Result<SubjectId, Refusal> {
        let read = self.ledger.get::<Question>(StreamId::parse("id", id)?, &Audiences::all()).await?;
        Ok(read.map(|read| read.state.asked.subject.clone()).unwrap_or_default())
    }

    /// The question as the caller sees it.
    async fn seen(&self, caller: &Caller, id: &str) -> Result<yiwang_ledger::Read<Question>, Refusal> {
        let id = StreamId::parse("id", id)?;
        self.ledger.get::<Question>(id, &caller.audiences()).await?.ok_or_else(questions::not_found)
    }

    /// A command on a question: found, seen, allowed, then decided.
    async fn act<T: serde::Serialize>(
        &self,
        incoming: &Incoming<T>,
        rpc: &'static str,
        target: Target<'_>,
        part: Part,
        rule: impl Fn(&Question, &Actor, &Context) -> Decision<Event> + Send + Sync + 'static,
    ) -> Result<pb::Question, Fault> {
        let id = StreamId::parse("id", target.id)?;
        let mut call = incoming.call(rpc, &id.to_string(), target.request_id)?;
        call.expected_version = wire::expected_version(target.etag)?;
        let (gate, caller) = (self.gate.clone(), incoming.caller.clone());
        let (audiences, by) = (caller.audiences(), ask::acting(&caller).actor);
        let rule = move |question: &Question, cx: &Context| {
            if question.stage == Stage::Absent || !audiences.meets(&question.tags()) {
                return Err(questions::not_found());
            }
            let mut about = resource(question, part.organ(question, &by.organisation));
            if matches!(part, Part::Asker) && !question.asked.for_another {
                // what somebody asked themselves is no window's to go on with
                about.region = "";
            }
            gate.allow(&caller, rpc, &about)?;
            rule(question, &by, cx)
        };
        let done = self.ledger.execute::<Question>(id, call, rule).await.map_err(wire::contract_word)?;
        Ok(self.shown(&incoming.caller, &done))
    }

    fn shown(&self, caller: &Caller, done: &Committed<Question>) -> pb::Question {
        show::question(done.stream, done.version, &done.state, view(&done.state, caller), reader(caller))
    }

    /// A reason or text about the asker, sealed under their key.
    async fn about(&self, id: &str, field: &'static str, text: &str, most: usize) -> Result<Personal, Refusal> {
        sealed(&self.subject(id).await?, field, text, most)
    }

    async fn supplement(&self, incoming: Incoming<pb::SupplementQuestionRequest>) -> Result<pb::Question, Fault> {
        let message = &incoming.message;
        let text = self.about(&message.id, "text", &message.text, 2000).await?;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |question: &Question, by: &Actor, cx: &Context| decide::supplement(question, &text, by, cx);
        self.act(&incoming, "SupplementQuestion", target, Part::Asker, rule).await
    }

    async fn withdraw(&self, incoming: Incoming<pb::WithdrawQuestionRequest>) -> Result<pb::Question, Fault> {
        let message = &incoming.message;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |question: &Question, by: &Actor, _: &Context| decide::withdraw(question, by);
        self.act(&incoming, "WithdrawQuestion", target, Part::Asker, rule).await
    }

    async fn take(&self, incoming: Incoming<pb::TakeQuestionRequest>) -> Result<pb::Question, Fault> {
        let message = &incoming.message;
        let own = incoming.caller.organisations.first().cloned().unwrap_or_default();
        // one that is addressed to nobody goes to the organ of who takes it
        let organ = known_organ(&self.ledger, "organisation", &own).await;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |question: &Question, by: &Actor, _: &Context| match question.reached() {
            Some(reached) => decide::take(question, reached, by),
            None => decide::take(question, &organ.clone()?, by),
        };
        self.act(&incoming, "TakeQuestion", target, Part::Reached, rule).await
    }

    async fn hand_on(&self, incoming: Incoming<pb::HandOnQuestionRequest>) -> Result<pb::Question, Fault> {
        let message = &incoming.message;
        let reason = self.about(&message.id, "reason", &message.reason, 500).await?;
        let to = known_organ(&self.ledger, "organisation", &message.organisation).await;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |question: &Question, by: &Actor, cx: &Context| {
            decide::hand_on(question, &to.clone()?, &reason, by, cx)
        };
        self.act(&incoming, "HandOnQuestion", target, Part::Responsible, rule).await
    }

    async fn give_back(&self, incoming: Incoming<pb::ReturnQuestionRequest>) -> Result<pb::Question, Fault> {
        let message = &incoming.message;
        let reason = self.about(&message.id, "reason", &message.reason, 500).await?;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |question: &Question, by: &Actor, cx: &Context| decide::give_back(question, &reason, by, cx);
        self.act(&incoming, "ReturnQuestion", target, Part::Reached, rule).await
    }

    async fn assign(&self, incoming: Incoming<pb::AssignQuestionRequest>) -> Result<pb::Question, Fault> {
        let message = &incoming.message;
        let reason = self.about(&message.id, "reason", &message.reason, 500).await?;
        let organ = known_organ(&self.ledger, "organisation", &message.organisation).await;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule =
            move |question: &Question, by: &Actor, _: &Context| decide::assign(question, &organ.clone()?, &reason, by);
        self.act(&incoming, "AssignQuestion", target, Part::Region, rule).await
    }

    async fn extend(&self, incoming: Incoming<pb::ExtendQuestionRequest>) -> Result<pb::Question, Fault> {
        let message = &incoming.message;
        let reason = self.about(&message.id, "reason", &message.reason, 500).await?;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |question: &Question, by: &Actor, cx: &Context| decide::extend(question, &reason, by, cx);
        self.act(&incoming, "ExtendQuestion", target, Part::Responsible, rule).await
    }

    async fn answer(&self, incoming: Incoming<pb::AnswerQuestionRequest>) -> Result<pb::Question, Fault> {
        let message = &incoming.message;
        let subject = self.subject(&message.id).await?;
        let (reply, current) = self.reply(message, &subject).await?;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |question: &Question, by: &Actor, cx: &Context| {
            current.clone()?;
            decide::answer(question, &reply, by, cx)
        };
        self.act(&incoming, "AnswerQuestion", target, Part::Responsible, rule).await
    }

    /// The answer in words, or what was published of another question, and whether that stands.
    async fn reply(
        &self,
        message: &pb::AnswerQuestionRequest,
        subject: &SubjectId,
    ) -> Result<(decide::Reply, Result<(), Refusal>), Refusal> {
        let text = ask::text("text", &message.text, 0, ANSWER, "FIELD_INVALID")?;
        let bases = show::bases(&message.bases)?;
        let pointed = match message.published_answer_id.trim() {
            "" => None,
            id => {
                let id = StreamId::parse("published_answer_id", id)?;
                Some(self.ledger.get::<Answer>(id, &Audiences::all()).await?.ok_or_else(answers::not_found)?)
            }
        };
        let published = pointed.as_ref().map(|read| &read.state.text);
        let text = if text.is_empty() { published.map(|text| text.answer.clone()).unwrap_or_default() } else { text };
        let bases = if bases.is_empty() { published.map(|text| text.bases.clone()).unwrap_or_default() } else { bases };
        if text.is_empty() {
            let (zh, en) = ("请写明答复，或者引用已公开的问答", "write an answer, or point to a published one");
            return Err(Refusal::field("text", "ANSWER_MISSING", zh, en));
        }
        if bases.is_empty() {
            let (zh, en) = ("请写明答复的依据", "say what the answer rests on");
            return Err(Refusal::field("bases", "BASIS_NOT_CITED", zh, en));
        }
        let current = pointed.as_ref().map_or(Ok(()), |read| answers::decide::check_current(&read.state));
        let text = Personal::new(subject, "answer", text);
        Ok((decide::Reply { text, bases, published: pointed.map(|read| read.stream) }, current))
    }

    async fn rate(&self, incoming: Incoming<pb::RateQuestionRequest>) -> Result<pb::Question, Fault> {
        let message = &incoming.message;
        let satisfaction = show::satisfaction(message.satisfaction())?;
        let comment = ask::remark(&self.subject(&message.id).await?, "comment", &message.comment)?;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let organs = incoming.caller.organisations.clone();
        let rule = move |question: &Question, by: &Actor, cx: &Context| {
            decide::rate(question, satisfaction, comment.as_ref(), &organs, by, cx)
        };
        self.act(&incoming, "RateQuestion", target, Part::Asker, rule).await
    }

    async fn get(&self, incoming: Incoming<pb::GetQuestionRequest>) -> Result<pb::Question, Fault> {
        let caller = &incoming.caller;
        self.gate.allow(caller, "GetQuestion", &Resource { kind: "Question", ..Resource::default() })?;
        let read = self.seen(caller, &incoming.message.id).await?;
        if caller.is_staff() {
            let call = incoming.read_call("GetQuestion", &read.stream.to_string());
            self.ledger.record_read(call, read.stream, "GetQuestion").await?;
        }
        Ok(show::question(read.stream, read.version, &read.state, view(&read.state, caller), reader(caller)))
    }

    async fn list(&self, incoming: Incoming<pb::ListQuestionsRequest>) -> Result<pb::ListQuestionsResponse, Fault> {
        let (caller, message) = (&incoming.caller, &incoming.message);
        self.gate.allow(caller, "ListQuestions", &Resource { kind: "Question", ..Resource::default() })?;
        let mut filters: Vec<(&'static str, String)> = Vec::new();
        filters.extend(show::stage_tag(message.stage()).map(|stage| ("stage", stage.to_owned())));
        filters.extend(show::channel_tag(message.channel()).map(|channel| ("channel", channel.to_owned())));
        if !message.item_code.trim().is_empty() {
            filters.push(("item", message.item_code.trim().to_owned()));
        }
        filters.extend(message.overdue.then(|| ("overdue", "yes".to_owned())));
        filters.extend(message.dissatisfied.then(|| ("dissatisfied", "yes".to_owned())));
        let query = ListQuery {
            filters,
            page_size: wire::page_size(message.page_size)?,
            page_token: message.page_token.clone(),
        };
        let page = self.ledger.list::<Question>(&query, &caller.audiences()).await?;
        let one = |read: &yiwang_ledger::Read<Question>| {
            show::question(read.stream, read.version, &read.state, View::List, reader(caller))
        };
        Ok(pb::ListQuestionsResponse {
            questions: page.items.iter().map(one).collect(),
            next_page_token: page.next_page_token,
        })
    }
}

#[tonic::async_trait]
impl QuestionService for Questions {
    async fn ask_question(&self, request: Request<pb::AskQuestionRequest>) -> Reply<pb::Question> {
        reply(self.ask(receive(request)?).await)
    }

    async fn supplement_question(&self, request: Request<pb::SupplementQuestionRequest>) -> Reply<pb::Question> {
        reply(self.supplement(receive(request)?).await)
    }

    async fn withdraw_question(&self, request: Request<pb::WithdrawQuestionRequest>) -> Reply<pb::Question> {
        reply(self.withdraw(receive(request)?).await)
    }

    async fn take_question(&self, request: Request<pb::TakeQuestionRequest>) -> Reply<pb::Question> {
        reply(self.take(receive(request)?).await)
    }

    async fn hand_on_question(&self, request: Request<pb::HandOnQuestionRequest>) -> Reply<pb::Question> {
        reply(self.hand_on(receive(request)?).await)
    }

    async fn return_question(&self, request: Request<pb::ReturnQuestionRequest>) -> Reply<pb::Question> {
        reply(self.give_back(receive(request)?).await)
    }

    async fn assign_question(&self, request: Request<pb::AssignQuestionRequest>) -> Reply<pb::Question> {
        reply(self.assign(receive(request)?).await)
    }

    async fn extend_question(&self, request: Request<pb::ExtendQuestionRequest>) -> Reply<pb::Question> {
        reply(self.extend(receive(request)?).await)
    }

    async fn answer_question(&self, request: Request<pb::AnswerQuestionRequest>) -> Reply<pb::Question> {
        reply(self.answer(receive(request)?).await)
    }

    async fn rate_question(&self, request: Request<pb::RateQuestionRequest>) -> Reply<pb::Question> {
        reply(self.rate(receive(request)?).await)
    }

    async fn get_question(&self, request: Request<pb::GetQuestionRequest>) -> Reply<pb::Question> {
        reply(self.get(receive(request)?).await)
    }

    async fn list_questions(&self, request: Request<pb::ListQuestionsRequest>) -> Reply<pb::ListQuestionsResponse> {
        reply(self.list(receive(request)?).await)
    }
}
