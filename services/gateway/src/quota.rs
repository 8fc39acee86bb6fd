//! How often one caller may ask: counted over all replicas, so that nobody starves the others.

use std::time::Duration;

use http::{HeaderMap, header};
use tonic::Code;
use yiwang_kit::shared::Shared;
use yiwang_standards::sm;

use crate::problem::Refused;

const MINUTE: Duration = Duration::from_secs(60);

/// Counts the request under its token, of which only a hash is kept; those without one share what is public, from the cache.
///
/// # Errors
/// `QUOTA_EXCEEDED`.
pub async fn admit(shared: &Shared, headers: &HeaderMap, per_minute: u64) -> Result<(), Refused> {
    let Some(token) = headers.get(header::AUTHORIZATION) else { return Ok(()) };
    let caller = sm::to_hex(&sm::sm3(token.as_bytes())[..16]);
    if shared.count(&caller, MINUTE).await <= per_minute {
        return Ok(());
    }
    let zh = format!("每分钟最多 {per_minute} 次请求，请稍后再试");
    let en = format!("at most {per_minute} requests a minute: try again shortly");
    Err(Refused::new(Code::ResourceExhausted, "QUOTA_EXCEEDED", zh, en).after(MINUTE))
}
