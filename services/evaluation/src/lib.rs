//! Evaluation (好差评): every service rendered gives one right to judge it, used once, in five grades. The last two open
//! the organ's duty to verify and answer, within a day that explains itself.
//!
//! Invariant: nobody is made to judge, no grade is invented, and who judged is hidden from who was judged.

pub mod convert;
pub mod evaluation;
pub mod grpc;

use tonic::service::Routes;
use yiwang_kit::Env;
use yiwang_ledger::{Ending, Ledger, Refusal};
use yiwang_proto::evaluation::v1::evaluation_service_server::EvaluationServiceServer;

use crate::evaluation::{Evaluation, PROVISIONAL, decide};

/// Name of the service.
pub const NAME: &str = "evaluation";

/// Starts the service: its timer and its answer to a newly published calendar year. Answers what it serves.
///
/// # Errors
/// None today; a service that cannot start says why.
pub async fn start(env: Env) -> anyhow::Result<Routes> {
    env.ledger.timer::<Evaluation>(decide::tick);
    let ledger = env.ledger.clone();
    env.legal.on_year(env.shutdown.clone(), move |year| {
        let ledger = ledger.clone();
        async move { ledger.sweep::<Evaluation>(PROVISIONAL, &year.to_string(), decide::recompute).await.map(drop) }
    });
    let service = grpc::Evaluations::new(env.ledger.clone(), env.gate.clone());
    Ok(Routes::new(EvaluationServiceServer::new(service)))
}

/// What is kept of a request id: nobody who sees the ledgers, this one's and the case's, is led by it from an evaluation to its
/// case. A request sent again is still the same one.
pub fn kept_as(ledger: &Ledger, request_id: &str) -> String {
    ledger.vault().lookup("evaluation.request", request_id).to_string()
}

/// The streams that come to an end and may be archived after it.
pub const ENDING: [Ending; 1] = [Ending::of::<Evaluation>()];

/// Computes anew from the entries whatever is derived of this service's aggregates; how many streams.
///
/// # Errors
/// As [`Ledger::rebuild`].
pub async fn rebuild(ledger: &Ledger) -> Result<u64, Refusal> {
    ledger.rebuild::<Evaluation>().await
}
