//! Literals as written: typed only as far as the text alone tells.

use bytes::Bytes;
use uuid::Uuid;

/// A constant. Numbers that fit no machine type, and floats, keep their text, because decimals
/// must not lose digits.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// Text in quotes or between `$$`.
    Text(Box<str>),
    /// An integer of 64 bits.
    Integer(i64),
    /// An integer beyond 64 bits, with its sign.
    BigInteger(Box<str>),
    /// A number with a point or an exponent, or `NaN`, `Infinity`, `-NaN`, `-Infinity`.
    Float(Box<str>),
    /// `true` or `false`.
    Boolean(bool),
    /// A uuid.
    Uuid(Uuid),
    /// `0x...`
    Blob(Bytes),
    /// A duration.
    Duration(Duration),
}

/// A duration: months, days and nanoseconds, all of one sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Duration {
    /// Calendar months.
    pub months: i32,
    /// Days, which may have 23 or 25 hours.
    pub days: i32,
    /// The rest.
    pub nanoseconds: i64,
}

impl Duration {
    /// The duration backwards; every part is non-negative before, so this cannot overflow.
    pub(crate) fn negated(self) -> Self {
        Self {
            months: self.months.wrapping_neg(),
            days: self.days.wrapping_neg(),
            nanoseconds: self.nanoseconds.wrapping_neg(),
        }
    }
}
