//! `cargo xtask disk --only stall`: freezes the disk of the node that leads most cells, under load,
//! and measures how long any range takes no write; then the disk answers again and the history is
//! checked.

use std::{
    fs,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use super::{EIGHT, correct, failover, load::Load, sandbox, signal};
use crate::{cache, disk::Image, local::Local, places::Places};

/// Size of each node's disk.
const DISK_MIB: u64 = 1_024;
/// Load before the disk is frozen.
const CALM: Duration = Duration::from_secs(4);
/// How long it is.
const FROZEN: Duration = Duration::from_secs(40);
/// How long any range may take no write: what the issue asks for.
const GAP_MS_MAX: u64 = 20_000;
/// Between two looks.
const WATCH: Duration = Duration::from_secs(1);
/// Load after the disk answers again.
const AFTER: Duration = Duration::from_secs(15);

/// Runs it.
pub(crate) fn run(places: &Places) -> Result<()> {
    if !sandbox::entered() {
        return sandbox::enter();
    }
    sandbox::network()?;
    let kept = places.cache.join("stall");
    fs::create_dir_all(&kept)?;
    let cluster = Local::start(places, "stall", EIGHT)?;
    let disks = own_disks(&cluster, &kept)?;
    let options = failover::load_of(&failover::Options::calm());
    let mut load = Load::start(places, &cluster, &options, &kept.join("history"))?;
    thread::sleep(CALM);
    let (node, leads) = failover::leader(&cluster)?;
    let at = usize::try_from(node.saturating_sub(1))?;
    let disk = disks.get(at).context("a node without a disk")?;
    load.mark()?;
    disk.freeze(true)?;
    let frozen = Instant::now();
    let watched = watch(&mut load, FROZEN);
    disk.freeze(false)?;
    let longest_ms = watched?;
    println!(
        "xtask: the disk of node {node}, which led {leads} cells, stood still for {} ms: longest \
         gap of a range {longest_ms} ms",
        frozen.elapsed().as_millis()
    );
    watch(&mut load, AFTER)?;
    let report = load.end()?;
    correct(&report).with_context(|| format!("the history is in {}", kept.display()))?;
    ensure!(longest_ms < GAP_MS_MAX, "a range took no write for {longest_ms} ms");
    cluster.stop()?;
    drop(disks);
    Ok(())
}

/// The longest gap of any range during a time.
fn watch(load: &mut Load, during: Duration) -> Result<u64> {
    let (begun, mut longest_ms) = (Instant::now(), 0);
    while begun.elapsed() < during {
        thread::sleep(WATCH);
        let gaps = load.mark()?;
        longest_ms = gaps.longest_ms.into_iter().chain(gaps.idle_ms).fold(longest_ms, u64::max);
    }
    Ok(longest_ms)
}

/// Puts what each node keeps on a disk of its own.
fn own_disks(cluster: &Local, kept: &Path) -> Result<Vec<Image>> {
    let mut disks = Vec::new();
    let members = cluster.members()?;
    for member in members.iter().filter(|member| member.id.starts_with("node-")) {
        signal("KILL", member.pid.context("a node does not run")?)?;
        let folder = cluster.data.join(&member.id).join("node");
        let aside = cluster.data.join(&member.id).join("moved");
        fs::rename(&folder, &aside)?;
        let file = kept.join(format!("{}.image", member.id));
        let image = Image::mount(&file, &folder, DISK_MIB)?;
        cache::run(Command::new("cp").arg("-a").arg(aside.join(".")).arg(&folder))?;
        fs::remove_dir_all(&aside)?;
        failover::ended(failover::started(cluster, std::slice::from_ref(member))?)?;
        disks.push(image);
    }
    Ok(disks)
}
