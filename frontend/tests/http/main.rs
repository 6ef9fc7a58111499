//! The HTTP API from outside: a whole frontend in this process, on a metadata service and a cell
//! that live in memory.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail loudly"
)]

mod cell;
mod client;
#[allow(dead_code, reason = "shared with the tests of the native protocol, which use the rest")]
mod metadata;
mod protocol;
mod query;
mod rows;
mod schema;
mod service;
