//! Keeping the catalog: one watch at a time, opened again wherever the leader is.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use cellar_rpc::{StreamError, Subscription};
use tokio::time::sleep;

use super::{
    Inner,
    protocol::{ACKNOWLEDGE, Acknowledgement, SubmitError, WATCH, WatchRequest},
};
use crate::{
    Update,
    limits::{PAUSE_MS_MAX, PAUSE_MS_MIN, WATCH_CALL_MS_MAX},
};

/// How a watch ended.
enum Ended {
    /// After it had been open.
    Heard(String),
    /// Without having been open.
    TurnedAway(String),
}

impl Inner {
    /// Watches for ever.
    pub(super) async fn watch(&self) {
        let mut turn = 0_usize;
        let mut failures = 0_usize;
        loop {
            let Some(address) = self.address(turn) else { return };
            let reason = match self.follow(&address).await {
                Ended::Heard(reason) => {
                    failures = 0;
                    tracing::info!(address, reason, "metadata watch ended, opening another");
                    reason
                }
                Ended::TurnedAway(reason) => {
                    failures = failures.saturating_add(1);
                    reason
                }
            };
            // Said once a minute at most, and not for the short absence of a restart.
            if failures.checked_rem(128) == Some(16) {
                tracing::warn!(address, reason, "no metadata service; keeping the last catalog");
            }
            sleep(pause(failures)).await;
            turn = turn.saturating_add(1);
        }
    }

    /// Watches at one member until that ends.
    async fn follow(&self, address: &str) -> Ended {
        let client = self.pool.client(address);
        let version = self.told().version;
        let watch = fastrand::u64(..);
        let identity = self.identity.clone();
        let request = WatchRequest { identity, watch, version, takes_cells: true };
        let deadline = Duration::from_millis(WATCH_CALL_MS_MAX);
        let mut updates: Subscription<Update> = match client.stream(WATCH, &request, deadline).await
        {
            Ok(updates) => updates,
            Err(error) => return Ended::TurnedAway(error.to_string()),
        };
        let mut heard = false;
        let ended = loop {
            match updates.next().await {
                Ok(Some(update)) => {
                    heard = true;
                    if let Err(reason) = self.take(update) {
                        break reason;
                    }
                }
                Ok(None) => break "the service ended it".to_owned(),
                Err(error) => break self.led_away(&error),
            }
            let version = self.told().version;
            let acknowledgement = Acknowledgement { watch, version };
            let told = client.call::<_, ()>(ACKNOWLEDGE, &acknowledgement, deadline).await;
            if let Err(error) = told {
                // The next watch names the version, which is an acknowledgement as well.
                break format!("acknowledge: {error}");
            }
        };
        if heard { Ended::Heard(ended) } else { Ended::TurnedAway(ended) }
    }

    /// Takes an update over.
    fn take(&self, update: Update) -> Result<(), String> {
        let before = self.told();
        let (version, full) = (update.version, update.full);
        let next = before.apply(update);
        if next.version > before.version {
            self.catalog.send_replace(Arc::new(next));
            self.heard.store(true, Ordering::Release);
            return Ok(());
        }
        if full && version < before.version {
            return Err(format!(
                "the service is at version {version} and this process at {}: the service has lost \
                 changes or is that of another cluster; keeping the newer catalog",
                before.version
            ));
        }
        if version > before.version {
            return Err(format!("an update to version {version} begins after {}", before.version));
        }
        Ok(())
    }

    fn led_away(&self, error: &StreamError) -> String {
        if let StreamError::Remote(remote) = error
            && let Some(SubmitError::NotLeader { leader }) = remote.decode()
        {
            self.lead(leader);
        }
        error.to_string()
    }
}

/// The pause after a number of failures, with jitter so that a fleet does not come back as one.
pub(super) fn pause(failures: usize) -> Duration {
    let doublings = u32::try_from(failures.min(16)).unwrap_or(16);
    let most = PAUSE_MS_MIN.saturating_mul(1 << doublings).min(PAUSE_MS_MAX);
    Duration::from_millis(fastrand::u64(most / 2..=most))
}
