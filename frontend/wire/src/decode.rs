//! Reads the notations of the protocol from a body, without copying what can be a slice.
//! Every count and length is checked against what is left before anything is allocated.

use std::net::{IpAddr, SocketAddr};

use bytes::{Buf, Bytes};
use uuid::Uuid;

use crate::{Consistency, Extensions, Opcode, Text, Version};

/// Why a body is not the message its header says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The body ends inside a field.
    #[error("the body ends {missing} byte(s) too early")]
    Truncated {
        /// Bytes that were still wanted.
        missing: usize,
    },
    /// A count promises more elements than the body has room for.
    #[error("{count} {what} cannot fit in the {left} byte(s) left")]
    Count {
        /// What is counted.
        what: &'static str,
        /// The count as announced.
        count: u64,
        /// Bytes left in the body.
        left: usize,
    },
    /// A length that cannot be.
    #[error("{length} is no length for a {what}")]
    Length {
        /// What has the length.
        what: &'static str,
        /// The length as announced.
        length: i64,
    },
    /// A string is not UTF-8.
    #[error("a string is not UTF-8")]
    Utf8,
    /// A number outside its enumeration.
    #[error("{value} is no {what}")]
    Unknown {
        /// The enumeration.
        what: &'static str,
        /// The number found.
        value: i64,
    },
    /// A word outside its enumeration.
    #[error("'{word}' is no {what}")]
    UnknownWord {
        /// The enumeration.
        what: &'static str,
        /// The word found.
        word: String,
    },
    /// A type description nests too deep.
    #[error("a type nests deeper than {max}")]
    Nesting {
        /// Deepest nesting accepted.
        max: usize,
    },
    /// A message of this kind is not sent in this direction.
    #[error("{opcode:?} is not sent in this direction")]
    Direction {
        /// The opcode in the header.
        opcode: Opcode,
    },
    /// Something this version does not have.
    #[error("{what} does not exist in this protocol version")]
    Version {
        /// What was found.
        what: &'static str,
    },
}

/// A cursor over a body.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    bytes: Bytes,
    extensions: Extensions,
}

macro_rules! number {
    ($name:ident, $type:ty, $get:ident) => {
        pub(crate) fn $name(&mut self) -> Result<$type, DecodeError> {
            self.bytes.$get().map_err(|error| DecodeError::Truncated {
                missing: error.requested.saturating_sub(error.available),
            })
        }
    };
}

impl Reader {
    pub(crate) fn new(bytes: Bytes) -> Self {
        Self::with(bytes, Extensions::default())
    }

    pub(crate) fn with(bytes: Bytes, extensions: Extensions) -> Self {
        Self { bytes, extensions }
    }

    /// Whether result metadata have ids in a version.
    pub(crate) fn has_metadata_ids(&self, version: Version) -> bool {
        self.extensions.have_metadata_ids(version)
    }

    number!(u8, u8, try_get_u8);
    number!(u16, u16, try_get_u16);
    number!(i32, i32, try_get_i32);
    number!(u32, u32, try_get_u32);
    number!(i64, i64, try_get_i64);

    /// What is left.
    pub(crate) fn rest(self) -> Bytes {
        self.bytes
    }

    pub(crate) fn left(&self) -> usize {
        self.bytes.len()
    }

    fn check(&self, length: usize) -> Result<(), DecodeError> {
        match length.checked_sub(self.bytes.len()) {
            None | Some(0) => Ok(()),
            Some(missing) => Err(DecodeError::Truncated { missing }),
        }
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<Bytes, DecodeError> {
        self.check(length)?;
        Ok(self.bytes.split_to(length))
    }

    pub(crate) fn skip(&mut self, length: usize) -> Result<(), DecodeError> {
        self.check(length)?;
        self.bytes.advance(length);
        Ok(())
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        self.check(N)?;
        let mut array = [0; N];
        self.bytes.copy_to_slice(&mut array);
        Ok(array)
    }

    pub(crate) fn counted(
        &self,
        what: &'static str,
        count: usize,
        each_bytes_min: usize,
    ) -> Result<usize, DecodeError> {
        if count.checked_mul(each_bytes_min).is_some_and(|bytes| bytes <= self.left()) {
            return Ok(count);
        }
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        Err(DecodeError::Count { what, count, left: self.left() })
    }

    /// A `[short]` count of elements that take at least so many bytes each.
    pub(crate) fn short_count(
        &mut self,
        what: &'static str,
        each_bytes_min: usize,
    ) -> Result<usize, DecodeError> {
        let count = usize::from(self.u16()?);
        self.counted(what, count, each_bytes_min)
    }

    /// An `[int]` count of elements that take at least so many bytes each.
    pub(crate) fn int_count(
        &mut self,
        what: &'static str,
        each_bytes_min: usize,
    ) -> Result<usize, DecodeError> {
        let count = self.length(what)?;
        self.counted(what, count, each_bytes_min)
    }

    /// An `[int]` that is not negative.
    pub(crate) fn length(&mut self, what: &'static str) -> Result<usize, DecodeError> {
        let length = self.i32()?;
        usize::try_from(length).map_err(|_| DecodeError::Length { what, length: i64::from(length) })
    }

    pub(crate) fn string(&mut self) -> Result<String, DecodeError> {
        let length = usize::from(self.u16()?);
        self.check(length)?;
        let (text, _) = self.bytes.split_at_checked(length).unwrap_or_default();
        let text = std::str::from_utf8(text).map_err(|_| DecodeError::Utf8)?.to_owned();
        self.bytes.advance(length);
        Ok(text)
    }

    pub(crate) fn long_text(&mut self) -> Result<Text, DecodeError> {
        let length = self.length("long string")?;
        Text::new(self.take(length)?).map_err(|_| DecodeError::Utf8)
    }

    /// `[bytes]`: null when the length is negative.
    pub(crate) fn bytes(&mut self) -> Result<Option<Bytes>, DecodeError> {
        match usize::try_from(self.i32()?) {
            Ok(length) => self.take(length).map(Some),
            Err(_) => Ok(None),
        }
    }

    pub(crate) fn short_bytes(&mut self) -> Result<Bytes, DecodeError> {
        let length = usize::from(self.u16()?);
        self.take(length)
    }

    /// `[short bytes]` of exactly sixteen bytes: the id of result metadata.
    pub(crate) fn metadata_id(&mut self) -> Result<[u8; 16], DecodeError> {
        let length = self.u16()?;
        if length == 16 {
            return self.array();
        }
        Err(DecodeError::Length { what: "result metadata id", length: i64::from(length) })
    }

    pub(crate) fn string_list(&mut self) -> Result<Vec<String>, DecodeError> {
        let count = self.short_count("strings", 2)?;
        (0..count).map(|_| self.string()).collect()
    }

    pub(crate) fn string_map(&mut self) -> Result<Vec<(String, String)>, DecodeError> {
        let count = self.short_count("options", 4)?;
        (0..count).map(|_| Ok((self.string()?, self.string()?))).collect()
    }

    pub(crate) fn string_multimap(&mut self) -> Result<Vec<(String, Vec<String>)>, DecodeError> {
        let count = self.short_count("options", 4)?;
        (0..count).map(|_| Ok((self.string()?, self.string_list()?))).collect()
    }

    /// `[bytes map]`; a null value is taken as empty.
    pub(crate) fn bytes_map(&mut self) -> Result<Vec<(String, Bytes)>, DecodeError> {
        let count = self.short_count("payload entries", 6)?;
        (0..count).map(|_| Ok((self.string()?, self.bytes()?.unwrap_or_default()))).collect()
    }

    pub(crate) fn uuid(&mut self) -> Result<Uuid, DecodeError> {
        self.array().map(Uuid::from_bytes)
    }

    pub(crate) fn inet_addr(&mut self) -> Result<IpAddr, DecodeError> {
        match self.u8()? {
            4 => self.array::<4>().map(IpAddr::from),
            16 => self.array::<16>().map(IpAddr::from),
            length => Err(DecodeError::Length { what: "address", length: i64::from(length) }),
        }
    }

    pub(crate) fn inet(&mut self) -> Result<SocketAddr, DecodeError> {
        let address = self.inet_addr()?;
        let port = self.i32()?;
        let port = u16::try_from(port)
            .map_err(|_| DecodeError::Unknown { what: "port", value: i64::from(port) })?;
        Ok(SocketAddr::new(address, port))
    }

    pub(crate) fn consistency(&mut self) -> Result<Consistency, DecodeError> {
        let number = self.u16()?;
        Consistency::from_u16(number)
            .ok_or(DecodeError::Unknown { what: "consistency level", value: i64::from(number) })
    }
}
