//! CQL data types, as schema objects hold them. Values of these types travel as the bytes of the
//! CQL native protocol; nothing is decoded until a function, JSON or Parquet needs it.

mod parse;
mod print;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use parse::TypeError;
pub(crate) use print::Identifier;

/// A CQL type. `frozen` is kept where CQL allows both forms; types inside a frozen type count as
/// frozen whatever their own flag says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CqlType {
    /// US-ASCII text.
    Ascii,
    /// 64-bit signed integer.
    Bigint,
    /// Arbitrary bytes.
    Blob,
    /// True or false, one byte.
    Boolean,
    /// Distributed 64-bit counter; only additions.
    Counter,
    /// Days, as u32 with 2^31 meaning 1970-01-01.
    Date,
    /// Arbitrary precision decimal: i32 scale, then varint.
    Decimal,
    /// IEEE 754 binary64.
    Double,
    /// Months, days, nanoseconds, as three signed vints.
    Duration,
    /// IEEE 754 binary32.
    Float,
    /// IPv4 or IPv6 address.
    Inet,
    /// 32-bit signed integer.
    Int,
    /// 16-bit signed integer.
    Smallint,
    /// UTF-8 text; `varchar` is the same type.
    Text,
    /// Nanoseconds since midnight, i64.
    Time,
    /// Milliseconds since the epoch, i64.
    Timestamp,
    /// Version 1 UUID.
    Timeuuid,
    /// 8-bit signed integer.
    Tinyint,
    /// Any UUID.
    Uuid,
    /// Arbitrary precision integer, two's complement.
    Varint,
    /// Ordered values.
    List(Box<CqlType>, Frozen),
    /// Sorted distinct values.
    Set(Box<CqlType>, Frozen),
    /// Sorted distinct keys with values.
    Map(Box<CqlType>, Box<CqlType>, Frozen),
    /// Fixed number of values, always frozen.
    Tuple(Vec<CqlType>),
    /// A user-defined type, resolved.
    Udt(Arc<UserType>, Frozen),
    /// Fixed number of non-null values.
    Vector(Box<CqlType>, u16),
}

/// Whether a collection or user-defined type is stored as one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Frozen {
    /// One value, replaced as a whole.
    Yes,
    /// Element by element, each with its own timestamp.
    No,
}

/// A user-defined type. Fields are only ever added at the end or renamed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UserType {
    /// Keyspace that owns the type.
    pub keyspace: String,
    /// Name of the type, case kept.
    pub name: String,
    /// Fields in declaration order.
    pub fields: Vec<(String, CqlType)>,
}

impl CqlType {
    /// Whether values are stored element by element ([`crate::ColumnData::Complex`]).
    #[must_use]
    pub fn is_multi_cell(&self) -> bool {
        matches!(
            self,
            Self::List(_, Frozen::No)
                | Self::Set(_, Frozen::No)
                | Self::Map(_, _, Frozen::No)
                | Self::Udt(_, Frozen::No)
        )
    }

    /// Whether this is a list, set or map.
    #[must_use]
    pub fn is_collection(&self) -> bool {
        matches!(self, Self::List(..) | Self::Set(..) | Self::Map(..))
    }
}
