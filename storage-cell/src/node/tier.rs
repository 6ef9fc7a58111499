//! When rows move to the cold tier: from time to time, and when an operator asks.

use std::{sync::Arc, time::Duration};

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
        let cells = match cell {
            Some(id) => vec![self.asked(id)?],
            None => self.led(),
        };
        let (tell, told) = oneshot::channel();
        self.spawn("node cold tier, asked for", |_| async move {
            drop(tell.send(tier_all(&cells).await));
        });
        let stopping = |_| CellError::Unavailable { reason: "the node is stopping".to_owned() };
        let Tiered { rows, segments, bytes } = told.await.map_err(stopping)??;
        Ok(AdminAnswer::Tiered { rows, segments, bytes })
    }

    fn led(&self) -> Vec<Arc<Cell>> {
        self.cells.all().into_iter().filter(|cell| cell.group().is_leader()).collect()
    }
}

async fn tier_all(cells: &[Arc<Cell>]) -> Result<Tiered, CellError> {
    let mut all = Tiered::default();
    for cell in cells {
        let tiered = cell.tier(1).await?;
        all.rows = all.rows.saturating_add(tiered.rows);
        all.segments = all.segments.saturating_add(tiered.segments);
        all.bytes = all.bytes.saturating_add(tiered.bytes);
    }
    Ok(all)
}
