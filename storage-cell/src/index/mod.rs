//! Secondary indexes: entries that lead from values to rows, kept by every apply in the batch
//! that changes the rows, so that no row is ever without them.
//!
//! They are this node's own: replicas need not agree, and nothing of them is in the log or in a
//! snapshot. Which there are comes from the catalog ([`Indexes`]); whoever writes rows to the
//! engine adds the entries ([`Changes`]); rows from before are worked through in the background
//! ([`build`]); only then are reads of the cell answered by them ([`page`]), and by a scan until
//! then. An entry too many is harmless, because every row is read and tested again. See decision
//! record 0011.

mod build;
mod changes;
mod definitions;
mod key;
mod page;

pub(crate) use build::{Built, build_some, remove_entries, remove_orphans, unbuilt};
pub(crate) use changes::Changes;
pub(crate) use definitions::{Definitions, Indexes};
pub(crate) use page::page;
