//! Values to CBOR, with the tags of the HTTP API.

use std::net::IpAddr;

use cbor4ii::core::enc::{self, Encode, Write};
use cbor4ii::core::types;
use num_bigint::{BigInt, Sign};

use super::Value;

/// Appends the CBOR form of a value.
pub(crate) fn encode(value: &Value, out: &mut Vec<u8>) {
    // Writing to memory fails only where allocation does.
    let _ = item(value, &mut Output(out));
}

struct Output<'a>(&'a mut Vec<u8>);

impl Write for Output<'_> {
    type Error = std::convert::Infallible;

    fn push(&mut self, input: &[u8]) -> Result<(), Self::Error> {
        self.0.extend_from_slice(input);
        Ok(())
    }
}

type Outcome = Result<(), enc::Error<std::convert::Infallible>>;

fn item(value: &Value, out: &mut Output<'_>) -> Outcome {
    match value {
        Value::Null => types::Null.encode(out),
        Value::Boolean(value) => value.encode(out),
        Value::Int(value) => value.encode(out),
        Value::Varint(value) => varint(value, out),
        Value::Decimal { unscaled, scale } => {
            types::Tag(4, types::Nothing).encode(out)?;
            types::Array::bounded(2, out)?;
            scale.saturating_neg().encode(out)?;
            varint(unscaled, out)
        }
        Value::Float(value) => value.encode(out),
        Value::Double(value) => value.encode(out),
        Value::Text(text) => text.as_str().encode(out),
        Value::Blob(bytes) => types::Bytes(bytes.as_slice()).encode(out),
        Value::Uuid(value) => types::Tag(37, types::Bytes(value.as_bytes().as_slice())).encode(out),
        Value::Inet(IpAddr::V4(value)) => {
            types::Tag(52, types::Bytes(value.octets().as_slice())).encode(out)
        }
        Value::Inet(IpAddr::V6(value)) => {
            types::Tag(54, types::Bytes(value.octets().as_slice())).encode(out)
        }
        Value::Timestamp(ms) => timestamp(*ms, out),
        Value::Date(days) => types::Tag(100, *days).encode(out),
        Value::List(parts) => list(parts, out),
        Value::Set(parts) => {
            types::Tag(258, types::Nothing).encode(out)?;
            list(parts, out)
        }
        Value::Map(entries) => {
            types::Map::bounded(entries.len(), out)?;
            for (key, value) in entries {
                item(key, out)?;
                item(value, out)?;
            }
            Ok(())
        }
    }
}

fn list(parts: &[Value], out: &mut Output<'_>) -> Outcome {
    types::Array::bounded(parts.len(), out)?;
    parts.iter().try_for_each(|part| item(part, out))
}

/// Whole seconds as tag 1, anything finer as the exact form of tag 1001.
fn timestamp(ms: i64, out: &mut Output<'_>) -> Outcome {
    let (seconds, rest) = (ms.div_euclid(1_000), ms.rem_euclid(1_000));
    if rest == 0 {
        return types::Tag(1, seconds).encode(out);
    }
    types::Tag(1_001, types::Nothing).encode(out)?;
    types::Map::bounded(2, out)?;
    1_i64.encode(out)?;
    seconds.encode(out)?;
    (-3_i64).encode(out)?;
    rest.encode(out)
}

fn varint(value: &BigInt, out: &mut Output<'_>) -> Outcome {
    if let Ok(small) = i64::try_from(value) {
        return small.encode(out);
    }
    let (tag, magnitude) = match value.sign() {
        Sign::Minus => (3, (BigInt::from(-1) - value).to_bytes_be().1),
        Sign::NoSign | Sign::Plus => (2, value.to_bytes_be().1),
    };
    types::Tag(tag, types::Bytes(magnitude.as_slice())).encode(out)
}
