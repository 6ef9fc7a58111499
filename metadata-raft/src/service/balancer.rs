//! The balancer at work: the leading member looks again and again, submits what follows, and asks
//! nodes for merges.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use cellar_metadata_api::{CellId, Command, MetadataError, Node, protocol::SubmitError};
use futures::future::BoxFuture;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::Inner;
use crate::balance::{BalanceOptions, Memory, Plan, STALE_MS, Situation, plan};

/// Asks nodes to merge cells.
pub trait Merger: fmt::Debug + Send + Sync {
    /// Asks the node that leads the left cell to make the two one; returns when it has answered.
    ///
    /// # Errors
    /// The reason why it was not done, or may not have been.
    fn merge(&self, node: Node, left: CellId, right: CellId) -> BoxFuture<'_, Result<(), String>>;
}

/// Looks for ever; plans only while this member leads.
pub(super) async fn run(
    inner: &Arc<Inner>,
    options: &BalanceOptions,
    merger: Option<Arc<dyn Merger>>,
) {
    let mut ticks = interval(Duration::from_millis(options.every_ms.max(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let began = Instant::now();
    let mut memory = Memory::default();
    loop {
        ticks.tick().await;
        if !inner.group.is_leader() {
            // Who leads next begins to count anew.
            memory = Memory::default();
            continue;
        }
        let now_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        for plan in inner.look(options, &mut memory, now_ms) {
            match plan {
                Plan::Replicas { cell, epoch, target } => {
                    inner.put(Command::PlanReplicas { cell: (cell, epoch), target }).await;
                }
                Plan::Leader { cell, node } => {
                    inner.put(Command::PreferLeader { cell, node }).await
                }
                Plan::Merge { left, right, leader } => {
                    memory.asked(left, right, now_ms);
                    let node = inner.shared.catalog.borrow().nodes.get(&leader).cloned();
                    if let (Some(merger), Some(node)) = (&merger, node) {
                        inner.merge(Arc::clone(merger), node, left, right);
                    }
                }
            }
        }
    }
}

impl Inner {
    fn look(&self, options: &BalanceOptions, memory: &mut Memory, now_ms: u64) -> Vec<Plan> {
        let (catalog, settings) = {
            let state = self.shared.state.lock();
            (Arc::clone(state.catalog()), state.settings())
        };
        let mut reports = self.observed.lock().reports(Instant::now());
        reports.retain(|_, (_, age_ms)| *age_ms < STALE_MS);
        memory.observe(&catalog, &reports, now_ms);
        plan(&Situation {
            catalog: &catalog,
            settings: &settings,
            reports: &reports,
            memory,
            now_ms,
            options,
        })
    }

    async fn put(&self, command: Command) {
        match self.propose(&command).await {
            Ok(_) => tracing::info!(?command, "planned"),
            // The cell has split or moved meanwhile: the next look knows.
            Err(SubmitError::Failed(MetadataError::Conflict { .. })) => {}
            Err(error) => {
                tracing::warn!(%error, ?command, "not planned; the next look tries again")
            }
        }
    }

    /// Asks on a task of its own: a merge may take some seconds.
    fn merge(&self, merger: Arc<dyn Merger>, node: Node, left: CellId, right: CellId) {
        let token = self.tasks.token().clone();
        self.tasks.spawn(Cow::Borrowed("merge of cells"), async move {
            match token.run_until_cancelled(merger.merge(node, left, right)).await {
                Some(Ok(())) => tracing::info!(%left, %right, "merged"),
                Some(Err(error)) => tracing::info!(%left, %right, error, "not merged"),
                None => {}
            }
        });
    }
}
