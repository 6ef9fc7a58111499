//! What clients asked for and were told, and whether a correct service can have told it.
//!
//! A history holds the operations on registers (a partition with one value) and on counters.
//! [`check`] names every [`Violation`] by the id of the invariant it breaks: linearizability per
//! register (I-4), and what follows from it but is easier to read in a report, namely no lost
//! write (I-1), no phantom (I-2), no stale read (I-3), no compare-and-set that happened twice
//! (I-5), no definite failure that shows up (I-19); and the bounds of counters (I-6). Every value
//! that a write brings must be unique in its register: with that the outcome of an uncertain write
//! is decided by whether anybody ever saw its value, and the search stays small.

pub mod counter;
pub mod linear;
pub mod observed;
pub mod text;

use std::collections::BTreeMap;

use serde::Serialize;

/// What a client asked of a register. `None` is the absence of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Read the value.
    Read,
    /// Set the value, or delete the row.
    Write(Option<u64>),
    /// Set the value if it is the expected one.
    Cas {
        /// The value that must be there.
        expected: Option<u64>,
        /// The value that takes its place.
        new: u64,
    },
    /// Add to a counter.
    Add(u64),
    /// Read a counter.
    Count,
}

/// What the client was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The value that a read found.
    Found(Option<u64>),
    /// The write or the compare-and-set happened.
    Done,
    /// The compare-and-set did not happen, because another value was there.
    Refused(Option<u64>),
    /// An error that says that nothing happened.
    Failed,
    /// An error, or silence, that leaves open whether it happened.
    Unknown,
    /// The value of a counter.
    Counted(u64),
}

/// One request of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The register or counter.
    pub key: u32,
    /// Who asked; one client asks one thing at a time.
    pub client: u32,
    /// What was asked.
    pub action: Action,
    /// What was answered.
    pub outcome: Outcome,
    /// When the request was sent, on the one clock of the history.
    pub start_ns: u64,
    /// When the answer came.
    pub end_ns: u64,
}

/// The client that reads everything back at the end of a history.
pub const LAST_READER: u32 = u32::MAX;

/// Something that a correct service cannot have answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Id of the invariant that is broken, such as `I-4`.
    pub invariant: &'static str,
    /// The register or counter.
    pub key: u32,
    /// What is wrong.
    pub what: String,
    /// The operations that show it, as lines of a history.
    pub witness: Vec<String>,
}

impl Violation {
    fn new(invariant: &'static str, what: String, witness: &[&Operation]) -> Self {
        let key = witness.first().map_or(0, |operation| operation.key);
        let witness = witness.iter().map(|operation| text::line(operation)).collect();
        Self { invariant, key, what, witness }
    }
}

/// What a check covered and found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Verdict {
    /// Registers that were checked.
    pub registers: u64,
    /// Counters that were checked.
    pub counters: u64,
    /// Operations that were checked.
    pub operations: u64,
    /// States that the search for an order held at once, at most.
    pub widest: u64,
    /// What is wrong.
    pub violations: Vec<Violation>,
}

/// Checks a history of registers and counters. The numbers of the two are independent.
#[must_use]
pub fn check(history: &[Operation]) -> Verdict {
    let mut verdict = Verdict::default();
    let (mut registers, mut counters) = (BTreeMap::new(), BTreeMap::new());
    for operation in history {
        let counts = matches!(operation.action, Action::Add(_) | Action::Count);
        let keys = if counts { &mut counters } else { &mut registers };
        keys.entry(operation.key).or_insert_with(Vec::new).push(*operation);
        verdict.operations = verdict.operations.saturating_add(1);
    }
    for mut operations in registers.into_values() {
        operations.sort_by_key(|operation| (operation.start_ns, operation.end_ns));
        verdict.registers = verdict.registers.saturating_add(1);
        verdict.violations.extend(observed::check(&operations));
        match linear::check(&operations) {
            Ok(widest) => verdict.widest = verdict.widest.max(widest),
            Err(violation) => verdict.violations.push(violation),
        }
    }
    for mut operations in counters.into_values() {
        operations.sort_by_key(|operation| (operation.start_ns, operation.end_ns));
        verdict.counters = verdict.counters.saturating_add(1);
        verdict.violations.extend(counter::check(&operations));
    }
    verdict
}

impl Operation {
    /// The value that the client saw in the register, if it saw one.
    #[must_use]
    pub fn saw(&self) -> Option<Option<u64>> {
        match (self.action, self.outcome) {
            (_, Outcome::Found(value) | Outcome::Refused(value)) => Some(value),
            (Action::Cas { expected, .. }, Outcome::Done) => Some(expected),
            _ => None,
        }
    }

    /// The value that the operation brings, if it is one that writes.
    #[must_use]
    pub fn brings(&self) -> Option<Option<u64>> {
        match self.action {
            Action::Write(value) => Some(value),
            Action::Cas { new, .. } => Some(Some(new)),
            Action::Read | Action::Add(_) | Action::Count => None,
        }
    }
}
