//! The traces of a frontend: the latest ones, for a while.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use cellar_rpc::Pool;
use parking_lot::Mutex;
#[cfg(test)]
use uuid::Uuid;

use super::Trace;

/// Traces kept: with all their notes they take about 20 MB at most.
const TRACES_MAX: usize = 500;
/// How long a trace is kept. Clients ask for it at once, people within minutes.
const KEPT: Duration = Duration::from_secs(3_600);

/// When each came, the oldest first.
type Kept = VecDeque<(Instant, Arc<Trace>)>;

/// The traces of a frontend; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Traces {
    kept: Arc<Mutex<Kept>>,
    /// How other frontends are asked.
    pool: Option<Pool>,
}

impl Traces {
    /// Those of a frontend that asks others for what it does not have. [`Traces::default`] asks
    /// nobody.
    #[must_use]
    pub fn among_others(pool: Pool) -> Self {
        Self { pool: Some(pool), ..Self::default() }
    }

    pub(super) fn pool(&self) -> Option<&Pool> {
        self.pool.as_ref()
    }

    pub(super) fn add(&self, trace: Arc<Trace>) {
        let mut kept = self.kept.lock();
        kept.push_back((Instant::now(), trace));
        if kept.len() > TRACES_MAX {
            kept.pop_front();
        }
        while kept.front().is_some_and(|(at, _)| at.elapsed() > KEPT) {
            kept.pop_front();
        }
    }

    /// Every trace that is not too old, the latest last.
    pub(super) fn all(&self) -> Vec<Arc<Trace>> {
        let kept = self.kept.lock();
        let fresh = kept.iter().filter(|(at, _)| at.elapsed() <= KEPT);
        fresh.map(|(_, trace)| Arc::clone(trace)).collect()
    }

    #[cfg(test)]
    pub(super) fn get(&self, id: Uuid) -> Option<Arc<Trace>> {
        self.all().into_iter().find(|trace| trace.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Request, *};

    #[test]
    fn the_oldest_trace_goes_when_there_are_too_many() {
        let traces = Traces::default();
        for at_us in 0..i64::try_from(TRACES_MAX).unwrap() + 10 {
            let request = Request { client: None, activity: "", parameters: Vec::new(), at_us };
            traces.add(Arc::new(Trace::new(request)));
        }
        let all = traces.all();
        assert_eq!(all.len(), TRACES_MAX);
        assert_eq!(all[0].request.at_us, 10);
    }
}
