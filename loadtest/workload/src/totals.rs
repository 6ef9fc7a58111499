//! What a set of rows adds up to, in any order: V-sum of the workload specification.
//!
//! Guarantees: adding the rows of any partition of a set, in any order, gives the same
//! [`RowSum`]; a row that is missing, changed or there twice changes it (a sum, not an exclusive
//! or, because real data holds the same row twice and that would cancel).

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Number of rows and the sum modulo 2^64 of the rows' hashes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowSum {
    /// Rows added.
    pub rows: u64,
    /// Sum modulo 2^64 of [`hash64`] of every row, 16 hexadecimal digits in text.
    #[serde(with = "hexadecimal")]
    pub sum64: u64,
}

impl RowSum {
    /// Adds one row by its canonical text.
    pub fn add(&mut self, canonical: &str) {
        self.rows += 1;
        self.sum64 = self.sum64.wrapping_add(hash64(canonical.as_bytes()));
    }

    /// Adds the rows of another sum.
    pub const fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        self.sum64 = self.sum64.wrapping_add(other.sum64);
    }
}

/// The first eight bytes, big endian, of the SHA-256 of some bytes.
#[must_use]
pub fn hash64(bytes: &[u8]) -> u64 {
    let digest = Sha256::digest(bytes);
    digest.first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
}

/// A `sum64` as text, so that JSON readers with doubles do not round it.
mod hexadecimal {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(sum: &u64, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&format!("{sum:016x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        let text = String::deserialize(from)?;
        u64::from_str_radix(&text, 16).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_the_start_of_sha_256() {
        // printf abc | sha256sum
        assert_eq!(hash64(b"abc"), 0xba78_16bf_8f01_cfea);
    }

    #[test]
    fn order_does_not_matter_and_a_second_copy_does() {
        let sum = |rows: &[&str]| {
            let mut sum = RowSum::default();
            rows.iter().for_each(|row| sum.add(row));
            sum
        };
        assert_eq!(sum(&["a", "b", "c"]), sum(&["c", "a", "b"]));
        assert_ne!(sum(&["a", "b", "b"]), sum(&["a", "b"]));
        assert_ne!(sum(&["a", "b", "b"]).sum64, sum(&["a"]).sum64);
        let mut parts = sum(&["a"]);
        parts.merge(sum(&["c", "b"]));
        assert_eq!(parts, sum(&["a", "b", "c"]));
    }

    #[test]
    fn a_sum_survives_json() {
        let sum = RowSum { rows: 3, sum64: u64::MAX - 1 };
        let text = serde_json::to_string(&sum).unwrap();
        assert_eq!(text, r#"{"rows":3,"sum64":"fffffffffffffffe"}"#);
        assert_eq!(serde_json::from_str::<RowSum>(&text).unwrap(), sum);
    }
}
