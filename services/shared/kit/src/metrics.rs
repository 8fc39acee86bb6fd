//! What an operator asks first, in numbers: `/metrics` for Prometheus, on a listener of its own, beside health in clear.
//!
//! Invariant: labels are names of ours (services, methods, reasons), never what a caller sent: their number is bounded.

use std::collections::HashSet;
use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{StatusCode, header};
use opentelemetry::metrics::{Counter, Gauge, Histogram, Meter, UpDownCounter};
use opentelemetry::{KeyValue, global};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Encoder as _, Registry, TextEncoder};
use prost::Message as _;
use prost_types::FileDescriptorSet;
use tonic::service::Routes;
use yiwang_ledger::Ledger;

use crate::config::Config;
use crate::process::Process;
use crate::server::Server;

/// Bounds of a time that a person notices, in seconds.
const SECONDS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

static REGISTRY: OnceLock<Registry> = OnceLock::new();

/// Starts counting in this process, before anything is opened that counts. A second call changes nothing.
///
/// # Errors
/// Where the exporter refuses its registry.
pub fn init() -> anyhow::Result<()> {
    if REGISTRY.get().is_some() {
        return Ok(());
    }
    let registry = Registry::new();
    let exporter = opentelemetry_prometheus::exporter()
        .with_registry(registry.clone())
        .without_units()
        .without_target_info()
        .scope_info_enabled(false)
        .build()?;
    if REGISTRY.set(registry).is_ok() {
        global::set_meter_provider(SdkMeterProvider::builder().with_reader(exporter).build());
    }
    Ok(())
}

fn meter() -> Meter {
    global::meter("yiwang")
}

/// What the stack counts of one service's calls.
#[derive(Clone)]
pub struct Calls {
    service: &'static str,
    done: Counter<u64>,
    seconds: Histogram<f64>,
    in_flight: UpDownCounter<i64>,
}

impl Calls {
    /// Of a service.
    pub fn of(service: &'static str) -> Self {
        let meter = meter();
        let calls = Self {
            service,
            done: meter.u64_counter("yiwang_calls").with_description("Calls answered").build(),
            seconds: meter
                .f64_histogram("yiwang_call_seconds")
                .with_description("Time of a call in its service")
                .with_boundaries(SECONDS.to_vec())
                .build(),
            in_flight: meter.i64_up_down_counter("yiwang_calls_in_flight").with_description("Calls at work").build(),
        };
        // there from the start: that it is there says that the service is
        calls.in_flight.add(0, &[KeyValue::new("service", service)]);
        calls
    }

    /// A call came in; it counts as at work until what is answered here is dropped.
    pub fn begin(&self) -> AtWork {
        self.in_flight.add(1, &[KeyValue::new("service", self.service)]);
        AtWork { in_flight: self.in_flight.clone(), service: self.service }
    }

    /// A call was answered.
    pub fn answered(&self, method: &str, code: &'static str, seconds: f64) {
        let (service, method) = (KeyValue::new("service", self.service), KeyValue::new("method", known(method)));
        self.done.add(1, &[service.clone(), method.clone(), KeyValue::new("code", code)]);
        self.seconds.record(seconds, &[service, method]);
    }
}

/// See [`Calls::begin`].
pub struct AtWork {
    in_flight: UpDownCounter<i64>,
    service: &'static str,
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.in_flight.add(-1, &[KeyValue::new("service", self.service)]);
    }
}

/// The method's name, where it is one of the contracts' or of HTTP.
fn known(method: &str) -> &'static str {
    static METHODS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
        let set = FileDescriptorSet::decode(yiwang_proto::FILE_DESCRIPTOR_SET).unwrap_or_default();
        let services = set.file.into_iter().flat_map(|file| file.service);
        services.flat_map(|service| service.method).map(|method| &*String::leak(method.name().to_owned())).collect()
    });
    match method {
        "GET" => "GET",
        "POST" => "POST",
        "PATCH" => "PATCH",
        rpc => METHODS.get(rpc).copied().unwrap_or("other"),
    }
}

/// What answered from a cache, and what did not.
#[derive(Clone)]
pub struct CacheUse(Counter<u64>);

impl Default for CacheUse {
    fn default() -> Self {
        Self(meter().u64_counter("yiwang_cache").with_description("Look-ups in caches").build())
    }
}

impl CacheUse {
    /// One look-up.
    pub fn count(&self, service: &'static str, cache: &'static str, hit: bool) {
        let result = if hit { "hit" } else { "miss" };
        self.0.add(
            1,
            &[("service", service), ("cache", cache), ("result", result)].map(|(key, value)| KeyValue::new(key, value)),
        );
    }
}

/// What is read off the ledgers when somebody asks.
struct Vitals {
    queue: Gauge<u64>,
    position: Gauge<u64>,
    lag_entries: Gauge<u64>,
    lag_seconds: Gauge<f64>,
    parked: Gauge<u64>,
    halted: Gauge<u64>,
    due: Gauge<u64>,
    pool: Gauge<u64>,
}

static VITALS: LazyLock<Vitals> = LazyLock::new(|| {
    let gauge = |name: &'static str, what: &'static str| meter().u64_gauge(name).with_description(what).build();
    Vitals {
        queue: gauge("yiwang_writer_queue", "Commands that wait for the writer"),
        position: gauge("yiwang_feed_position", "Position of the last entry"),
        lag_entries: gauge("yiwang_relay_lag_entries", "Entries that a relay has not come to yet"),
        lag_seconds: meter()
            .f64_gauge("yiwang_relay_lag_seconds")
            .with_description("Age of the first entry that a relay has not come to yet, on the legal clock")
            .build(),
        parked: gauge(
            "yiwang_relay_parked",
            "Streams that a relay could not deliver and will try again or leave to a person",
        ),
        halted: gauge("yiwang_relay_halted", "1 where a relay has halted: its feed has a gap or was rewound"),
        due: gauge("yiwang_due_records", "Records that fall due within a day, and overdue ones"),
        pool: gauge("yiwang_pool_connections", "Connections to the store"),
    }
});

impl Vitals {
    async fn read(&self, ledger: &Ledger) -> Result<(), yiwang_ledger::Refusal> {
        let vitals = ledger.vitals().await?;
        let service = KeyValue::new("service", ledger.service());
        let of = |key: &'static str, value: String| [service.clone(), KeyValue::new(key, value)];
        self.queue.record(vitals.queue, std::slice::from_ref(&service));
        self.position.record(vitals.position, std::slice::from_ref(&service));
        for relay in vitals.relays {
            let labels = of("relay", relay.name);
            self.lag_entries.record(relay.lag_entries, &labels);
            self.lag_seconds.record(relay.lag_seconds, &labels);
            self.parked.record(relay.parked, &labels);
            self.halted.record(u64::from(relay.halted), &labels);
        }
        for due in vitals.due {
            for (state, number) in [("due_within_a_day", due.within_a_day), ("overdue", due.overdue)] {
                let kind = KeyValue::new("aggregate", due.kind.clone());
                self.due.record(number, &[service.clone(), kind, KeyValue::new("state", state)]);
            }
        }
        for (state, number) in [("used", vitals.pool_used), ("idle", vitals.pool_idle)] {
            self.pool.record(number, &of("state", state.to_owned()));
        }
        Ok(())
    }
}

/// The listener at which an operator's programs look, apart from everybody else's and in clear.
pub struct Watch(Option<Server>);

impl Watch {
    /// Binds where the configuration says, if it says so.
    ///
    /// # Errors
    /// Where it cannot.
    pub async fn bind(config: &Config) -> anyhow::Result<Self> {
        Ok(Self(match &config.telemetry.metrics_listen {
            Some(address) => Some(Server::bind(address).await?),
            None => None,
        }))
    }

    /// Answers `GET /metrics` and the probes until the process has stopped.
    pub fn serve(self, process: &Process, probes: Routes) {
        let Some(server) = self.0 else { return };
        let router = Router::new().route("/metrics", get(metrics)).with_state(process.clone());
        let app = router.merge(probes.into_axum_router());
        tokio::spawn(server.serve(app, process.shutdown.clone(), Duration::ZERO));
    }
}

async fn metrics(State(process): State<Process>) -> Response {
    for ledger in process.ledgers() {
        // a store that is away shows in what is counted; the rest is told all the same
        if let Err(refusal) = VITALS.read(&ledger).await {
            tracing::debug!(service = ledger.service(), reason = refusal.reason, "no vitals");
        }
    }
    match text() {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            tracing::error!(cause = format!("{error:#}"), "the metrics cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// All that was counted, as Prometheus reads it.
///
/// # Errors
/// Where nothing counts in this process.
pub fn text() -> anyhow::Result<Vec<u8>> {
    let registry = REGISTRY.get().context("metrics::init was not called")?;
    let mut bytes = Vec::new();
    TextEncoder::new().encode(&registry.gather(), &mut bytes)?;
    Ok(bytes)
}
