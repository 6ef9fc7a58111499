//! Records inside messages: serde sees each as one byte string of its stored form, so that a
//! message carries the same compact bytes as the log and the engine.

use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::FormatError;
use crate::{Mutation, PartitionMarks, Row};

/// Reads a `T` out of a byte string (or, in formats without those, a sequence of numbers).
struct Record<T> {
    decode: fn(Bytes) -> Result<T, FormatError>,
    of: PhantomData<T>,
}

impl<'de, T> Visitor<'de> for Record<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the bytes of a stored record")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<T, E> {
        (self.decode)(Bytes::copy_from_slice(bytes)).map_err(E::custom)
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<T, E> {
        (self.decode)(Bytes::from(bytes)).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<T, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = sequence.next_element()? {
            bytes.push(byte);
        }
        self.visit_byte_buf(bytes)
    }
}

macro_rules! as_byte_string {
    ($($record:ty),*) => {$(
        impl Serialize for $record {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_bytes(&self.encode())
            }
        }

        impl<'de> Deserialize<'de> for $record {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let visitor = Record { decode: Self::decode, of: PhantomData };
                deserializer.deserialize_byte_buf(visitor)
            }
        }
    )*};
}

as_byte_string!(Row, PartitionMarks, Mutation);
