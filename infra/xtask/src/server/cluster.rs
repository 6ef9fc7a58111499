//! Five processes on one machine: one metadata service, two nodes, two frontends.

use std::net::SocketAddr;

use anyhow::Result;
use tempfile::TempDir;

use super::{free_ports, process::Process, scratch};
use crate::places::Places;

/// Five running processes with data in a new folder.
pub(crate) struct Cluster {
    /// Ended in this order: those that clients reach first.
    processes: Vec<Process>,
    /// Where the two frontends serve CQL.
    pub(crate) cql: [SocketAddr; 2],
    _scratch: TempDir,
}

impl Cluster {
    pub(crate) fn start(places: &Places, name: &str) -> Result<Self> {
        let scratch = scratch(places)?;
        let [metadata, admin] = free_ports()?;
        let metadata = metadata.to_string();
        let mut started = Vec::new();
        let mut start = |role: &str, number: usize, flags: &[(&str, SocketAddr)]| -> Result<()> {
            let data = scratch.path().join(format!("{role}{number}")).display().to_string();
            let mut arguments = vec![role.to_owned(), "--data".to_owned(), data];
            for (flag, address) in flags {
                arguments.extend([format!("--{flag}"), address.to_string()]);
            }
            let other = if role == "metadata" { "--listen" } else { "--metadata" };
            arguments.extend([other.to_owned(), metadata.clone()]);
            let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
            let name = format!("{name}-{role}{number}");
            started.push(Process::start(places, &name, &arguments)?);
            Ok(())
        };
        start("metadata", 1, &[("admin", admin)])?;
        for number in [1, 2] {
            let [listen, admin] = free_ports()?;
            start("cell", number, &[("listen", listen), ("admin", admin)])?;
        }
        let cql = free_ports()?;
        for (number, serves) in (1..).zip(cql) {
            let [http, admin] = free_ports()?;
            start("frontend", number, &[("cql", serves), ("http", http), ("admin", admin)])?;
        }
        started.reverse();
        Ok(Self { processes: started, cql, _scratch: scratch })
    }

    /// SIGTERM to each; an error if one does not end well.
    pub(crate) fn stop(self) -> Result<()> {
        self.processes.into_iter().try_for_each(Process::stop)
    }
}
