//! CQL form of a type, as `system_schema` shows it.

use std::fmt;

use super::{CqlType, Frozen};

impl fmt::Display for CqlType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Ascii => "ascii",
            Self::Bigint => "bigint",
            Self::Blob => "blob",
            Self::Boolean => "boolean",
            Self::Counter => "counter",
            Self::Date => "date",
            Self::Decimal => "decimal",
            Self::Double => "double",
            Self::Duration => "duration",
            Self::Float => "float",
            Self::Inet => "inet",
            Self::Int => "int",
            Self::Smallint => "smallint",
            Self::Text => "text",
            Self::Time => "time",
            Self::Timestamp => "timestamp",
            Self::Timeuuid => "timeuuid",
            Self::Tinyint => "tinyint",
            Self::Uuid => "uuid",
            Self::Varint => "varint",
            Self::List(element, frozen) => {
                return freeze(out, *frozen, format_args!("list<{element}>"));
            }
            Self::Set(element, frozen) => {
                return freeze(out, *frozen, format_args!("set<{element}>"));
            }
            Self::Map(key, value, frozen) => {
                return freeze(out, *frozen, format_args!("map<{key}, {value}>"));
            }
            Self::Udt(udt, frozen) => {
                return freeze(out, *frozen, format_args!("{}", Identifier(&udt.name)));
            }
            Self::Vector(element, dimensions) => {
                return write!(out, "vector<{element}, {dimensions}>");
            }
            Self::Tuple(types) => return write_tuple(out, types),
        };
        out.write_str(name)
    }
}

fn freeze(out: &mut fmt::Formatter<'_>, frozen: Frozen, inner: fmt::Arguments<'_>) -> fmt::Result {
    match frozen {
        Frozen::Yes => write!(out, "frozen<{inner}>"),
        Frozen::No => out.write_fmt(inner),
    }
}

/// Tuples are always frozen and shown so.
fn write_tuple(out: &mut fmt::Formatter<'_>, types: &[CqlType]) -> fmt::Result {
    out.write_str("frozen<tuple<")?;
    for (index, kind) in types.iter().enumerate() {
        let separator = if index == 0 { "" } else { ", " };
        write!(out, "{separator}{kind}")?;
    }
    out.write_str(">>")
}

/// A name as CQL text: quoted unless it is all lower case.
pub(crate) struct Identifier<'a>(pub(crate) &'a str);

impl fmt::Display for Identifier<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut letters = self.0.bytes();
        let plain = letters.next().is_some_and(|byte| byte.is_ascii_lowercase())
            && letters.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if plain {
            out.write_str(self.0)
        } else {
            write!(out, "\"{}\"", self.0.replace('"', "\"\""))
        }
    }
}
