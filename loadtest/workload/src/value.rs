//! CQL values as a driver binds them, literals write them and canonical rows show them.
//!
//! Guarantees: written apart from the server's own encoding, so that agreement means something;
//! [`Value::wire`] and [`Value::from_wire`] are inverse for every value of its kind (protocol 4
//! bytes); [`Value::canonical`] is the same text whichever way a value was obtained.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::net::IpAddr;

use uuid::Uuid;

use crate::date;

/// A type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `bigint`
    Bigint,
    /// `int`
    Int,
    /// `smallint`
    Smallint,
    /// `text`
    Text,
    /// `timestamp`, milliseconds
    Timestamp,
    /// `date`, days since 1970-01-01
    Date,
    /// `uuid`
    Uuid,
    /// `inet`
    Inet,
    /// `boolean`
    Boolean,
    /// `set<text>`
    Texts,
    /// `map<text, text>`
    TextMap,
}

/// A value of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// No value.
    Null,
    /// `bigint`
    Bigint(i64),
    /// `int`
    Int(i32),
    /// `smallint`
    Smallint(i16),
    /// `text`
    Text(String),
    /// `timestamp`, milliseconds
    Timestamp(i64),
    /// `date`, days since 1970-01-01
    Date(i64),
    /// `uuid`
    Uuid(Uuid),
    /// `inet`
    Inet(IpAddr),
    /// `boolean`
    Boolean(bool),
    /// `set<text>`
    Texts(BTreeSet<String>),
    /// `map<text, text>`
    TextMap(BTreeMap<String, String>),
}

/// Days are unsigned on the wire, with 1970-01-01 in the middle.
const WIRE_EPOCH: i64 = 1 << 31;

impl Value {
    /// Text for a canonical row: null is empty, times are milliseconds, sets and maps are in
    /// order.
    #[must_use]
    pub fn canonical(&self) -> String {
        let mut out = String::new();
        self.write_canonical(&mut out);
        out
    }

    /// Appends the canonical text, because oracles make it for every column of every row.
    fn write_canonical(&self, out: &mut String) {
        let written = match self {
            Self::Null => Ok(()),
            Self::Bigint(n) | Self::Timestamp(n) => write!(out, "{n}"),
            Self::Int(n) => write!(out, "{n}"),
            Self::Smallint(n) => write!(out, "{n}"),
            Self::Text(text) => out.write_str(text),
            Self::Date(day) => out.write_str(&date::day_text(*day)),
            Self::Uuid(uuid) => write!(out, "{uuid}"),
            Self::Inet(address) => write!(out, "{address}"),
            Self::Boolean(truth) => write!(out, "{truth}"),
            Self::Texts(texts) => texts
                .iter()
                .enumerate()
                .try_for_each(|(at, text)| write!(out, "{}{text}", if at > 0 { "," } else { "" })),
            Self::TextMap(map) => map.iter().enumerate().try_for_each(|(at, (key, value))| {
                write!(out, "{}{key}={value}", if at > 0 { "," } else { "" })
            }),
        };
        debug_assert!(written.is_ok(), "a string takes every text");
    }

    /// The value as it is written inside a statement.
    #[must_use]
    pub fn literal(&self) -> String {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
        match self {
            Self::Null => "null".to_owned(),
            Self::Text(text) => quoted(text),
            Self::Date(_) | Self::Inet(_) => quoted(&self.canonical()),
            Self::Texts(texts) => {
                let items: Vec<_> = texts.iter().map(|text| quoted(text)).collect();
                format!("{{{}}}", items.join(", "))
            }
            Self::TextMap(map) => {
                let items: Vec<_> =
                    map.iter().map(|(key, value)| quoted(key) + ": " + &quoted(value)).collect();
                format!("{{{}}}", items.join(", "))
            }
            _ => self.canonical(),
        }
    }

    /// The bytes a driver binds; none for null.
    #[must_use]
    pub fn wire(&self) -> Option<Vec<u8>> {
        Some(match self {
            Self::Null => return None,
            Self::Bigint(n) | Self::Timestamp(n) => n.to_be_bytes().to_vec(),
            Self::Int(n) => n.to_be_bytes().to_vec(),
            Self::Smallint(n) => n.to_be_bytes().to_vec(),
            Self::Text(text) => text.as_bytes().to_vec(),
            Self::Date(day) => u32::try_from(day + WIRE_EPOCH).ok()?.to_be_bytes().to_vec(),
            Self::Uuid(uuid) => uuid.as_bytes().to_vec(),
            Self::Inet(IpAddr::V4(address)) => address.octets().to_vec(),
            Self::Inet(IpAddr::V6(address)) => address.octets().to_vec(),
            Self::Boolean(truth) => vec![u8::from(*truth)],
            Self::Texts(texts) => collection(texts.len(), texts.iter())?,
            Self::TextMap(map) => collection(map.len(), map.iter().flat_map(|(k, v)| [k, v]))?,
        })
    }

    /// The value that bytes of this kind hold; `None` when they hold none.
    #[must_use]
    pub fn from_wire(kind: Kind, bytes: Option<&[u8]>) -> Option<Self> {
        let Some(bytes) = bytes else { return Some(Self::Null) };
        Some(match kind {
            Kind::Bigint => Self::Bigint(i64::from_be_bytes(bytes.try_into().ok()?)),
            Kind::Timestamp => Self::Timestamp(i64::from_be_bytes(bytes.try_into().ok()?)),
            Kind::Int => Self::Int(i32::from_be_bytes(bytes.try_into().ok()?)),
            Kind::Smallint => Self::Smallint(i16::from_be_bytes(bytes.try_into().ok()?)),
            Kind::Text => Self::Text(String::from_utf8(bytes.to_vec()).ok()?),
            Kind::Date => {
                Self::Date(i64::from(u32::from_be_bytes(bytes.try_into().ok()?)) - WIRE_EPOCH)
            }
            Kind::Uuid => Self::Uuid(Uuid::from_slice(bytes).ok()?),
            Kind::Inet => Self::Inet(match bytes.len() {
                4 => IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?),
                _ => IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?),
            }),
            Kind::Boolean => Self::Boolean(*bytes.first()? != 0),
            Kind::Texts => Self::Texts(texts(bytes, 1)?.into_iter().collect()),
            Kind::TextMap => {
                let mut flat = texts(bytes, 2)?.into_iter();
                let mut map = BTreeMap::new();
                while let (Some(key), Some(value)) = (flat.next(), flat.next()) {
                    map.insert(key, value);
                }
                Self::TextMap(map)
            }
        })
    }
}

/// The canonical text of a row: the canonical texts of its values between bars.
#[must_use]
pub fn canonical_row(values: &[Value]) -> String {
    let mut out = String::with_capacity(values.len() * 16);
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            out.push('|');
        }
        value.write_canonical(&mut out);
    }
    out
}

fn collection<'a>(count: usize, items: impl Iterator<Item = &'a String>) -> Option<Vec<u8>> {
    let mut bytes = i32::try_from(count).ok()?.to_be_bytes().to_vec();
    for item in items {
        bytes.extend(i32::try_from(item.len()).ok()?.to_be_bytes());
        bytes.extend(item.as_bytes());
    }
    Some(bytes)
}

fn texts(bytes: &[u8], per_item: usize) -> Option<Vec<String>> {
    let (count, mut rest) = length(bytes)?;
    let mut texts = Vec::new();
    for _ in 0..count.checked_mul(per_item)? {
        let (len, after) = length(rest)?;
        let (text, after) = after.split_at_checked(len)?;
        texts.push(String::from_utf8(text.to_vec()).ok()?);
        rest = after;
    }
    rest.is_empty().then_some(texts)
}

fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = bytes.split_first_chunk()?;
    Some((usize::try_from(i32::from_be_bytes(*first)).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kind_and_value() -> impl Strategy<Value = (Kind, Value)> {
        let text = "[a-z',=| ]{0,8}";
        prop_oneof![
            any::<i64>().prop_map(|n| (Kind::Bigint, Value::Bigint(n))),
            any::<i64>().prop_map(|n| (Kind::Timestamp, Value::Timestamp(n))),
            any::<i32>().prop_map(|n| (Kind::Int, Value::Int(n))),
            any::<i16>().prop_map(|n| (Kind::Smallint, Value::Smallint(n))),
            text.prop_map(|text| (Kind::Text, Value::Text(text))),
            (-WIRE_EPOCH..WIRE_EPOCH).prop_map(|day| (Kind::Date, Value::Date(day))),
            any::<u128>().prop_map(|n| (Kind::Uuid, Value::Uuid(Uuid::from_u128(n)))),
            any::<IpAddr>().prop_map(|address| (Kind::Inet, Value::Inet(address))),
            any::<bool>().prop_map(|truth| (Kind::Boolean, Value::Boolean(truth))),
            prop::collection::btree_set(text, 0..4)
                .prop_map(|texts| (Kind::Texts, Value::Texts(texts))),
            prop::collection::btree_map(text, text, 0..4)
                .prop_map(|map| (Kind::TextMap, Value::TextMap(map))),
            Just((Kind::Uuid, Value::Null)),
        ]
    }

    proptest! {
        #[test]
        fn values_survive_the_wire((kind, value) in kind_and_value()) {
            let bytes = value.wire();
            prop_assert_eq!(Value::from_wire(kind, bytes.as_deref()), Some(value));
        }

        #[test]
        fn no_bytes_make_it_fail_loudly(
            (kind, _) in kind_and_value(), bytes: Vec<u8>,
        ) {
            let _ = Value::from_wire(kind, Some(&bytes));
        }
    }

    #[test]
    fn bytes_are_those_of_the_protocol() {
        assert_eq!(Value::Date(0).wire(), Some(vec![0x80, 0, 0, 0]));
        assert_eq!(Value::Smallint(-2).wire(), Some(vec![0xff, 0xfe]));
        let set = Value::Texts(BTreeSet::from(["a".to_owned()]));
        assert_eq!(set.wire(), Some(vec![0, 0, 0, 1, 0, 0, 0, 1, b'a']));
        assert_eq!(Value::Null.wire(), None);
    }

    #[test]
    fn literals_are_those_of_cql() {
        assert_eq!(Value::Text("it's".to_owned()).literal(), "'it''s'");
        assert_eq!(Value::Date(15_706).literal(), "'2013-01-01'");
        assert_eq!(Value::Timestamp(5).literal(), "5");
        assert_eq!(Value::Null.literal(), "null");
        let map = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
        assert_eq!(Value::TextMap(map).literal(), "{'a': 'b'}");
    }
}
