//! What is fuzzed: one file per target. A target reads an input, checks its laws, and says what
//! came out, so that inputs with new outcomes are kept.

mod cql;
mod faulty;
mod frames;
mod log;
mod rows;
mod signature;
mod values;

use std::fmt;

use clap::ValueEnum;

pub(crate) use signature::Signature;

/// A law of the target that an input breaks.
#[derive(Clone, Debug)]
pub(crate) struct Broken(pub(crate) String);

/// What an input came to: equal for inputs that went the same way, as far as can be told from
/// outside.
pub(crate) type Outcome = Result<Signature, Broken>;

/// Something that reads bytes.
pub(crate) trait Target {
    /// Valid inputs.
    fn seeds(&self) -> Vec<Vec<u8>>;

    /// Pieces of valid inputs.
    fn words(&self) -> Vec<&'static [u8]> {
        Vec::new()
    }

    /// Makes an input valid in what no change could hit by chance, such as checksums.
    fn repair(&self, _input: &mut Vec<u8>) {}

    /// Reads an input and checks the laws.
    fn run(&self, input: &[u8]) -> Outcome;
}

/// The targets by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Name {
    /// Frames, requests and responses of the CQL native protocol.
    Frames,
    /// CQL text, to plans.
    Cql,
    /// Stored rows, marks, mutations and engine keys.
    Rows,
    /// Values and types in bytes, text and JSON.
    Values,
    /// Segments of the write-ahead log.
    Log,
    /// Faults on purpose, for the tests of this program.
    #[value(hide = true)]
    Faulty,
}

impl Name {
    /// Those that read what comes from outside.
    pub(crate) const ALL: [Self; 5] =
        [Self::Frames, Self::Cql, Self::Rows, Self::Values, Self::Log];

    /// The target of this name.
    pub(crate) fn target(self) -> Box<dyn Target> {
        match self {
            Self::Frames => Box::new(frames::Frames),
            Self::Cql => Box::new(cql::Cql),
            Self::Rows => Box::new(rows::Rows),
            Self::Values => Box::new(values::Values),
            Self::Log => Box::new(log::Segments),
            Self::Faulty => Box::new(faulty::Faulty),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_possible_value() {
            Some(value) => f.write_str(value.get_name()),
            None => f.write_str("?"),
        }
    }
}

/// Fails unless both sides are equal.
fn same<T: PartialEq + fmt::Debug>(law: &str, left: &T, right: &T) -> Result<(), Broken> {
    if left == right {
        return Ok(());
    }
    Err(Broken(format!("{law}:\n  {left:?}\n  {right:?}")))
}
