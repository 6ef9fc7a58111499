//! `cellar cell`: a node that hosts cells.

use std::{sync::Arc, time::Duration};

use cellar_metadata_api::{Client, Metadata, protocol::Identity};
use cellar_rpc::Router;
use tokio::time::timeout;

use super::{Process, announce::Announcement, metadata, node};
use crate::{admin, config::Settings, lock};

/// How long a node that was here before waits for the metadata service: a running one answers in
/// a few milliseconds.
const METADATA_PATIENCE: Duration = Duration::from_millis(300);

/// Runs until a signal.
pub(crate) async fn run(settings: &Settings) -> anyhow::Result<()> {
    let folder = settings.data.join("node");
    let _lock = lock::hold(&folder)?;
    let process = Process::start(settings)?;
    let address = metadata::listen_address(settings, 7000);
    let advertised = settings.advertise.clone().unwrap_or_else(|| address.to_string());
    let members = &settings.metadata;
    let who = Identity::Observer(format!("node at {advertised}"));
    let kept = folder.join(node::KEPT);
    let client = Client::connect_keeping(&process.pool, members, who, &kept, &process.tasks);
    if node::is_known(&folder) {
        // It serves what it has even when the metadata service is away.
        let _ = timeout(METADATA_PATIENCE, client.ready()).await;
    } else {
        client.ready().await;
    }
    let place = node::Place { folder: &folder, address: &advertised, kept: client.kept().cloned() };
    let metadata: Arc<dyn Metadata> = Arc::new(client);
    let node = node::start(&process, settings, place, metadata).await?;
    let router = node.register(Router::new());
    metadata::serve(&process, address, Some(advertised.clone()), router).await?;
    // From now on the service sees that the node is in touch.
    let who = Identity::Node(node.id());
    let _presence = Client::connect(&process.pool, members, who, &process.tasks);
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
