//! Approval (行政审批): cases from acceptance to decision, delivery and later check. Intake opens a case by relay; officers
//! review and decide it, two different ones; its two clocks explain their due dates; a grant goes to the licence service and
//! a decision to evaluation, both by relay.
//!
//! Invariant: nothing here changes without an entry, and every rule is a pure function in [`case::decide`].

pub mod case;
pub mod convert;
pub mod documents;
pub mod grpc;
pub mod relay;
pub mod roster;
pub mod steps;

use tonic::service::Routes;
use yiwang_documents::book::Book;
use yiwang_documents::desk::Desk;
use yiwang_kit::Env;
use yiwang_kit::watching::Watching;
use yiwang_ledger::{Ending, Ledger, Refusal};
use yiwang_proto::approval::v1::approval_service_server::ApprovalServiceServer;
use yiwang_proto::approval::v1::case_document_service_server::CaseDocumentServiceServer;
use yiwang_proto::approval::v1::roster_service_server::RosterServiceServer;
use yiwang_proto::approval::v1::task_service_server::TaskServiceServer;

use crate::case::{Case, PROVISIONAL, decide};
use crate::roster::Roster;

/// Name of the service.
pub const NAME: &str = "approval";

/// Starts the service: its timer, its answer to a newly published calendar year, its relays. Answers what it serves.
///
/// # Errors
/// A font that the configuration names is not there or is none.
pub async fn start(env: Env) -> anyhow::Result<Routes> {
    env.ledger.timer::<Case>(decide::tick);
    let ledger = env.ledger.clone();
    env.legal.on_year(env.shutdown.clone(), move |year| {
        let ledger = ledger.clone();
        async move { ledger.sweep::<Case>(PROVISIONAL, &year.to_string(), decide::recompute).await.map(drop) }
    });
    let desk = Desk::open(&env.ledger, &env.config.documents, &env.config.public_url(), "/v1/case-documents")?;
    relay::spawn(&env.ledger, &env.links, desk.clone()).await?;
    let service = grpc::Approval::new(
        env.ledger.clone(),
        env.gate.clone(),
        desk,
        Watching::start(&env.ledger, env.shutdown.clone()),
    );
    let rosters = grpc::Rosters::new(env.ledger.clone(), env.gate.clone());
    Ok(Routes::new(CaseDocumentServiceServer::new(grpc::DocumentsOf(service.clone())))
        .add_service(RosterServiceServer::new(rosters))
        .add_service(TaskServiceServer::new(grpc::Tasks(service.clone())))
        .add_service(ApprovalServiceServer::new(service)))
}

/// The streams that come to an end and may be archived after it.
pub const ENDING: [Ending; 1] = [Ending::of::<Case>()];

/// Computes anew from the entries whatever is derived of this service's aggregates; how many streams.
///
/// # Errors
/// As [`Ledger::rebuild`].
pub async fn rebuild(ledger: &Ledger) -> Result<u64, Refusal> {
    Ok(ledger.rebuild::<Case>().await? + ledger.rebuild::<Roster>().await? + ledger.rebuild::<Book>().await?)
}
