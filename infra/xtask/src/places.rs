//! Where things are: the sources, the programs that were built, and what the tests keep.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Folders of this workspace and of the build that this program came out of.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// The workspace root.
    pub(crate) root: PathBuf,
    /// Where the built programs lie: `target/debug` or `target/release`.
    pub(crate) programs: PathBuf,
    /// Where tests keep what is dear to make again: `target/xtask`.
    pub(crate) cache: PathBuf,
}

impl Places {
    pub(crate) fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .nth(2)
            .context("infra/xtask lies two folders below the workspace root")?;
        let this = std::env::current_exe().context("cannot tell where this program lies")?;
        let programs = this.parent().context("this program lies in no folder")?;
        let target = programs.parent().context("programs lie in a target folder")?;
        Ok(Self {
            root: root.to_path_buf(),
            programs: programs.to_path_buf(),
            cache: target.join("xtask"),
        })
    }

    /// A program of the workspace that was built in the same profile as this one.
    pub(crate) fn program(&self, name: &str) -> Result<PathBuf> {
        let path = self.programs.join(name);
        if !path.is_file() {
            bail!("{} is not built: run `cargo build --workspace --bins`", path.display());
        }
        Ok(path)
    }

    /// A file of the end-to-end tests.
    pub(crate) fn tests(&self, file: &str) -> PathBuf {
        self.root.join("infra/tests").join(file)
    }

    /// The folder that logs of servers go to, which exists then.
    pub(crate) fn logs(&self) -> Result<PathBuf> {
        let logs = self.cache.join("logs");
        std::fs::create_dir_all(&logs)
            .with_context(|| format!("cannot create {}", logs.display()))?;
        Ok(logs)
    }
}
