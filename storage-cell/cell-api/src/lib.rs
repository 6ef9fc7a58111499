//! What one asks of a cell: messages, errors, and two ways to reach a node, over the internal
//! transport or inside the same process.
//!
//! Guarantees: a [`CellError`] says truthfully whether the request may have been applied
//! ([`CellError::is_definite`]); a message carries engine keys and mutations only, so that neither
//! side needs CQL here. Knows nothing of the engine, of Raft or of CQL text. Start at [`Cells`].

mod admin;
mod batch;
mod cells;
mod error;
mod read;
mod service;
mod write;

pub use admin::{AdminAnswer, AdminRequest, CellReport};
pub use batch::{BatchStamp, BatchStep, is_repeatable, part, sequence};
pub use cells::{Cells, Target};
pub use error::CellError;
pub use read::{Page, Read, ReadLevel, ReadReply, ReadRequest};
pub use service::{CellService, routes};
pub use write::{Outcome, Write, WriteReply, WriteRequest};
