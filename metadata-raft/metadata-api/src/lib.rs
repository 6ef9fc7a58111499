//! What the metadata service tells everybody: which cell owns which range, on which nodes.
//!
//! Guarantees: types and pure functions only; a [`Placement`] always tiles its key space without
//! gap or overlap and its epochs only grow (invariant I-16). Knows nothing of Raft, sockets or
//! rows. Start at [`Placement`].

mod cell;
mod error;
mod ids;
mod placement;
mod range;

pub use cell::{Cell, SplitPlan};
pub use error::PlacementError;
pub use ids::{CellId, Epoch, GroupId, NodeId, TableId};
pub use placement::Placement;
pub use range::{KeyRange, Position};
