//! The difference between two versions of the catalog: what a watcher is pushed.

use std::{collections::BTreeMap, sync::Arc};

use cellar_schema::{Keyspace, Table, TableId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Frontend, Node};
use crate::{GroupId, NodeId, Placement, Role};

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
    /// Placements of groups.
    pub placements: Vec<(GroupId, Option<Arc<Placement>>)>,
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
            later(&mut joined.placements, &next.placements);
            later(&mut joined.nodes, &next.nodes);
            later(&mut joined.frontends, &next.frontends);
            later(&mut joined.dropped, &next.dropped);
            later(&mut joined.roles, &next.roles);
        }
        joined
    }
}

/// The later value of each key wins.
fn later<K: Ord + Clone, V: Clone>(older: &mut Vec<(K, V)>, newer: &[(K, V)]) {
    let joined: BTreeMap<K, V> = older.drain(..).chain(newer.iter().cloned()).collect();
    older.extend(joined);
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
