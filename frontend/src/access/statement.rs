//! Statements that change roles and permissions: who may run them, and the command each becomes.

use std::collections::BTreeSet;

use cellar_cql::{ast, plan::PlanError};
use cellar_metadata_api::{Command, NewRole, Permission, Resource, RoleChange, RoleCommand, Roles};

use super::{
    Who,
    need::Asking,
    options::Options,
    resource::{applicable, resource},
};
use crate::{
    error::RequestError,
    execute::{Answer, Done, Executor},
};

impl Executor {
    /// Runs a statement about roles or permissions.
    pub(crate) async fn access_statement(
        &self,
        statement: &ast::Statement,
        who: &Who,
        keyspace: Option<&str>,
    ) -> Result<Done, RequestError> {
        let asking = self.asking(who)?;
        let asking = asking.as_ref();
        let command = match statement {
            ast::Statement::List(list) => return self.list(list, asking, keyspace),
            ast::Statement::CreateRole(create) => self.create_role(create, asking).await?,
            ast::Statement::AlterRole(alter) => self.alter_role(alter, asking).await?,
            ast::Statement::DropRole(drop) => drop_role(drop, asking, &self.catalog().roles)?,
            ast::Statement::RoleMembership(change) => membership(change, asking)?,
            ast::Statement::Permission(change) => permissions(change, asking, keyspace)?,
            _ => return Err(PlanError::not_built("ADD IDENTITY and DROP IDENTITY").into()),
        };
        let mut done = self.submit(Command::Role(command)).await?;
        done.answer = Answer::Void;
        Ok(done)
    }

    async fn create_role(
        &self,
        create: &ast::CreateRole,
        asking: Option<&Asking<'_>>,
    ) -> Result<RoleCommand, RequestError> {
        let mut options = Options::read(&create.options)?;
        if let Some(asking) = asking {
            privileged(asking, Permission::Create, &Resource::AllRoles)?;
            let superuser = options.superuser == Some(true);
            only_superusers(asking, superuser, "can create a role with superuser status")?;
        }
        self.check_datacenters(&options)?;
        let role = NewRole {
            secret: options.secret(&self.access).await?,
            superuser: options.superuser.unwrap_or_default(),
            login: options.login.unwrap_or_default(),
            options: options.custom.unwrap_or_default(),
            datacenters: options.datacenters.filter(|names| !names.is_empty()),
        };
        Ok(RoleCommand::Create {
            name: create.name.to_string(),
            role,
            if_not_exists: create.if_not_exists,
            creator: asking.map(|asking| asking.login.name().to_owned()),
        })
    }

    async fn alter_role(
        &self,
        alter: &ast::AlterRole,
        asking: Option<&Asking<'_>>,
    ) -> Result<RoleCommand, RequestError> {
        let mut options = Options::read(&alter.options)?;
        if let Some(asking) = asking {
            may_alter(asking, &alter.name, &options)?;
        }
        if options.is_empty() {
            return Err(RequestError::invalid("ALTER [ROLE|USER] can't be empty"));
        }
        self.check_datacenters(&options)?;
        let change = RoleChange {
            secret: options.secret(&self.access).await?,
            superuser: options.superuser,
            login: options.login,
            options: options.custom,
            datacenters: options.datacenters,
        };
        let (name, if_exists) = (alter.name.to_string(), alter.if_exists);
        Ok(RoleCommand::Alter { name, change, if_exists })
    }

    fn check_datacenters(&self, options: &Options) -> Result<(), RequestError> {
        let catalog = self.catalog();
        let mut known: BTreeSet<&str> = BTreeSet::from([&*self.system.identity().datacenter]);
        known.extend(catalog.nodes.values().map(|node| node.datacenter.as_str()));
        known.extend(catalog.frontends.values().map(|frontend| frontend.datacenter.as_str()));
        options.check_datacenters(&known)
    }
}

/// The error unless they may do this with a role, in the words that Cassandra has for roles.
fn privileged(
    asking: &Asking<'_>,
    permission: Permission,
    resource: &Resource,
) -> Result<(), RequestError> {
    if asking.granted.allows(permission, resource) {
        return Ok(());
    }
    Err(RequestError::unauthorized(format!(
        "User {} does not have sufficient privileges to perform the requested operation",
        asking.login.name()
    )))
}

fn only_superusers(asking: &Asking<'_>, asked: bool, may: &str) -> Result<(), RequestError> {
    if asked && !asking.granted.superuser {
        return Err(RequestError::unauthorized(format!("Only superusers {may}")));
    }
    Ok(())
}

fn may_alter(asking: &Asking<'_>, name: &str, options: &Options) -> Result<(), RequestError> {
    let superuser = options.superuser.is_some();
    if superuser && asking.granted.roles.contains(name) {
        return Err(RequestError::unauthorized(
            "You aren't allowed to alter your own superuser status or that of a role granted to \
             you",
        ));
    }
    only_superusers(asking, superuser, "are allowed to alter superuser status")?;
    let datacenters = options.datacenters.is_some();
    only_superusers(asking, datacenters, "are allowed to alter access to datacenters.")?;
    if asking.granted.superuser {
        return Ok(());
    }
    if asking.login.name() != name {
        return privileged(asking, Permission::Alter, &Resource::Role(name.to_owned()));
    }
    match options.restricted() {
        Some(option) => {
            Err(RequestError::unauthorized(format!("You aren't allowed to alter {option}")))
        }
        None => Ok(()),
    }
}

fn drop_role(
    drop: &ast::DropRole,
    asking: Option<&Asking<'_>>,
    roles: &Roles,
) -> Result<RoleCommand, RequestError> {
    let name = drop.name.to_string();
    if let Some(asking) = asking {
        privileged(asking, Permission::Drop, &Resource::Role(name.clone()))?;
        let superuser = cellar_metadata_api::Granted::to(&name, roles).superuser;
        only_superusers(asking, superuser, "can drop a role with superuser status")?;
        if asking.login.name() == name {
            return Err(RequestError::invalid("Cannot DROP primary role for current login"));
        }
    }
    Ok(RoleCommand::Drop { name, if_exists: drop.if_exists })
}

fn membership(
    change: &ast::RoleMembership,
    asking: Option<&Asking<'_>>,
) -> Result<RoleCommand, RequestError> {
    let role = change.role.to_string();
    if let Some(asking) = asking {
        privileged(asking, Permission::Authorize, &Resource::Role(role.clone()))?;
    }
    Ok(RoleCommand::Membership { role, member: change.member.to_string(), grant: change.grant })
}

/// Who grants or revokes must hold AUTHORIZE and what they give or take.
fn permissions(
    change: &ast::PermissionChange,
    asking: Option<&Asking<'_>>,
    keyspace: Option<&str>,
) -> Result<RoleCommand, RequestError> {
    let resource = resource(&change.resource, keyspace)?;
    let permissions = applicable(&change.permissions, &resource)?;
    if let Some(asking) = asking {
        asking.need(Permission::Authorize, &resource)?;
        permissions.iter().try_for_each(|permission| asking.need(*permission, &resource))?;
    }
    Ok(RoleCommand::Permissions {
        role: change.role.to_string(),
        resource,
        permissions,
        grant: change.grant,
        all: change.permissions == ast::PermissionSet::All,
    })
}
