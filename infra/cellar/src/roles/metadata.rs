//! `cellar metadata`: a member of the metadata service, which has one, three or five of them.

use std::{net::SocketAddr, path::Path, sync::Arc};

use anyhow::Context;
use cellar_cell_api::Cells;
use cellar_metadata_api::{Client, Metadata, protocol::Identity};
use cellar_metadata_raft::{BalanceOptions, Service, ServiceOptions};
use cellar_raft::{Host, HostOptions};
use cellar_rpc::{Router, Server, ServerLimits};

use super::{Process, announce::Announcement, member::Membership, merges::Merges};
use crate::{
    admin::{self, Operator},
    config::Settings,
    lock,
};

/// A running service and the log it writes to.
pub(crate) struct Running {
    pub(crate) service: Service,
    host: Host,
}

impl Running {
    /// Lets another member lead and stops; everything acknowledged is durable already.
    pub(crate) async fn stop(&self) {
        self.host.hand_over().await;
        self.host.shutdown().await;
    }
}

/// Starts a member of the service in a folder.
pub(super) async fn service(
    process: &Process,
    settings: &Settings,
    folder: &Path,
    membership: Membership,
) -> anyhow::Result<Running> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot create {}", folder.display()))?;
    membership.keep(folder)?;
    let Membership { number, members } = membership;
    let mut options = HostOptions::new(number, folder.join("log"), &process.tasks);
    // One group, and everybody waits for its word.
    options.rest_after_ms = 0;
    let host = Host::open(options, Arc::new(process.pool.clone()))
        .with_context(|| format!("cannot open the metadata log in {}", folder.display()))?;
    let mut options = ServiceOptions::new(folder.to_path_buf(), members, &process.tasks);
    options.clock = Arc::clone(&process.clock);
    options.store_region.clone_from(&settings.object_store_region);
    options.balance = BalanceOptions {
        on: settings.balance,
        replace_after_ms: settings.replace_after_s.saturating_mul(1000),
        cell_split_bytes: settings.cell_split_bytes,
        ..BalanceOptions::default()
    };
    options.merger = Some(Arc::new(Merges { cells: Cells::remote(process.pool.clone()) }));
    let service =
        Service::start(&host, options).await.context("cannot start the metadata service")?;
    Ok(Running { service, host })
}

/// Runs until a signal.
pub(crate) async fn run(settings: &Settings) -> anyhow::Result<()> {
    let folder = settings.data.join("metadata");
    let _lock = lock::hold(&folder)?;
    let process = Process::start(settings)?;
    let address = listen_address(settings, 7100);
    let advertised = settings.advertise.clone().unwrap_or_else(|| address.to_string());
    let members = &settings.metadata;
    let membership = Membership::of(members, &advertised, settings.member, &folder)?;
    let number = membership.number;
    let running = service(&process, settings, &folder, membership).await?;
    let router = running.host.register(running.service.register(Router::new()));
    serve(&process, address, Some(advertised.clone()), router).await?;
    let group = running.service.group().clone();
    let ready = process.admin(
        Arc::new(move || match group.leader() {
            Some(_) => Ok(()),
            None => Err("no member of the metadata service leads".to_owned()),
        }),
        Some(operator(&process, members, number, &advertised)),
    );
    let admin = admin::listen(settings.admin, ready, &process.tasks).await?;
    Announcement::default()
        .line("metadata", address, &format!("cellar cell --metadata {}", members.join(",")))
        .line("admin", admin, &format!("curl -s http://{admin}/readyz"))
        .print();
    let drain = async {
        running.stop().await;
        Ok(())
    };
    process.until_drained(drain).await
}

/// What operators ask of the service, whoever leads it.
fn operator(process: &Process, members: &[String], number: u64, advertised: &str) -> Operator {
    let mut addresses = members.to_vec();
    if !addresses.iter().any(|address| address == advertised) {
        addresses.push(advertised.to_owned());
    }
    let identity = Identity::Observer(format!("admin of metadata member {number}"));
    let client = Client::connect(&process.pool, &addresses, identity, &process.tasks);
    let metadata: Arc<dyn Metadata> = Arc::new(client);
    let cells = Cells::remote(process.pool.clone());
    Operator { metadata, cells, pool: process.pool.clone() }
}

/// The internal listener of a role: the setting, or the role's default port on loopback.
pub(super) fn listen_address(settings: &Settings, port: u16) -> SocketAddr {
    settings.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], port)))
}

/// Answers internal calls, and says where others reach it.
pub(super) async fn serve(
    process: &Process,
    address: SocketAddr,
    advertised: Option<String>,
    router: Router,
) -> anyhow::Result<String> {
    let limits = ServerLimits::default();
    let server = Server::bind(address, advertised, router, limits, &process.tasks).await?;
    let advertised = server.advertised().to_owned();
    let token = process.tasks.token().clone();
    process.tasks.spawn("internal listener", async move {
        if let Err(unfinished) = server.run(token).await {
            tracing::warn!(%unfinished, "internal calls were cut off");
        }
    });
    Ok(advertised)
}
