//! Engine keys: where every record is, in bytes whose memcmp order is table, token, partition,
//! clustering order. `KEYS.md` gives every byte.

mod engine;
pub(crate) mod order;
mod order_read;
mod range;
mod suffix;

use bytes::Bytes;
use thiserror::Error;

use crate::CqlType;

pub use engine::{
    DecodedKey, RowKind, decode, engine_key, partition, position_key, routing, routing_components,
    split, table_of, table_range, token_of, token_range,
};
pub use range::{suffix_range, suffix_range_tuple};
pub use suffix::{
    clustering_of, has_equal_rows, kind_of, marks_suffix, row_suffix, rows_end, rows_start,
    static_suffix, value_bytes,
};

/// Tables below this id hold Cellar's own records, never a user's.
pub const FIRST_USER_TABLE: crate::TableId = crate::TableId(16);

/// A value as bound of the next clustering column, and whether it is itself inside.
pub type Bound = (Bytes, bool);

/// Values as bound of the first clustering columns, and whether rows that have them are inside.
pub type TupleBound<'a> = (&'a [Bytes], bool);

/// Values or bytes that make no key.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The number of values is not the number of key columns, or more than there are.
    #[error("expected {expected} key components but got {got}")]
    Components {
        /// Columns of the key.
        expected: usize,
        /// Values given.
        got: usize,
    },
    /// A component, or the whole, is longer than a key may be.
    #[error("Key length of {bytes} is longer than maximum of {limit_bytes}")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        limit_bytes: usize,
    },
    /// A component is no value of its column's type.
    #[error("a key component is no valid {cql_type}")]
    Value {
        /// The type.
        cql_type: String,
    },
    /// Bytes that no key of this table can be.
    #[error("corrupt key: {reason}")]
    Corrupt {
        /// What is wrong.
        reason: &'static str,
    },
}

/// The order-preserving form of a set element or map key of a [`crate::Complex`]: equal for equal
/// elements, sorted as Cassandra sorts them.
///
/// # Errors
/// When the bytes are no value of the type.
pub fn element_key(element: &CqlType, bytes: &[u8]) -> Result<Bytes, KeyError> {
    let mut out = Vec::with_capacity(bytes.len() + 4);
    order::write(&mut out, element, bytes)?;
    Ok(Bytes::from(out))
}

/// The smallest key greater than every key that starts with this prefix. (A prefix of nothing but
/// 0xFF has none; the answer is then 0xFF sixteen times and no key of Cellar is above it.)
#[must_use]
pub fn after(prefix: &[u8]) -> Bytes {
    let mut out = prefix.to_vec();
    while let Some(last) = out.pop() {
        if let Some(next) = last.checked_add(1) {
            out.push(next);
            return Bytes::from(out);
        }
    }
    Bytes::from_static(&[0xff; 16])
}
