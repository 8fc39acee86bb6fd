//! `DocumentService`.

use tonic::Request;
use yiwang_kit::gate;
use yiwang_kit::{Fault, Incoming, Reply, Resource, receive, reply, wire};
use yiwang_ledger::Committed;
use yiwang_proto::document::v1::{DocumentFile, DocumentVerification};
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::document_service_server::DocumentService;

use super::Intake;
use super::application::sees_in_full;
use crate::application::Application;
use crate::catalogue::ItemFacts;
use crate::documents;

/// The documents of applications.
#[derive(Clone)]
pub struct DocumentsOf(pub Intake);

impl Intake {
    /// The second step of an act that calls for a document; should it fail here, the relay completes it, and the answer shows what
    /// is so far.
    pub(super) async fn documented(
        &self,
        done: Committed<Application>,
        facts: &ItemFacts,
        trace: &str,
    ) -> Committed<Application> {
        let _hand = self.ledger.in_hand(done.stream);
        let (entry, mut done) = (done.hash, done);
        for order in documents::orders(done.stream, &done.state, facts) {
            match documents::complete(&self.ledger, &self.desk, order, entry, trace).await {
                Ok(documented) => done = documented,
                Err(refusal) => {
                    tracing::warn!(application = %done.stream, reason = refusal.reason, "a document is left to the relay");
                    break;
                }
            }
        }
        done
    }
}

impl DocumentsOf {
    async fn list(&self, incoming: Incoming<pb::ListDocumentsRequest>) -> Result<pb::ListDocumentsResponse, Fault> {
        let (caller, message) = (&incoming.caller, &incoming.message);
        let this = &self.0;
        this.gate.allow(caller, "ListDocuments", &Resource { kind: "Application", ..Resource::default() })?;
        let seen = this.seen(caller, &message.application_id).await?;
        let numbers: Vec<String> = seen.state.documents.iter().map(|one| one.number.clone()).collect();
        let size = wire::page_size(message.page_size)?;
        let (documents, next_page_token) = this.desk.list(&numbers, size, &message.page_token).await?;
        Ok(pb::ListDocumentsResponse { documents, next_page_token })
    }

    async fn get(&self, incoming: Incoming<pb::GetDocumentRequest>) -> Result<DocumentFile, Fault> {
        let (caller, message) = (&incoming.caller, &incoming.message);
        let this = &self.0;
        this.gate.allow(caller, "GetDocument", &Resource { kind: "Application", ..Resource::default() })?;
        let seen = this.seen(caller, &message.application_id).await?;
        // 最小必要: a paper cannot be masked, and who merely watches has its list and its verification
        if !sees_in_full(caller, &seen.state) {
            return Err(gate::not_permitted(caller, "GetDocument").into());
        }
        let file = this.desk.file(seen.stream, &message.number, message.size()).await?;
        this.leave_trace(&incoming, "GetDocument", seen.stream).await?;
        Ok(file)
    }

    async fn verify(&self, incoming: Incoming<pb::VerifyDocumentRequest>) -> Result<DocumentVerification, Fault> {
        let (caller, message) = (&incoming.caller, &incoming.message);
        let this = &self.0;
        this.gate.allow(caller, "VerifyDocument", &Resource { kind: "Application", ..Resource::default() })?;
        Ok(this.desk.verify(&message.number, &message.check_code, &message.digest).await?)
    }
}

#[tonic::async_trait]
impl DocumentService for DocumentsOf {
    async fn list_documents(&self, request: Request<pb::ListDocumentsRequest>) -> Reply<pb::ListDocumentsResponse> {
        reply(self.list(receive(request)?).await)
    }

    async fn get_document(&self, request: Request<pb::GetDocumentRequest>) -> Reply<DocumentFile> {
        reply(self.get(receive(request)?).await)
    }

    async fn verify_document(&self, request: Request<pb::VerifyDocumentRequest>) -> Reply<DocumentVerification> {
        reply(self.verify(receive(request)?).await)
    }
}
