//! The size of a cell's rows, measured anew only when it may have changed: an estimate walks over
//! all tables of the engine, and most of thousands of cells are idle.

use std::time::Duration;

use cellar_metadata_api::Epoch;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::limits::MEASURED_MS_MAX;

/// Where a cell is: what it holds is decided by its range and what it has applied.
pub(super) type At = (Epoch, Option<u64>);

/// A size and when it was measured.
#[derive(Debug, Default)]
pub(super) struct Measured {
    last: Mutex<Option<(At, Instant, u64)>>,
}

impl Measured {
    /// The bytes, measured at the same place not long ago, or now. Compactions change sizes too, so
    /// that none is taken for long.
    pub(super) fn get<E>(
        &self,
        at: At,
        now: Instant,
        measure: impl FnOnce() -> Result<u64, E>,
    ) -> Result<u64, E> {
        let lately = Duration::from_millis(MEASURED_MS_MAX);
        if let Some((then, when, bytes)) = *self.last.lock()
            && then == at
            && now.duration_since(when) < lately
        {
            return Ok(bytes);
        }
        let bytes = measure()?;
        *self.last.lock() = Some((at, now, bytes));
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_cell_is_measured_once_a_minute_and_one_that_changed_at_once() {
        let measured = Measured::default();
        let mut times = 0;
        let mut look = |at: At, now| {
            let bytes: Result<u64, ()> = measured.get(at, now, || {
                times += 1;
                Ok(times)
            });
            bytes
        };
        let (at, now) = ((Epoch(1), Some(7)), Instant::now());
        assert_eq!([look(at, now), look(at, now), look(at, now)], [Ok(1); 3]);
        assert_eq!(look((Epoch(1), Some(8)), now), Ok(2), "it has applied something");
        assert_eq!(look((Epoch(2), Some(8)), now), Ok(3), "it was split");
        assert_eq!(look((Epoch(2), Some(8)), now), Ok(3));
        let later = now + Duration::from_millis(MEASURED_MS_MAX);
        assert_eq!(look((Epoch(2), Some(8)), later), Ok(4));
        assert_eq!(measured.get(at, later, || Err::<u64, _>("unreadable")), Err("unreadable"));
        assert_eq!(measured.get(at, later, || Ok::<u64, ()>(9)), Ok(9), "no error is kept");
    }
}
