//! `cellar cell`: a node that hosts cells.

use std::{sync::Arc, time::Duration};

use cellar_metadata_api::{Client, Metadata, protocol::Identity};
use cellar_rpc::Router;
use tokio::time::timeout;

use super::{Process, announce::Announcement, metadata, node};
use crate::{admin, config::Settings, lock};

/// How long a node that was here before waits for the metadata service.
const METADATA_PATIENCE: Duration = Duration::from_secs(3);

/// Runs until a signal.
pub(crate) async fn run(settings: &Settings) -> anyhow::Result<()> {
    let folder = settings.data.join("node");
    let _lock = lock::hold(&folder)?;
    let process = Process::start(settings)?;
    let address = metadata::listen_address(settings, 7000);
    let advertised = settings.advertise.clone().unwrap_or_else(|| address.to_string());
    let members = &settings.metadata;
    let connect = |identity| Client::connect(&process.pool, members, identity, &process.tasks);
    let client = connect(Identity::Observer(format!("node at {advertised}")));
    if node::is_known(&folder) {
        // It serves what it has even when the metadata service is away.
        let _ = timeout(METADATA_PATIENCE, client.ready()).await;
    } else {
        client.ready().await;
    }
    let metadata: Arc<dyn Metadata> = Arc::new(client);
    let node = node::start(&process, settings, &folder, &advertised, metadata).await?;
    let router = node.register(Router::new());
    metadata::serve(&process, address, &advertised, router).await?;
    // From now on the service sees that the node is in touch.
    let _presence = connect(Identity::Node(node.id()));
    let ready = process.admin(Arc::new(|| Ok(())), None);
    let admin = admin::listen(settings.admin, ready, &process.tasks).await?;
    Announcement::default()
        .line("cells", address, &format!("cellar frontend --metadata {}", members.join(",")))
        .line("admin", admin, &format!("curl -s http://{admin}/metrics"))
        .print();
    let pool = process.pool.clone();
    process
        .until_drained(async {
            node.hand_over(&pool, &advertised).await;
            node.stop().await
        })
        .await
}
