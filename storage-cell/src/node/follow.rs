//! Doing what the placement and the cells' own logs ask for.

use std::sync::Arc;

use cellar_metadata_api::CellId;
use tokio::sync::mpsc::UnboundedReceiver;

use super::Inner;
use crate::apply::Event;

impl Inner {
    /// Starts what is placed here, and what splits have made.
    pub(super) async fn follow(self: Arc<Self>, mut heard: UnboundedReceiver<(CellId, Event)>) {
        let mut catalog = self.metadata.catalog();
        // What changed before this task ran is looked at, too.
        catalog.mark_changed();
        loop {
            tokio::select! {
                biased;
                changed = catalog.changed() => {
                    if changed.is_err() {
                        tracing::error!("the catalog is not updated any more");
                        return;
                    }
                    catalog.mark_unchanged();
                    // What leaves may be in the way of what comes.
                    self.leave_cells().await;
                    self.obey_placement().await;
                    self.drops.notify_one();
                }
                event = heard.recv() => match event {
                    Some((_, event)) => self.act(event).await,
                    None => return,
                },
            }
        }
    }

    /// Acts on what the replay of the logs asked for, and on what that asks for in turn.
    pub(super) async fn catch_up(self: &Arc<Self>, heard: &mut UnboundedReceiver<(CellId, Event)>) {
        while let Ok((_, event)) = heard.try_recv() {
            self.act(event).await;
        }
    }

    async fn act(self: &Arc<Self>, event: Event) {
        match event {
            Event::Split(plan) => {
                if let Err(error) = self.start_cell(plan.right).await {
                    let cell = plan.right;
                    tracing::error!(%cell, %error, "cannot start a split's right half");
                }
                // It may have moved away since.
                self.leave_cells().await;
            }
            // The cell may have been split meanwhile.
            Event::Installed => {
                self.machines.indexes().woken.notify_one();
                self.leave_cells().await;
                self.obey_placement().await;
            }
            Event::Damaged(cell) => self.damages.meet(cell),
            Event::TableDropped(_) => self.drops.notify_one(),
            Event::TakenOver(cell) => {
                self.retire(cell).await;
                // Here it may have been wider than when it was taken over.
                self.obey_placement().await;
            }
            Event::Moving | Event::Moved => self.moves.wake(),
        }
    }
}
