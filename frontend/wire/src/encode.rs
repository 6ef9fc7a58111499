//! Writes the notations of the protocol to the end of a buffer. What does not fit its notation is
//! remembered and refused when the message is finished, so that writing needs no checks between.

use std::net::{IpAddr, SocketAddr};

use bytes::{BufMut, Bytes, BytesMut};

use crate::limits::STRING_BYTES_MAX;
use crate::{Consistency, Extensions, Version};

/// Why a message cannot be put on the wire.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A length or count is larger than its notation holds.
    #[error("{length} is too much for {what}")]
    TooLong {
        /// What is too long.
        what: &'static str,
        /// Its length or count.
        length: usize,
    },
    /// A row has another number of values than the result has columns.
    #[error("a row has {found} value(s), the result {columns} column(s)")]
    RowWidth {
        /// Values in the row.
        found: usize,
        /// Columns in the metadata.
        columns: usize,
    },
    /// The compressor refused the body.
    #[error("the body cannot be compressed")]
    Compress,
}

/// Appends to a body.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    out: &'a mut BytesMut,
    version: Version,
    extensions: Extensions,
    error: Option<EncodeError>,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(out: &'a mut BytesMut, version: Version, extensions: Extensions) -> Self {
        Self { out, version, extensions, error: None }
    }

    /// Whether result metadata have ids.
    pub(crate) fn has_metadata_ids(&self) -> bool {
        self.extensions.have_metadata_ids(self.version)
    }

    pub(crate) fn version(&self) -> Version {
        self.version
    }

    /// The first thing that did not fit, if any.
    pub(crate) fn finish(self) -> Result<(), EncodeError> {
        self.error.map_or(Ok(()), Err)
    }

    pub(crate) fn fail(&mut self, error: EncodeError) {
        self.error.get_or_insert(error);
    }

    pub(crate) fn u8(&mut self, number: u8) {
        self.out.put_u8(number);
    }

    pub(crate) fn u16(&mut self, number: u16) {
        self.out.put_u16(number);
    }

    pub(crate) fn i32(&mut self, number: i32) {
        self.out.put_i32(number);
    }

    pub(crate) fn u32(&mut self, number: u32) {
        self.out.put_u32(number);
    }

    pub(crate) fn i64(&mut self, number: i64) {
        self.out.put_i64(number);
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.out.put_slice(bytes);
    }

    pub(crate) fn reserve(&mut self, bytes: usize) {
        self.out.reserve(bytes);
    }

    /// A `[short]` count.
    pub(crate) fn short_count(&mut self, what: &'static str, length: usize) {
        if let Ok(count) = u16::try_from(length) {
            self.out.put_u16(count);
        } else {
            self.fail(EncodeError::TooLong { what, length });
        }
    }

    /// An `[int]` count.
    pub(crate) fn int_count(&mut self, what: &'static str, length: usize) {
        if let Ok(count) = i32::try_from(length) {
            self.out.put_i32(count);
        } else {
            self.fail(EncodeError::TooLong { what, length });
        }
    }

    pub(crate) fn string(&mut self, text: &str) {
        self.short_count("string", text.len());
        self.raw(text.as_bytes());
    }

    /// A `[string]` people read: what does not fit is cut off rather than refused.
    pub(crate) fn message(&mut self, text: &str) {
        let mut end = text.len().min(STRING_BYTES_MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.string(text.get(..end).unwrap_or_default());
    }

    pub(crate) fn long_string(&mut self, text: &[u8]) {
        self.int_count("long string", text.len());
        self.raw(text);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.int_count("bytes", bytes.len());
        self.raw(bytes);
    }

    pub(crate) fn nullable_bytes(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => self.bytes(bytes),
            None => self.i32(-1),
        }
    }

    pub(crate) fn short_bytes(&mut self, bytes: &[u8]) {
        self.short_count("short bytes", bytes.len());
        self.raw(bytes);
    }

    pub(crate) fn string_list<S: AsRef<str>>(&mut self, list: &[S]) {
        self.short_count("strings", list.len());
        for text in list {
            self.string(text.as_ref());
        }
    }

    /// A `[string list]` people read; what does not fit is left out.
    pub(crate) fn messages(&mut self, list: &[String]) {
        let list = list.get(..STRING_BYTES_MAX).unwrap_or(list);
        self.short_count("warnings", list.len());
        for text in list {
            self.message(text);
        }
    }

    pub(crate) fn string_map(&mut self, map: &[(String, String)]) {
        self.short_count("options", map.len());
        for (key, value) in map {
            self.string(key);
            self.string(value);
        }
    }

    pub(crate) fn string_multimap(&mut self, map: &[(String, Vec<String>)]) {
        self.short_count("options", map.len());
        for (key, values) in map {
            self.string(key);
            self.string_list(values);
        }
    }

    pub(crate) fn bytes_map(&mut self, map: &[(String, Bytes)]) {
        self.short_count("payload entries", map.len());
        for (key, value) in map {
            self.string(key);
            self.bytes(value);
        }
    }

    pub(crate) fn inet_addr(&mut self, address: IpAddr) {
        match address {
            IpAddr::V4(address) => {
                self.u8(4);
                self.raw(&address.octets());
            }
            IpAddr::V6(address) => {
                self.u8(16);
                self.raw(&address.octets());
            }
        }
    }

    pub(crate) fn inet(&mut self, address: SocketAddr) {
        self.inet_addr(address.ip());
        self.i32(i32::from(address.port()));
    }

    pub(crate) fn consistency(&mut self, consistency: Consistency) {
        self.u16(consistency.as_u16());
    }
}
