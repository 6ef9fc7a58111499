//! What requests cost, in units; `cellar_schema::units` has the rules. [`Totals`] adds up what a
//! frontend served, for its metrics.

mod totals;

use std::ops::AddAssign;

use bytes::Bytes;
use cellar_schema::units::{self, Units};

pub use totals::Totals;

/// Units that one request consumed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charge {
    /// Read request units.
    pub read: Units,
    /// Write request units.
    pub write: Units,
}

impl Charge {
    /// A read that went through so many bytes; half the price at ONE and LOCAL_ONE.
    #[must_use]
    pub fn read(bytes: u64, half_price: bool) -> Self {
        Self { read: units::read_units(bytes, half_price), write: Units::ZERO }
    }

    /// A write of so many bytes.
    #[must_use]
    pub fn write(bytes: u64) -> Self {
        Self { read: Units::ZERO, write: units::write_units(bytes) }
    }

    /// The value of the custom payload `RequestCharge`: the sum of units as a big-endian double.
    #[must_use]
    pub fn payload(&self) -> Bytes {
        let halves = self.read.halves().saturating_add(self.write.halves());
        // Exact below 2^32 halves; a single request never comes near.
        let halves = f64::from(u32::try_from(halves).unwrap_or(u32::MAX));
        Bytes::copy_from_slice(&(halves / 2.0).to_be_bytes())
    }

    /// The value of the HTTP header `Cellar-Consumed`.
    #[must_use]
    pub fn header(&self) -> String {
        format!("ru={}, wu={}", self.read, self.write)
    }
}

impl AddAssign for Charge {
    fn add_assign(&mut self, other: Self) {
        self.read += other.read;
        self.write += other.write;
    }
}
