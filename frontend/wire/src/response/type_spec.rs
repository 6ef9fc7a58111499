//! Types of columns as the protocol describes them: `<id short>` and what the id asks for. Types
//! younger than the version go as `custom` with the name of Cassandra's class, which is what
//! drivers of that version understand.

use crate::Version;
use crate::encode::Writer;

pub(super) const MARSHAL: &str = "org.apache.cassandra.db.marshal.";
pub(super) const CUSTOM: u16 = 0x00;
pub(super) const LIST: u16 = 0x20;
pub(super) const MAP: u16 = 0x21;
pub(super) const SET: u16 = 0x22;
pub(super) const UDT: u16 = 0x30;
pub(super) const TUPLE: u16 = 0x31;

/// The type of a column or a value.
#[expect(missing_docs, reason = "the variants without a comment are the CQL types of that name")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TypeSpec {
    /// A type without an id of its own, by the name of Cassandra's class for it.
    Custom(String),
    Ascii,
    Bigint,
    Blob,
    Boolean,
    Counter,
    Decimal,
    Double,
    Float,
    Int,
    Timestamp,
    Uuid,
    Varchar,
    Varint,
    Timeuuid,
    Inet,
    /// From v4; its class before.
    Date,
    /// From v4; its class before.
    Time,
    /// From v4; its class before.
    Smallint,
    /// From v4; its class before.
    Tinyint,
    /// From v5; its class before.
    Duration,
    List(Box<TypeSpec>),
    Map(Box<TypeSpec>, Box<TypeSpec>),
    Set(Box<TypeSpec>),
    /// A user type.
    Udt {
        /// Its keyspace.
        keyspace: String,
        /// Its name.
        name: String,
        /// Its fields in order.
        fields: Vec<(String, TypeSpec)>,
    },
    Tuple(Vec<TypeSpec>),
}

/// Types without parts: id, Cassandra's class, first version that has the id.
pub(super) const SIMPLE: [(TypeSpec, u16, &str, Version); 20] = [
    (TypeSpec::Ascii, 0x01, "AsciiType", Version::V3),
    (TypeSpec::Bigint, 0x02, "LongType", Version::V3),
    (TypeSpec::Blob, 0x03, "BytesType", Version::V3),
    (TypeSpec::Boolean, 0x04, "BooleanType", Version::V3),
    (TypeSpec::Counter, 0x05, "CounterColumnType", Version::V3),
    (TypeSpec::Decimal, 0x06, "DecimalType", Version::V3),
    (TypeSpec::Double, 0x07, "DoubleType", Version::V3),
    (TypeSpec::Float, 0x08, "FloatType", Version::V3),
    (TypeSpec::Int, 0x09, "Int32Type", Version::V3),
    (TypeSpec::Timestamp, 0x0B, "TimestampType", Version::V3),
    (TypeSpec::Uuid, 0x0C, "UUIDType", Version::V3),
    (TypeSpec::Varchar, 0x0D, "UTF8Type", Version::V3),
    (TypeSpec::Varint, 0x0E, "IntegerType", Version::V3),
    (TypeSpec::Timeuuid, 0x0F, "TimeUUIDType", Version::V3),
    (TypeSpec::Inet, 0x10, "InetAddressType", Version::V3),
    (TypeSpec::Date, 0x11, "SimpleDateType", Version::V4),
    (TypeSpec::Time, 0x12, "TimeType", Version::V4),
    (TypeSpec::Smallint, 0x13, "ShortType", Version::V4),
    (TypeSpec::Tinyint, 0x14, "ByteType", Version::V4),
    (TypeSpec::Duration, 0x15, "DurationType", Version::V5),
];

impl TypeSpec {
    /// A vector, which has no id in any version.
    #[must_use]
    pub fn vector(element: &Self, dimension: usize) -> Self {
        let class = element.class();
        Self::Custom(format!("{MARSHAL}VectorType({class} , {dimension})"))
    }

    /// The name of Cassandra's class for the type.
    #[must_use]
    pub fn class(&self) -> String {
        match self {
            Self::Custom(class) => class.clone(),
            Self::List(element) => format!("{MARSHAL}ListType({})", element.class()),
            Self::Set(element) => format!("{MARSHAL}SetType({})", element.class()),
            Self::Map(key, value) => {
                format!("{MARSHAL}MapType({},{})", key.class(), value.class())
            }
            Self::Tuple(parts) => {
                let parts: Vec<String> = parts.iter().map(Self::class).collect();
                format!("{MARSHAL}TupleType({})", parts.join(","))
            }
            Self::Udt { keyspace, name, fields } => {
                let field = |(name, spec): &(String, Self)| {
                    format!(",{}:{}", hexadecimal(name), spec.class())
                };
                let fields: String = fields.iter().map(field).collect();
                format!("{MARSHAL}UserType({keyspace},{}{fields})", hexadecimal(name))
            }
            simple => {
                let known = SIMPLE.iter().find(|(spec, ..)| spec == simple);
                format!("{MARSHAL}{}", known.map_or("BytesType", |(_, _, class, _)| class))
            }
        }
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) {
        match self {
            Self::Custom(class) => {
                writer.u16(CUSTOM);
                writer.string(class);
            }
            Self::List(element) => {
                writer.u16(LIST);
                element.write(writer);
            }
            Self::Set(element) => {
                writer.u16(SET);
                element.write(writer);
            }
            Self::Map(key, value) => {
                writer.u16(MAP);
                key.write(writer);
                value.write(writer);
            }
            Self::Tuple(parts) => {
                writer.u16(TUPLE);
                writer.short_count("tuple types", parts.len());
                for part in parts {
                    part.write(writer);
                }
            }
            Self::Udt { keyspace, name, fields } => {
                writer.u16(UDT);
                writer.string(keyspace);
                writer.string(name);
                writer.short_count("fields", fields.len());
                for (name, spec) in fields {
                    writer.string(name);
                    spec.write(writer);
                }
            }
            simple => simple.write_simple(writer),
        }
    }

    fn write_simple(&self, writer: &mut Writer<'_>) {
        let known = SIMPLE.iter().find(|(spec, ..)| spec == self);
        match known {
            Some((_, id, _, since)) if writer.version() >= *since => writer.u16(*id),
            _ => {
                writer.u16(CUSTOM);
                writer.string(&self.class());
            }
        }
    }
}

/// Names inside class names are the hexadecimal of their UTF-8.
fn hexadecimal(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::with_capacity(text.len() * 2), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
