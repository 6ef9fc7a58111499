//! Clients that send half of what they owe are cut, and do not hold a place for long.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod harness;

use std::time::{Duration, Instant};

use cellar_rpc::ServerLimits;
use harness::{LONG, client, router, serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// An empty SETTINGS frame.
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
const HEADERS: u8 = 1;
const END_HEADERS: u8 = 4;

fn limits() -> ServerLimits {
    ServerLimits {
        header_ms_max: 200,
        body_ms_max: 200,
        ping_interval_ms: 100,
        ping_ms_max: 100,
        ..ServerLimits::default()
    }
}

/// A HEADERS frame of `POST http /echo`.
fn headers(stream: u8, flags: u8) -> Vec<u8> {
    let block = b"\x83\x86\x04\x05/echo";
    let length = u8::try_from(block.len()).unwrap();
    let mut frame = vec![0, 0, length, HEADERS, flags, 0, 0, 0, stream];
    frame.extend_from_slice(block);
    frame
}

/// Sends `begin`, then a byte of `drip` at a time; how long the server stood it.
async fn stood(begin: &[u8], drip: &[u8], limits: ServerLimits) -> Duration {
    let server = serve(router(), limits).await;
    let stream = TcpStream::connect(server.addr).await.unwrap();
    let (mut from, mut to) = stream.into_split();
    let begun = Instant::now();
    to.write_all(begin).await.unwrap();
    let drip = async {
        for byte in drip {
            sleep(Duration::from_millis(40)).await;
            if to.write_all(&[*byte]).await.is_err() {
                break;
            }
        }
        std::future::pending::<()>().await;
    };
    let mut sink = Vec::new();
    tokio::select! {
        () = drip => {}
        read = timeout(LONG, from.read_to_end(&mut sink)) => drop(read.expect("never cut")),
    }
    begun.elapsed()
}

#[tokio::test]
async fn a_client_that_says_nothing_is_cut() {
    assert!(stood(b"", b"", limits()).await < Duration::from_secs(2));
}

#[tokio::test]
async fn a_client_that_drips_its_first_header_is_cut() {
    let begin = [PREFACE, SETTINGS].concat();
    let drip = headers(1, END_HEADERS).repeat(20);
    let pings = ServerLimits { ping_interval_ms: 60_000, ..limits() };
    // The whole header would take 720 ms.
    let stood = stood(&begin, &drip, pings).await;
    assert!((200..600).contains(&stood.as_millis()), "{stood:?}");
}

#[tokio::test]
async fn a_client_that_drips_a_later_header_is_cut_by_the_ping() {
    let mut begin = [PREFACE, SETTINGS].concat();
    begin.extend(headers(1, END_HEADERS));
    let drip = headers(3, 0).repeat(20);
    let stood = stood(&begin, &drip, limits()).await;
    assert!((100..600).contains(&stood.as_millis()), "{stood:?}");
}

#[tokio::test]
async fn a_body_that_does_not_end_is_answered_without_it() {
    let server = serve(router(), ServerLimits { ping_interval_ms: 60_000, ..limits() }).await;
    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    let begin = [PREFACE, SETTINGS, &headers(1, END_HEADERS)].concat();
    stream.write_all(&begin).await.unwrap();
    let answered = timeout(Duration::from_secs(2), async {
        loop {
            let mut header = [0; 9];
            stream.read_exact(&mut header).await.unwrap();
            let length = usize::from(header[1]) << 8 | usize::from(header[2]);
            let mut payload = vec![0; length];
            stream.read_exact(&mut payload).await.unwrap();
            if header[3] == HEADERS {
                break;
            }
        }
    });
    answered.await.expect("the server waited for the body");
}

#[tokio::test]
async fn a_connection_over_the_limit_is_closed_and_the_place_returns() {
    let server = serve(router(), ServerLimits { connections_max: 1, ..limits() }).await;
    let mut first = TcpStream::connect(server.addr).await.unwrap();
    let mut second = TcpStream::connect(server.addr).await.unwrap();
    let begun = Instant::now();
    assert_eq!(second.read(&mut [0; 64]).await.unwrap(), 0);
    assert!(begun.elapsed() < Duration::from_millis(150));
    let mut sink = Vec::new();
    let _ = timeout(LONG, first.read_to_end(&mut sink)).await.unwrap();
    let answer: String = client(server.addr).call("/echo", "in", LONG).await.unwrap();
    assert_eq!(answer, "in");
}
