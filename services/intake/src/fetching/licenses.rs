//! Licences that this platform has issued, from the licence service.

use async_trait::async_trait;
use yiwang_kit::{Links, wire};
use yiwang_proto::license::v1 as pb;
use yiwang_proto::license::v1::license_service_client::LicenseServiceClient;

use super::{Away, Found, Query, Source};
use crate::NAME;

/// The licence service as a source.
pub(super) struct Licenses {
    links: Links,
}

impl Licenses {
    pub(super) fn new(links: Links) -> Self {
        Self { links }
    }
}

#[async_trait]
impl Source for Licenses {
    async fn fetch(&self, query: &Query) -> Result<Option<Found>, Away> {
        let request = pb::ListLicensesRequest {
            status: pb::LicenseStatus::Valid.into(),
            type_code: query.what.clone(),
            holder_subject: query.subject.clone(),
            page_size: 100,
            ..Default::default()
        };
        let link = self.links.get("license").as_service(NAME, &query.trace);
        let answer = LicenseServiceClient::new(link).list_licenses(request).await;
        let answer = answer.map_err(|status| Away(status.message().to_owned()))?.into_inner();
        // the newest comes first; the status is today's
        let valid = answer.licenses.into_iter().find(|one| one.status() == pb::LicenseStatus::Valid);
        Ok(valid.map(|one| Found {
            reference: one.identifier,
            title: format!("{} {}", one.name, one.number),
            issuer: one.issuer,
            valid_to: wire::day(&one.valid_to),
        }))
    }
}
