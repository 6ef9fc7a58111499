//! Skew: how a total is shared by rank, who is in an audience, and in which order indexes come.
//!
//! Guarantees: exact on every platform (only `+ - * /` on doubles, which IEEE 754 fixes; powers
//! come from [`power`], never from the platform's mathematics library). [`Shares`] hands out its
//! total exactly, [`Audience`] never picks a member twice, [`Shuffle`] is one to one.

use crate::draw::{Stream, index_of};

const LN_2: f64 = std::f64::consts::LN_2;

/// `base` to the power `exponent`, for a normal positive base; 0 for any other.
#[must_use]
pub fn power(base: f64, exponent: f64) -> f64 {
    if base.is_normal() && base > 0.0 { exponential(exponent * logarithm(base)) } else { 0.0 }
}

fn logarithm(value: f64) -> f64 {
    let bits = value.to_bits();
    // The exponent field has 11 bits, so both numbers are exact as doubles.
    let exponent = ((bits >> 52) & 0x7ff) as f64 - 1_023.0;
    let mantissa = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | (1_023 << 52));
    // ln m = 2 artanh((m - 1) / (m + 1)); the argument is at most 1/3.
    let ratio = (mantissa - 1.0) / (mantissa + 1.0);
    let square = ratio * ratio;
    let series = (0..20).rev().fold(0.0, |sum, term| sum * square + 1.0 / f64::from(2 * term + 1));
    exponent * LN_2 + 2.0 * ratio * series
}

fn exponential(value: f64) -> f64 {
    // Halved until small, then squared back: e^v = (e^(v / 1024))^1024.
    let small = value / 1_024.0;
    let series = (1..12).rev().fold(1.0, |sum, term| 1.0 + sum * small / f64::from(term));
    (0..10).fold(series, |result: f64, _| result * result)
}

/// The whole part of a number that is not negative.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates and drops the fraction, which is what floor means here"
)]
fn floor(value: f64) -> u64 {
    value as u64
}

/// A total shared by rank after Zipf: rank `k` (from 1) gets a part that goes with `k^-s`.
#[derive(Debug, Clone)]
pub struct Shares {
    ends: Vec<u64>,
}

impl Shares {
    /// Shares a total among this many ranks.
    #[must_use]
    pub fn zipf(total: u64, ranks: u32, exponent: f64) -> Self {
        let mut sum = 0.0;
        let mut cumulative = Vec::new();
        for rank in 1..=ranks {
            sum += power(f64::from(rank), -exponent);
            cumulative.push(sum);
        }
        let scale = total as f64 / sum;
        let mut ends: Vec<u64> = cumulative.iter().map(|c| floor(c * scale).min(total)).collect();
        if let Some(last) = ends.last_mut() {
            *last = total;
        }
        Self { ends }
    }

    /// The rank (from 0) that owns a place in `0..total`, and the place within that rank.
    #[must_use]
    pub fn owner(&self, place: u64) -> (usize, u64) {
        let rank = self.ends.partition_point(|end| *end <= place);
        (rank, place - self.start(rank).min(place))
    }

    /// What a rank (from 0) got.
    #[must_use]
    pub fn of(&self, rank: usize) -> u64 {
        self.ends.get(rank).map_or(0, |end| end - self.start(rank))
    }

    /// How many ranks there are.
    #[must_use]
    pub const fn ranks(&self) -> usize {
        self.ends.len()
    }

    fn start(&self, rank: usize) -> u64 {
        rank.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0)
    }
}

/// Picks `picks` different members of `members`, the probability going with `rank^-0.8`.
///
/// Nobody can be picked twice in one audience, so the first ranks, whose share would exceed one,
/// are always in it, and the rest is drawn evenly along the curve behind them.
#[derive(Debug, Clone, Copy)]
pub struct Audience {
    members: u64,
    certain: u64,
    density: f64,
    start: f64,
}

/// Distance kept between two picks, a little above one rank, so that rounding never joins them.
const DENSITY_MAX: f64 = 0.98;

impl Audience {
    /// The audience of this many picks, which must not exceed the members.
    #[must_use]
    pub fn new(members: u64, picks: u64) -> Self {
        let picks = picks.min(members);
        // The fewest certain ranks that leave less than one pick per rank to the rest.
        let (mut low, mut high) = (0, picks);
        while low < high {
            let middle = low.midpoint(high);
            if Self::with(members, picks, middle).is_sparse() {
                high = middle
            } else {
                low = middle + 1
            }
        }
        Self::with(members, picks, low)
    }

    fn with(members: u64, picks: u64, certain: u64) -> Self {
        let start = power((certain + 1) as f64, 0.2);
        let end = power((members + 1) as f64, 0.2);
        let rest = (picks - certain) as f64;
        let density = if rest > 0.0 { rest / (end - start) } else { 0.0 };
        Self { members, certain, density, start }
    }

    /// Picks per rank at the densest place: the derivative of `density * rank^0.2`.
    fn is_sparse(&self) -> bool {
        let fourth = self.start * self.start * self.start * self.start;
        self.density.is_finite() && self.density * 0.2 / fourth <= DENSITY_MAX
    }

    /// The rank (from 0) at a place in `0..picks`; `offset` in `0.0..1.0` is the same for all
    /// places of one audience and makes audiences differ.
    #[must_use]
    pub fn rank(&self, place: u64, offset: f64) -> u64 {
        if place < self.certain {
            return place;
        }
        let along = self.start + ((place - self.certain) as f64 + offset) / self.density;
        let fifth = along * along * along * along * along;
        (floor(fifth).max(1) - 1).min(self.members.saturating_sub(1))
    }
}

/// A fixed, seeded order of `0..count`: one to one, without a table.
#[derive(Debug, Clone, Copy)]
pub struct Shuffle {
    stream: Stream,
    count: u64,
    half_bits: u32,
}

impl Shuffle {
    /// The order of this many indexes under this stream.
    #[must_use]
    pub const fn new(stream: Stream, count: u64) -> Self {
        let bits = u64::BITS - count.saturating_sub(1).leading_zeros();
        Self { stream, count, half_bits: if bits < 2 { 1 } else { bits.div_ceil(2) } }
    }

    /// Where this index stands; an index outside stands where it is.
    #[must_use]
    pub fn place(&self, index: u64) -> u64 {
        if index >= self.count {
            return index;
        }
        // A Feistel network permutes the next power of four; walking its cycle until the
        // result is inside keeps it one to one on the count itself.
        let mut place = self.network(index);
        while place >= self.count {
            place = self.network(place);
        }
        place
    }

    fn network(&self, index: u64) -> u64 {
        let mask = (1 << self.half_bits) - 1;
        let (mut left, mut right) = (index >> self.half_bits, index & mask);
        for round in 0..4 {
            let mixed = self.stream.bits(index_of(round, right)) & mask;
            (left, right) = (right, left ^ mixed);
        }
        (left << self.half_bits) | right
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn powers_are_right_and_the_same_for_ever() {
        for (base, exponent) in [(2.0, 0.5), (20_000.0, -1.1), (7.0, 0.2), (1.0, 3.0), (1e9, 0.2)] {
            let known = f64::powf(base, exponent);
            assert!((power(base, exponent) / known - 1.0).abs() < 1e-11, "{base} {exponent}");
        }
        assert_eq!(power(20_000.0, -1.1).to_bits(), 0x3ef3_797a_99cf_dce0);
        assert_eq!(power(0.0, 2.0).to_bits(), 0.0_f64.to_bits());
    }

    #[test]
    fn the_top_account_has_a_fifth_and_the_top_ten_a_half() {
        let shares = Shares::zipf(1_000_000, 500, 1.1);
        let top: u64 = (0..10).map(|rank| shares.of(rank)).sum();
        assert!((180_000..230_000).contains(&shares.of(0)), "{}", shares.of(0));
        assert!((480_000..600_000).contains(&top), "{top}");
    }

    proptest! {
        #[test]
        fn shares_hand_out_the_total_exactly(total in 0_u64..50_000, ranks in 1_u32..300) {
            let shares = Shares::zipf(total, ranks, 1.1);
            prop_assert_eq!((0..shares.ranks()).map(|rank| shares.of(rank)).sum::<u64>(), total);
            for place in (0..total).step_by(97) {
                let (rank, inner) = shares.owner(place);
                prop_assert!(inner < shares.of(rank));
            }
        }

        #[test]
        fn a_shuffle_is_one_to_one(count in 1_u64..3_000, seed: u64) {
            let shuffle = Shuffle::new(Stream::new(seed, 1), count);
            let places: BTreeSet<u64> = (0..count).map(|index| shuffle.place(index)).collect();
            prop_assert_eq!(u64::try_from(places.len()).unwrap(), count);
            prop_assert!(places.last() < Some(&count));
        }

        #[test]
        fn nobody_is_twice_in_an_audience(
            members in 1_u64..5_000, part in 0.0_f64..=1.0, offset in 0.0_f64..1.0,
        ) {
            let picks = floor(members as f64 * part);
            let audience = Audience::new(members, picks);
            let ranks: BTreeSet<u64> =
                (0..picks).map(|place| audience.rank(place, offset)).collect();
            prop_assert_eq!(u64::try_from(ranks.len()).unwrap(), picks);
            prop_assert!(ranks.last() < Some(&members));
        }
    }

    #[test]
    fn a_million_members_are_picked_once_each() {
        let audience = Audience::new(2_000_000, 1_000_000);
        let mut last = None;
        for place in 0..1_000_000 {
            let rank = Some(audience.rank(place, 0.999));
            assert!(rank > last, "{place}");
            last = rank;
        }
    }
}
