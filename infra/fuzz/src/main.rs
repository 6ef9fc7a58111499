//! `cellar-fuzz TARGET --seconds N --seed S`: fuzzing on the stable toolchain, without
//! instrumentation.
//!
//! A run starts from valid inputs, changes them, and gives each to one [`target`], in a process of
//! its own with little memory and stack, so that a panic, a broken law, a hang, a stack overflow
//! and an allocation by a claimed length all end in the same way: the input is written to a file,
//! printed, and the run fails. An input whose outcome is new (another error, another kind of
//! value) becomes a starting point itself, which stands in for coverage.
//!
//! The same seed makes the same inputs in the same order. Start at [`supervise::run`], or at
//! [`worker::run`] for what happens inside.

mod input;
mod mutate;
mod pool;
mod replay;
mod supervise;
mod target;
mod worker;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use target::Name;

/// Feeds damaged inputs to a decoder until it fails or the time is over.
#[derive(Clone, Debug, Parser)]
#[command(name = "cellar-fuzz", version)]
struct Arguments {
    /// What to feed; all targets one after the other if none is named.
    target: Option<Name>,
    /// Time for each target.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Makes the run repeatable; a random one is taken and printed unless given.
    #[arg(long)]
    seed: Option<u64>,
    /// Where inputs that fail are written.
    #[arg(long, default_value = "target/fuzz", value_name = "DIR")]
    out: PathBuf,
    /// Runs this input alone, with the panic message shown.
    #[arg(long, value_name = "FILE", requires = "target")]
    replay: Option<PathBuf>,
    /// Runs in this process, as the supervisor asks it to.
    #[arg(long, hide = true, requires = "target")]
    worker: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match (&arguments.target, &arguments.replay) {
        (Some(target), Some(file)) => replay::run(*target, file),
        (Some(target), None) if arguments.worker => worker::run(&arguments, *target),
        _ => supervise::run(&arguments),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
