//! Statements that read and write rows.

mod batch;
mod delete;
mod insert;
mod select;
mod selector;
mod truncate;
mod update;
mod using;

pub use batch::{Batch, BatchKind, Modification};
pub use delete::{Delete, Deletion};
pub use insert::{Insert, InsertValues, JsonDefault};
pub use select::{Ordering, Select, SelectClause, SelectItem};
pub use selector::Selector;
pub use truncate::Truncate;
pub use update::{Assignment, Condition, Update};
pub use using::Using;
