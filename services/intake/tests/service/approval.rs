//! A stand-in for approval: remembers what it was told, and answers as it is told to.

use std::sync::{Arc, Mutex};

use tonic::{Request, Response, Status};
use yiwang_ledger::{Kind, Refusal};
use yiwang_proto::approval::v1 as pb;
use yiwang_proto::approval::v1::approval_service_server::ApprovalService;

#[derive(Clone, Default)]
pub struct Approval(Arc<Mutex<Told>>);

#[derive(Default)]
pub struct Told {
    pub opened: Vec<pb::OpenCaseRequest>,
    pub recorded: Vec<pb::RecordMaterialRequest>,
    pub withdrawn: Vec<pb::WithdrawCaseRequest>,
    pub lapsed: Vec<pb::LapseCaseRequest>,
    pub away: bool,
    pub decided: bool,
}

impl Approval {
    pub fn set(&self, change: impl FnOnce(&mut Told)) {
        change(&mut self.0.lock().unwrap());
    }

    pub fn opened(&self) -> Vec<pb::OpenCaseRequest> {
        self.0.lock().unwrap().opened.clone()
    }

    pub fn opened_for(&self, application: &str) -> Option<pb::OpenCaseRequest> {
        self.opened().into_iter().find(|open| open.application_id == application)
    }

    pub fn recorded(&self) -> Vec<pb::RecordMaterialRequest> {
        self.0.lock().unwrap().recorded.clone()
    }

    pub fn lapsed(&self) -> Vec<pb::LapseCaseRequest> {
        self.0.lock().unwrap().lapsed.clone()
    }

    fn there(&self) -> Result<(), Status> {
        match self.0.lock().unwrap().away {
            true => Err(Status::unavailable("away")),
            false => Ok(()),
        }
    }
}

fn none<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("a stand-in"))
}

#[tonic::async_trait]
impl ApprovalService for Approval {
    type WatchCaseStream = tokio_stream::wrappers::ReceiverStream<Result<pb::CaseProgress, Status>>;

    async fn watch_case(&self, _: Request<pb::WatchCaseRequest>) -> Result<Response<Self::WatchCaseStream>, Status> {
        none()
    }

    async fn open_case(&self, request: Request<pb::OpenCaseRequest>) -> Result<Response<pb::Case>, Status> {
        self.there()?;
        let request = yiwang_kit::receive(request)?;
        assert!(request.caller.is_service("intake"));
        let mut told = self.0.lock().unwrap();
        if !told.opened.iter().any(|open| open.request_id == request.message.request_id) {
            told.opened.push(request.message);
        }
        Ok(Response::new(pb::Case::default()))
    }

    async fn record_material(&self, request: Request<pb::RecordMaterialRequest>) -> Result<Response<pb::Case>, Status> {
        self.there()?;
        self.0.lock().unwrap().recorded.push(request.into_inner());
        Ok(Response::new(pb::Case::default()))
    }

    async fn lapse_case(&self, request: Request<pb::LapseCaseRequest>) -> Result<Response<pb::Case>, Status> {
        self.there()?;
        self.0.lock().unwrap().lapsed.push(request.into_inner());
        Ok(Response::new(pb::Case::default()))
    }

    async fn withdraw_case(&self, request: Request<pb::WithdrawCaseRequest>) -> Result<Response<pb::Case>, Status> {
        self.there()?;
        let mut told = self.0.lock().unwrap();
        told.withdrawn.push(request.into_inner());
        if told.decided {
            let refusal = Refusal::new(Kind::FailedPrecondition, "CASE_DECIDED", "已作出决定", "decided already");
            return Err(yiwang_kit::status(refusal));
        }
        Ok(Response::new(pb::Case::default()))
    }

    async fn list_cases(&self, _: Request<pb::ListCasesRequest>) -> Result<Response<pb::ListCasesResponse>, Status> {
        none()
    }

    async fn get_case(&self, _: Request<pb::GetCaseRequest>) -> Result<Response<pb::Case>, Status> {
        none()
    }

    async fn review_case(&self, _: Request<pb::ReviewCaseRequest>) -> Result<Response<pb::Case>, Status> {
        none()
    }

    async fn decide_case(&self, _: Request<pb::DecideCaseRequest>) -> Result<Response<pb::Case>, Status> {
        none()
    }

    async fn request_procedure(&self, _: Request<pb::RequestProcedureRequest>) -> Result<Response<pb::Case>, Status> {
        none()
    }

    async fn decide_procedure(&self, _: Request<pb::DecideProcedureRequest>) -> Result<Response<pb::Case>, Status> {
        none()
    }

    async fn end_procedure(&self, _: Request<pb::EndProcedureRequest>) -> Result<Response<pb::Case>, Status> {
        none()
    }

    async fn return_case(&self, _: Request<pb::ReturnCaseRequest>) -> Result<Response<pb::Case>, Status> {
        none()
    }

    async fn retry_license(&self, _: Request<pb::RetryLicenseRequest>) -> Result<Response<pb::Case>, Status> {
        none()
    }

    async fn record_follow_up_check(
        &self,
        _: Request<pb::RecordFollowUpCheckRequest>,
    ) -> Result<Response<pb::Case>, Status> {
        none()
    }
}
