//! Permissions, the resources they are about, and `LIST`.

use super::RoleName;
use crate::ast::{CqlType, Ident, QualifiedName};

/// `GRANT permissions ON resource TO role`, `REVOKE permissions ON resource FROM role`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionChange {
    /// Granted, not revoked.
    pub grant: bool,
    /// Which permissions.
    pub permissions: PermissionSet,
    /// On what.
    pub resource: Resource,
    /// To or from whom.
    pub role: RoleName,
}

/// Which permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PermissionSet {
    /// `ALL [PERMISSIONS]`
    All,
    /// Some, never empty.
    Some(Vec<Permission>),
}

/// One permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// `CREATE`
    Create,
    /// `ALTER`
    Alter,
    /// `DROP`
    Drop,
    /// `SELECT`
    Select,
    /// `MODIFY`
    Modify,
    /// `AUTHORIZE`
    Authorize,
    /// `DESCRIBE`
    Describe,
    /// `EXECUTE`
    Execute,
    /// `UNMASK`
    Unmask,
    /// `SELECT_MASKED`
    SelectMasked,
}

/// What a permission is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resource {
    /// `ALL KEYSPACES`
    AllKeyspaces,
    /// `KEYSPACE ks`
    Keyspace(Ident),
    /// `ALL TABLES IN KEYSPACE ks`
    AllTables(Ident),
    /// `[TABLE] t`
    Table(QualifiedName),
    /// `ALL ROLES`
    AllRoles,
    /// `ROLE r`
    Role(RoleName),
    /// `ALL FUNCTIONS [IN KEYSPACE ks]`
    AllFunctions(Option<Ident>),
    /// `FUNCTION f(types)`
    Function(QualifiedName, Vec<CqlType>),
    /// `ALL MBEANS`
    AllMBeans,
    /// `MBEAN 'name'`, `MBEANS 'pattern'`
    MBean(Box<str>),
}

/// `LIST`
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum List {
    /// `LIST ROLES [OF role] [NORECURSIVE]`
    Roles {
        /// Whose roles.
        of: Option<RoleName>,
        /// Roles of roles too.
        recursive: bool,
    },
    /// `LIST USERS`
    Users,
    /// `LIST SUPERUSERS`
    Superusers,
    /// `LIST permissions [ON resource] [OF role] [NORECURSIVE]`
    Permissions {
        /// Which permissions.
        permissions: PermissionSet,
        /// On what.
        resource: Option<Resource>,
        /// Whose.
        of: Option<RoleName>,
        /// Inherited ones too.
        recursive: bool,
    },
}
