//! What happened, in order, as lines and as one hash over them: two runs are the same if their
//! hashes are.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::time::Instant;
use xxhash_rust::xxh3::Xxh3;

/// The trace of a run; clones are the same.
#[derive(Clone)]
pub(crate) struct Trace(Arc<Mutex<State>>);

struct State {
    hash: Xxh3,
    lines: u64,
    began: Instant,
    shown: bool,
}

impl std::fmt::Debug for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trace").finish_non_exhaustive()
    }
}

impl Trace {
    /// An empty trace that begins now; its lines are printed if they are to be shown.
    pub(crate) fn new(shown: bool) -> Self {
        let state = State { hash: Xxh3::new(), lines: 0, began: Instant::now(), shown };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Milliseconds since the beginning.
    pub(crate) fn now_ms(&self) -> u128 {
        self.0.lock().began.elapsed().as_millis()
    }

    /// Adds a line.
    pub(crate) fn note(&self, what: impl std::fmt::Display) {
        let mut state = self.0.lock();
        let line = format!("{:>6} {what}\n", state.began.elapsed().as_millis());
        state.hash.update(line.as_bytes());
        state.lines = state.lines.saturating_add(1);
        if state.shown {
            print(&line);
        }
    }

    /// Shows what is different every time, such as the name of a scratch folder.
    pub(crate) fn remark(&self, what: impl std::fmt::Display) {
        if self.0.lock().shown {
            print(&format!("       ({what})\n"));
        }
    }

    /// The number of lines, and their hash.
    pub(crate) fn sum(&self) -> (u64, u64) {
        let state = self.0.lock();
        (state.lines, state.hash.digest())
    }
}

#[expect(clippy::print_stdout, reason = "the trace that was asked for")]
fn print(line: &str) {
    print!("{line}");
}
