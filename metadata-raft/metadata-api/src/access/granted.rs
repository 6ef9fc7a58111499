//! What a role may do, its own permissions and those of the roles granted to it taken together.

use std::collections::{BTreeMap, BTreeSet};

use super::{Permission, Resource, Roles};

/// What a role may do by one version of all roles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Granted {
    /// The role itself and all that were granted to it, directly or not.
    pub roles: BTreeSet<String>,
    /// One of them may do everything.
    pub superuser: bool,
    permissions: BTreeMap<Resource, BTreeSet<Permission>>,
}

impl Granted {
    /// What a role may do; one that is not there may do nothing.
    #[must_use]
    pub fn to(name: &str, all: &Roles) -> Self {
        let mut granted = Self { roles: inherited(name, all), ..Self::default() };
        for role in granted.roles.iter().filter_map(|name| all.get(name)) {
            granted.superuser |= role.superuser;
            for (resource, permissions) in &role.permissions {
                granted.permissions.entry(resource.clone()).or_default().extend(permissions);
            }
        }
        granted
    }

    /// What it may do with exactly this, what stands for it left out.
    #[must_use]
    pub fn on(&self, resource: &Resource) -> BTreeSet<Permission> {
        if self.superuser {
            return resource.everything();
        }
        self.permissions.get(resource).cloned().unwrap_or_default()
    }

    /// Whether it may do this with the resource, or with what stands for it.
    #[must_use]
    pub fn allows(&self, permission: Permission, resource: &Resource) -> bool {
        let has = |on: &Resource| {
            self.permissions.get(on).is_some_and(|granted| granted.contains(&permission))
        };
        self.superuser || resource.chain().any(|on| has(&on))
    }
}

/// The role itself and all that were granted to it, directly or not.
pub(super) fn inherited(name: &str, all: &Roles) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![name];
    while let Some(name) = open.pop() {
        let Some(role) = all.get(name) else { continue };
        if found.insert(name.to_owned()) {
            open.extend(role.member_of.iter().map(String::as_str));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{super::Role, *};

    fn role(member_of: &[&str], granted: &[(Resource, Permission)]) -> Arc<Role> {
        let mut role = Role::default();
        role.member_of.extend(member_of.iter().map(|name| (*name).to_owned()));
        for (resource, permission) in granted {
            role.permissions.entry(resource.clone()).or_default().insert(*permission);
        }
        Arc::new(role)
    }

    fn named(roles: Vec<(&str, Arc<Role>)>) -> Roles {
        roles.into_iter().map(|(name, role)| (name.to_owned(), role)).collect()
    }

    #[test]
    fn permissions_come_from_roles_of_roles_and_hold_for_all_below_a_resource() {
        let keyspace = Resource::Keyspace("ks".to_owned());
        let roles = named(vec![
            ("user", role(&["middle"], &[])),
            ("middle", role(&["readers"], &[])),
            ("readers", role(&[], &[(keyspace, Permission::Select)])),
        ]);
        let granted = Granted::to("user", &roles);
        let table = Resource::Table("ks".to_owned(), "t".to_owned());
        assert!(granted.allows(Permission::Select, &table));
        assert!(!granted.allows(Permission::Modify, &table));
        let other = Resource::Table("other".to_owned(), "t".to_owned());
        assert!(!granted.allows(Permission::Select, &other));
        assert!(!granted.allows(Permission::Select, &Resource::AllKeyspaces));
    }

    #[test]
    fn a_superuser_granted_to_a_role_makes_it_one_and_a_missing_role_may_nothing() {
        let root = Arc::new(Role { superuser: true, ..Role::default() });
        let roles = named(vec![("root", root), ("user", role(&["root", "gone"], &[]))]);
        assert!(Granted::to("user", &roles).superuser);
        assert!(Granted::to("user", &roles).allows(Permission::Create, &Resource::AllRoles));
        assert_eq!(Granted::to("gone", &roles), Granted::default());
    }

    #[test]
    fn roles_in_a_ring_end_the_search() {
        let roles = named(vec![("a", role(&["b"], &[])), ("b", role(&["a"], &[]))]);
        assert_eq!(inherited("a", &roles).len(), 2);
    }
}
