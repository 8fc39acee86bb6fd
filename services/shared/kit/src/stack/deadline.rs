//! The deadline of a call: what `grpc-timeout` says, at most the longest allowed, or the configured one.

use std::time::Duration;

use http::{HeaderMap, Request};
use tokio::time::Instant;
use tonic::body::Body;
use yiwang_ledger::{Kind, Refusal};

use super::{Front, refused};

/// Nobody waits after this moment.
#[derive(Clone, Copy)]
pub(super) struct Deadline(pub Instant);

pub(super) fn layer(next: Front, usual: Duration, longest: Duration) -> Front {
    Front::new(move |mut request: Request<Body>| {
        let next = next.clone();
        async move {
            let allowed = asked(request.headers()).unwrap_or(usual).min(longest);
            let deadline = Instant::now() + allowed;
            request.extensions_mut().insert(Deadline(deadline));
            match tokio::time::timeout_at(deadline, next.answer(request)).await {
                Ok(response) => response,
                Err(_) => refused(passed()),
            }
        }
    })
}

/// The outcome is unknown: the command may still be carried out.
pub(crate) fn passed() -> Refusal {
    Refusal::new(
        Kind::DeadlineExceeded,
        "DEADLINE_EXCEEDED",
        "处理超时，结果未知，请用同一请求编号重试",
        "the deadline passed and the outcome is unknown: send the same request_id again",
    )
}

/// `grpc-timeout`: at most eight digits and a unit.
fn asked(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let amount: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(amount * 3600)),
        "M" => Some(Duration::from_secs(amount * 60)),
        "S" => Some(Duration::from_secs(amount)),
        "m" => Some(Duration::from_millis(amount)),
        "u" => Some(Duration::from_micros(amount)),
        "n" => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_units_of_grpc_timeout_are_understood_and_nonsense_is_not() {
        let of = |text: &'static str| {
            asked(&HeaderMap::from_iter([("grpc-timeout".parse().unwrap(), text.parse().unwrap())]))
        };
        assert_eq!(of("250m"), Some(Duration::from_millis(250)));
        assert_eq!(of("99999999H"), Some(Duration::from_secs(99_999_999 * 3600)));
        for bad in ["", "m", "1", "-1m", "123456789S", "1x", "1 S"] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }
}
