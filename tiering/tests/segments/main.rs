//! Segments: rows read back exactly, ranges hold what they should, damage is found, little is read.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests fail loudly"
)]

mod counting;
mod cursor;
mod damage;
mod exact;
mod rows;
#[path = "../../../metadata-raft/schema/tests/values_and_keys/values.rs"]
mod values;
