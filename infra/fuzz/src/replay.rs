//! One input alone, in this process, with everything that a panic has to say.

use std::path::Path;

use anyhow::Context;

use crate::input::shown;
use crate::target::Name;

/// Runs the input of a file; whether it passed.
pub(crate) fn run(target: Name, file: &Path) -> anyhow::Result<bool> {
    let input = std::fs::read(file).with_context(|| file.display().to_string())?;
    println!("{target}: {} bytes: {}", input.len(), shown(&input));
    match target.target().run(&input) {
        Ok(signature) => {
            println!("{target}: passed, outcome {signature:?}");
            Ok(true)
        }
        Err(broken) => {
            println!("{target}: {}", broken.0);
            Ok(false)
        }
    }
}
