//! Puts a frontend together and opens its listeners.

use std::{io, net::SocketAddr, sync::Arc};

use cellar_cell_api::Cells;
use cellar_metadata_api::Metadata;
use cellar_rpc::tasks::Tasks;
use cellar_schema::Clock;
use thiserror::Error;

use crate::{
    access::{self, Access, AccessOptions, Authentication},
    cql::{self, Clients, SchemaEvents, Shared, Statements},
    error::RequestError,
    execute::Executor,
    meter::Totals,
    route::Route,
    system::{Identity, System},
    trace::Traces,
};

/// How to start a frontend.
#[derive(Clone, Debug)]
pub struct FrontendOptions {
    /// Where CQL is answered.
    pub cql: SocketAddr,
    /// Who it is; its address is where clients reach it.
    pub identity: Identity,
    /// Frames of clients larger than this are refused, in bytes.
    pub frame_bytes_max: u32,
    /// How clients are let in.
    pub access: AccessOptions,
    /// Where the traces of requests are.
    pub traces: Traces,
}

/// A running frontend.
#[derive(Clone, Debug)]
pub struct Frontend {
    /// Where CQL is answered.
    pub cql: SocketAddr,
    /// Runs statements.
    pub executor: Executor,
    /// Prepared statements, shared by CQL and HTTP.
    pub statements: Arc<Statements>,
}

/// Why a frontend did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The listener.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The virtual tables.
    #[error("cannot define the system tables: {0}")]
    System(#[from] RequestError),
}

impl Frontend {
    /// Starts it; it stops with `tasks`.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(
        options: FrontendOptions,
        metadata: Arc<dyn Metadata>,
        cells: Cells,
        clock: Arc<dyn Clock>,
        tasks: &Tasks,
    ) -> Result<Self, StartError> {
        let own = options.identity.host_id;
        let system = Arc::new(System::new(options.identity, options.traces)?);
        let route = Route::new(metadata.catalog(), cells, tasks);
        let events = SchemaEvents::follow(own, metadata.catalog(), tasks);
        let access = Access::new(options.access.authentication)?;
        if options.access.authentication == Authentication::Password {
            let password = options.access.superuser_password;
            let begin = access::begin(access.clone(), Arc::clone(&metadata), password);
            let token = tasks.token().clone();
            tasks.spawn("first superuser", async move {
                token.run_until_cancelled(begin).await;
            });
        }
        let totals = Totals::observed();
        let statements = Arc::new(Statements::default());
        let executor = Executor {
            route,
            metadata,
            clock,
            system,
            totals,
            access,
            statements: Arc::clone(&statements),
            clients: Clients::default(),
            admission: Arc::default(),
        };
        let shared = Shared {
            executor: executor.clone(),
            statements: Arc::clone(&statements),
            events,
            frame_bytes_max: options.frame_bytes_max,
        };
        let address = options.cql;
        let cql = cql::listen(address, shared, tasks)
            .await
            .map_err(|source| StartError::Listen { address, source })?;
        Ok(Self { cql, executor, statements })
    }
}
