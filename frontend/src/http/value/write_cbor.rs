//! Values to CBOR, written straight from wire bytes; the heads of RFC 8949.

use bytes::Bytes;
use cellar_schema::{CqlType, ValueError, value};
use serde_json::Value;

/// Tags of RFC 8949, 8943, 9164, 9581 and of IANA's registry.
pub(super) mod tag {
    pub(in super::super) const TEXT_MOMENT: u64 = 0;
    pub(in super::super) const EPOCH: u64 = 1;
    pub(in super::super) const POSITIVE: u64 = 2;
    pub(in super::super) const NEGATIVE: u64 = 3;
    pub(in super::super) const DECIMAL: u64 = 4;
    pub(in super::super) const UUID: u64 = 37;
    pub(in super::super) const IPV4: u64 = 52;
    pub(in super::super) const IPV6: u64 = 54;
    pub(in super::super) const DAYS: u64 = 100;
    pub(in super::super) const SET: u64 = 258;
    pub(in super::super) const EXTENDED_MOMENT: u64 = 1001;
    pub(in super::super) const TEXT_DATE: u64 = 1004;
}

/// Days from the date 0 to 1970-01-01.
pub(super) const EPOCH_DAY: i64 = 1 << 31;

/// CBOR under construction.
#[derive(Debug, Default)]
pub(in crate::http) struct CborOut(Vec<u8>);

impl CborOut {
    /// The bytes.
    pub(in crate::http) fn finish(self) -> Bytes {
        self.0.into()
    }

    fn head(&mut self, major: u8, argument: u64) {
        let major = major << 5;
        let bytes = argument.to_be_bytes();
        let (marker, width) = match argument {
            0..=23 => {
                let [.., small] = bytes;
                return self.0.push(major | small);
            }
            24..=0xff => (24, 1),
            0x100..=0xffff => (25, 2),
            0x1_0000..=0xffff_ffff => (26, 4),
            _ => (27, 8),
        };
        self.0.push(major | marker);
        self.0.extend(bytes.iter().skip(8 - width));
    }

    fn sized(&mut self, major: u8, length: usize) {
        self.head(major, u64::try_from(length).unwrap_or(u64::MAX));
    }

    pub(in crate::http) fn null(&mut self) {
        self.0.push(0xf6);
    }

    pub(in crate::http) fn boolean(&mut self, value: bool) {
        self.0.push(if value { 0xf5 } else { 0xf4 });
    }

    pub(in crate::http) fn integer(&mut self, value: i64) {
        match u64::try_from(value) {
            Ok(value) => self.head(0, value),
            Err(_) => self.head(1, (!value).cast_unsigned()),
        }
    }

    pub(in crate::http) fn float(&mut self, value: f64) {
        self.0.push(0xfb);
        self.0.extend_from_slice(&value.to_be_bytes());
    }

    pub(in crate::http) fn text(&mut self, text: &str) {
        self.sized(3, text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    pub(in crate::http) fn bytes(&mut self, bytes: &[u8]) {
        self.sized(2, bytes.len());
        self.0.extend_from_slice(bytes);
    }

    pub(in crate::http) fn array(&mut self, length: usize) {
        self.sized(4, length);
    }

    pub(in crate::http) fn map(&mut self, length: usize) {
        self.sized(5, length);
    }

    fn tag(&mut self, tag: u64) {
        self.head(6, tag);
    }
}

/// A JSON document that holds no values of columns.
pub(in crate::http) fn cbor_document(out: &mut CborOut, json: &Value) {
    match json {
        Value::Null => out.null(),
        Value::Bool(value) => out.boolean(*value),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) => out.integer(whole),
            (None, Some(whole)) => out.head(0, whole),
            (None, None) => out.float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => out.text(text),
        Value::Array(items) => {
            out.array(items.len());
            items.iter().for_each(|item| cbor_document(out, item));
        }
        Value::Object(members) => {
            out.map(members.len());
            for (name, member) in members {
                out.text(name);
                cbor_document(out, member);
            }
        }
    }
}

/// Writes a value; none is null.
pub(in crate::http) fn write_cbor(out: &mut CborOut, cql_type: &CqlType, value: Option<&Bytes>) {
    let Some(bytes) = value else { return out.null() };
    let start = out.0.len();
    let written = if super::is_nested(cql_type) {
        nested(out, cql_type, bytes).is_ok()
    } else {
        scalar(out, cql_type, bytes).is_some()
    };
    if !written {
        out.0.truncate(start);
        if bytes.is_empty() { out.text("") } else { out.bytes(bytes) }
    }
}

fn scalar(out: &mut CborOut, cql_type: &CqlType, bytes: &Bytes) -> Option<()> {
    match cql_type {
        CqlType::Boolean => out.boolean(value::as_bool(bytes)?),
        CqlType::Tinyint => out.integer(value::as_i8(bytes)?.into()),
        CqlType::Smallint => out.integer(value::as_i16(bytes)?.into()),
        CqlType::Int => out.integer(value::as_i32(bytes)?.into()),
        CqlType::Bigint | CqlType::Counter | CqlType::Time => out.integer(value::as_i64(bytes)?),
        CqlType::Varint => whole(out, bytes)?,
        CqlType::Decimal => {
            let (scale, unscaled) = bytes.split_first_chunk::<4>()?;
            out.tag(tag::DECIMAL);
            out.array(2);
            out.integer(-i64::from(i32::from_be_bytes(*scale)));
            whole(out, unscaled)?;
        }
        CqlType::Float => {
            value::as_f32(bytes)?;
            out.0.push(0xfa);
            out.0.extend_from_slice(bytes);
        }
        CqlType::Double => out.float(value::as_f64(bytes)?),
        CqlType::Text | CqlType::Ascii => out.text(value::as_str(bytes)?),
        CqlType::Uuid | CqlType::Timeuuid => {
            value::as_uuid(bytes)?;
            out.tag(tag::UUID);
            out.bytes(bytes);
        }
        CqlType::Inet => {
            let v4 = value::as_inet(bytes)?.is_ipv4();
            out.tag(if v4 { tag::IPV4 } else { tag::IPV6 });
            out.bytes(bytes);
        }
        CqlType::Timestamp => moment(out, value::as_i64(bytes)?),
        CqlType::Date => {
            out.tag(tag::DAYS);
            out.integer(i64::from(value::as_u32(bytes)?) - EPOCH_DAY);
        }
        CqlType::Duration => {
            let (months, days, nanoseconds) = value::as_duration(bytes)?;
            out.array(3);
            out.integer(months.into());
            out.integer(days.into());
            out.integer(nanoseconds);
        }
        _ => out.bytes(bytes),
    }
    Some(())
}

/// Two's complement of any length: an integer, or a number of RFC 8949 §3.4.3.
fn whole(out: &mut CborOut, bytes: &[u8]) -> Option<()> {
    let negative = bytes.first()? & 0x80 != 0;
    let magnitude = bytes.iter().map(|byte| if negative { !byte } else { *byte });
    let magnitude: Vec<u8> = magnitude.skip_while(|byte| *byte == 0).collect();
    if magnitude.len() <= 8 {
        let argument = magnitude.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        out.head(u8::from(negative), argument);
    } else {
        out.tag(if negative { tag::NEGATIVE } else { tag::POSITIVE });
        out.bytes(&magnitude);
    }
    Some(())
}

fn moment(out: &mut CborOut, epoch_ms: i64) {
    let (seconds, ms) = (epoch_ms.div_euclid(1000), epoch_ms.rem_euclid(1000));
    if ms == 0 {
        out.tag(tag::EPOCH);
        out.integer(seconds);
    } else {
        out.tag(tag::EXTENDED_MOMENT);
        out.map(2);
        out.integer(1);
        out.integer(seconds);
        out.integer(-3);
        out.integer(ms);
    }
}

fn nested(out: &mut CborOut, cql_type: &CqlType, bytes: &Bytes) -> Result<(), ValueError> {
    match cql_type {
        CqlType::List(element, _) => elements(out, element, &value::list_elements(bytes)?),
        CqlType::Set(element, _) => {
            let parts = value::list_elements(bytes)?;
            out.tag(tag::SET);
            elements(out, element, &parts);
        }
        CqlType::Vector(element, dimensions) => {
            elements(out, element, &value::vector_elements(element, *dimensions, bytes)?);
        }
        CqlType::Map(key, value, _) => {
            let entries = value::map_entries(bytes)?;
            out.map(entries.len());
            for (k, v) in &entries {
                write_cbor(out, key, Some(k));
                write_cbor(out, value, Some(v));
            }
        }
        CqlType::Tuple(types) => {
            let fields = value::tuple_fields(types.len(), bytes)?;
            out.array(types.len());
            for (kind, field) in types.iter().zip(&fields) {
                write_cbor(out, kind, field.as_ref());
            }
        }
        CqlType::Udt(udt, _) => {
            let fields = value::tuple_fields(udt.fields.len(), bytes)?;
            out.map(udt.fields.len());
            for ((name, kind), field) in udt.fields.iter().zip(&fields) {
                out.text(name);
                write_cbor(out, kind, field.as_ref());
            }
        }
        _ => out.null(),
    }
    Ok(())
}

fn elements(out: &mut CborOut, element: &CqlType, parts: &[Bytes]) {
    out.array(parts.len());
    parts.iter().for_each(|part| write_cbor(out, element, Some(part)));
}
