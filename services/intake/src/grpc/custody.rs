//! `CustodyService`.

use tonic::Request;
use yiwang_kit::{Caller, Fault, Incoming, Reply, Resource, receive, reply, wire};
use yiwang_ledger::{Audiences, Context, Decision, ListQuery, Read, Refusal, StreamId};
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::custody_service_server::CustodyService;

use super::delivery::party_of;
use super::{Intake, reader, unowned};
use crate::application::{Actor, Application, not_found as application_not_found};
use crate::convert::ask::{self, Sealing};
use crate::convert::custody as show;
use crate::delivery::following;
use crate::elsewhere::{self, Custody, CustodyEvent, Direction, Holder, Matter, decide};
use crate::mandate::between;

/// The custody of papers that were received elsewhere, which the intake service keeps.
#[derive(Clone)]
pub struct Custodies(pub Intake);

/// What the policies are asked about: the hands that a parcel is in, or comes into.
fn hands(holder: Option<&Holder>) -> Resource<'_> {
    match holder {
        Some(Holder::Window(region)) => Resource { region, ..unowned("Application") },
        Some(Holder::Organ(code)) => Resource { organisation: code, ..unowned("Application") },
        None => unowned("Application"),
    }
}

/// Whose papers they are; none of an application that was received where it belongs, or is a draft.
fn matter(read: &Read<Application>) -> Result<Matter, Refusal> {
    let app = &read.state;
    let elsewhere = app.elsewhere.as_ref().ok_or_else(|| {
        let (zh, en) = ("该申请不是异地代收的", "the application was not received elsewhere");
        Refusal::state("NOT_RECEIVED_ELSEWHERE", zh, en)
    })?;
    Ok(Matter {
        application: read.stream,
        applicant: app.data_subject().clone(),
        item: app.item.code.clone(),
        received_in: elsewhere.region.clone(),
        region: app.item.region.clone(),
        organ: app.item.handler().to_owned(),
        rules: elsewhere.rules.clone(),
    })
}

/// What a command on a parcel aims at.
struct Aim<'a> {
    application: &'a str,
    request_id: &'a str,
    etag: &'a str,
}

impl Custodies {
    /// The custody of an application, as the caller may see it; empty while nothing was sealed.
    async fn seen(&self, caller: &Caller, application: &str) -> Result<(StreamId, Custody), Refusal> {
        let id = StreamId::parse("application_id", application)?;
        let read = self.0.ledger.get::<Custody>(elsewhere::stream(id), &caller.audiences()).await?;
        read.map(|read| (id, (*read.state).clone())).ok_or_else(application_not_found)
    }

    /// A command on a custody that is there: seen, allowed for whose hands it is about, decided.
    async fn act<T: serde::Serialize>(
        &self,
        incoming: &Incoming<T>,
        rpc: &'static str,
        aim: Aim<'_>,
        whose: impl Fn(&Custody) -> Vec<Holder> + Send + Sync + 'static,
        rule: impl Fn(&Custody, &Actor, &Context) -> Decision<CustodyEvent> + Send + Sync + 'static,
    ) -> Result<pb::Custody, Fault> {
        let caller = incoming.caller.clone();
        let (id, _) = self.seen(&caller, aim.application).await?;
        let mut call = incoming.call(rpc, &id.to_string(), aim.request_id)?;
        call.expected_version = wire::expected_version(aim.etag)?;
        let (gate, by, audiences) = (self.0.gate.clone(), ask::acting(&caller).actor, caller.audiences());
        let rule = move |custody: &Custody, cx: &Context| {
            if !audiences.meets(&yiwang_ledger::Aggregate::tags(custody)) {
                return Err(application_not_found());
            }
            let holders = whose(custody);
            if holders.is_empty() {
                // in nobody's hands: the rule says why, to who sees the custody
                rule(custody, &by, cx)?;
            }
            let allowed = holders.iter().any(|holder| gate.allow(&caller, rpc, &hands(Some(holder))).is_ok());
            if !allowed {
                gate.allow(&caller, rpc, &hands(holders.first()))?;
            }
            rule(custody, &by, cx)
        };
        let stream = elsewhere::stream(id);
        let done = self.0.ledger.execute::<Custody>(stream, call, rule).await.map_err(wire::contract_word)?;
        Ok(show::custody(id, done.version, &done.state, false, reader(&incoming.caller)))
    }

    async fn seal(&self, incoming: Incoming<pb::SealParcelRequest>) -> Result<pb::Custody, Fault> {
        let (caller, message) = (incoming.caller.clone(), &incoming.message);
        let read = self.0.seen(&caller, &message.application_id).await?;
        let matter = matter(&read)?;
        let direction = show::direction(message.direction())?;
        // what goes back is sealed by the organ, or by the window of its region for it
        let holder = match direction {
            Direction::Out => matter.receiving(),
            Direction::Back if caller.organisations.contains(&matter.organ) => Holder::Organ(matter.organ.clone()),
            Direction::Back => Holder::Window(matter.region.clone()),
        };
        self.0.gate.allow(&caller, "SealParcel", &hands(Some(&holder)))?;
        let seal = decide::Seal {
            direction,
            seal: ask::text("seal_number", &message.seal_number, 1, 50, "FIELD_INVALID")?,
            papers: show::papers(&matter.applicant, &message.papers)?,
            holder,
            ended: ended(&read.state),
            originals_only: message.originals_only,
        };
        let stream = elsewhere::stream(read.stream);
        let mut call = incoming.call("SealParcel", &read.stream.to_string(), &message.request_id)?;
        call.expected_version = wire::expected_version(&message.etag)?;
        let by = ask::acting(&caller).actor;
        let rule = move |custody: &Custody, cx: &Context| decide::seal(custody, &matter, &seal, &by, cx);
        let done = self.0.ledger.execute::<Custody>(stream, call, rule).await.map_err(wire::contract_word)?;
        Ok(show::custody(read.stream, done.version, &done.state, false, reader(&caller)))
    }

    async fn hand_over(&self, incoming: Incoming<pb::HandOverParcelRequest>) -> Result<pb::Custody, Fault> {
        let message = &incoming.message;
        let (number, to) = (show::number(message.number), show::holder(message.to.as_ref())?);
        let carrier = ask::text("carrier", &message.carrier, 1, 100, "FIELD_INVALID")?;
        let aim = Aim { application: &message.application_id, request_id: &message.request_id, etag: &message.etag };
        let whose = move |custody: &Custody| holding(custody, number);
        let rule = move |custody: &Custody, by: &Actor, cx: &Context| {
            decide::hand_over(custody, number, &to, &carrier, by, cx)
        };
        self.act(&incoming, "HandOverParcel", aim, whose, rule).await
    }

    async fn confirm(&self, incoming: Incoming<pb::ConfirmParcelRequest>) -> Result<pb::Custody, Fault> {
        let message = &incoming.message;
        let (_, known) = self.seen(&incoming.caller, &message.application_id).await?;
        let applicant =
            known.matter.as_ref().map(|matter| matter.applicant.clone()).ok_or_else(elsewhere::not_found)?;
        let (number, broken) = (show::number(message.number), message.seal_broken);
        let discrepancy = ask::remark(&applicant, "discrepancy", &message.discrepancy)?;
        let aim = Aim { application: &message.application_id, request_id: &message.request_id, etag: &message.etag };
        let whose = move |custody: &Custody| {
            let to = custody.parcel(number).and_then(|parcel| parcel.on_its_way_to().cloned());
            to.into_iter().collect()
        };
        let rule = move |custody: &Custody, by: &Actor, cx: &Context| {
            decide::confirm(custody, number, broken, discrepancy.as_ref(), by, cx)
        };
        self.act(&incoming, "ConfirmParcel", aim, whose, rule).await
    }

    async fn lose(&self, incoming: Incoming<pb::ReportParcelLostRequest>) -> Result<pb::Custody, Fault> {
        let message = &incoming.message;
        let (_, known) = self.seen(&incoming.caller, &message.application_id).await?;
        let applicant =
            known.matter.as_ref().map(|matter| matter.applicant.clone()).ok_or_else(elsewhere::not_found)?;
        let number = show::number(message.number);
        let text = ask::text("text", &message.text, 1, 500, "FIELD_INVALID")?;
        let text = yiwang_ledger::Personal::new(&applicant, "lost", text);
        let aim = Aim { application: &message.application_id, request_id: &message.request_id, etag: &message.etag };
        let whose = move |custody: &Custody| {
            let to = custody.parcel(number).and_then(|parcel| parcel.on_its_way_to().cloned());
            holding(custody, number).into_iter().chain(to).collect()
        };
        let rule = move |custody: &Custody, by: &Actor, _: &Context| decide::lose(custody, number, &text, by);
        self.act(&incoming, "ReportParcelLost", aim, whose, rule).await
    }

    async fn hand_out(&self, incoming: Incoming<pb::HandOutParcelRequest>) -> Result<pb::Custody, Fault> {
        let message = &incoming.message;
        let (id, known) = self.seen(&incoming.caller, &message.application_id).await?;
        let applicant =
            known.matter.as_ref().map(|matter| matter.applicant.clone()).ok_or_else(elsewhere::not_found)?;
        let ledger = &self.0.ledger;
        let sealing = Sealing { vault: ledger.vault(), fallback: &applicant, now: ledger.host().now() };
        let named = message.collector.as_ref().map(|party| sealing.collector(party)).transpose()?.flatten();
        let party = named.unwrap_or_else(|| party_of(&applicant));
        let mandates = match party.subject == applicant {
            true => Vec::new(),
            false => between(ledger, &applicant, &party.subject).await?,
        };
        let app = ledger.get::<Application>(id, &Audiences::all()).await?.ok_or_else(application_not_found)?;
        let mut result = None;
        if app.state.conclusion.is_some() {
            let found = following::of(ledger, id).await?.into_iter().next();
            let delivery = found.map(|read| read.state).unwrap_or_default();
            let unpaid = following::unpaid(ledger, &delivery).await?;
            result = Some(decide::Outcome { delivery, unpaid });
        }
        let own = incoming.caller.subject.clone();
        let ask = decide::HandOut { party, mandates, own, ended: ended(&app.state), result };
        let number = show::number(message.number);
        let aim = Aim { application: &message.application_id, request_id: &message.request_id, etag: &message.etag };
        let whose = |custody: &Custody| custody.matter.iter().map(Matter::receiving).collect();
        let rule = move |custody: &Custody, by: &Actor, cx: &Context| decide::hand_out(custody, number, &ask, by, cx);
        self.act(&incoming, "HandOutParcel", aim, whose, rule).await
    }

    async fn get(&self, incoming: Incoming<pb::GetCustodyRequest>) -> Result<pb::Custody, Fault> {
        let caller = &incoming.caller;
        self.0.gate.allow(caller, "GetCustody", &unowned("Application"))?;
        let id = StreamId::parse("application_id", &incoming.message.application_id)?;
        let read = self.0.ledger.get::<Custody>(elsewhere::stream(id), &caller.audiences()).await?;
        let read = read.ok_or_else(application_not_found)?;
        self.0.leave_trace(&incoming, "GetCustody", read.stream).await?;
        Ok(show::custody(id, read.version, &read.state, false, reader(caller)))
    }

    async fn list(&self, incoming: Incoming<pb::ListCustodiesRequest>) -> Result<pb::ListCustodiesResponse, Fault> {
        let (caller, message) = (&incoming.caller, &incoming.message);
        self.0.gate.allow(caller, "ListCustodies", &unowned("Application"))?;
        let mut filters: Vec<(&'static str, String)> = Vec::new();
        filters.extend(message.overdue.then(|| ("overdue", "yes".to_owned())));
        filters.extend(show::stage_tag(message.stage()).map(|stage| ("stage", stage.to_owned())));
        let query = ListQuery {
            filters,
            page_size: wire::page_size(message.page_size)?,
            page_token: message.page_token.clone(),
        };
        let page = self.0.ledger.list::<Custody>(&query, &caller.audiences()).await?;
        let one = |read: &Read<Custody>| show::custody(read.stream, read.version, &read.state, true, reader(caller));
        Ok(pb::ListCustodiesResponse {
            custodies: page.items.iter().map(one).collect(),
            next_page_token: page.next_page_token,
        })
    }
}

/// Decided, refused or withdrawn.
fn ended(app: &Application) -> bool {
    app.phase.is_final() || app.conclusion.is_some()
}

/// Who holds a parcel.
fn holding(custody: &Custody, number: u32) -> Vec<Holder> {
    custody.parcel(number).map(|parcel| parcel.holder.clone()).into_iter().collect()
}

impl Intake {
    /// Something of an application goes to the organ and has not arrived.
    pub(super) async fn on_the_way_out(&self, application: StreamId) -> Result<bool, Refusal> {
        let read = self.ledger.get::<Custody>(elsewhere::stream(application), &Audiences::all()).await?;
        Ok(read.is_some_and(|read| read.state.on_the_way_out()))
    }
}

#[tonic::async_trait]
impl CustodyService for Custodies {
    async fn seal_parcel(&self, request: Request<pb::SealParcelRequest>) -> Reply<pb::Custody> {
        reply(self.seal(receive(request)?).await)
    }

    async fn hand_over_parcel(&self, request: Request<pb::HandOverParcelRequest>) -> Reply<pb::Custody> {
        reply(self.hand_over(receive(request)?).await)
    }

    async fn confirm_parcel(&self, request: Request<pb::ConfirmParcelRequest>) -> Reply<pb::Custody> {
        reply(self.confirm(receive(request)?).await)
    }

    async fn report_parcel_lost(&self, request: Request<pb::ReportParcelLostRequest>) -> Reply<pb::Custody> {
        reply(self.lose(receive(request)?).await)
    }

    async fn hand_out_parcel(&self, request: Request<pb::HandOutParcelRequest>) -> Reply<pb::Custody> {
        reply(self.hand_out(receive(request)?).await)
    }

    async fn get_custody(&self, request: Request<pb::GetCustodyRequest>) -> Reply<pb::Custody> {
        reply(self.get(receive(request)?).await)
    }

    async fn list_custodies(&self, request: Request<pb::ListCustodiesRequest>) -> Reply<pb::ListCustodiesResponse> {
        reply(self.list(receive(request)?).await)
    }
}
