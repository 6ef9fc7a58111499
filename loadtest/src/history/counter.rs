//! Counters (I-6): whenever one is read, it is at least what was acknowledged before the read began
//! and at most that and everything that may have happened by its end; it never goes back.

use super::{Action, Operation, Outcome, Violation};

/// Checks the operations of one counter, sorted by their start.
#[must_use]
pub fn check(operations: &[Operation]) -> Vec<Violation> {
    let amount = |operation: &Operation| match operation.action {
        Action::Add(amount) => Some(amount),
        _ => None,
    };
    let certain = |operation: &&Operation| operation.outcome == Outcome::Done;
    let possible = |operation: &&Operation| operation.outcome != Outcome::Failed;
    let ends = operations.iter().filter(certain);
    let least = Sums::new(ends.filter_map(|done| Some((done.end_ns, amount(done)?))));
    let starts = operations.iter().filter(possible);
    let most = Sums::new(starts.filter_map(|begun| Some((begun.start_ns, amount(begun)?))));
    let mut found = Vec::new();
    let mut reads: Vec<(u64, &Operation)> = Vec::new();
    for operation in operations {
        let Outcome::Counted(value) = operation.outcome else { continue };
        reads.push((value, operation));
        let least = least.before(operation.start_ns);
        let most = most.before(operation.end_ns.saturating_add(1));
        if !(least..=most).contains(&value) {
            let what = format!(
                "the counter is {value}: at least {least} were acknowledged, at most {most} sent \
                 and not definitely refused"
            );
            found.push(Violation::new("I-6", what, &[operation]));
            return found;
        }
    }
    found.extend(goes_back(&mut reads));
    found
}

/// A read that shows less than one that had ended before it began.
fn goes_back(reads: &mut [(u64, &Operation)]) -> Option<Violation> {
    let mut ended = reads.to_vec();
    ended.sort_by_key(|(_, read)| read.end_ns);
    reads.sort_by_key(|(_, read)| read.start_ns);
    let (mut ended, mut largest) = (ended.into_iter().peekable(), None::<(u64, &Operation)>);
    for (value, read) in reads {
        while let Some(next) = ended.next_if(|(_, earlier)| earlier.end_ns < read.start_ns) {
            if largest.is_none_or(|(largest, _)| largest < next.0) {
                largest = Some(next);
            }
        }
        if let Some((larger, earlier)) = largest
            && larger > *value
        {
            let what = format!("the counter was {larger} and then {value}");
            return Some(Violation::new("I-6", what, &[earlier, read]));
        }
    }
    None
}

/// Amounts by time, added up.
struct Sums(Vec<(u64, u64)>);

impl Sums {
    fn new(amounts: impl Iterator<Item = (u64, u64)>) -> Self {
        let mut sums: Vec<(u64, u64)> = amounts.collect();
        sums.sort_unstable();
        let mut sum: u64 = 0;
        for (_, amount) in &mut sums {
            sum = sum.saturating_add(*amount);
            *amount = sum;
        }
        Self(sums)
    }

    /// The sum of what lies before a moment.
    fn before(&self, when_ns: u64) -> u64 {
        let count = self.0.partition_point(|(at_ns, _)| *at_ns < when_ns);
        count.checked_sub(1).and_then(|last| self.0.get(last)).map_or(0, |(_, sum)| *sum)
    }
}
