//! The metadata service: one Raft group that holds the schema, the nodes and the placement, and
//! tells every change of them to those who watch.
//!
//! Guarantees: commands are applied one after the other, each wholly or not at all, and the same
//! on every replica ([`State`] is pure); what was answered as done survives the loss of power;
//! watchers see versions in order, each at most once. Start at [`Service`].

mod balance;
mod limits;
mod machine;
mod observe;
mod service;
mod snapshot;
mod state;

pub use balance::BalanceOptions;
pub use machine::OpenError;
pub use service::{Merger, Service, ServiceOptions, StartError};
pub use snapshot::SnapshotError;
pub use state::State;
