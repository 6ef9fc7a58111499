//! Roles, what they may do, and on what. Kept by the metadata service like the schema, because
//! every frontend decides by them for every statement.
//!
//! Guarantees: a role's password is here only as a salted hash, which never appears in a log;
//! what a role may do depends on nothing but the roles themselves.

mod command;
mod granted;
mod resource;
mod role;

pub use self::{
    command::{NewRole, RoleChange, RoleCommand},
    granted::Granted,
    resource::{Permission, Resource},
    role::{Role, Roles, Secret},
};
