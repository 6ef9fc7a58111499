//! The difference between two versions of the catalog: what a watcher is pushed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use cellar_schema::{Keyspace, Table, TableId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Catalog, Frontend, Node};
use crate::{Cell, GroupId, NodeId, Placement, Position, Role};

/// What changed after `since` until `version`; in each list none stands for what is gone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Update {
    /// The catalog's version with this update.
    pub version: u64,
    /// It says everything that changed after this version.
    pub since: u64,
    /// It says everything there is; what it does not name is gone.
    pub full: bool,
    /// Keyspaces by name.
    pub keyspaces: Vec<(String, KeyspaceChange)>,
    /// Groups of keyspaces.
    pub groups: Vec<(String, Option<GroupId>)>,
    /// Placements of groups: new ones, and all for a watcher that does not take `cells`.
    pub placements: Vec<(GroupId, Option<Arc<Placement>>)>,
    /// Changed cells of placements that are there, by where they start. An update has either the
    /// whole placement of a group or its changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cells: Vec<((GroupId, Position), Option<Cell>)>,
    /// Nodes.
    pub nodes: Vec<(NodeId, Option<Node>)>,
    /// Frontends by host id.
    pub frontends: Vec<(Uuid, Option<Frontend>)>,
    /// Tables whose data is to be removed.
    pub dropped: Vec<(TableId, Option<GroupId>)>,
    /// Roles by name.
    #[serde(default)]
    pub roles: Vec<(String, Option<Arc<Role>>)>,
}

/// What happened to a keyspace. Changes of single tables travel without the others, so that ten
/// thousand tables in one keyspace can be created one by one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum KeyspaceChange {
    /// It is new, or its settings or types changed.
    Whole(Arc<Keyspace>),
    /// It is gone, with all that was in it.
    Removed,
    /// These tables of it changed or are gone.
    Tables(Vec<(String, Option<Arc<Table>>)>),
}

impl Update {
    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.full
            && self.keyspaces.is_empty()
            && self.groups.is_empty()
            && self.placements.is_empty()
            && self.cells.is_empty()
            && self.nodes.is_empty()
            && self.frontends.is_empty()
            && self.dropped.is_empty()
            && self.roles.is_empty()
    }

    /// One update out of several that follow each other, oldest first: what was said twice is
    /// said once.
    #[must_use]
    pub fn join<'a>(updates: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut updates = updates.into_iter();
        let mut joined = updates.next().cloned().unwrap_or_default();
        for next in updates {
            if next.full {
                joined = next.clone();
                continue;
            }
            joined.version = next.version;
            join_keyspaces(&mut joined.keyspaces, &next.keyspaces);
            later(&mut joined.groups, &next.groups);
            join_placements(&mut joined, next);
            later(&mut joined.nodes, &next.nodes);
            later(&mut joined.frontends, &next.frontends);
            later(&mut joined.dropped, &next.dropped);
            later(&mut joined.roles, &next.roles);
        }
        joined
    }

    /// The same for a watcher that does not take changes of single cells: the placements of those
    /// are there as a whole, as they are in the catalog of this update's version.
    #[must_use]
    pub fn with_whole_placements(mut self, catalog: &Catalog) -> Self {
        let groups: BTreeSet<GroupId> = self.cells.drain(..).map(|((group, _), _)| group).collect();
        let whole = groups.into_iter().map(|id| (id, catalog.placements.get(&id).cloned()));
        self.placements.extend(whole);
        self
    }

    /// How many things it names: what it takes in memory is about a hundred bytes for each.
    #[must_use]
    pub fn parts(&self) -> usize {
        let of_keyspace = |change: &KeyspaceChange| match change {
            KeyspaceChange::Whole(keyspace) => keyspace.tables.len().saturating_add(1),
            KeyspaceChange::Removed => 1,
            KeyspaceChange::Tables(tables) => tables.len(),
        };
        let keyspaces = self.keyspaces.iter().map(|(_, change)| of_keyspace(change));
        let placements = self.placements.iter().map(|(_, placement)| {
            placement.as_ref().map_or(1, |placement| placement.cells().count())
        });
        let others = [
            self.groups.len(),
            self.cells.len(),
            self.nodes.len(),
            self.frontends.len(),
            self.dropped.len(),
            self.roles.len(),
        ];
        keyspaces.chain(placements).chain(others).fold(0, usize::saturating_add)
    }
}

/// The later value of each key wins.
fn later<K: Ord + Clone, V: Clone>(older: &mut Vec<(K, V)>, newer: &[(K, V)]) {
    let joined: BTreeMap<K, V> = older.drain(..).chain(newer.iter().cloned()).collect();
    older.extend(joined);
}

/// A whole placement stands for all changes before it and takes in those after it.
fn join_placements(older: &mut Update, newer: &Update) {
    let whole = |group: GroupId| newer.placements.iter().any(|(id, _)| *id == group);
    older.cells.retain(|((group, _), _)| !whole(*group));
    later(&mut older.placements, &newer.placements);
    let mut cells = newer.cells.clone();
    cells.retain(|((group, start), cell)| {
        let known = older.placements.iter_mut().find(|(id, _)| id == group);
        let Some((_, Some(placement))) = known else { return true };
        Arc::make_mut(placement).change(*start, cell.clone());
        false
    });
    later(&mut older.cells, &cells);
}

fn join_keyspaces(older: &mut Vec<(String, KeyspaceChange)>, newer: &[(String, KeyspaceChange)]) {
    let mut joined: BTreeMap<String, KeyspaceChange> = older.drain(..).collect();
    for (name, change) in newer {
        let whole = match (joined.remove(name), change) {
            (Some(KeyspaceChange::Whole(mut keyspace)), KeyspaceChange::Tables(tables)) => {
                let tables_of = &mut Arc::make_mut(&mut keyspace).tables;
                for (name, table) in tables.clone() {
                    match table {
                        Some(table) => tables_of.insert(name, table),
                        None => tables_of.remove(&name),
                    };
                }
                KeyspaceChange::Whole(keyspace)
            }
            (Some(KeyspaceChange::Tables(mut tables)), KeyspaceChange::Tables(newer)) => {
                later(&mut tables, newer);
                KeyspaceChange::Tables(tables)
            }
            // A keyspace that was removed and made again comes whole.
            (_, change) => change.clone(),
        };
        joined.insert(name.clone(), whole);
    }
    older.extend(joined);
}
