//! Documents that clients send, in JSON or CBOR, read the same way.

use bytes::Bytes;
use cbor4ii::core::{
    Value as Cbor,
    dec::{Decode, Read},
    utils::SliceReader,
};
use cellar_schema::{CqlType, ValueError};
use serde_json::Value as Json;

use super::{
    media::Format,
    problem::HttpError,
    value::{read_cbor, read_json},
};

/// A document, or a part of one.
#[derive(Clone, Debug)]
pub(super) enum Document {
    Json(Json),
    Cbor(Cbor),
}

impl Document {
    /// Reads a body.
    pub(super) fn read(format: Format, body: &[u8]) -> Result<Self, HttpError> {
        match format {
            Format::Json => serde_json::from_slice(body)
                .map(Self::Json)
                .map_err(|error| HttpError::malformed(format!("the body is not JSON: {error}"))),
            Format::Cbor => {
                let mut reader = SliceReader::new(body);
                let value = Cbor::decode(&mut reader).map_err(|error| {
                    HttpError::malformed(format!("the body is not CBOR: {error}"))
                })?;
                let Ok(rest) = reader.fill(1);
                if rest.as_ref().is_empty() {
                    Ok(Self::Cbor(value))
                } else {
                    Err(HttpError::malformed("bytes are left after the CBOR document"))
                }
            }
        }
    }

    /// The members of an object.
    pub(super) fn members(self) -> Option<Vec<(String, Self)>> {
        match self {
            Self::Json(Json::Object(members)) => {
                Some(members.into_iter().map(|(name, value)| (name, Self::Json(value))).collect())
            }
            Self::Cbor(Cbor::Map(entries)) => {
                let member = |(name, value)| match name {
                    Cbor::Text(name) => Some((name, Self::Cbor(value))),
                    _ => None,
                };
                entries.into_iter().map(member).collect()
            }
            _ => None,
        }
    }

    /// The elements of an array.
    pub(super) fn elements(self) -> Option<Vec<Self>> {
        match self {
            Self::Json(Json::Array(elements)) => {
                Some(elements.into_iter().map(Self::Json).collect())
            }
            Self::Cbor(Cbor::Array(elements)) => {
                Some(elements.into_iter().map(Self::Cbor).collect())
            }
            _ => None,
        }
    }

    /// Whether this is null.
    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Json(Json::Null) | Self::Cbor(Cbor::Null))
    }

    /// Whether this is an object.
    pub(super) fn is_object(&self) -> bool {
        matches!(self, Self::Json(Json::Object(_)) | Self::Cbor(Cbor::Map(_)))
    }

    /// A text.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Json(Json::String(text)) | Self::Cbor(Cbor::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A whole number, or a text that is one.
    pub(super) fn integer(&self) -> Option<i64> {
        match self {
            Self::Json(Json::Number(number)) => number.as_i64(),
            Self::Cbor(Cbor::Integer(number)) => i64::try_from(*number).ok(),
            other => other.text()?.parse().ok(),
        }
    }

    /// The value of this type, named in errors; none is null.
    pub(super) fn value(&self, name: &str, cql_type: &CqlType) -> Result<Option<Bytes>, HttpError> {
        self.typed(cql_type).map_err(|error| HttpError::value(name, &error))
    }

    fn typed(&self, cql_type: &CqlType) -> Result<Option<Bytes>, ValueError> {
        match self {
            Self::Json(json) => read_json(cql_type, json),
            Self::Cbor(cbor) => read_cbor(cql_type, cbor),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_with_anything_after_the_document_are_refused() {
        for (format, good, bad) in
            [(Format::Json, &b"{} \n"[..], &b"{}x"[..]), (Format::Cbor, &[0xa0], &[0xa0, 0x00])]
        {
            assert!(Document::read(format, good).unwrap().members().unwrap().is_empty());
            assert_eq!(Document::read(format, bad).unwrap_err().status(), 400);
        }
    }

    #[test]
    fn hostile_bytes_are_refused_without_harm() {
        let deep = [vec![0x81; 100_000], vec![0xf6]].concat();
        assert!(Document::read(Format::Cbor, &deep).is_err());
        // An array of 2^62 elements that never come.
        let long = [0x9b, 0x40, 0, 0, 0, 0, 0, 0, 0, 0];
        assert!(Document::read(Format::Cbor, &long).is_err());
        assert!(Document::read(Format::Json, "[".repeat(100_000).as_bytes()).is_err());
    }
}
