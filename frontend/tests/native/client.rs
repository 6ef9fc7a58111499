//! A frontend with everything it needs, started in this process, and one connection to it.

use std::{net::SocketAddr, sync::Arc};

use bytes::{Bytes, BytesMut};
use cellar_cell_api::Cells;
use cellar_frontend::{Frontend, FrontendOptions, Traces, access::AccessOptions, system::Identity};
use cellar_metadata_api::Metadata;
use cellar_rpc::{ClientConfig, Pool, tasks::Tasks};
use cellar_schema::{Clock, CqlType, SystemClock, value};
use cellar_wire::{
    ClientDecoder, ClientEncoder, Compression, Consistency, Envelope, Extensions, FrameLimits,
    Prepare, PreparedResult, Query, QueryParams, Request, RequestEnvelope, Response, RowsContent,
    RowsResult, Startup, Version,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use uuid::Uuid;

use crate::{cell, metadata};

pub(crate) struct Client {
    pub(crate) metadata: Arc<metadata::InMemory>,
    pub(crate) cell: Arc<cell::InMemory>,
    cql: SocketAddr,
    extensions: Extensions,
    stream: TcpStream,
    decoder: ClientDecoder,
    encoder: ClientEncoder,
    version: Version,
    _tasks: Option<Tasks>,
}

/// A frontend in this process, which says that it is at `cql_address`.
pub(crate) async fn serve(
    (metadata, cell): (Arc<dyn Metadata>, Arc<cell::InMemory>),
    (host_id, cql_address): (Uuid, SocketAddr),
    access: AccessOptions,
    traces: Traces,
    tasks: &Tasks,
) -> Frontend {
    let pool = Pool::new(ClientConfig::default(), tasks);
    let cells = Cells::with_local(pool, metadata::NODE, Arc::new(cell::Service(cell)));
    let anywhere: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let identity =
        Identity { host_id, cql_address, datacenter: "dc1".to_owned(), rack: "r1".to_owned() };
    let options =
        FrontendOptions { cql: anywhere, identity, frame_bytes_max: 1 << 20, access, traces };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Frontend::start(options, metadata, cells, clock, tasks).await.unwrap()
}

impl Client {
    /// With the keyspace `ks` and its table `t`.
    pub(crate) async fn connect() -> Self {
        let at = "127.0.0.1:9042".parse().unwrap();
        let mut client =
            Self::of(metadata::InMemory::new(), Uuid::nil(), at, Traces::default()).await;
        for text in [
            "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', \
         'replication_factor': 1}",
            "CREATE TABLE ks.t (k int, c int, v int, m map<text, int>, PRIMARY KEY (k, c))",
        ] {
            client.run(text).await;
        }
        client
    }

    /// Of a frontend of its own, which says that it is at `cql_address`.
    pub(crate) async fn of(
        metadata: Arc<metadata::InMemory>,
        host_id: Uuid,
        cql_address: SocketAddr,
        traces: Traces,
    ) -> Self {
        let (tasks, cell) = (Tasks::new(), Arc::<cell::InMemory>::default());
        let services = (Arc::clone(&metadata) as Arc<dyn Metadata>, Arc::clone(&cell));
        let access = AccessOptions::default();
        let frontend = serve(services, (host_id, cql_address), access, traces, &tasks).await;
        Self::begin((metadata, cell), frontend.cql, Some(tasks), &[]).await
    }

    /// Another connection to the same frontend, which says more of itself in STARTUP.
    pub(crate) async fn another(&self, options: &[(&str, &str)]) -> Self {
        let (metadata, cell) = (Arc::clone(&self.metadata), Arc::clone(&self.cell));
        Self::begin((metadata, cell), self.cql, None, options).await
    }

    async fn begin(
        (metadata, cell): (Arc<metadata::InMemory>, Arc<cell::InMemory>),
        cql: SocketAddr,
        tasks: Option<Tasks>,
        options: &[(&str, &str)],
    ) -> Self {
        Self::start((metadata, cell), cql, tasks, (options, Version::V4)).await
    }

    async fn start(
        (metadata, cell): (Arc<metadata::InMemory>, Arc<cell::InMemory>),
        cql: SocketAddr,
        tasks: Option<Tasks>,
        (options, version): (&[(&str, &str)], Version),
    ) -> Self {
        let mut client = Self {
            metadata,
            cell,
            cql,
            extensions: Extensions::default(),
            stream: TcpStream::connect(cql).await.unwrap(),
            decoder: ClientDecoder::new(FrameLimits::default()),
            encoder: ClientEncoder::new(),
            version,
            _tasks: tasks,
        };
        let options = options.iter().chain(&[("CQL_VERSION", "3.4.7")]);
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let startup = Startup { options: options.map(owned).collect() };
        let metadata_ids = startup.get("SCYLLA_USE_METADATA_ID").is_some();
        client.ask(Request::Startup(startup).into()).await;
        if version == Version::V5 {
            client.encoder.switch_to_v5_framing(Compression::None);
            client.decoder.switch_to_v5_framing(Compression::None);
        }
        client.extensions = Extensions { metadata_ids };
        client.encoder.set_extensions(client.extensions);
        client
    }

    /// Another connection to the same frontend, of version 5 of the protocol.
    pub(crate) async fn of_five(&self) -> Self {
        let (metadata, cell) = (Arc::clone(&self.metadata), Arc::clone(&self.cell));
        Self::start((metadata, cell), self.cql, None, (&[], Version::V5)).await
    }

    pub(crate) async fn prepare(&mut self, text: &str) -> PreparedResult {
        let request = Request::Prepare(Prepare { query: text.into(), keyspace: None });
        match self.ask(request.into()).await.response {
            Response::Prepared(prepared) => prepared,
            other => panic!("{text}: {other:?}"),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.stream.local_addr().unwrap().port()
    }

    pub(crate) async fn ask(&mut self, request: RequestEnvelope) -> Envelope {
        let mut out = BytesMut::new();
        self.encoder.encode(self.version, 1, &request, &mut out).unwrap();
        self.encoder.flush(&mut out);
        self.stream.write_all(&out).await.unwrap();
        self.next().await
    }

    /// The next frame that comes, which nobody may have asked for.
    pub(crate) async fn next(&mut self) -> Envelope {
        loop {
            if let Some(frame) = self.decoder.next_frame().unwrap() {
                return Envelope::decode_with(frame, self.extensions).unwrap();
            }
            let read = self.stream.read_buf(self.decoder.buffer_mut()).await.unwrap();
            assert_ne!(read, 0, "the connection was closed");
        }
    }

    pub(crate) async fn query(&mut self, text: &str, tracing: bool) -> Envelope {
        let params = QueryParams::new(Consistency::LocalQuorum);
        let request = Request::Query(Query { query: text.into(), params });
        self.ask(RequestEnvelope { request, tracing, payload: Vec::new() }).await
    }

    /// Where `now` is what the client says, in the version that has it.
    pub(crate) async fn query_at(&mut self, text: &str, now_seconds: u32) -> Response {
        let mut params = QueryParams::new(Consistency::LocalQuorum);
        params.now_in_seconds = Some(now_seconds.cast_signed());
        self.ask(Request::Query(Query { query: text.into(), params }).into()).await.response
    }

    /// A statement that is not refused.
    pub(crate) async fn run(&mut self, text: &str) -> Response {
        match self.query(text, false).await.response {
            Response::Error(error) => panic!("{text}: {error:?}"),
            response => response,
        }
    }

    pub(crate) async fn refusal(&mut self, text: &str) -> String {
        match self.query(text, false).await.response {
            Response::Error(error) => format!("{error:?}"),
            other => panic!("{text}: {other:?}"),
        }
    }

    /// Rows as CQL text, null for what is not there.
    pub(crate) async fn rows(&mut self, text: &str, types: &[CqlType]) -> Vec<Vec<String>> {
        let Response::Rows(result) = self.run(text).await else { panic!("{text}: no rows") };
        as_text(result, types)
    }

    /// As [`Client::rows`], read in pages, none of which is larger than it may be.
    pub(crate) async fn pages(
        &mut self,
        text: &str,
        types: &[CqlType],
        page_size: usize,
    ) -> Vec<Vec<String>> {
        let mut all = Vec::new();
        let mut params = QueryParams::new(Consistency::LocalQuorum);
        params.page_size = Some(i32::try_from(page_size).unwrap());
        loop {
            let request = Request::Query(Query { query: text.into(), params: params.clone() });
            let Response::Rows(result) = self.ask(request.into()).await.response else {
                panic!("{text}: no rows");
            };
            params.paging_state = result.metadata.paging_state.clone();
            let rows = as_text(result, types);
            assert!(rows.len() <= page_size, "{text}: {} rows in a page", rows.len());
            all.extend(rows);
            if params.paging_state.is_none() {
                return all;
            }
        }
    }
}

pub(crate) fn as_text(result: RowsResult, types: &[CqlType]) -> Vec<Vec<String>> {
    let cells: Vec<Vec<Option<Bytes>>> = match result.rows {
        RowsContent::Rows(rows) => rows,
        RowsContent::Encoded { count, columns, bytes } => cut(count, columns, &bytes),
    };
    let text = |(cell, cql_type): (Option<Bytes>, &CqlType)| {
        cell.map_or_else(|| "null".to_owned(), |bytes| value::to_text(cql_type, &bytes))
    };
    cells.into_iter().map(|row| row.into_iter().zip(types).map(text).collect()).collect()
}

/// Values as they are on the wire.
fn cut(rows: u32, columns: usize, bytes: &Bytes) -> Vec<Vec<Option<Bytes>>> {
    let mut at = 0;
    let mut cell = || {
        let length = i32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        at += 4;
        let length = usize::try_from(length).ok()?;
        at += length;
        Some(bytes.slice(at - length..at))
    };
    (0..rows).map(|_| (0..columns).map(|_| cell()).collect()).collect()
}
