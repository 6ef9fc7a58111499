//! `SELECT` from text to rows: plans are bound, their reads answered from a model of the store,
//! and what the reader makes of them compared with what Cassandra answers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests fail loudly"
)]

#[path = "../plan/schema.rs"]
#[allow(dead_code, reason = "shared with the tests of writes, which use the rest")]
mod schema;

mod batches;
mod dropped;
mod filters;
mod grouping;
mod indexes;
mod limits;
mod naive;
mod never_panics;
mod order;
mod reads;
mod recorded;
mod refusals;
mod selectors;
mod statics;
mod store;
