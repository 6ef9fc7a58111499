//! Identifiers of schema objects. An id is never reused, so that old data can never be read under
//! a new meaning (invariant I-20).

use serde::{Deserialize, Serialize};

/// A table. Assigned by the metadata service, never reused, part of every engine key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TableId(pub u32);

/// A column of one table. Assigned when the column is added, never reused in that table, even
/// when a column of the same name is dropped and added again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ColumnId(pub u32);

/// Names one request that must not be applied twice. Chosen at random by whoever sends it first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(pub u128);
