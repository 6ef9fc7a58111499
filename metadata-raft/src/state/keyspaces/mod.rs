//! CREATE, ALTER and DROP KEYSPACE.

mod places;
mod replication;

use std::{collections::BTreeMap, sync::Arc};

use cellar_metadata_api::{Answer, MetadataError, Node, SchemaChangeKind, SchemaTarget};
use cellar_schema::{Keyspace, Tables};

pub(crate) use self::replication::Replication;
use super::draft::{Draft, is_valid_name};
use crate::limits::{KEYSPACE_CHARACTERS_MAX, KEYSPACES_MAX};

/// Keyspaces that the frontends themselves show.
const SYSTEM: [&str; 11] = [
    "system",
    "system_cellar",
    "system_schema",
    "system_auth",
    "system_distributed",
    "system_traces",
    "system_views",
    "system_virtual_schema",
    "system_schema_mcs",
    "system_multiregion_info",
    "system_cluster_metadata",
];

impl Draft<'_> {
    pub(super) fn create_keyspace(
        &mut self,
        name: &str,
        options: &BTreeMap<String, String>,
        durable_writes: bool,
        if_not_exists: bool,
    ) -> Result<Answer, MetadataError> {
        refuse_system(name)?;
        if self.before.keyspaces.contains_key(name) {
            if if_not_exists {
                return Ok(self.unchanged());
            }
            let keyspace = name.to_owned();
            return Err(MetadataError::AlreadyExists { keyspace, table: None });
        }
        if !is_valid_name(name) || name.len() > KEYSPACE_CHARACTERS_MAX {
            return Err(MetadataError::invalid(format!(
                "Keyspace name must not be empty, more than {KEYSPACE_CHARACTERS_MAX} characters \
                 long, or contain non-alphanumeric-underscore characters (got \"{name}\")"
            )));
        }
        if self.before.keyspaces.len() >= KEYSPACES_MAX {
            return Err(MetadataError::invalid(format!(
                "Cannot add keyspace {name}: there are {KEYSPACES_MAX} already, which is the most"
            )));
        }
        let options = Replication::with_default(options);
        let replication = Replication::parse(name, &options)?;
        self.check_places(name, &replication)?;
        let group = self.group_for(&replication);
        self.put_group(name, Some(group));
        self.put_keyspace(Keyspace {
            name: name.to_owned(),
            replication: options,
            durable_writes,
            tables: Tables::default(),
            types: BTreeMap::new(),
        });
        let created = self.changed(SchemaChangeKind::Created, SchemaTarget::Keyspace, name, None);
        Ok(self.warned(created, name, &replication))
    }

    pub(super) fn alter_keyspace(
        &mut self,
        name: &str,
        options: Option<&BTreeMap<String, String>>,
        durable_writes: Option<bool>,
        if_exists: bool,
    ) -> Result<Answer, MetadataError> {
        refuse_system(name)?;
        if if_exists && !self.before.keyspaces.contains_key(name) {
            return Ok(self.unchanged());
        }
        let mut keyspace = Keyspace::clone(self.keyspace(name)?);
        keyspace.durable_writes = durable_writes.unwrap_or(keyspace.durable_writes);
        let before = Replication::parse(name, &keyspace.replication)?;
        if let Some(options) = options {
            keyspace.replication.clone_from(options);
        }
        let replication = Replication::parse(name, &keyspace.replication)?;
        let moves = before.normalised() != replication.normalised();
        if moves {
            self.check_places(name, &replication)?;
        }
        if moves && keyspace.tables.is_empty() {
            let group = self.group_for(&replication);
            self.put_group(name, Some(group));
        }
        let has_tables = !keyspace.tables.is_empty();
        let stays = moves && has_tables && !self.resettle(name, &replication);
        self.put_keyspace(keyspace);
        let updated = self.changed(SchemaChangeKind::Updated, SchemaTarget::Keyspace, name, None);
        let mut answer = self.warned(updated, name, &replication);
        if let (true, Answer::Schema { warnings, .. }) = (stays, &mut answer) {
            warnings.push(format!(
                "Keyspace {name} has tables: their data and that of new tables stays on the nodes \
                 chosen by the replication setting it was created with"
            ));
        }
        Ok(answer)
    }

    pub(super) fn drop_keyspace(
        &mut self,
        name: &str,
        if_exists: bool,
    ) -> Result<Answer, MetadataError> {
        refuse_system(name)?;
        if if_exists && !self.before.keyspaces.contains_key(name) {
            return Ok(self.unchanged());
        }
        let keyspace = Arc::clone(self.keyspace(name)?);
        for table in keyspace.tables.values() {
            self.drop_data(table);
        }
        self.remove_keyspace(name);
        self.put_group(name, None);
        Ok(self.changed(SchemaChangeKind::Dropped, SchemaTarget::Keyspace, name, None))
    }

    fn check_places(&self, name: &str, setting: &Replication) -> Result<(), MetadataError> {
        let nodes: Vec<&Node> = self.before.nodes.values().collect();
        setting.clone().at_home(self.ledger.home()).check_places(name, &nodes)
    }

    /// The answer with what a client should know about copies without a node.
    fn warned(&self, answer: Answer, keyspace: &str, replication: &Replication) -> Answer {
        let nodes: Vec<&Node> = self.before.nodes.values().collect();
        match answer {
            Answer::Schema { version, change, .. } if !nodes.is_empty() => {
                let setting = replication.clone().at_home(self.ledger.home());
                let warnings = setting.warnings(keyspace, &nodes);
                Answer::Schema { version, change, warnings }
            }
            other => other,
        }
    }
}

/// Refuses what would touch a keyspace that the frontends themselves show.
pub(super) fn refuse_system(keyspace: &str) -> Result<(), MetadataError> {
    if SYSTEM.contains(&keyspace) {
        return Err(MetadataError::invalid(format!("{keyspace} keyspace is not user-modifiable.")));
    }
    Ok(())
}
