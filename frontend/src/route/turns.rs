//! Whose request a node is given next. A node is given as many at once as it answers without delay
//! ([`Window`]); the rest waits here, where it can be overtaken: keyspaces take turns, and one with
//! fewer requests there than its share of the window does not wait at all.
//!
//! Guarantees: one keyspace may use all of a node that nobody else asks; what waits longer than
//! [`WAIT_MAX`] is refused when it comes, not later; a node that does not answer holds nobody up.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use cellar_cell_api::CellError;
use cellar_metadata_api::NodeId;
use parking_lot::{Mutex, RwLock};
use tokio::{
    sync::oneshot,
    time::{Duration, Instant, timeout},
};

use super::{SILENT_MS, window::Window};

/// How long a request may have to wait for its turn, as far as can be foreseen.
const WAIT_MAX: Duration = Duration::from_secs(2);
/// So many may wait whatever is foreseen: it may be wrong.
const WAITING_MIN: usize = 64;

/// The turns at every node; clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns(Arc<RwLock<HashMap<NodeId, Arc<Gate>>>>);

/// A keyspace, by the hash of its name: two that share one share their turns, too.
pub(super) type Tenant = u64;

/// Why there is no turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoTurn {
    /// It would come too late, or has.
    Late {
        /// Requests of the same keyspace that wait.
        waiting: usize,
        /// Requests that the node has.
        running: usize,
        /// Keyspaces that ask for something.
        tenants: usize,
    },
    /// The node does not answer.
    Silent,
}

#[derive(Debug)]
struct Gate(Mutex<Lanes>);

#[derive(Debug)]
struct Lanes {
    window: Window,
    running: usize,
    /// Only those of which something runs or waits.
    by_tenant: HashMap<Tenant, Lane>,
    /// Those of which something waits, in the order of their turns.
    turns: VecDeque<Tenant>,
    /// Until then nothing waits, since the node does not answer.
    open_until: Option<Instant>,
}

#[derive(Debug, Default)]
struct Lane {
    running: usize,
    waiting: VecDeque<oneshot::Sender<Turn>>,
}

/// A request's turn; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    gate: Arc<Gate>,
    tenant: Tenant,
    begun: Instant,
}

impl Turns {
    /// Waits for the turn of a request.
    pub(super) async fn enter(
        &self,
        node: NodeId,
        tenant: Tenant,
        patience: Duration,
    ) -> Result<Turn, NoTurn> {
        let gate = self.gate(node);
        let told = {
            let mut lanes = gate.0.lock();
            if lanes.lets_in(tenant) {
                lanes.begin(tenant);
                drop(lanes);
                return Ok(Turn::begin(gate, tenant));
            }
            if lanes.foreseen(tenant) > WAIT_MAX {
                return Err(lanes.late(tenant));
            }
            lanes.wait(tenant)
        };
        match timeout(patience, told).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) => Err(NoTurn::Silent),
            Err(_) => Err(gate.0.lock().late(tenant)),
        }
    }

    fn gate(&self, node: NodeId) -> Arc<Gate> {
        if let Some(gate) = self.0.read().get(&node) {
            return Arc::clone(gate);
        }
        Arc::clone(self.0.write().entry(node).or_insert_with(|| Arc::new(Gate::new())))
    }
}

impl Gate {
    fn new() -> Self {
        Self(Mutex::new(Lanes {
            window: Window::new(Instant::now()),
            running: 0,
            by_tenant: HashMap::new(),
            turns: VecDeque::new(),
            open_until: None,
        }))
    }

    /// Lets in whoever is next, as long as there is room.
    fn go_on(self: &Arc<Self>) {
        loop {
            let next = self.0.lock().next();
            let Some((tenant, waiting)) = next else { return };
            // If it went away, the turn comes back and ends.
            drop(waiting.send(Turn::begin(Arc::clone(self), tenant)));
        }
    }
}

impl Turn {
    fn begin(gate: Arc<Gate>, tenant: Tenant) -> Self {
        Self { gate, tenant, begun: Instant::now() }
    }

    /// The node has answered, or not.
    pub(super) fn end_with(self, error: Option<&CellError>) {
        match error {
            None => self.gate.0.lock().answered(self.begun),
            Some(CellError::Unknown { .. }) => self.gate.0.lock().unanswered(),
            // Nothing was done, which takes no time.
            Some(_) => {}
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.gate.0.lock().end(self.tenant);
        self.gate.go_on();
    }
}

impl Lanes {
    fn answered(&mut self, begun: Instant) {
        let now = Instant::now();
        self.window.answered(now.saturating_duration_since(begun), now);
        self.open_until = None;
    }

    /// The node has not answered: whoever waits for it is sent away to look for another.
    fn unanswered(&mut self) {
        self.open_until = Some(Instant::now() + Duration::from_millis(SILENT_MS));
        self.turns.clear();
        // Whoever waits hears that nobody will tell.
        self.by_tenant.values_mut().for_each(|lane| lane.waiting.clear());
        self.by_tenant.retain(|_, lane| lane.running > 0);
    }

    /// The part of the window of each keyspace, when so many ask for something.
    fn share(&self, tenants: usize) -> usize {
        (self.window.size() / tenants.max(1)).max(1)
    }

    fn lets_in(&mut self, tenant: Tenant) -> bool {
        if self.open_until.is_some_and(|until| Instant::now() < until) {
            return true;
        }
        let lane = self.by_tenant.get(&tenant);
        let tenants = self.by_tenant.len() + usize::from(lane.is_none());
        let (running, waits) = lane.map_or((0, false), |l| (l.running, !l.waiting.is_empty()));
        let room = self.running < self.window.size() && self.turns.is_empty();
        if room || (running < self.share(tenants) && !waits) {
            return true;
        }
        self.window.note_full(Instant::now());
        false
    }

    fn begin(&mut self, tenant: Tenant) {
        self.running += 1;
        self.by_tenant.entry(tenant).or_default().running += 1;
    }

    fn end(&mut self, tenant: Tenant) {
        self.running = self.running.saturating_sub(1);
        let Some(lane) = self.by_tenant.get_mut(&tenant) else { return };
        lane.running = lane.running.saturating_sub(1);
        if lane.running == 0 && lane.waiting.is_empty() {
            self.by_tenant.remove(&tenant);
        }
    }

    fn wait(&mut self, tenant: Tenant) -> oneshot::Receiver<Turn> {
        let (tell, told) = oneshot::channel();
        let lane = self.by_tenant.entry(tenant).or_default();
        if lane.waiting.is_empty() {
            self.turns.push_back(tenant);
        }
        lane.waiting.push_back(tell);
        told
    }

    /// Who is let in next, and counted as such. Whoever went away meanwhile has no turn.
    fn next(&mut self) -> Option<(Tenant, oneshot::Sender<Turn>)> {
        let share = self.share(self.by_tenant.len());
        for _ in 0..self.turns.len() {
            let tenant = self.turns.pop_front()?;
            let Some(lane) = self.by_tenant.get_mut(&tenant) else { continue };
            if self.running >= self.window.size() && lane.running >= share {
                self.turns.push_back(tenant);
                continue;
            }
            let mut waiting = std::iter::from_fn(|| lane.waiting.pop_front());
            let next = waiting.find(|waiting| !waiting.is_closed());
            if !lane.waiting.is_empty() {
                self.turns.push_back(tenant);
                self.window.note_full(Instant::now());
            } else if next.is_none() && lane.running == 0 {
                self.by_tenant.remove(&tenant);
            }
            if let Some(next) = next {
                self.begin(tenant);
                return Some((tenant, next));
            }
        }
        None
    }

    /// How long the next request would have to wait, by what the node does each second.
    fn foreseen(&self, tenant: Tenant) -> Duration {
        let waiting = self.by_tenant.get(&tenant).map_or(0, |lane| lane.waiting.len());
        let Some(per_s) = self.window.per_s().filter(|_| waiting >= WAITING_MIN) else {
            return Duration::ZERO;
        };
        let ahead = u64::try_from(waiting.saturating_mul(self.turns.len().max(1)));
        Duration::from_millis(ahead.unwrap_or(u64::MAX).saturating_mul(1_000) / per_s.max(1))
    }

    fn late(&self, tenant: Tenant) -> NoTurn {
        let waiting = self.by_tenant.get(&tenant).map_or(0, |lane| lane.waiting.len());
        NoTurn::Late { waiting, running: self.running, tenants: self.by_tenant.len() }
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt, future::BoxFuture};
    use tokio::task::unconstrained;

    use super::*;
    use crate::route::window::SIZE_MIN;

    const NODE: NodeId = NodeId(1);
    const GREEDY: Tenant = 1;
    const SMALL: Tenant = 2;
    const PATIENCE: Duration = Duration::from_secs(3_600);

    type Entering = BoxFuture<'static, Result<Turn, NoTurn>>;

    fn enter(turns: &Turns, tenant: Tenant) -> Entering {
        let turns = turns.clone();
        async move { turns.enter(NODE, tenant, PATIENCE).await }.boxed()
    }

    /// How it ended, if it has; however much the runtime thinks this task has done already.
    fn poll(entering: &mut Entering) -> Option<Result<Turn, NoTurn>> {
        unconstrained(entering).now_or_never()
    }

    /// Requests of a keyspace that come together: those that have their turn, and the others.
    fn come(turns: &Turns, tenant: Tenant, count: usize) -> (Vec<Turn>, Vec<Entering>) {
        let (mut have, mut wait) = (Vec::new(), Vec::new());
        for mut entering in (0..count).map(|_| enter(turns, tenant)) {
            match poll(&mut entering) {
                Some(turn) => have.push(turn.unwrap()),
                None => wait.push(entering),
            }
        }
        (have, wait)
    }

    /// Those that have their turn now.
    fn have(wait: &mut Vec<Entering>) -> Vec<Turn> {
        let mut have = Vec::new();
        wait.retain_mut(|entering| match poll(entering) {
            Some(turn) => {
                have.push(turn.unwrap());
                false
            }
            None => true,
        });
        have
    }

    #[tokio::test]
    async fn one_keyspace_has_all_of_an_idle_node_and_another_comes_in_ahead_of_what_waits() {
        let turns = Turns::default();
        let (mut greedy, mut waits) = come(&turns, GREEDY, 5_000);
        let window = greedy.len();
        assert!(window >= SIZE_MIN, "{window}");
        let (small, late) = come(&turns, SMALL, window / 2);
        assert_eq!((small.len(), late.len()), (window / 2, 0));
        // Until the node has no more than its window again, nobody else is given to it.
        greedy.truncate(window / 2);
        assert_eq!(have(&mut waits).len(), 0);
        drop(small);
        assert_eq!(have(&mut waits).len(), window - window / 2);
    }

    #[tokio::test]
    async fn keyspaces_that_all_ask_for_too_much_have_equally_many_turns() {
        let turns = Turns::default();
        let (running, mut first) = come(&turns, GREEDY, 1_000);
        let (early, mut second) = come(&turns, SMALL, 1_000);
        drop((running, early));
        let (mut of_first, mut of_second) = (0, 0);
        for _ in 0..4 {
            let (one, two) = (have(&mut first), have(&mut second));
            (of_first, of_second) = (of_first + one.len(), of_second + two.len());
        }
        assert!(of_first.abs_diff(of_second) <= of_first / 2, "{of_first} and {of_second}");
    }

    #[tokio::test]
    async fn whoever_waits_for_a_node_that_does_not_answer_is_sent_away_and_nobody_waits_then() {
        let turns = Turns::default();
        let (mut running, waiting) = come(&turns, GREEDY, 300);
        let unknown = CellError::Unknown { reason: "no answer".to_owned() };
        running.pop().unwrap().end_with(Some(&unknown));
        for waited in waiting {
            assert_eq!(waited.await.unwrap_err(), NoTurn::Silent);
        }
        assert_eq!(come(&turns, GREEDY, 5_000).1.len(), 0);
        drop(running);
        assert!(turns.gate(NODE).0.lock().by_tenant.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_would_wait_too_long_is_refused_at_once_and_other_keyspaces_are_not() {
        let turns = Turns::default();
        let (mut running, mut waits) = come(&turns, GREEDY, 200);
        // A node that does 100 a second.
        for _ in 0..200 {
            tokio::time::advance(Duration::from_millis(10)).await;
            running.remove(0).end_with(None);
            let (more, wait) = come(&turns, GREEDY, 1);
            running.extend(more);
            waits.extend(wait);
            running.extend(have(&mut waits));
        }
        let mut refused = None;
        while refused.is_none() {
            let mut entering = enter(&turns, GREEDY);
            match poll(&mut entering) {
                Some(turn) => refused = Some(turn.unwrap_err()),
                None => waits.push(entering),
            }
        }
        let Some(NoTurn::Late { waiting, tenants: 1, .. }) = refused else { panic!("{refused:?}") };
        assert!((150..=250).contains(&waiting), "{waiting}");
        assert_eq!(come(&turns, SMALL, 10).0.len(), 10);
    }

    #[tokio::test]
    async fn requests_that_are_given_up_leave_nothing_behind() {
        let turns = Turns::default();
        let (running, waiting) = come(&turns, GREEDY, 1_000);
        drop(waiting);
        drop(running);
        let gate = turns.gate(NODE);
        let lanes = gate.0.lock();
        assert_eq!((lanes.running, lanes.by_tenant.len(), lanes.turns.len()), (0, 0, 0));
    }
}
