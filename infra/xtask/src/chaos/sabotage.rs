//! A fault that no service can survive, to see that the check finds it: two of three nodes lose
//! what they had synced, as if their disks had lied, and agree with each other before the third is
//! back.

use std::{fs, path::Path, thread, time::Duration};

use anyhow::{Context, Result, ensure};

use super::{
    failover::{ended, started},
    signal,
};
use crate::{cache, local::Local};

/// Load that is lost, and load that hides the loss.
const LOAD: Duration = Duration::from_secs(6);

/// Sets the data of two nodes back by some seconds of acknowledged writes.
pub(super) fn lose_writes(cluster: &Local) -> Result<()> {
    let nodes = || -> Result<Vec<_>> {
        let members = cluster.members()?.into_iter();
        Ok(members.filter(|member| member.role == "node").collect())
    };
    let kill = |count: usize| -> Result<()> {
        for node in nodes()?.iter().take(count) {
            signal("KILL", node.pid.context("a node is dead already")?)?;
        }
        Ok(())
    };
    let two = nodes()?.into_iter().take(2).collect::<Vec<_>>();
    thread::sleep(LOAD);
    kill(two.len())?;
    for node in &two {
        copy(&cluster.data.join(&node.id), &old(cluster, &node.id))?;
    }
    ended(started(cluster, &two)?)?;
    thread::sleep(LOAD);
    kill(usize::MAX)?;
    for node in &two {
        let data = cluster.data.join(&node.id);
        fs::remove_dir_all(&data)?;
        copy(&old(cluster, &node.id), &data)?;
    }
    ended(started(cluster, &two)?)?;
    thread::sleep(LOAD);
    let third: Vec<_> = nodes()?.into_iter().filter(|node| node.pid.is_none()).collect();
    ensure!(third.len() == 1, "one node is still dead");
    ended(started(cluster, &third)?)
}

fn old(cluster: &Local, id: &str) -> std::path::PathBuf {
    cluster.data.join(format!("{id}-old"))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    cache::run(std::process::Command::new("cp").arg("-a").args([from, to]))
}
