//! A TCP relay that flips bytes or stops relaying.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

/// What the relay swallows or changes.
#[derive(Clone, Default)]
pub(crate) struct Mischief {
    /// Changes this text on the way to the server.
    pub(crate) request: Option<&'static str>,
    /// Changes this text on the way back.
    pub(crate) answer: Option<&'static str>,
    /// While true, bytes are read and thrown away in both directions.
    pub(crate) black_hole: Arc<AtomicBool>,
}

/// Relays to `server`; gives the address to dial.
pub(crate) async fn relay(server: SocketAddr, mischief: Mischief) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    cellar_rpc::tasks::Tasks::new().spawn("relay", async move {
        let group = cellar_rpc::tasks::Tasks::new();
        while let Ok((client, _)) = listener.accept().await {
            let Ok(server) = TcpStream::connect(server).await else { continue };
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            let hole = &mischief.black_hole;
            group.spawn("up", copy(from_client, to_server, mischief.request, Arc::clone(hole)));
            group.spawn("down", copy(from_server, to_client, mischief.answer, Arc::clone(hole)));
        }
    });
    addr
}

async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    change: Option<&'static str>,
    black_hole: Arc<AtomicBool>,
) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let bytes = &mut buffer[..count];
        if let Some(text) = change {
            let at = bytes.windows(text.len()).position(|window| window == text.as_bytes());
            if let Some(at) = at {
                bytes[at] ^= 0x20;
            }
        }
        if !black_hole.load(Ordering::Relaxed) && to.write_all(bytes).await.is_err() {
            break;
        }
    }
}
