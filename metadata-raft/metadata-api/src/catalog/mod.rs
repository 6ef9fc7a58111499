//! Everything the metadata service tells: what frontends and nodes hold in memory, and never
//! change but replace.

mod index;
mod node;
mod update;
mod version;

use std::{collections::BTreeMap, sync::Arc};

use cellar_schema::{Keyspace, Table, TableId, UserType};
use uuid::Uuid;

use self::{index::Index, version::SchemaSum};
pub use self::{
    node::{Frontend, Node, NodeState},
    update::{KeyspaceChange, Update},
};
use crate::{Cell, GroupId, NodeId, Placement, Position, Roles};

/// The metadata at one version. Cloning it is cheap, and so is the next version: keyspaces and
/// placements that did not change are shared. Made by [`Catalog::apply`] alone.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// Grows by one with every change; 0 is the empty catalog before the first contact.
    pub version: u64,
    /// Keyspaces by name. System keyspaces are not among them.
    pub keyspaces: BTreeMap<String, Arc<Keyspace>>,
    /// The placement group of each keyspace.
    pub groups: BTreeMap<String, GroupId>,
    /// Which cell owns which range, for each group that has cells.
    pub placements: BTreeMap<GroupId, Arc<Placement>>,
    /// Nodes by id.
    pub nodes: BTreeMap<NodeId, Node>,
    /// Frontends by host id.
    pub frontends: BTreeMap<Uuid, Frontend>,
    /// Tables whose data is to be removed, with the group that holds it. An entry disappears once
    /// every node that holds cells of the table said that nothing is left.
    pub dropped: BTreeMap<TableId, GroupId>,
    /// Roles by name. The map is the same one as long as no role changes.
    pub roles: Arc<Roles>,
    tables: Index,
    sum: SchemaSum,
    schema_version: Uuid,
}

impl Catalog {
    /// The keyspace of this name.
    #[must_use]
    pub fn keyspace(&self, keyspace: &str) -> Option<&Arc<Keyspace>> {
        self.keyspaces.get(keyspace)
    }

    /// The table of this name.
    #[must_use]
    pub fn table(&self, keyspace: &str, name: &str) -> Option<&Arc<Table>> {
        self.keyspaces.get(keyspace)?.tables.get(name)
    }

    /// The user-defined type of this name.
    #[must_use]
    pub fn user_type(&self, keyspace: &str, name: &str) -> Option<&Arc<UserType>> {
        self.keyspaces.get(keyspace)?.types.get(name)
    }

    /// The table with this id, in constant time.
    #[must_use]
    pub fn table_by_id(&self, id: TableId) -> Option<&Arc<Table>> {
        self.tables.get(id)
    }

    /// The placement group that holds the table's data, also of a table in `dropped`.
    #[must_use]
    pub fn group_of(&self, table: TableId) -> Option<GroupId> {
        match self.tables.get(table) {
            Some(table) => self.groups.get(&table.keyspace).copied(),
            None => self.dropped.get(&table).copied(),
        }
    }

    /// Which cells own the table's data, also of a table in `dropped`.
    #[must_use]
    pub fn placement_of(&self, table: TableId) -> Option<&Arc<Placement>> {
        self.placements.get(&self.group_of(table)?)
    }

    /// The cell that owns a token of a table.
    #[must_use]
    pub fn cell_of(&self, table: TableId, token: i64) -> Option<&Cell> {
        self.placement_of(table)?.lookup(Position::new(table, token))
    }

    /// What drivers see as the version of the schema: equal exactly if the schema is.
    #[must_use]
    pub fn schema_version(&self) -> Uuid {
        self.schema_version
    }

    /// The catalog after an update. An update that is older than this catalog, or that begins
    /// after it, changes nothing; the version tells.
    #[must_use]
    pub fn apply(&self, update: Update) -> Self {
        if update.version <= self.version || (!update.full && update.since > self.version) {
            return self.clone();
        }
        let mut next = if update.full { Self::default() } else { self.clone() };
        next.version = update.version;
        let schema_changed = update.full || !update.keyspaces.is_empty();
        for (name, change) in update.keyspaces {
            next.change_keyspace(name, change);
        }
        replace_all(&mut next.groups, update.groups);
        replace_all(&mut next.placements, update.placements);
        for ((group, start), cell) in update.cells {
            if let Some(placement) = next.placements.get_mut(&group) {
                Arc::make_mut(placement).change(start, cell);
            }
        }
        replace_all(&mut next.nodes, update.nodes);
        replace_all(&mut next.frontends, update.frontends);
        replace_all(&mut next.dropped, update.dropped);
        if !update.roles.is_empty() {
            replace_all(Arc::make_mut(&mut next.roles), update.roles);
        }
        if schema_changed {
            next.schema_version = next.sum.version();
        }
        next
    }

    /// Everything, as the update that makes this catalog out of an empty one.
    #[must_use]
    pub fn to_update(&self) -> Update {
        let whole = |keyspace: &Arc<Keyspace>| KeyspaceChange::Whole(Arc::clone(keyspace));
        Update {
            version: self.version,
            since: 0,
            full: true,
            keyspaces: self.keyspaces.iter().map(|(name, ks)| (name.clone(), whole(ks))).collect(),
            groups: all(&self.groups),
            placements: all(&self.placements),
            cells: Vec::new(),
            nodes: all(&self.nodes),
            frontends: all(&self.frontends),
            dropped: all(&self.dropped),
            roles: all(&self.roles),
        }
    }

    fn change_keyspace(&mut self, name: String, change: KeyspaceChange) {
        match change {
            KeyspaceChange::Whole(keyspace) => {
                self.remove_keyspace(&name);
                for table in keyspace.tables.values() {
                    self.tables.insert(Arc::clone(table));
                }
                self.sum.add_keyspace(&keyspace);
                self.keyspaces.insert(name, keyspace);
            }
            KeyspaceChange::Removed => self.remove_keyspace(&name),
            KeyspaceChange::Tables(changes) => {
                let Some(keyspace) = self.keyspaces.get_mut(&name).map(Arc::make_mut) else {
                    return;
                };
                for (name, table) in changes {
                    let new = table.clone();
                    let old = match table {
                        Some(table) => keyspace.tables.insert(name, table),
                        None => keyspace.tables.remove(&name),
                    };
                    if let Some(old) = old {
                        self.sum.remove_table(&old);
                        self.tables.remove(old.id);
                    }
                    if let Some(new) = new {
                        self.sum.add_table(&new);
                        self.tables.insert(new);
                    }
                }
            }
        }
    }

    fn remove_keyspace(&mut self, name: &str) {
        let Some(old) = self.keyspaces.remove(name) else { return };
        self.sum.remove_keyspace(&old);
        for table in old.tables.values() {
            self.tables.remove(table.id);
        }
    }
}

fn replace_all<K: Ord, V>(map: &mut BTreeMap<K, V>, changes: Vec<(K, Option<V>)>) {
    for (key, value) in changes {
        match value {
            Some(value) => map.insert(key, value),
            None => map.remove(&key),
        };
    }
}

fn all<K: Clone, V: Clone>(map: &BTreeMap<K, V>) -> Vec<(K, Option<V>)> {
    map.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect()
}
