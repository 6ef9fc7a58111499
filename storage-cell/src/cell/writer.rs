//! The task that turns waiting writes into log entries: everything that waits goes into the next
//! entry, several entries are on their way at once, and a caller that went away changes nothing.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use cellar_cell_api::{CellError, WriteReply};
use cellar_raft::ProposeError;
use futures::{StreamExt, stream::FuturesUnordered};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{Cell, queue::Waiting};
use crate::{
    commands::{Answers, CommandError, WriteBatch},
    limits::{CLOSE_MS_MAX, PROPOSALS_MAX},
};

/// Whether the task is to end, and has.
#[derive(Default)]
pub(crate) struct Writer {
    stop: CancellationToken,
    ended: CancellationToken,
}

impl Cell {
    /// Takes no more writes; returns when those on their way are answered, or after a while.
    pub(crate) async fn close(&self) {
        self.writer.stop.cancel();
        let patience = Duration::from_millis(CLOSE_MS_MAX);
        if timeout(patience, self.writer.ended.cancelled()).await.is_err() {
            tracing::warn!(cell = %self.id(), "stopped before every write was answered");
        }
    }

    /// Proposes writes until the cell is closed or the node stops.
    pub(crate) async fn propose_writes(self: Arc<Self>, stop: CancellationToken) {
        let _ended = self.writer.ended.clone().drop_guard();
        let mut proposals = FuturesUnordered::new();
        loop {
            while proposals.len() < PROPOSALS_MAX {
                let waiting = self.queue.take();
                if waiting.is_empty() {
                    break;
                }
                proposals.push(self.propose(waiting));
            }
            tokio::select! {
                biased;
                Some(()) = proposals.next(), if !proposals.is_empty() => {}
                () = self.queue.arrived(), if proposals.len() < PROPOSALS_MAX => {}
                () = stop.cancelled() => break,
                () = self.writer.stop.cancelled() => break,
            }
        }
        let stopping = CellError::Unavailable { reason: "the node is stopping".to_owned() };
        for waiting in self.queue.close() {
            drop(waiting.reply.send(Err(stopping.clone())));
        }
        while proposals.next().await.is_some() {}
    }

    /// Proposes one entry and tells everybody in it what became of their writes.
    async fn propose(&self, waiting: Vec<Waiting>) {
        let count = waiting.iter().map(|request| request.count).sum();
        let encoded = waiting.iter().map(|request| request.encoded.as_slice());
        let clock = &self.shared.clock;
        let entry =
            WriteBatch::assemble(clock.next_us(), clock.clock().now_seconds(), count, encoded);
        let answers = match entry {
            Ok(entry) => self.group.propose(entry).await.map_err(|error| refused(&error)),
            Err(error) => Err(CellError::Invalid { message: error.to_string() }),
        };
        match answers {
            Ok(answers) => tell(waiting, answers),
            Err(error) => {
                for request in waiting {
                    drop(request.reply.send(Err(error.clone())));
                }
            }
        }
    }
}

/// Hands every request its answers.
fn tell(waiting: Vec<Waiting>, answers: Bytes) {
    let mut answers = Answers(answers);
    for request in waiting {
        let outcomes: Result<Vec<_>, CommandError> = answers.by_ref().take(request.count).collect();
        let reply = match outcomes {
            Ok(outcomes) if outcomes.len() == request.count => Ok(WriteReply { outcomes }),
            Ok(_) => Err(CellError::Unknown { reason: "too few answers".to_owned() }),
            Err(error) => Err(CellError::Unknown { reason: error.to_string() }),
        };
        drop(request.reply.send(reply));
    }
}

/// What a failed proposal says of the writes in it.
pub(crate) fn refused(error: &ProposeError) -> CellError {
    match error {
        ProposeError::NotLeader { leader } => {
            CellError::NotLeader { leader: leader.map(cellar_metadata_api::NodeId) }
        }
        ProposeError::Stopped => {
            CellError::Unavailable { reason: "the cell has stopped on this node".to_owned() }
        }
        ProposeError::Unknown | ProposeError::Fatal(_) => {
            CellError::Unknown { reason: error.to_string() }
        }
    }
}
