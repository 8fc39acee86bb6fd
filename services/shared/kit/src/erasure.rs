//! 删除个人信息: whoever is erased in one service is erased in all (个人信息保护法 art. 47). The same relay stands behind
//! every ledger.
//!
//! Invariant: only the service where an erasure began passes it on, so that it goes round once.

use async_trait::async_trait;
use yiwang_ledger::{Delivery, Entry, Erasure, ErasureEvent, Ledger, Route};
use yiwang_proto::ledger::v1::EraseSubjectRequest;
use yiwang_proto::ledger::v1::ledger_service_client::LedgerServiceClient;

use crate::config::SERVICES;
use crate::link::Links;
use crate::status::delivery;

/// Starts the relay of a service's ledger.
pub fn spawn(ledger: &Ledger, links: &Links) {
    ledger.relay("erasure", PassOn { ledger: ledger.clone(), links: links.clone() });
}

struct PassOn {
    ledger: Ledger,
    links: Links,
}

#[async_trait]
impl Route for PassOn {
    fn wants(&self, entry: &Entry) -> bool {
        entry.is::<Erasure>()
    }

    async fn deliver(&self, entry: &Entry, request_id: &str) -> Delivery {
        let (subject, grounds) = match self.ledger.decode::<Erasure>(entry).await {
            Ok(ErasureEvent::Erased { told_by, .. }) if !told_by.is_empty() => return Delivery::NotMine,
            Ok(ErasureEvent::Erased { subject, grounds, .. }) => (subject, grounds),
            Err(refusal) => return Delivery::Later { reason: refusal.to_string() },
        };
        let own = self.ledger.service();
        for service in SERVICES.into_iter().filter(|service| *service != own) {
            let link = self.links.get(service).as_service(own, &entry.trace).on_behalf_of(&entry.actor);
            let request = EraseSubjectRequest {
                service: service.to_owned(),
                request_id: request_id.to_owned(),
                subject: subject.to_string(),
                reason: grounds.clone(),
                ..Default::default()
            };
            // Who has it already answers as the first time.
            match delivery(LedgerServiceClient::new(link).erase_subject(request).await) {
                Delivery::Done => {}
                other => return other,
            }
        }
        Delivery::Done
    }
}
