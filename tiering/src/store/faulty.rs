//! A store that fails on purpose, the same way for the same seed. For tests and failpoint builds.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use uuid::Uuid;

use super::{ObjectInfo, ObjectStore, StoreError};

/// How often what goes wrong, in percent of operations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultPlan {
    /// Which sequence of faults.
    pub seed: u64,
    /// The operation takes place, the answer is [`StoreError::Unknown`].
    pub lost_answers_percent: u8,
    /// The operation does not take place, the answer is [`StoreError::Failed`].
    pub errors_percent: u8,
    /// The operation waits first.
    pub delays_percent: u8,
    /// How long.
    pub delay: Duration,
    /// A put leaves the first half of the object and loses the answer, which no good store does.
    pub torn_puts_percent: u8,
}

/// Wraps a store, see [`FaultPlan`].
#[derive(Debug)]
pub struct FaultyStore {
    inner: Arc<dyn ObjectStore>,
    plan: FaultPlan,
    drawn: AtomicU64,
    faults: AtomicU64,
}

/// What happens to one operation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Good,
    LostAnswer,
    Error,
    Torn,
}

impl FaultyStore {
    /// Wraps `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStore>, plan: FaultPlan) -> Self {
        Self { inner, plan, drawn: AtomicU64::new(0), faults: AtomicU64::new(0) }
    }

    /// How many operations were made to fail so far.
    #[must_use]
    pub fn faults(&self) -> u64 {
        self.faults.load(Ordering::Relaxed)
    }

    /// The next number of the plan's sequence, 0 to 99 (splitmix64).
    fn draw(&self) -> u8 {
        let step = self.drawn.fetch_add(1, Ordering::Relaxed);
        let mut z = self.plan.seed.wrapping_add(step.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u8::try_from((z ^ (z >> 31)) % 100).unwrap_or(0)
    }

    async fn fate(&self, is_put: bool) -> Fate {
        if self.draw() < self.plan.delays_percent {
            tokio::time::sleep(self.plan.delay).await;
        }
        let fate = if is_put && self.draw() < self.plan.torn_puts_percent {
            Fate::Torn
        } else if self.draw() < self.plan.errors_percent {
            Fate::Error
        } else if self.draw() < self.plan.lost_answers_percent {
            Fate::LostAnswer
        } else {
            Fate::Good
        };
        if fate != Fate::Good {
            self.faults.fetch_add(1, Ordering::Relaxed);
        }
        fate
    }

    /// Lets one operation other than a put take place as its fate wants.
    async fn run<'a, T>(
        &'a self,
        key: &'a str,
        operation: BoxFuture<'a, Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        match self.fate(false).await {
            Fate::Good | Fate::Torn => operation.await,
            Fate::Error => Err(injected(key)),
            Fate::LostAnswer => {
                operation.await?;
                Err(lost(key))
            }
        }
    }
}

impl ObjectStore for FaultyStore {
    fn put_if_absent<'a>(
        &'a self,
        key: &'a str,
        body: Bytes,
        put_id: Uuid,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            let half = body.slice(..body.len() / 2);
            match self.fate(true).await {
                Fate::Good => self.inner.put_if_absent(key, body, put_id).await,
                Fate::Error => Err(injected(key)),
                Fate::LostAnswer => {
                    self.inner.put_if_absent(key, body, put_id).await?;
                    Err(lost(key))
                }
                Fate::Torn => {
                    self.inner.put_if_absent(key, half, put_id).await?;
                    Err(lost(key))
                }
            }
        }
        .boxed()
    }

    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Bytes, StoreError>> {
        self.run(key, self.inner.get(key)).boxed()
    }

    fn get_range<'a>(
        &'a self,
        key: &'a str,
        range: Range<u64>,
    ) -> BoxFuture<'a, Result<Bytes, StoreError>> {
        self.run(key, self.inner.get_range(key, range)).boxed()
    }

    fn head<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<ObjectInfo>, StoreError>> {
        self.run(key, self.inner.head(key)).boxed()
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        self.run(key, self.inner.delete(key)).boxed()
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        self.run(prefix, self.inner.list(prefix)).boxed()
    }
}

fn injected(key: &str) -> StoreError {
    StoreError::Failed { key: key.to_owned(), reason: "injected error".to_owned() }
}

fn lost(key: &str) -> StoreError {
    StoreError::Unknown { key: key.to_owned(), reason: "injected loss of the answer".to_owned() }
}
