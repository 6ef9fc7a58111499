//! Load as many clients make it. A closed loop keeps so many requests in flight; an open loop
//! begins them by a schedule and counts each latency from when it was due, so that a stall of the
//! service is counted in full (no coordinated omission).

mod report;
mod target;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{task::JoinSet, time::Instant};

pub use report::Report;
pub use target::{CqlTarget, Scenario, Target};

use report::Recorder;

/// How to make load.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Requests in flight, at most.
    pub in_flight: usize,
    /// Requests a second; none for a closed loop.
    pub rate: Option<f64>,
    /// How long requests are begun and counted.
    pub duration: Duration,
    /// How long before that they are begun and not counted.
    pub warmup: Duration,
}

/// Makes load and measures it.
///
/// # Errors
/// Histograms that cannot be joined.
pub async fn run(target: Arc<dyn Target>, plan: Plan) -> anyhow::Result<Report> {
    let start = Instant::now();
    let counted_from = start + plan.warmup;
    let end = counted_from + plan.duration;
    let next = Arc::new(AtomicU64::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..plan.in_flight.max(1) {
        let (target, next) = (Arc::clone(&target), Arc::clone(&next));
        let mut recorder = Recorder::new()?;
        workers.spawn(async move {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let due = due(start, index, plan.rate);
                if due >= end {
                    return recorder;
                }
                tokio::time::sleep_until(due).await;
                let begun = if plan.rate.is_some() { due } else { Instant::now() };
                if begun >= end {
                    return recorder;
                }
                let outcome = target.request(index).await;
                if begun >= counted_from {
                    recorder.record(begun.elapsed(), outcome);
                }
            }
        });
    }
    let mut all = Recorder::new()?;
    while let Some(recorder) = workers.join_next().await {
        all.merge(recorder?)?;
    }
    Ok(all.report(plan))
}

/// When a request should begin: by the schedule, or at once.
fn due(start: Instant, index: u64, rate: Option<f64>) -> Instant {
    match rate {
        Some(rate) if rate > 0.0 => {
            // Exact to a nanosecond for some weeks of load.
            let index = f64::from(u32::try_from(index).unwrap_or(u32::MAX));
            start + Duration::from_secs_f64(index / rate)
        }
        _ => start,
    }
}

#[cfg(test)]
mod tests {
    use futures::future::BoxFuture;

    use super::*;

    /// Answers at once, but stalls all requests for a while in the middle.
    struct Stalling {
        stall: (Instant, Instant),
    }

    impl Target for Stalling {
        fn request(&self, _: u64) -> BoxFuture<'static, Result<(), String>> {
            let (from, until) = self.stall;
            Box::pin(async move {
                if Instant::now() >= from && Instant::now() < until {
                    tokio::time::sleep_until(until).await;
                }
                Ok(())
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stall_is_counted_by_every_request_that_was_due_in_it() {
        let now = Instant::now();
        let stall = (now + Duration::from_secs(2), now + Duration::from_secs(4));
        let plan = Plan {
            in_flight: 4,
            rate: Some(100.0),
            duration: Duration::from_secs(10),
            warmup: Duration::ZERO,
        };
        let report = run(Arc::new(Stalling { stall }), plan).await.unwrap();
        assert_eq!(report.requests, 1000);
        // A fifth of all requests were due while it stalled; their median wait is a second.
        assert!(report.p99_ms > 1500.0, "{report:?}");
        assert!(report.p50_ms < 5.0, "{report:?}");
    }
}
