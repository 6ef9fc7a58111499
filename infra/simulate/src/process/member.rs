//! A member of the metadata service on its machine.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use anyhow::Result;
use cellar_metadata_raft::{Service, ServiceOptions};
use cellar_raft::{Host, HostOptions, disk::Disk};
use cellar_rpc::Router;

use super::{End, Life, Surroundings};
use crate::world::disk::HeldDisk;

/// Bytes of a segment of the log: small, so that rolling and purging are part of every run.
const SEGMENT_BYTES: u64 = 16 << 10;

/// A machine with its disk.
pub(crate) struct MemberMachine {
    pub(crate) number: u64,
    pub(crate) address: String,
    members: BTreeMap<u64, String>,
    disk: HeldDisk,
    pub(crate) running: Option<Member>,
}

/// A member that runs.
pub(crate) struct Member {
    pub(crate) life: Life,
    pub(crate) service: Service,
    host: Host,
}

impl MemberMachine {
    pub(crate) fn new(number: u64, members: BTreeMap<u64, String>, disk: HeldDisk) -> Self {
        let address = members.get(&number).cloned().unwrap_or_default();
        Self { number, address, members, disk, running: None }
    }

    /// The process, as it starts.
    pub(crate) fn starting(
        &self,
        surroundings: Surroundings,
    ) -> impl Future<Output = Result<Member>> + Send + 'static {
        let life = surroundings.begin(&self.address);
        let (address, members, disk) =
            (self.address.clone(), self.members.clone(), Arc::new(self.disk.clone()));
        let mut options = HostOptions::new(self.number, PathBuf::from("/log"), &life.tasks);
        options.rest_after_ms = 0;
        options.disk = Arc::clone(&disk) as Arc<dyn Disk>;
        options.segment_bytes = SEGMENT_BYTES;
        options.log_bytes = 4 * SEGMENT_BYTES;
        options.on_fatal = surroundings.on_fatal(&self.address, &life);
        async move {
            let host = Host::open(options, Arc::new(life.pool.clone()))?;
            let folder = PathBuf::from("/metadata");
            let mut options = ServiceOptions::new(folder, members, &life.tasks);
            options.disk = disk;
            let service = Service::start(&host, options).await?;
            let router = host.register(service.register(Router::new()));
            surroundings.listen(&address, &life, router);
            Ok(Member { life, service, host })
        }
    }

    /// Ends the process in the middle of whatever it does.
    pub(crate) fn end(&mut self, surroundings: &Surroundings, end: End) {
        surroundings.network.hang_up(&self.address);
        self.disk = match end {
            End::Kill => self.disk.after_kill(),
            End::PowerLoss => self.disk.after_power_loss(),
        };
        if let Some(member) = self.running.take() {
            let host = member.host.clone();
            member.life.bury(surroundings, async move { host.shutdown().await });
        }
    }

    pub(crate) fn disk(&self) -> &HeldDisk {
        &self.disk
    }
}
