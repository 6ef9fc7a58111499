//! Three nodes over the loopback, each cell on all of them, and a client that asks every one.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use cellar_cell_api::{
    CellError, CellService, Outcome, Page, ReadLevel, ReadRequest, Write, WriteRequest,
};
use cellar_rpc::{ClientConfig, Pool, tasks::Tasks};
use cellar_schema::{Mutation, keys};
use cellar_storage_cell::{MergeSteps, NodeOptions};

use super::{
    FakeMetadata,
    member::Member,
    read,
    tables::{self, Known},
    within,
};

pub struct Trio {
    pub dir: tempfile::TempDir,
    pub metadata: Arc<FakeMetadata>,
    addresses: Vec<SocketAddr>,
    pub members: Vec<Option<Member>>,
    pub table: Known,
}

impl Trio {
    pub async fn start() -> Self {
        Self::start_with(None).await
    }

    /// Members that end merges at a step, until they are started again.
    pub async fn start_with(merge_goes_on: Option<MergeSteps>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let metadata = FakeMetadata::new();
        let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let listeners: Vec<_> = (0..3).map(|_| free()).collect();
        let addresses: Vec<_> =
            listeners.iter().map(|listener| listener.local_addr().unwrap()).collect();
        drop(listeners);
        let mut members = Vec::new();
        for (number, address) in addresses.iter().enumerate() {
            let choose = |options: &mut NodeOptions| options.merge_goes_on = merge_goes_on.clone();
            let member = Member::start(dir.path(), number, *address, &metadata, choose).await;
            members.push(Some(member));
        }
        tables::create_on(&metadata, 3);
        let table = tables::table(&metadata, "wide");
        Self { dir, metadata, addresses, members, table }
    }

    pub async fn restart(&mut self, number: usize) {
        let address = self.addresses[number];
        let dir = self.dir.path();
        let member = Member::start(dir, number, address, &self.metadata, |_| ()).await;
        self.members[number] = Some(member);
    }

    /// Has a member lead every cell.
    pub async fn lead(&self, number: usize) {
        let tasks = Tasks::new();
        let pool = Pool::new(ClientConfig::default(), &tasks);
        let to = self.members[number].as_ref().unwrap().node.id().0;
        for _ in 0..6_000 {
            let mut led = true;
            for (other, member) in self.members.iter().enumerate() {
                let Some(member) = member else { continue };
                let (id, cells) = (member.node.id(), member.cells().await);
                let has = cells.iter().filter(|cell| cell.leader == Some(id));
                let has: Vec<u64> = has.map(|cell| cell.cell.0).collect();
                led &= if other == number { has.len() == cells.len() } else { has.is_empty() };
                for cell in has.iter().filter(|_| other != number) {
                    let client = pool.client(&self.addresses[other].to_string());
                    drop(cellar_raft::ask_transfer_leader(&client, id.0, *cell, Some(to)).await);
                }
            }
            if led {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("member {number} does not lead");
    }

    /// The folder of a member.
    pub fn disk(&self, number: usize) -> PathBuf {
        self.dir.path().join(format!("disk-{number}"))
    }

    pub fn running(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().flatten()
    }

    /// Asks every member until one leads.
    pub async fn write(&self, mutation: Mutation) {
        let write = Write { id: None, mutations: vec![mutation], ..Write::default() };
        for _ in 0..3_000 {
            let key = &write.mutations[0].partition;
            let (table, token) = (keys::table_of(key).unwrap(), keys::token_of(key).unwrap());
            let catalog = self.metadata.now();
            let cell = catalog.cell_of(table, token).unwrap();
            for member in self.running() {
                let writes = vec![write.clone()];
                let request = WriteRequest { cell: cell.id, epoch: cell.epoch, writes };
                let outcome = match member.node.write(request).await {
                    Ok(mut reply) => reply.outcomes.remove(0),
                    Err(error) => Err(error),
                };
                match outcome {
                    Ok(Outcome::Applied { .. }) => return,
                    // Writing the same row again is harmless.
                    Err(
                        CellError::NotLeader { .. }
                        | CellError::WrongCell { .. }
                        | CellError::Unknown { .. },
                    ) => {}
                    other => panic!("{other:?}"),
                }
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("nobody leads");
    }

    pub async fn page(&self, member: &Member, level: ReadLevel, k: i32) -> Result<Page, CellError> {
        let partition = self.table.partition(k);
        let catalog = self.metadata.now();
        let cell = catalog.cell_of(self.table.0.id, keys::token_of(&partition).unwrap()).unwrap();
        let reads = vec![read(partition.clone(), keys::after(&partition))];
        let request =
            ReadRequest { cell: cell.id, epoch: cell.epoch, level, reads, now_seconds: None };
        member.node.read(request).await?.pages.remove(0)
    }

    /// Waits until a member has this partition, as a follower reads it.
    pub async fn has(&self, number: usize, k: i32) {
        let member = self.members[number].as_ref().unwrap();
        within("a follower has the row", async || {
            self.page(member, ReadLevel::Any, k).await.is_ok_and(|page| page.rows.len() == 1)
        })
        .await;
    }

    /// Waits until one of the running members leads every cell of the catalog.
    pub async fn leader(&self) -> usize {
        let cells: usize =
            self.metadata.now().placements.values().map(|placed| placed.cells().count()).sum();
        let mut found = 0;
        within("every cell has a leader", async || {
            let mut led = 0;
            for (number, member) in self.members.iter().enumerate() {
                let Some(member) = member else { continue };
                let (id, reports) = (member.node.id(), member.cells().await);
                let mine = reports.iter().filter(|cell| cell.leader == Some(id)).count();
                if mine > 0 {
                    found = number;
                }
                led += mine;
            }
            led >= cells
        })
        .await;
        found
    }
}
