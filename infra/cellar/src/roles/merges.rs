//! Asking nodes for merges, on behalf of the balancer of the metadata service.

use std::{fmt, time::Duration};

use cellar_cell_api::{AdminRequest, Cells, Target};
use cellar_metadata_api::{CellId, Node};
use cellar_metadata_raft::Merger;
use futures::{FutureExt, future::BoxFuture};

/// How long a merge may take before its answer is given up; the node settles it by itself.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Reaches the nodes.
pub(super) struct Merges {
    pub(super) cells: Cells,
}

impl fmt::Debug for Merges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Merges").finish_non_exhaustive()
    }
}

impl Merger for Merges {
    fn merge(&self, node: Node, left: CellId, right: CellId) -> BoxFuture<'_, Result<(), String>> {
        async move {
            let target = Target { node: node.id, address: &node.address };
            let request = AdminRequest::Merge { left, right };
            let asked = self.cells.admin(target, request, TIMEOUT).await;
            asked.map(|_| ()).map_err(|error| error.to_string())
        }
        .boxed()
    }
}
