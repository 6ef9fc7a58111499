//! One checker per invariant. What clients saw is checked by `cellar_loadtest::history` (I-1 to
//! I-6, I-19), what can be seen of the cluster itself here.

mod batches;
mod consensus;
mod placement;
mod replicas;

use std::collections::BTreeSet;

use cellar_metadata_api::Metadata;

pub(crate) use batches::whole;
pub(crate) use replicas::{same_rows, settled};

use crate::{client::asking::Asking, cluster::Cluster};
use consensus::Consensus;
use placement::Placements;

/// Looks at the cluster again and again, and remembers what must not change.
#[derive(Default)]
pub(crate) struct Watcher {
    consensus: Consensus,
    placements: Placements,
    violations: BTreeSet<String>,
}

impl Watcher {
    /// Looks once.
    pub(crate) async fn look(&mut self, cluster: &Cluster) {
        for member in cluster.members.iter().filter_map(|machine| machine.running.as_ref()) {
            let standing = member.service.group().standing();
            self.consensus.see("metadata", &standing, &mut self.violations);
            self.placements.see(&member.service.catalog().borrow(), &mut self.violations);
        }
        for running in cluster.nodes.iter().filter_map(|machine| machine.running.as_ref()) {
            self.placements.see(&running.metadata.catalog().borrow(), &mut self.violations);
            for report in running.cells().await {
                let standing = running.node.standing(report.cell);
                cluster.surroundings.trace.remark(format_args!(
                    "{} {} {} {} {standing:?}",
                    running.node.id(),
                    report.cell,
                    report.epoch,
                    report.range
                ));
                self.placements.see_report(&report, &mut self.violations);
                if let Some(standing) = running.node.standing(report.cell) {
                    let group = report.cell.to_string();
                    self.consensus.see(&group, &standing, &mut self.violations);
                }
            }
        }
    }

    /// Looks at what a client knows.
    pub(crate) fn look_through(&mut self, asking: &Asking) {
        self.placements.see(&asking.metadata.catalog().borrow(), &mut self.violations);
    }

    /// What was wrong.
    pub(crate) fn violations(self) -> BTreeSet<String> {
        self.violations
    }
}
