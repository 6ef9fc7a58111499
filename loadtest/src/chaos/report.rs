//! The figures of a run.

use std::{collections::BTreeMap, time::Duration};

use hdrhistogram::Histogram;
use serde::Serialize;

use super::{
    keys::{NS_PER_MS, SLICES},
    outcome::Failure,
};
use crate::history::{Action, LAST_READER, Operation, Outcome, Verdict};

/// Longest latency that is told apart, in microseconds.
const LONGEST_US: u64 = 600_000_000;
/// Nanoseconds of a microsecond.
const NS_PER_US: u64 = 1_000;

/// All requests so far, and how they failed.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) operations: Vec<Operation>,
    failures: BTreeMap<Failure, u64>,
}

/// Figures of a run, and what is wrong.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// How long load was made.
    pub seconds: f64,
    /// Requests of the load.
    pub requests: u64,
    /// Those that were answered.
    pub acknowledged: u64,
    /// Requests by kind.
    pub kinds: BTreeMap<&'static str, u64>,
    /// Compare-and-sets that were applied.
    pub applied: u64,
    /// Failures that say that nothing happened, by class.
    pub definite: BTreeMap<&'static str, u64>,
    /// Failures that leave open what happened, by class.
    pub unknown: BTreeMap<&'static str, u64>,
    /// Latency of answered requests in milliseconds.
    pub latency_ms: BTreeMap<&'static str, f64>,
    /// The longest time without an acknowledged write in each sixteenth of the ring.
    pub longest_gap_ms: Vec<u64>,
    /// From the end of the load until every key had been read, in milliseconds.
    pub served_after_ms: u64,
    /// Until everything was read back through every frontend.
    pub read_back_ms: u64,
    /// How long the check took.
    pub check_ms: u64,
    /// What the check found.
    pub verdict: Verdict,
}

impl Tally {
    pub(super) fn add(&mut self, operation: Operation, failure: Option<Failure>) {
        self.operations.push(operation);
        if let Some(failure) = failure {
            let count = self.failures.entry(failure).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// The report; `took` is until all was served, until all was read back, and for the check.
    pub(super) fn report(
        self,
        verdict: Verdict,
        slices: &[usize],
        loaded_ns: u64,
        took: [Duration; 3],
    ) -> Report {
        let mut kinds = BTreeMap::new();
        let (mut requests, mut acknowledged, mut applied) = (0_u64, 0_u64, 0_u64);
        let load = || self.operations.iter().filter(|operation| operation.client != LAST_READER);
        for operation in load() {
            let kind: &mut u64 = kinds.entry(kind(operation.action)).or_default();
            *kind = kind.saturating_add(1);
            let answered = !matches!(operation.outcome, Outcome::Failed | Outcome::Unknown);
            let done = operation.outcome == Outcome::Done;
            let cas = matches!(operation.action, Action::Cas { .. });
            requests = requests.saturating_add(1);
            acknowledged = acknowledged.saturating_add(answered.into());
            applied = applied.saturating_add((cas && done).into());
        }
        let failures = |definite| {
            let of = self.failures.iter().filter(move |(failure, _)| failure.definite == definite);
            of.map(|(failure, count)| (failure.class, *count)).collect()
        };
        let [served_after_ms, read_back_ms, check_ms] =
            took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        Report {
            seconds: Duration::from_nanos(loaded_ns).as_secs_f64(),
            requests,
            acknowledged,
            kinds,
            applied,
            definite: failures(true),
            unknown: failures(false),
            latency_ms: latency(load()),
            longest_gap_ms: gaps(load(), slices, loaded_ns),
            served_after_ms,
            read_back_ms,
            check_ms,
            verdict,
        }
    }
}

fn kind(action: Action) -> &'static str {
    match action {
        Action::Read => "read",
        Action::Write(Some(_)) => "write",
        Action::Write(None) => "delete",
        Action::Cas { .. } => "cas",
        Action::Add(_) => "counter update",
        Action::Count => "counter read",
    }
}

fn latency<'a>(operations: impl Iterator<Item = &'a Operation>) -> BTreeMap<&'static str, f64> {
    let Ok(mut histogram) = Histogram::<u64>::new_with_max(LONGEST_US, 3) else {
        return BTreeMap::new();
    };
    for operation in operations {
        if !matches!(operation.outcome, Outcome::Failed | Outcome::Unknown) {
            let took_ns = operation.end_ns.saturating_sub(operation.start_ns);
            histogram.saturating_record(took_ns / NS_PER_US);
        }
    }
    [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)]
        .map(|(name, quantile)| {
            let us = Duration::from_micros(histogram.value_at_quantile(quantile));
            (name, us.as_secs_f64() * 1e3)
        })
        .into()
}

/// The longest time without an acknowledged write, per part of the ring.
fn gaps<'a>(
    operations: impl Iterator<Item = &'a Operation>,
    slices: &[usize],
    loaded_ns: u64,
) -> Vec<u64> {
    let mut moments = vec![vec![loaded_ns]; SLICES];
    for operation in operations {
        let Action::Write(_) = operation.action else { continue };
        let slice = usize::try_from(operation.key).ok().and_then(|key| slices.get(key));
        if let (Outcome::Done, Some(slice)) = (operation.outcome, slice) {
            moments.get_mut(*slice).map(|moments| moments.push(operation.end_ns)).unwrap_or(());
        }
    }
    moments
        .into_iter()
        .map(|mut moments| {
            moments.sort_unstable();
            let before = std::iter::once(0).chain(moments.iter().copied());
            let gaps = before.zip(&moments).map(|(before, after)| after.saturating_sub(before));
            gaps.max().unwrap_or(0) / NS_PER_MS
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_the_time_between_two_acknowledged_writes_of_one_slice() {
        let write = |key, ms: u64, outcome| Operation {
            key,
            client: 0,
            action: Action::Write(Some(1)),
            outcome,
            start_ns: 0,
            end_ns: ms * NS_PER_MS,
        };
        let operations = [
            write(0, 10, Outcome::Done),
            write(1, 30, Outcome::Done),
            write(0, 70, Outcome::Unknown),
            write(0, 95, Outcome::Done),
        ];
        let gaps = gaps(operations.iter(), &[0, 1], 100 * NS_PER_MS);
        assert_eq!(gaps.get(..3), Some([85, 70, 100].as_slice()));
    }
}
