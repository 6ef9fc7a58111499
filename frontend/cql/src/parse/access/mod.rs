//! Statements about roles and permissions.

mod permission;
mod role;
