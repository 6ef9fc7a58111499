//! Comparisons with the oracle, printed as they are made.

use std::fmt;

/// How many comparisons were made, and how many failed.
#[derive(Debug, Default)]
pub(super) struct Checks {
    made: u32,
    failed: u32,
}

impl Checks {
    /// Prints and remembers whether both are equal.
    pub(super) fn equal<T: PartialEq + fmt::Debug>(&mut self, what: &str, found: T, oracle: T) {
        let passed = found == oracle;
        self.count(passed);
        match passed {
            true => println!("  ok      {what}: {found:?}"),
            false => println!("  WRONG   {what}: {found:?}, but the oracle says {oracle:?}"),
        }
    }

    /// Prints and remembers whether it holds.
    pub(super) fn that(&mut self, what: &str, holds: bool) {
        self.count(holds);
        println!("  {:<7} {what}", if holds { "ok" } else { "WRONG" });
    }

    pub(super) fn all_passed(&self) -> bool {
        self.failed == 0
    }

    fn count(&mut self, passed: bool) {
        self.made = self.made.saturating_add(1);
        self.failed = self.failed.saturating_add(u32::from(!passed));
    }
}

impl fmt::Display for Checks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.failed {
            0 => write!(f, "all {} checks passed", self.made),
            failed => write!(f, "{failed} of {} checks FAILED", self.made),
        }
    }
}
