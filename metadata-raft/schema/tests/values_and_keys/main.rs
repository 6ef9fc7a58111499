//! Values and engine keys: text and JSON forms, the order of values and of keys, that keys read
//! back, that ranges hold what they should, and that the bytes of keys never change.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests fail loudly"
)]

mod compare;
mod forms;
mod golden;
mod order;
mod ranges;
mod values;
