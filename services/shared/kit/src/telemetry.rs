//! Logs to stderr, and the trace id that joins them: one from the HTTP request through every gRPC hop and every relay.
//!
//! Invariant: a log line never carries a token or personal data; requests are named by service, method and trace id.

use http::{HeaderMap, HeaderValue};
use tracing_subscriber::{EnvFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::config::{LogFormat, TelemetryConfig};
use crate::entropy;
use crate::lines::Lines;

/// Name of the W3C header that carries the trace.
pub const TRACEPARENT: &str = "traceparent";

/// Starts logging and counting for this process, and telling a collector where there is one. A second call changes nothing.
/// Lines are written by a thread of their own, so that no request waits for stderr.
pub fn init(config: &TelemetryConfig) -> anyhow::Result<Lines> {
    crate::metrics::init()?;
    if let Some(endpoint) = &config.otlp_endpoint {
        crate::spans::init(endpoint, config.trace_share)?;
    }
    let filter = EnvFilter::try_new(&config.level)?;
    let written = Lines::new();
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(written.clone()).with_target(false);
    let started = match config.format {
        LogFormat::Text => registry.with(lines.with_ansi(false)).try_init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true).with_span_list(false)).try_init(),
    };
    if started.is_ok() {
        written.write_to_stderr()?;
    }
    Ok(written)
}

/// Where a call stands in its trace (W3C Trace Context).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Trace id, 32 hex digits: the same on every hop.
    pub id: String,
    /// This hop, 16 hex digits.
    pub span: String,
}

impl Trace {
    /// A new trace: for a request that came without one.
    pub fn fresh() -> Self {
        Self { id: entropy::hex(&entropy::random::<16>()), span: new_span() }
    }

    /// The next hop of the trace that the headers carry; `None` where they carry none that is well-formed.
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        Self::continued(&Self::parent_in(headers)?.id)
    }

    /// The hop from which a request with these headers came; `None` where they name none that is well-formed.
    pub fn parent_in(headers: &HeaderMap) -> Option<Self> {
        let mut parts = headers.get(TRACEPARENT)?.to_str().ok()?.trim().split('-');
        let (version, id, parent) = (parts.next()?, parts.next()?, parts.next()?);
        let fine = is_hex(version, 2) && version != "ff" && is_hex(parent, 16) && is_trace(id);
        fine.then(|| Self { id: id.to_owned(), span: parent.to_owned() })
    }

    /// The next hop of a trace known by its id alone, as entries keep it; `None` for a malformed one.
    pub fn continued(id: &str) -> Option<Self> {
        is_trace(id).then(|| Self { id: id.to_owned(), span: new_span() })
    }

    /// The trace of an entry, or a new one where the entry has none.
    pub fn of(id: &str) -> Self {
        Self::continued(id).unwrap_or_else(Self::fresh)
    }

    /// The header for the next hop.
    pub fn header(&self) -> HeaderValue {
        HeaderValue::from_str(&format!("00-{}-{}-01", self.id, self.span))
            .unwrap_or_else(|_| HeaderValue::from_static("00-00000000000000000000000000000001-0000000000000001-00"))
    }
}

fn new_span() -> String {
    entropy::hex(&entropy::random::<8>())
}

fn is_trace(id: &str) -> bool {
    is_hex(id, 32) && id.bytes().any(|b| b != b'0')
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static(TRACEPARENT), HeaderValue::from_static(value))])
    }

    #[test]
    fn a_trace_crosses_with_its_id_and_a_span_of_its_own() {
        let here = Trace::from_headers(&headers("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")).unwrap();
        assert_eq!(here.id, "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_ne!(here.span, "00f067aa0ba902b7");
    }

    #[test]
    fn a_malformed_trace_is_none() {
        for bad in ["", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "00-4BF92F35-00f067aa0ba902b7-01"] {
            assert_eq!(Trace::from_headers(&headers(bad)), None, "{bad}");
        }
    }
}
