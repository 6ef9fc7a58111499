//! The serving side of a push stream: what a handler sends, as an HTTP body of frames.
//!
//! The handler runs inside the body, so it stops when the subscriber is slow (the connection
//! stops polling) and is dropped when the subscriber is gone. A quiet stream carries heartbeats.

use std::{
    convert::Infallible,
    future::Future,
    marker::PhantomData,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame};
use serde::Serialize;
use tokio::{
    sync::mpsc,
    time::{Instant, Interval, MissedTickBehavior, interval_at},
};
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::{
    error::SendError,
    frame::{self, Kind},
    limits::{PUSH_QUEUE_MESSAGES, PUSH_WRITE_BYTES},
    payload,
    tasks::Tasks,
};

/// A running stream handler; its error is encoded.
pub(crate) type PushHandler = Pin<Box<dyn Future<Output = Result<(), Bytes>> + Send>>;

/// Pushes messages of one stream to its subscriber.
pub struct StreamSender<T> {
    queue: mpsc::Sender<Bytes>,
    bytes_max: usize,
    message: PhantomData<fn(T)>,
}

impl<T> Clone for StreamSender<T> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), bytes_max: self.bytes_max, message: PhantomData }
    }
}

impl<T> std::fmt::Debug for StreamSender<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StreamSender").field("closed", &self.queue.is_closed()).finish()
    }
}

impl<T> StreamSender<T> {
    /// The same stream for messages of the handler's type.
    pub(crate) fn retyped<U>(self) -> StreamSender<U> {
        StreamSender { queue: self.queue, bytes_max: self.bytes_max, message: PhantomData }
    }
}

impl<T: Serialize> StreamSender<T> {
    /// Queues a message, waiting while the subscriber is behind.
    ///
    /// # Errors
    /// The subscriber is gone, or the message is too large or cannot be encoded.
    pub async fn send(&self, message: &T) -> Result<(), SendError> {
        let payload = payload::encode(message).map_err(SendError::Encode)?;
        let too_large = SendError::TooLarge { bytes: payload.len(), bytes_max: self.bytes_max };
        if payload.len() > self.bytes_max {
            return Err(too_large);
        }
        let frame = frame::encode(Kind::Message, &payload).ok_or(too_large)?;
        self.queue.send(frame).await.map_err(|_closed| SendError::Closed)
    }
}

/// A channel for one stream.
pub(crate) fn channel(bytes_max: usize) -> (StreamSender<()>, mpsc::Receiver<Bytes>) {
    let (queue, frames) = mpsc::channel(PUSH_QUEUE_MESSAGES);
    (StreamSender { queue, bytes_max, message: PhantomData }, frames)
}

/// The body of a push stream's answer.
pub(crate) struct PushBody {
    path: &'static str,
    frames: mpsc::Receiver<Bytes>,
    handler: Option<PushHandler>,
    last: Option<Bytes>,
    heartbeat: Interval,
    shutdown: Pin<Box<WaitForCancellationFutureOwned>>,
    tasks: Tasks,
}

impl PushBody {
    /// A body that runs `handler` and carries what it sends to `frames`.
    pub(crate) fn new(
        path: &'static str,
        frames: mpsc::Receiver<Bytes>,
        handler: PushHandler,
        heartbeat: Duration,
        tasks: Tasks,
    ) -> Self {
        let heartbeat = heartbeat.max(Duration::from_millis(1));
        let mut heartbeat = interval_at(Instant::now() + heartbeat, heartbeat);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let shutdown = Box::pin(tasks.token().clone().cancelled_owned());
        Self { path, frames, handler: Some(handler), last: None, heartbeat, shutdown, tasks }
    }

    /// Runs the handler until it waits; when it ends, its last frame is kept for the end.
    fn run_handler(&mut self, cx: &mut Context<'_>) {
        let Some(handler) = self.handler.as_mut() else { return };
        let polled = catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(cx)));
        self.last = match polled {
            Ok(Poll::Pending) => return,
            Ok(Poll::Ready(Ok(()))) => frame::encode(Kind::End, &[]),
            Ok(Poll::Ready(Err(error))) => frame::encode(Kind::Error, &error),
            // Without a last frame the subscriber sees a broken stream.
            Err(panic) => {
                self.tasks.report_panic(format!("rpc stream {}", self.path).into(), &*panic);
                None
            }
        };
        self.handler = None;
    }

    /// All frames that are ready, joined into one write; ready with none at the end of frames.
    fn poll_frames(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let Some(first) = ready!(self.frames.poll_recv(cx)) else { return Poll::Ready(None) };
        let Ok(second) = self.frames.try_recv() else { return Poll::Ready(Some(first)) };
        let mut joined = BytesMut::from(first);
        joined.extend_from_slice(&second);
        while joined.len() < PUSH_WRITE_BYTES {
            let Ok(next) = self.frames.try_recv() else { break };
            joined.extend_from_slice(&next);
        }
        Poll::Ready(Some(joined.freeze()))
    }
}

impl Body for PushBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        this.run_handler(cx);
        let frames = this.poll_frames(cx);
        if let Poll::Ready(Some(bytes)) = frames {
            this.heartbeat.reset();
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        if this.handler.is_none() {
            // A clone of the sender may outlive the handler; its end is the stream's end.
            return Poll::Ready(this.last.take().map(|last| Ok(Frame::data(last))));
        }
        if this.shutdown.as_mut().poll(cx).is_ready() {
            this.handler = None;
            this.frames.close();
            let last = frame::encode(Kind::GoingAway, &[]);
            return Poll::Ready(last.map(|last| Ok(Frame::data(last))));
        }
        if this.heartbeat.poll_tick(cx).is_ready() {
            let beat = frame::encode(Kind::Heartbeat, &[]);
            return Poll::Ready(beat.map(|beat| Ok(Frame::data(beat))));
        }
        Poll::Pending
    }
}
