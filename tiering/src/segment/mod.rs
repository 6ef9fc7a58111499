//! A segment: sorted rows of one table as one Parquet object. See `FORMAT.md`.

mod meta;

pub use meta::{META_VERSION, SegmentMeta, SegmentName};
