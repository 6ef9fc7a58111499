//! Values that a conditional update adds to: numbers wrap as Java's do, texts grow at their end.

use bytes::Bytes;
use num_bigint::BigInt;

use crate::{CqlType, value};

/// Most decimal places that the parts of a sum may lie apart: each is a digit of the sum.
const PLACES_MAX: u32 = 10_000;

/// How a value is added to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addable {
    /// `tinyint`
    Tinyint,
    /// `smallint`
    Smallint,
    /// `int`
    Int,
    /// `bigint`
    Bigint,
    /// `float`
    Float,
    /// `double`
    Double,
    /// `varint`
    Varint,
    /// `decimal`
    Decimal,
    /// `text` and `ascii`
    Text,
}

/// Each by its code in the stored form.
const CODES: [Addable; 9] = [
    Addable::Tinyint,
    Addable::Smallint,
    Addable::Int,
    Addable::Bigint,
    Addable::Float,
    Addable::Double,
    Addable::Varint,
    Addable::Decimal,
    Addable::Text,
];

impl Addable {
    /// How values of a type are added, if they are.
    #[must_use]
    pub fn of(cql_type: &CqlType) -> Option<Self> {
        Some(match cql_type {
            CqlType::Tinyint => Self::Tinyint,
            CqlType::Smallint => Self::Smallint,
            CqlType::Int => Self::Int,
            CqlType::Bigint => Self::Bigint,
            CqlType::Float => Self::Float,
            CqlType::Double => Self::Double,
            CqlType::Varint => Self::Varint,
            CqlType::Decimal => Self::Decimal,
            CqlType::Text | CqlType::Ascii => Self::Text,
            _ => return None,
        })
    }

    pub(super) fn code(self) -> u8 {
        let codes = (0_u8..).zip(CODES);
        codes.filter(|(_, of)| *of == self).map(|(code, _)| code).next().unwrap_or(u8::MAX)
    }

    pub(super) fn from_code(code: u8) -> Option<Self> {
        CODES.get(usize::from(code)).copied()
    }

    /// Both together; nothing if one is no such value, or the sum has no form.
    #[must_use]
    pub fn sum(self, left: &[u8], right: &[u8]) -> Option<Bytes> {
        fn both<T>(left: &[u8], right: &[u8], read: fn(&[u8]) -> Option<T>) -> Option<(T, T)> {
            Some((read(left)?, read(right)?))
        }
        Some(match self {
            Self::Tinyint => {
                let (left, right) = both(left, right, value::as_i8)?;
                value::tinyint(left.wrapping_add(right))
            }
            Self::Smallint => {
                let (left, right) = both(left, right, value::as_i16)?;
                value::smallint(left.wrapping_add(right))
            }
            Self::Int => {
                let (left, right) = both(left, right, value::as_i32)?;
                value::int(left.wrapping_add(right))
            }
            Self::Bigint => {
                let (left, right) = both(left, right, value::as_i64)?;
                value::bigint(left.wrapping_add(right))
            }
            Self::Float => {
                let (left, right) = both(left, right, value::as_f32)?;
                value::float(left + right)
            }
            Self::Double => {
                let (left, right) = both(left, right, value::as_f64)?;
                value::double(left + right)
            }
            Self::Varint => {
                let (left, right) = both(left, right, value::as_varint)?;
                value::varint(&(left + right))
            }
            Self::Decimal => {
                let (left, right) = both(left, right, value::as_decimal)?;
                decimal(left, right)?
            }
            Self::Text => Bytes::from([left, right].concat()),
        })
    }
}

/// With the places of whichever has more.
fn decimal(left: (BigInt, i32), right: (BigInt, i32)) -> Option<Bytes> {
    let scale = left.1.max(right.1);
    let scaled = |(unscaled, places): (BigInt, i32)| {
        let more = scale.abs_diff(places);
        (more <= PLACES_MAX).then(|| unscaled * BigInt::from(10).pow(more))
    };
    Some(value::decimal(&(scaled(left)? + scaled(right)?), scale))
}
