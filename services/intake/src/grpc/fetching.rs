//! 免提交: fetching materials now, and showing what was fetched.

use yiwang_kit::{Fault, Incoming};
use yiwang_ledger::{Audiences, Call, Context, Entry, Kind, Personal, Refusal, StreamId};
use yiwang_proto::intake::v1 as pb;

use super::{Intake, Target, reader, resource};
use crate::application::decide::{self, Acting};
use crate::application::{Actor, Application};
use crate::catalogue::facts::Fetch;
use crate::convert::application as show;
use crate::convert::ask;
use crate::fetching::{self, Answer, Disputable, Missed, Query, last_day};
use crate::limit::legal_date;

impl Intake {
    /// Asks the source of every material that has one, one after the other; one that is away is named, and asked again
    /// once the application is handed in.
    pub(super) async fn fetch(&self, incoming: Incoming<pb::FetchMaterialsRequest>) -> Result<pb::Application, Fault> {
        let (caller, message) = (incoming.caller.clone(), &incoming.message);
        let seen = self.seen(&caller, &message.id).await?;
        self.gate.allow(&caller, "FetchMaterials", &resource(&seen.state, &caller))?;
        let acting = self.acting(&caller, "FetchMaterials", seen.stream).await?;
        let host = self.ledger.host();
        let cx = Context {
            now: host.now(),
            actor: caller.id.clone(),
            version: seen.version,
            calendar: host.calendar(),
            seed: [0; 32],
        };
        decide::may_fetch(&seen.state, &acting, &cx)?;
        let base = incoming.call("FetchMaterials", &seen.stream.to_string(), &message.request_id)?;
        self.fetch_all(seen.stream, &seen.state, &acting, &base, None).await?;
        let now = self.seen(&caller, &message.id).await?;
        Ok(show::application(now.stream, now.version, &now.state, now.updated_at, reader(&caller)))
    }
}

impl Intake {
    /// Fetches what is open of an application that was handed in; whoever handed it in had the authority. A source that is still away
    /// after the last day is given up.
    ///
    /// # Errors
    /// As [`Intake::fetch_all`].
    pub async fn fetch_for(&self, entry: &Entry, request_id: &str) -> Result<(), Refusal> {
        let read = self.ledger.get::<Application>(entry.stream, &Audiences::all()).await?;
        let Some(read) = read.filter(|read| !read.state.phase.is_final()) else { return Ok(()) };
        let by = read.state.receipt.as_ref().map(|receipt| receipt.by.clone()).unwrap_or_else(Actor::system);
        let acting = Acting::before(by);
        let base = Call::system(request_id, &entry.trace);
        let host = self.ledger.host();
        let late = last_day(&read.state, &host.calendar()).is_some_and(|day| legal_date(host.now()) > day);
        self.fetch_all(read.stream, &read.state, &acting, &base, Some(late)).await
    }

    /// Fetches what is open of an application. `handed_in`: what was answered since it was is not asked again; and whether the last day
    /// is over, after which who is away is given up.
    ///
    /// # Errors
    /// `SOURCE_AWAY`, once everything that answered is written; those of the ledger.
    async fn fetch_all(
        &self,
        stream: StreamId,
        app: &Application,
        by: &Acting,
        base: &Call,
        handed_in: Option<bool>,
    ) -> Result<(), Refusal> {
        let pinned = self.pinned(&app.item).await?;
        let Some(applicant) = app.identified_applicant() else { return Ok(()) };
        let text = |value: &Option<Personal>| value.as_ref().and_then(Personal::get).unwrap_or_default().to_owned();
        let mut away = Vec::new();
        // who is erased has nothing that could be asked for
        if applicant.number.as_ref().is_none_or(Personal::is_erased) {
            return Ok(());
        }
        let wanted = fetching::wanted(&pinned.facts).into_iter();
        for wanted in wanted.filter(|wanted| handed_in.is_none() || !answered_since(app, &wanted.key)) {
            let (Fetch::License(what) | Fetch::Department(what)) = &wanted.from;
            // of one caller and one application, whatever the material's code is written in
            let name = format!("{}/{stream}/{}/{}", base.principal, base.request_id, wanted.key);
            let id = StreamId::named("fetch", &name).to_string();
            let query = Query {
                subject: applicant.subject.to_string(),
                document_kind: applicant.kind.map(|kind| kind.code().to_owned()).unwrap_or_default(),
                document_number: text(&applicant.number),
                name: text(&applicant.name),
                what: what.clone(),
                id: id.clone(),
                trace: base.trace.clone(),
            };
            let answer = match self.sources.fetch(&wanted.from, &query).await {
                Ok(answer) => answer,
                Err(reason) => {
                    tracing::warn!(application = %stream, material = %wanted.key, %reason, "nothing was fetched");
                    if handed_in != Some(true) {
                        away.push(wanted.name);
                        continue;
                    }
                    Answer::Missed(Missed::GivenUp)
                }
            };
            let call = Call::system(format!("fetch.{id}"), &base.trace).with_actor(by.actor.id.clone());
            let (acting, asked) = (by.clone(), applicant.subject.clone());
            let rule = move |app: &Application, cx: &Context| {
                decide::answered(app, Some(&asked), &wanted, &answer, &acting, cx)
            };
            self.ledger.execute::<Application>(stream, call, rule).await?;
        }
        if away.is_empty() {
            return Ok(());
        }
        let zh = format!("以下内容的来源暂时无法连接，提交后由系统继续获取，现在无须您提交：{}", away.join("、"));
        let en = format!("these sources are away; the platform asks again by itself: {}", away.join(", "));
        Err(Refusal::new(Kind::Unavailable, "SOURCE_AWAY", zh, en))
    }

    pub(super) async fn dispute(
        &self,
        incoming: Incoming<pb::DisputeFetchedRequest>,
    ) -> Result<pb::Application, Fault> {
        let message = &incoming.message;
        let what = match (message.field.trim(), message.material_code.trim()) {
            (field, "") if !field.is_empty() => Disputable::Field(field.to_owned()),
            ("", code) if !code.is_empty() => Disputable::Material(code.to_owned()),
            _ => {
                let (zh, en) = ("请指明一个栏目或者一项材料", "name one field or one material");
                return Err(Refusal::field("field", "FIELD_INVALID", zh, en).into());
            }
        };
        let seen = self.seen(&incoming.caller, &message.id).await?;
        let reason = ask::text("reason", &message.reason, 1, 500, "REASON_MISSING")?;
        let reason = Personal::new(seen.state.data_subject(), "dispute.reason", reason);
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |app: &Application, by: &Acting, cx: &Context| decide::dispute(app, &what, &reason, by, cx);
        let done = self.act(&incoming, "DisputeFetched", target, rule).await?;
        Ok(self.shown(&incoming.caller, &done))
    }
}

/// Whether a source has answered since the application was handed in.
fn answered_since(app: &Application, key: &str) -> bool {
    let fetched = app.fetched.get(key).and_then(Option::as_ref).map(|fetched| fetched.at);
    let at = fetched.or(app.unfetched.get(key).map(|unfetched| unfetched.at));
    at.zip(app.receipt.as_ref()).is_some_and(|(at, receipt)| at >= receipt.at)
}
