//! `cluster.json`: what a cluster consists of, kept in its folder. Who lives is told by the locks
//! of the processes' folders, not by this file.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use super::plan::{Member, Role, Shape};
use crate::lock;

const FILE: &str = "cluster.json";
const VERSION: u32 = 1;

/// A cluster in a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cluster {
    version: u32,
    pub(super) shape: Shape,
    pub(super) members: Vec<Member>,
    /// The settings that all processes share, by name.
    #[serde(default)]
    common: Vec<(String, String)>,
    /// Where the file lies; absolute.
    #[serde(skip)]
    pub(super) folder: PathBuf,
}

impl Cluster {
    /// A new cluster of a shape; `common` are the settings that all processes share, by name.
    pub(super) fn new(
        shape: Shape,
        common: Vec<(String, String)>,
        folder: PathBuf,
    ) -> anyhow::Result<Self> {
        let members = shape.members(&folder, &common)?;
        Ok(Self { version: VERSION, shape, members, common, folder })
    }

    /// One more process of a role, not started yet.
    pub(super) fn add(&mut self, role: Role) -> anyhow::Result<Member> {
        let (members, common) = (&self.members, &self.common);
        let member = self.shape.another(role, members, &self.folder, common)?;
        self.members.push(member.clone());
        Ok(member)
    }

    /// The cluster of a folder; none if it has none.
    pub(super) fn read(folder: &Path) -> anyhow::Result<Option<Self>> {
        let path = folder.join(FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        let mut cluster: Self = serde_json::from_str(&text)
            .with_context(|| format!("{} does not describe a cluster", path.display()))?;
        if cluster.version != VERSION {
            bail!("{} is of version {}, not {VERSION}", path.display(), cluster.version);
        }
        cluster.folder = absolute(folder)?;
        Ok(Some(cluster))
    }

    /// The cluster of a folder, which must have one.
    pub(super) fn open(folder: &Path) -> anyhow::Result<Self> {
        Self::read(folder)?.with_context(|| {
            format!("there is no cluster in {}; `cellar cluster` makes one", folder.display())
        })
    }

    /// Keeps it.
    pub(super) fn write(&self) -> anyhow::Result<()> {
        let path = self.folder.join(FILE);
        let draft = path.with_extension("new");
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(&draft, text)
            .and_then(|()| fs::rename(&draft, &path))
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// The members of a role.
    pub(super) fn of(&self, role: Role) -> Vec<&Member> {
        self.members.iter().filter(|member| member.role == role).collect()
    }

    pub(super) fn member(&self, id: &str) -> anyhow::Result<&Member> {
        self.members.iter().find(|member| member.id == id).with_context(|| {
            let ids: Vec<&str> = self.members.iter().map(|member| member.id.as_str()).collect();
            format!("there is no `{id}` in this cluster; there are {}", ids.join(", "))
        })
    }

    pub(super) fn folder_of(&self, member: &Member) -> PathBuf {
        self.folder.join(&member.id)
    }

    pub(super) fn log_of(&self, member: &Member) -> PathBuf {
        self.folder_of(member).join("log")
    }

    /// The process id of a member that lives.
    pub(super) fn pid_of(&self, member: &Member) -> Option<u32> {
        lock::holder(&self.folder_of(member).join(member.role.name()))
    }
}

/// A folder's name from the root; it is made if it does not exist.
pub(super) fn absolute(folder: &Path) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(folder)
        .and_then(|()| folder.canonicalize())
        .with_context(|| format!("cannot create {}", folder.display()))
}
