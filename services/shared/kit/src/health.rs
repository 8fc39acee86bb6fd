//! Health by service (`grpc.health.v1`) and reflection: outside the stack, so that an overloaded service is busy and not
//! dead.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::server::{HealthReporter, health_reporter};

/// What the process says of its services. Cheap to clone.
#[derive(Clone)]
pub struct Health {
    reporter: HealthReporter,
    leaving: CancellationToken,
}

impl Health {
    /// Nothing serves yet, but the process is alive: that is what the empty name says, whatever becomes of a store or of a
    /// neighbour. The routes answer `grpc.health.v1` and both versions of reflection.
    pub async fn new() -> anyhow::Result<(Self, Routes)> {
        let (reporter, service) = health_reporter();
        reporter.set_service_status("", ServingStatus::Serving).await;
        let reflection = |set: &'static [u8]| {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(set)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let routes = Routes::new(service)
            .add_service(reflection(yiwang_proto::FILE_DESCRIPTOR_SET).build_v1()?)
            .add_service(reflection(yiwang_proto::FILE_DESCRIPTOR_SET).build_v1alpha()?);
        Ok((Self { reporter, leaving: CancellationToken::new() }, routes))
    }

    /// A service serves. Its gRPC names and its short name both say so.
    pub async fn serving(&self, service: &str) {
        self.say(service, ServingStatus::Serving).await;
    }

    /// Cancelled as soon as the process is about to end: for whoever says of it whether it is ready.
    pub fn leaving(&self) -> CancellationToken {
        self.leaving.clone()
    }

    /// The process is about to end: nobody should send more.
    pub async fn stopping(&self, services: &[&str]) {
        self.leaving.cancel();
        for service in services {
            self.say(service, ServingStatus::NotServing).await;
        }
    }

    /// The process ends: says so first, answers on for as long as it takes to be heard (`leave`), and only then has its server
    /// take no more connections.
    pub async fn end(&self, services: &[&str], leave: Duration, server: &CancellationToken) {
        self.stopping(services).await;
        tokio::time::sleep(leave).await;
        server.cancel();
    }

    async fn say(&self, service: &str, status: ServingStatus) {
        self.reporter.set_service_status(service, status).await;
        for name in grpc_names(service) {
            self.reporter.set_service_status(*name, status).await;
        }
    }
}

fn grpc_names(service: &str) -> &'static [&'static str] {
    match service {
        "intake" => &[
            "yiwang.intake.v1.IntakeService",
            "yiwang.intake.v1.BarService",
            "yiwang.intake.v1.CounterService",
            "yiwang.intake.v1.DeliveryService",
            "yiwang.intake.v1.DocumentService",
            "yiwang.intake.v1.CustodyService",
            "yiwang.intake.v1.DoubleEntryService",
            "yiwang.intake.v1.FeeService",
            "yiwang.intake.v1.JointService",
            "yiwang.intake.v1.MandateService",
            "yiwang.intake.v1.NotificationService",
            "yiwang.intake.v1.PreReviewService",
            "yiwang.intake.v1.AppointmentService",
            "yiwang.intake.v1.QueueService",
            "yiwang.intake.v1.ReceptionService",
            "yiwang.intake.v1.AgentService",
            "yiwang.intake.v1.AnswerService",
            "yiwang.intake.v1.EngagementService",
            "yiwang.intake.v1.QuestionService",
            "yiwang.catalogue.v1.CatalogueService",
            "yiwang.catalogue.v1.DirectoryService",
            "yiwang.catalogue.v1.HallService",
            "yiwang.catalogue.v1.ThemeService",
            "yiwang.catalogue.v1.TransferService",
        ],
        "approval" => &[
            "yiwang.approval.v1.ApprovalService",
            "yiwang.approval.v1.CaseDocumentService",
            "yiwang.approval.v1.RosterService",
            "yiwang.approval.v1.TaskService",
        ],
        "license" => &["yiwang.license.v1.LicenseService"],
        "evaluation" => &["yiwang.evaluation.v1.EvaluationService"],
        "trading" => &["yiwang.trading.v1.TradingService"],
        "gateway" => &["yiwang.gateway.v1.AffairsService"],
        _ => &[],
    }
}
