//! Electronic licences (电子证照): issued on approval's grant, signed with SM2 over canonical bytes, verified by anybody,
//! ended for a cause of the law.
//!
//! Invariant: only the bytes that were signed are ever verified, and every verification has the status of today.

pub mod convert;
pub mod grpc;
pub mod key;
pub mod license;
pub mod register;
pub mod seal;
pub mod verify;

use tonic::service::Routes;
use yiwang_kit::Env;
use yiwang_ledger::{Ledger, Refusal};
use yiwang_proto::license::v1::license_service_server::LicenseServiceServer;

use crate::license::{License, decide};
use crate::seal::Seal;

/// Name of the service.
pub const NAME: &str = "license";

/// Starts the service: opens its seal, writes down the key, starts the timer that marks what expired. Answers what it serves.
///
/// # Errors
/// A seal that cannot be opened; a store that is away.
pub async fn start(env: Env) -> anyhow::Result<Routes> {
    let seal = Seal::open(&env.config, &env.data_dir)?;
    let service = grpc::Licenses::new(env.ledger.clone(), env.gate.clone(), seal);
    service.introduce_key().await?;
    env.ledger.timer::<License>(decide::tick);
    Ok(Routes::new(LicenseServiceServer::new(service)))
}

/// Computes anew from the entries whatever is derived of this service's aggregates; how many streams.
///
/// # Errors
/// As [`Ledger::rebuild`].
pub async fn rebuild(ledger: &Ledger) -> Result<u64, Refusal> {
    Ok(ledger.rebuild::<License>().await?
        + ledger.rebuild::<key::Key>().await?
        + ledger.rebuild::<register::Register>().await?)
}
