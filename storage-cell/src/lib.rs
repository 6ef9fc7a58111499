//! Cells and the node that hosts them.
//!
//! A cell is one replicated range of keys: its log decides, [`apply`](crate) turns decided entries
//! into rows of the engine. Guarantees: an acknowledged write is found again after any crash; a
//! write that was refused never becomes visible; a retry with the same request id gets the first
//! answer; splits lose and repeat nothing. Knows nothing of CQL text. `FORMAT.md`, beside the
//! source, describes log entries and records. Start at [`Node::start`].

mod apply;
mod blocking;
mod cell;
mod cold;
mod commands;
mod index;
mod limits;
mod load;
mod mend;
mod node;
mod read;
mod records;

pub use apply::ApplyError;
pub use cell::StartError;
pub use commands::CommandError;
pub use node::{MergeSteps, Node, NodeError, NodeOptions};
pub use records::RecordError;
