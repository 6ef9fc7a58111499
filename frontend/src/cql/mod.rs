//! The CQL endpoint: the native protocol, v3 to v5, over TCP. One task a connection; requests run
//! inside it, many at once, answered out of order. Start at [`listen`].

mod answer;
mod clients;
mod connection;
mod dispatch;
mod events;
mod extensions;
mod handshake;
mod prepared;
mod session;
mod types;

use std::{io, net::SocketAddr, sync::Arc};

use cellar_rpc::tasks::Tasks;
use tokio::net::TcpListener;

use crate::execute::Executor;

pub(crate) use self::{
    clients::{Clients, Connected},
    prepared::Statement,
};
pub use events::SchemaEvents;
pub use prepared::Statements;

/// What every connection shares.
#[derive(Clone, Debug)]
pub struct Shared {
    /// Runs statements.
    pub executor: Executor,
    /// Prepared statements.
    pub statements: Arc<Statements>,
    /// Pushes for registered clients.
    pub events: SchemaEvents,
    /// Frames larger than this are refused, in bytes.
    pub frame_bytes_max: u32,
}

/// Accepts connections until the tasks are shut down. Returns the address bound.
///
/// # Errors
/// The listener's.
pub async fn listen(address: SocketAddr, shared: Shared, tasks: &Tasks) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    let connections = tasks.child();
    let token = tasks.token().clone();
    tasks.spawn("cql-listener", async move {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = token.cancelled() => return,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let serving = connection::serve(stream, peer, shared.clone(), token.clone());
                    connections.spawn("cql-connection", serving);
                }
                Err(error) => {
                    // Out of descriptors: those in use are freed in time.
                    tracing::warn!(%error, "cannot accept a CQL connection");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            }
        }
    });
    Ok(bound)
}
