//! What a frontend served since it started: requests, errors, units, time. Counted with atomics
//! and read by OpenTelemetry when somebody asks for metrics.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use opentelemetry::{KeyValue, global};

use super::Charge;
use crate::error::RequestError;

/// Sums since the start of the process.
#[derive(Debug, Default)]
pub struct Totals {
    requests: AtomicU64,
    errors: AtomicU64,
    read_halves: AtomicU64,
    write_halves: AtomicU64,
    busy_micros: AtomicU64,
}

impl Totals {
    /// New sums, observed by the process's meter.
    #[must_use]
    pub fn observed() -> Arc<Self> {
        let totals = Arc::new(Self::default());
        let meter = global::meter("cellar_frontend");
        let count = |name: &'static str, what: &'static str, read: fn(&Self) -> u64| {
            let totals = Arc::clone(&totals);
            meter
                .u64_observable_counter(name)
                .with_description(what)
                .with_callback(move |observer| observer.observe(read(&totals), &[]))
                .build();
        };
        count("cellar_requests", "Requests answered, errors too.", |t| t.requests());
        count("cellar_request_errors", "Requests answered with an error.", |t| t.errors());
        count("cellar_request_micros", "Time that requests took, in microseconds.", |t| {
            t.busy_micros.load(Ordering::Relaxed)
        });
        let units = Arc::clone(&totals);
        meter
            .f64_observable_counter("cellar_request_units")
            .with_description("Request units consumed.")
            .with_callback(move |observer| {
                let charge = units.units();
                observer.observe(charge.0, &[KeyValue::new("kind", "read")]);
                observer.observe(charge.1, &[KeyValue::new("kind", "write")]);
            })
            .build();
        totals
    }

    /// Counts one request.
    pub(crate) fn add(&self, charge: Result<&Charge, &RequestError>, took: Duration) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.busy_micros.fetch_add(micros, Ordering::Relaxed);
        match charge {
            Ok(charge) => {
                self.read_halves.fetch_add(charge.read.halves(), Ordering::Relaxed);
                self.write_halves.fetch_add(charge.write.halves(), Ordering::Relaxed);
            }
            Err(_) => {
                self.errors.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Requests answered, errors too.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Requests answered with an error.
    #[must_use]
    pub fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }

    /// Read and write request units.
    #[must_use]
    pub fn units(&self) -> (f64, f64) {
        (
            halves(self.read_halves.load(Ordering::Relaxed)),
            halves(self.write_halves.load(Ordering::Relaxed)),
        )
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 halves")]
fn halves(count: u64) -> f64 {
    count as f64 / 2.0
}
