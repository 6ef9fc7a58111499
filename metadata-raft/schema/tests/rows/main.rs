//! Rows, marks and mutations from outside: their stored forms, how they merge, how changes are
//! applied and conditions decided.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests fail loudly"
)]

mod applying;
mod conditions;
mod fixtures;
mod lists;
mod memory;
mod merge_laws;
mod stored_forms;
mod strategies;
