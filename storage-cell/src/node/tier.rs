//! When rows move to the cold tier: from time to time, and when an operator asks.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use cellar_cell_api::{AdminAnswer, CellError};
use cellar_metadata_api::CellId;
use tokio::{
    sync::oneshot,
    time::{Instant, sleep},
};

use super::Inner;
use crate::{
    cell::Cell,
    cold::Tiered,
    limits::{TIER_PAUSE_FACTOR, TIER_PAUSE_MS, TIER_ROWS_MIN},
};

impl Inner {
    /// Moves what is past its table's policy, with pauses.
    pub(super) async fn tier_cells(self: Arc<Self>) {
        let mut pause = Duration::from_millis(TIER_PAUSE_MS);
        loop {
            sleep(pause).await;
            let begun = Instant::now();
            for cell in self.led() {
                match cell.tier(TIER_ROWS_MIN).await {
                    Ok(Tiered { rows: 0, .. }) => {}
                    Ok(tiered) => tracing::info!(cell = %cell.id(), ?tiered, "rows are cold now"),
                    Err(error) => {
                        tracing::warn!(cell = %cell.id(), %error, "cannot move rows");
                    }
                }
            }
            let least = begun.elapsed().saturating_mul(TIER_PAUSE_FACTOR);
            pause = Duration::from_millis(TIER_PAUSE_MS).max(least);
        }
    }

    /// Moves everything that is past its table's policy now, however little. The work goes on when
    /// nobody waits for the answer any more.
    pub(super) async fn tier_now(
        self: &Arc<Self>,
        cell: Option<CellId>,
    ) -> Result<AdminAnswer, CellError> {
        let one = cell.map(|id| self.asked(id)).transpose()?;
        let (tell, told) = oneshot::channel();
        let inner = Arc::clone(self);
        self.spawn("node cold tier, asked for", |_| async move {
            let tiered = match one {
                Some(cell) => cell.tier(1).await,
                None => inner.tier_all().await,
            };
            drop(tell.send(tiered));
        });
        let stopping = |_| CellError::Unavailable { reason: "the node is stopping".to_owned() };
        let Tiered { rows, segments, bytes } = told.await.map_err(stopping)??;
        Ok(AdminAnswer::Tiered { rows, segments, bytes })
    }

    fn led(&self) -> Vec<Arc<Cell>> {
        self.cells.all().into_iter().filter(|cell| cell.group().is_leader()).collect()
    }

    /// Goes through every cell that this node leads, those too that split off meanwhile.
    async fn tier_all(&self) -> Result<Tiered, CellError> {
        let (mut all, mut done) = (Tiered::default(), BTreeSet::new());
        loop {
            // A split that is on its way ends first, so that its right half is seen.
            drop(self.splitting.lock().await);
            let mut left = self.led();
            left.retain(|cell| !done.contains(&cell.id()));
            if left.is_empty() {
                return Ok(all);
            }
            for cell in left {
                all.add(cell.tier(1).await?);
                done.insert(cell.id());
            }
        }
    }
}
