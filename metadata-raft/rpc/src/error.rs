//! What can go wrong, told truthfully: each variant says what is known about the handler.

use std::{fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use hyper::StatusCode;
use serde::{Serialize, de::DeserializeOwned};

use crate::payload;

/// Why a call gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The peer definitely did not receive the request; another attempt is safe.
    #[error("{peer}: not sent: {reason}")]
    NotSent {
        /// The peer called.
        peer: Arc<str>,
        /// What stopped the request.
        reason: NotSentReason,
    },
    /// The peer received the request and did not run its handler.
    #[error("{peer}: refused: {refusal}")]
    Refused {
        /// The peer called.
        peer: Arc<str>,
        /// Why the peer turned the request away.
        refusal: Refusal,
    },
    /// The request was handed to the network and no usable answer came: it may have run.
    #[error("{peer}: outcome unknown: {reason}")]
    Unknown {
        /// The peer called.
        peer: Arc<str>,
        /// What happened instead of an answer.
        reason: UnknownReason,
    },
    /// The handler ran and answered with its own typed error.
    #[error("the handler answered with an error of {} bytes", .0.as_bytes().len())]
    Remote(RemoteError),
    /// The caller's deadline passed.
    #[error("{peer}: no answer within {after:?} (sent: {sent})")]
    Deadline {
        /// The peer called.
        peer: Arc<str>,
        /// The time that was allowed.
        after: Duration,
        /// False if the request had not been handed to a connection: then it did not run.
        sent: bool,
    },
}

impl CallError {
    /// True if the handler cannot have run, so that repeating the call is always safe.
    #[must_use]
    pub fn did_not_run(&self) -> bool {
        match self {
            Self::NotSent { .. } | Self::Refused { .. } => true,
            Self::Deadline { sent, .. } => !sent,
            Self::Unknown { .. } | Self::Remote(_) => false,
        }
    }

    /// The handler's own error, if that is what this is and it decodes as `E`.
    #[must_use]
    pub fn remote<E: DeserializeOwned>(&self) -> Option<E> {
        match self {
            Self::Remote(error) => error.decode(),
            _ => None,
        }
    }
}

/// Why a request was not sent.
#[derive(Debug, thiserror::Error)]
pub enum NotSentReason {
    /// The peer could not be reached.
    #[error("connect: {0}")]
    Connect(Arc<io::Error>),
    /// An earlier connect failed and the pause after it has not passed.
    #[error("waiting {remaining:?} before the next connect, after: {last}")]
    BackingOff {
        /// What remains of the pause.
        remaining: Duration,
        /// The failure that began the pause.
        last: Arc<io::Error>,
    },
    /// The connection closed before the request was taken from the queue.
    #[error("the connection closed first")]
    ConnectionClosed,
    /// The request is larger than the limit.
    #[error("request of {bytes} bytes is larger than {bytes_max}")]
    TooLarge {
        /// Size of the request.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// The request could not be encoded, or the path is not a valid one.
    #[error("encode: {0}")]
    Encode(String),
    /// The client's tasks have been shut down.
    #[error("the client is shut down")]
    ShutDown,
}

/// Why the outcome of a sent request is unknown.
#[derive(Debug, thiserror::Error)]
pub enum UnknownReason {
    /// The connection or the stream broke.
    #[error("connection lost: {0}")]
    ConnectionLost(#[from] hyper::Error),
    /// The answer does not match its checksum.
    #[error("the answer does not match its checksum")]
    CorruptAnswer,
    /// The answer is larger than the limit.
    #[error("the answer is larger than {bytes_max} bytes")]
    AnswerTooLarge {
        /// The limit.
        bytes_max: usize,
    },
    /// The answer does not decode as the expected type.
    #[error("the answer does not decode: {0}")]
    Undecodable(String),
    /// The handler failed without an error of its own.
    #[error("the handler failed: status {0}")]
    HandlerFailed(StatusCode),
}

/// Why a server turned a request away before its handler ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No handler has this path.
    #[error("unknown method")]
    UnknownMethod,
    /// The request does not match its checksum, or has none.
    #[error("the request does not match its checksum")]
    Corrupt,
    /// The request is larger than the server's limit.
    #[error("the request is too large")]
    TooLarge,
    /// The body did not arrive in time.
    #[error("the request body was too slow")]
    Slow,
    /// The body does not decode as the handler's request type.
    #[error("the request does not decode")]
    Undecodable,
    /// The server is shutting down.
    #[error("the server is shutting down")]
    ShuttingDown,
}

impl Refusal {
    /// Every refusal with its status on the wire.
    const STATUS: [(Self, StatusCode); 6] = [
        (Self::UnknownMethod, StatusCode::NOT_FOUND),
        (Self::Corrupt, StatusCode::PRECONDITION_FAILED),
        (Self::TooLarge, StatusCode::PAYLOAD_TOO_LARGE),
        (Self::Slow, StatusCode::REQUEST_TIMEOUT),
        (Self::Undecodable, StatusCode::BAD_REQUEST),
        (Self::ShuttingDown, StatusCode::SERVICE_UNAVAILABLE),
    ];

    /// The status that stands for this refusal.
    pub(crate) fn status(self) -> StatusCode {
        Self::STATUS
            .iter()
            .find(|(refusal, _)| *refusal == self)
            .map_or(StatusCode::INTERNAL_SERVER_ERROR, |(_, status)| *status)
    }

    /// The refusal that a status stands for.
    pub(crate) fn of_status(status: StatusCode) -> Option<Self> {
        Self::STATUS.iter().find(|(_, known)| *known == status).map(|(refusal, _)| *refusal)
    }
}

/// A handler's own error, as the CBOR it travels in.
#[derive(Clone, PartialEq, Eq)]
pub struct RemoteError(Bytes);

impl RemoteError {
    pub(crate) fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// The error as its type, or none if it is of another type.
    #[must_use]
    pub fn decode<E: DeserializeOwned>(&self) -> Option<E> {
        payload::decode(&self.0).ok()
    }

    /// The encoded error.
    #[must_use]
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }
}

impl fmt::Debug for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RemoteError({} bytes)", self.0.len())
    }
}

/// Why a subscription ended. All but [`StreamError::Remote`] and [`StreamError::Call`] with a
/// refusal are cause to subscribe again from the last message seen.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// The stream could not be opened.
    #[error("open stream: {0}")]
    Call(#[from] CallError),
    /// The handler ended the stream with its own typed error.
    #[error("the handler ended the stream with an error")]
    Remote(RemoteError),
    /// Neither message nor heartbeat came for several heartbeat intervals.
    #[error("{peer}: silent for {after:?}")]
    Silent {
        /// The peer subscribed to.
        peer: Arc<str>,
        /// How long nothing came.
        after: Duration,
    },
    /// The connection broke, or the stream ended without its end mark.
    #[error("{peer}: stream broken: {reason}")]
    Broken {
        /// The peer subscribed to.
        peer: Arc<str>,
        /// What was seen.
        reason: String,
    },
    /// A frame does not match its checksum, is too large or does not decode.
    #[error("{peer}: corrupt stream: {reason}")]
    Corrupt {
        /// The peer subscribed to.
        peer: Arc<str>,
        /// What was seen.
        reason: String,
    },
    /// The server is shutting down and ended the stream in order.
    #[error("{peer}: the server is shutting down")]
    GoingAway {
        /// The peer subscribed to.
        peer: Arc<str>,
    },
}

/// Why a stream handler could not push a message.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The subscriber is gone.
    #[error("the subscriber is gone")]
    Closed,
    /// The message is larger than the limit.
    #[error("message of {bytes} bytes is larger than {bytes_max}")]
    TooLarge {
        /// Size of the message.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// The message could not be encoded.
    #[error("encode: {0}")]
    Encode(String),
}

/// Why a server could not start.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address could not be listened on.
    #[error("listen on {addr}: {source}")]
    Listen {
        /// The address asked for.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Two handlers have the same path.
    #[error("two handlers for {0}")]
    DuplicateMethod(&'static str),
    /// The address listened on is a wildcard, which peers cannot dial.
    #[error("listening on {0} needs an address to advertise")]
    NothingToAdvertise(SocketAddr),
}

/// Encodes a handler's error; an error that cannot be encoded arrives without content.
pub(crate) fn encode_remote<E: Serialize>(error: &E) -> Bytes {
    payload::encode(error).unwrap_or_else(|reason| {
        tracing::error!(reason, "a handler's error cannot be encoded");
        Bytes::new()
    })
}
