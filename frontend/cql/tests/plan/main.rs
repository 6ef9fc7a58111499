//! Statements become plans and plans become mutations, against one fixed schema: what is sent to
//! the cells, and what is refused with which words.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests fail loudly"
)]

mod batches;
mod collections;
mod conditions;
mod constants;
mod deletes;
mod inserts;
mod json;
mod large;
mod never_panics;
mod options;
mod refusals;
mod schema;
mod schema_changes;
mod updates;
mod words;
