//! Linearizability of one register (I-4): whether every operation can have happened at one moment
//! between its request and its answer.
//!
//! The search of Wing and Gong as Lowe orders it: operations are taken up as they begin, and a
//! state (the register's value, and which of the open operations have happened) is advanced only
//! as far as the next answer demands. States that are equal are held once. What only looks happens
//! as soon as it can, since that takes nothing away from the others. Before the search, uncertain
//! writes are decided: whoever saw the unique value proves that it was written before; a value that
//! nobody ever saw may as well not have been written.

use std::collections::{BTreeMap, HashSet};

use super::{Action, Operation, Outcome, Violation};

/// Operations that may be open at once; each is one bit of a state.
const MAX_OPEN: usize = 64;
/// States that the search may hold at once, 32 bytes each. More of them are no answer in minutes.
const MAX_STATES: usize = 4_000_000;
/// Operations before the impossible one that a violation shows.
const SHOWN: usize = 12;

/// The register's value, and which of the open operations have happened.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct State {
    value: Option<u64>,
    happened: u64,
}

/// An operation as the search takes it: when its answer was due, and what it does.
struct Step<'a> {
    operation: &'a Operation,
    /// None for what may happen at any later time, or never.
    due_ns: Option<u64>,
}

/// Checks the operations of one register, sorted by their start. Returns how many states were held
/// at once, at most.
///
/// # Errors
/// The operation that cannot have been answered so, with those around it.
pub fn check(operations: &[Operation]) -> Result<u64, Violation> {
    let steps = decided(operations);
    let mut search = Search {
        open: [const { None }; MAX_OPEN],
        states: HashSet::from([State { value: None, happened: 0 }]),
        widest: 1,
    };
    let mut due: BTreeMap<(u64, usize), usize> = BTreeMap::new();
    for (number, step) in steps.iter().enumerate() {
        let begins = step.operation.start_ns;
        while let Some(first) = due.first_entry().filter(|first| first.key().0 < begins) {
            let slot = first.remove();
            search.answer(slot).map_err(|why| search.violation(operations, slot, why))?;
        }
        let Some(slot) = search.begin(step.operation) else {
            return Err(search.violation(operations, 0, "too many operations are open at once"));
        };
        if let Some(due_ns) = step.due_ns {
            due.insert((due_ns, number), slot);
        }
    }
    for slot in due.into_values() {
        search.answer(slot).map_err(|why| search.violation(operations, slot, why))?;
    }
    Ok(search.widest)
}

/// The operations that count, uncertain ones decided where they can be.
fn decided(operations: &[Operation]) -> Vec<Step<'_>> {
    // When somebody had seen a value for the first time.
    let mut seen: BTreeMap<u64, u64> = BTreeMap::new();
    for operation in operations {
        if let Some(Some(value)) = operation.saw() {
            see(&mut seen, value, operation.end_ns);
        }
    }
    // An uncertain compare-and-set whose value was seen has itself seen what it expected.
    let mut news = true;
    while std::mem::take(&mut news) {
        for operation in operations {
            let Action::Cas { expected: Some(expected), new } = operation.action else { continue };
            if operation.outcome == Outcome::Unknown
                && let Some(when_ns) = seen.get(&new).copied()
            {
                news |= see(&mut seen, expected, when_ns);
            }
        }
    }
    let step = |operation| -> Option<Step<'_>> {
        let operation: &Operation = operation;
        let due_ns = match (operation.outcome, operation.brings()) {
            (Outcome::Failed, _) | (Outcome::Unknown, None) => return None,
            (Outcome::Unknown, Some(None)) => None,
            // Seen before it was asked for: impossible, and the search says so.
            (Outcome::Unknown, Some(Some(value))) => {
                Some(seen.get(&value).copied()?.max(operation.start_ns))
            }
            _ => Some(operation.end_ns),
        };
        Some(Step { operation, due_ns })
    };
    operations.iter().filter_map(step).collect()
}

/// Takes down that a value was seen; says whether it had not been seen so early.
fn see(seen: &mut BTreeMap<u64, u64>, value: u64, when_ns: u64) -> bool {
    let first = seen.entry(value).or_insert(u64::MAX);
    let earlier = when_ns < *first;
    *first = when_ns.min(*first);
    earlier
}

struct Search<'a> {
    open: [Option<&'a Operation>; MAX_OPEN],
    states: HashSet<State>,
    widest: u64,
}

impl<'a> Search<'a> {
    /// Takes an operation up; none if too many are open.
    fn begin(&mut self, operation: &'a Operation) -> Option<usize> {
        let (slot, place) = self.open.iter_mut().enumerate().find(|(_, open)| open.is_none())?;
        *place = Some(operation);
        if looks(operation) {
            let states = std::mem::take(&mut self.states);
            self.states = states.into_iter().map(|state| self.looked(state)).collect();
        }
        Some(slot)
    }

    /// Lets everything that only looks, and sees this value, happen.
    fn looked(&self, mut state: State) -> State {
        for (slot, operation) in self.open.iter().enumerate() {
            if operation.is_some_and(|operation| looks(operation) && fits(operation, state.value)) {
                state.happened |= bit(slot);
            }
        }
        state
    }

    /// Advances all states until the operation has happened, and closes it.
    fn answer(&mut self, slot: usize) -> Result<(), &'static str> {
        let mut waiting: Vec<State> = self.states.iter().copied().collect();
        let mut met: HashSet<State> = waiting.iter().copied().collect();
        let mut after = HashSet::new();
        while let Some(state) = waiting.pop() {
            if state.happened & bit(slot) != 0 {
                after.insert(State { happened: state.happened & !bit(slot), ..state });
                continue;
            }
            for (other, operation) in self.open.iter().enumerate() {
                let Some(operation) = operation else { continue };
                let Some(value) = operation.brings() else { continue };
                let can = state.happened & bit(other) == 0 && !looks(operation);
                if !can || !fits(operation, state.value) {
                    continue;
                }
                let next = self.looked(State { value, happened: state.happened | bit(other) });
                if met.insert(next) {
                    waiting.push(next);
                }
            }
            if met.len() > MAX_STATES {
                return Err("undecided: too many orders are possible");
            }
        }
        if after.is_empty() {
            return Err("no order of the operations explains this answer");
        }
        self.widest = self.widest.max(met.len().try_into().unwrap_or(u64::MAX));
        self.states = after;
        if let Some(place) = self.open.get_mut(slot) {
            *place = None;
        }
        Ok(())
    }

    /// The answer that cannot be, what was open then, and what came shortly before.
    fn violation(&self, all: &[Operation], slot: usize, why: &str) -> Violation {
        let failed = self.open.get(slot).copied().flatten();
        let values: HashSet<_> = self.states.iter().map(|state| state.value).collect();
        let open = self.open.iter().flatten().copied();
        let mut witness: Vec<&Operation> = open.collect();
        let end_ns = failed.map_or(u64::MAX, |operation| operation.end_ns);
        let mut before: Vec<&Operation> = all
            .iter()
            .filter(|operation| operation.end_ns < end_ns && operation.outcome != Outcome::Failed)
            .collect();
        before.sort_by_key(|operation| operation.end_ns);
        witness.extend(before.iter().rev().take(SHOWN));
        witness.sort_by_key(|operation| (operation.start_ns, operation.end_ns));
        witness.dedup();
        let failed = failed.map(super::text::line).unwrap_or_default();
        let what = format!("{why}: {failed}; possible values just before: {values:?}");
        Violation::new("I-4", what, &witness)
    }
}

/// Whether an operation changes nothing.
fn looks(operation: &Operation) -> bool {
    matches!(operation.outcome, Outcome::Found(_) | Outcome::Refused(_))
}

/// Whether an operation can have been answered as it was when the register held this value.
fn fits(operation: &Operation, value: Option<u64>) -> bool {
    match (operation.action, operation.outcome) {
        (Action::Cas { expected, .. }, Outcome::Refused(found)) => {
            found == value && found != expected
        }
        (_, Outcome::Found(found) | Outcome::Refused(found)) => found == value,
        (Action::Cas { expected, .. }, _) => expected == value,
        _ => true,
    }
}

const fn bit(slot: usize) -> u64 {
    1 << slot
}
