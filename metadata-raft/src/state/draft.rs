//! A change being worked out: the catalog before it, and what it will change.

use std::{collections::BTreeMap, sync::Arc};

use cellar_metadata_api::{
    Answer, Catalog, Command, GroupId, KeyspaceChange, MetadataError, MissingObject, Placement,
    SchemaChangeKind, SchemaEvent, SchemaTarget, TableId, Update,
};
use cellar_schema::{Keyspace, Table};

use super::Ledger;

/// A change being worked out. Dropping it changes nothing.
pub(super) struct Draft<'a> {
    pub(super) before: &'a Catalog,
    pub(super) ledger: Ledger,
    update: Update,
}

impl<'a> Draft<'a> {
    pub(super) fn new(before: &'a Catalog, ledger: &Ledger) -> Self {
        let version = before.version.saturating_add(1);
        let update = Update { version, since: before.version, ..Update::default() };
        Self { before, ledger: ledger.clone(), update }
    }

    pub(super) fn finish(self) -> (Update, Ledger) {
        (self.update, self.ledger)
    }

    /// Runs a command on the draft.
    pub(super) fn execute(&mut self, command: &Command) -> Result<Answer, MetadataError> {
        let (command, maker) = match command {
            Command::By { role, command } => (&**command, Some(role.as_str())),
            other => (other, None),
        };
        let answer = self.run(command)?;
        self.follow_schema(&answer, maker);
        Ok(answer)
    }

    fn run(&mut self, command: &Command) -> Result<Answer, MetadataError> {
        match command {
            Command::Role(command) => self.change_roles(command),
            Command::By { .. } => Err(MetadataError::invalid("a command is done by one role")),
            Command::RegisterNode { node, id } => self.register_node(node, *id),
            Command::SetNodeState { id, state } => self.set_node_state(*id, *state),
            Command::RemoveNode { id } => self.remove_node(*id),
            Command::RegisterFrontend { frontend } => Ok(self.register_frontend(frontend)),
            Command::RemoveFrontend { host_id } => Ok(self.remove_frontend(*host_id)),
            Command::CreateKeyspace { name, replication, durable_writes, if_not_exists } => {
                self.create_keyspace(name, replication, *durable_writes, *if_not_exists)
            }
            Command::AlterKeyspace { name, replication, durable_writes, if_exists } => {
                self.alter_keyspace(name, replication.as_ref(), *durable_writes, *if_exists)
            }
            Command::DropKeyspace { name, if_exists } => self.drop_keyspace(name, *if_exists),
            Command::CreateTable { definition, if_not_exists } => {
                self.create_table(definition, *if_not_exists)
            }
            Command::AlterTable { keyspace, name, if_exists, changes } => {
                self.alter_table(keyspace, name, *if_exists, changes)
            }
            Command::DropTable { keyspace, name, if_exists } => {
                self.drop_table(keyspace, name, *if_exists)
            }
            Command::TruncateTable { keyspace, name } => self.truncate_table(keyspace, name),
            Command::CreateIndex { definition, if_not_exists } => {
                self.create_index(definition, *if_not_exists)
            }
            Command::DropIndex { keyspace, name, if_exists } => {
                self.drop_index(keyspace, name, *if_exists)
            }
            Command::CreateView { definition, if_not_exists } => {
                self.create_view(definition, *if_not_exists)
            }
            Command::AlterView { keyspace, name, if_exists, options } => {
                self.alter_view(keyspace, name, *if_exists, options)
            }
            Command::DropView { keyspace, name, if_exists } => {
                self.drop_view(keyspace, name, *if_exists)
            }
            Command::CreateType { keyspace, name, fields, if_not_exists } => {
                self.create_type(keyspace, name, fields, *if_not_exists)
            }
            Command::AlterType { keyspace, name, if_exists, change } => {
                self.alter_type(keyspace, name, *if_exists, change)
            }
            Command::DropType { keyspace, name, if_exists } => {
                self.drop_type(keyspace, name, *if_exists)
            }
            Command::AllocateCells { count } => self.allocate_cells(*count),
            Command::Split(plan) => self.split(*plan),
            Command::MergeCells { left, right } => self.merge_cells(*left, *right),
            Command::ChangeReplicas { cell, replicas } => self.change_replicas(*cell, replicas),
            Command::PlanReplicas { cell, target } => self.plan_replicas(*cell, target),
            Command::PreferLeader { cell, node } => self.prefer_leader(*cell, *node),
            Command::ForgetTable { table, node } => Ok(self.forget_table(*table, *node)),
        }
    }

    /// The keyspace, or the error that it does not exist.
    pub(super) fn keyspace(&self, name: &str) -> Result<&'a Arc<Keyspace>, MetadataError> {
        self.before.keyspace(name).ok_or_else(|| missing(MissingObject::Keyspace, name.to_owned()))
    }

    /// The table, or the error that it or its keyspace does not exist.
    pub(super) fn table(
        &self,
        keyspace: &str,
        name: &str,
    ) -> Result<&'a Arc<Table>, MetadataError> {
        self.keyspace(keyspace)?
            .tables
            .get(name)
            .ok_or_else(|| missing(MissingObject::Table, format!("{keyspace}.{name}")))
    }

    /// Replaces a keyspace; no other change of the same keyspace may be in the draft.
    pub(super) fn put_keyspace(&mut self, keyspace: Keyspace) {
        let name = keyspace.name.clone();
        self.update.keyspaces.push((name, KeyspaceChange::Whole(Arc::new(keyspace))));
    }

    pub(super) fn remove_keyspace(&mut self, name: &str) {
        self.update.keyspaces.push((name.to_owned(), KeyspaceChange::Removed));
    }

    /// Replaces or removes one table of a keyspace.
    pub(super) fn put_table(&mut self, keyspace: &str, name: &str, table: Option<Table>) {
        let changes = vec![(name.to_owned(), table.map(Arc::new))];
        self.update.keyspaces.push((keyspace.to_owned(), KeyspaceChange::Tables(changes)));
    }

    pub(super) fn put_group(&mut self, keyspace: &str, group: Option<GroupId>) {
        self.update.groups.push((keyspace.to_owned(), group));
    }

    /// Replaces a placement; no other change of the same group may be in the draft.
    pub(super) fn put_placement(&mut self, group: GroupId, placement: Placement) {
        let Some(before) = self.before.placements.get(&group) else {
            self.update.placements.push((group, Some(Arc::new(placement))));
            return;
        };
        let changes = placement.changes_since(before).into_iter();
        self.update.cells.extend(changes.map(|(start, cell)| ((group, start), cell)));
    }

    /// What the draft changes so far.
    pub(super) fn drafted(&self) -> &Update {
        &self.update
    }

    pub(super) fn update(&mut self) -> &mut Update {
        &mut self.update
    }

    /// A table id that was never used.
    pub(super) fn next_table(&mut self) -> Result<TableId, MetadataError> {
        let id = self.ledger.next_table;
        self.ledger.next_table =
            id.checked_add(1).ok_or_else(|| MetadataError::invalid("all table ids are used up"))?;
        Ok(TableId(id))
    }

    /// Marks a table's data for removal. Without cells there is no data.
    pub(super) fn drop_data(&mut self, table: &Table) {
        let Some(group) = self.before.groups.get(&table.keyspace).copied() else { return };
        if self.before.placements.contains_key(&group) {
            self.update.dropped.push((table.id, Some(group)));
        }
    }

    /// The answer to a change of the schema.
    pub(super) fn changed(
        &self,
        kind: SchemaChangeKind,
        target: SchemaTarget,
        keyspace: &str,
        name: Option<&str>,
    ) -> Answer {
        let name = name.map(str::to_owned);
        let change = SchemaEvent { kind, target, keyspace: keyspace.to_owned(), name };
        let version = self.update.version;
        Answer::Schema { version, change: Some(change), warnings: Vec::new() }
    }

    /// The answer if IF EXISTS or IF NOT EXISTS left everything as it was.
    pub(super) fn unchanged(&self) -> Answer {
        Answer::Schema { version: self.before.version, change: None, warnings: Vec::new() }
    }

    /// The answer to anything that is not of the schema.
    pub(super) fn done(&self) -> Answer {
        let changed = !self.update.is_empty();
        let version = if changed { self.update.version } else { self.before.version };
        Answer::Done { version }
    }
}

/// The error that something does not exist.
pub(super) fn missing(what: MissingObject, name: String) -> MetadataError {
    MetadataError::Missing { what, name, hint: None }
}

/// Whether a name can be that of a keyspace, table or type: letters, digits and underscores.
pub(super) fn is_valid_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= crate::limits::NAME_CHARACTERS_MAX
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// A name that occurs twice.
pub(super) fn duplicate<'n>(names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let mut seen = BTreeMap::new();
    names.into_iter().find(|name| seen.insert(*name, ()).is_some())
}
