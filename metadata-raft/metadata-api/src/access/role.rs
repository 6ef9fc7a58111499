//! One role, and all of them by name.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{Permission, Resource};

/// Every role by name.
pub type Roles = BTreeMap<String, Arc<Role>>;

/// A role: somebody who can log in, or a name for a set of permissions, or both.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Role {
    /// May do everything.
    pub superuser: bool,
    /// Can log in.
    pub login: bool,
    /// What a password is checked against; none if there is no password.
    pub secret: Option<Secret>,
    /// Options of `WITH OPTIONS`, kept and shown and without any effect.
    pub options: BTreeMap<String, String>,
    /// The data centres it may log in through; none means all.
    pub datacenters: Option<BTreeSet<String>>,
    /// The roles that were granted to it.
    pub member_of: BTreeSet<String>,
    /// What was granted to it itself.
    pub permissions: BTreeMap<Resource, BTreeSet<Permission>>,
}

/// A salted hash of a password, in the PHC string form. It is never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_not_in_what_is_logged_of_a_role() {
        let secret = Some(Secret("$pbkdf2-sha512$i=1$salt$hash".to_owned()));
        let logged = format!("{:?}", Role { secret, ..Role::default() });
        assert!(!logged.contains("hash"), "{logged}");
    }
}
