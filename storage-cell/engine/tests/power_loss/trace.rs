//! The events that shim.c records, and the child process that it records them of.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// What a process did to its files.
#[derive(Debug)]
pub(crate) enum Event {
    /// Opened for writing; made if it was not there.
    Open { path: PathBuf, empties: bool },
    /// Bytes at an offset.
    Write { path: PathBuf, offset: usize, bytes: Vec<u8> },
    /// A new length.
    Resize { path: PathBuf, bytes: usize },
    /// A file or a folder has been synced.
    Sync { path: PathBuf },
    /// Moved, over what was there.
    Rename { from: PathBuf, to: PathBuf },
    /// A file has lost its name.
    Remove { path: PathBuf },
    /// A new folder.
    MakeFolder { path: PathBuf },
    /// Text on the standard output.
    Note(String),
}

/// Compiles the shim.
pub(crate) fn compile(folder: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/power_loss/shim.c");
    let library = folder.join("shim.so");
    let mut compiler = Command::new("cc");
    compiler.args(["-Wall", "-O1", "-shared", "-fPIC", "-o"]).arg(&library).arg(source);
    let done = compiler.output().expect("this test needs a C compiler, as `cc`");
    let complaint = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "cc cannot compile shim.c:\n{complaint}");
    library
}

/// Runs one test of this binary in a process of its own, and records it. Syncs of paths that match
/// the pattern `skip` are only pretended; the path of a folder has a slash at its end.
pub(crate) fn spawn(
    shim: &Path,
    test: &str,
    root: &Path,
    trace: &Path,
    skip: Option<&str>,
) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]);
    command.env("LD_PRELOAD", shim).env("POWER_LOSS_ROOT", root).env("POWER_LOSS_TRACE", trace);
    if let Some(pattern) = skip {
        command.env("POWER_LOSS_SKIP", pattern);
    }
    command.stdout(Stdio::null()).spawn().unwrap()
}

/// Reads the events. The last one may be incomplete, if the process was killed.
pub(crate) fn read(trace: &Path) -> Vec<Event> {
    let bytes = fs::read(trace).unwrap();
    let (mut rest, mut events) = (&bytes[..], Vec::new());
    while let Some(event) = take_event(&mut rest) {
        events.push(event);
    }
    events
}

fn take_event(rest: &mut &[u8]) -> Option<Event> {
    let mut head = [0; 5];
    for number in &mut head {
        let (bytes, after) = rest.split_first_chunk()?;
        *number = usize::try_from(u64::from_ne_bytes(*bytes)).unwrap();
        *rest = after;
    }
    let [kind, path, other, offset, data] = head;
    let mut take = |bytes| {
        let (taken, after) = rest.split_at_checked(bytes)?;
        *rest = after;
        Some(taken.to_vec())
    };
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let path = PathBuf::from(text(take(path)?));
    let other = PathBuf::from(text(take(other)?));
    let bytes = take(data)?;
    Some(match kind {
        1 => Event::Open { path, empties: false },
        2 => Event::Open { path, empties: true },
        3 => Event::Write { path, offset, bytes },
        4 => Event::Resize { path, bytes: offset },
        5 => Event::Sync { path },
        6 => Event::Rename { from: path, to: other },
        7 => Event::Remove { path },
        8 => Event::MakeFolder { path },
        9 => Event::Note(text(bytes)),
        _ => panic!("no such event: {kind}"),
    })
}
