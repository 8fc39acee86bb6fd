//! 免提交: fetching materials now, and showing what was fetched.

use yiwang_kit::{Fault, Incoming};
use yiwang_ledger::{Audiences, Call, Context, Entry, Kind, Personal, Refusal, StreamId};
use yiwang_proto::intake::v1 as pb;

use super::{Intake, reader, resource};
use crate::application::decide::{self, Acting};
use crate::application::{Actor, Application};
use crate::catalogue::facts::Fetch;
use crate::convert::application as show;
use crate::fetching::{self, Query};

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
        self.fetch_all(seen.stream, &seen.state, &acting, &base).await?;
        let now = self.seen(&caller, &message.id).await?;
        Ok(show::application(now.stream, now.version, &now.state, now.updated_at, reader(&caller)))
    }
}

impl Intake {
    /// Fetches what is open of an application that was handed in; whoever handed it in had the authority.
    ///
    /// # Errors
    /// As [`Intake::fetch_all`].
    pub async fn fetch_for(&self, entry: &Entry, request_id: &str) -> Result<(), Refusal> {
        let read = self.ledger.get::<Application>(entry.stream, &Audiences::all()).await?;
        let Some(read) = read.filter(|read| !read.state.phase.is_final()) else { return Ok(()) };
        let by = read.state.receipt.as_ref().map(|receipt| receipt.by.clone()).unwrap_or_else(Actor::system);
        let acting = Acting::before(by);
        let base = Call::system(request_id, &entry.trace);
        self.fetch_all(read.stream, &read.state, &acting, &base).await
    }

    /// Fetches what is open of an application.
    ///
    /// # Errors
    /// `SOURCE_AWAY`, once everything that answered is written; those of the ledger.
    async fn fetch_all(&self, stream: StreamId, app: &Application, by: &Acting, base: &Call) -> Result<(), Refusal> {
        let pinned = self.pinned(&app.item).await?;
        let Some(applicant) = app.identified_applicant() else { return Ok(()) };
        let text = |value: &Option<Personal>| value.as_ref().and_then(Personal::get).unwrap_or_default().to_owned();
        let mut away = Vec::new();
        // who is erased has nothing that could be asked for
        if applicant.number.as_ref().is_none_or(Personal::is_erased) {
            return Ok(());
        }
        for (material, from) in fetching::fetchable(&pinned.facts) {
            let (Fetch::License(what) | Fetch::Department(what)) = from;
            // of one caller and one application, whatever the material's code is written in
            let name = format!("{}/{stream}/{}/{}", base.principal, base.request_id, material.code);
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
            match self.sources.fetch(from, &query).await {
                Ok(found) => {
                    let call = Call::system(format!("fetch.{id}"), &base.trace).with_actor(by.actor.id.clone());
                    let (code, from, acting) = (material.code.clone(), from.clone(), by.clone());
                    let asked = applicant.subject.clone();
                    let rule = move |app: &Application, cx: &Context| {
                        decide::fetched_of(app, Some(&asked), &code, &from, found.as_ref(), &acting, cx)
                    };
                    self.ledger.execute::<Application>(stream, call, rule).await?;
                }
                Err(reason) => {
                    tracing::warn!(application = %stream, material = %material.code, %reason, "nothing was fetched");
                    away.push(material.name.clone());
                }
            }
        }
        if away.is_empty() {
            return Ok(());
        }
        let zh = format!("以下材料的来源暂时无法连接，提交后由系统继续获取，无须您提交：{}", away.join("、"));
        let en = format!("these sources are away; the platform asks again by itself: {}", away.join(", "));
        Err(Refusal::new(Kind::Unavailable, "SOURCE_AWAY", zh, en))
    }
}
