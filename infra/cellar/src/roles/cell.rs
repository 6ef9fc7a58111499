//! `cellar cell`: a node that hosts cells.

use std::sync::Arc;

use cellar_metadata_api::{Client, Metadata, protocol::Identity};
use cellar_rpc::Router;

use super::{Process, announce::Announcement, metadata, node};
use crate::{admin, config::Settings};

/// Runs until a signal.
pub(crate) async fn run(settings: &Settings) -> anyhow::Result<()> {
    let process = Process::start(settings)?;
    let address = metadata::listen_address(settings, 7000);
    let advertised = settings.advertise.clone().unwrap_or_else(|| address.to_string());
    let addresses = [settings.metadata.clone()];
    let connect = |identity| Client::connect(&process.pool, &addresses, identity, &process.tasks);
    let client = connect(Identity::Observer(format!("node at {advertised}")));
    client.ready().await;
    let metadata: Arc<dyn Metadata> = Arc::new(client);
    let folder = settings.data.join("node");
    let node = node::start(&process, settings, &folder, &advertised, metadata).await?;
    let router = node.register(Router::new());
    metadata::serve(&process, address, &advertised, router).await?;
    // From now on the service sees that the node is in touch.
    let _presence = connect(Identity::Node(node.id()));
    let ready = process.admin(Arc::new(|| Ok(())), None);
    let admin = admin::listen(settings.admin, ready, &process.tasks).await?;
    Announcement::default()
        .line("cells", address, &format!("cellar frontend --metadata {}", settings.metadata))
        .line("admin", admin, &format!("curl -s http://{admin}/metrics"))
        .print();
    process.until_stopped().await?;
    node.stop().await
}
