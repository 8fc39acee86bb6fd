//! `/v1/dev/clock`: legal time, read and moved on. Only where the clock can be moved, which is never in production.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Json, Router,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tonic::Code;
use yiwang_kit::{clock::LegalClock, ledger::Timestamp, status, telemetry::Trace};

use crate::problem::Refused;

/// How far to go: by an amount, or to a moment.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Advance {
    days: u64,
    hours: u64,
    minutes: u64,
    seconds: u64,
    #[serde(alias = "toTime")]
    to_time: Option<pbjson_types::Timestamp>,
}

/// The two routes.
pub fn router(clock: Arc<LegalClock>) -> Router {
    Router::new().route("/v1/dev/clock", get(read)).route("/v1/dev/clock:advance", post(advance)).with_state(clock)
}

async fn read(State(clock): State<Arc<LegalClock>>) -> Json<Value> {
    Json(shown(&clock))
}

async fn advance(
    State(clock): State<Arc<LegalClock>>,
    Extension(trace): Extension<Trace>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let moved = body.map_err(|_| Refused::cut_off()).and_then(|body| moved(&clock, &body));
    match moved {
        Ok(()) => Json(shown(&clock)).into_response(),
        Err(refused) => refused.response(&trace.id),
    }
}

fn moved(clock: &LegalClock, body: &[u8]) -> Result<(), Refused> {
    let ask: Advance = serde_json::from_slice(body).map_err(|error| {
        Refused::new(Code::InvalidArgument, "REQUEST_MALFORMED", format!("请求内容有误：{error}"), error.to_string())
    })?;
    let result = match ask.to_time {
        Some(to) => clock.set_to(timestamp(&to)),
        None => clock.advance(ask.amount()?),
    };
    result.map(|_| ()).map_err(|refusal| Refused::by(&status::status(refusal)))
}

impl Advance {
    fn amount(&self) -> Result<Duration, Refused> {
        let parts = [(self.days, 86_400), (self.hours, 3_600), (self.minutes, 60), (self.seconds, 1)];
        let seconds = parts.iter().try_fold(0_u64, |sum, (count, unit)| count.checked_mul(*unit)?.checked_add(sum));
        seconds.map(Duration::from_secs).ok_or_else(|| {
            Refused::new(Code::InvalidArgument, "CLOCK_TOO_FAR", "拨动幅度过大", "that is further than the clock goes")
        })
    }
}

fn timestamp(time: &pbjson_types::Timestamp) -> Timestamp {
    Timestamp(time.seconds.saturating_mul(1_000_000).saturating_add(i64::from(time.nanos / 1_000)))
}

fn shown(clock: &LegalClock) -> Value {
    let now = clock.time().0;
    let nanos = i32::try_from(now.rem_euclid(1_000_000) * 1_000).unwrap_or_default();
    let time = pbjson_types::Timestamp { seconds: now.div_euclid(1_000_000), nanos };
    json!({"legalTime": time})
}
