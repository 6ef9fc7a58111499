//! The checker of histories: accepts what a correct register and counter can have answered, agrees
//! with a search that tries every order, and rejects each kind of lie that it is there for.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail loudly"
)]

use cellar_loadtest::history::{Action, Operation, Outcome, Verdict, check, linear, text};
use fastrand::Rng;
use proptest::prelude::*;

/// Answers of a correct register to random operations, each at a moment between its request and
/// its answer; some answers are lost, and some operations fail without effect.
fn history(random: &mut Rng, count: u64, spread_ns: u64, deletes: bool) -> Vec<Operation> {
    let (mut value, mut seen, mut now_ns) = (None, vec![None], 1_000);
    let mut operations = Vec::new();
    for number in 0..count {
        now_ns += random.u64(1..100);
        let new = 1_000 + number;
        let action = match random.u32(0..10) {
            0..4 => Action::Read,
            4..7 => Action::Write(Some(new)),
            7 => Action::Write((!deletes || random.bool()).then_some(new)),
            8 => Action::Cas { expected: value, new },
            _ => Action::Cas { expected: *random.choice(&seen).unwrap(), new },
        };
        let fate = random.u32(0..20);
        let mut outcome = Outcome::Failed;
        if fate > 1 {
            outcome = match action {
                Action::Read => Outcome::Found(value),
                Action::Cas { expected, .. } if expected != value => Outcome::Refused(value),
                Action::Cas { .. } => Outcome::Done,
                _ => Outcome::Done,
            };
            if outcome == Outcome::Done {
                value = if let Action::Write(value) = action { value } else { Some(new) };
                seen.push(value);
            }
        }
        let start_ns = now_ns - random.u64(0..=spread_ns.min(now_ns - 1));
        let mut end_ns = now_ns + random.u64(0..=spread_ns);
        if fate == 1 || fate == 2 {
            outcome = Outcome::Unknown;
            end_ns = start_ns + random.u64(0..=spread_ns);
        }
        operations.push(Operation { key: 1, client: 1, action, outcome, start_ns, end_ns });
    }
    operations.sort_by_key(|operation| (operation.start_ns, operation.end_ns));
    operations
}

/// Whether some order explains the history, by trying all of them.
fn explained(value: Option<u64>, left: &[Operation]) -> bool {
    if left.iter().all(|operation| operation.outcome == Outcome::Unknown) {
        return true;
    }
    let due = |operation: &Operation| match operation.outcome {
        Outcome::Unknown => u64::MAX,
        _ => operation.end_ns,
    };
    let first_due = left.iter().map(due).min().unwrap();
    (0..left.len()).any(|at| {
        let mut rest = left.to_vec();
        let operation = rest.remove(at);
        if operation.start_ns > first_due {
            return false;
        }
        match (operation.action, operation.outcome) {
            (_, Outcome::Found(found)) => found == value && explained(value, &rest),
            (Action::Cas { expected, .. }, Outcome::Refused(found)) => {
                found == value && found != expected && explained(value, &rest)
            }
            (Action::Write(new), _) => explained(new, &rest),
            (Action::Cas { expected, new }, _) => expected == value && explained(Some(new), &rest),
            _ => explained(value, &rest),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_a_correct_register_answers_is_accepted(seed: u64, spread_ns in 0_u64..400) {
        let history = history(&mut Rng::with_seed(seed), 200, spread_ns, true);
        let verdict = check(&history);
        prop_assert!(verdict.violations.is_empty(), "{:#?}", verdict.violations);
    }

    #[test]
    fn the_search_agrees_with_trying_every_order(seed: u64, spread_ns in 0_u64..400) {
        let mut random = Rng::with_seed(seed);
        let mut history = history(&mut random, 6, spread_ns, true);
        let values: Vec<_> = (1_000..1_006).map(Some).chain([None]).collect();
        for _ in 0..random.u32(0..3) {
            let at = random.usize(0..history.len());
            let value = *random.choice(&values).unwrap();
            match &mut history[at].outcome {
                Outcome::Found(found) | Outcome::Refused(found) => *found = value,
                outcome => *outcome = if random.bool() { Outcome::Done } else { Outcome::Failed },
            }
            if history[at].action == Action::Read {
                history[at].outcome = Outcome::Found(value);
            }
        }
        let mut left = history.clone();
        left.retain(|operation| operation.outcome != Outcome::Failed);
        let verdict = check(&history);
        let explained = explained(None, &left);
        prop_assert_eq!(linear::check(&history).is_ok(), explained, "{:?}", lines(&history));
        prop_assert_eq!(verdict.violations.is_empty(), explained, "{:#?}", verdict.violations);
    }

    #[test]
    fn a_lie_at_the_end_of_a_long_history_is_found(seed: u64, spread_ns in 0_u64..400) {
        for (invariant, lie) in LIES {
            // A deletion that may still happen would explain what is missing.
            let mut history = history(&mut Rng::with_seed(seed), 60, spread_ns, false);
            prop_assert!(check(&history).violations.is_empty());
            let mut tail: Vec<_> = lie.iter().map(|line| text::parse(line).unwrap()).collect();
            for operation in &mut tail {
                operation.start_ns += 1_000_000;
                operation.end_ns += 1_000_000;
            }
            history.extend(tail);
            let named = invariants(&check(&history));
            prop_assert!(named.contains(&"I-4"), "{invariant}: {named:?}");
            prop_assert!(named.contains(invariant), "{invariant}: {named:?}");
        }
    }
}

/// Lies, and the invariant that each breaks besides linearizability.
const LIES: &[(&str, &[&str])] = &[
    ("I-3", &["1 1 w1 done 0 10", "1 1 w2 done 20 30", "1 2 r found:1 40 50"]),
    ("I-1", &["1 1 w1 done 0 10", "1 4294967295 r found:- 40 50"]),
    ("I-1", &["1 1 w1 done 0 10", "1 1 w2 done 20 30", "1 4294967295 r found:1 40 50"]),
    ("I-2", &["1 1 r found:77 0 10"]),
    ("I-2", &["1 1 r found:77 0 10", "1 1 w77 done 20 30"]),
    ("I-5", &["1 1 w1 done 0 10", "1 1 c1>2 done 20 30", "1 2 c1>3 done 40 50"]),
    ("I-5", &["1 1 w1 done 0 9", "1 1 c4>5 refused:1 20 30", "1 2 r found:5 40 50"]),
    ("I-19", &["1 1 w1 failed 0 10", "1 2 r found:1 20 30"]),
    ("I-19", &["1 1 w1 done 0 9", "1 1 c1>5 failed 20 30", "1 2 r found:5 40 50"]),
    (
        "I-3",
        &["1 1 w1 unknown 0 9", "1 1 r found:1 20 30", "1 1 w2 done 40 50", "1 1 r found:1 60 70"],
    ),
];

fn lines(history: &[Operation]) -> Vec<String> {
    history.iter().map(text::line).collect()
}

fn invariants(verdict: &Verdict) -> Vec<&'static str> {
    verdict.violations.iter().map(|violation| violation.invariant).collect()
}

fn named(history: &[&str]) -> Vec<&'static str> {
    let history: Vec<_> = history.iter().map(|line| text::parse(line).unwrap()).collect();
    invariants(&check(&history))
}

#[test]
fn each_lie_is_named_by_the_invariant_that_it_breaks() {
    for (invariant, lie) in LIES {
        let named = named(lie);
        assert!(named.contains(invariant) && named.contains(&"I-4"), "{lie:?}: {named:?}");
    }
}

#[test]
fn an_uncertain_write_may_show_up_late_and_may_never() {
    let write = "1 1 w1 unknown 0 10";
    let (none, one) = ("1 2 r found:- 20 30", "1 2 r found:1 40 50");
    assert!(named(&[write, none, one]).is_empty());
    assert!(named(&[write, none]).is_empty());
    assert_eq!(named(&[write, one, "1 2 r found:- 60 70"]), ["I-3", "I-4"]);
}

#[test]
fn an_uncertain_deletion_explains_one_disappearance_but_not_two() {
    let mut history = vec!["1 1 w1 done 0 10", "1 1 w- unknown 12 15", "1 2 r found:1 20 30"];
    history.push("1 2 r found:- 40 50");
    assert!(named(&history).is_empty());
    history.extend(["1 1 w2 done 60 70", "1 2 r found:- 80 90"]);
    assert_eq!(named(&history), ["I-4"]);
}

#[test]
fn an_uncertain_compare_and_set_proves_what_it_replaced() {
    let swap = ["1 1 w1 unknown 0 5", "1 1 c1>2 unknown 10 20", "1 2 r found:2 30 40"];
    assert!(named(&swap).is_empty());
    let wrong = ["1 1 c1>2 unknown 10 20", "1 2 r found:2 30 40"];
    assert_eq!(named(&wrong), ["I-4"]);
}

#[test]
fn a_counter_lies_between_what_was_acknowledged_and_what_was_sent() {
    let adds = ["5 1 +1 done 0 10", "5 1 +1 unknown 20 30", "5 1 +1 failed 40 50"];
    let with = |read: &str| {
        let history: Vec<&str> = adds.iter().copied().chain([read]).collect();
        named(&history)
    };
    assert_eq!(with("5 2 n counted:0 60 70"), ["I-6"]);
    assert!(with("5 2 n counted:1 60 70").is_empty());
    assert!(with("5 2 n counted:2 60 70").is_empty());
    assert_eq!(with("5 2 n counted:3 60 70"), ["I-6"]);
    assert_eq!(
        named(&["5 1 +1 unknown 0 1", "5 2 n counted:1 10 20", "5 2 n counted:0 30 40",]),
        ["I-6"]
    );
}

#[test]
fn a_long_history_of_a_busy_register_is_decided() {
    let history = history(&mut Rng::with_seed(7), 30_000, 400, false);
    let verdict = check(&history);
    assert!(verdict.violations.is_empty(), "{:#?}", verdict.violations);
    assert!(verdict.widest > 10, "operations overlap: {}", verdict.widest);
}
