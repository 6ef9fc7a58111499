//! The program finds every kind of fault in a target that has it on purpose, says which input it
//! was, and finds none where there is none.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail loudly")]

use std::path::PathBuf;
use std::process::Command;

struct Run {
    passed: bool,
    said: String,
    crashes: Vec<PathBuf>,
}

fn fuzz(fault: &str, seconds: &str) -> Run {
    let test = std::thread::current().name().unwrap().to_owned();
    let out = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = std::fs::remove_dir_all(&out);
    let output = Command::new(env!("CARGO_BIN_EXE_cellar-fuzz"))
        .args(["faulty", "--seed", "1", "--seconds", seconds, "--out"])
        .arg(&out)
        .env("CELLAR_FUZZ_FAULT", fault)
        .output()
        .unwrap();
    let files = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path());
    let crashes = files.filter(|path| path.extension().is_some_and(|end| end == "crash")).collect();
    let said = String::from_utf8(output.stdout).unwrap();
    Run { passed: output.status.success(), said, crashes }
}

/// Runs until the fault is found, and gives what was said of it.
fn finds(fault: &str) -> String {
    let run = fuzz(fault, "60");
    assert!(!run.passed, "{fault}: {}", run.said);
    let [crash] = run.crashes.as_slice() else { panic!("{:?}", run.crashes) };
    let input = std::fs::read(crash).unwrap();
    let found = input.windows(fault.len()).any(|piece| piece == fault.as_bytes());
    assert!(found, "{fault}: {input:?}");
    run.said
}

#[test]
fn a_panic_is_found_and_its_input_is_made_as_small_as_it_can_be() {
    assert!(finds("panic").contains("input of 5 bytes: \"panic\""));
}

#[test]
fn a_broken_law_is_found() {
    assert!(finds("law").contains("as asked"));
}

#[test]
fn recursion_without_end_is_found() {
    let said = finds("recursion");
    assert!(said.contains("stack overflow"), "{said}");
}

#[test]
fn an_allocation_that_no_input_can_justify_is_found() {
    let said = finds("memory");
    assert!(said.contains("out of memory"), "{said}");
}

#[test]
fn a_target_without_a_fault_passes_and_leaves_nothing() {
    let run = fuzz("", "1");
    assert!(run.passed, "{}", run.said);
    assert!(run.said.contains(" inputs in 1 s from 1 seeds"), "{}", run.said);
    assert!(run.crashes.is_empty());
}

#[test]
fn the_same_seed_fails_with_the_same_input() {
    assert_eq!(finds("law"), finds("law"));
}
