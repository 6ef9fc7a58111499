//! Bodies: a value as CBOR, and the CRC-32 of the encoded bytes that travels in a header.

use bytes::Bytes;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use serde::{Serialize, de::DeserializeOwned};

/// Header with the CRC-32 of the body in decimal, on requests and answers.
pub(crate) const CHECKSUM: HeaderName = HeaderName::from_static("cellar-crc32");
/// Header with the heartbeat interval of a push stream in milliseconds.
pub(crate) const HEARTBEAT: HeaderName = HeaderName::from_static("cellar-heartbeat-ms");

/// Encodes a value.
pub(crate) fn encode<T: Serialize>(value: &T) -> Result<Bytes, String> {
    cbor4ii::serde::to_vec(Vec::new(), value).map(Bytes::from).map_err(|error| error.to_string())
}

/// Decodes a value.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    cbor4ii::serde::from_slice(bytes).map_err(|error| error.to_string())
}

/// The header value that proves `body`.
pub(crate) fn checksum(body: &[u8]) -> HeaderValue {
    HeaderValue::from(crc32fast::hash(body))
}

/// True if the headers carry the checksum of `body`; a missing one is a mismatch.
pub(crate) fn matches(headers: &HeaderMap, body: &[u8]) -> bool {
    number(headers, &CHECKSUM) == Some(u64::from(crc32fast::hash(body)))
}

/// The decimal number in a header.
pub(crate) fn number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}
