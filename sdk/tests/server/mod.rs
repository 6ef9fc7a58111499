//! A server of canned answers: each request takes the next one and is kept for the test to see.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use cbor4ii::core::{Value, enc::Encode, utils::BufWriter};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{HeaderMap, Request, Response, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// One answer.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// Status, further headers, CBOR body.
    Reply(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// The connection is cut before anything is answered.
    Cut,
    /// No answer, ever.
    Silence,
}

/// What a request said.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Value>,
}

/// The server; it ends with the test.
pub(crate) struct Server {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    _tasks: JoinSet<()>,
}

type Script = Arc<Mutex<VecDeque<Answer>>>;

impl Server {
    /// A server with these answers; after the last one it answers 501.
    pub(crate) async fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let script: Script = Arc::new(Mutex::new(answers.into()));
        let mut tasks = JoinSet::new();
        let record = seen.clone();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let (script, seen) = (script.clone(), record.clone());
                let service =
                    service_fn(move |request| answer(request, script.clone(), seen.clone()));
                let http = hyper::server::conn::http1::Builder::new();
                let connection = http.serve_connection(TokioIo::new(socket), service);
                connections.spawn(async move {
                    let _ = connection.await;
                });
            }
        });
        Self { url, seen, _tasks: tasks }
    }

    /// The requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn client(&self) -> cellar_sdk::Client {
        cellar_sdk::Client::builder(&self.url).build().unwrap()
    }
}

async fn answer(
    request: Request<Incoming>,
    script: Script,
    seen: Arc<Mutex<Vec<Seen>>>,
) -> Result<Response<Full<Bytes>>, &'static str> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| "body")?.to_bytes();
    seen.lock().unwrap().push(Seen {
        method: head.method.to_string(),
        path: head.uri.path_and_query().unwrap().to_string(),
        headers: head.headers,
        body: (!body.is_empty()).then(|| decode(&body)),
    });
    let next = script.lock().unwrap().pop_front();
    match next.unwrap_or(Answer::Reply(501, vec![], vec![])) {
        Answer::Cut => Err("cut on purpose"),
        Answer::Silence => Ok(std::future::pending::<Result<_, Infallible>>().await.unwrap()),
        Answer::Reply(status, headers, body) => {
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            Ok(response.body(Full::new(Bytes::from(body))).unwrap())
        }
    }
}

fn decode(bytes: &[u8]) -> Value {
    use cbor4ii::core::{dec::Decode, utils::SliceReader};
    Value::decode(&mut SliceReader::new(bytes)).unwrap()
}

pub(crate) fn encode(value: &Value) -> Vec<u8> {
    let mut out = BufWriter::new(Vec::new());
    value.encode(&mut out).unwrap();
    out.into_inner()
}

pub(crate) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

pub(crate) fn map(members: &[(&str, Value)]) -> Value {
    Value::Map(members.iter().map(|(name, value)| (text(name), value.clone())).collect())
}

/// A page with the columns `sensor` and `temp`.
pub(crate) fn page(rows: &[(&str, f64)], next: Option<&str>) -> Answer {
    let column = |name, cql_type| map(&[("name", text(name)), ("type", text(cql_type))]);
    let row = |(sensor, temp): &(&str, f64)| Value::Array(vec![text(sensor), Value::Float(*temp)]);
    let body = map(&[
        ("columns", Value::Array(vec![column("sensor", "text"), column("temp", "double")])),
        ("rows", Value::Array(rows.iter().map(row).collect())),
        ("next", next.map_or(Value::Null, text)),
        ("warnings", Value::Array(vec![text("careful")])),
        ("consumed", map(&[("ru", Value::Float(1.5)), ("wu", Value::Integer(0))])),
    ]);
    reply(200, &body)
}

/// An answer with the headers that every answer has.
pub(crate) fn reply(status: u16, body: &Value) -> Answer {
    let headers = vec![
        ("content-type", "application/cbor".to_owned()),
        ("cellar-consumed", "ru=1.5, wu=0".to_owned()),
        ("cellar-request-id", "request-1".to_owned()),
    ];
    Answer::Reply(status, headers, encode(body))
}

/// A problem as the server writes it in CBOR.
pub(crate) fn problem(status: u16, code: &str, retryable: bool, outcome: &str) -> Answer {
    problem_with(status, code, retryable, outcome, &[])
}

pub(crate) fn problem_with(
    status: u16,
    code: &str,
    retryable: bool,
    outcome: &str,
    more: &[(&str, Value)],
) -> Answer {
    let members = [
        &[
            ("title", text("a title")),
            ("detail", text("a detail")),
            ("status", Value::Integer(status.into())),
            ("code", text(code)),
            ("retryable", Value::Bool(retryable)),
            ("outcome", text(outcome)),
            ("request_id", text("request-2")),
        ],
        more,
    ]
    .concat();
    let body = Value::Map(vec![
        (Value::Integer(-1), text("a title")),
        (Value::Integer(-2), text("a detail")),
        (text("urn:cellar:problem"), map(&members)),
    ]);
    let headers = vec![
        ("content-type", "application/concise-problem-details+cbor".to_owned()),
        ("cellar-consumed", "ru=0.5, wu=0".to_owned()),
    ];
    Answer::Reply(status, headers, encode(&body))
}
