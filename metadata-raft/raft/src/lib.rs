//! Raft groups for one process: one write-ahead log per disk, consensus by openraft.

pub mod disk;
pub mod limits;
pub mod log;
