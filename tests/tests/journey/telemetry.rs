//! What an operator sees: spans at a collector, numbers at `/metrics`.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::ensure;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};
use yiwang_tests::process::free_address;
use yiwang_tests::town::Town;

use crate::main_job::{NAME, NUMBER, accept, grant, hand_in, has_a_right, text};

/// A collector that keeps what it is told.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Span>>>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let scopes = request.into_inner().resource_spans.into_iter().flat_map(|one| one.scope_spans);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(scopes.flat_map(|scope| scope.spans));
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    /// The hops of a trace: kind (server or client) and service.
    fn hops(&self, trace: &str) -> BTreeSet<(bool, String)> {
        let spans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let hex = |id: &[u8]| id.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        spans.iter().filter(|span| hex(&span.trace_id) == trace).map(|span| (span.kind == 2, service(span))).collect()
    }
}

fn service(span: &Span) -> String {
    let named = span.attributes.iter().find(|one| one.key == "yiwang.service");
    match named.and_then(|one| one.value.as_ref()?.value.as_ref()) {
        Some(Value::StringValue(name)) => name.clone(),
        _ => String::new(),
    }
}

pub async fn a_collector_sees_one_trace_over_http_two_hops_and_a_relay() -> anyhow::Result<()> {
    let (collector, listener) = (Collector::default(), TcpListener::bind("127.0.0.1:0").await?);
    let endpoint = format!("http://{}", listener.local_addr()?);
    let server = tonic::transport::Server::builder().add_service(TraceServiceServer::new(collector.clone()));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    let town = Town::together_with(&[("TELEMETRY__OTLP_ENDPOINT", endpoint)]).await?;
    let application = hand_in(&town).await?;
    let path = format!("/v1/applications/{application}:accept");
    let accepted = town.sign_in("clerk")?.post(&path, &json!({"requestId": "traced"})).await?;
    let wanted: BTreeSet<(bool, String)> =
        [(true, "gateway"), (false, "intake"), (true, "intake"), (false, "approval"), (true, "approval")]
            .map(|(server, service)| (server, service.to_owned()))
            .into();
    let deadline = Instant::now() + Duration::from_secs(30);
    while !collector.hops(&accepted.trace_id).is_superset(&wanted) {
        ensure!(Instant::now() < deadline, "{:?} of {accepted:?}", collector.hops(&accepted.trace_id));
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// Commands, batches, waits, queues, feeds, relays, refusals, due cases, calls, caches: each is counted, and nobody is named.
pub async fn what_an_operator_asks_first_has_a_metric() -> anyhow::Result<()> {
    let listen = free_address()?;
    let town = Town::together_with(&[("TELEMETRY__METRICS_LISTEN", listen.to_string())]).await?;
    let case = accept(&town, &hand_in(&town).await?).await?;
    grant(&town, &case).await?;
    has_a_right(&town).await?;
    town.post("citizen", &format!("/v1/cases/{case}:review"), json!({})).await.unwrap_err();
    town.api().get("/v1/items?query=x").await?;
    let metrics = reqwest::get(format!("http://{listen}/metrics")).await?.text().await?;
    for (name, labels) in [
        ("yiwang_commands_total", "aggregate=\"application\""),
        ("yiwang_calls_total", "method=\"AcceptApplication\""),
        ("yiwang_calls_in_flight", "service=\"gateway\""),
        ("yiwang_call_seconds_bucket", "service=\"approval\""),
        ("yiwang_batch_commands_count", "service=\"intake\""),
        ("yiwang_commit_seconds_sum", "service=\"license\""),
        ("yiwang_command_wait_seconds_sum", "service=\"intake\""),
        ("yiwang_writer_queue", "service=\"evaluation\""),
        ("yiwang_feed_position", "service=\"trading\""),
        ("yiwang_relay_lag_entries", "relay=\"approval\""),
        ("yiwang_relay_lag_seconds", "relay=\"license\""),
        ("yiwang_relay_parked", "relay=\"erasure\""),
        ("yiwang_relay_halted", "relay=\"numbering\""),
        ("yiwang_cache_total", "cache=\"answers\""),
        ("yiwang_pool_connections", "state=\"used\""),
    ] {
        assert!(
            metrics.lines().any(|line| line.starts_with(name) && line.contains(labels)),
            "{name} {labels}:\n{metrics}"
        );
    }
    for secret in [NAME, NUMBER, text(&json!({"case": case}), "case")] {
        assert!(!metrics.contains(secret), "{secret}");
    }
    Ok(())
}
