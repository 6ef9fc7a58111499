//! What the clients do: registers that are read, set, deleted and compared, counters that count,
//! batches over several cells.

use std::{collections::BTreeMap, sync::Arc};

use cellar_cell_api::Outcome;
use cellar_loadtest::history::{self, Action, LAST_READER};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{
    Book,
    asking::{Asking, Unanswered},
    tables::Known,
};
use crate::chance::Chance;

/// Registers, each in a partition of its own.
pub(crate) const REGISTERS: u32 = 6;
/// Counters.
pub(crate) const COUNTERS: u32 = 2;

/// One client at work.
pub(crate) struct Worker {
    pub(crate) client: u32,
    pub(crate) asking: Arc<Asking>,
    pub(crate) registers: Known,
    pub(crate) counters: Known,
    pub(crate) batches: Known,
    pub(crate) book: Book,
    pub(crate) chance: Chance,
    requests: u64,
    /// What it saw last in each register.
    seen: BTreeMap<u32, Option<u64>>,
}

impl Worker {
    pub(crate) fn new(
        client: u32,
        asking: Arc<Asking>,
        [registers, counters, batches]: [Known; 3],
        book: Book,
        chance: Chance,
    ) -> Self {
        let (requests, seen) = (0, BTreeMap::new());
        Self { client, asking, registers, counters, batches, book, chance, requests, seen }
    }

    /// Asks one thing after the other until told to stop.
    pub(crate) async fn work(mut self, stop: CancellationToken) {
        let pause_ms = self.chance.between(20, 200);
        while !stop.is_cancelled() {
            self.requests = self.requests.saturating_add(1);
            match self.chance.below(100) {
                0..30 => self.read().await,
                30..40 => self.batch().await,
                40..65 => self.set().await,
                65..85 => self.compare().await,
                85..95 => self.count_up().await,
                _ => self.count().await,
            }
            sleep(self.chance.ms(0, pause_ms)).await;
        }
    }

    fn register(&mut self) -> u32 {
        u32::try_from(self.chance.below(u64::from(REGISTERS))).unwrap_or(0)
    }

    fn counter(&mut self) -> u32 {
        u32::try_from(self.chance.below(u64::from(COUNTERS))).unwrap_or(0)
    }

    /// How many requests it has made.
    pub(super) const fn requests(&self) -> u64 {
        self.requests
    }

    /// A value that nobody else brings.
    pub(super) fn fresh(&self) -> u64 {
        u64::from(self.client).saturating_add(1) << 32 | self.requests
    }

    pub(super) fn id(&self) -> u128 {
        u128::from(self.fresh())
    }

    async fn read(&mut self) {
        let key = self.register();
        self.read_one(key).await;
    }

    async fn read_one(&mut self, key: u32) {
        let start_ns = self.book.now_ns();
        let outcome = match self.asking.read(self.registers.read(key)).await {
            Ok(page) => {
                let value = page.rows.first().and_then(|(_, row)| self.registers.value_of(row));
                self.seen.insert(key, value);
                history::Outcome::Found(value)
            }
            Err(error) => unanswered(&error),
        };
        self.book.enter((self.client, key), Action::Read, outcome, start_ns);
    }

    async fn set(&mut self) {
        let key = self.register();
        let to = (!self.chance.percent(8)).then(|| self.fresh());
        let start_ns = self.book.now_ns();
        let outcome = match self.asking.write(self.registers.set(key, to)).await {
            Ok(Outcome::Applied { .. }) => history::Outcome::Done,
            Ok(Outcome::NotApplied { .. } | Outcome::Begun { .. }) => history::Outcome::Failed,
            Err(error) => unanswered(&error),
        };
        self.book.enter((self.client, key), Action::Write(to), outcome, start_ns);
    }

    async fn compare(&mut self) {
        let key = self.register();
        let expected = self.seen.get(&key).copied().flatten();
        let new = self.fresh();
        let start_ns = self.book.now_ns();
        let write = self.registers.cas(key, expected, new, self.id());
        let outcome = match self.asking.write(write).await {
            Ok(Outcome::Applied { .. }) => {
                self.seen.insert(key, Some(new));
                history::Outcome::Done
            }
            Ok(Outcome::NotApplied { current, .. }) => {
                let row = current.into_iter().next().flatten();
                let value = row.and_then(|row| self.registers.value_of(&row));
                self.seen.insert(key, value);
                history::Outcome::Refused(value)
            }
            Ok(Outcome::Begun { .. }) => history::Outcome::Failed,
            Err(error) => unanswered(&error),
        };
        self.book.enter((self.client, key), Action::Cas { expected, new }, outcome, start_ns);
    }

    async fn count_up(&mut self) {
        let key = self.counter();
        let by = self.chance.between(1, 9);
        let start_ns = self.book.now_ns();
        let write = self.counters.add(key, by, self.id());
        let outcome = match self.asking.write(write).await {
            Ok(Outcome::Applied { .. }) => history::Outcome::Done,
            Ok(Outcome::NotApplied { .. } | Outcome::Begun { .. }) => history::Outcome::Failed,
            Err(error) => unanswered(&error),
        };
        self.book.enter((self.client, key), Action::Add(by), outcome, start_ns);
    }

    async fn count(&mut self) {
        let key = self.counter();
        self.count_one(key).await;
    }

    async fn count_one(&mut self, key: u32) {
        let start_ns = self.book.now_ns();
        let outcome = match self.asking.read(self.counters.read(key)).await {
            Ok(page) => {
                let value = page.rows.first().and_then(|(_, row)| self.counters.value_of(row));
                history::Outcome::Counted(value.unwrap_or(0))
            }
            Err(error) => unanswered(&error),
        };
        self.book.enter((self.client, key), Action::Count, outcome, start_ns);
    }

    /// Reads everything once, as the last of all.
    pub(crate) async fn read_back(mut self) {
        self.client = LAST_READER;
        for key in 0..REGISTERS {
            self.read_one(key).await;
        }
        for key in 0..COUNTERS {
            self.count_one(key).await;
        }
    }
}

fn unanswered(error: &Unanswered) -> history::Outcome {
    match error {
        Unanswered::Failed => history::Outcome::Failed,
        Unanswered::Unknown => history::Outcome::Unknown,
    }
}
