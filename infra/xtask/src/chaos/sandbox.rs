//! Namespaces for everything that a run starts: processes that all die with it, however it ends,
//! and a network that holds nothing but loopback.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cache;

/// Set in the process that runs inside.
const INSIDE: &str = "CELLAR_XTASK_SANDBOX";

/// Whether this process runs inside.
pub(crate) fn entered() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Runs this program again, inside, and returns how it ended.
pub(crate) fn enter() -> Result<()> {
    // The kernel ends `unshare` when this process ends, and all processes inside with it.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "unshare", "--net", "--pid", "--fork", "--kill-child"]);
    command.arg("--mount-proc").args(["--map-root-user"].iter().filter(|_| !is_root()));
    // Everything is built by now.
    let given = std::env::args_os().skip(1).filter(|argument| argument != "--no-build");
    command.arg(std::env::current_exe()?).arg("--no-build").args(given).env(INSIDE, "1");
    let status = command.status().context("cannot start setpriv and unshare of util-linux")?;
    if !status.success() {
        bail!("ended with {status} inside its namespaces");
    }
    Ok(())
}

/// Brings the network up; what is blocked there is dropped on its way in, silently.
pub(crate) fn network() -> Result<()> {
    cache::run(Command::new("ip").args(["link", "set", "lo", "up"]))?;
    std::fs::write("/proc/sys/net/ipv4/conf/lo/disable_policy", "0\n")
        .context("cannot let policies count on loopback")
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}
