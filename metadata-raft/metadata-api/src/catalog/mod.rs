//! Everything the metadata service tells: what frontends and nodes hold in memory, and never
//! change but replace.

mod node;
mod update;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use cellar_schema::{Keyspace, Table, TableId, UserType};
use uuid::Uuid;
use xxhash_rust::xxh3::Xxh3;

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
    tables: Arc<HashMap<TableId, Arc<Table>>>,
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
        self.tables.get(&id)
    }

    /// The placement group that holds the table's data, also of a table in `dropped`.
    #[must_use]
    pub fn group_of(&self, table: TableId) -> Option<GroupId> {
        match self.tables.get(&table) {
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
        replace_all(&mut next.nodes, update.nodes);
        replace_all(&mut next.frontends, update.frontends);
        replace_all(&mut next.dropped, update.dropped);
        if !update.roles.is_empty() {
            replace_all(Arc::make_mut(&mut next.roles), update.roles);
        }
        if schema_changed {
            next.schema_version = schema_hash(&next.keyspaces);
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
            nodes: all(&self.nodes),
            frontends: all(&self.frontends),
            dropped: all(&self.dropped),
            roles: all(&self.roles),
        }
    }

    fn change_keyspace(&mut self, name: String, change: KeyspaceChange) {
        let index = Arc::make_mut(&mut self.tables);
        match change {
            KeyspaceChange::Whole(keyspace) => {
                for table in keyspace.tables.values() {
                    index.insert(table.id, Arc::clone(table));
                }
                if let Some(old) = self.keyspaces.insert(name, Arc::clone(&keyspace)) {
                    unindex_absent(index, &old, Some(&keyspace));
                }
            }
            KeyspaceChange::Removed => {
                if let Some(old) = self.keyspaces.remove(&name) {
                    unindex_absent(index, &old, None);
                }
            }
            KeyspaceChange::Tables(changes) => {
                let Some(keyspace) = self.keyspaces.get_mut(&name).map(Arc::make_mut) else {
                    return;
                };
                for (name, table) in changes {
                    let old = match table {
                        Some(table) => {
                            let id = table.id;
                            index.insert(id, Arc::clone(&table));
                            keyspace.tables.insert(name, table).filter(|old| old.id != id)
                        }
                        None => keyspace.tables.remove(&name),
                    };
                    if let Some(old) = old {
                        index.remove(&old.id);
                    }
                }
            }
        }
    }
}

/// Takes the tables out of the index that `new` does not have any more.
fn unindex_absent(
    index: &mut HashMap<TableId, Arc<Table>>,
    old: &Keyspace,
    new: Option<&Arc<Keyspace>>,
) {
    for table in old.tables.values() {
        let stays =
            new.and_then(|new| new.tables.get(&table.name)).is_some_and(|same| same.id == table.id);
        if !stays {
            index.remove(&table.id);
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

/// A hash of all that clients can see of the schema. Id and version stand for a table's
/// definition, because equal ones mean equal definitions.
fn schema_hash(keyspaces: &BTreeMap<String, Arc<Keyspace>>) -> Uuid {
    let mut hash = Xxh3::new();
    let text = |hash: &mut Xxh3, text: &str| {
        hash.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(text.as_bytes());
    };
    for keyspace in keyspaces.values() {
        text(&mut hash, &keyspace.name);
        for (option, value) in &keyspace.replication {
            text(&mut hash, option);
            text(&mut hash, value);
        }
        hash.update(&[b'd', u8::from(keyspace.durable_writes)]);
        for user_type in keyspace.types.values() {
            // Debug of a type is its whole definition, whatever it is nested of.
            text(&mut hash, &format!("{user_type:?}"));
        }
        hash.update(b"t");
        for table in keyspace.tables.values() {
            hash.update(&table.id.0.to_le_bytes());
            hash.update(&table.version.to_le_bytes());
        }
        hash.update(b"k");
    }
    uuid::Builder::from_random_bytes(hash.digest128().to_le_bytes()).into_uuid()
}
