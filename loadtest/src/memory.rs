//! Memory of a process, as the kernel counts it.

use anyhow::Context;

/// Resident memory of a process in bytes, from `/proc`.
///
/// # Errors
/// No such process, or a system without `/proc`.
pub fn resident_bytes(pid: u32) -> anyhow::Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|rest| rest.trim().split(' ').next()?.parse::<u64>().ok());
    kib.map(|kib| kib.saturating_mul(1024)).with_context(|| format!("no VmRSS in {path}"))
}
