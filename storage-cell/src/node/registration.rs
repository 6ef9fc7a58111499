//! Telling the metadata service that the node is here.

use std::{sync::Arc, time::Duration};

use cellar_metadata_api::{Answer, Command, Metadata, MetadataError, NodeId, NodeRegistration};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::{Inner, NodeError, NodeOptions};
use crate::limits::{METADATA_RETRY_MS, REGISTRATION_MS_MAX};

/// Registers; says the node's id, and whether the service knows of it by now. Only a node that
/// has no id yet waits for the service; another serves at once, and is registered by the way.
pub(super) async fn register(
    options: &NodeOptions,
    metadata: &dyn Metadata,
    disk: Uuid,
    known: Option<NodeId>,
) -> Result<(NodeId, bool), NodeError> {
    if let Some(id) = known {
        let patience = Duration::from_millis(REGISTRATION_MS_MAX);
        let registering = submit(options, metadata, disk, known);
        return match timeout(patience, registering).await {
            Ok(Ok(id)) => Ok((id, true)),
            Ok(Err(error)) if !is_away(&error) => Err(error.into()),
            Ok(Err(_)) | Err(_) => Ok((id, false)),
        };
    }
    loop {
        match submit(options, metadata, disk, None).await {
            Ok(id) => return Ok((id, true)),
            Err(error) if is_away(&error) => {
                tracing::info!(%error, "waiting for the metadata service");
                sleep(Duration::from_millis(METADATA_RETRY_MS)).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

impl Inner {
    /// Registers as soon as the service is back.
    pub(super) async fn register_later(self: Arc<Self>) {
        loop {
            match submit(&self.options, &*self.metadata, self.disk, Some(self.id)).await {
                Ok(_) => return,
                Err(error) => tracing::warn!(%error, "this node is not registered yet"),
            }
            sleep(Duration::from_millis(METADATA_RETRY_MS)).await;
        }
    }
}

async fn submit(
    options: &NodeOptions,
    metadata: &dyn Metadata,
    disk: Uuid,
    id: Option<NodeId>,
) -> Result<NodeId, MetadataError> {
    let node = NodeRegistration {
        address: options.address.clone(),
        datacenter: options.datacenter.clone(),
        rack: options.rack.clone(),
        region: options.region.clone(),
        cql_address: None,
        disk: Some(disk),
    };
    match metadata.submit(Command::RegisterNode { node, id }).await? {
        Answer::Node(id) => Ok(id),
        _ => Err(MetadataError::Unknown { reason: "an answer of another kind".to_owned() }),
    }
}

/// Whether the service may answer if it is asked again.
pub(super) fn is_away(error: &MetadataError) -> bool {
    matches!(error, MetadataError::Unavailable { .. } | MetadataError::Unknown { .. })
}
