//! Licences that this platform has issued, from the licence service.

use async_trait::async_trait;
use serde_json::{Map, Value};
use yiwang_kit::{Links, wire};
use yiwang_proto::license::v1 as pb;
use yiwang_proto::license::v1::license_service_client::LicenseServiceClient;

use super::{Away, Found, Query, Source};
use crate::NAME;
use crate::convert::ask;

/// The licence service as a source.
pub(super) struct Licenses {
    links: Links,
}

impl Licenses {
    pub(super) fn new(links: Links) -> Self {
        Self { links }
    }
}

/// What a form may take from it: what the licence says, and beside that its number, issuer and days.
fn fields(one: &pb::LicenseSummary) -> Map<String, Value> {
    let data = one.data.as_ref().and_then(|data| ask::form_value(data).ok());
    let mut fields = match data {
        Some(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    let about = [
        ("number", &one.number),
        ("issuer", &one.issuer),
        ("issue_date", &one.issue_date),
        ("valid_to", &one.valid_to),
    ];
    for (name, value) in about.into_iter().filter(|(_, value)| !value.is_empty()) {
        fields.entry(name).or_insert_with(|| Value::from(value.as_str()));
    }
    fields
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
            fields: fields(&one),
            reference: one.identifier,
            title: format!("{} {}", one.name, one.number),
            issuer: one.issuer,
            valid_to: wire::day(&one.valid_to),
        }))
    }
}
