//! Raft groups for one process: one write-ahead log per disk, consensus by openraft.
//!
//! A [`Host`] keeps the log of a disk and the groups in it; a [`Group`] decides on commands that
//! its [`Machine`] applies. What [`Group::propose`] has answered is durable on a majority of the
//! members and found again after any crash, because a proposal is acknowledged only after the
//! log was synced, and the log forgets only what [`Machine::flush`] has made durable.
//!
//! openraft stays behind this crate. [`log`] and [`disk`] can be used and tested on their own.

pub mod disk;
pub mod limits;
pub mod log;

mod error;
mod group;
mod host;
mod machine;
mod runtime;
#[cfg(feature = "sabotage")]
pub mod sabotage;
mod spool;
mod types;

pub use error::{ProposeError, RaftError};
pub use group::{Changes, Group, Members, Standing, ask_member, ask_transfer_leader};
pub use host::{Host, HostOptions, NoRoom, Peers, Room};
pub use machine::{Applied, Entry, Flusher, Machine, MachineError, Pieces, Received};
