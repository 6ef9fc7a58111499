//! As much of S3 as the store needs, in memory.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;

/// Objects by path: content and metadata headers.
#[derive(Default)]
struct State {
    objects: BTreeMap<String, (Bytes, HeaderMap)>,
    /// So many puts take place and are answered with an error.
    lost: usize,
    /// So many requests fail.
    failing: usize,
}

pub(crate) struct Server {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::<Mutex<State>>::default();
        let serving = Arc::clone(&state);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let state = Arc::clone(&serving);
                let service = service_fn(move |request| answer(Arc::clone(&state), request));
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                tokio::spawn(async move { drop(connection.await) });
            }
        });
        Self { address, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.state.lock().objects.keys().cloned().collect()
    }

    pub(crate) fn lose_answers(&self, count: usize) {
        self.state.lock().lost = count;
    }

    pub(crate) fn fail(&self, count: usize) {
        self.state.lock().failing = count;
    }
}

async fn answer(
    state: Arc<Mutex<State>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let mut state = state.lock();
    if state.failing > 0 {
        state.failing -= 1;
        return Ok(status(StatusCode::SERVICE_UNAVAILABLE));
    }
    let path = head.uri.path().to_owned();
    Ok(match head.method {
        Method::PUT => put(&mut state, path, &head.headers, body),
        Method::DELETE => {
            state.objects.remove(&path);
            status(StatusCode::NO_CONTENT)
        }
        Method::GET if head.uri.query().is_some_and(|query| query.contains("list-type=2")) => {
            list(&state, &path)
        }
        Method::GET | Method::HEAD => match state.objects.get(&path) {
            Some(object) => get(object, head.headers.get("range"), head.method == Method::HEAD),
            None => status(StatusCode::NOT_FOUND),
        },
        _ => status(StatusCode::METHOD_NOT_ALLOWED),
    })
}

fn put(state: &mut State, path: String, headers: &HeaderMap, body: Bytes) -> Response<Full<Bytes>> {
    assert_eq!(headers.get("if-none-match").map(HeaderValue::as_bytes), Some(&b"*"[..]));
    assert!(headers.contains_key("x-amz-checksum-sha256"), "{headers:?}");
    let taken = state.objects.contains_key(&path);
    if !taken {
        let about = headers.iter().filter(|(name, _)| name.as_str().starts_with("x-amz-meta-"));
        let about = about.map(|(name, value)| (name.clone(), value.clone())).collect();
        state.objects.insert(path, (body, about));
    }
    if state.lost > 0 {
        state.lost -= 1;
        return status(StatusCode::INTERNAL_SERVER_ERROR);
    }
    status(if taken { StatusCode::PRECONDITION_FAILED } else { StatusCode::OK })
}

fn get(
    (body, about): &(Bytes, HeaderMap),
    range: Option<&HeaderValue>,
    head: bool,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.headers_mut() = about.clone();
    if head {
        response.headers_mut().insert("content-length", HeaderValue::from(body.len()));
        return response;
    }
    let mut sent = body.clone();
    if let Some(range) = range {
        let range = range.to_str().unwrap().strip_prefix("bytes=").unwrap();
        let (first, last) = range.split_once('-').unwrap();
        let end = (last.parse::<usize>().unwrap() + 1).min(body.len());
        sent = body.slice(first.parse::<usize>().unwrap()..end);
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    *response.body_mut() = Full::new(sent);
    response
}

fn list(state: &State, bucket: &str) -> Response<Full<Bytes>> {
    let root = format!("{}/", bucket.trim_end_matches('/'));
    let keys = state.objects.keys().filter_map(|path| path.strip_prefix(&root));
    let contents: String =
        keys.map(|key| format!("<Contents><Key>{key}</Key></Contents>")).collect();
    let xml = format!("<ListBucketResult>{contents}</ListBucketResult>");
    Response::new(Full::new(Bytes::from(xml)))
}

fn status(code: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = code;
    response
}
