//! Writes that wait for the next log entry of their cell.

use std::collections::{BTreeMap, VecDeque};

use cellar_cell_api::{CellError, WriteReply};
use cellar_metadata_api::TableId;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use crate::limits::{
    ENTRY_BYTES, ENTRY_WRITES, QUEUE_BYTES_MAX, QUEUE_REQUESTS_MAX, RETRY_AFTER_MS,
};

/// One request's writes, encoded by whoever brought them.
pub(crate) struct Waiting {
    /// The table that the request is about, or the first of them.
    pub(crate) table: TableId,
    /// The writes as a log entry holds them.
    pub(crate) encoded: Vec<u8>,
    /// How many.
    pub(crate) count: usize,
    /// Whom to tell.
    pub(crate) reply: oneshot::Sender<Result<WriteReply, CellError>>,
}

/// Bounded, and fair between tables: each has a lane of its own, entries take from all lanes in
/// turn, and when the queue is full only lanes beyond their share are refused. It refuses early
/// instead of letting everybody wait.
#[derive(Default)]
pub(crate) struct Queue {
    lanes: Mutex<Lanes>,
    arrived: Notify,
}

#[derive(Default)]
struct Lanes {
    /// Only those in which something waits.
    by_table: BTreeMap<TableId, Lane>,
    /// The same tables in the order of their turns.
    turns: VecDeque<TableId>,
    bytes: usize,
    requests: usize,
    closed: bool,
}

#[derive(Default)]
struct Lane {
    requests: VecDeque<Waiting>,
    bytes: usize,
}

impl Lanes {
    /// Why a request cannot wait, if it cannot. A table's first request always can, however large.
    fn refusal(&self, table: TableId, bytes: usize) -> Option<String> {
        let lane = self.by_table.get(&table)?;
        let full = self.bytes.saturating_add(bytes) > QUEUE_BYTES_MAX
            || self.requests >= QUEUE_REQUESTS_MAX;
        let tables = self.by_table.len().max(1);
        let beyond_share = lane.bytes.saturating_add(bytes) > QUEUE_BYTES_MAX / tables
            || lane.requests.len() >= QUEUE_REQUESTS_MAX / tables;
        (full && beyond_share).then(|| {
            let (requests, bytes, id) = (lane.requests.len(), lane.bytes, table.0);
            format!(
                "{requests} requests with {bytes} bytes for one table (id {id}) wait in the cell"
            )
        })
    }

    fn put(&mut self, waiting: Waiting) {
        let (table, bytes) = (waiting.table, waiting.encoded.len());
        self.bytes = self.bytes.saturating_add(bytes);
        self.requests = self.requests.saturating_add(1);
        if !self.by_table.contains_key(&table) {
            self.turns.push_back(table);
        }
        let lane = self.by_table.entry(table).or_default();
        lane.bytes = lane.bytes.saturating_add(bytes);
        lane.requests.push_back(waiting);
    }

    /// The next request of a lane, unless it would make an entry too large.
    fn next_of(&mut self, table: TableId, room: &Room) -> Option<Waiting> {
        let lane = self.by_table.get_mut(&table)?;
        let next = lane.requests.front()?;
        if !room.has_for(next) {
            return None;
        }
        let bytes = next.encoded.len();
        lane.bytes = lane.bytes.saturating_sub(bytes);
        self.bytes = self.bytes.saturating_sub(bytes);
        self.requests = self.requests.saturating_sub(1);
        let next = lane.requests.pop_front();
        if lane.requests.is_empty() {
            self.by_table.remove(&table);
        }
        next
    }
}

/// What still fits.
struct Room {
    bytes: usize,
    writes: usize,
    /// Nothing was taken yet: the first request fits, however large.
    whole: bool,
}

impl Room {
    fn has_for(&self, request: &Waiting) -> bool {
        self.whole || (request.encoded.len() <= self.bytes && request.count <= self.writes)
    }

    fn take(&mut self, request: &Waiting) {
        self.bytes = self.bytes.saturating_sub(request.encoded.len());
        self.writes = self.writes.saturating_sub(request.count);
        self.whole = false;
    }
}

impl Queue {
    /// Adds a request, unless too much waits already.
    pub(crate) fn push(&self, waiting: Waiting) -> Result<(), CellError> {
        let mut lanes = self.lanes.lock();
        if lanes.closed {
            return Err(CellError::Unavailable { reason: "the cell is stopping".to_owned() });
        }
        if let Some(reason) = lanes.refusal(waiting.table, waiting.encoded.len()) {
            return Err(CellError::Overloaded { reason, retry_after_ms: RETRY_AFTER_MS });
        }
        lanes.put(waiting);
        drop(lanes);
        self.arrived.notify_one();
        Ok(())
    }

    /// What goes into the next entry: at least one request if any waits. Every table in which
    /// something waits has its turn before one that had it comes again.
    pub(crate) fn take(&self) -> Vec<Waiting> {
        let mut lanes = self.lanes.lock();
        let mut taken = Vec::new();
        let mut room = Room { bytes: ENTRY_BYTES, writes: ENTRY_WRITES, whole: true };
        let share = ENTRY_BYTES / lanes.turns.len().max(1);
        while let Some(table) = lanes.turns.pop_front() {
            let (before, mut fits) = (room.bytes, true);
            while before.saturating_sub(room.bytes) <= share {
                let Some(next) = lanes.next_of(table, &room) else {
                    fits = !lanes.by_table.contains_key(&table);
                    break;
                };
                room.take(&next);
                taken.push(next);
            }
            if lanes.by_table.contains_key(&table) {
                if fits {
                    lanes.turns.push_back(table);
                } else {
                    lanes.turns.push_front(table);
                    break;
                }
            }
        }
        taken
    }

    /// Waits until something may have arrived.
    pub(crate) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Refuses everything from now on, and hands back what waits.
    pub(crate) fn close(&self) -> Vec<Waiting> {
        let mut lanes = self.lanes.lock();
        let by_table = std::mem::take(&mut lanes.by_table);
        *lanes = Lanes { closed: true, ..Lanes::default() };
        by_table.into_values().flat_map(|lane| lane.requests).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(bytes: usize) -> Waiting {
        of(1, bytes)
    }

    fn of(table: u32, bytes: usize) -> Waiting {
        let reply = oneshot::channel().0;
        Waiting { table: TableId(table), encoded: vec![0; bytes], count: 1, reply }
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

    #[test]
    fn a_table_that_fills_the_queue_is_refused_and_the_others_are_not() {
        let queue = Queue::default();
        let storm = std::iter::repeat_with(|| queue.push(of(1, ENTRY_BYTES))).take(1_000);
        let refused = storm.filter(Result::is_err).count();
        assert_eq!(refused, 1_000 - QUEUE_BYTES_MAX / ENTRY_BYTES);
        for _ in 0..100 {
            queue.push(of(2, 100)).unwrap();
        }
        assert!(matches!(queue.push(of(1, 1)), Err(CellError::Overloaded { .. })));
        // Everything small is in the first two entries, beside the storm.
        let first: Vec<TableId> =
            (0..2).flat_map(|_| queue.take()).map(|waiting| waiting.table).collect();
        assert_eq!(first.iter().filter(|table| table.0 == 2).count(), 100);
        assert!(first.contains(&TableId(1)));
    }

    #[test]
    fn nothing_is_lost_and_each_table_keeps_its_order() {
        let queue = Queue::default();
        let mut seed = 5_u64;
        let mut random = move |below: u64| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        let mut pushed: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        let mut taken: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        let mut note = |waiting: Vec<Waiting>| {
            for request in waiting {
                taken.entry(request.table.0).or_default().push(request.encoded.len());
            }
        };
        for _ in 0..5_000 {
            let table = u32::try_from(random(7)).unwrap();
            let bytes = usize::try_from(random(350_000)).unwrap();
            if queue.push(of(table, bytes)).is_ok() {
                pushed.entry(table).or_default().push(bytes);
            }
            if random(4) == 0 {
                note(queue.take());
            }
        }
        loop {
            let rest = queue.take();
            if rest.is_empty() {
                break;
            }
            note(rest);
        }
        assert_eq!(taken, pushed);
    }
}
