//! `GET /v1/me/affairs`: what concerns the caller, asked of four services at once with the caller's own token.
//!
//! Invariant: each service checks its own objects; a part whose service is away is marked with why, and never empty without
//! a reason.

use std::{future::Future, time::Duration};

use http::{HeaderMap, header};
use rest_over_grpc::handling::Context;
use tonic::{Code, Request, Response, Status, metadata::MetadataMap};
use yiwang_kit::{
    status::{Problem, code_name, is_retryable, status as kit_status},
    wire,
};
use yiwang_proto::{
    approval::v1::{CaseSummary, ListCasesRequest, approval_service_client::ApprovalServiceClient},
    evaluation::v1::{
        EvaluationRight, ListEvaluationRightsRequest, evaluation_service_client::EvaluationServiceClient,
    },
    forward::{Links, answer, carried},
    gateway::v1::{self as pb, affairs_service_server},
    intake::v1::{ApplicationSummary, ListApplicationsRequest, intake_service_client::IntakeServiceClient},
    license::v1::{LicenseSummary, ListLicensesRequest, license_service_client::LicenseServiceClient},
};

use crate::problem::{Refused, status_of};

/// The composition, over HTTP and gRPC alike.
#[derive(Clone, Debug)]
pub struct Affairs {
    links: Links,
    deadline: Duration,
}

/// One part: its objects and whether there are more, or why it is not there.
type Part<T> = Result<(Vec<T>, bool), Status>;

impl Affairs {
    /// Over the links; a part that takes longer than `deadline` counts as away.
    pub fn new(links: Links, deadline: Duration) -> Self {
        Self { links, deadline }
    }

    async fn compose(&self, request: &pb::GetMyAffairsRequest, headers: &HeaderMap) -> Result<pb::MyAffairs, Status> {
        if !headers.contains_key(header::AUTHORIZATION) {
            let refused = Refused::new(Code::Unauthenticated, "TOKEN_MISSING", "请先登录", "a bearer token is needed");
            return Err(status_of(&refused));
        }
        let size = request.page_size;
        // Otherwise four services would say the same, and the answer would take them for away.
        wire::page_size(size).map_err(kit_status)?;
        let (applications, cases, licenses, rights) = tokio::join!(
            self.part(self.applications(size, headers)),
            self.part(self.cases(size, headers)),
            self.part(self.licenses(size, headers)),
            self.part(self.rights(size, headers)),
        );
        for part in [refusal(&applications), refusal(&cases), refusal(&licenses), refusal(&rights)] {
            // One service knows as well as four that the token is not good.
            if let Some(status) = part.filter(|status| status.code() == Code::Unauthenticated) {
                return Err(status.clone());
            }
        }
        Ok(affairs(applications, cases, licenses, rights))
    }

    async fn part<T>(&self, asked: impl Future<Output = Part<T>>) -> Part<T> {
        let late = |_| Err(status_of(&Refused::late()));
        tokio::time::timeout(self.deadline, Box::pin(asked)).await.unwrap_or_else(late)
    }

    fn ask<T>(&self, message: T, headers: &HeaderMap) -> Request<T> {
        let mut request = Request::new(message);
        *request.metadata_mut() = MetadataMap::from_headers(headers.clone());
        request.set_timeout(self.deadline);
        request
    }

    async fn applications(&self, page_size: i32, headers: &HeaderMap) -> Part<ApplicationSummary> {
        let message = ListApplicationsRequest { page_size, mine: true, ..Default::default() };
        let mut client = IntakeServiceClient::new(self.links.intake.clone());
        let page = client.list_applications(self.ask(message, headers)).await?.into_inner();
        Ok((page.applications, !page.next_page_token.is_empty()))
    }

    async fn cases(&self, page_size: i32, headers: &HeaderMap) -> Part<CaseSummary> {
        let message = ListCasesRequest { page_size, mine: true, ..Default::default() };
        let mut client = ApprovalServiceClient::new(self.links.approval.clone());
        let page = client.list_cases(self.ask(message, headers)).await?.into_inner();
        Ok((page.cases, !page.next_page_token.is_empty()))
    }

    async fn licenses(&self, page_size: i32, headers: &HeaderMap) -> Part<LicenseSummary> {
        let message = ListLicensesRequest { page_size, mine: true, ..Default::default() };
        let mut client = LicenseServiceClient::new(self.links.license.clone());
        let page = client.list_licenses(self.ask(message, headers)).await?.into_inner();
        Ok((page.licenses, !page.next_page_token.is_empty()))
    }

    async fn rights(&self, page_size: i32, headers: &HeaderMap) -> Part<EvaluationRight> {
        let message = ListEvaluationRightsRequest { page_size, ..Default::default() };
        let mut client = EvaluationServiceClient::new(self.links.evaluation.clone());
        let page = client.list_evaluation_rights(self.ask(message, headers)).await?.into_inner();
        Ok((page.rights, !page.next_page_token.is_empty()))
    }
}

fn refusal<T>(part: &Part<T>) -> Option<&Status> {
    part.as_ref().err()
}

fn affairs(
    applications: Part<ApplicationSummary>,
    cases: Part<CaseSummary>,
    licenses: Part<LicenseSummary>,
    rights: Part<EvaluationRight>,
) -> pb::MyAffairs {
    let complete = applications.is_ok() && cases.is_ok() && licenses.is_ok() && rights.is_ok();
    let (applications, more, unavailable) = section("intake", applications);
    let applications = pb::ApplicationsSection { applications, more, unavailable };
    let (cases, more, unavailable) = section("approval", cases);
    let cases = pb::CasesSection { cases, more, unavailable };
    let (licenses, more, unavailable) = section("license", licenses);
    let licenses = pb::LicensesSection { licenses, more, unavailable };
    let (rights, more, unavailable) = section("evaluation", rights);
    let rights = pb::EvaluationsSection { rights, more, unavailable };
    pb::MyAffairs {
        applications: Some(applications),
        cases: Some(cases),
        licenses: Some(licenses),
        pending_evaluations: Some(rights),
        complete,
    }
}

fn section<T>(service: &str, part: Part<T>) -> (Vec<T>, bool, Option<pb::Unavailable>) {
    match part {
        Ok((objects, more)) => (objects, more, None),
        Err(status) => (Vec::new(), false, Some(unavailable(service, &status))),
    }
}

/// Why a part is not there, typed.
fn unavailable(service: &str, status: &Status) -> pb::Unavailable {
    let Problem { code, reason, zh, en, .. } = *Refused::by(status).problem;
    pb::Unavailable {
        service: service.to_owned(),
        reason,
        code: code_name(code).to_owned(),
        text: zh,
        text_en: en,
        retryable: is_retryable(code),
    }
}

impl pb::AffairsService for Affairs {
    async fn get_my_affairs(
        &self,
        request: pb::GetMyAffairsRequest,
        cx: &mut Context,
    ) -> Result<pb::MyAffairs, rest_over_grpc::handling::Status> {
        let headers = carried(&cx.take_request_headers());
        answer(self.compose(&request, &headers).await.map(Response::new))
    }
}

#[tonic::async_trait]
impl affairs_service_server::AffairsService for Affairs {
    async fn get_my_affairs(
        &self,
        request: Request<pb::GetMyAffairsRequest>,
    ) -> Result<Response<pb::MyAffairs>, Status> {
        let headers = carried(&request.metadata().clone().into_headers());
        self.compose(request.get_ref(), &headers).await.map(Response::new)
    }
}
