//! Inputs as files: the one that is being run, and those that failed.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use crate::target::Name;

/// The file that holds the input being run, so that it outlives the process.
#[derive(Debug)]
pub(crate) struct Current {
    file: File,
}

/// Bytes of the length that stands before the input.
const LENGTH_BYTES: usize = 8;

impl Current {
    /// Where it is.
    pub(crate) fn path(out: &Path, target: Name) -> PathBuf {
        out.join(format!("{target}.current"))
    }

    /// Makes the file.
    pub(crate) fn create(out: &Path, target: Name) -> io::Result<Self> {
        Ok(Self { file: File::create(Self::path(out, target))? })
    }

    /// Keeps this input. One system call: it happens before every run.
    pub(crate) fn keep(&self, input: &[u8]) -> io::Result<()> {
        let length = u64::try_from(input.len()).unwrap_or(u64::MAX);
        let bytes = [&length.to_le_bytes()[..], input].concat();
        self.file.write_all_at(&bytes, 0)
    }

    /// The input that was kept last.
    pub(crate) fn read(out: &Path, target: Name) -> io::Result<Vec<u8>> {
        let bytes = std::fs::read(Self::path(out, target))?;
        let (length, rest) =
            bytes.split_first_chunk::<LENGTH_BYTES>().ok_or(io::ErrorKind::UnexpectedEof)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let input = rest.get(..length).ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(input.to_vec())
    }
}

/// Writes an input that failed; its name says what it holds, so none is written twice.
pub(crate) fn save_crash(out: &Path, target: Name, input: &[u8]) -> io::Result<PathBuf> {
    let path = out.join(format!("{target}-{:016x}.crash", xxh3_64(input)));
    std::fs::write(&path, input)?;
    Ok(path)
}

/// The input as a reader of a report wants it: text where it is text, else hexadecimal.
pub(crate) fn shown(input: &[u8]) -> String {
    const SHOWN_BYTES_MAX: usize = 2_000;
    let cut = input.get(..SHOWN_BYTES_MAX).unwrap_or(input);
    let more = if cut.len() < input.len() { " …" } else { "" };
    let plain = |c: char| !c.is_control() || c == '\n';
    match std::str::from_utf8(input) {
        Ok(text) if text.chars().all(plain) && !text.is_empty() => {
            let text: String = text.chars().take(SHOWN_BYTES_MAX).collect();
            format!("{text:?}{more}")
        }
        _ => format!("hex {}{more}", hex::encode(cut)),
    }
}
