//! One process of a cluster: started, waited for, ended.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, bail};
use hyper::{Method, StatusCode};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep};

use super::{file::Cluster, plan::Member};
use crate::http;

/// How long a process may take until it is ready: a long log may have to be replayed.
const READY_WITHIN: Duration = Duration::from_secs(120);
/// How long a process may take to end in order; work in flight and flushes have their own limits.
const ENDED_WITHIN: Duration = Duration::from_secs(40);
/// How long a process that was killed may still be seen: the kernel takes its memory back first.
const GONE_WITHIN: Duration = Duration::from_secs(2);
/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(20);
/// Lines of the log that are shown when a process fails.
const LOG_LINES_SHOWN: usize = 10;

/// A process on its way.
#[derive(Debug)]
pub(super) struct Starting<'a> {
    pub(super) member: &'a Member,
    log: std::path::PathBuf,
    pub(super) child: Child,
}

/// Starts a process of its own group, so that a terminal's Ctrl-C is not for it. Everything that
/// it is to know is in its arguments: settings of this process's environment are not passed on.
pub(super) fn start<'a>(cluster: &Cluster, member: &'a Member) -> anyhow::Result<Starting<'a>> {
    let begun = Instant::now();
    while let Some(pid) = cluster.pid_of(member) {
        if begun.elapsed() >= GONE_WITHIN {
            bail!("{} runs already, as process {pid}", member.id);
        }
        std::thread::sleep(LOOK);
    }
    let folder = cluster.folder_of(member);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let log = cluster.log_of(member);
    let out = File::options().create(true).append(true).open(&log);
    let out = out.with_context(|| format!("cannot open {}", log.display()))?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(&member.arguments).process_group(0).stdin(Stdio::null());
    command.stdout(out.try_clone()?).stderr(out);
    for (name, _) in std::env::vars_os() {
        let settings = name.to_str().is_some_and(|name| {
            name.starts_with(crate::config::ENVIRONMENT_PREFIX) || name == "CELLAR_CONFIG"
        });
        if settings {
            command.env_remove(name);
        }
    }
    let child = command.spawn().with_context(|| format!("cannot start {}", member.id))?;
    Ok(Starting { member, log, child })
}

impl Starting<'_> {
    /// Waits until it serves.
    pub(super) async fn ready(&mut self) -> anyhow::Result<()> {
        let began = Instant::now();
        let mut missing = "it does not listen".to_owned();
        while began.elapsed() < READY_WITHIN {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended with {status}; {}", self.member.id, last_lines(&self.log));
            }
            let address = self.member.addresses.admin;
            match http::ask(address, Method::GET, "/readyz", Duration::from_secs(2)).await {
                Ok((StatusCode::OK, _)) => return Ok(()),
                Ok((_, body)) => missing = String::from_utf8_lossy(&body).trim().to_owned(),
                Err(_) => {}
            }
            sleep(LOOK).await;
        }
        bail!("{} is not ready: {missing}; {}", self.member.id, last_lines(&self.log))
    }
}

fn last_lines(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let mut lines: Vec<&str> = text.lines().rev().take(LOG_LINES_SHOWN).collect();
    lines.reverse();
    format!("the end of {}:\n{}", log.display(), lines.join("\n"))
}

/// Ends processes in order, all at the same time; those that do not end are killed.
pub(super) async fn stop(cluster: &Cluster, members: &[&Member]) -> anyhow::Result<()> {
    let alive = |member: &&&Member| cluster.pid_of(member).is_some();
    signal(cluster, members, Signal::TERM)?;
    let began = Instant::now();
    while began.elapsed() < ENDED_WITHIN {
        if members.iter().find(alive).is_none() {
            return Ok(());
        }
        sleep(LOOK).await;
    }
    let left: Vec<&Member> = members.iter().filter(alive).copied().collect();
    for member in &left {
        eprintln!("{} does not end and is killed", member.id);
    }
    signal(cluster, &left, Signal::KILL)
}

fn signal(cluster: &Cluster, members: &[&Member], signal: Signal) -> anyhow::Result<()> {
    for member in members {
        let pid = cluster.pid_of(member).and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        let Some(pid) = pid else { continue };
        match kill_process(pid, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => {
                return Err(error).with_context(|| format!("cannot end {}", member.id));
            }
        }
    }
    Ok(())
}
