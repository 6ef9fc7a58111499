//! What flights add up to, in any order.

use crate::totals::hash64;

use super::Flight;

/// Sums over a set of flights; rows may be added in any order, and parts merged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Flights.
    pub rows: u64,
    /// Miles.
    pub distance: i64,
    /// Minutes in the air; a flight without them counts as none.
    pub air_time: i64,
    /// Minutes late at arrival; likewise.
    pub arr_delay: i64,
    /// Sum modulo 2^64 of the first eight bytes of the SHA-256 of each canonical row.
    pub sum64: u64,
}

impl Totals {
    /// Adds one flight.
    pub fn add(&mut self, flight: &Flight) {
        self.merge(Self {
            rows: 1,
            distance: i64::from(flight.distance),
            air_time: flight.air_time.map_or(0, i64::from),
            arr_delay: flight.arr_delay.map_or(0, i64::from),
            sum64: hash64(flight.canonical().as_bytes()),
        });
    }

    /// Adds the flights of another total.
    pub const fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        self.distance += other.distance;
        self.air_time += other.air_time;
        self.arr_delay += other.arr_delay;
        self.sum64 = self.sum64.wrapping_add(other.sum64);
    }
}
