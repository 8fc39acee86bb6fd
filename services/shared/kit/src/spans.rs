//! Spans of the one trace, told to an OTLP collector where one is configured; without one they cost nothing.
//!
//! Invariant: a span carries names and codes, never what a message says.

use std::sync::OnceLock;

use anyhow::Context as _;
use http::HeaderMap;
use opentelemetry::global::{self, BoxedSpan};
pub use opentelemetry::trace::SpanKind;
use opentelemetry::trace::{
    Span as _, SpanContext, SpanId, Status, TraceContextExt as _, TraceFlags, TraceId, TraceState, Tracer as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};

use crate::telemetry::Trace;

static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// Starts telling a collector (OTLP over gRPC, `http://collector:4317`). A second call changes nothing.
///
/// # Errors
/// Where the address is none.
pub fn init(endpoint: &str, share: f64) -> anyhow::Result<()> {
    let exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint).build();
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter.with_context(|| format!("telemetry.otlp_endpoint {endpoint}"))?)
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(share))))
        .with_resource(Resource::builder().with_service_name("yiwang").build())
        .build();
    if PROVIDER.set(provider.clone()).is_ok() {
        global::set_tracer_provider(provider);
    }
    Ok(())
}

/// Sends what has not been sent. Blocks for as long as the collector takes, a few seconds at most.
pub fn flush() {
    if let Some(provider) = PROVIDER.get() {
        let _ = provider.shutdown();
    }
}

/// One hop, from its beginning to its drop.
pub struct Span(Option<BoxedSpan>);

impl Span {
    /// Whether a collector is told of hops.
    pub fn is_told() -> bool {
        PROVIDER.get().is_some()
    }

    /// A hop of which nobody is told.
    pub fn none() -> Self {
        Self(None)
    }

    /// The hop on which a request with these headers arrives, and its place in the trace: that of the headers, or a new one.
    pub fn arriving(headers: &HeaderMap, kind: SpanKind, name: &str, service: &'static str) -> (Self, Trace) {
        match PROVIDER.get() {
            None => (Self(None), Trace::from_headers(headers).unwrap_or_else(Trace::fresh)),
            Some(_) => {
                let parent = Trace::parent_in(headers);
                let parent = parent.as_ref().map(|parent| (parent.id.as_str(), parent.span.as_str()));
                begin(parent, kind, name, service)
            }
        }
    }

    /// The hop that leads from a place in the trace to another service, and its own place.
    pub fn leaving(from: &Trace, name: &str, service: &'static str) -> (Self, Trace) {
        match PROVIDER.get() {
            None => (Self(None), from.clone()),
            Some(_) => begin(Some((from.id.as_str(), from.span.as_str())), SpanKind::Client, name, service),
        }
    }

    /// How the hop ended.
    pub fn end(mut self, code: &'static str) {
        if let Some(span) = &mut self.0 {
            span.set_attribute(KeyValue::new("rpc.grpc.status", code));
            if code != "OK" {
                span.set_status(Status::error(code));
            }
            span.end();
        }
    }
}

fn begin(parent: Option<(&str, &str)>, kind: SpanKind, name: &str, service: &'static str) -> (Span, Trace) {
    let parent = parent.and_then(|(trace, span)| {
        let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
        Some(SpanContext::new(trace, span, TraceFlags::SAMPLED, true, TraceState::NONE))
    });
    let context = parent.map_or_else(Context::new, |parent| Context::new().with_remote_span_context(parent));
    let tracer = global::tracer("yiwang");
    let builder = tracer
        .span_builder(name.to_owned())
        .with_kind(kind)
        .with_attributes([KeyValue::new("rpc.system", "grpc"), KeyValue::new("yiwang.service", service)]);
    let span = tracer.build_with_context(builder, &context);
    let own = span.span_context();
    let trace = Trace { id: own.trace_id().to_string(), span: own.span_id().to_string() };
    (Span(Some(span)), trace)
}
