//! Any message of a version, as it looks after a trip over the wire.
#![allow(dead_code, unused_imports, reason = "each test file uses its part")]

mod requests;
mod responses;

pub(crate) use requests::request_envelope;
pub(crate) use responses::{envelope, received};

use bytes::Bytes;
use cellar_wire::{Consistency, Version};
use proptest::collection::vec;
use proptest::prelude::*;

pub(crate) fn version() -> impl Strategy<Value = Version> {
    prop::sample::select(Version::ALL.to_vec())
}

pub(crate) fn consistency() -> impl Strategy<Value = Consistency> {
    prop::sample::select(Consistency::ALL.to_vec())
}

pub(crate) fn blob() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..40).prop_map(Bytes::from)
}

pub(crate) fn word() -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..12).prop_map(|letters| letters.into_iter().collect())
}

pub(crate) fn words() -> impl Strategy<Value = Vec<String>> {
    vec(word(), 0..4)
}

pub(crate) fn payload() -> impl Strategy<Value = Vec<(String, Bytes)>> {
    vec((word(), blob()), 0..3)
}
