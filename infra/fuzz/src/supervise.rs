//! Starts a process for each target and tells of inputs that it died of.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};

use anyhow::Context;

use crate::Arguments;
use crate::input::{Current, save_crash, shown};
use crate::target::Name;
use crate::worker::HANGS;

/// Runs the target named, or all of them; whether all passed.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let out = &arguments.out;
    std::fs::create_dir_all(out).with_context(|| out.display().to_string())?;
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..=u64::from(u32::MAX)));
    let targets = match arguments.target {
        Some(target) => vec![target],
        None => Name::ALL.to_vec(),
    };
    println!("seed {seed}, {} s for each of {} targets", arguments.seconds, targets.len());
    let mut passed = true;
    for target in targets {
        passed &= one(arguments, target, seed)?;
    }
    Ok(passed)
}

fn one(arguments: &Arguments, target: Name, seed: u64) -> anyhow::Result<bool> {
    let program = std::env::current_exe().context("cannot find this program")?;
    let status = Command::new(program)
        .arg(target.to_string())
        .arg("--worker")
        .args(["--seconds", &arguments.seconds.to_string(), "--seed", &seed.to_string()])
        .arg("--out")
        .arg(&arguments.out)
        // Arenas reserve address space, which is what is limited.
        .env("MALLOC_ARENA_MAX", "1")
        .env("RUST_BACKTRACE", "0")
        .status()
        .context("cannot start a worker")?;
    if status.success() {
        std::fs::remove_file(Current::path(&arguments.out, target)).unwrap_or_default();
        return Ok(true);
    }
    if status.code().is_none_or(|code| code == i32::from(HANGS)) {
        let input = Current::read(&arguments.out, target).context("cannot read the last input")?;
        let path = save_crash(&arguments.out, target, &input)?;
        println!("{target}: FAILED: {}", death(status));
        println!("{target}: input of {} bytes: {}", input.len(), shown(&input));
        println!("{target}: again with: cellar-fuzz {target} --replay {}", path.display());
    }
    Ok(false)
}

/// What the process died of.
fn death(status: ExitStatus) -> String {
    match status.signal() {
        Some(6) => "aborted: out of memory, stack overflow or a panic in a panic".to_owned(),
        Some(11) => "segmentation fault: stack overflow".to_owned(),
        Some(signal) => format!("killed by signal {signal}"),
        None => "an input takes too long".to_owned(),
    }
}
