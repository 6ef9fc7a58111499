//! The S3 store against a small S3 of the test's own, which loses answers on demand.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests fail loudly"
)]

mod server;

use bytes::Bytes;
use cellar_tiering::store::{Checksum, ObjectStore, S3Store, StoreError, put_settled};
use server::Server;
use uuid::Uuid;

fn store(server: &Server) -> S3Store {
    use aws_sdk_s3::config::{BehaviorVersion, Builder, Credentials, Region};
    let config = Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
        .region(Region::from_static("us-east-1"))
        .endpoint_url(server.url())
        .force_path_style(true)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    S3Store::new(aws_sdk_s3::Client::from_conf(config), "bucket", "/some/prefix/")
}

#[tokio::test]
async fn an_object_is_written_once_and_read_in_parts() {
    let server = Server::start().await;
    let store = store(&server);
    let (body, put_id) = (Bytes::from_static(b"0123456789"), Uuid::from_u128(1));
    let checksum = put_settled(&store, "a/b", body.clone(), put_id).await.unwrap();
    assert_eq!(server.keys(), ["/bucket/some/prefix/a/b"]);
    let info = store.head("a/b").await.unwrap().unwrap();
    assert_eq!((info.bytes, info.checksum, info.put_id), (10, Some(checksum), Some(put_id)));
    assert_eq!(checksum, Checksum::of(&body));
    assert_eq!(store.get("a/b").await.unwrap(), body);
    assert_eq!(store.get_range("a/b", 2..5).await.unwrap(), "234");
    assert_eq!(store.get_range("a/b", 3..3).await.unwrap(), "");
    let short = store.get_range("a/b", 8..12).await;
    assert!(matches!(short, Err(StoreError::Damaged { .. })), "{short:?}");
    assert_eq!(store.list("a").await.unwrap(), ["a/b"]);
    let other = put_settled(&store, "a/b", body.clone(), Uuid::from_u128(2)).await;
    assert!(matches!(other, Err(StoreError::AlreadyThere { .. })), "{other:?}");
    // The same write again, as after a crash.
    put_settled(&store, "a/b", body, put_id).await.unwrap();
    store.delete("a/b").await.unwrap();
    store.delete("a/b").await.unwrap();
    assert_eq!(store.head("a/b").await.unwrap(), None);
    assert!(matches!(store.get("a/b").await, Err(StoreError::NotThere { .. })));
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_found_by_asking() {
    let server = Server::start().await;
    let store = store(&server);
    for (at, lost) in [1, 2, 4].into_iter().enumerate() {
        let key = format!("object-{at}");
        server.lose_answers(lost);
        let body = Bytes::from(key.clone().into_bytes());
        put_settled(&store, &key, body.clone(), Uuid::new_v4()).await.unwrap();
        assert_eq!(store.get(&key).await.unwrap(), body, "{lost} lost");
    }
}

#[tokio::test]
async fn a_service_that_fails_is_an_error_and_nothing_is_written() {
    let server = Server::start().await;
    let store = store(&server);
    server.fail(usize::MAX);
    let put = store.put_if_absent("x", Bytes::from_static(b"x"), Uuid::new_v4()).await;
    assert!(put.is_err_and(|error| error.is_transient()));
    assert!(store.get("x").await.is_err_and(|error| error.is_transient()));
    server.fail(0);
    assert_eq!(store.head("x").await.unwrap(), None);
}
