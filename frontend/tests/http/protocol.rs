//! What HTTP asks of a server, whatever it serves.

use std::time::Duration;

use hyper::Method;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::service::Service;

const LOCAL: &str = r#"{"statement":"SELECT key FROM system.local"}"#;

#[tokio::test]
async fn wrong_paths_methods_and_types_have_their_statuses() {
    let service = Service::empty().await;
    let ask = |method: Method, path: &str| service.ask(method, path);
    let unknown = service.get("/v1/nothing").await;
    assert_eq!(unknown.expect(404)["code"], "CEL-4044");
    let method = ask(Method::DELETE, "/v1/query").send().await;
    assert_eq!(method.expect(405)["allowed"], json!(["GET", "HEAD", "POST"]));
    assert_eq!(method.header("allow"), Some("GET, HEAD, POST"));
    let accept = ask(Method::GET, "/v1/keyspaces").header("accept", "text/html").send().await;
    assert_eq!(accept.expect(406)["code"], "CEL-4060");
    let media_type = ask(Method::POST, "/v1/query").header("content-type", "text/csv");
    assert_eq!(media_type.body("a,b").send().await.expect(415)["code"], "CEL-4150");
    let broken = ask(Method::POST, "/v1/query").header("content-type", "application/json");
    assert_eq!(broken.body("{").send().await.expect(400)["code"], "CEL-4001");
    service.get("/v1/keyspaces/%zz").await.expect(400);
}

#[tokio::test]
async fn bodies_beyond_the_limit_are_refused_by_length_and_by_content() {
    let service = Service::empty().await;
    let large = vec![b' '; (16 << 20) + 1];
    let ask = service.ask(Method::POST, "/v1/query").header("content-type", "application/json");
    let problem = ask.body(large).send().await.expect(413);
    assert_eq!(problem["limit"], json!(16 << 20));
    assert_eq!(problem["observed"], json!((16 << 20) + 1));
    // The same without saying so beforehand.
    let mut stream = TcpStream::connect(service.address).await.unwrap();
    let head = "POST /v1/query HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                transfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = [&b"100000\r\n"[..], &vec![b' '; 1 << 20], b"\r\n"].concat();
    for _ in 0..17 {
        // The server may have answered and closed already.
        if stream.write_all(&chunk).await.is_err() {
            break;
        }
    }
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
}

/// A request with a body of so many bytes, of which the server gets the head.
async fn announce(service: &Service, bytes: usize) -> TcpStream {
    let mut stream = TcpStream::connect(service.address).await.unwrap();
    let head = format!(
        "POST /v1/query HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: {bytes}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn too_much_at_once_is_refused_before_it_is_sent_and_other_keyspaces_are_served() {
    let service = Service::start().await;
    // Together they are more than the frontend holds; at least one is told so at once.
    let announced = futures::future::join_all((0..17).map(|_| announce(&service, 16 << 20)));
    let mut announced = announced.await;
    let answers = announced.iter_mut().map(|stream| {
        Box::pin(async move {
            let mut answer = Vec::new();
            while !answer.ends_with(b"}") {
                assert!(stream.read_buf(&mut answer).await.unwrap() > 0);
            }
            String::from_utf8(answer).unwrap()
        })
    });
    let (answer, _, _) = futures::future::select_all(answers).await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("\r\nretry-after: 1\r\n"), "{answer}");
    assert!(answer.contains("CEL-5031") && answer.contains("268435456 bytes"), "{answer}");
    let large = json!({ "statement": "SELECT page FROM demo.hits", "keyspace": null });
    let large = format!("{large}{}", " ".repeat((15 << 20) + (1 << 19)));
    let query = || {
        let ask = service.ask(Method::POST, "/v1/query");
        ask.header("content-type", "application/json").body(large.clone())
    };
    assert_eq!(query().send().await.expect(503)["code"], "CEL-5031");
    query().header("cellar-keyspace", "demo").send().await.expect(200);
    // What was announced and given up is free again.
    drop(announced);
    let began = std::time::Instant::now();
    while query().send().await.status != 200 {
        assert!(began.elapsed() < Duration::from_secs(60), "the places are not given back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn request_ids_are_kept_if_they_are_fit_and_made_if_not() {
    let service = Service::empty().await;
    let ask =
        |id: &'static str| service.ask(Method::GET, "/version").header("cellar-request-id", id);
    let kept = ask("trace-7").send().await;
    assert_eq!(kept.header("cellar-request-id"), Some("trace-7"));
    for unfit in
        ["two words", "0123456789012345678901234567890123456789012345678901234567890123456789"]
    {
        let made = ask(unfit).send().await;
        let id: uuid::Uuid = made.header("cellar-request-id").unwrap().parse().unwrap();
        assert_eq!(id.get_version_num(), 7);
    }
}

#[tokio::test]
async fn http2_is_served_on_the_same_port() {
    let service = Service::empty().await;
    let ask = service.ask(Method::POST, "/v1/query").http2();
    let got = ask.header("content-type", "application/json").body(LOCAL).send().await;
    assert_eq!(got.expect(200)["rows"], json!([{"key": "local"}]));
}

#[tokio::test]
async fn connections_are_kept_open() {
    let service = Service::empty().await;
    let mut stream = TcpStream::connect(service.address).await.unwrap();
    for _ in 0..3 {
        stream.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"alive\n") {
            assert!(stream.read_buf(&mut answer).await.unwrap() > 0, "{answer:?}");
        }
    }
}

#[tokio::test]
async fn stopping_answers_what_runs_and_closes_what_idles() {
    let service = Service::empty().await;
    let mut idle = TcpStream::connect(service.address).await.unwrap();
    idle.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = vec![0; 12];
    idle.read_exact(&mut answer).await.unwrap();
    // A request of which the body is still to come.
    let mut running = TcpStream::connect(service.address).await.unwrap();
    let length = LOCAL.len();
    let head = format!(
        "POST /v1/query HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    );
    running.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let tasks = service.tasks.clone();
    let stopping = async { tasks.shutdown(Duration::from_secs(5)).await };
    let finishing = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        running.write_all(LOCAL.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        running.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    };
    let (stopped, answer) = tokio::join!(stopping, finishing);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    stopped.unwrap();
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).await.unwrap();
    assert!(TcpStream::connect(service.address).await.is_err());
}

#[tokio::test]
async fn browsers_of_other_sites_cannot_send_statements() {
    let service = Service::empty().await;
    for media_type in [None, Some("application/x-www-form-urlencoded"), Some("text/plain")] {
        let mut ask = service.ask(Method::POST, "/v1/query");
        ask = ask.header("origin", "https://elsewhere.example");
        if let Some(media_type) = media_type {
            ask = ask.header("content-type", media_type);
        }
        ask.body(LOCAL).send().await.expect(415);
    }
}
