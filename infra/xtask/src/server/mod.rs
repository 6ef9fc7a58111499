//! The real program as a child of the tests: `cellar dev`, or each role in its own process.
//!
//! Guarantees: a process is ready when [`Server::start`] returns, and dead when the value is
//! dropped; its log is in `target/xtask/logs`. Start at [`Server::dev`] and [`Cluster::start`].

mod cluster;
mod process;

pub(crate) use cluster::Cluster;

use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::places::Places;
use process::Process;

/// A running `cellar dev`.
pub(crate) struct Server {
    process: Option<Process>,
    places: Places,
    /// Held for its end: the folder of a server that was not given one.
    _scratch: Option<TempDir>,
    pub(crate) data: PathBuf,
    pub(crate) cql: SocketAddr,
    pub(crate) http: SocketAddr,
    pub(crate) admin: SocketAddr,
    name: String,
    extra: Vec<String>,
}

impl Server {
    /// Starts `cellar dev` with data in a new folder that is deleted afterwards.
    pub(crate) fn dev(places: &Places, name: &str) -> Result<Self> {
        let scratch = scratch(places)?;
        let data = scratch.path().join("data");
        let mut server = Self::dev_in(places, name, &data, &[])?;
        server._scratch = Some(scratch);
        Ok(server)
    }

    /// Starts `cellar dev` with data in a folder, and more flags.
    pub(crate) fn dev_in(places: &Places, name: &str, data: &Path, extra: &[&str]) -> Result<Self> {
        let [cql, http, admin] = free_ports()?;
        let mut server = Self {
            process: None,
            places: places.clone(),
            _scratch: None,
            data: data.to_path_buf(),
            cql,
            http,
            admin,
            name: name.to_owned(),
            extra: extra.iter().map(|flag| (*flag).to_owned()).collect(),
        };
        server.start()?;
        Ok(server)
    }

    /// Starts the process again, on the same ports and data.
    pub(crate) fn start(&mut self) -> Result<()> {
        let data = self.data.display().to_string();
        let (cql, http, admin) =
            (self.cql.to_string(), self.http.to_string(), self.admin.to_string());
        let mut arguments =
            vec!["dev", "--data", &data, "--cql", &cql, "--http", &http, "--admin", &admin];
        arguments.extend(self.extra.iter().map(String::as_str));
        self.process = Some(Process::start(&self.places, &self.name, &arguments)?);
        Ok(())
    }

    /// SIGKILL: nothing is flushed.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), Process::kill)
    }

    /// SIGTERM, and waits for the end.
    pub(crate) fn stop(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), Process::stop)
    }
}

/// A new folder below the cache, so that it lies on the same disk as the build.
pub(crate) fn scratch(places: &Places) -> Result<TempDir> {
    let folder = places.cache.join("scratch");
    std::fs::create_dir_all(&folder)?;
    TempDir::new_in(&folder).with_context(|| format!("cannot create {}", folder.display()))
}

/// Ports on loopback that nobody listened on just now.
pub(crate) fn free_ports<const COUNT: usize>() -> Result<[SocketAddr; COUNT]> {
    let mut addresses = [SocketAddr::from(([127, 0, 0, 1], 0)); COUNT];
    let mut held = Vec::new();
    for address in &mut addresses {
        let listener = TcpListener::bind(*address).context("cannot find a free port")?;
        *address = listener.local_addr()?;
        held.push(listener);
    }
    Ok(addresses)
}
