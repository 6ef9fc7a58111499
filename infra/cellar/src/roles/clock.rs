//! The time of this process: the machine's wall clock, which does not jump when somebody sets it.

use std::{sync::Arc, time::Duration};

use cellar_rpc::tasks::Tasks;
use cellar_schema::{Clock, Elapsed, OffsetClock, SteadyClock, SystemClock};
use tokio::time::sleep;

/// Between two looks, so that a jump is noticed, and believed in time, where nobody asks.
const LOOK: Duration = Duration::from_secs(10);

/// The clock of a process; it shows `now_ms` at first, if that is given.
pub(super) fn start(now_ms: Option<i64>, tasks: &Tasks) -> Arc<dyn Clock> {
    let steady = Arc::new(SteadyClock::new(SystemClock, Elapsed::default()));
    let (watched, token) = (Arc::clone(&steady), tasks.token().clone());
    tasks.spawn("wall clock", async move {
        token.run_until_cancelled(watch(&watched)).await;
    });
    match now_ms {
        Some(now_ms) => Arc::new(OffsetClock::starting_at_us(steady, now_ms.saturating_mul(1000))),
        None => steady,
    }
}

/// Tells of jumps, for ever.
async fn watch(clock: &SteadyClock<SystemClock, Elapsed>) {
    loop {
        clock.now_us();
        if let Some(by_us) = clock.doubted_us() {
            let seconds = by_us.div_euclid(1_000_000);
            tracing::warn!(seconds, "the machine's clock has jumped; it is not followed yet");
        }
        sleep(LOOK).await;
    }
}
