//! A small HTTP client: one request, its answer whole.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Method, Request};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

/// An answer.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A CBOR document that has no tags.
    pub(crate) fn cbor(&self) -> Value {
        cbor4ii::serde::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The document, if the status is this.
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        if self.body.is_empty() { Value::Null } else { self.json() }
    }
}

/// A request under construction.
pub(crate) struct Ask {
    client: Client<HttpConnector, Full<Bytes>>,
    request: hyper::http::request::Builder,
    body: Bytes,
}

impl Ask {
    pub(crate) fn new(server: SocketAddr, method: Method, path: &str) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let request = Request::builder().method(method).uri(format!("http://{server}{path}"));
        Self { client, request, body: Bytes::new() }
    }

    pub(crate) fn http2(mut self) -> Self {
        self.client = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
        self.request = self.request.version(hyper::Version::HTTP_2);
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) async fn send(self) -> Got {
        let request = self.request.body(Full::new(self.body)).unwrap();
        let response = self.client.request(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Got { status: head.status.as_u16(), headers: head.headers, body }
    }
}
