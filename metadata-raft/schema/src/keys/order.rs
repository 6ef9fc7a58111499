//! The order-preserving form of a value: bytes whose memcmp order is the value order, and which
//! end where they say they end, so that no form is a prefix of another. See `KEYS.md`.

use num_bigint::{BigInt, Sign};

use super::KeyError;
use crate::CqlType;
use crate::value::{
    self, as_decimal, as_f32, as_f64, as_uuid, as_varint, fixed_bytes, split_list, split_map,
    split_tuple, split_vector,
};

/// An absent field of a tuple; the end of a collection.
pub(super) const ABSENT: u8 = 0x00;
/// The empty value.
pub(super) const EMPTY: u8 = 0x01;
/// Any other value; its form follows.
pub(super) const VALUE: u8 = 0x02;

/// Appends presence byte and order form of a value.
pub(super) fn write(out: &mut Vec<u8>, cql_type: &CqlType, bytes: &[u8]) -> Result<(), KeyError> {
    if bytes.is_empty() {
        out.push(EMPTY);
        return Ok(());
    }
    out.push(VALUE);
    write_form(out, cql_type, bytes)
}

fn write_form(out: &mut Vec<u8>, cql_type: &CqlType, bytes: &[u8]) -> Result<(), KeyError> {
    let wrong = || KeyError::Value { cql_type: cql_type.to_string() };
    match cql_type {
        CqlType::Ascii | CqlType::Text | CqlType::Blob | CqlType::Inet | CqlType::Duration => {
            write_escaped(out, bytes);
        }
        CqlType::Tinyint => out.extend(signed::<1>(bytes).ok_or_else(wrong)?),
        CqlType::Smallint => out.extend(signed::<2>(bytes).ok_or_else(wrong)?),
        CqlType::Int => out.extend(signed::<4>(bytes).ok_or_else(wrong)?),
        CqlType::Bigint | CqlType::Counter | CqlType::Timestamp => {
            out.extend(signed::<8>(bytes).ok_or_else(wrong)?);
        }
        CqlType::Boolean => out.push(u8::from(value::as_bool(bytes).ok_or_else(wrong)?)),
        CqlType::Date => out.extend(<[u8; 4]>::try_from(bytes).map_err(|_| wrong())?),
        CqlType::Time => out.extend(<[u8; 8]>::try_from(bytes).map_err(|_| wrong())?),
        CqlType::Float => {
            out.extend(f32_bits(as_f32(bytes).ok_or_else(wrong)?).to_be_bytes());
        }
        CqlType::Double => {
            out.extend(f64_bits(as_f64(bytes).ok_or_else(wrong)?).to_be_bytes());
        }
        CqlType::Uuid => out.extend(uuid_bits(bytes).ok_or_else(wrong)?.to_be_bytes()),
        CqlType::Timeuuid => out.extend(timeuuid_bits(bytes).ok_or_else(wrong)?.to_be_bytes()),
        CqlType::Varint => write_varint(out, &as_varint(bytes).ok_or_else(wrong)?),
        CqlType::Decimal => out.extend(decimal(bytes).ok_or_else(wrong)?),
        CqlType::List(element, _) | CqlType::Set(element, _) => {
            let elements = split_list(bytes).map_err(|_| wrong())?;
            elements.into_iter().try_for_each(|part| write(out, element, part))?;
            out.push(ABSENT);
        }
        CqlType::Map(key, value, _) => {
            for (k, v) in split_map(bytes).map_err(|_| wrong())? {
                write(out, key, k)?;
                write(out, value, v)?;
            }
            out.push(ABSENT);
        }
        CqlType::Tuple(types) => write_fields(out, types.iter(), types.len(), bytes)?,
        CqlType::Udt(udt, _) => {
            let types = udt.fields.iter().map(|(_, kind)| kind);
            write_fields(out, types, udt.fields.len(), bytes)?;
        }
        CqlType::Vector(element, dimensions) => {
            let parts = split_vector(element, *dimensions, bytes).map_err(|_| wrong())?;
            let fixed = fixed_bytes(element).is_some();
            parts.into_iter().try_for_each(|part| {
                if fixed { write_form(out, element, part) } else { write(out, element, part) }
            })?;
        }
    }
    Ok(())
}

fn write_fields<'a>(
    out: &mut Vec<u8>,
    types: impl Iterator<Item = &'a CqlType>,
    count: usize,
    bytes: &[u8],
) -> Result<(), KeyError> {
    let fields =
        split_tuple(count, bytes).map_err(|_| KeyError::Value { cql_type: "tuple".to_owned() })?;
    for (kind, field) in types.zip(fields) {
        match field {
            Some(part) => write(out, kind, part)?,
            None => out.push(ABSENT),
        }
    }
    Ok(())
}

/// 0x00 becomes 0x00 0xFF; the end is 0x00 0x01.
pub(super) fn write_escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len() + 2);
    for byte in bytes {
        out.push(*byte);
        if *byte == 0 {
            out.push(0xff);
        }
    }
    out.extend([0x00, 0x01]);
}

/// Two's complement with the sign bit turned.
fn signed<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    let mut bytes = <[u8; N]>::try_from(bytes).ok()?;
    if let Some(first) = bytes.first_mut() {
        *first ^= 0x80;
    }
    Some(bytes)
}

/// As Java's `Float.compare`: -0 before 0, every NaN the same and after everything.
pub(crate) fn f32_bits(value: f32) -> u32 {
    let bits = if value.is_nan() { 0x7fc0_0000 } else { value.to_bits() };
    if bits >> 31 == 1 { !bits } else { bits | (1 << 31) }
}

/// As Java's `Double.compare`: -0 before 0, every NaN the same and after everything.
pub(crate) fn f64_bits(value: f64) -> u64 {
    let bits = if value.is_nan() { 0x7ff8_0000_0000_0000 } else { value.to_bits() };
    if bits >> 63 == 1 { !bits } else { bits | (1 << 63) }
}

/// Version first; then time for version 1, else the bytes in order.
pub(crate) fn uuid_bits(bytes: &[u8]) -> Option<u128> {
    let (high, low) = as_uuid(bytes)?.as_u64_pair();
    let version = (high >> 12) & 0xf;
    let high = if version == 1 {
        time_first(high)
    } else {
        (version << 60) | ((high >> 16) << 12) | (high & 0xfff)
    };
    Some((u128::from(high) << 64) | u128::from(low))
}

/// Time first, then the rest as signed bytes.
pub(crate) fn timeuuid_bits(bytes: &[u8]) -> Option<u128> {
    let (high, low) = as_uuid(bytes)?.as_u64_pair();
    Some((u128::from(time_first(high)) << 64) | u128::from(low ^ 0x8080_8080_8080_8080))
}

/// Version, then the time from its high bits to its low bits.
fn time_first(high: u64) -> u64 {
    (high << 48) | ((high << 16) & 0xffff_0000_0000) | (high >> 32)
}

/// Length of the magnitude, turned for negatives, then the magnitude.
pub(super) fn write_varint(out: &mut Vec<u8>, value: &BigInt) {
    let start = out.len();
    let (sign, magnitude) = value.to_bytes_be();
    if sign == Sign::NoSign {
        out.push(0x80);
        return;
    }
    match u8::try_from(magnitude.len()) {
        Ok(length) if length < 0x7f => out.push(0x80 + length),
        _ => {
            out.push(0xff);
            out.extend(u32::try_from(magnitude.len()).unwrap_or(u32::MAX).to_be_bytes());
        }
    }
    out.extend(magnitude);
    if sign == Sign::Minus {
        invert_from(out, start);
    }
}

/// Sign, exponent, decimal digits in pairs. Trailing zeros do not count, so that equal numbers
/// have equal forms.
pub(crate) fn decimal(bytes: &[u8]) -> Option<Vec<u8>> {
    let (unscaled, scale) = as_decimal(bytes)?;
    let (sign, digits) = unscaled.to_radix_be(10);
    if sign == Sign::NoSign {
        return Some(vec![0x01]);
    }
    let exponent = i64::try_from(digits.len()).ok()? - i64::from(scale);
    let kept = digits.iter().rposition(|digit| *digit != 0).map_or(0, |last| last + 1);
    let mut out = vec![0x02];
    out.extend((exponent ^ i64::MIN).to_be_bytes());
    for pair in digits.get(..kept)?.chunks(2) {
        match pair {
            [ten, one] => out.push(ten * 10 + one + 1),
            [ten] => out.push(ten * 10 + 1),
            _ => {}
        }
    }
    out.push(0x00);
    if sign == Sign::Minus {
        invert_from(&mut out, 1);
        if let Some(first) = out.first_mut() {
            *first = 0x00;
        }
    }
    Some(out)
}

/// Turns every bit from `start` on: the descending form of what was written there.
pub(super) fn invert_from(out: &mut [u8], start: usize) {
    for byte in out.iter_mut().skip(start) {
        *byte = !*byte;
    }
}
