//! The asking side: sends each message to the node named, in process when it is this one.

use std::{fmt, sync::Arc, time::Duration};

use cellar_metadata_api::NodeId;
use cellar_rpc::{CallError, Pool};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    AdminAnswer, AdminRequest, CellError, CellService, ReadReply, ReadRequest, WriteReply,
    WriteRequest,
    service::{ADMIN, READ, WRITE},
};

/// A node and where it listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// The node.
    pub node: NodeId,
    /// Its internal address, "host:port".
    pub address: &'a str,
}

/// Reaches every node's cells.
#[derive(Clone)]
pub struct Cells {
    pool: Pool,
    local: Option<(NodeId, Arc<dyn CellService>)>,
}

impl fmt::Debug for Cells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cells")
            .field("local", &self.local.as_ref().map(|(node, _)| node))
            .finish_non_exhaustive()
    }
}

impl Cells {
    /// Asks other nodes through `pool`.
    #[must_use]
    pub fn remote(pool: Pool) -> Self {
        Self { pool, local: None }
    }

    /// Asks `node` in process, without serialising, and other nodes through `pool`.
    #[must_use]
    pub fn with_local(pool: Pool, node: NodeId, service: Arc<dyn CellService>) -> Self {
        Self { pool, local: Some((node, service)) }
    }

    fn local(&self, node: NodeId) -> Option<&Arc<dyn CellService>> {
        self.local.as_ref().filter(|(local, _)| *local == node).map(|(_, service)| service)
    }

    /// Sends writes to one cell.
    ///
    /// # Errors
    /// The outer error is for all of them; see [`CellError::is_definite`].
    pub async fn write(
        &self,
        target: Target<'_>,
        request: WriteRequest,
        deadline: Duration,
    ) -> Result<WriteReply, CellError> {
        match self.local(target.node) {
            Some(service) => within(deadline, service.write(request)).await,
            None => self.call(target, WRITE, &request, deadline).await,
        }
    }

    /// Sends reads to one cell.
    ///
    /// # Errors
    /// The outer error is for all of them.
    pub async fn read(
        &self,
        target: Target<'_>,
        request: ReadRequest,
        deadline: Duration,
    ) -> Result<ReadReply, CellError> {
        match self.local(target.node) {
            Some(service) => within(deadline, service.read(request)).await,
            None => self.call(target, READ, &request, deadline).await,
        }
    }

    /// Sends an administrative request to a node.
    ///
    /// # Errors
    /// See [`CellError`].
    pub async fn admin(
        &self,
        target: Target<'_>,
        request: AdminRequest,
        deadline: Duration,
    ) -> Result<AdminAnswer, CellError> {
        match self.local(target.node) {
            Some(service) => within(deadline, service.admin(request)).await,
            None => self.call(target, ADMIN, &request, deadline).await,
        }
    }

    async fn call<Req: Serialize, Resp: DeserializeOwned>(
        &self,
        target: Target<'_>,
        path: &str,
        request: &Req,
        deadline: Duration,
    ) -> Result<Resp, CellError> {
        let client = self.pool.client(target.address);
        let addressed = (target.node, request);
        client.call(path, &addressed, deadline).await.map_err(|error| told_by(&error))
    }
}

async fn within<T>(
    deadline: Duration,
    answer: impl Future<Output = Result<T, CellError>>,
) -> Result<T, CellError> {
    tokio::time::timeout(deadline, answer).await.unwrap_or_else(|_| {
        Err(CellError::Unknown { reason: format!("no answer within {} ms", deadline.as_millis()) })
    })
}

/// What a failed call says of the request: an error of the cell itself, or how the transport
/// failed, definite only where the handler surely did not run.
fn told_by(error: &CallError) -> CellError {
    if let CallError::Remote(remote) = error {
        return remote.decode().unwrap_or_else(|| CellError::Unknown {
            reason: "the node's error does not decode".to_owned(),
        });
    }
    let reason = error.to_string();
    if error.did_not_run() {
        CellError::Unavailable { reason }
    } else {
        CellError::Unknown { reason }
    }
}
