//! The subscriber's side of a push stream: messages in order, and an error as soon as the peer
//! is silent for longer than its heartbeat allows.

use std::{fmt, marker::PhantomData, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::{
    error::{RemoteError, StreamError},
    frame::{self, Kind},
    limits::HEARTBEATS_MISSED_MAX,
    payload,
};

/// A push stream of `T`. Dropping it tells the peer. The transport keeps no position: to resume,
/// subscribe again with a request that names the last message seen.
pub struct Subscription<T> {
    peer: Arc<str>,
    body: Incoming,
    buffer: BytesMut,
    silent_after: Duration,
    bytes_max: usize,
    ended: bool,
    message: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for Subscription<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl<T: DeserializeOwned> Subscription<T> {
    pub(crate) fn new(
        peer: Arc<str>,
        body: Incoming,
        heartbeat: Duration,
        bytes_max: usize,
    ) -> Self {
        let silent_after = heartbeat.saturating_mul(HEARTBEATS_MISSED_MAX);
        let buffer = BytesMut::new();
        Self { peer, body, buffer, silent_after, bytes_max, ended: false, message: PhantomData }
    }

    /// The next message; none after the handler ended the stream without an error. Cancel safe:
    /// a dropped future loses no message. After an error the subscription has ended.
    ///
    /// # Errors
    /// See [`StreamError`].
    pub async fn next(&mut self) -> Result<Option<T>, StreamError> {
        while !self.ended {
            let taken = frame::take(&mut self.buffer, self.bytes_max)
                .map_err(|error| self.corrupt(error.to_string()))?;
            match taken {
                Some((Kind::Heartbeat, _)) => {}
                Some((Kind::Message, payload)) => {
                    let message =
                        payload::decode(&payload).map_err(|reason| self.corrupt(reason))?;
                    return Ok(Some(message));
                }
                Some((kind, payload)) => return self.end(kind, payload),
                None => self.fill().await?,
            }
        }
        Ok(None)
    }

    /// Waits for more bytes.
    async fn fill(&mut self) -> Result<(), StreamError> {
        let arrived = timeout(self.silent_after, self.body.frame()).await;
        let reason = match arrived {
            Ok(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    self.buffer.extend_from_slice(&data);
                }
                return Ok(());
            }
            Ok(Some(Err(error))) => error.to_string(),
            Ok(None) => "the stream ended without its end mark".to_owned(),
            Err(_elapsed) => {
                self.ended = true;
                return Err(StreamError::Silent {
                    peer: Arc::clone(&self.peer),
                    after: self.silent_after,
                });
            }
        };
        self.ended = true;
        Err(StreamError::Broken { peer: Arc::clone(&self.peer), reason })
    }

    fn end(&mut self, kind: Kind, payload: Bytes) -> Result<Option<T>, StreamError> {
        self.ended = true;
        match kind {
            Kind::Error => Err(StreamError::Remote(RemoteError::new(payload))),
            Kind::GoingAway => Err(StreamError::GoingAway { peer: Arc::clone(&self.peer) }),
            Kind::End | Kind::Heartbeat | Kind::Message => Ok(None),
        }
    }

    fn corrupt(&mut self, reason: String) -> StreamError {
        self.ended = true;
        StreamError::Corrupt { peer: Arc::clone(&self.peer), reason }
    }
}
