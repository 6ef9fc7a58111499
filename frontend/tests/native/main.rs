//! The native protocol from outside: a whole frontend in this process, on a metadata service and a
//! cell that live in memory, and a client made of the wire crate.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail loudly"
)]

mod access;
#[path = "../http/cell.rs"]
#[allow(dead_code, reason = "shared with the tests of HTTP, which use the rest")]
mod cell;
mod client;
mod clients;
mod conformance;
mod describe;
mod extensions;
mod indexes;
#[path = "../http/metadata.rs"]
#[allow(dead_code, reason = "shared with the tests of HTTP, which use the rest")]
mod metadata;
mod now;
mod overview;
mod paging;
mod tracing;
mod views;
