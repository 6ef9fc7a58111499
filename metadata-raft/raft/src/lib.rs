//! Raft groups for one process: one write-ahead log per disk, consensus by openraft.

pub mod disk;
mod group;
pub mod limits;
pub mod log;
mod machine;
mod types;
pub use machine::*;
