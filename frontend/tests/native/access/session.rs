//! One connection, before and after it has logged in.

use bytes::{Bytes, BytesMut};
use cellar_wire::{
    AuthResponse, Batch, BatchKind, BatchQuery, BatchStatement, ClientDecoder, ClientEncoder,
    Consistency, Envelope, ErrorBody, Execute, FrameLimits, Prepare, Query, QueryParams, Request,
    Response, RowsContent, Startup, Version,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::service::Service;

pub(crate) struct Session {
    stream: TcpStream,
    decoder: ClientDecoder,
    encoder: ClientEncoder,
}

impl Session {
    /// A connection that has said STARTUP, and the answer.
    pub(crate) async fn open(service: &Service) -> (Self, Response) {
        let mut session = Self {
            stream: TcpStream::connect(service.cql).await.unwrap(),
            decoder: ClientDecoder::new(FrameLimits::default()),
            encoder: ClientEncoder::new(),
        };
        let options = vec![("CQL_VERSION".to_owned(), "3.4.7".to_owned())];
        let answer = session.ask(Request::Startup(Startup { options })).await;
        (session, answer)
    }

    /// A connection of a role.
    pub(crate) async fn of(service: &Service, name: &str, password: &str) -> Self {
        let (mut session, _) = Self::open(service).await;
        let answer = session.log_in(name, password).await;
        assert_eq!(answer, Response::AuthSuccess(None), "{name}");
        session
    }

    pub(crate) async fn log_in(&mut self, name: &str, password: &str) -> Response {
        let token = Some(Bytes::from(format!("\0{name}\0{password}")));
        self.ask(Request::AuthResponse(AuthResponse { token })).await
    }

    pub(crate) async fn ask(&mut self, request: Request) -> Response {
        self.envelope(request).await.response
    }

    async fn envelope(&mut self, request: Request) -> Envelope {
        let mut out = BytesMut::new();
        self.encoder.encode(Version::V4, 1, &request.into(), &mut out).unwrap();
        self.stream.write_all(&out).await.unwrap();
        loop {
            if let Some(frame) = self.decoder.next_frame().unwrap() {
                return Envelope::decode(frame).unwrap();
            }
            let read = self.stream.read_buf(self.decoder.buffer_mut()).await.unwrap();
            assert_ne!(read, 0, "the connection was closed");
        }
    }

    pub(crate) async fn query(&mut self, text: &str) -> Response {
        let params = QueryParams::new(Consistency::LocalQuorum);
        self.ask(Request::Query(Query { query: text.into(), params })).await
    }

    /// Runs statements that are not refused.
    pub(crate) async fn run(&mut self, texts: &[&str]) {
        for text in texts {
            let answer = self.query(text).await;
            assert!(!matches!(answer, Response::Error(_)), "{text}: {answer:?}");
        }
    }

    /// The message of a statement that the role may not run.
    pub(crate) async fn unauthorized(&mut self, text: &str) -> String {
        match self.query(text).await {
            Response::Error(ErrorBody::Unauthorized(message)) => message,
            other => panic!("{text}: {other:?}"),
        }
    }

    /// The message of a statement that makes no sense.
    pub(crate) async fn invalid(&mut self, text: &str) -> String {
        match self.query(text).await {
            Response::Error(ErrorBody::Invalid(message)) => message,
            other => panic!("{text}: {other:?}"),
        }
    }

    /// Rows with texts only, and the names of their columns.
    pub(crate) async fn texts(&mut self, text: &str) -> (Vec<String>, Vec<Vec<String>>) {
        let Response::Rows(result) = self.query(text).await else { panic!("{text}: no rows") };
        let names = result.metadata.columns.iter().map(|column| column.name.clone()).collect();
        let RowsContent::Encoded { count, columns, bytes } = result.rows else {
            panic!("rows that were not on the wire")
        };
        let mut at = 0;
        let mut cell = || {
            let length = i32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
            at += 4;
            let length = usize::try_from(length).unwrap_or(0);
            at += length;
            String::from_utf8_lossy(&bytes[at - length..at]).into_owned()
        };
        let rows = (0..count).map(|_| (0..columns).map(|_| cell()).collect()).collect();
        (names, rows)
    }

    pub(crate) async fn prepare(&mut self, text: &str) -> Bytes {
        let request = Prepare { query: text.into(), keyspace: None };
        match self.ask(Request::Prepare(request)).await {
            Response::Prepared(prepared) => prepared.id,
            other => panic!("{text}: {other:?}"),
        }
    }

    pub(crate) async fn execute(&mut self, id: &Bytes) -> Response {
        let params = QueryParams::new(Consistency::LocalQuorum);
        let (id, result_metadata_id) = (id.clone(), None);
        self.ask(Request::Execute(Execute { id, result_metadata_id, params })).await
    }

    /// A batch message of statements without values.
    pub(crate) async fn batch(&mut self, texts: &[&str]) -> Response {
        let statement = |text: &&str| BatchStatement {
            query: BatchQuery::Text((*text).into()),
            values: Vec::new(),
        };
        let request = Batch {
            kind: BatchKind::Unlogged,
            statements: texts.iter().map(statement).collect(),
            consistency: Consistency::LocalQuorum,
            serial_consistency: None,
            timestamp: None,
            keyspace: None,
            now_in_seconds: None,
        };
        self.ask(Request::Batch(request)).await
    }
}
