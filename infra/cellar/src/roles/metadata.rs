//! `cellar metadata`: a member of the metadata service, which has one, three or five of them.

use std::{net::SocketAddr, path::Path, sync::Arc};

use anyhow::Context;
use cellar_metadata_raft::{Service, ServiceOptions};
use cellar_raft::{Host, HostOptions};
use cellar_rpc::{Router, Server, ServerLimits};

use super::{Process, announce::Announcement, member::Membership};
use crate::{admin, config::Settings, lock};

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
    folder: &Path,
    membership: Membership,
) -> anyhow::Result<Running> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot create {}", folder.display()))?;
    membership.keep(folder)?;
    let Membership { number, members } = membership;
    let options = HostOptions::new(number, folder.join("log"), &process.tasks);
    let host = Host::open(options, Arc::new(process.pool.clone()))
        .with_context(|| format!("cannot open the metadata log in {}", folder.display()))?;
    let options = ServiceOptions::new(folder.to_path_buf(), members, &process.tasks);
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
    let membership = Membership::of_list(&settings.metadata, &advertised)?;
    let members: Vec<String> = membership.members.values().cloned().collect();
    let running = service(&process, &folder, membership).await?;
    let router = running.host.register(running.service.register(Router::new()));
    serve(&process, address, &advertised, router).await?;
    let group = running.service.group().clone();
    let ready = process.admin(
        Arc::new(move || match group.leader() {
            Some(_) => Ok(()),
            None => Err("no member of the metadata service leads".to_owned()),
        }),
        None,
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

/// The internal listener of a role: the setting, or the role's default port on loopback.
pub(super) fn listen_address(settings: &Settings, port: u16) -> SocketAddr {
    settings.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], port)))
}

/// Answers internal calls.
pub(super) async fn serve(
    process: &Process,
    address: SocketAddr,
    advertised: &str,
    router: Router,
) -> anyhow::Result<()> {
    let limits = ServerLimits::default();
    let advertised = Some(advertised.to_owned());
    let server = Server::bind(address, advertised, router, limits, &process.tasks).await?;
    let token = process.tasks.token().clone();
    process.tasks.spawn("internal listener", async move {
        if let Err(unfinished) = server.run(token).await {
            tracing::warn!(%unfinished, "internal calls were cut off");
        }
    });
    Ok(())
}
