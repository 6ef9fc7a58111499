//! The state machine: the catalog and the ids to hand out next. Pure and deterministic.
//!
//! A command is checked and worked out on a [`Draft`] first. Only a draft without an error is
//! taken over, as one update of the catalog, so that nothing is ever done by half and watchers
//! that apply the updates hold exactly what is here.

mod access;
mod draft;
mod keyspaces;
mod nodes;
mod placements;
mod recent;
mod tables;
mod types;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use cellar_metadata_api::{
    Answer, Catalog, Command, GroupId, MetadataError, NodeId, TableId, Update,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(crate) use self::keyspaces::Replication;
use self::{draft::Draft, recent::Recent};
use crate::limits::TABLE_ID_FIRST;

/// Everything the metadata service knows.
#[derive(Clone, Debug)]
pub struct State {
    catalog: Arc<Catalog>,
    ledger: Ledger,
    /// Changes up to the catalog's version.
    recent: Recent,
}

/// What only the service itself needs to know: ids to hand out next, and what is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ledger {
    next_table: u32,
    next_cell: u64,
    next_node: u64,
    next_group: u64,
    /// The group of each normalised replication setting.
    settings: BTreeMap<String, GroupId>,
    /// The nodes that have nothing left of a dropped table.
    forgotten: BTreeMap<TableId, BTreeSet<NodeId>>,
    /// The node on each disk. An entry stays for as long as its node is known.
    #[serde(default)]
    disks: BTreeMap<Uuid, NodeId>,
    /// The cluster's own region: that of the first node. Empty before there is any.
    #[serde(default)]
    home_region: String,
}

impl Ledger {
    /// The cluster's own region.
    fn home(&self) -> Option<&str> {
        Some(self.home_region.as_str()).filter(|region| !region.is_empty())
    }
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            next_table: TABLE_ID_FIRST,
            next_cell: 1,
            next_node: 1,
            next_group: 1,
            settings: BTreeMap::new(),
            forgotten: BTreeMap::new(),
            disks: BTreeMap::new(),
            home_region: String::new(),
        }
    }
}

impl Default for State {
    fn default() -> Self {
        // An empty catalog of version 1, so that watchers know it from none at all.
        let empty = Update { version: 1, full: true, ..Update::default() };
        Self::from_parts(empty, Ledger::default())
    }
}

impl State {
    /// The state of a new cluster.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The catalog as it is now.
    #[must_use]
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// Runs a command, wholly or not at all.
    ///
    /// # Errors
    /// See [`MetadataError`]; nothing has changed then.
    pub fn execute(&mut self, command: &Command) -> Result<Answer, MetadataError> {
        let mut draft = Draft::new(&self.catalog, &self.ledger);
        let answer = draft.execute(command)?;
        let (update, ledger) = draft.finish();
        self.ledger = ledger;
        if !update.is_empty() {
            self.catalog = Arc::new(self.catalog.apply(update.clone()));
            self.recent.push(update);
        }
        Ok(answer)
    }

    /// What brings a watcher from `version` to now: the changes if they are remembered, else all.
    /// None if the watcher has them all. Whoever does not take single cells gets the whole
    /// placement that they are of.
    #[must_use]
    pub fn since(&self, version: u64, takes_cells: bool) -> Option<Update> {
        if version == self.catalog.version {
            return None;
        }
        let known = (1..self.catalog.version).contains(&version);
        let Some(update) = known.then(|| self.recent.since(version)).flatten() else {
            return Some(self.catalog.to_update());
        };
        if takes_cells {
            return Some(update);
        }
        Some(update.with_whole_placements(&self.catalog))
    }

    /// How many things the changes name that are kept for watchers.
    #[must_use]
    pub fn recent_parts(&self) -> usize {
        self.recent.parts()
    }

    /// The replication setting of each placement group, with the region that it means.
    pub(crate) fn settings(&self) -> BTreeMap<GroupId, Replication> {
        let read =
            |text: &String| Some(Replication::from_normalised(text)?.at_home(self.ledger.home()));
        let settings = self.ledger.settings.iter();
        settings.filter_map(|(text, id)| Some((*id, read(text)?))).collect()
    }

    /// What a replication map means here.
    pub(crate) fn replication(
        &self,
        keyspace: &str,
        options: &BTreeMap<String, String>,
    ) -> Result<Replication, MetadataError> {
        Ok(Replication::parse(keyspace, options)?.at_home(self.ledger.home()))
    }

    /// Takes the state apart for a snapshot.
    pub(crate) fn parts(&self) -> (Update, &Ledger) {
        (self.catalog.to_update(), &self.ledger)
    }

    /// Puts a state together from a snapshot.
    pub(crate) fn from_parts(catalog: Update, ledger: Ledger) -> Self {
        let catalog = Arc::new(Catalog::default().apply(catalog));
        Self { catalog, ledger, recent: Recent::default() }
    }
}
