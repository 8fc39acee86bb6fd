//! `CaseDocumentService`.

use tonic::Request;
use yiwang_kit::gate;
use yiwang_kit::{Caller, Fault, Incoming, Reply, Resource, receive, reply, wire};
use yiwang_ledger::Aggregate as _;
use yiwang_proto::approval::v1 as pb;
use yiwang_proto::approval::v1::case_document_service_server::CaseDocumentService;
use yiwang_proto::document::v1::{DocumentFile, DocumentVerification};

use super::Approval;
use crate::case::Case;

/// The documents of cases.
#[derive(Clone)]
pub struct DocumentsOf(pub Approval);

impl DocumentsOf {
    async fn list(
        &self,
        incoming: Incoming<pb::ListCaseDocumentsRequest>,
    ) -> Result<pb::ListCaseDocumentsResponse, Fault> {
        let message = &incoming.message;
        let read = self.0.find(&incoming, "ListCaseDocuments", &message.case_id).await?;
        let size = wire::page_size(message.page_size)?;
        let (documents, next_page_token) = self.0.desk.list(&read.state.documents, size, &message.page_token).await?;
        Ok(pb::ListCaseDocumentsResponse { documents, next_page_token })
    }

    async fn get(&self, incoming: Incoming<pb::GetCaseDocumentRequest>) -> Result<DocumentFile, Fault> {
        let message = &incoming.message;
        let read = self.0.find(&incoming, "GetCaseDocument", &message.case_id).await?;
        // 最小必要: a paper cannot be masked, and who merely watches has its list and its verification
        if merely_watches(&incoming.caller, &read.state) {
            return Err(gate::not_permitted(&incoming.caller, "GetCaseDocument").into());
        }
        let file = self.0.desk.file(read.stream, &message.number, message.size()).await?;
        if incoming.caller.is_staff() {
            let call = incoming.read_call("GetCaseDocument", &read.stream.to_string());
            self.0.ledger.record_read(call, read.stream, "GetCaseDocument").await?;
        }
        Ok(file)
    }

    async fn verify(&self, incoming: Incoming<pb::VerifyCaseDocumentRequest>) -> Result<DocumentVerification, Fault> {
        let message = &incoming.message;
        let any = Resource { kind: "Case", ..Resource::default() };
        self.0.gate.allow(&incoming.caller, "VerifyCaseDocument", &any)?;
        Ok(self.0.desk.verify(&message.number, &message.check_code, &message.digest).await?)
    }
}

/// Whether staff see a case as its supervision, or as the government above it, alone.
fn merely_watches(caller: &Caller, case: &Case) -> bool {
    let mut otherwise = caller.clone();
    otherwise.roles.retain(|role| role != "supervisor" && role != "government_head");
    caller.is_staff() && !otherwise.audiences().meets(&case.tags())
}

#[tonic::async_trait]
impl CaseDocumentService for DocumentsOf {
    async fn list_case_documents(
        &self,
        request: Request<pb::ListCaseDocumentsRequest>,
    ) -> Reply<pb::ListCaseDocumentsResponse> {
        reply(self.list(receive(request)?).await)
    }

    async fn get_case_document(&self, request: Request<pb::GetCaseDocumentRequest>) -> Reply<DocumentFile> {
        reply(self.get(receive(request)?).await)
    }

    async fn verify_case_document(
        &self,
        request: Request<pb::VerifyCaseDocumentRequest>,
    ) -> Reply<DocumentVerification> {
        reply(self.verify(receive(request)?).await)
    }
}
