//! Statements about roles and permissions.

mod permission;
mod role;

pub use permission::{List, Permission, PermissionChange, PermissionSet, Resource};
pub use role::{
    AlterRole, CreateRole, DropRole, IdentityChange, RoleMembership, RoleName, RoleOption,
};
