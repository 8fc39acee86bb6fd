//! `BarService`.

use chrono::NaiveDate;
use tonic::Request;
use yiwang_kit::{Fault, Incoming, Reply, receive, reply, timestamp};
use yiwang_ledger::{Audiences, Call, Context, Read, Refusal, StreamId, SubjectId};
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::bar_service_server::BarService;

use super::{Intake, reader, resource};
use crate::application::decide::check_not_own;
use crate::application::{Actor, Application, not_found};
use crate::bar::{self, Bars, Found, Kind};
use crate::convert::application::{Reader, actor};
use crate::convert::{ask, count};
use crate::limit::legal_date;

/// The bars of applicants, which the intake service keeps.
#[derive(Clone)]
pub struct BarsOf(pub Intake);

fn kind(kind: pb::BarKind) -> Result<Kind, Refusal> {
    match kind {
        pb::BarKind::FalseMaterial => Ok(Kind::FalseMaterial),
        pb::BarKind::Fraud => Ok(Kind::Fraud),
        pb::BarKind::FalsePromise => Ok(Kind::FalsePromise),
        pb::BarKind::Unspecified => Err(Refusal::field("kind", "KIND_MISSING", "请指明情形", "say why")),
    }
}

fn shown(bars: &Bars, today: NaiveDate, reader: Reader) -> pb::Bars {
    let one = |bar: &bar::Bar| pb::Bar {
        number: count(bar.number),
        kind: match bar.kind {
            Kind::FalseMaterial => pb::BarKind::FalseMaterial,
            Kind::Fraud => pb::BarKind::Fraud,
            Kind::FalsePromise => pb::BarKind::FalsePromise,
        }
        .into(),
        item_code: bar.item.clone(),
        department_code: bar.organisation.clone(),
        finding: bar.finding.get().unwrap_or_default().to_owned(),
        from_date: bar.from.to_string(),
        until_date: bar.until.map(|last| last.to_string()).unwrap_or_default(),
        in_force: bar.binds(today),
        lifted_reason: bar.lifted.as_ref().and_then(|lifted| lifted.reason.get()).unwrap_or_default().to_owned(),
        lift_time: bar.lifted.as_ref().map(|lifted| timestamp(lifted.at)),
        recorded_by: Some(actor(&bar.by, reader)),
    };
    pb::Bars { bars: bars.bars.iter().map(one).collect() }
}

fn applicant(app: &Application) -> Result<SubjectId, Refusal> {
    let party = app.identified_applicant().ok_or_else(|| {
        Refusal::field("application_id", "APPLICANT_MISSING", "该申请没有申请人", "the application names no applicant")
    })?;
    Ok(party.subject.clone())
}

impl BarsOf {
    fn today(&self) -> NaiveDate {
        legal_date(self.0.ledger.host().now())
    }

    /// The application, by which an officer means its applicant: handed in, seen, not their own.
    async fn matter(
        &self,
        caller: &yiwang_kit::Caller,
        id: &str,
        rpc: &'static str,
    ) -> Result<Read<Application>, Refusal> {
        let read = self.0.seen(caller, id).await?;
        if read.state.receipt.is_none() {
            return Err(not_found());
        }
        self.0.gate.allow(caller, rpc, &resource(&read.state, caller))?;
        check_not_own(&read.state, &ask::acting(caller)).map(|()| read)
    }

    async fn record(&self, incoming: Incoming<pb::RecordBarRequest>) -> Result<pb::Bars, Fault> {
        let (caller, message) = (incoming.caller.clone(), &incoming.message);
        let service = caller.is_service("approval");
        let read = match service {
            true => {
                let id = StreamId::parse("application_id", &message.application_id)?;
                self.0.gate.allow(&caller, "RecordBar", &super::unowned("Application"))?;
                self.0.ledger.get::<Application>(id, &Audiences::all()).await?.ok_or_else(not_found)?
            }
            false => self.matter(&caller, &message.application_id, "RecordBar").await?,
        };
        let by = match message.actor.as_ref().filter(|_| service) {
            Some(told) => Actor {
                id: told.id.clone(),
                name: told.name.clone(),
                role: told.role.clone(),
                organisation: told.organisation.clone(),
                person: told.person_id.clone(),
            },
            None => ask::acting(&caller).actor,
        };
        let pinned = self.0.pinned(&read.state.item).await?;
        if message.kind() == pb::BarKind::FalsePromise && read.state.promise.is_none() && read.state.deferral.is_none()
        {
            let (zh, en) = ("该申请没有签署承诺", "nothing was promised with this application");
            return Err(Refusal::state("PROMISE_NOT_SIGNED", zh, en).into());
        }
        let found = Found {
            kind: kind(message.kind())?,
            application: read.stream,
            finding: ask::text("finding", &message.finding, 1, 500, "FIELD_INVALID")?,
        };
        let subject = applicant(&read.state)?;
        let stream = bar::stream(&subject);
        let call = incoming.call("RecordBar", &stream.to_string(), &message.request_id)?;
        let rule = move |bars: &Bars, cx: &Context| bar::record(bars, &subject, &pinned.facts, &found, &by, cx);
        let done = self.0.ledger.execute::<Bars>(stream, call, rule).await?;
        Ok(shown(&done.state, self.today(), reader(&caller)))
    }

    async fn lift(&self, incoming: Incoming<pb::LiftBarRequest>) -> Result<pb::Bars, Fault> {
        let (caller, message) = (incoming.caller.clone(), &incoming.message);
        let read = self.0.seen(&caller, &message.application_id).await?;
        check_not_own(&read.state, &ask::acting(&caller))?;
        let reason = ask::text("reason", &message.reason, 1, 500, "FIELD_INVALID")?;
        let number = u32::try_from(message.number).unwrap_or_default();
        let stream = bar::stream(&applicant(&read.state)?);
        let call: Call = incoming.call("LiftBar", &stream.to_string(), &message.request_id)?;
        let (gate, by, mistake) = (self.0.gate.clone(), ask::acting(&caller).actor, message.mistake);
        let officer = caller.clone();
        let rule = move |bars: &Bars, _: &Context| {
            // by the organ that found it, whatever application names the applicant
            let organisation = bars.bars.iter().find(|bar| bar.number == number).map(|bar| bar.organisation.as_str());
            let found = yiwang_kit::Resource {
                kind: "Application",
                organisation: organisation.unwrap_or_default(),
                ..yiwang_kit::Resource::default()
            };
            gate.allow(&officer, "LiftBar", &found)?;
            bar::lift(bars, number, &reason, mistake, &by)
        };
        let done = self.0.ledger.execute::<Bars>(stream, call, rule).await?;
        Ok(shown(&done.state, self.today(), reader(&caller)))
    }

    async fn get(&self, incoming: Incoming<pb::GetBarsRequest>) -> Result<pb::Bars, Fault> {
        let caller = &incoming.caller;
        self.0.gate.allow(caller, "GetBars", &super::unowned("Application"))?;
        let subject = match (incoming.message.application_id.is_empty(), &caller.subject) {
            (true, Some(own)) if !caller.is_staff() => own.clone(),
            (true, _) => return Ok(pb::Bars::default()),
            (false, _) => {
                let read = self.0.seen(caller, &incoming.message.application_id).await?;
                // what else somebody was found to have done is for whoever handles the matter
                if caller.subject.as_ref().filter(|_| !caller.is_staff())
                    != read.state.identified_applicant().map(|party| &party.subject)
                    && !(super::application::handles(caller, &read.state.item) && read.state.receipt.is_some())
                {
                    return Err(not_found().into());
                }
                self.0.leave_trace(&incoming, "GetBars", read.stream).await?;
                applicant(&read.state)?
            }
        };
        let bars = self.0.bars(&subject).await?;
        Ok(shown(&bars, self.today(), reader(caller)))
    }
}

impl Intake {
    /// What the applicant of an application is barred from, and whose bars these are.
    pub(super) async fn bars_of(&self, app: &Application) -> Result<(Vec<bar::Bar>, SubjectId), Refusal> {
        match app.identified_applicant() {
            Some(applicant) => Ok((self.bars(&applicant.subject).await?.bars, applicant.subject.clone())),
            None => Ok((Vec::new(), SubjectId::default())),
        }
    }

    /// What somebody is barred from.
    pub(crate) async fn bars(&self, subject: &SubjectId) -> Result<Bars, Refusal> {
        let read = self.ledger.get::<Bars>(bar::stream(subject), &Audiences::all()).await?;
        Ok(read.map(|read| (*read.state).clone()).unwrap_or_default())
    }
}

#[tonic::async_trait]
impl BarService for BarsOf {
    async fn record_bar(&self, request: Request<pb::RecordBarRequest>) -> Reply<pb::Bars> {
        reply(self.record(receive(request)?).await)
    }

    async fn lift_bar(&self, request: Request<pb::LiftBarRequest>) -> Reply<pb::Bars> {
        reply(self.lift(receive(request)?).await)
    }

    async fn get_bars(&self, request: Request<pb::GetBarsRequest>) -> Reply<pb::Bars> {
        reply(self.get(receive(request)?).await)
    }
}
