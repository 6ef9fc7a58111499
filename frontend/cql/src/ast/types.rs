//! Types as written in CQL.

use super::{Ident, QualifiedName};
use std::fmt;

/// A type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CqlType {
    /// `int`, `text`, ...
    Native(NativeType),
    /// `list<t>`
    List(Box<CqlType>),
    /// `set<t>`
    Set(Box<CqlType>),
    /// `map<k, v>`
    Map(Box<CqlType>, Box<CqlType>),
    /// `tuple<a, b>`
    Tuple(Vec<CqlType>),
    /// `vector<t, n>`
    Vector(Box<CqlType>, u32),
    /// `frozen<t>`
    Frozen(Box<CqlType>),
    /// A user type, with its keyspace if written.
    User(QualifiedName),
    /// A Java class name in single quotes.
    Custom(Box<str>),
}

macro_rules! native_types {
    ($($variant:ident $text:literal),* $(,)?) => {
        /// The types without parameters.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum NativeType {
            $(#[doc = concat!("`", $text, "`")] $variant,)*
        }

        impl NativeType {
            /// The type of this name, in any case.
            pub fn by_name(name: &str) -> Option<Self> {
                $(if name.eq_ignore_ascii_case($text) {
                    return Some(Self::$variant);
                })*
                name.eq_ignore_ascii_case("varchar").then_some(Self::Text)
            }

            /// The name in CQL.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }
    };
}

native_types! {
    Ascii "ascii", Bigint "bigint", Blob "blob", Boolean "boolean", Counter "counter",
    Date "date", Decimal "decimal", Double "double", Duration "duration", Float "float",
    Inet "inet", Int "int", Smallint "smallint", Text "text", Time "time",
    Timestamp "timestamp", Timeuuid "timeuuid", Tinyint "tinyint", Uuid "uuid", Varint "varint",
}

impl CqlType {
    /// A user type without a keyspace.
    pub fn user(name: Ident) -> Self {
        Self::User(QualifiedName { keyspace: None, name })
    }
}

impl fmt::Display for CqlType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Native(native) => f.write_str(native.name()),
            Self::List(t) => write!(f, "list<{t}>"),
            Self::Set(t) => write!(f, "set<{t}>"),
            Self::Map(k, v) => write!(f, "map<{k}, {v}>"),
            Self::Tuple(types) => {
                f.write_str("tuple<")?;
                for (i, t) in types.iter().enumerate() {
                    let comma = if i == 0 { "" } else { ", " };
                    write!(f, "{comma}{t}")?;
                }
                f.write_str(">")
            }
            Self::Vector(t, n) => write!(f, "vector<{t}, {n}>"),
            Self::Frozen(t) => write!(f, "frozen<{t}>"),
            Self::User(name) => write!(f, "{name}"),
            Self::Custom(class) => write!(f, "'{}'", class.replace('\'', "''")),
        }
    }
}
