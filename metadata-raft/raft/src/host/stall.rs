//! A disk that does not answer: the node gives up leading, so that others serve.
//!
//! It sends no heartbeats, asks for no votes, and refuses proposals and reads at leader level until
//! the write that was under way has ended. What it had accepted stays undecided or is decided by
//! the others; terms keep both apart.

use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use tokio::{sync::watch, time};

use super::Inner;
use crate::limits::{PROBE_MS, STALL_LOOK_MS};

/// Whether the disk stands still.
pub(crate) type Stalled = Arc<watch::Sender<bool>>;

/// Watches the log's writes until cancelled.
pub(crate) async fn watch_writes(host: Weak<Inner>, stall: Duration) {
    let mut looks = time::interval(Duration::from_millis(STALL_LOOK_MS));
    looks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    let mut probed = Instant::now();
    loop {
        looks.tick().await;
        let Some(host) = host.upgrade() else { return };
        let busy = host.log.busy();
        let stalled = busy.is_some_and(|busy| busy >= stall);
        let changed =
            host.stalled.send_if_modified(|was| std::mem::replace(was, stalled) != stalled);
        if changed && stalled {
            tracing::error!(?busy, "the disk does not answer; this node gives up leading");
        } else if changed {
            tracing::info!("the disk answers again");
        }
        if !host.room.is_spared() {
            // It looks for space on its way.
            host.log.probe();
        }
        if probed.elapsed() >= Duration::from_millis(PROBE_MS) && host.leads_with_others() {
            host.log.probe();
            probed = Instant::now();
        }
    }
}

impl Inner {
    fn leads_with_others(&self) -> bool {
        self.running.lock().groups.values().any(super::Group::has_successor)
    }
}
