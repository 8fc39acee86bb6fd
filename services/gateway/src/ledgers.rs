//! `LedgerService` over HTTP: one name for several services, so the path says which.

use rest_over_grpc::handling::{Context, Status};
use tonic::Code;
use yiwang_kit::config::SERVICES;
use yiwang_proto::{
    forward::{Link, Links, answer, carry},
    ledger::v1::{self as pb, ledger_service_client::LedgerServiceClient},
};

use crate::problem::{Refused, status_of};

/// Hands each call to the service that the request names.
#[derive(Clone, Debug)]
pub struct Ledgers {
    links: Links,
}

impl Ledgers {
    /// Over the links.
    pub fn new(links: Links) -> Self {
        Self { links }
    }

    fn client(&self, service: &str) -> Result<LedgerServiceClient<Link>, Status> {
        match keeper(&self.links, service) {
            Ok(link) => Ok(LedgerServiceClient::new(link.clone())),
            Err(refused) => answer(Err(status_of(&refused))),
        }
    }
}

/// The link to a service that keeps a ledger.
pub fn keeper<'a>(links: &'a Links, service: &str) -> Result<&'a Link, Refused> {
    SERVICES.contains(&service).then(|| links.get(service)).flatten().ok_or_else(|| {
        let (zh, en) =
            (format!("没有这个服务：{}", SERVICES.join("、")), format!("no such service; {}", SERVICES.join(", ")));
        Refused::new(Code::NotFound, "SERVICE_NOT_FOUND", zh, en)
    })
}

impl pb::LedgerService for Ledgers {
    async fn get_head(&self, request: pb::GetHeadRequest, cx: &mut Context) -> Result<pb::Head, Status> {
        let mut client = self.client(&request.service)?;
        answer(client.get_head(carry(request, cx)).await)
    }

    async fn list_entries(
        &self,
        request: pb::ListEntriesRequest,
        cx: &mut Context,
    ) -> Result<pb::ListEntriesResponse, Status> {
        let mut client = self.client(&request.service)?;
        answer(client.list_entries(carry(request, cx)).await)
    }

    async fn list_parked_deliveries(
        &self,
        request: pb::ListParkedDeliveriesRequest,
        cx: &mut Context,
    ) -> Result<pb::ListParkedDeliveriesResponse, Status> {
        let mut client = self.client(&request.service)?;
        answer(client.list_parked_deliveries(carry(request, cx)).await)
    }

    async fn retry_delivery(
        &self,
        request: pb::RetryDeliveryRequest,
        cx: &mut Context,
    ) -> Result<pb::ParkedDelivery, Status> {
        let mut client = self.client(&request.service)?;
        answer(client.retry_delivery(carry(request, cx)).await)
    }

    async fn resume_relay(
        &self,
        request: pb::ResumeRelayRequest,
        cx: &mut Context,
    ) -> Result<pb::ResumedRelay, Status> {
        let mut client = self.client(&request.service)?;
        answer(client.resume_relay(carry(request, cx)).await)
    }

    async fn erase_subject(
        &self,
        request: pb::EraseSubjectRequest,
        cx: &mut Context,
    ) -> Result<pb::EraseSubjectResponse, Status> {
        let mut client = self.client(&request.service)?;
        answer(client.erase_subject(carry(request, cx)).await)
    }
}
