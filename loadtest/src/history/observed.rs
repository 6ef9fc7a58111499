//! What single observations of a register prove, without a search: values that nobody wrote (I-2),
//! that were refused (I-19, I-5), that were overwritten before (I-1 at the end, I-3), and a value
//! that two compare-and-sets replaced (I-5).

use std::collections::BTreeMap;

use super::{Action, LAST_READER, Operation, Outcome, Violation};

/// Violations of one kind that are told of one register.
const TOLD: usize = 3;

/// Checks the operations of one register.
#[must_use]
pub fn check(operations: &[Operation]) -> Vec<Violation> {
    let mut writers = BTreeMap::new();
    for operation in operations {
        if let Some(Some(value)) = operation.brings() {
            writers.insert(value, operation);
        }
    }
    let mut found: Vec<Violation> =
        operations.iter().filter_map(|operation| origin(operation, &writers)).take(TOLD).collect();
    found.extend(stale(operations, &writers));
    found.extend(replaced_twice(operations));
    found
}

type Writers<'a> = BTreeMap<u64, &'a Operation>;

/// A value that was seen must have been written, and not before it was asked for.
fn origin(operation: &Operation, writers: &Writers<'_>) -> Option<Violation> {
    let value = operation.saw()??;
    let Some(writer) = writers.get(&value) else {
        let what = format!("value {value} was read and never written");
        return Some(Violation::new("I-2", what, &[operation]));
    };
    let witness = [*writer, operation];
    let violation = |invariant, what: &str| {
        Some(Violation::new(invariant, format!("value {value} {what}"), &witness))
    };
    match writer.outcome {
        Outcome::Failed => violation("I-19", "was read although its write definitely failed"),
        Outcome::Refused(_) => violation("I-5", "was read although its condition did not hold"),
        _ if writer.start_ns > operation.end_ns => {
            violation("I-2", "was read before it was written")
        }
        _ => None,
    }
}

/// A moment from which on a write that began at `began_ns` had surely happened.
struct Evidence<'a> {
    from_ns: u64,
    began_ns: u64,
    proof: &'a Operation,
}

/// No observation may show a value once a write that began after it was there is known to have
/// happened.
fn stale(operations: &[Operation], writers: &Writers<'_>) -> Vec<Violation> {
    let happened = |operation: &Operation| operation.outcome == Outcome::Done;
    let mut there_from: BTreeMap<u64, u64> = BTreeMap::new();
    let mut evidence = Vec::new();
    for operation in operations {
        let mut there = |value: u64| {
            let from = there_from.entry(value).or_insert(u64::MAX);
            *from = operation.end_ns.min(*from);
        };
        let from_ns = operation.end_ns;
        if let (true, Some(value)) = (happened(operation), operation.brings()) {
            if let Some(value) = value {
                there(value);
            }
            evidence.push(Evidence { from_ns, began_ns: operation.start_ns, proof: operation });
        }
        if let Some(Some(value)) = operation.saw() {
            there(value);
            if let Some(writer) = writers.get(&value) {
                evidence.push(Evidence { from_ns, began_ns: writer.start_ns, proof: operation });
            }
        }
    }
    evidence.sort_by_key(|evidence| evidence.from_ns);
    let deletes = operations.iter().any(|operation| operation.action == Action::Write(None));
    let (mut newest, mut evidence) = (None::<Evidence<'_>>, evidence.into_iter().peekable());
    let mut found = Vec::new();
    for operation in operations {
        while let Some(next) = evidence.next_if(|next| next.from_ns < operation.start_ns) {
            if newest.as_ref().is_none_or(|newest| newest.began_ns < next.began_ns) {
                newest = Some(next);
            }
        }
        let (Some(saw), Some(newest)) = (operation.saw(), &newest) else { continue };
        let there = |value| there_from.get(&value).is_some_and(|from| *from < newest.began_ns);
        if found.len() < TOLD && saw.map_or(!deletes, there) {
            let last = operation.client == LAST_READER && happened(newest.proof);
            let what = format!("{saw:?} was read although a newer value was there");
            let invariant = if last { "I-1" } else { "I-3" };
            let writer = saw.and_then(|value| writers.get(&value).copied());
            let witness: Vec<_> = writer.into_iter().chain([newest.proof, operation]).collect();
            found.push(Violation::new(invariant, what, &witness));
        }
    }
    found
}

/// A value that is written once can be replaced on its condition only once.
fn replaced_twice(operations: &[Operation]) -> Option<Violation> {
    let deletes = operations.iter().any(|operation| operation.action == Action::Write(None));
    let mut replaced: BTreeMap<Option<u64>, &Operation> = BTreeMap::new();
    for operation in operations.iter().filter(|operation| operation.outcome == Outcome::Done) {
        let Action::Cas { expected, .. } = operation.action else { continue };
        if expected.is_none() && deletes {
            continue;
        }
        if let Some(first) = replaced.insert(expected, operation) {
            let what = format!("{expected:?} was replaced by two confirmed compare-and-sets");
            return Some(Violation::new("I-5", what, &[first, operation]));
        }
    }
    None
}
