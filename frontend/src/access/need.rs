//! The permission that each statement needs.

use std::sync::Arc;

use cellar_cql::plan::{Plan, Planned, write::Write};
use cellar_metadata_api::{Catalog, Command, Granted, Permission, Resource};
use cellar_schema::Table;

use super::{Login, Who};
use crate::{error::RequestError, execute::Executor, system::is_virtual};

/// The keyspaces whose tables everybody who is logged in may read, because drivers must.
const READABLE: [&str; 2] = ["system_schema", "system_virtual_schema"];
/// Tables of `system` that are so too.
const READABLE_OF_SYSTEM: [&str; 3] = ["local", "peers", "peers_v2"];

/// Somebody and what they may do now.
pub(super) struct Asking<'a> {
    pub(super) login: &'a Login,
    pub(super) granted: Arc<Granted>,
}

impl Asking<'_> {
    pub(super) fn need(
        &self,
        permission: Permission,
        resource: &Resource,
    ) -> Result<(), RequestError> {
        self.login.need(&self.granted, permission, resource)
    }
}

impl Executor {
    /// Who asks and what they may do; none if anybody may do everything.
    pub(super) fn asking<'a>(&self, who: &'a Who) -> Result<Option<Asking<'a>>, RequestError> {
        let Who::Role(login) = who else { return Ok(None) };
        let catalog = self.catalog();
        let own = &self.system.identity().datacenter;
        let role = catalog.roles.get(login.name());
        let elsewhere = role.and_then(|role| role.datacenters.as_ref());
        if elsewhere.is_some_and(|allowed| !allowed.contains(own)) {
            return Err(RequestError::unauthorized(format!(
                "You do not have access to this datacenter ({own})"
            )));
        }
        Ok(Some(Asking { login, granted: login.granted(&catalog.roles) }))
    }

    /// The error unless they may run this statement. Changes of the schema and of roles are
    /// checked where they are worked out.
    pub(crate) fn authorize(&self, who: &Who, planned: &Planned) -> Result<(), RequestError> {
        let Some(asking) = self.asking(who)? else { return Ok(()) };
        let catalog = self.catalog();
        match &planned.plan {
            Plan::Select(select) => may_read(&asking, &catalog, select.table()),
            Plan::Write(write) => may_write(&asking, &catalog, write),
            Plan::Batch(batch) => {
                batch.writes().iter().try_for_each(|write| may_write(&asking, &catalog, write))
            }
            Plan::Truncate(table) => asking.need(Permission::Modify, &of(&catalog, table)),
            Plan::Use(_) | Plan::Describe(_) | Plan::Schema(_) | Plan::Access(_) => Ok(()),
        }
    }

    /// The error unless they may do this to the schema.
    pub(crate) fn authorize_change(
        &self,
        who: &Who,
        command: &Command,
    ) -> Result<(), RequestError> {
        let Some(asking) = self.asking(who)? else { return Ok(()) };
        match needed(&self.catalog(), command) {
            Some((permission, resource)) => asking.need(permission, &resource),
            None if asking.granted.superuser => Ok(()),
            None => Err(RequestError::unauthorized("Only superusers may do this")),
        }
    }
}

/// The table as a resource. A view is read by who may read its table.
fn of(catalog: &Catalog, table: &Table) -> Resource {
    let base = catalog.table_by_id(table.id).map_or(table, |base| base);
    Resource::Table(base.keyspace.clone(), base.name.clone())
}

fn may_read(asking: &Asking<'_>, catalog: &Catalog, table: &Table) -> Result<(), RequestError> {
    if is_virtual(table.id) {
        let (keyspace, name) = (table.keyspace.as_str(), table.name.as_str());
        if READABLE.contains(&keyspace)
            || (keyspace == "system" && READABLE_OF_SYSTEM.contains(&name))
        {
            return Ok(());
        }
    }
    asking.need(Permission::Select, &of(catalog, table))
}

/// A condition tells what is there, so it needs to be allowed to read.
fn may_write(asking: &Asking<'_>, catalog: &Catalog, write: &Write) -> Result<(), RequestError> {
    let table = of(catalog, write.table());
    asking.need(Permission::Modify, &table)?;
    if write.is_conditional() {
        asking.need(Permission::Select, &table)?;
    }
    Ok(())
}

/// What a change of the schema needs; none for what is none.
fn needed(catalog: &Catalog, command: &Command) -> Option<(Permission, Resource)> {
    let table = |keyspace: &String, name: &String| Resource::Table(keyspace.clone(), name.clone());
    Some(match command {
        Command::CreateKeyspace { .. } => (Permission::Create, Resource::AllKeyspaces),
        Command::AlterKeyspace { name, .. } => {
            (Permission::Alter, Resource::Keyspace(name.clone()))
        }
        Command::DropKeyspace { name, .. } => (Permission::Drop, Resource::Keyspace(name.clone())),
        Command::CreateTable { definition, .. } => {
            (Permission::Create, Resource::AllTables(definition.keyspace.clone()))
        }
        Command::AlterTable { keyspace, name, .. } => (Permission::Alter, table(keyspace, name)),
        Command::DropTable { keyspace, name, .. } => (Permission::Drop, table(keyspace, name)),
        Command::TruncateTable { keyspace, name } => (Permission::Modify, table(keyspace, name)),
        Command::CreateIndex { definition, .. } => {
            (Permission::Alter, table(&definition.keyspace, &definition.table))
        }
        Command::DropIndex { keyspace, name, .. } => {
            let has = |table: &Table| table.options.indexes.iter().any(|one| one.name == *name);
            (Permission::Alter, owner(catalog, keyspace, has))
        }
        Command::CreateView { definition, .. } => {
            (Permission::Alter, table(&definition.keyspace, &definition.base))
        }
        Command::AlterView { keyspace, name, .. } | Command::DropView { keyspace, name, .. } => {
            (Permission::Alter, owner(catalog, keyspace, |table| table.view(name).is_some()))
        }
        Command::CreateType { keyspace, .. } => {
            (Permission::Create, Resource::AllTables(keyspace.clone()))
        }
        Command::AlterType { keyspace, .. } => {
            (Permission::Alter, Resource::AllTables(keyspace.clone()))
        }
        Command::DropType { keyspace, .. } => {
            (Permission::Drop, Resource::AllTables(keyspace.clone()))
        }
        _ => return None,
    })
}

/// The table that has an index or a view; where none has it, all that could.
fn owner(catalog: &Catalog, keyspace: &str, has: impl Fn(&Table) -> bool) -> Resource {
    let mut tables = catalog.keyspace(keyspace).into_iter().flat_map(|ks| ks.tables.values());
    match tables.find(|table| has(table)) {
        Some(table) => Resource::Table(table.keyspace.clone(), table.name.clone()),
        None => Resource::AllTables(keyspace.to_owned()),
    }
}
