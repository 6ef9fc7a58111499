//! The cold tier: rows that are no longer hot, as plain Parquet objects in a store.
//!
//! Start at [`ColdStore`]: it writes sorted rows as one segment and reads them back exactly, every
//! timestamp and tombstone included, fetching only what a read needs. Where objects live is
//! [`store`]. Which segments exist is not known here: the cell
//! keeps each [`SegmentMeta`] in its log.

mod cold;
#[doc = include_str!("../FORMAT.md")]
pub mod format {}
pub mod limits;
pub mod policy;
mod segment;
pub mod store;

pub use cold::{ColdError, ColdStore, Cursor};
pub use segment::{Encoded, META_VERSION, SegmentError, SegmentMeta, SegmentName, encode_segment};
