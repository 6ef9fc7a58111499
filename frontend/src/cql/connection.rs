//! One client's connection: bytes in, requests side by side, bytes out. Everything that one read
//! brought is begun before anything waits, and all answers that are ready leave in one write.

use std::{
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::BytesMut;
use cellar_wire::{
    Envelope, ErrorBody, Frame, FrameLimits, Opcode, Response, ServerDecoder, ServerEncoder,
    Version,
};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_util::sync::CancellationToken;

use super::{Shared, handshake::Step, session::Session};
use crate::{
    admission::{Door, Permit, RETRY_AFTER_MS},
    error::RequestError,
};

/// Bytes read at once, at least.
const READ_BYTES: usize = 64 << 10;
/// Answers wait for the socket from this size on.
const WRITE_BYTES: usize = 256 << 10;
/// Requests of one connection that run at once; more wait in the socket.
const IN_FLIGHT_MAX: usize = 4096;

/// An answer and where it belongs.
pub(super) struct Answered {
    pub(super) version: Version,
    pub(super) stream: i16,
    pub(super) envelope: Envelope,
}

/// A request that is open.
struct Running {
    request: BoxFuture<'static, Answered>,
    /// Held until it is answered; none for what is always let in.
    _permit: Option<Permit>,
}

impl Future for Running {
    type Output = Answered;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answered> {
        self.request.as_mut().poll(context)
    }
}

struct Connection {
    socket: TcpStream,
    door: Door,
    session: Session,
    decoder: ServerDecoder,
    encoder: ServerEncoder,
    running: FuturesUnordered<Running>,
    out: BytesMut,
    /// Nothing more is read; what runs is finished and answered.
    closing: bool,
}

/// What happened.
enum Happened {
    Read(usize),
    Finished(Answered),
    Pushed(Envelope),
    Failed(std::io::Error),
    Stop,
}

/// Serves one connection to its end.
pub(super) async fn serve(
    socket: TcpStream,
    peer: SocketAddr,
    shared: Shared,
    token: CancellationToken,
) {
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%peer, %error, "cannot switch off delayed sending");
    }
    let limits = FrameLimits { max_frame_bytes: shared.frame_bytes_max, ..FrameLimits::default() };
    let decoder = ServerDecoder::new(limits);
    let door = Door::new(&shared.executor.admission, "");
    let mut session = Session::new(shared);
    session.peer = Some(peer.ip());
    let _present = session.shared.executor.clients.enter(peer, session.agreed.clone());
    let mut connection = Connection {
        socket,
        door,
        session,
        decoder,
        encoder: ServerEncoder::new(),
        running: FuturesUnordered::new(),
        out: BytesMut::new(),
        closing: false,
    };
    if let Err(error) = connection.run(&token).await {
        tracing::debug!(%peer, %error, "CQL connection ended");
    }
}

impl Connection {
    async fn run(&mut self, token: &CancellationToken) -> std::io::Result<()> {
        loop {
            if self.closing && self.running.is_empty() {
                self.flush().await?;
                return self.socket.shutdown().await;
            }
            match self.wait(token).await {
                Happened::Read(0) => return Ok(()),
                Happened::Read(_) => self.begin(),
                Happened::Finished(answered) => self.answer(&answered),
                Happened::Pushed(event) => {
                    let version = self.session.version();
                    let stream = cellar_wire::EVENT_STREAM;
                    self.answer(&Answered { version, stream, envelope: event });
                }
                Happened::Failed(error) => return Err(error),
                Happened::Stop => self.closing = true,
            }
            // Whatever else is ready leaves with it.
            while let Some(Some(answered)) = self.running.next().now_or_never() {
                self.answer(&answered);
                if self.out.len() >= WRITE_BYTES {
                    self.flush().await?;
                }
            }
            self.flush().await?;
        }
    }

    async fn wait(&mut self, token: &CancellationToken) -> Happened {
        let room = self.running.len() < IN_FLIGHT_MAX && !self.closing;
        let busy = !self.running.is_empty();
        let input = self.decoder.buffer_mut();
        input.reserve(READ_BYTES);
        tokio::select! {
            Some(answered) = self.running.next(), if busy => Happened::Finished(answered),
            read = self.socket.read_buf(input), if room => match read {
                Ok(bytes) => Happened::Read(bytes),
                Err(error) => Happened::Failed(error),
            },
            event = self.session.next_event() => Happened::Pushed(event),
            () = token.cancelled(), if !self.closing => Happened::Stop,
        }
    }

    /// Begins every request that has arrived whole.
    fn begin(&mut self) {
        while !self.closing {
            match self.decoder.next_frame() {
                Ok(Some(frame)) => self.request(frame),
                Ok(None) => return,
                Err(error) => {
                    let (version, stream) = (error.reply_version(), error.stream().unwrap_or(0));
                    let envelope = super::answer::frame_error(&error);
                    self.answer(&Answered { version, stream, envelope });
                    self.closing = error.is_fatal();
                }
            }
        }
    }

    fn request(&mut self, frame: Frame) {
        if let Some(table) = self.session.agreed.turned_to() {
            let catalog = self.session.shared.executor.catalog();
            let table = catalog.table_by_id(table);
            self.door.lead_to(table.map_or("", |table| &table.keyspace));
        }
        let permit = match frame.header.opcode {
            Opcode::Query | Opcode::Prepare | Opcode::Execute | Opcode::Batch => {
                match self.door.enter(frame.body.len()) {
                    Ok(permit) => Some(permit),
                    Err(reason) => return self.refuse(&frame, reason),
                }
            }
            _ => None,
        };
        match self.session.step(frame) {
            Step::Answer(answered) => self.answer(&answered),
            Step::Started(answered, compression) => {
                // The answer itself still goes out in the old form.
                self.answer(&answered);
                self.encoder.set_extensions(self.session.agreed.agreement().messages);
                if answered.version == Version::V5 {
                    self.encoder.flush(&mut self.out);
                    self.encoder.switch_to_v5_framing(compression);
                    self.decoder.switch_to_v5_framing(compression);
                } else {
                    self.encoder.set_compression(compression);
                    self.decoder.set_compression(compression);
                }
            }
            Step::Run(request) => self.running.push(Running { request, _permit: permit }),
            Step::Close(answered) => {
                self.answer(&answered);
                self.closing = true;
            }
        }
    }

    /// Says that there is too much; the request is not even read.
    fn refuse(&mut self, frame: &Frame, reason: String) {
        // Nobody knows yet whether it is a write.
        let error =
            RequestError::Overloaded { reason, retry_after_ms: RETRY_AFTER_MS, write: false };
        let (version, stream) = (frame.header.version, frame.header.stream);
        let refused = Response::Error(ErrorBody::Overloaded(error.to_string()));
        let envelope = Envelope::new(refused);
        self.answer(&Answered { version, stream, envelope });
    }

    fn answer(&mut self, answered: &Answered) {
        let Answered { version, stream, envelope } = answered;
        if let Err(error) = self.encoder.encode(*version, *stream, envelope, &mut self.out) {
            tracing::error!(%error, "an answer does not fit the protocol");
            let instead = ErrorBody::ServerError(format!("the answer cannot be sent: {error}"));
            let instead = Response::Error(instead);
            let told = self.encoder.encode_response(*version, *stream, &instead, &mut self.out);
            self.closing |= told.is_err();
        }
    }

    async fn flush(&mut self) -> std::io::Result<()> {
        self.encoder.flush(&mut self.out);
        if self.out.is_empty() {
            return Ok(());
        }
        self.socket.write_all(&self.out).await?;
        self.out.clear();
        if self.out.capacity() > WRITE_BYTES.saturating_mul(4) {
            self.out = BytesMut::new();
        }
        Ok(())
    }
}
