//! What a run measured.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::Plan;

/// Latencies are kept to three digits.
const DIGITS: u8 = 3;

/// What one worker measured.
pub(super) struct Recorder {
    micros: Histogram<u64>,
    errors: u64,
    first_error: Option<String>,
}

/// What all measured; printed as one JSON line.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Requests answered without an error.
    pub requests: u64,
    /// Requests that failed.
    pub errors: u64,
    /// One of the errors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_error: Option<String>,
    /// Answered requests a second.
    pub per_second: f64,
    /// Requests in flight, at most.
    pub in_flight: usize,
    /// Requests a second that were due; none for a closed loop.
    pub rate: Option<f64>,
    /// Median latency.
    pub p50_ms: f64,
    /// 99 % were not slower.
    pub p99_ms: f64,
    /// 99.9 % were not slower.
    pub p999_ms: f64,
    /// The slowest.
    pub max_ms: f64,
}

/// Ten minutes; what takes longer counts as this.
const LONGEST_MICROS: u64 = 600_000_000;

impl Recorder {
    pub(super) fn new() -> anyhow::Result<Self> {
        Ok(Self {
            micros: Histogram::new_with_bounds(1, LONGEST_MICROS, DIGITS)?,
            errors: 0,
            first_error: None,
        })
    }

    pub(super) fn record(&mut self, latency: Duration, outcome: Result<(), String>) {
        match outcome {
            Ok(()) => {
                let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
                self.micros.saturating_record(micros.max(1));
            }
            Err(error) => {
                self.errors = self.errors.saturating_add(1);
                self.first_error.get_or_insert(error);
            }
        }
    }

    pub(super) fn merge(&mut self, other: Self) -> anyhow::Result<()> {
        self.micros.add(&other.micros)?;
        self.errors = self.errors.saturating_add(other.errors);
        self.first_error = self.first_error.take().or(other.first_error);
        Ok(())
    }

    pub(super) fn report(self, plan: Plan) -> Report {
        let quantile = |q: f64| ms(self.micros.value_at_quantile(q));
        let requests = self.micros.len();
        Report {
            requests,
            errors: self.errors,
            first_error: self.first_error.clone(),
            per_second: float(requests) / plan.duration.as_secs_f64(),
            in_flight: plan.in_flight,
            rate: plan.rate,
            p50_ms: quantile(0.5),
            p99_ms: quantile(0.99),
            p999_ms: quantile(0.999),
            max_ms: ms(self.micros.max()),
        }
    }
}

fn ms(micros: u64) -> f64 {
    float(micros) / 1000.0
}

fn float(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
