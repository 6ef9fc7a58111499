//! When a call is sent again: only if that cannot do a second time what was done already, only a
//! few times, and never so often that a server in trouble gets more of it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::{Call, Effect};
use crate::error::{Error, Outcome};
use crate::limits::{ATTEMPTS_MAX, BACKOFF_FIRST, BACKOFF_MAX, RETRY_COST, RETRY_TOKENS_MAX};

/// How long to wait before sending again; none if the error is to be told.
pub(super) fn wait(call: &Call, error: &Error, attempt: u32) -> Option<Duration> {
    let harmless = call.effect != Effect::Once || error.outcome() == Outcome::None;
    if attempt >= ATTEMPTS_MAX || !error.retryable() || !harmless {
        return None;
    }
    let doubled = BACKOFF_FIRST.saturating_mul(1 << attempt.min(16).saturating_sub(1));
    // Full jitter: clients that failed together do not come back together.
    let random = doubled.min(BACKOFF_MAX).mul_f64(fastrand::f64());
    Some(error.retry_after().unwrap_or_default().saturating_add(random))
}

/// An error after an earlier attempt that may have been applied: the last attempt was refused for
/// certain, but that says nothing about the earlier one.
pub(super) fn as_unknown(error: Error) -> Error {
    match error {
        Error::Problem(mut problem) => {
            problem.outcome = Outcome::Unknown;
            Error::Problem(problem)
        }
        Error::Connect { url, reason } => {
            Error::Lost { reason: format!("and cannot connect to {url} again: {reason}") }
        }
        other => other,
    }
}

/// Tokens for retries, shared by everything that a client sends.
#[derive(Debug)]
pub(super) struct Budget(AtomicU32);

impl Budget {
    pub(super) fn full() -> Self {
        Self(AtomicU32::new(RETRY_TOKENS_MAX))
    }

    /// Pays for one retry, if there is enough.
    pub(super) fn take(&self) -> bool {
        let pay = |tokens: u32| tokens.checked_sub(RETRY_COST);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, pay).is_ok()
    }

    /// A success gives one token back.
    pub(super) fn refill(&self) {
        let add = |tokens: u32| (tokens < RETRY_TOKENS_MAX).then_some(tokens + 1);
        // At the maximum nothing changes.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_pays_for_a_hundred_retries_and_then_one_for_five_successes() {
        let budget = Budget::full();
        let paid = (0..1_000).filter(|_| budget.take()).count();
        assert_eq!(paid, 100);
        for _ in 0..RETRY_COST {
            assert!(!budget.take());
            budget.refill();
        }
        assert!(budget.take());
        assert!(!budget.take());
    }

    #[test]
    fn a_full_budget_stays_full() {
        let budget = Budget::full();
        budget.refill();
        assert_eq!(budget.0.load(Ordering::Relaxed), RETRY_TOKENS_MAX);
    }
}
