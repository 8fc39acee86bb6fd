//! Public-resource trading (公共资源交易): notices, published by trading officers, read by everybody.
//!
//! Invariant: what was published is never changed; what follows it is a notice of its own.

pub mod convert;
pub mod grpc;
pub mod notice;

use tonic::service::Routes;
use yiwang_kit::Env;
use yiwang_ledger::{Ending, Ledger, Refusal};
use yiwang_proto::trading::v1::trading_service_server::TradingServiceServer;

/// Name of the service.
pub const NAME: &str = "trading";

/// Starts the service. Answers what it serves.
///
/// # Errors
/// None today; a service that cannot start says why.
pub async fn start(env: Env) -> anyhow::Result<Routes> {
    let service = grpc::Trading::new(env.ledger.clone(), env.gate.clone());
    Ok(Routes::new(TradingServiceServer::new(service)))
}

/// The streams that come to an end and may be archived after it.
pub const ENDING: [Ending; 1] = [Ending::of::<notice::Notice>()];

/// Computes anew from the entries whatever is derived of this service's aggregates; how many streams.
///
/// # Errors
/// As [`Ledger::rebuild`].
pub async fn rebuild(ledger: &Ledger) -> Result<u64, Refusal> {
    ledger.rebuild::<notice::Notice>().await
}
