//! Request units, as Amazon Keyspaces counts them: exact integers, so that every meter agrees
//! (invariant I-14). One read unit is 4 KiB read, half a unit at ONE and LOCAL_ONE; one write unit
//! is 1 KiB written. Bytes of one request are summed first and rounded up once; every request
//! costs at least one unit (or one half).

mod size;

pub use size::{ROW_STORAGE_BYTES, change_bytes, key_bytes, row_bytes, static_bytes};

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize};

/// What one read unit pays for.
pub const READ_UNIT_BYTES: u64 = 4096;

/// What one write unit pays for.
pub const WRITE_UNIT_BYTES: u64 = 1024;

/// A number of request units, counted in halves.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Units(u64);

impl Units {
    /// None.
    pub const ZERO: Self = Self(0);

    /// So many halves.
    #[must_use]
    pub const fn from_halves(halves: u64) -> Self {
        Self(halves)
    }

    /// So many whole units.
    #[must_use]
    pub const fn whole(units: u64) -> Self {
        Self(units.saturating_mul(2))
    }

    /// The number of halves.
    #[must_use]
    pub const fn halves(self) -> u64 {
        self.0
    }

    /// So many times as much (a logged batch writes twice).
    #[must_use]
    pub const fn times(self, factor: u64) -> Self {
        Self(self.0.saturating_mul(factor))
    }
}

impl Add for Units {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Units {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Units {
    fn sum<I: Iterator<Item = Self>>(units: I) -> Self {
        units.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Units {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let half = if self.0.is_multiple_of(2) { "" } else { ".5" };
        write!(formatter, "{}{half}", self.0 / 2)
    }
}

/// What a request that read so many bytes costs; half the price at ONE and LOCAL_ONE. Bytes are
/// those processed, not those returned.
#[must_use]
pub fn read_units(bytes: u64, half_price: bool) -> Units {
    let units = bytes.div_ceil(READ_UNIT_BYTES).max(1);
    if half_price { Units::from_halves(units) } else { Units::whole(units) }
}

/// What writing one row of so many bytes costs. A condition that was false costs the same by the
/// size of the row that was there, one unit if there was none.
#[must_use]
pub fn write_units(bytes: u64) -> Units {
    Units::whole(bytes.div_ceil(WRITE_UNIT_BYTES).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_cost_a_unit_for_4_kib_and_half_at_one() {
        let cases = [(0, 2), (1, 2), (4096, 2), (4097, 4), (1 << 20, 512)];
        for (bytes, halves) in cases {
            assert_eq!(read_units(bytes, false).halves(), halves);
            assert_eq!(read_units(bytes, true).halves(), halves / 2);
        }
    }

    #[test]
    fn writes_cost_a_unit_for_1_kib() {
        let cases = [(0, 1), (1, 1), (1024, 1), (1025, 2), (26_112, 26)];
        for (bytes, units) in cases {
            assert_eq!(write_units(bytes), Units::whole(units));
        }
    }

    #[test]
    fn units_are_added_exactly_and_shown_with_halves() {
        let sum: Units =
            [read_units(1, true), read_units(1, false), write_units(1)].into_iter().sum();
        assert_eq!(sum.to_string(), "2.5");
        assert_eq!(write_units(3 * 1024).times(2).to_string(), "6");
        assert_eq!(Units::ZERO.to_string(), "0");
    }
}
