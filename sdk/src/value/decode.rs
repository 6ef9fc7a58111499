//! CBOR to values. Integers, tags 1, 2, 3, 4, 37, 52, 54, 100, 258 and 1001 are understood; any
//! other tag is an error, because guessing would give a wrong value.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use cbor4ii::core::dec::{self, Decode, Read};
use cbor4ii::core::utils::SliceReader;
use cbor4ii::core::{major, marker, types};
use num_bigint::{BigInt, Sign};
use uuid::Uuid;

use super::{Value, ValueError};
use crate::limits::VALUE_DEPTH_MAX;

type Result<T> = std::result::Result<T, ValueError>;

/// Reads exactly one value.
pub(crate) fn decode(bytes: &[u8]) -> Result<Value> {
    let mut reader = SliceReader::new(bytes);
    let value = item(&mut reader, 0)?;
    match reader.fill(1).map(|rest| rest.as_ref().is_empty()) {
        Ok(true) => Ok(value),
        _ => Err(ValueError::new("bytes after the end of the CBOR value")),
    }
}

fn item(reader: &mut SliceReader<'_>, depth: usize) -> Result<Value> {
    if depth > VALUE_DEPTH_MAX {
        return Err(ValueError::new(format!("CBOR nests deeper than {VALUE_DEPTH_MAX}")));
    }
    let first = reader.fill(1).ok().and_then(|rest| rest.as_ref().first().copied());
    let first = first.ok_or_else(|| ValueError::new("damaged CBOR: it ends too early"))?;
    match dec::if_major(first) {
        major::UNSIGNED | major::NEGATIVE => {
            Ok(whole(BigInt::from(i128::decode(reader).map_err(damaged)?)))
        }
        major::BYTES => {
            let types::Bytes(bytes) = types::Bytes::<Vec<u8>>::decode(reader).map_err(damaged)?;
            Ok(Value::Blob(bytes))
        }
        major::STRING => Ok(Value::Text(String::decode(reader).map_err(damaged)?)),
        major::ARRAY => {
            let length = types::Array::len(reader).map_err(damaged)?;
            let mut parts = Vec::new();
            while more(reader, length, parts.len())? {
                parts.push(item(reader, depth + 1)?);
            }
            Ok(Value::List(parts))
        }
        major::MAP => {
            let length = types::Map::len(reader).map_err(damaged)?;
            let mut entries = Vec::new();
            while more(reader, length, entries.len())? {
                entries.push((item(reader, depth + 1)?, item(reader, depth + 1)?));
            }
            Ok(Value::Map(entries))
        }
        major::TAG => {
            let tag = types::Tag::tag(reader).map_err(damaged)?;
            tagged(tag, item(reader, depth + 1)?)
        }
        _ => simple(reader, first),
    }
}

/// Whether an array or map of this length, or of unknown length, has another element.
fn more(reader: &mut SliceReader<'_>, length: Option<usize>, read: usize) -> Result<bool> {
    match length {
        Some(length) => Ok(read < length),
        None => Ok(!dec::is_break(reader).map_err(damaged)?),
    }
}

fn simple(reader: &mut SliceReader<'_>, first: u8) -> Result<Value> {
    let value = match first {
        marker::FALSE => Value::Boolean(false),
        marker::TRUE => Value::Boolean(true),
        marker::NULL | marker::UNDEFINED => Value::Null,
        marker::F32 => return Ok(Value::Float(f32::decode(reader).map_err(damaged)?)),
        marker::F64 => return Ok(Value::Double(f64::decode(reader).map_err(damaged)?)),
        _ => return Err(ValueError::new(format!("CBOR item {first:#04x} is not understood"))),
    };
    reader.advance(1);
    Ok(value)
}

fn tagged(tag: u64, inner: Value) -> Result<Value> {
    let wrong = || ValueError::new(format!("CBOR tag {tag} does not hold what it should"));
    let found = match (tag, inner) {
        (1, Value::Int(seconds)) => seconds.checked_mul(1_000).map(Value::Timestamp),
        (1, Value::Double(seconds)) => timestamp(seconds),
        (1, Value::Float(seconds)) => timestamp(seconds.into()),
        (2, Value::Blob(bytes)) => Some(whole(BigInt::from_bytes_be(Sign::Plus, &bytes))),
        (3, Value::Blob(bytes)) => {
            Some(whole(BigInt::from(-1) - BigInt::from_bytes_be(Sign::Plus, &bytes)))
        }
        (4, Value::List(parts)) => decimal(parts),
        (37, Value::Blob(bytes)) => Uuid::from_slice(&bytes).ok().map(Value::Uuid),
        (52, Value::Blob(bytes)) => <[u8; 4]>::try_from(bytes.as_slice())
            .ok()
            .map(|octets| Value::Inet(IpAddr::V4(Ipv4Addr::from(octets)))),
        (54, Value::Blob(bytes)) => <[u8; 16]>::try_from(bytes.as_slice())
            .ok()
            .map(|octets| Value::Inet(IpAddr::V6(Ipv6Addr::from(octets)))),
        (100, Value::Int(days)) => Some(Value::Date(days)),
        (258, Value::List(parts)) => Some(Value::Set(parts)),
        (1_001, Value::Map(parts)) => extended_time(&parts).map(Value::Timestamp),
        _ => None,
    };
    found.ok_or_else(wrong)
}

fn whole(value: BigInt) -> Value {
    i64::try_from(&value).map_or(Value::Varint(value), Value::Int)
}

/// Exact for milliseconds of about 285,000 years around 1970.
fn timestamp(seconds: f64) -> Option<Value> {
    let ms = (seconds * 1_000.0).round();
    // 2^63 as a double; comparisons with NaN are false.
    let inside = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&ms);
    #[expect(clippy::cast_possible_truncation, reason = "whole and inside the range of i64")]
    let ms = inside.then_some(ms as i64);
    ms.map(Value::Timestamp)
}

fn decimal(parts: Vec<Value>) -> Option<Value> {
    let mut parts = parts.into_iter();
    let (Some(Value::Int(exponent)), Some(digits), None) =
        (parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let unscaled = match digits {
        Value::Int(value) => value.into(),
        Value::Varint(value) => value,
        _ => return None,
    };
    Some(Value::Decimal { unscaled, scale: exponent.checked_neg()? })
}

/// RFC 9581: seconds under 1, milliseconds under -3.
fn extended_time(parts: &[(Value, Value)]) -> Option<i64> {
    let part = |key: i64| {
        let found = parts.iter().find(|(name, _)| *name == Value::Int(key));
        found.map(|(_, value)| match value {
            Value::Int(value) => Some(*value),
            _ => None,
        })
    };
    let ms = part(-3).unwrap_or(Some(0))?;
    // Wider on the way: the seconds of the first instant are rounded down beyond 64 bits.
    i64::try_from(i128::from(part(1)??) * 1_000 + i128::from(ms)).ok()
}

fn damaged<E: std::fmt::Debug>(error: dec::Error<E>) -> ValueError {
    ValueError::new(format!("damaged CBOR: {error}"))
}
