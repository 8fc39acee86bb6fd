//! The running licence service, and orders as approval's relay gives them.
#![allow(dead_code, reason = "each test file uses its part")]

use tonic::{Response, Status};
use yiwang_kit::Link;
use yiwang_kit::identity::Account;
use yiwang_proto::license::v1 as pb;
use yiwang_proto::license::v1::license_service_client::LicenseServiceClient;
use yiwang_proto::party::v1 as parties;

use crate::house::{Engine, House};

pub const NUMBER: &str = "511602198503120016";

pub struct World {
    pub house: House,
}

impl World {
    pub async fn on(engine: Engine) -> Option<Self> {
        Some(Self { house: House::open(engine, yiwang_license::NAME, "2026-03-16", yiwang_license::start).await? })
    }

    pub fn by(&self, account: &str) -> LicenseServiceClient<Link> {
        LicenseServiceClient::new(self.house.by(account))
    }

    pub fn anybody(&self) -> LicenseServiceClient<Link> {
        LicenseServiceClient::new(self.house.by_nobody())
    }

    pub async fn order(&self, order: pb::IssueLicenseRequest) -> Result<pb::License, Status> {
        let link = self.house.by_service("approval");
        LicenseServiceClient::new(link).issue_license(order).await.map(Response::into_inner)
    }

    /// A hygiene permit of four years, issued on 2026-03-16.
    pub async fn issued(&self) -> pb::License {
        self.order(order("1")).await.unwrap()
    }

    pub async fn read(&self, account: &str, id: &str) -> Result<pb::License, Status> {
        self.by(account).get_license(pb::GetLicenseRequest { id: id.into() }).await.map(Response::into_inner)
    }

    pub async fn cancel(&self, account: &str, id: &str, cause: pb::CancelCause) -> Result<pb::License, Status> {
        let request = pb::CancelLicenseRequest {
            id: id.into(),
            request_id: format!("cancel-{}", cause as i32),
            etag: String::new(),
            cause: cause.into(),
            reason: "经营者申请注销".into(),
        };
        self.by(account).cancel_license(request).await.map(Response::into_inner)
    }

    pub async fn verify(&self, request: pb::VerifyLicenseRequest) -> Result<pb::VerifyLicenseResponse, Status> {
        self.anybody().verify_license(request).await.map(Response::into_inner)
    }
}

/// The organ that the demonstration's approver works for.
pub fn organ() -> String {
    Account::find("approver").unwrap().organisations[0].clone()
}

/// The order for the n-th case.
pub fn order(case: &str) -> pb::IssueLicenseRequest {
    let data = serde_json::json!({"premises_address": "广安区滨江路1号", "rooms": 20});
    pb::IssueLicenseRequest {
        request_id: format!("relay.{case}"),
        actor: Some(parties::Actor {
            id: "staff:approver".into(),
            name: "刘明".into(),
            role: "approver".into(),
            organisation: organ(),
            ..Default::default()
        }),
        case_id: "0190d5a0-0000-7000-8000-000000000001".into(),
        case_number: format!("5116022026{case}"),
        item_code: "511A0015500009".into(),
        type_code: "115113016823646795001".into(),
        name: "公共场所卫生许可证".into(),
        issuer: "广安市广安区行政审批局".into(),
        issuer_code: organ(),
        region_code: "511602000000".into(),
        holder: Some(parties::Party {
            name: "张建国".into(),
            document_kind: parties::DocumentKind::ResidentId.into(),
            document_number: NUMBER.into(),
            ..Default::default()
        }),
        owner: "person:citizen".into(),
        issue_date: "2026-03-16".into(),
        validity_months: 48,
        data: serde_json::from_value(data).ok(),
        owner_subject: String::new(),
    }
}

/// An order for a demonstration account's own document.
pub fn order_for(account: &str) -> pb::IssueLicenseRequest {
    let account = Account::find(account).unwrap();
    let document_kind = match account.document.as_ref().unwrap().kind.as_str() {
        "USCC" => parties::DocumentKind::UnifiedSocialCreditCode,
        _ => parties::DocumentKind::ResidentId,
    };
    let holder = parties::Party {
        name: account.name.clone(),
        document_kind: document_kind.into(),
        document_number: account.document.as_ref().unwrap().number.clone(),
        ..Default::default()
    };
    pb::IssueLicenseRequest { holder: Some(holder), ..order("1") }
}

/// What a holder shows: bytes and signature.
pub fn shown(license: &pb::License) -> pb::VerifyLicenseRequest {
    pb::VerifyLicenseRequest {
        identifier: String::new(),
        payload: license.payload.clone(),
        signature: license.signature.clone(),
    }
}

pub fn named(identifier: &str) -> pb::VerifyLicenseRequest {
    pb::VerifyLicenseRequest { identifier: identifier.into(), ..Default::default() }
}
