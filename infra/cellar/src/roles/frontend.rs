//! `cellar frontend`: CQL and HTTP for clients, cells reached over the network.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use anyhow::Context;
use cellar_cell_api::Cells;
use cellar_frontend::{Frontend, FrontendOptions, Traces, http, system::Identity};
use cellar_metadata_api::{self as metadata_api, Client, Metadata, protocol};
use cellar_rpc::Router;
use tokio::time::timeout;
use uuid::Uuid;

use super::{Process, announce::Announcement, metadata, reach};
use crate::{
    admin::{self, Operator},
    config::Settings,
    lock,
};

/// Frames of clients may be this large: rows of 16 MiB, and batches of some.
const FRAME_BYTES_MAX: u32 = 256 << 20;

/// Name of the file with the last catalog heard, in the frontend's folder.
const KEPT: &str = "catalog";
/// How long a frontend that has a kept catalog waits for the metadata service: it should not begin
/// with an old catalog only because a member of the service is slow.
const METADATA_PATIENCE: Duration = Duration::from_secs(1);

/// Who this frontend is. Its id is kept in a file, so that drivers know it again.
pub(super) fn identity(settings: &Settings, folder: &Path) -> anyhow::Result<Identity> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot create {}", folder.display()))?;
    let path = folder.join("host-id");
    let host_id = match std::fs::read_to_string(&path) {
        Ok(text) => text
            .trim()
            .parse()
            .with_context(|| format!("{} does not hold an id", path.display()))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let id = Uuid::new_v4();
            std::fs::write(&path, format!("{id}\n"))
                .with_context(|| format!("cannot write {}", path.display()))?;
            id
        }
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", path.display()));
        }
    };
    Ok(Identity {
        host_id,
        cql_address: settings.cql,
        datacenter: settings.datacenter.clone(),
        rack: settings.rack.clone(),
    })
}

/// Registers a frontend of this process and opens its CQL listener.
pub(super) async fn start(
    process: &Process,
    settings: &Settings,
    identity: Identity,
    metadata: Arc<dyn Metadata>,
    cells: Cells,
    traces: Traces,
) -> anyhow::Result<Frontend> {
    let options = FrontendOptions {
        cql: identity.cql_address,
        identity,
        frame_bytes_max: FRAME_BYTES_MAX,
        access: settings.access.clone(),
        traces,
    };
    let clock = Arc::clone(&process.clock);
    Ok(Frontend::start(options, metadata, cells, clock, &process.tasks).await?)
}

/// The identity as the metadata service knows it.
pub(super) fn registration(
    identity: &Identity,
    internal_address: Option<String>,
) -> metadata_api::Frontend {
    metadata_api::Frontend {
        host_id: identity.host_id,
        cql_address: identity.cql_address,
        datacenter: identity.datacenter.clone(),
        rack: identity.rack.clone(),
        internal_address,
    }
}

/// Answers other frontends: where the settings say, or beside CQL at a port that is free. Says by
/// which address; none if there is none that the others could use.
async fn listen(
    process: &Process,
    settings: &Settings,
    router: Router,
) -> anyhow::Result<Option<String>> {
    let beside = SocketAddr::new(settings.cql.ip(), 0);
    let mut address = settings.listen.unwrap_or(beside);
    let given = settings.listen.and(settings.advertise.clone());
    if given.is_some() || !address.ip().is_unspecified() {
        return metadata::serve(process, address, given, router).await.map(Some);
    }
    let Some(own) = reach::towards(&settings.metadata, address.ip()).await else {
        tracing::warn!(
            "other frontends cannot ask this one for its traces: it listens on every address, and \
             there is no way to the metadata service to learn one from; give --listen and \
             --advertise"
        );
        return Ok(None);
    };
    if own.is_loopback() {
        tracing::warn!(
            %own,
            "frontends on other machines cannot ask this one for its traces: it reaches the \
             metadata service by loopback; give --listen and --advertise if there are any"
        );
    }
    if address.port() == 0 {
        // The port is not known yet, and nobody else needs it.
        address.set_ip(own);
        return metadata::serve(process, address, None, router).await.map(Some);
    }
    let advertised = SocketAddr::new(own, address.port()).to_string();
    metadata::serve(process, address, Some(advertised), router).await.map(Some)
}

/// Runs until a signal.
pub(crate) async fn run(settings: &Settings) -> anyhow::Result<()> {
    let folder = settings.data.join("frontend");
    let _lock = lock::hold(&folder)?;
    let process = Process::start(settings)?;
    let identity = identity(settings, &folder)?;
    let traces = Traces::among_others(process.pool.clone());
    let internal = listen(&process, settings, traces.routes(identity.cql_address)).await?;
    let who = protocol::Identity::Frontend(registration(&identity, internal));
    let (members, kept) = (&settings.metadata, folder.join(KEPT));
    let client = Client::connect_keeping(&process.pool, members, who, &kept, &process.tasks);
    if timeout(METADATA_PATIENCE, client.ready()).await.is_err() {
        if client.serve_kept() {
            tracing::warn!("no metadata service: serving by the catalog of the last run");
        } else {
            client.ready().await;
        }
    }
    let metadata: Arc<dyn Metadata> = Arc::new(client);
    let cells = Cells::remote(process.pool.clone());
    let frontend =
        start(&process, settings, identity, Arc::clone(&metadata), cells.clone(), traces).await?;
    let http = http_listener(&process, settings, &frontend).await?;
    let operator = Operator { metadata, cells, pool: process.pool.clone() };
    let ready = process.admin(Arc::new(|| Ok(())), Some(operator));
    let admin = admin::listen(settings.admin, ready, &process.tasks).await?;
    endpoints(frontend.cql, http, admin).print();
    process.until_stopped().await
}

/// Opens the HTTP listener.
pub(super) async fn http_listener(
    process: &Process,
    settings: &Settings,
    frontend: &Frontend,
) -> anyhow::Result<SocketAddr> {
    let shared = http::HttpShared::new(frontend.executor.clone(), Arc::clone(&frontend.statements));
    http::listen(settings.http, shared, &process.tasks)
        .await
        .with_context(|| format!("cannot listen on {}", settings.http))
}

/// The endpoints of a process that clients use.
pub(super) fn endpoints(cql: SocketAddr, http: SocketAddr, admin: SocketAddr) -> Announcement {
    let query = "'{\"statement\":\"SELECT release_version FROM system.local\"}'";
    Announcement::default()
        .line("CQL", cql, &format!("cqlsh {} {}", cql.ip(), cql.port()))
        .line("HTTP", http, &format!("curl -s http://{http}/v1/query -d {query}"))
        .line("admin", admin, &format!("curl -s http://{admin}/metrics"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Flags, Layers};

    fn with(settings: &[(&str, &str)]) -> Settings {
        let name = |key: &str| format!("CELLAR__{}", key.to_uppercase());
        let environment = settings.iter().map(|(key, text)| (name(key), (*text).to_owned()));
        let layers = Layers::read(None, environment, &Flags::default()).unwrap();
        Settings::from_layers(&layers).unwrap()
    }

    #[tokio::test]
    async fn a_frontend_on_every_address_is_reached_by_the_one_towards_the_metadata_service() {
        let everywhere = [("cql", "0.0.0.0:9042"), ("metadata", "127.0.0.1:7100")];
        let listens = [("cql", "127.0.0.1:9042"), ("listen", "0.0.0.0:0")];
        for settings in [with(&everywhere), with(&listens)] {
            let process = Process::start(&settings).unwrap();
            let router = Router::new().call("/ping", |(): ()| async { Ok::<_, ()>(7_u32) });
            let address = listen(&process, &settings, router).await.unwrap().unwrap();
            assert!(address.starts_with("127.0.0.1:"), "{address}");
            let patience = Duration::from_secs(30);
            let pong = process.pool.client(&address).call::<_, u32>("/ping", &(), patience).await;
            assert_eq!(pong.unwrap(), 7);
        }
        let nowhere = with(&[("cql", "0.0.0.0:9042"), ("metadata", "nobody.invalid:7100")]);
        let process = Process::start(&nowhere).unwrap();
        assert_eq!(listen(&process, &nowhere, Router::new()).await.unwrap(), None);
    }
}
