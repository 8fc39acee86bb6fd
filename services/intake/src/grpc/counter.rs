//! `CounterService`: what a clerk's screen needs, in one call each. Every part is what the services beside it do.

use tonic::Request;
use yiwang_documents::Kind as Paper;
use yiwang_kit::{Fault, Incoming, Reply, receive, reply};
use yiwang_ledger::{Audiences, Kind, Refusal, StreamId};
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::counter_service_server::CounterService;

use super::{Intake, resource};
use crate::application::{Application, Phase, not_found};

/// Documents on one screen; no application has more.
const DOCUMENTS: u32 = 100;

fn pending() -> Refusal {
    let (zh, en) = ("已受理，受理文书正在编号，请稍后重试", "it is accepted; its notices are being numbered");
    Refusal::new(Kind::Unavailable, "DOCUMENT_PENDING", zh, en).with("retry_after_ms", "500")
}

/// The counter over the intake service.
#[derive(Clone)]
pub struct Counters(pub Intake);

impl Counters {
    async fn screen(&self, incoming: Incoming<pb::GetCounterScreenRequest>) -> Result<pb::CounterScreen, Fault> {
        let (caller, id) = (incoming.caller.clone(), incoming.message.application_id.clone());
        let seen = self.0.seen(&caller, &id).await?;
        self.0.gate.allow(&caller, "GetCounterScreen", &resource(&seen.state, &caller))?;
        let application = self.0.get(incoming.with(pb::GetApplicationRequest { id: id.clone() })).await?;
        let checklist = self.0.checklist(incoming.with(pb::GetChecklistRequest { id })).await?;
        let numbers: Vec<String> = seen.state.documents.iter().map(|one| one.number.clone()).collect();
        let (documents, _) = self.0.desk.list(&numbers, DOCUMENTS, "").await?;
        Ok(pb::CounterScreen { application: Some(application), checklist: Some(checklist), documents })
    }

    async fn accept(&self, incoming: Incoming<pb::AcceptAndPrintRequest>) -> Result<pb::AcceptedAndPrinted, Fault> {
        let message = &incoming.message;
        let accept = pb::AcceptApplicationRequest {
            id: message.id.clone(),
            request_id: message.request_id.clone(),
            etag: message.etag.clone(),
            note: message.note.clone(),
            deferral_signed: message.deferral_signed,
            double_entry_reason: message.double_entry_reason.clone(),
        };
        let application = self.0.accept(incoming.with(accept)).await?;
        let id = StreamId::parse("id", &application.id)?;
        let read = self.0.ledger.get::<Application>(id, &Audiences::all()).await?.ok_or_else(not_found)?;
        let number = |kind: Paper| {
            let found = read.state.documents.iter().rev().find(|one| one.kind == kind);
            found.map(|one| one.number.clone()).ok_or_else(pending)
        };
        let acceptance = match &read.state.phase {
            Phase::Accepted(acceptance) => Some(acceptance),
            _ => None,
        };
        // 容缺受理告知书: told on the spot with the acceptance (安阳市政务服务条例 art. 24)
        let follows = acceptance.is_some_and(|acceptance| acceptance.deferral.is_some());
        let (notice, deferral) = (number(Paper::Acceptance)?, follows.then(|| number(Paper::Deferral)).transpose()?);
        let size = message.size();
        let notice = self.0.desk.file(id, &notice, size).await?;
        let deferral_notice = match deferral {
            Some(number) => Some(self.0.desk.file(id, &number, size).await?),
            None => None,
        };
        // what is handed out is read
        self.0.leave_trace(&incoming, "AcceptAndPrint", id).await?;
        Ok(pb::AcceptedAndPrinted { application: Some(application), notice: Some(notice), deferral_notice })
    }
}

#[tonic::async_trait]
impl CounterService for Counters {
    async fn get_counter_screen(&self, request: Request<pb::GetCounterScreenRequest>) -> Reply<pb::CounterScreen> {
        reply(self.screen(receive(request)?).await)
    }

    async fn accept_and_print(&self, request: Request<pb::AcceptAndPrintRequest>) -> Reply<pb::AcceptedAndPrinted> {
        reply(self.accept(receive(request)?).await)
    }
}
