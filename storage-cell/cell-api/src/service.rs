//! The serving side: what a node offers, and its methods on the internal transport.

use std::sync::Arc;

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
    /// Applies writes; the outer error means that none of them was applied.
    fn write(&self, request: WriteRequest) -> BoxFuture<'static, Result<WriteReply, CellError>>;

    /// Reads spans.
    fn read(&self, request: ReadRequest) -> BoxFuture<'static, Result<ReadReply, CellError>>;

    /// Administrative requests.
    fn admin(&self, request: AdminRequest) -> BoxFuture<'static, Result<AdminAnswer, CellError>>;
}

/// The methods of a node on the internal transport.
#[must_use]
pub fn routes(service: Arc<dyn CellService>) -> Router {
    let (writes, reads, admin) = (Arc::clone(&service), Arc::clone(&service), service);
    Router::new()
        .call(WRITE, move |request: WriteRequest| writes.write(request))
        .call(READ, move |request: ReadRequest| reads.read(request))
        .call(ADMIN, move |request: AdminRequest| admin.admin(request))
}
