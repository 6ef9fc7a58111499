//! Calls to one peer, and the truth about those that fail.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
    Method, Request, Response, StatusCode, Uri, body::Incoming, client::conn::TrySendError,
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::timeout;

use crate::{
    dial::{Slot, Target},
    error::{CallError, NotSentReason, Refusal, RemoteError, StreamError, UnknownReason},
    payload,
    subscription::Subscription,
};

/// Calls one peer over its few long-lived connections; clones share them.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    target: Arc<Target>,
    calls: Vec<Arc<Slot>>,
    streams: Arc<Slot>,
    next: AtomicUsize,
}

/// An answer before it is decoded.
enum Reply {
    Answer(Bytes),
    Error(Bytes),
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("peer", &self.peer()).finish_non_exhaustive()
    }
}

impl Client {
    pub(crate) fn new(target: Target) -> Self {
        let target = Arc::new(target);
        let count = target.limits.connections_per_peer.max(1);
        let calls = (0..count).map(|_| Slot::new(Arc::clone(&target))).collect();
        let streams = Slot::new(Arc::clone(&target));
        Self { inner: Arc::new(Inner { target, calls, streams, next: AtomicUsize::new(0) }) }
    }

    /// The peer's address.
    #[must_use]
    pub fn peer(&self) -> &str {
        &self.inner.target.peer
    }

    /// Calls the method at `path` and waits for its answer, at most for `deadline`. Dropping the
    /// future, as the deadline does, resets the call at the peer. Nothing is retried.
    ///
    /// # Errors
    /// See [`CallError`]; [`CallError::did_not_run`] tells whether another attempt is safe.
    pub async fn call<Req, Resp>(
        &self,
        path: &str,
        request: &Req,
        deadline: Duration,
    ) -> Result<Resp, CallError>
    where
        Req: Serialize + ?Sized,
        Resp: DeserializeOwned,
    {
        let request = self.encode(path, &request)?;
        let sent = AtomicBool::new(false);
        let slot = self.next_slot();
        let answering = async {
            let response = self.send(slot, request, &sent).await?;
            self.read(response).await
        };
        let reply = self.within(deadline, &sent, answering).await?;
        match reply {
            Reply::Answer(bytes) => payload::decode(&bytes)
                .map_err(|reason| self.unknown(UnknownReason::Undecodable(reason))),
            Reply::Error(bytes) => Err(CallError::Remote(RemoteError::new(bytes))),
        }
    }

    /// Subscribes to the push stream at `path`; `deadline` is for its opening.
    ///
    /// # Errors
    /// [`StreamError::Call`] if the stream could not be opened.
    pub async fn stream<Req, T>(
        &self,
        path: &str,
        request: &Req,
        deadline: Duration,
    ) -> Result<Subscription<T>, StreamError>
    where
        Req: Serialize + ?Sized,
        T: DeserializeOwned,
    {
        let request = self.encode(path, &request)?;
        let sent = AtomicBool::new(false);
        let opening = self.send(&self.inner.streams, request, &sent);
        let response = self.within(deadline, &sent, opening).await?;
        if response.status() != StatusCode::OK {
            return Err(self.failure(response.status()).into());
        }
        let heartbeat_ms = payload::number(response.headers(), &payload::HEARTBEAT).unwrap_or(1000);
        let target = &self.inner.target;
        Ok(Subscription::new(
            Arc::clone(&target.peer),
            response.into_body(),
            Duration::from_millis(heartbeat_ms),
            target.limits.body_bytes_max,
        ))
    }

    /// The connection for the next call, in turn.
    fn next_slot(&self) -> &Arc<Slot> {
        let inner = &self.inner;
        let turn = inner.next.fetch_add(1, Ordering::Relaxed);
        let index = turn.checked_rem(inner.calls.len()).unwrap_or(0);
        inner.calls.get(index).unwrap_or(&inner.streams)
    }

    fn encode<Req: Serialize>(
        &self,
        path: &str,
        request: &Req,
    ) -> Result<Request<Full<Bytes>>, CallError> {
        let body =
            payload::encode(request).map_err(|why| self.not_sent(NotSentReason::Encode(why)))?;
        let bytes_max = self.inner.target.limits.body_bytes_max;
        if body.len() > bytes_max {
            return Err(self.not_sent(NotSentReason::TooLarge { bytes: body.len(), bytes_max }));
        }
        let uri = Uri::builder()
            .scheme("http")
            .authority(self.peer())
            .path_and_query(path)
            .build()
            .map_err(|error| self.not_sent(NotSentReason::Encode(error.to_string())))?;
        let checksum = payload::checksum(&body);
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        request.headers_mut().insert(payload::CHECKSUM, checksum);
        Ok(request)
    }

    /// Hands the request to a connection and waits for the head of the answer.
    async fn send(
        &self,
        slot: &Arc<Slot>,
        request: Request<Full<Bytes>>,
        sent: &AtomicBool,
    ) -> Result<Response<Incoming>, CallError> {
        let mut requests = slot.requests().await.map_err(|reason| self.not_sent(reason))?;
        sent.store(true, Ordering::Relaxed);
        requests.try_send_request(request).await.map_err(|mut error: TrySendError<_>| {
            // The request comes back exactly if the connection never took it.
            if error.take_message().is_some() {
                self.not_sent(NotSentReason::ConnectionClosed)
            } else {
                self.unknown(UnknownReason::ConnectionLost(error.into_error()))
            }
        })
    }

    /// Reads the whole answer and checks it against its checksum.
    async fn read(&self, response: Response<Incoming>) -> Result<Reply, CallError> {
        let (head, body) = response.into_parts();
        let error = head.status == StatusCode::UNPROCESSABLE_ENTITY;
        if !error && head.status != StatusCode::OK {
            return Err(self.failure(head.status));
        }
        let bytes_max = self.inner.target.limits.body_bytes_max;
        let body = Limited::new(body, bytes_max)
            .collect()
            .await
            .map_err(|error| match error.downcast::<hyper::Error>() {
                Ok(error) => self.unknown(UnknownReason::ConnectionLost(*error)),
                Err(error) if error.is::<LengthLimitError>() => {
                    self.unknown(UnknownReason::AnswerTooLarge { bytes_max })
                }
                Err(_) => self.unknown(UnknownReason::CorruptAnswer),
            })?
            .to_bytes();
        if !payload::matches(&head.headers, &body) {
            return Err(self.unknown(UnknownReason::CorruptAnswer));
        }
        Ok(if error { Reply::Error(body) } else { Reply::Answer(body) })
    }

    fn failure(&self, status: StatusCode) -> CallError {
        match Refusal::of_status(status) {
            Some(refusal) => CallError::Refused { peer: self.shared_peer(), refusal },
            None => self.unknown(UnknownReason::HandlerFailed(status)),
        }
    }

    /// Runs `call` within the deadline; one that has passed already sends nothing (the timer
    /// alone would let a quick call through within its millisecond).
    async fn within<T>(
        &self,
        after: Duration,
        sent: &AtomicBool,
        call: impl Future<Output = Result<T, CallError>>,
    ) -> Result<T, CallError> {
        let outcome = if after.is_zero() { None } else { timeout(after, call).await.ok() };
        outcome.unwrap_or_else(|| {
            let sent = sent.load(Ordering::Relaxed);
            Err(CallError::Deadline { peer: self.shared_peer(), after, sent })
        })
    }

    fn not_sent(&self, reason: NotSentReason) -> CallError {
        CallError::NotSent { peer: self.shared_peer(), reason }
    }

    fn unknown(&self, reason: UnknownReason) -> CallError {
        CallError::Unknown { peer: self.shared_peer(), reason }
    }

    fn shared_peer(&self) -> Arc<str> {
        Arc::clone(&self.inner.target.peer)
    }
}
