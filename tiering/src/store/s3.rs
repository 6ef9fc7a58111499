//! Objects in an S3-compatible service.
//!
//! Writes say `If-None-Match: *`, so a key is never written twice, and carry the put id and the
//! SHA-256 as metadata; the service checks the SHA-256 on arrival. The SDK sends again on its own,
//! so even a refusal may be the echo of a write that took place: [`super::put_settled`] asks.

use std::ops::Range;

use aws_config::BehaviorVersion;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Region;
use aws_sdk_s3::error::{DisplayErrorContext, SdkError};
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumAlgorithm;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use uuid::Uuid;

use super::{Checksum, ObjectInfo, ObjectStore, StoreError, check_key};
use crate::limits::{S3_CONNECT_TIMEOUT, S3_READ_TIMEOUT, S3_WRITE_TIMEOUT};

/// Metadata of an object: who wrote it. Sent as `x-amz-meta-…`.
const PUT_ID: &str = "cellar-put-id";

/// Metadata of an object: SHA-256 of its content.
const CHECKSUM: &str = "cellar-sha256";

/// Where neither the environment nor a profile names a region.
const DEFAULT_REGION: &str = "us-east-1";

/// A bucket, or the part of it below a prefix.
#[derive(Clone, Debug)]
pub struct S3Store {
    client: Client,
    bucket: String,
    /// Empty, or ends with a slash.
    prefix: String,
}

impl S3Store {
    /// Uses a bucket with the credentials and region of the environment. Nothing is sent yet. An
    /// `endpoint` other than AWS is addressed with the bucket in the path.
    pub async fn connect(bucket: &str, prefix: &str, endpoint: Option<String>) -> Self {
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        // A store that does not answer must not hold up readers for longer than they wait.
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(S3_CONNECT_TIMEOUT)
            .read_timeout(S3_READ_TIMEOUT)
            .build();
        let shared = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http)
            .timeout_config(timeouts)
            .load()
            .await;
        let region = shared.region().cloned();
        let region = region.unwrap_or_else(|| Region::from_static(DEFAULT_REGION));
        let mut config = aws_sdk_s3::config::Builder::from(&shared).region(region);
        if let Some(endpoint) = endpoint {
            config = config.endpoint_url(endpoint).force_path_style(true);
        }
        Self::new(Client::from_conf(config.build()), bucket, prefix)
    }

    /// Uses a bucket through a client that is set up already.
    #[must_use]
    pub fn new(client: Client, bucket: &str, prefix: &str) -> Self {
        let prefix = prefix.trim_matches('/');
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Self { client, bucket: bucket.to_owned(), prefix }
    }

    fn full(&self, key: &str) -> Result<String, StoreError> {
        check_key(key)?;
        Ok(format!("{}{key}", self.prefix))
    }

    async fn put(&self, key: &str, body: Bytes, put_id: Uuid) -> Result<(), StoreError> {
        let checksum = Checksum::of(&body).to_string();
        let request = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(self.full(key)?)
            .if_none_match("*")
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .content_type("application/vnd.apache.parquet")
            .metadata(PUT_ID, put_id.to_string())
            .metadata(CHECKSUM, checksum)
            .body(ByteStream::from(body));
        // The time until the answer is mostly that of the upload.
        let patient = TimeoutConfig::builder()
            .connect_timeout(S3_CONNECT_TIMEOUT)
            .read_timeout(S3_WRITE_TIMEOUT)
            .build();
        let patient = aws_sdk_s3::config::Builder::new().timeout_config(patient);
        request
            .customize()
            .config_override(patient)
            .send()
            .await
            .map(drop)
            .map_err(|error| failed(key, &error))
    }

    async fn read(&self, key: &str, range: Option<&Range<u64>>) -> Result<Bytes, StoreError> {
        let header = range.map(|r| format!("bytes={}-{}", r.start, r.end.saturating_sub(1)));
        let request =
            self.client.get_object().bucket(&self.bucket).key(self.full(key)?).set_range(header);
        let output = request.send().await.map_err(|error| failed(key, &error))?;
        let body = output.body.collect().await;
        let body = body.map_err(|error| StoreError::Unknown {
            key: key.to_owned(),
            reason: DisplayErrorContext(&error).to_string(),
        })?;
        let bytes = body.into_bytes();
        let wanted = range.map(|r| r.end.saturating_sub(r.start));
        let read = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        match wanted {
            Some(wanted) if wanted != read => Err(StoreError::Damaged {
                key: key.to_owned(),
                reason: format!("{read} bytes where {wanted} were asked for"),
            }),
            _ => Ok(bytes),
        }
    }

    async fn describe(&self, key: &str) -> Result<Option<ObjectInfo>, StoreError> {
        let request = self.client.head_object().bucket(&self.bucket).key(self.full(key)?);
        match request.send().await {
            Ok(output) => info(key, &output).map(Some),
            Err(error) => match failed(key, &error) {
                StoreError::NotThere { .. } => Ok(None),
                error => Err(error),
            },
        }
    }

    async fn remove(&self, key: &str) -> Result<(), StoreError> {
        let request = self.client.delete_object().bucket(&self.bucket).key(self.full(key)?);
        match request.send().await.map_err(|error| failed(key, &error)) {
            Err(StoreError::NotThere { .. }) => Ok(()),
            other => other.map(drop),
        }
    }

    async fn keys(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let request = self.client.list_objects_v2().bucket(&self.bucket);
        let mut pages = request.prefix(format!("{}{prefix}", self.prefix)).into_paginator().send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failed(prefix, &error))?;
            let full = page.contents().iter().filter_map(|object| object.key());
            keys.extend(full.filter_map(|key| key.strip_prefix(&self.prefix)).map(str::to_owned));
        }
        keys.sort_unstable();
        Ok(keys)
    }
}

impl ObjectStore for S3Store {
    fn put_if_absent<'a>(
        &'a self,
        key: &'a str,
        body: Bytes,
        put_id: Uuid,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.put(key, body, put_id).boxed()
    }

    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Bytes, StoreError>> {
        self.read(key, None).boxed()
    }

    fn get_range<'a>(
        &'a self,
        key: &'a str,
        range: Range<u64>,
    ) -> BoxFuture<'a, Result<Bytes, StoreError>> {
        async move {
            if range.is_empty() {
                return Ok(Bytes::new());
            }
            self.read(key, Some(&range)).await
        }
        .boxed()
    }

    fn head<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<ObjectInfo>, StoreError>> {
        self.describe(key).boxed()
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        self.remove(key).boxed()
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        self.keys(prefix).boxed()
    }
}

fn info(key: &str, output: &HeadObjectOutput) -> Result<ObjectInfo, StoreError> {
    let bytes = output.content_length().and_then(|length| u64::try_from(length).ok());
    let metadata = |name: &str| output.metadata().and_then(|all| all.get(name));
    Ok(ObjectInfo {
        bytes: bytes.ok_or_else(|| StoreError::Failed {
            key: key.to_owned(),
            reason: "the answer to HEAD has no length".to_owned(),
        })?,
        checksum: metadata(CHECKSUM).and_then(|text| text.parse().ok()),
        put_id: metadata(PUT_ID).and_then(|text| text.parse().ok()),
    })
}

fn failed<E>(key: &str, error: &SdkError<E, aws_sdk_s3::config::http::HttpResponse>) -> StoreError
where
    E: std::error::Error + 'static,
{
    let key = key.to_owned();
    let reason = DisplayErrorContext(error).to_string();
    match error.raw_response().map(|response| response.status().as_u16()) {
        Some(404) => StoreError::NotThere { key },
        Some(412) => StoreError::AlreadyThere { key },
        // A conflict with another conditional write, a fault of the service, or an answer that
        // could not be read: the write may still have taken place.
        Some(409 | 500..) | None => StoreError::Unknown { key, reason },
        Some(_) => match error {
            SdkError::ServiceError(_) => StoreError::Failed { key, reason },
            _ => StoreError::Unknown { key, reason },
        },
    }
}
