//! A stand-in for the licence service: has what the test says, and remembers what it was asked.

use std::sync::{Arc, Mutex};

use tonic::{Request, Response, Status};
use yiwang_proto::license::v1 as pb;
use yiwang_proto::license::v1::license_service_server::LicenseService;

#[derive(Clone, Default)]
pub struct License(Arc<Mutex<Told>>);

#[derive(Default)]
struct Told {
    held: Vec<(String, pb::LicenseSummary)>,
    asked: Vec<pb::ListLicensesRequest>,
    away: bool,
}

impl License {
    pub fn hold(&self, name: &str, type_code: &str) {
        self.hold_saying(name, type_code, None);
    }

    /// A licence that says something.
    pub fn hold_saying(&self, name: &str, type_code: &str, data: Option<pbjson_types::Struct>) {
        let one = pb::LicenseSummary {
            identifier: "1.2.156.3005.2.11100000000013127D001.115113016823646795.000000001.001.9".into(),
            name: name.into(),
            number: "川卫公证字〔2026〕第1号".into(),
            issuer: "区行政审批局".into(),
            valid_to: "2030-03-01".into(),
            status: pb::LicenseStatus::Valid.into(),
            data,
            ..Default::default()
        };
        self.0.lock().unwrap().held.push((type_code.to_owned(), one));
    }

    pub fn away(&self, away: bool) {
        self.0.lock().unwrap().away = away;
    }

    pub fn asked(&self) -> Vec<pb::ListLicensesRequest> {
        self.0.lock().unwrap().asked.clone()
    }
}

fn none<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("a stand-in"))
}

#[tonic::async_trait]
impl LicenseService for License {
    async fn list_licenses(
        &self,
        request: Request<pb::ListLicensesRequest>,
    ) -> Result<Response<pb::ListLicensesResponse>, Status> {
        let request = yiwang_kit::receive(request)?;
        assert!(request.caller.is_service("intake"));
        let mut told = self.0.lock().unwrap();
        if told.away {
            return Err(Status::unavailable("away"));
        }
        told.asked.push(request.message.clone());
        let fit = told.held.iter().filter(|(type_code, _)| *type_code == request.message.type_code);
        let licenses = fit.map(|(_, one)| one.clone()).collect();
        Ok(Response::new(pb::ListLicensesResponse { licenses, ..Default::default() }))
    }

    async fn issue_license(&self, _: Request<pb::IssueLicenseRequest>) -> Result<Response<pb::License>, Status> {
        none()
    }

    async fn get_license(&self, _: Request<pb::GetLicenseRequest>) -> Result<Response<pb::License>, Status> {
        none()
    }

    async fn verify_license(
        &self,
        _: Request<pb::VerifyLicenseRequest>,
    ) -> Result<Response<pb::VerifyLicenseResponse>, Status> {
        none()
    }

    async fn cancel_license(&self, _: Request<pb::CancelLicenseRequest>) -> Result<Response<pb::License>, Status> {
        none()
    }

    async fn get_signing_key(&self, _: Request<pb::GetSigningKeyRequest>) -> Result<Response<pb::SigningKey>, Status> {
        none()
    }
}
