//! Who asks: anybody, or a role that has logged in.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use cellar_metadata_api::{Granted, Permission, Resource, Roles};

use crate::error::RequestError;

/// Who asks.
#[derive(Clone, Debug)]
pub enum Who {
    /// Anybody, who may do everything: nobody is asked for credentials.
    Anybody,
    /// A role that has logged in.
    Role(Arc<Login>),
}

/// A role that has logged in, with what it may do by the roles seen last.
#[derive(Debug)]
pub struct Login {
    name: String,
    seen: ArcSwapOption<Seen>,
}

#[derive(Debug)]
struct Seen {
    roles: Arc<Roles>,
    granted: Arc<Granted>,
}

impl Login {
    pub(crate) fn new(name: String) -> Self {
        Self { name, seen: ArcSwapOption::empty() }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it may do by these roles. Worked out once for each version of them.
    pub(crate) fn granted(&self, roles: &Arc<Roles>) -> Arc<Granted> {
        if let Some(seen) = self.seen.load().as_ref()
            && Arc::ptr_eq(&seen.roles, roles)
        {
            return Arc::clone(&seen.granted);
        }
        let granted = Arc::new(Granted::to(&self.name, roles));
        let seen = Seen { roles: Arc::clone(roles), granted: Arc::clone(&granted) };
        self.seen.store(Some(Arc::new(seen)));
        granted
    }

    /// The error unless it may do this with the resource.
    pub(crate) fn need(
        &self,
        granted: &Granted,
        permission: Permission,
        resource: &Resource,
    ) -> Result<(), RequestError> {
        if granted.allows(permission, resource) {
            return Ok(());
        }
        Err(RequestError::unauthorized(format!(
            "User {} has no {permission} permission on {resource} or any of its parents",
            self.name
        )))
    }
}

impl Who {
    /// The role's name; none if anybody asks.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Anybody => None,
            Self::Role(login) => Some(login.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use cellar_metadata_api::Role;

    use super::*;

    #[test]
    fn what_a_login_may_do_follows_the_roles_at_once() {
        let login = Login::new("r".to_owned());
        let mut roles = Arc::new(Roles::new());
        let all = Resource::AllKeyspaces;
        let refused = login.need(&login.granted(&roles), Permission::Select, &all).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "User r has no SELECT permission on <all keyspaces> or any of its parents"
        );
        let root = Role { superuser: true, ..Role::default() };
        Arc::make_mut(&mut roles).insert("r".to_owned(), Arc::new(root));
        let changed = Arc::new(Roles::clone(&roles));
        assert!(login.need(&login.granted(&changed), Permission::Select, &all).is_ok());
    }
}
