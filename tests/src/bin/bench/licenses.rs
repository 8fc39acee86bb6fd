//! Licences issued and verified, against the bare signature on two threads.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::transport::{Channel, Endpoint};
use yiwang_proto::license::v1::license_service_client::LicenseServiceClient;
use yiwang_proto::license::v1::{IssueLicenseRequest, License};
use yiwang_proto::party::v1::{Actor, DocumentKind, Party};

use crate::arena::Arena;
use crate::load::{self, Load};

/// Callers at once of either.
const CALLERS: u64 = 128;
/// Licences that are shown in turn.
const SHOWN: u64 = 64;
const ORGAN: &str = "115113016823646795";

/// Licences issued a second, as approval's relay orders them.
pub async fn issue(arena: &Arena) -> anyhow::Result<f64> {
    let office = Office::of(arena).await?;
    let run = arena.run_number();
    let begin = Instant::now() + arena.time / 5;
    let end = begin + arena.time;
    let (number, mut callers) = (Arc::new(AtomicU64::new(0)), JoinSet::new());
    for _ in 0..CALLERS {
        let (office, number) = (office.clone(), number.clone());
        callers.spawn(async move {
            let mut issued = 0_u64;
            loop {
                let asked = Instant::now();
                if asked >= end {
                    return anyhow::Ok(issued);
                }
                office.issue(run, number.fetch_add(1, Ordering::Relaxed)).await?;
                issued += u64::from(asked >= begin);
            }
        });
    }
    let mut issued = 0;
    while let Some(done) = callers.join_next().await {
        issued += done??;
    }
    Ok(issued as f64 / arena.time.as_secs_f64())
}

/// Licences verified a second by their bytes and signature, over the public HTTP API.
pub async fn verify(arena: &Arena) -> anyhow::Result<f64> {
    let office = Office::of(arena).await?;
    let run = arena.run_number();
    let mut shown = Vec::new();
    for number in 0..SHOWN {
        let license = office.issue(run, number).await?;
        let body = json!({
            "payload": BASE64_STANDARD.encode(&license.payload), "signature": BASE64_STANDARD.encode(&license.signature),
        });
        shown.push(load::request("POST", "/v1/licenses:verify", "", &body.to_string()));
    }
    let load = Load { connections: CALLERS, time: arena.time };
    let next = AtomicU64::new(0);
    load::run(office.address, load, move |_, _| {
        let turn = next.fetch_add(1, Ordering::Relaxed) % SHOWN;
        shown[turn as usize].clone()
    })
    .await
}

/// Who orders licences.
#[derive(Clone)]
struct Office {
    client: LicenseServiceClient<Channel>,
    token: String,
    address: SocketAddr,
}

impl Office {
    /// Approval's own: its token signed with the development issuer's key, as the service itself has it.
    async fn of(arena: &Arena) -> anyhow::Result<Self> {
        let up = arena.postgres().await?;
        let address = up.server.address();
        let token = arena.token_of(up, |claims| {
            (claims["sub"], claims["kind"]) = (json!("service:approval"), json!("service"));
        })?;
        let channel = Endpoint::from_shared(format!("http://{address}"))?.tcp_nodelay(true).connect().await?;
        Ok(Self { client: LicenseServiceClient::new(channel), token: format!("Bearer {token}"), address })
    }

    async fn issue(&self, run: u64, number: u64) -> anyhow::Result<License> {
        let mut request = tonic::Request::new(order(run, number)?);
        request.metadata_mut().insert("authorization", self.token.parse()?);
        Ok(self.client.clone().issue_license(request).await?.into_inner())
    }
}

fn order(run: u64, number: u64) -> anyhow::Result<IssueLicenseRequest> {
    let data = json!({"premises_name": "云溪客栈", "premises_address": "广安区滨江路88号", "business_kind": "住宿"});
    let case_number = format!("51160220260101{run:03}{number:09}");
    Ok(IssueLicenseRequest {
        request_id: format!("bench.{run}.{number}"),
        actor: Some(Actor {
            id: "staff:approver".to_owned(),
            name: "刘明".to_owned(),
            role: "approver".to_owned(),
            organisation: ORGAN.to_owned(),
            ..Actor::default()
        }),
        case_id: "0190d5a0-0000-7000-8000-000000000001".to_owned(),
        case_number,
        item_code: "511A0015500009".to_owned(),
        type_code: "115113016823646795001".to_owned(),
        name: "公共场所卫生许可证".to_owned(),
        issuer: "广安市广安区卫生健康局".to_owned(),
        issuer_code: ORGAN.to_owned(),
        region_code: "511602000000".to_owned(),
        holder: Some(Party {
            name: "张建国".to_owned(),
            document_kind: DocumentKind::ResidentId.into(),
            document_number: "511602198503120016".to_owned(),
            ..Party::default()
        }),
        owner: "person:citizen".to_owned(),
        issue_date: "2026-03-16".to_owned(),
        validity_months: 48,
        data: Some(serde_json::from_value(data)?),
        owner_subject: String::new(),
    })
}
