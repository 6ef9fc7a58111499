//! The serving side: what a node offers, and its methods on the internal transport.

use std::sync::Arc;

use cellar_metadata_api::NodeId;
use cellar_rpc::Router;
use futures::future::BoxFuture;

use crate::{
    AdminAnswer, AdminRequest, CellError, ReadReply, ReadRequest, WriteReply, WriteRequest,
};

/// Path of writes on the internal transport.
pub(crate) const WRITE: &str = "/cell/write";
/// Path of reads.
pub(crate) const READ: &str = "/cell/read";
/// Path of administrative requests.
pub(crate) const ADMIN: &str = "/cell/admin";

/// A node's cells. A write that has begun is finished even if the returned future is dropped.
pub trait CellService: Send + Sync + 'static {
    /// Which node this is: requests over the network that are meant for another are refused. One
    /// that does not say takes them all.
    fn node(&self) -> Option<NodeId> {
        None
    }

    /// Applies writes; the outer error means that none of them was applied.
    fn write(&self, request: WriteRequest) -> BoxFuture<'static, Result<WriteReply, CellError>>;

    /// Reads spans.
    fn read(&self, request: ReadRequest) -> BoxFuture<'static, Result<ReadReply, CellError>>;

    /// Administrative requests.
    fn admin(&self, request: AdminRequest) -> BoxFuture<'static, Result<AdminAnswer, CellError>>;
}

/// The methods of a node on the internal transport. Each request says which node it is meant for:
/// an address may have been given to another.
#[must_use]
pub fn routes(service: Arc<dyn CellService>) -> Router {
    let (writes, reads, admin) = (Arc::clone(&service), Arc::clone(&service), service);
    Router::new()
        .call(WRITE, move |(to, request): (NodeId, WriteRequest)| {
            meant_for(&*writes, to, |service| service.write(request))
        })
        .call(READ, move |(to, request): (NodeId, ReadRequest)| {
            meant_for(&*reads, to, |service| service.read(request))
        })
        .call(ADMIN, move |(to, request): (NodeId, AdminRequest)| {
            meant_for(&*admin, to, |service| service.admin(request))
        })
}

fn meant_for<T: Send + 'static>(
    service: &dyn CellService,
    to: NodeId,
    serve: impl FnOnce(&dyn CellService) -> BoxFuture<'static, Result<T, CellError>>,
) -> BoxFuture<'static, Result<T, CellError>> {
    match service.node() {
        Some(node) if node != to => {
            let reason = format!("{node} is where {to} was");
            Box::pin(std::future::ready(Err(CellError::Unavailable { reason })))
        }
        _ => serve(service),
    }
}
