//! The order of versions of one value: a total order, so that choosing the larger is commutative,
//! associative and idempotent.

use std::cmp::Reverse;

use bytes::Bytes;

use crate::{Liveness, Versioned};

/// Later expiry, then the shorter TTL; no expiry is less than any.
type ExpiryRank = Option<(i64, Reverse<u32>)>;

impl Liveness {
    pub(super) fn rank(&self) -> (i64, ExpiryRank) {
        let expiry = self.expiry.map(|expiry| (expiry.at_seconds, Reverse(expiry.ttl_seconds)));
        (self.timestamp_us, expiry)
    }

    /// Whether something written like this is still there.
    #[must_use]
    pub fn is_live(&self, at_seconds: i64) -> bool {
        self.expiry.is_none_or(|expiry| at_seconds < expiry.at_seconds)
    }
}

impl Versioned {
    /// A value deleted at this time.
    #[must_use]
    pub fn tombstone(timestamp_us: i64) -> Self {
        Self { live: Liveness { timestamp_us, expiry: None }, value: None }
    }

    pub(super) fn rank(&self) -> (i64, bool, ExpiryRank, Option<&Bytes>) {
        let (timestamp_us, expiry) = self.live.rank();
        (timestamp_us, self.value.is_none(), expiry, self.value.as_ref())
    }

    /// The time of deletion of a tombstone.
    pub(super) fn deletion(&self) -> Option<i64> {
        self.value.is_none().then_some(self.live.timestamp_us)
    }

    /// Whether a reader sees a value.
    #[must_use]
    pub fn is_live(&self, at_seconds: i64) -> bool {
        self.value.is_some() && self.live.is_live(at_seconds)
    }
}
