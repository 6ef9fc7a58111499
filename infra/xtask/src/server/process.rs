//! One child process: waits for its line `ready`, keeps its log, ends it.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::places::Places;

/// How long a process may take until it is ready.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How long a process may take to end after SIGTERM.
const STOPPED_WITHIN: Duration = Duration::from_secs(30);
/// Lines of the log that are shown when a process fails.
const LOG_LINES_SHOWN: usize = 20;

/// A child that is killed when dropped.
pub(super) struct Process {
    child: Child,
    name: String,
    log: PathBuf,
}

impl Process {
    /// Starts the program and waits until it is ready.
    pub(super) fn start(places: &Places, name: &str, arguments: &[&str]) -> Result<Self> {
        let log = places.logs()?.join(format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&log)?;
        let mut child = Command::new(places.program("cellar")?)
            .args(arguments)
            .env("RUST_BACKTRACE", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(file.try_clone()?)
            .spawn()
            .context("cannot start cellar")?;
        let output = child.stdout.take().context("cellar has no output")?;
        let mut process = Self { child, name: name.to_owned(), log };
        let ready = process.announce(output, file);
        if ready.recv_timeout(READY_WITHIN).is_err() {
            let status = process.child.try_wait()?;
            let end = status.map_or("is not ready".to_owned(), |status| format!("ended: {status}"));
            bail!("{name} {end}\n{}", process.log_end());
        }
        Ok(process)
    }

    /// Copies the output to the log; what is returned speaks at the line `ready`.
    fn announce(&self, output: impl Read + Send + 'static, mut log: File) -> mpsc::Receiver<()> {
        let (ready, heard) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // Neither a full disk nor a test that no longer listens may stop the server.
                let _ = writeln!(log, "{line}");
                if line == "ready" {
                    let _ = ready.send(());
                }
            }
        });
        heard
    }

    fn log_end(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        let shown = lines.len().saturating_sub(LOG_LINES_SHOWN);
        let lines = lines.get(shown..).unwrap_or_default().join("\n");
        format!("the end of {}:\n{lines}", self.log.display())
    }

    /// SIGKILL. An error if the process had ended by itself.
    pub(super) fn kill(mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("{} had ended by itself: {status}\n{}", self.name, self.log_end());
        }
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// SIGTERM. An error if it does not end, or not well.
    pub(super) fn stop(mut self) -> Result<()> {
        let id = self.child.id().to_string();
        crate::cache::run(Command::new("kill").args(["-TERM", &id]))?;
        let asked = Instant::now();
        while asked.elapsed() < STOPPED_WITHIN {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => bail!("{} ended with {status}\n{}", self.name, self.log_end()),
                None => thread::sleep(Duration::from_millis(20)),
            }
        }
        bail!("{} does not end after SIGTERM\n{}", self.name, self.log_end())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
