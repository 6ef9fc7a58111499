//! The hand-over of operations to the log thread: everything that is queued goes at once.

use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::sync::Notify;

use super::{LogError, writer::Operation};

/// Operations that wait for the log thread.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
    /// The same for a log that a task writes.
    woken: Notify,
}

#[derive(Default)]
struct Waiting {
    operations: Vec<Operation>,
    /// Why nothing more is taken.
    ended: Option<LogError>,
}

impl Queue {
    /// Queues an operation, or gives it back with the reason that the log has ended.
    pub(crate) fn put(&self, operation: Operation) -> Result<(), (Operation, LogError)> {
        let mut waiting = self.waiting.lock();
        if let Some(error) = waiting.ended.clone() {
            return Err((operation, error));
        }
        waiting.operations.push(operation);
        if waiting.operations.len() == 1 {
            self.arrived.notify_one();
            self.woken.notify_one();
        }
        Ok(())
    }

    /// Waits for operations and takes them all; none once the queue has ended and is empty.
    pub(crate) fn take(&self) -> Option<Vec<Operation>> {
        let mut waiting = self.waiting.lock();
        while waiting.operations.is_empty() {
            if waiting.ended.is_some() {
                return None;
            }
            self.arrived.wait(&mut waiting);
        }
        Some(std::mem::take(&mut waiting.operations))
    }

    /// Returns when operations wait or the queue has ended; says whether it has not.
    pub(crate) async fn stirred(&self) -> bool {
        loop {
            {
                let waiting = self.waiting.lock();
                if waiting.ended.is_some() {
                    return false;
                }
                if !waiting.operations.is_empty() {
                    return true;
                }
            }
            self.woken.notified().await;
        }
    }

    /// Takes what waits.
    pub(crate) fn take_now(&self) -> Vec<Operation> {
        std::mem::take(&mut self.waiting.lock().operations)
    }

    /// Takes no more operations; those that wait are still done.
    pub(crate) fn close(&self) {
        self.waiting.lock().ended.get_or_insert(LogError::Closed);
        self.arrived.notify_one();
        self.woken.notify_one();
    }

    /// Waits a while, or until the queue is closed; says whether it is.
    pub(crate) fn wait_closed(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        let mut waiting = self.waiting.lock();
        while waiting.ended.is_none() {
            if self.arrived.wait_until(&mut waiting, until).timed_out() {
                break;
            }
        }
        waiting.ended.is_some()
    }

    /// Ends the queue and gives back the operations that wait.
    pub(crate) fn fail(&self, error: &LogError) -> Vec<Operation> {
        let mut waiting = self.waiting.lock();
        waiting.ended = Some(error.clone());
        std::mem::take(&mut waiting.operations)
    }
}
