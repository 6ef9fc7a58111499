//! Sockets: the only file that knows that bytes travel over plain TCP. TLS will wrap the streams
//! returned here; the files above take any reader and writer.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
};

use futures::{FutureExt, future::BoxFuture};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpSocket, TcpStream, lookup_host},
};

/// A connection's bytes, both ways.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for S {}

/// What connections are made over: TCP, or a network that is simulated.
pub trait Network: fmt::Debug + Send + Sync + 'static {
    /// Connects to `peer` ("host:port"), from `source` if given.
    fn connect(
        &self,
        peer: &str,
        source: Option<IpAddr>,
    ) -> BoxFuture<'static, io::Result<Box<dyn Stream>>>;
}

/// The real network.
#[derive(Debug)]
pub(crate) struct Tcp;

impl Network for Tcp {
    fn connect(
        &self,
        peer: &str,
        source: Option<IpAddr>,
    ) -> BoxFuture<'static, io::Result<Box<dyn Stream>>> {
        let peer = peer.to_owned();
        async move { Ok(Box::new(connect(&peer, source).await?) as Box<dyn Stream>) }.boxed()
    }
}

/// Accepts the next connection.
pub(crate) async fn accept(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    let (stream, peer) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, peer))
}

/// Connects to `peer` ("host:port"), from `source` if given, trying every address it has.
async fn connect(peer: &str, source: Option<IpAddr>) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no usable address");
    for addr in lookup_host(peer).await? {
        if source.is_some_and(|source| source.is_ipv4() != addr.is_ipv4()) {
            continue;
        }
        match connect_to(addr, source).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn connect_to(addr: SocketAddr, source: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(source) = source {
        socket.bind(SocketAddr::new(source, 0))?;
    }
    let stream = socket.connect(addr).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
