//! Permissions: granted, revoked, given to who makes something, gone with what they were about.

use std::collections::BTreeSet;

use cellar_metadata_api::{
    Answer, MetadataError, Permission, Resource, Role, SchemaChangeKind, SchemaEvent, SchemaTarget,
};

use super::{super::draft::Draft, missing_role};

impl Draft<'_> {
    /// Grants; answers what to tell of permissions that were granted before.
    pub(super) fn grant(
        &mut self,
        name: &str,
        resource: &Resource,
        permissions: &BTreeSet<Permission>,
    ) -> Result<Vec<String>, MetadataError> {
        let mut role = self.role(name).ok_or_else(|| missing_role(name))?;
        self.must_exist(resource)?;
        let held = role.permissions.entry(resource.clone()).or_default();
        let already: Vec<Permission> = permissions.intersection(held).copied().collect();
        held.extend(permissions);
        if already.len() < permissions.len() {
            self.put_role(name, Some(role));
        }
        Ok(told(&already, |those| {
            format!("Role '{name}' was already granted {those} on {resource}")
        }))
    }

    /// Revokes; answers what to tell of permissions that were not granted.
    pub(super) fn revoke(
        &mut self,
        name: &str,
        resource: &Resource,
        permissions: &BTreeSet<Permission>,
    ) -> Result<Vec<String>, MetadataError> {
        let mut role = self.role(name).ok_or_else(|| missing_role(name))?;
        self.must_exist(resource)?;
        let mut held = role.permissions.remove(resource).unwrap_or_default();
        let absent: Vec<Permission> = permissions.difference(&held).copied().collect();
        held.retain(|permission| !permissions.contains(permission));
        if !held.is_empty() {
            role.permissions.insert(resource.clone(), held);
        }
        if absent.len() < permissions.len() {
            self.put_role(name, Some(role));
        }
        Ok(told(&absent, |those| format!("Role '{name}' was not granted {those} on {resource}")))
    }

    /// Who makes something may do everything with it. A maker that is gone meanwhile gets nothing.
    pub(super) fn give_everything(&mut self, maker: Option<&str>, made: &[Resource]) {
        let Some(maker) = maker else { return };
        let Some(mut role) = self.role(maker) else { return };
        for resource in made {
            role.permissions.entry(resource.clone()).or_default().extend(resource.everything());
        }
        self.put_role(maker, Some(role));
    }

    /// What a change of the schema means for permissions: what is new belongs to who made it, and
    /// nobody keeps permissions on what is gone.
    pub(in crate::state) fn follow_schema(&mut self, answer: &Answer, maker: Option<&str>) {
        let Answer::Schema { change: Some(event), .. } = answer else { return };
        match event.kind {
            SchemaChangeKind::Created => self.give_everything(maker, &made(event)),
            SchemaChangeKind::Dropped => self.forget_permissions(event),
            SchemaChangeKind::Updated => {}
        }
    }

    fn forget_permissions(&mut self, event: &SchemaEvent) {
        let gone = |resource: &Resource| match (event.target, &event.name) {
            (SchemaTarget::Keyspace, _) => resource.is_in_keyspace(&event.keyspace),
            (SchemaTarget::Table, Some(table)) => {
                matches!(resource, Resource::Table(keyspace, name)
                    if *keyspace == event.keyspace && name == table)
            }
            _ => false,
        };
        let before = self.before;
        for (name, role) in before.roles.iter() {
            if role.permissions.keys().any(gone) {
                let mut role = Role::clone(role);
                role.permissions.retain(|resource, _| !gone(resource));
                self.put_role(name, Some(role));
            }
        }
    }

    /// Permissions are about what there is. Functions and beans there are none, and those of all
    /// of them are kept all the same.
    fn must_exist(&self, resource: &Resource) -> Result<(), MetadataError> {
        let exists = match resource {
            Resource::Keyspace(keyspace)
            | Resource::AllTables(keyspace)
            | Resource::FunctionsOf(keyspace) => {
                self.before.keyspaces.contains_key(keyspace) || is_of_the_system(keyspace)
            }
            Resource::Table(keyspace, table) => {
                let tables = self.before.keyspace(keyspace).into_iter();
                let mut tables = tables.flat_map(|keyspace| keyspace.tables.values());
                tables.any(|one| one.name == *table || one.view(table).is_some())
                    || is_of_the_system(keyspace)
            }
            Resource::Role(role) => self.role(role).is_some(),
            Resource::Function(..) => false,
            Resource::AllKeyspaces
            | Resource::AllRoles
            | Resource::AllFunctions
            | Resource::AllMBeans
            | Resource::MBean(_) => true,
        };
        let missing = || MetadataError::invalid(format!("Resource {resource} doesn't exist"));
        exists.then_some(()).ok_or_else(missing)
    }
}

/// The keyspaces that frontends make up; they know which tables those have.
fn is_of_the_system(keyspace: &str) -> bool {
    keyspace == "system" || keyspace.starts_with("system_")
}

fn made(event: &SchemaEvent) -> Vec<Resource> {
    let keyspace = event.keyspace.clone();
    match (event.target, &event.name) {
        (SchemaTarget::Keyspace, _) => {
            vec![Resource::Keyspace(keyspace.clone()), Resource::FunctionsOf(keyspace)]
        }
        (SchemaTarget::Table, Some(table)) => vec![Resource::Table(keyspace, table.clone())],
        _ => Vec::new(),
    }
}

fn told(permissions: &[Permission], words: impl Fn(String) -> String) -> Vec<String> {
    if permissions.is_empty() {
        return Vec::new();
    }
    let names: Vec<String> = permissions.iter().map(Permission::to_string).collect();
    vec![words(names.join(", "))]
}
