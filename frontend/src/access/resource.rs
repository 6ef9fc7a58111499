//! Permissions and resources as statements write them, and as they are kept.

use std::collections::BTreeSet;

use cellar_cql::{
    ast,
    plan::{PlanError, SchemaView},
};
use cellar_metadata_api::{Permission, Resource};

use crate::error::RequestError;

/// The resource that a statement means.
pub(super) fn resource(
    written: &ast::Resource,
    keyspace: Option<&str>,
) -> Result<Resource, RequestError> {
    let text = |name: &ast::Ident| name.as_str().to_owned();
    Ok(match written {
        ast::Resource::AllKeyspaces => Resource::AllKeyspaces,
        ast::Resource::Keyspace(name) => Resource::Keyspace(text(name)),
        ast::Resource::AllTables(name) => Resource::AllTables(text(name)),
        ast::Resource::Table(name) => Resource::Table(home(name, keyspace)?, text(&name.name)),
        ast::Resource::AllRoles => Resource::AllRoles,
        ast::Resource::Role(name) => Resource::Role(name.to_string()),
        ast::Resource::AllFunctions(None) => Resource::AllFunctions,
        ast::Resource::AllFunctions(Some(name)) => Resource::FunctionsOf(text(name)),
        ast::Resource::Function(name, types) => {
            let types = types.iter().map(ToString::to_string).collect();
            Resource::Function(home(name, keyspace)?, text(&name.name), types)
        }
        ast::Resource::AllMBeans => Resource::AllMBeans,
        ast::Resource::MBean(name) => Resource::MBean(name.to_string()),
    })
}

fn home(name: &ast::QualifiedName, keyspace: Option<&str>) -> Result<String, RequestError> {
    let written = name.keyspace.as_ref().map(|keyspace| keyspace.as_str().to_owned());
    let home = written.or_else(|| keyspace.map(str::to_owned));
    home.ok_or_else(|| PlanError::NoKeyspace.into())
}

/// Whether there is such a thing, for `LIST`.
pub(super) fn exists(view: &dyn SchemaView, roles: &[&str], resource: &Resource) -> bool {
    match resource {
        Resource::Keyspace(keyspace)
        | Resource::AllTables(keyspace)
        | Resource::FunctionsOf(keyspace) => view.keyspace(keyspace).is_some(),
        Resource::Table(keyspace, table) => view.table(keyspace, table).is_some(),
        Resource::Role(role) => roles.contains(&role.as_str()),
        Resource::Function(..) => false,
        Resource::AllKeyspaces
        | Resource::AllRoles
        | Resource::AllFunctions
        | Resource::AllMBeans
        | Resource::MBean(_) => true,
    }
}

fn permission(written: ast::Permission) -> Permission {
    match written {
        ast::Permission::Create => Permission::Create,
        ast::Permission::Alter => Permission::Alter,
        ast::Permission::Drop => Permission::Drop,
        ast::Permission::Select => Permission::Select,
        ast::Permission::Modify => Permission::Modify,
        ast::Permission::Authorize => Permission::Authorize,
        ast::Permission::Describe => Permission::Describe,
        ast::Permission::Execute => Permission::Execute,
        ast::Permission::Unmask => Permission::Unmask,
        ast::Permission::SelectMasked => Permission::SelectMasked,
    }
}

/// The permissions that a statement names.
pub(super) fn permissions(written: &ast::PermissionSet) -> BTreeSet<Permission> {
    match written {
        ast::PermissionSet::All => Permission::ALL.into_iter().collect(),
        ast::PermissionSet::Some(some) => some.iter().copied().map(permission).collect(),
    }
}

/// Those of them that make sense on the resource. None at all is a syntax error, as in Cassandra,
/// where the grammar finds it; one that makes no sense among others is left out.
pub(super) fn applicable(
    written: &ast::PermissionSet,
    resource: &Resource,
) -> Result<BTreeSet<Permission>, RequestError> {
    let mut permissions = permissions(written);
    permissions.retain(|permission| resource.applicable().contains(permission));
    if permissions.is_empty() {
        return Err(PlanError::syntax(format!(
            "Resource type {} does not support any of the requested permissions",
            resource.sort()
        ))
        .into());
    }
    Ok(permissions)
}
