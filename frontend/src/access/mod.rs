//! Who a client is and what it may do: passwords, logins, and the permission that each statement
//! needs. Roles themselves are the metadata service's; this decides by them.
//!
//! Guarantees: a statement that its role may not run does nothing; a permission that was revoked is
//! gone for the next statement of every connection, prepared or not; passwords are never kept, in
//! memory or in a log. Start at [`Access`] and [`Who`].

mod begin;
mod list;
mod need;
mod options;
mod password;
mod resource;
mod sasl;
mod statement;
mod verify;
mod who;

pub(crate) use self::{begin::begin, sasl::credentials};
pub use self::{
    verify::{Access, AccessOptions, Authentication},
    who::{Login, Who},
};
