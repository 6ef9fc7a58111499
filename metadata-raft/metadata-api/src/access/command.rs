//! What can be done to roles. Passwords are hashed before they come here.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Permission, Resource, Secret};

/// One change of the roles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoleCommand {
    /// The first superuser, if there is no role at all; else nothing.
    Begin {
        /// Its name.
        name: String,
        /// What its password is checked against.
        secret: Secret,
    },
    /// CREATE ROLE, CREATE USER.
    Create {
        /// Name, case kept.
        name: String,
        /// What it is to be.
        role: NewRole,
        /// IF NOT EXISTS.
        if_not_exists: bool,
        /// Who is granted all permissions on it.
        creator: Option<String>,
    },
    /// ALTER ROLE, ALTER USER.
    Alter {
        /// Name, case kept.
        name: String,
        /// What is to change.
        change: RoleChange,
        /// IF EXISTS.
        if_exists: bool,
    },
    /// DROP ROLE, DROP USER: everything granted to it and on it goes too.
    Drop {
        /// Name, case kept.
        name: String,
        /// IF EXISTS.
        if_exists: bool,
    },
    /// GRANT role TO member, or REVOKE role FROM member.
    Membership {
        /// The role.
        role: String,
        /// Who gets or loses it.
        member: String,
        /// Granted, not revoked.
        grant: bool,
    },
    /// GRANT permissions ON resource TO role, or REVOKE permissions ON resource FROM role.
    Permissions {
        /// Who gets or loses them.
        role: String,
        /// On what.
        resource: Resource,
        /// Which.
        permissions: BTreeSet<Permission>,
        /// Granted, not revoked.
        grant: bool,
        /// ALL was written: no word about those that were granted already.
        all: bool,
    },
}

/// What CREATE ROLE makes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NewRole {
    /// SUPERUSER.
    pub superuser: bool,
    /// LOGIN.
    pub login: bool,
    /// Of PASSWORD.
    pub secret: Option<Secret>,
    /// OPTIONS.
    pub options: BTreeMap<String, String>,
    /// ACCESS TO DATACENTERS; none means all.
    pub datacenters: Option<BTreeSet<String>>,
}

/// What ALTER ROLE changes; none leaves it as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RoleChange {
    /// SUPERUSER.
    pub superuser: Option<bool>,
    /// LOGIN.
    pub login: Option<bool>,
    /// Of PASSWORD.
    pub secret: Option<Secret>,
    /// OPTIONS.
    pub options: Option<BTreeMap<String, String>>,
    /// ACCESS TO DATACENTERS; without names it means all.
    pub datacenters: Option<BTreeSet<String>>,
}
