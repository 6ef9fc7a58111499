//! Roles: who is what, and what follows for them when the schema changes.

mod permissions;

use std::sync::Arc;

use cellar_metadata_api::{
    Answer, Granted, MetadataError, NewRole, Resource, Role, RoleChange, RoleCommand,
};

use super::draft::Draft;

impl Draft<'_> {
    /// Runs a change of the roles.
    pub(super) fn change_roles(&mut self, command: &RoleCommand) -> Result<Answer, MetadataError> {
        match command {
            RoleCommand::Begin { name, secret } => {
                if self.before.roles.is_empty() {
                    let secret = Some(secret.clone());
                    let role = Role { superuser: true, login: true, secret, ..Role::default() };
                    self.put_role(name, Some(role));
                }
                Ok(self.roles_changed(Vec::new()))
            }
            RoleCommand::Create { name, role, if_not_exists, creator } => {
                self.create_role(name, role, *if_not_exists, creator.as_deref())
            }
            RoleCommand::Alter { name, change, if_exists } => {
                self.alter_role(name, change, *if_exists)
            }
            RoleCommand::Drop { name, if_exists } => self.drop_role(name, *if_exists),
            RoleCommand::Membership { role, member, grant } => {
                self.change_membership(role, member, *grant)
            }
            RoleCommand::Permissions { role, resource, permissions, grant, all } => {
                let warnings = if *grant {
                    self.grant(role, resource, permissions)?
                } else {
                    self.revoke(role, resource, permissions)?
                };
                Ok(self.roles_changed(if *all { Vec::new() } else { warnings }))
            }
        }
    }

    fn create_role(
        &mut self,
        name: &str,
        new: &NewRole,
        if_not_exists: bool,
        creator: Option<&str>,
    ) -> Result<Answer, MetadataError> {
        if name.is_empty() {
            return Err(MetadataError::invalid("Role name can't be an empty string"));
        }
        if self.role(name).is_some() {
            if if_not_exists {
                return Ok(self.roles_changed(Vec::new()));
            }
            return Err(MetadataError::invalid(format!("{name} already exists")));
        }
        let new = new.clone();
        let role = Role {
            superuser: new.superuser,
            login: new.login,
            secret: new.secret,
            options: new.options,
            datacenters: new.datacenters,
            ..Role::default()
        };
        self.put_role(name, Some(role));
        self.give_everything(creator, &[Resource::Role(name.to_owned())]);
        Ok(self.roles_changed(Vec::new()))
    }

    fn alter_role(
        &mut self,
        name: &str,
        change: &RoleChange,
        if_exists: bool,
    ) -> Result<Answer, MetadataError> {
        let Some(mut role) = self.role(name) else {
            if if_exists {
                return Ok(self.roles_changed(Vec::new()));
            }
            return Err(missing_role(name));
        };
        role.superuser = change.superuser.unwrap_or(role.superuser);
        role.login = change.login.unwrap_or(role.login);
        role.secret = change.secret.clone().or(role.secret);
        role.options = change.options.clone().unwrap_or(role.options);
        if let Some(names) = &change.datacenters {
            role.datacenters = (!names.is_empty()).then(|| names.clone());
        }
        self.put_role(name, Some(role));
        Ok(self.roles_changed(Vec::new()))
    }

    /// Removes a role with all that was granted to it and on it.
    fn drop_role(&mut self, name: &str, if_exists: bool) -> Result<Answer, MetadataError> {
        if self.role(name).is_none() {
            if if_exists {
                return Ok(self.roles_changed(Vec::new()));
            }
            return Err(MetadataError::invalid(format!("{name} doesn't exist")));
        }
        let gone = Resource::Role(name.to_owned());
        let before = self.before;
        for (other, role) in before.roles.iter().filter(|(other, _)| *other != name) {
            let mut role = Role::clone(role);
            let left = role.member_of.remove(name);
            if role.permissions.remove(&gone).is_some() || left {
                self.put_role(other, Some(role));
            }
        }
        self.put_role(name, None);
        Ok(self.roles_changed(Vec::new()))
    }

    fn change_membership(
        &mut self,
        role: &str,
        member: &str,
        grant: bool,
    ) -> Result<Answer, MetadataError> {
        let existing = |name: &str| {
            let missing = || MetadataError::invalid(format!("{name} doesn't exist"));
            self.role(name).ok_or_else(missing)
        };
        existing(role)?;
        let mut changed = existing(member)?;
        let has = |who: &str, what: &str| Granted::to(who, &self.before.roles).roles.contains(what);
        if grant {
            if has(member, role) {
                let message = format!("{member} is already a member of {role}");
                return Err(MetadataError::invalid(message));
            }
            if has(role, member) {
                return Err(MetadataError::invalid(format!("{role} is a member of {member}")));
            }
            changed.member_of.insert(role.to_owned());
        } else if !changed.member_of.remove(role) {
            return Err(MetadataError::invalid(format!("{member} is not a member of {role}")));
        }
        self.put_role(member, Some(changed));
        Ok(self.roles_changed(Vec::new()))
    }

    /// The role as the draft has it.
    pub(super) fn role(&self, name: &str) -> Option<Role> {
        let drafted = self.drafted().roles.iter().rev().find(|(drafted, _)| drafted == name);
        match drafted {
            Some((_, role)) => role.as_deref().cloned(),
            None => self.before.roles.get(name).map(|role| Role::clone(role)),
        }
    }

    /// Replaces or removes a role.
    pub(super) fn put_role(&mut self, name: &str, role: Option<Role>) {
        let roles = &mut self.update().roles;
        roles.retain(|(drafted, _)| drafted != name);
        roles.push((name.to_owned(), role.map(Arc::new)));
    }

    fn roles_changed(&self, warnings: Vec<String>) -> Answer {
        let version = self.done().version().unwrap_or(self.before.version);
        Answer::Schema { version, change: None, warnings }
    }
}

/// The error of statements that change a role which is not there.
fn missing_role(name: &str) -> MetadataError {
    MetadataError::invalid(format!("Role {name} doesn't exist"))
}
