//! What the ledger counts, through OpenTelemetry's instruments: nothing where the process counts nothing.

use std::time::Duration;

use opentelemetry::metrics::{Counter, Histogram};
use opentelemetry::{KeyValue, global};

use crate::aggregate::Committed;
use crate::refusal::{Kind, Refusal};

/// Bounds of a commit's and a wait's time, in seconds.
const SECONDS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];
/// Bounds of a batch's size.
const COMMANDS: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// The instruments of one ledger.
pub(crate) struct Meters {
    service: KeyValue,
    commands: Counter<u64>,
    refusals: Counter<u64>,
    batch: Histogram<u64>,
    commit: Histogram<f64>,
    wait: Histogram<f64>,
}

impl Meters {
    pub fn of(service: &'static str) -> Self {
        let meter = global::meter("yiwang");
        let seconds = |name: &'static str, what: &'static str| {
            meter.f64_histogram(name).with_description(what).with_boundaries(SECONDS.to_vec()).build()
        };
        Self {
            service: KeyValue::new("service", service),
            commands: meter.u64_counter("yiwang_commands").with_description("Commands answered").build(),
            refusals: meter.u64_counter("yiwang_refusals").with_description("Commands refused, by reason").build(),
            batch: meter
                .u64_histogram("yiwang_batch_commands")
                .with_description("Commands of one transaction")
                .with_boundaries(COMMANDS.to_vec())
                .build(),
            commit: seconds("yiwang_commit_seconds", "Time of one transaction"),
            wait: seconds("yiwang_command_wait_seconds", "Time from a decision to the transaction that writes it"),
        }
    }

    /// A command was answered.
    pub fn answered<A>(&self, aggregate: &'static str, answer: &Result<Committed<A>, Refusal>) {
        let outcome = match answer {
            Ok(committed) if committed.replayed => "replayed",
            Ok(_) => "ok",
            Err(refusal) if matches!(refusal.kind, Kind::Internal | Kind::Unavailable | Kind::DeadlineExceeded) => {
                "failed"
            }
            Err(_) => "refused",
        };
        let aggregate = KeyValue::new("aggregate", aggregate);
        self.commands.add(1, &[self.service.clone(), aggregate, KeyValue::new("outcome", outcome)]);
        if let Err(refusal) = answer {
            self.refusals.add(1, &[self.service.clone(), KeyValue::new("reason", refusal.reason)]);
        }
    }

    /// A transaction of so many commands took so long.
    pub fn committed(&self, commands: usize, took: Duration) {
        let service = std::slice::from_ref(&self.service);
        self.batch.record(commands as u64, service);
        self.commit.record(took.as_secs_f64(), service);
    }

    /// A command waited so long for its transaction.
    pub fn waited(&self, time: Duration) {
        self.wait.record(time.as_secs_f64(), std::slice::from_ref(&self.service));
    }
}
