//! A stand-in for evaluation: remembers the rights it was asked to open.

use std::sync::{Arc, Mutex};

use tonic::{Request, Response, Status};
use yiwang_proto::evaluation::v1 as pb;
use yiwang_proto::evaluation::v1::evaluation_service_server::EvaluationService;

#[derive(Clone, Default)]
pub struct Evaluation(Arc<Mutex<Vec<pb::OpenRightRequest>>>);

impl Evaluation {
    pub fn rights(&self) -> Vec<pb::OpenRightRequest> {
        self.0.lock().unwrap().clone()
    }
}

fn none<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("a stand-in"))
}

#[tonic::async_trait]
impl EvaluationService for Evaluation {
    async fn open_right(
        &self,
        request: Request<pb::OpenRightRequest>,
    ) -> Result<Response<pb::EvaluationRight>, Status> {
        let request = yiwang_kit::receive(request)?;
        assert!(request.caller.is_service("intake"));
        self.0.lock().unwrap().push(request.message);
        Ok(Response::new(pb::EvaluationRight::default()))
    }

    async fn list_evaluation_rights(
        &self,
        _: Request<pb::ListEvaluationRightsRequest>,
    ) -> Result<Response<pb::ListEvaluationRightsResponse>, Status> {
        none()
    }

    async fn create_evaluation(
        &self,
        _: Request<pb::CreateEvaluationRequest>,
    ) -> Result<Response<pb::Evaluation>, Status> {
        none()
    }

    async fn get_evaluation(&self, _: Request<pb::GetEvaluationRequest>) -> Result<Response<pb::Evaluation>, Status> {
        none()
    }

    async fn list_evaluations(
        &self,
        _: Request<pb::ListEvaluationsRequest>,
    ) -> Result<Response<pb::ListEvaluationsResponse>, Status> {
        none()
    }

    async fn reply_evaluation(
        &self,
        _: Request<pb::ReplyEvaluationRequest>,
    ) -> Result<Response<pb::Evaluation>, Status> {
        none()
    }
}
