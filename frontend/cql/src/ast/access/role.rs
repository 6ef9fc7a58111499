//! Roles and users.

use crate::ast::PropertyValue;

/// The name of a role: lower case unless it was quoted, with single or double quotes.
pub type RoleName = Box<str>;

/// `CREATE ROLE name WITH ...`, `CREATE USER name WITH PASSWORD '...'`
#[derive(Debug, Clone, PartialEq)]
pub struct CreateRole {
    /// The role.
    pub name: RoleName,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// Options; `CREATE USER` adds `Login(true)`.
    pub options: Vec<RoleOption>,
}

/// `ALTER ROLE name WITH ...`
#[derive(Debug, Clone, PartialEq)]
pub struct AlterRole {
    /// The role.
    pub name: RoleName,
    /// `IF EXISTS`
    pub if_exists: bool,
    /// Options.
    pub options: Vec<RoleOption>,
}

/// `DROP ROLE name`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropRole {
    /// The role.
    pub name: RoleName,
    /// `IF EXISTS`
    pub if_exists: bool,
}

/// An option of a role.
#[derive(Debug, Clone, PartialEq)]
pub enum RoleOption {
    /// `PASSWORD = '...'`
    Password(Box<str>),
    /// `HASHED PASSWORD = '...'`
    HashedPassword(Box<str>),
    /// `GENERATED PASSWORD`
    GeneratedPassword,
    /// `LOGIN = b`
    Login(bool),
    /// `SUPERUSER = b`
    Superuser(bool),
    /// `OPTIONS = {...}`
    Custom(PropertyValue),
    /// `ACCESS TO DATACENTERS {...}`; `None` for `ALL DATACENTERS`.
    Datacenters(Option<Vec<Box<str>>>),
    /// `ACCESS FROM CIDRS {...}`; `None` for `ALL CIDRS`.
    Cidrs(Option<Vec<Box<str>>>),
}

/// `GRANT role TO member`, `REVOKE role FROM member`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleMembership {
    /// Granted, not revoked.
    pub grant: bool,
    /// The role that is given.
    pub role: RoleName,
    /// Who gets it.
    pub member: RoleName,
}

/// `ADD IDENTITY 'x' TO ROLE 'y'`, `DROP IDENTITY 'x'`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityChange {
    /// The identity.
    pub identity: Box<str>,
    /// Its role when added; `None` when dropped.
    pub role: Option<RoleName>,
    /// `IF NOT EXISTS` or `IF EXISTS`
    pub conditional: bool,
}
