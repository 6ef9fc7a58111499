//! `LIST`: roles, users, superusers and permissions, with the columns that Cassandra answers.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;
use cellar_cql::{ast, plan::ResultColumn};
use cellar_metadata_api::{Granted, Permission, Resource, Role, Roles};
use cellar_schema::{CqlType, Frozen, value};

use super::{
    need::Asking,
    resource::{self, permissions},
};
use crate::{
    error::RequestError,
    execute::{Answer, Done, Executor, ResultRows},
};

type Row = Vec<Option<Bytes>>;

impl Executor {
    pub(super) fn list(
        &self,
        list: &ast::List,
        asking: Option<&Asking<'_>>,
        keyspace: Option<&str>,
    ) -> Result<Done, RequestError> {
        let roles = Arc::clone(&self.catalog().roles);
        match list {
            ast::List::Roles { of, recursive } => {
                let names = visible(&roles, asking, of.as_deref(), *recursive)?;
                Ok(roles_of(&roles, &names))
            }
            ast::List::Users => {
                let names = visible(&roles, asking, None, true)?;
                Ok(users_of(&roles, &names))
            }
            ast::List::Superusers => superusers(&roles, asking),
            ast::List::Permissions { permissions, resource, of, recursive } => {
                let asked =
                    resource.as_ref().map(|r| resource::resource(r, keyspace)).transpose()?;
                self.exists(&roles, asked.as_ref(), of.as_deref())?;
                let asked = Asked { of: of.as_deref(), on: asked, recursive: *recursive };
                permissions_of(&roles, asking, permissions, &asked)
            }
        }
    }

    /// The error if what is asked about does not exist.
    fn exists(
        &self,
        roles: &Roles,
        resource: Option<&Resource>,
        of: Option<&str>,
    ) -> Result<(), RequestError> {
        let view = self.system.view(self.catalog());
        let names: Vec<&str> = roles.keys().map(String::as_str).collect();
        if let Some(resource) = resource
            && !resource::exists(&view, &names, resource)
        {
            return Err(RequestError::invalid(format!("{resource} doesn't exist")));
        }
        match of {
            Some(name) if !roles.contains_key(name) => Err(missing(name)),
            _ => Ok(()),
        }
    }
}

fn missing(name: &str) -> RequestError {
    RequestError::invalid(format!("<role {name}> doesn't exist"))
}

/// The roles that are asked for, if they may be shown to who asks.
fn visible(
    roles: &Roles,
    asking: Option<&Asking<'_>>,
    of: Option<&str>,
    recursive: bool,
) -> Result<BTreeSet<String>, RequestError> {
    if let Some(name) = of.filter(|name| !roles.contains_key(*name)) {
        return Err(missing(name));
    }
    let granted_to = |name: &str| {
        if recursive {
            return Granted::to(name, roles).roles;
        }
        let direct = roles.get(name).into_iter().flat_map(|role| &role.member_of);
        direct.cloned().chain([name.to_owned()]).collect()
    };
    let sees_all = |asking: &Asking<'_>| {
        asking.granted.on(&Resource::AllRoles).contains(&Permission::Describe)
    };
    match (asking, of) {
        (Some(asking), None) if !sees_all(asking) => Ok(granted_to(asking.login.name())),
        (Some(asking), Some(of)) if !sees_all(asking) && !asking.granted.roles.contains(of) => {
            let message = format!("You are not authorized to view roles granted to {of} ");
            Err(RequestError::unauthorized(message))
        }
        (_, None) => Ok(roles.keys().cloned().collect()),
        (_, Some(of)) => Ok(granted_to(of)),
    }
}

fn roles_of(roles: &Roles, names: &BTreeSet<String>) -> Done {
    let options = CqlType::Map(Box::new(CqlType::Text), Box::new(CqlType::Text), Frozen::No);
    let columns = [
        ("role", CqlType::Text),
        ("super", CqlType::Boolean),
        ("login", CqlType::Boolean),
        ("options", options),
        ("datacenters", CqlType::Text),
    ];
    let row = |(name, role): (&String, &Arc<Role>)| {
        vec![
            text(name),
            boolean(role.superuser),
            boolean(role.login),
            Some(map(&role.options)),
            text(&datacenters(role)),
        ]
    };
    rows("roles", columns, roles.iter().filter(|(name, _)| names.contains(*name)).map(row))
}

fn users_of(roles: &Roles, names: &BTreeSet<String>) -> Done {
    let columns =
        [("name", CqlType::Text), ("super", CqlType::Boolean), ("datacenters", CqlType::Text)];
    let row = |(name, role): (&String, &Arc<Role>)| {
        let superuser = Granted::to(name, roles).superuser;
        vec![text(name), boolean(superuser), text(&datacenters(role))]
    };
    let users = roles.iter().filter(|(name, role)| role.login && names.contains(*name));
    rows("users", columns, users.map(row))
}

fn superusers(roles: &Roles, asking: Option<&Asking<'_>>) -> Result<Done, RequestError> {
    let describes = |asking: &Asking<'_>| {
        asking.granted.on(&Resource::AllRoles).contains(&Permission::Describe)
    };
    if asking.is_some_and(|asking| !describes(asking)) {
        return Err(RequestError::unauthorized("You are not authorized to view superuser details"));
    }
    let superusers = roles.keys().filter(|name| Granted::to(name, roles).superuser);
    Ok(rows("roles", [("role", CqlType::Text)], superusers.map(|name| vec![text(name)])))
}

/// What LIST PERMISSIONS is asked about.
struct Asked<'a> {
    of: Option<&'a str>,
    on: Option<Resource>,
    recursive: bool,
}

fn permissions_of(
    roles: &Roles,
    asking: Option<&Asking<'_>>,
    written: &ast::PermissionSet,
    asked: &Asked<'_>,
) -> Result<Done, RequestError> {
    let own = |asking: &Asking<'_>| asked.of.is_some_and(|of| asking.granted.roles.contains(of));
    if asking.is_some_and(|asking| !asking.granted.superuser && !own(asking)) {
        let whose = asked.of.unwrap_or("everyone");
        let message = format!("You are not authorized to view {whose}'s permissions");
        return Err(RequestError::unauthorized(message));
    }
    let wanted = permissions(written);
    let whose = asked.of.map(|of| Granted::to(of, roles).roles);
    let on: Option<Vec<Resource>> = asked.on.as_ref().map(|resource| {
        if asked.recursive { resource.chain().collect() } else { vec![resource.clone()] }
    });
    let mut found: BTreeSet<(&str, String, Permission, String)> = BTreeSet::new();
    let shown = |name: &String| whose.as_ref().is_none_or(|whose| whose.contains(name));
    for (name, role) in roles.iter().filter(|(name, _)| shown(name)) {
        let about = |resource: &Resource| on.as_ref().is_none_or(|on| on.contains(resource));
        for (resource, granted) in role.permissions.iter().filter(|(on, _)| about(on)) {
            for permission in granted.intersection(&wanted) {
                found.insert((name, resource.path(), *permission, resource.to_string()));
            }
        }
    }
    let columns = ["role", "username", "resource", "permission"].map(|name| (name, CqlType::Text));
    let row = |(name, _, permission, resource): (&str, String, Permission, String)| {
        vec![text(name), text(name), text(&resource), text(&permission.to_string())]
    };
    Ok(rows("permissions", columns, found.into_iter().map(row)))
}

/// Where a role may log in, as Cassandra shows it.
fn datacenters(role: &Role) -> String {
    match &role.datacenters {
        _ if !role.login => "n/a".to_owned(),
        Some(names) if !role.superuser => {
            names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
        }
        _ => "ALL".to_owned(),
    }
}

fn text(text: &str) -> Option<Bytes> {
    Some(Bytes::copy_from_slice(text.as_bytes()))
}

fn boolean(yes: bool) -> Option<Bytes> {
    Some(Bytes::copy_from_slice(&[u8::from(yes)]))
}

fn map(entries: &BTreeMap<String, String>) -> Bytes {
    let entries: Vec<(&[u8], &[u8])> =
        entries.iter().map(|(key, value)| (key.as_bytes(), value.as_bytes())).collect();
    value::build_map(&entries)
}

/// Rows of a table that there is only here; no rows at all are no result, as in Cassandra.
fn rows<const N: usize>(
    table: &str,
    columns: [(&str, CqlType); N],
    rows: impl Iterator<Item = Row>,
) -> Done {
    let rows: Vec<Row> = rows.collect();
    if rows.is_empty() {
        return Done::free(Answer::Void);
    }
    let (keyspace, table): (Arc<str>, Arc<str>) = (Arc::from("system_auth"), Arc::from(table));
    let column = |(name, cql_type): (&str, CqlType)| ResultColumn {
        keyspace: Arc::clone(&keyspace),
        table: Arc::clone(&table),
        name: name.to_owned(),
        cql_type,
    };
    let columns = columns.into_iter().map(column).collect();
    Done::free(Answer::Rows(ResultRows { columns, rows, next: None }))
}
