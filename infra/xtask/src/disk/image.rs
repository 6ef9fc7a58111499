//! A file system in a file, mounted for as long as the value lives.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::cache;

/// Bytes written at once to use up what is left.
const PIECE_BYTES: usize = 64 << 10;

/// A mounted ext4.
pub(crate) struct Image {
    folder: PathBuf,
    filler: PathBuf,
}

impl Image {
    /// Makes one of so many MiB in `file` and mounts it at `folder`, which must be empty.
    pub(crate) fn mount(file: &Path, folder: &Path, size_mib: u64) -> Result<Self> {
        fs::create_dir_all(folder)?;
        File::create(file)?.set_len(size_mib << 20)?;
        cache::run(Command::new("mkfs.ext4").args(["-q", "-m", "0"]).arg(file))?;
        cache::run(Command::new("mount").args(["-o", "loop"]).arg(file).arg(folder))?;
        Ok(Self { folder: folder.to_owned(), filler: folder.join("filler") })
    }

    /// Takes room away until so many MiB are left.
    pub(crate) fn fill_to(&self, left_mib: u64) -> Result<()> {
        let take = self.free_mib()?.saturating_sub(left_mib);
        let size = format!("{take}M");
        cache::run(Command::new("fallocate").args(["-l", &size]).arg(&self.filler))
    }

    /// Takes every byte that is left.
    pub(crate) fn fill(&self) -> Result<()> {
        let piece = vec![0x5a; PIECE_BYTES];
        let last = self.folder.join("last-filler");
        let mut file = File::options().create(true).append(true).open(last)?;
        let mut bytes = piece.as_slice();
        // Ever smaller pieces: the last block counts.
        while !bytes.is_empty() {
            match file.write_all(bytes).and_then(|()| file.sync_data()) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::StorageFull => {
                    bytes = bytes.split_at(bytes.len() / 2).0;
                }
                Err(error) => return Err(error).context("cannot fill the disk"),
            }
        }
        Ok(())
    }

    /// Gives back what was taken.
    pub(crate) fn free(&self) -> Result<()> {
        for name in ["filler", "last-filler"] {
            match fs::remove_file(self.folder.join(name)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => bail!(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// What is left.
    pub(crate) fn free_mib(&self) -> Result<u64> {
        let output = Command::new("df")
            .args(["--output=avail", "--block-size=1M"])
            .arg(&self.folder)
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let last = text.lines().last().context("df says nothing")?;
        Ok(last.trim().parse()?)
    }

    /// From now on nothing can be written, or again.
    pub(crate) fn freeze(&self, frozen: bool) -> Result<()> {
        let flag = if frozen { "--freeze" } else { "--unfreeze" };
        cache::run(Command::new("fsfreeze").arg(flag).arg(&self.folder))
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        // It may be frozen, and not in use any more.
        let _ = Command::new("umount").arg("--lazy").arg(&self.folder).status();
    }
}
