//! Values bound to the markers of a statement.

use bytes::Bytes;

use crate::Version;
use crate::decode::{DecodeError, Reader};
use crate::encode::Writer;

const NULL: i32 = -1;
const UNSET: i32 = -2;

/// One bound value, a slice of the request it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// The serialized value.
    Bytes(Bytes),
    /// The null value.
    Null,
    /// Leave what is stored as it is; from v4.
    Unset,
}

/// The values of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Values {
    /// The request carried none.
    #[default]
    None,
    /// In the order of the markers.
    Positional(Vec<Value>),
    /// By the names of the markers.
    Named(Vec<(String, Value)>),
}

impl Values {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Positional(values) => values.len(),
            Self::Named(values) => values.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Value {
    /// Bytes the shortest value takes.
    const BYTES_MIN: usize = 4;

    fn read(reader: &mut Reader, version: Version) -> Result<Self, DecodeError> {
        let length = reader.i32()?;
        match usize::try_from(length) {
            Ok(length) => Ok(Self::Bytes(reader.take(length)?)),
            Err(_) if length == NULL || version < Version::V4 => Ok(Self::Null),
            Err(_) if length == UNSET => Ok(Self::Unset),
            Err(_) => Err(DecodeError::Length { what: "value", length: i64::from(length) }),
        }
    }

    fn write(&self, writer: &mut Writer<'_>) {
        match self {
            Self::Bytes(bytes) => writer.bytes(bytes),
            Self::Null => writer.i32(NULL),
            Self::Unset if writer.version() < Version::V4 => writer.i32(NULL),
            Self::Unset => writer.i32(UNSET),
        }
    }

    pub(crate) fn read_positional(
        reader: &mut Reader,
        version: Version,
    ) -> Result<Vec<Self>, DecodeError> {
        let count = reader.short_count("values", Self::BYTES_MIN)?;
        let mut values = Vec::with_capacity(count);
        for _ in 0..count {
            values.push(Self::read(reader, version)?);
        }
        Ok(values)
    }

    pub(crate) fn read_named(
        reader: &mut Reader,
        version: Version,
    ) -> Result<Vec<(String, Self)>, DecodeError> {
        let count = reader.short_count("named values", 2 + Self::BYTES_MIN)?;
        let mut values = Vec::with_capacity(count);
        for _ in 0..count {
            values.push((reader.string()?, Self::read(reader, version)?));
        }
        Ok(values)
    }

    pub(crate) fn write_positional(values: &[Self], writer: &mut Writer<'_>) {
        writer.short_count("values", values.len());
        for value in values {
            value.write(writer);
        }
    }

    pub(crate) fn write_named(values: &[(String, Self)], writer: &mut Writer<'_>) {
        writer.short_count("named values", values.len());
        for (name, value) in values {
            writer.string(name);
            value.write(writer);
        }
    }
}
