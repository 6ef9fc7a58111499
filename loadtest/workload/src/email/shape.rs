//! The inputs of the generator: with them, every row is fixed.

use serde::{Deserialize, Serialize};

use crate::date;

/// What is to be generated. Two equal shapes give equal rows for ever.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shape {
    /// Chooses one of 2^64 data sets of this shape.
    pub seed: u64,
    /// Messages of the ordinary accounts.
    pub emails: u64,
    /// Ordinary accounts, which share the messages after Zipf with exponent 1.1.
    pub accounts: u32,
    /// Days over which campaigns are sent.
    pub days: u32,
    /// First of these days, since 1970-01-01.
    pub day0: i64,
    /// Accounts that each send one campaign to very many within ten minutes.
    pub whales: u32,
    /// Messages of each of those.
    pub whale_emails: u64,
    /// Claims that nothing follows, as after a crash between claim and hand-off.
    pub orphans: u64,
    /// Part of the events that are delivered a second time, up to a day later.
    pub duplicate_rate: f64,
    /// Part of the events whose first delivery fails, so that they come up to a day late.
    pub late_rate: f64,
    /// Servers that post events.
    pub servers: u32,
}

impl Shape {
    /// Small enough for every push: 20,000 messages of 500 accounts over 12 months.
    #[must_use]
    pub const fn ci(seed: u64) -> Self {
        Self {
            seed,
            emails: 20_000,
            accounts: 500,
            days: 365,
            day0: date::day_of(2023, 1, 1),
            whales: 0,
            whale_emails: 0,
            orphans: 0,
            duplicate_rate: 0.005,
            late_rate: 0.001,
            servers: 4,
        }
    }

    /// The main job: 2 million messages of 20,000 accounts over 24 months.
    #[must_use]
    pub const fn main(seed: u64) -> Self {
        Self { emails: 2_000_000, accounts: 20_000, days: 731, servers: 20, ..Self::ci(seed) }
    }

    /// The same with three accounts that each send to a million subscribers in ten minutes.
    #[must_use]
    pub const fn with_whales(self) -> Self {
        Self { whales: 3, whale_emails: 1_000_000, ..self }
    }

    /// The same with this many claims that nothing follows.
    #[must_use]
    pub const fn with_orphans(self, orphans: u64) -> Self {
        Self { orphans, ..self }
    }

    /// Messages of all kinds.
    #[must_use]
    pub const fn messages(&self) -> u64 {
        self.emails + self.whales as u64 * self.whale_emails + self.orphans
    }

    /// Midnight after the last day of sending, milliseconds: `now` for tests of ageing. Events
    /// of the last messages (retries, opens) lie up to ten days behind it.
    #[must_use]
    pub const fn end_ms(&self) -> i64 {
        (self.day0 + self.days as i64) * date::DAY_MS
    }
}
