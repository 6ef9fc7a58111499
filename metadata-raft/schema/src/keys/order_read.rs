//! Order forms back to wire bytes. Where the form dropped what does not count for the order, the
//! result is the plainest value that has this form.

use num_bigint::{BigInt, Sign};

use super::KeyError;
use super::order::{ABSENT, EMPTY, VALUE};
use crate::value::{build_list, build_map, build_tuple, build_vector, fixed_bytes};
use crate::{CqlType, Order};

/// Whether the form of every value of this type holds all of its bytes.
pub(super) fn is_exact(cql_type: &CqlType) -> bool {
    matches!(
        cql_type,
        CqlType::Ascii
            | CqlType::Text
            | CqlType::Blob
            | CqlType::Inet
            | CqlType::Duration
            | CqlType::Tinyint
            | CqlType::Smallint
            | CqlType::Int
            | CqlType::Bigint
            | CqlType::Counter
            | CqlType::Timestamp
            | CqlType::Date
            | CqlType::Time
            | CqlType::Uuid
            | CqlType::Timeuuid
    )
}

/// Reads order forms one after another.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    /// Every byte read is XORed with this: 0xFF inside what was written inverted.
    mask: u8,
}

impl<'a> Reader<'a> {
    pub(super) fn new(rest: &'a [u8]) -> Self {
        Self { rest, mask: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Bytes that are not read yet.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    /// Presence and form of one clustering component.
    pub(super) fn component(
        &mut self,
        cql_type: &CqlType,
        direction: Order,
    ) -> Result<Vec<u8>, KeyError> {
        self.mask = if direction == Order::Desc { 0xff } else { 0 };
        let value = self.value(cql_type)?;
        self.mask = 0;
        value.ok_or(KeyError::Corrupt { reason: "a component is absent" })
    }

    /// A value, or nothing where one is absent.
    fn value(&mut self, cql_type: &CqlType) -> Result<Option<Vec<u8>>, KeyError> {
        match self.byte()? {
            ABSENT => Ok(None),
            EMPTY => Ok(Some(Vec::new())),
            VALUE => self.form(cql_type).map(Some),
            _ => Err(KeyError::Corrupt { reason: "unknown presence byte" }),
        }
    }

    fn present(&mut self, cql_type: &CqlType) -> Result<Vec<u8>, KeyError> {
        self.value(cql_type)?.ok_or(KeyError::Corrupt { reason: "an element is absent" })
    }

    fn form(&mut self, cql_type: &CqlType) -> Result<Vec<u8>, KeyError> {
        Ok(match cql_type {
            CqlType::Ascii | CqlType::Text | CqlType::Blob | CqlType::Inet | CqlType::Duration => {
                self.escaped()?
            }
            CqlType::Tinyint => self.signed::<1>()?,
            CqlType::Smallint => self.signed::<2>()?,
            CqlType::Int => self.signed::<4>()?,
            CqlType::Bigint | CqlType::Counter | CqlType::Timestamp => self.signed::<8>()?,
            CqlType::Boolean => self.array::<1>()?.to_vec(),
            CqlType::Date => self.array::<4>()?.to_vec(),
            CqlType::Time => self.array::<8>()?.to_vec(),
            CqlType::Float => {
                let bits = u32::from_be_bytes(self.array()?);
                let bits = if bits >> 31 == 1 { bits & !(1 << 31) } else { !bits };
                bits.to_be_bytes().to_vec()
            }
            CqlType::Double => {
                let bits = u64::from_be_bytes(self.array()?);
                let bits = if bits >> 63 == 1 { bits & !(1 << 63) } else { !bits };
                bits.to_be_bytes().to_vec()
            }
            CqlType::Uuid => uuid(u128::from_be_bytes(self.array()?)),
            CqlType::Timeuuid => timeuuid(u128::from_be_bytes(self.array()?)),
            CqlType::Varint => self.varint()?.to_signed_bytes_be(),
            CqlType::Decimal => self.decimal()?,
            _ => self.nested(cql_type)?,
        })
    }

    fn nested(&mut self, cql_type: &CqlType) -> Result<Vec<u8>, KeyError> {
        let bytes = match cql_type {
            CqlType::List(element, _) | CqlType::Set(element, _) => {
                let mut elements = Vec::new();
                while let Some(part) = self.value(element)? {
                    elements.push(part);
                }
                build_list(&elements)
            }
            CqlType::Map(key, value, _) => {
                let mut entries = Vec::new();
                while let Some(part) = self.value(key)? {
                    entries.push((part, self.present(value)?));
                }
                build_map(&entries)
            }
            CqlType::Tuple(types) => self.fields(types.iter())?,
            CqlType::Udt(udt, _) => self.fields(udt.fields.iter().map(|(_, kind)| kind))?,
            CqlType::Vector(element, dimensions) => {
                let fixed = fixed_bytes(element).is_some();
                let parts = (0..*dimensions)
                    .map(|_| if fixed { self.form(element) } else { self.present(element) })
                    .collect::<Result<Vec<_>, _>>()?;
                build_vector(element, &parts)
            }
            _ => return Err(KeyError::Corrupt { reason: "a type without order form" }),
        };
        Ok(bytes.to_vec())
    }

    fn fields<'t>(
        &mut self,
        types: impl Iterator<Item = &'t CqlType>,
    ) -> Result<bytes::Bytes, KeyError> {
        let fields = types
            .map(|kind| Ok(self.value(kind)?.map(bytes::Bytes::from)))
            .collect::<Result<Vec<_>, KeyError>>()?;
        Ok(build_tuple(&fields))
    }

    /// Bytes up to 0x00 0x01, with 0x00 0xFF read as 0x00.
    pub(super) fn escaped(&mut self) -> Result<Vec<u8>, KeyError> {
        let mut out = Vec::new();
        loop {
            match self.byte()? {
                0x00 => match self.byte()? {
                    0x01 => return Ok(out),
                    0xff => out.push(0x00),
                    _ => return Err(KeyError::Corrupt { reason: "unknown escape" }),
                },
                byte => out.push(byte),
            }
        }
    }

    fn varint(&mut self) -> Result<BigInt, KeyError> {
        let outer = self.mask;
        let mut head = self.byte()?;
        let negative = head < 0x80;
        if negative {
            self.mask = !outer;
            head = !head;
        }
        let length = match head {
            0xff => u32::from_be_bytes(self.array()?),
            head => u32::from(head - 0x80),
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > self.rest.len() {
            return Err(KeyError::Corrupt { reason: "a varint is cut short" });
        }
        let magnitude = (0..length).map(|_| self.byte()).collect::<Result<Vec<_>, _>>()?;
        self.mask = outer;
        let sign = if negative { Sign::Minus } else { Sign::Plus };
        Ok(BigInt::from_bytes_be(sign, &magnitude))
    }

    fn decimal(&mut self) -> Result<Vec<u8>, KeyError> {
        let outer = self.mask;
        let sign = match self.byte()? {
            0x00 => Sign::Minus,
            0x01 => return Ok(vec![0; 5]),
            _ => Sign::Plus,
        };
        if sign == Sign::Minus {
            self.mask = !outer;
        }
        let exponent = i64::from_be_bytes(self.array()?) ^ i64::MIN;
        let mut digits = Vec::new();
        loop {
            match self.byte()? {
                0 => break,
                pair @ 1..=100 => digits.extend([(pair - 1) / 10, (pair - 1) % 10]),
                _ => return Err(KeyError::Corrupt { reason: "unknown decimal digits" }),
            }
        }
        self.mask = outer;
        if digits.last() == Some(&0) {
            digits.pop();
        }
        let count = i64::try_from(digits.len()).unwrap_or(i64::MAX);
        let scale = count.saturating_sub(exponent);
        // Out of range only where stripping zeros moved it there; the exact form then follows.
        let scale = i32::try_from(scale).unwrap_or(i32::MIN);
        let unscaled = BigInt::from_radix_be(sign, &digits, 10)
            .ok_or(KeyError::Corrupt { reason: "unknown decimal digits" })?;
        let mut out = scale.to_be_bytes().to_vec();
        out.extend(unscaled.to_signed_bytes_be());
        Ok(out)
    }

    fn signed<const N: usize>(&mut self) -> Result<Vec<u8>, KeyError> {
        let mut bytes = self.array::<N>()?;
        if let Some(first) = bytes.first_mut() {
            *first ^= 0x80;
        }
        Ok(bytes.to_vec())
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], KeyError> {
        let (bytes, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(KeyError::Corrupt { reason: "a key is cut short" })?;
        self.rest = rest;
        Ok(bytes.map(|byte| byte ^ self.mask))
    }

    fn byte(&mut self) -> Result<u8, KeyError> {
        let [byte] = self.array()?;
        Ok(byte)
    }
}

fn uuid(bits: u128) -> Vec<u8> {
    let version = bits >> 124;
    let low = bits & u128::from(u64::MAX);
    let high = bits >> 64;
    let high = if version == 1 {
        time_back(high)
    } else {
        (((high >> 12) & 0xffff_ffff_ffff) << 16) | (version << 12) | (high & 0xfff)
    };
    ((high << 64) | low).to_be_bytes().to_vec()
}

fn timeuuid(bits: u128) -> Vec<u8> {
    let low = (bits & u128::from(u64::MAX)) ^ 0x8080_8080_8080_8080;
    ((time_back(bits >> 64) << 64) | low).to_be_bytes().to_vec()
}

/// From "version, high, middle, low bits of the time" to the order of the wire.
fn time_back(high: u128) -> u128 {
    ((high & 0xffff_ffff) << 32) | ((high >> 16) & 0xffff_0000) | (high >> 48)
}
