//! The processes of a cluster as everybody knows them.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::NodeId;

/// A process that holds cells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its identity, kept on its disk.
    pub id: NodeId,
    /// Where its internal calls are answered, as "host:port". Empty if another node has come up
    /// there: then this one is gone, until it registers from elsewhere.
    pub address: String,
    /// Data centre, as `NetworkTopologyStrategy` names it.
    pub datacenter: String,
    /// Rack or availability zone.
    pub rack: String,
    /// Region, for keyspaces that must stay in one.
    pub region: String,
    /// Where clients can speak CQL to the same process, if it is a frontend as well.
    pub cql_address: Option<SocketAddr>,
    /// Whether it is in touch with the metadata service.
    pub state: NodeState,
}

/// Whether a node is in touch with the metadata service. A hint for placing new cells and for
/// operators: data stays reachable through a node that only the metadata service cannot see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum NodeState {
    /// In touch.
    Up,
    /// Silent for longer than its watch allows.
    Down,
    /// An operator wants it empty: its cells go elsewhere and it gets no new ones. It stays so,
    /// in touch or not, until it is removed or taken back.
    Draining,
}

/// A process that answers clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frontend {
    /// The host id that drivers see.
    pub host_id: Uuid,
    /// Where clients speak CQL to it.
    pub cql_address: SocketAddr,
    /// Data centre that drivers see.
    pub datacenter: String,
    /// Rack that drivers see.
    pub rack: String,
    /// Where other frontends ask it what only it knows, as "host:port"; none if it does not answer.
    #[serde(default)]
    pub internal_address: Option<String>,
}
