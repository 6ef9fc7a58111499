//! Numbers that look random and are a function of (seed, stream, index).
//!
//! Guarantees: the same three numbers give the same draw for ever; two streams of one seed are
//! independent of each other, so that a new column never changes the columns that exist.

use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128_with_seed};

/// One named source of draws under a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    seed: u64,
    stream: u64,
}

impl Stream {
    /// The stream with this number under this seed.
    #[must_use]
    pub const fn new(seed: u64, stream: u64) -> Self {
        Self { seed, stream }
    }

    /// 64 bits for this index.
    #[must_use]
    pub fn bits(self, index: u64) -> u64 {
        xxh3_64_with_seed(&self.key(index), self.seed)
    }

    /// 128 bits for this index.
    #[must_use]
    pub fn bits128(self, index: u64) -> u128 {
        xxh3_128_with_seed(&self.key(index), self.seed)
    }

    /// A number in `0.0..1.0`, with 53 bits.
    #[must_use]
    pub fn unit(self, index: u64) -> f64 {
        const STEP: f64 = 1.0 / 9_007_199_254_740_992.0;
        // 53 bits fit a double exactly, so nothing is rounded.
        (self.bits(index) >> 11) as f64 * STEP
    }

    /// A number in `0..end`, uniform to within 2^-64 of the end; 0 when the end is 0.
    #[must_use]
    pub fn below(self, index: u64, end: u64) -> u64 {
        let scaled = u128::from(self.bits(index)) * u128::from(end);
        u64::try_from(scaled >> 64).unwrap_or(0)
    }

    /// Whether something of this probability happens.
    #[must_use]
    pub fn chance(self, index: u64, probability: f64) -> bool {
        self.unit(index) < probability
    }

    /// One of the choices; the default when there are none.
    #[must_use]
    pub fn pick<T: Copy + Default>(self, index: u64, choices: &[T]) -> T {
        let count = u64::try_from(choices.len()).unwrap_or(u64::MAX);
        let at = usize::try_from(self.below(index, count)).unwrap_or(0);
        choices.get(at).copied().unwrap_or_default()
    }

    fn key(self, index: u64) -> [u8; 16] {
        let mut key = [0; 16];
        let (stream, rest) = key.split_at_mut(8);
        stream.copy_from_slice(&self.stream.to_le_bytes());
        rest.copy_from_slice(&index.to_le_bytes());
        key
    }
}

/// Mixes a second number into an index, for draws that have two coordinates.
#[must_use]
pub fn index_of(major: u64, minor: u64) -> u64 {
    xxh3_64_with_seed(&minor.to_le_bytes(), major)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_is_the_same_for_ever() {
        let stream = Stream::new(7, 1);
        assert_eq!(stream.bits(0), 0x1dbd_1990_7c27_3b60);
        assert_eq!(stream.bits128(3), 0x8a59_9a54_e13d_db9e_1d69_e98d_2d77_2d05);
        assert_eq!(stream.below(5, 1000), 773);
        assert_eq!(index_of(1, 2), 0x1722_dee5_0e00_c79c);
    }

    #[test]
    fn draws_are_uniform_within_a_percent() {
        let stream = Stream::new(1, 2);
        let mut counts = [0_u32; 10];
        for index in 0..100_000 {
            counts[usize::try_from(stream.below(index, 10)).unwrap()] += 1;
        }
        assert!(counts.iter().all(|n| (9_700..10_300).contains(n)), "{counts:?}");
        let mean: f64 = (0..100_000).map(|index| stream.unit(index)).sum::<f64>() / 100_000.0;
        assert!((mean - 0.5).abs() < 0.005, "{mean}");
    }

    #[test]
    fn streams_seeds_and_indexes_differ() {
        let bits = Stream::new(1, 1).bits(1);
        assert_ne!(bits, Stream::new(2, 1).bits(1));
        assert_ne!(bits, Stream::new(1, 2).bits(1));
        assert_ne!(bits, Stream::new(1, 1).bits(2));
    }

    #[test]
    fn nothing_is_picked_from_nothing() {
        assert_eq!(Stream::new(1, 1).below(9, 0), 0);
        assert_eq!(Stream::new(1, 1).pick::<u8>(9, &[]), 0);
    }
}
