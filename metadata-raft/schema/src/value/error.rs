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
    /// Text that is not a value of the type.
    #[error("unable to make {cql_type} from '{text}'")]
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
