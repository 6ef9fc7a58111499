//! Where a SELECT goes on by a paging state. One that another statement gave is taken too, as
//! Cassandra does, if it points into a partition that is read: applications read a first page by
//! one statement and the rest by another (Temporal's lists do).

use bytes::Bytes;
use cellar_cql::plan::{BoundSelect, BoundValue, Planned, Reads};
use xxhash_rust::xxh3::Xxh3;

use super::{PagingState, Parameters, select::Step};
use crate::error::RequestError;

/// What a paging state belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// Names what is read and by which values. A column more or less does not matter: a table may
    /// be altered between two pages.
    pub(super) statement: u64,
    /// Names the table.
    pub(super) table: u64,
}

impl Origin {
    pub(super) fn of(planned: &Planned, bound: &BoundSelect, parameters: &Parameters) -> Self {
        let mut hash = Xxh3::new();
        for (table, _) in &planned.tables {
            hash.update(&table.0.to_be_bytes());
        }
        // Views of one table are told apart by their names.
        hash.update(bound.table.name.as_bytes());
        let table = hash.digest();
        if let Reads::Partitions(partitions) = &bound.reads {
            for read in partitions {
                hash.update(&read.partition);
            }
        }
        for value in &parameters.values {
            match value {
                BoundValue::Bytes(bytes) => {
                    hash.update(&[1]);
                    hash.update(bytes);
                }
                BoundValue::Null => hash.update(&[2]),
                BoundValue::Unset => hash.update(&[3]),
            }
        }
        Self { statement: hash.digest(), table }
    }

    /// The state of a client's bytes, as a state of this statement.
    ///
    /// # Errors
    /// [`RequestError::Protocol`] for bytes that are none, [`RequestError::Invalid`] for a state
    /// from which this statement cannot go on.
    pub(super) fn resume(
        self,
        bytes: &[u8],
        bound: &BoundSelect,
        steps: &[Step],
    ) -> Result<PagingState, RequestError> {
        let state = PagingState::decode(bytes)?;
        let same = state.statement == self.statement;
        let found = match &state.after {
            // Ranges written into the statement may be others, such as those of `now()`.
            Some(after) if bound.view.is_none() && (same || state.table == self.table) => {
                let read = usize::try_from(state.read).ok().filter(|_| same);
                match read.and_then(|read| steps.get(read)) {
                    Some(step) if step.holds(after) => return Ok(state),
                    _ => place(after, steps, bound.reverse),
                }
            }
            _ if same => return Ok(state),
            _ => None,
        };
        let (read, inside) = found.ok_or_else(|| {
            RequestError::invalid(
                "the paging state belongs to another statement or to other values",
            )
        })?;
        let read = u64::try_from(read).unwrap_or(u64::MAX);
        Ok(PagingState { read, after: state.after.filter(|_| inside), ..state })
    }
}

impl Step {
    fn holds(&self, key: &Bytes) -> bool {
        self.start <= *key && *key < self.end
    }
}

/// The step that goes on behind a key, and whether the key lies within it; nothing if its
/// partition is not read.
fn place(after: &Bytes, steps: &[Step], reverse: bool) -> Option<(usize, bool)> {
    let mut last = None;
    for (index, step) in steps.iter().enumerate() {
        if step.partition.as_ref().is_some_and(|partition| !after.starts_with(partition)) {
            continue;
        }
        if step.holds(after) {
            return Some((index, true));
        }
        let ahead = if reverse { step.end <= *after } else { step.start > *after };
        if ahead {
            return Some((index, false));
        }
        last = Some(index);
    }
    last.map(|index| (index.saturating_add(1), false))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{Step, place};

    fn step(partition: &'static str, start: &'static str, end: &'static str) -> Step {
        let bytes = |text: &'static str| Bytes::from_static(text.as_bytes());
        let partition = (!partition.is_empty()).then(|| bytes(partition));
        Step { partition, statics: false, start: bytes(start), end: bytes(end) }
    }

    fn found(after: &'static str, steps: &[Step], reverse: bool) -> Option<(usize, bool)> {
        place(&Bytes::from_static(after.as_bytes()), steps, reverse)
    }

    #[test]
    fn a_key_is_found_in_the_range_that_holds_it_or_before_the_one_that_follows() {
        let steps = [step("p", "pb", "pd"), step("p", "pf", "ph"), step("q", "qb", "qd")];
        assert_eq!(found("pa", &steps, false), Some((0, false)));
        assert_eq!(found("pb", &steps, false), Some((0, true)));
        assert_eq!(found("pd", &steps, false), Some((1, false)));
        assert_eq!(found("pg", &steps, false), Some((1, true)));
        assert_eq!(found("ph", &steps, false), Some((2, false)));
        assert_eq!(found("qz", &steps, false), Some((3, false)));
        assert_eq!(found("x", &steps, false), None);
    }

    #[test]
    fn backwards_the_range_that_follows_has_smaller_keys() {
        let steps = [step("p", "pf", "ph"), step("p", "pb", "pd")];
        assert_eq!(found("pz", &steps, true), Some((0, false)));
        assert_eq!(found("pg", &steps, true), Some((0, true)));
        assert_eq!(found("pe", &steps, true), Some((1, false)));
        assert_eq!(found("pa", &steps, true), Some((2, false)));
    }

    #[test]
    fn a_scan_goes_on_behind_any_key() {
        let steps = [step("", "b", "y")];
        assert_eq!(found("a", &steps, false), Some((0, false)));
        assert_eq!(found("m", &steps, false), Some((0, true)));
        assert_eq!(found("z", &steps, false), Some((1, false)));
    }
}
