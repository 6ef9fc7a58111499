//! One connection: bytes in order, late, and held up for as long as the way is closed.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bytes::{Buf, Bytes};
use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

use super::network::{Network, Way};

/// Bytes that one side may have on their way.
const WINDOW_BYTES: usize = 1 << 20;

/// One direction of a connection.
pub(super) struct Pipe {
    pub(super) way: Way,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    chunks: VecDeque<(Instant, Bytes)>,
    bytes: usize,
    newest: Option<Instant>,
    closed: bool,
    broken: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Pipe {
    pub(super) fn new(way: Way) -> Arc<Self> {
        Arc::new(Self { way, state: Mutex::default() })
    }

    /// Lets both ends look again.
    pub(super) fn stir(&self) {
        let mut state = self.state.lock();
        let wakers = [state.reader.take(), state.writer.take()];
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    /// Ends the connection for both ends, with the loss of what is on the way.
    pub(super) fn break_off(&self) {
        self.state.lock().broken = true;
        self.stir();
    }

    pub(super) fn is_broken(&self) -> bool {
        self.state.lock().broken
    }

    fn close(&self) {
        self.state.lock().closed = true;
        self.stir();
    }
}

/// One end of a connection.
pub(super) struct End {
    network: Network,
    reads: Arc<Pipe>,
    writes: Arc<Pipe>,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl End {
    pub(super) fn new(network: Network, reads: Arc<Pipe>, writes: Arc<Pipe>) -> Self {
        Self { network, reads, writes, alarm: None }
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.writes.close();
        // Nobody reads any more: the other side's writes fail.
        self.reads.break_off();
    }
}

fn reset() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

impl AsyncRead for End {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let pipe = Arc::clone(&self.reads);
        let open = self.network.is_open(&pipe.way);
        let mut state = pipe.state.lock();
        if state.broken {
            return Poll::Ready(Err(reset()));
        }
        let now = Instant::now();
        let before = into.filled().len();
        while open
            && into.remaining() > 0
            && let Some((due, chunk)) = state.chunks.front_mut()
            && *due <= now
        {
            let taken = chunk.split_to(chunk.len().min(into.remaining()));
            let empty = !chunk.has_remaining();
            into.put_slice(&taken);
            state.bytes = state.bytes.saturating_sub(taken.len());
            if empty {
                state.chunks.pop_front();
            }
        }
        if into.filled().len() > before {
            if let Some(writer) = state.writer.take() {
                writer.wake();
            }
            return Poll::Ready(Ok(()));
        }
        if open && state.closed && state.chunks.is_empty() {
            return Poll::Ready(Ok(()));
        }
        state.reader = Some(cx.waker().clone());
        let due = state.chunks.front().map(|(due, _)| *due);
        drop(state);
        if let Some(due) = due.filter(|due| open && *due > now) {
            let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(due)));
            alarm.as_mut().reset(due);
            if alarm.as_mut().poll(cx).is_ready() {
                cx.waker().wake_by_ref();
            }
        }
        Poll::Pending
    }
}

impl AsyncWrite for End {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let pipe = &self.writes;
        let mut state = pipe.state.lock();
        if state.broken || state.closed {
            return Poll::Ready(Err(reset()));
        }
        let room = WINDOW_BYTES.saturating_sub(state.bytes);
        if room == 0 {
            state.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let taken = bytes.get(..room.min(bytes.len())).unwrap_or_default();
        let due = Instant::now() + self.network.latency();
        let due = state.newest.map_or(due, |newest| newest.max(due));
        state.newest = Some(due);
        state.bytes = state.bytes.saturating_add(taken.len());
        state.chunks.push_back((due, Bytes::copy_from_slice(taken)));
        if let Some(reader) = state.reader.take() {
            reader.wake();
        }
        Poll::Ready(Ok(taken.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writes.close();
        Poll::Ready(Ok(()))
    }
}
