//! The one internal message transport: HTTP/2 with CBOR bodies between the roles of Cellar.
//!
//! It knows nothing about the messages. It guarantees that a body whose checksum does not match
//! never reaches a handler or a caller, that [`CallError::NotSent`] and [`CallError::Refused`]
//! mean the handler did not run, and that a graceful shutdown finishes the calls in flight.
//! It does not guarantee that a call runs at most once after [`CallError::Unknown`]: that is for
//! the messages to make safe, and nothing here retries a call.
//!
//! Start at [`Server`] and [`Router`] for the serving side, [`Pool`] and [`Client`] for the
//! calling side, [`tasks`] for supervised background work.

pub mod tasks;

mod client;
mod connection;
mod dial;
mod error;
mod frame;
mod limits;
mod payload;
mod pool;
mod push;
mod router;
mod server;
mod socket;
mod subscription;

pub use client::Client;
pub use error::{
    BindError, CallError, NotSentReason, Refusal, RemoteError, SendError, StreamError,
    UnknownReason,
};
pub use limits::{ClientLimits, ServerLimits};
pub use pool::{ClientConfig, Pool};
pub use push::StreamSender;
pub use router::Router;
pub use server::{Server, Streams};
pub use socket::{Network, Stream};
pub use subscription::Subscription;
