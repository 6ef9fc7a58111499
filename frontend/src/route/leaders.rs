//! Who led each cell when last heard of, so that a request asks the right replica first while the
//! one that the placement prefers is down or hangs. A hint only: the cell itself knows.

use std::{collections::HashMap, sync::Arc};

use cellar_metadata_api::{Cell, CellId, NodeId};
use parking_lot::RwLock;

/// Leaders that are not the placement's first replica; clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Leaders {
    elsewhere: Arc<RwLock<HashMap<CellId, NodeId>>>,
}

impl Leaders {
    /// The replica that led when last heard of, if it is not the first.
    pub(super) fn of(&self, cell: &Cell) -> Option<NodeId> {
        let found = self.elsewhere.read().get(&cell.id).copied();
        found.filter(|node| cell.replicas.contains(node))
    }

    /// A replica answered as the leader.
    pub(super) fn answered(&self, cell: &Cell, node: NodeId) {
        if cell.replicas.first() == Some(&node) {
            self.forget(cell.id);
        } else if self.elsewhere.read().get(&cell.id) != Some(&node) {
            self.elsewhere.write().insert(cell.id, node);
        }
    }

    /// A replica did not answer as the leader.
    pub(super) fn failed(&self, cell: &Cell, node: NodeId) {
        if self.elsewhere.read().get(&cell.id) == Some(&node) {
            self.forget(cell.id);
        }
    }

    fn forget(&self, cell: CellId) {
        if self.elsewhere.read().contains_key(&cell) {
            self.elsewhere.write().remove(&cell);
        }
    }
}
