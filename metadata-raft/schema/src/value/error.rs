//! Why bytes, text or JSON are not a value of a type.

use thiserror::Error;

/// Bytes, text or JSON that are not a value of a type.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ValueError {
    /// A fixed-width type got another number of bytes.
    #[error("expected {expected} bytes for a {cql_type} ({got})")]
    WrongLength {
        /// The type.
        cql_type: String,
        /// Its width.
        expected: usize,
        /// What came.
        got: usize,
    },
    /// Bytes that are no value of the type.
    #[error("invalid {cql_type} value: {reason}")]
    Invalid {
        /// The type.
        cql_type: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// Bytes end inside a value.
    #[error("not enough bytes to read a {what}")]
    Truncated {
        /// What was being read.
        what: &'static str,
    },
    /// Bytes are left after the value.
    #[error("unexpected {extra_bytes} extraneous bytes after a {what}")]
    Trailing {
        /// What was read.
        what: &'static str,
        /// How many are left.
        extra_bytes: usize,
    },
    /// A null inside a collection or vector.
    #[error("null is not supported inside {what}s")]
    NullElement {
        /// Which kind of collection.
        what: &'static str,
    },
    /// A vector of another dimension.
    #[error("expected a vector of {expected} dimensions but got {got}")]
    Dimensions {
        /// As declared.
        expected: usize,
        /// As given.
        got: usize,
    },
    /// Text with more fields than the tuple has.
    #[error(
        "Invalid tuple literal: too many elements. Type {cql_type} expects {expected} but got {got}"
    )]
    Fields {
        /// The type.
        cql_type: String,
        /// As declared.
        expected: usize,
        /// As written.
        got: usize,
    },
    /// A part of a duration that is too large.
    #[error("The duration {part} must be a 32 bits integer but was: {value}")]
    DurationPart {
        /// Months or days.
        part: &'static str,
        /// What came.
        value: i64,
    },
    /// A duration whose parts differ in sign.
    #[error(
        "The duration months, days and nanoseconds must be all of the same sign ({months}, \
         {days}, {nanoseconds})"
    )]
    Signs {
        /// Months.
        months: i32,
        /// Days.
        days: i32,
        /// The rest.
        nanoseconds: i64,
    },
    /// Text that is not a value of the type.
    #[error("{}", unreadable(.cql_type, .text))]
    Text {
        /// The type.
        cql_type: String,
        /// The text, shortened.
        text: String,
    },
    /// JSON that is not a value of the type.
    #[error("expected {expected} for a {cql_type}, but got {found}")]
    Json {
        /// The type.
        cql_type: String,
        /// The JSON form wanted.
        expected: &'static str,
        /// The JSON that came, shortened.
        found: String,
    },
    /// JSON names a field that the user-defined type does not have.
    #[error("unknown field {field} in value of user defined type {name}")]
    UnknownField {
        /// The field.
        field: String,
        /// The user-defined type.
        name: String,
    },
}

/// What Cassandra says of text that is no value of a type.
fn unreadable(cql_type: &str, text: &str) -> String {
    let made = match cql_type {
        "ascii" => return format!("Invalid ASCII character in string literal: {text}"),
        "timestamp" => return format!("Unable to parse a date/time from '{text}'"),
        "duration" => return format!("Unable to convert '{text}' to a duration"),
        "time" => return format!("Unable to coerce '{text}' to a formatted time (long)"),
        "date" if text.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit()) => {
            return format!("Unable to make unsigned int (for date) from: '{text}'");
        }
        "date" => return format!("Unable to coerce '{text}' to a formatted date (long)"),
        "bigint" | "counter" => "long",
        "smallint" => "short",
        "tinyint" => "byte",
        "decimal" => "BigDecimal",
        "varint" => "BigInteger",
        "uuid" | "timeuuid" => "UUID",
        "inet" => "inet address",
        other => other,
    };
    format!("Unable to make {made} from '{text}'")
}
