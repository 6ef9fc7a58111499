//! Writes that wait for the next log entry of their cell.

use std::collections::VecDeque;

use cellar_cell_api::{CellError, WriteReply};
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use crate::limits::{
    ENTRY_BYTES, ENTRY_WRITES, QUEUE_BYTES_MAX, QUEUE_REQUESTS_MAX, RETRY_AFTER_MS,
};

/// One request's writes, encoded by whoever brought them.
pub(crate) struct Waiting {
    /// The writes as a log entry holds them.
    pub(crate) encoded: Vec<u8>,
    /// How many.
    pub(crate) count: usize,
    /// Whom to tell.
    pub(crate) reply: oneshot::Sender<Result<WriteReply, CellError>>,
}

/// Bounded; refuses early instead of letting everybody wait.
#[derive(Default)]
pub(crate) struct Queue {
    line: Mutex<Line>,
    arrived: Notify,
}

#[derive(Default)]
struct Line {
    requests: VecDeque<Waiting>,
    bytes: usize,
    closed: bool,
}

impl Queue {
    /// Adds a request, unless too much waits already.
    pub(crate) fn push(&self, waiting: Waiting) -> Result<(), CellError> {
        let mut line = self.line.lock();
        if line.closed {
            return Err(CellError::Unavailable { reason: "the cell is stopping".to_owned() });
        }
        // One request always fits, however large.
        let bytes = line.bytes.saturating_add(waiting.encoded.len());
        let full = bytes > QUEUE_BYTES_MAX || line.requests.len() >= QUEUE_REQUESTS_MAX;
        if full && !line.requests.is_empty() {
            return Err(CellError::Overloaded {
                reason: "the write queue of the cell is full".to_owned(),
                retry_after_ms: RETRY_AFTER_MS,
            });
        }
        line.bytes = bytes;
        line.requests.push_back(waiting);
        drop(line);
        self.arrived.notify_one();
        Ok(())
    }

    /// What goes into the next entry: at least one request if any waits.
    pub(crate) fn take(&self) -> Vec<Waiting> {
        let mut line = self.line.lock();
        let (mut taken, mut bytes, mut writes) = (Vec::new(), 0_usize, 0_usize);
        while let Some(next) = line.requests.front() {
            bytes = bytes.saturating_add(next.encoded.len());
            writes = writes.saturating_add(next.count);
            if !taken.is_empty() && (bytes > ENTRY_BYTES || writes > ENTRY_WRITES) {
                break;
            }
            line.bytes = line.bytes.saturating_sub(next.encoded.len());
            taken.extend(line.requests.pop_front());
        }
        taken
    }

    /// Waits until something may have arrived.
    pub(crate) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Refuses everything from now on, and hands back what waits.
    pub(crate) fn close(&self) -> Vec<Waiting> {
        let mut line = self.line.lock();
        line.closed = true;
        line.bytes = 0;
        line.requests.drain(..).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(bytes: usize) -> Waiting {
        Waiting { encoded: vec![0; bytes], count: 1, reply: oneshot::channel().0 }
    }

    #[test]
    fn an_entry_takes_what_fits_and_at_least_one_request() {
        let queue = Queue::default();
        for bytes in [ENTRY_BYTES * 2, ENTRY_BYTES / 2, ENTRY_BYTES / 2, 1] {
            queue.push(waiting(bytes)).unwrap();
        }
        let taken: Vec<usize> = (0..4).map(|_| queue.take().len()).collect();
        assert_eq!(taken, [1, 2, 1, 0]);
    }

    #[test]
    fn a_full_queue_refuses_and_takes_again_once_it_was_emptied() {
        let queue = Queue::default();
        queue.push(waiting(QUEUE_BYTES_MAX)).unwrap();
        assert!(matches!(queue.push(waiting(1)), Err(CellError::Overloaded { .. })));
        queue.take();
        queue.push(waiting(1)).unwrap();
        assert_eq!(queue.close().len(), 1);
        assert!(matches!(queue.push(waiting(1)), Err(CellError::Unavailable { .. })));
    }
}
