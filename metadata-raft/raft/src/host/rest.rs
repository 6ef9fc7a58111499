//! Rest of the groups of a host: leaders offer it, and followers watch the leaders' nodes, one
//! call for all groups, so that no group needs heartbeats of its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Weak},
    time::Duration,
};

use cellar_rpc::{Client, Router};
use futures::future::join_all;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::time::{self, Instant};

use super::Inner;
use crate::{
    group::{Group, Offer, Refused},
    limits::{
        ALIVE_CALL_MS_MAX, ALIVE_LOOK_MS, ALIVE_MS_MAX, CHECKED_EVERY, OFFER_MS_MAX, OFFERS_MAX,
        REST_LOOKS,
    },
};

const REST: &str = "/raft/rest";
const ALIVE: &str = "/raft/alive";

/// What a host knows of its groups' rest.
#[derive(Debug)]
pub(super) struct Resting {
    /// Another number in every life of the process: groups did not rest through its end.
    life: u64,
    /// The nodes that lead groups which rest here.
    leaders: Mutex<BTreeMap<u64, Leader>>,
}

/// A node that leads groups which rest here.
#[derive(Clone, Debug)]
struct Leader {
    address: String,
    life: u64,
    /// When it was known to be there.
    seen: Instant,
    groups: BTreeSet<u64>,
}

/// Asks the followers of groups to rest.
#[derive(Debug, Serialize, Deserialize)]
struct Ask {
    to: u64,
    from: u64,
    life: u64,
    offers: Vec<Offer>,
}

/// Asks whether a node is there, and which of these groups do not rest with it as their leader.
#[derive(Debug, Serialize, Deserialize)]
struct Look {
    to: u64,
    groups: Vec<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    life: u64,
    /// The node's disk stands still: others should lead.
    stalled: bool,
    awake: Vec<u64>,
}

impl Default for Resting {
    fn default() -> Self {
        Self { life: fastrand::u64(..), leaders: Mutex::default() }
    }
}

impl Resting {
    /// Whether the node that leads a group which rests here was there a moment ago.
    pub(super) fn has_seen(&self, node: u64) -> bool {
        let within = Duration::from_millis(ALIVE_MS_MAX);
        self.leaders.lock().get(&node).is_some_and(|leader| leader.seen.elapsed() < within)
    }
}

impl Inner {
    /// Lets quiet groups rest.
    pub(super) fn let_rest(self: &Arc<Self>, after_ms: u64) {
        if after_ms == 0 {
            return;
        }
        let offering = Self::offer_rest(Arc::downgrade(self), Duration::from_millis(after_ms));
        let token = self.tasks.token().clone();
        self.tasks.spawn("rest of raft groups", async move {
            token.run_until_cancelled(offering).await;
        });
        let watching = Self::watch_leaders(Arc::downgrade(self));
        let token = self.tasks.token().clone();
        self.tasks.spawn("leaders of resting raft groups", async move {
            token.run_until_cancelled(watching).await;
        });
    }

    /// Lets groups rest that could, until cancelled; `after` is how long nothing must be asked.
    async fn offer_rest(host: Weak<Self>, after: Duration) {
        let mut looks = time::interval(after / REST_LOOKS);
        looks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            let Some(host) = host.upgrade() else { return };
            host.offer_once().await;
        }
    }

    async fn offer_once(&self) {
        let groups: Vec<Group> = self.running.lock().groups.values().cloned().collect();
        let mut offers: BTreeMap<u64, (String, Vec<Offer>)> = BTreeMap::new();
        let mut waiting = Vec::new();
        for group in groups {
            let Some((offer, others)) = group.may_rest(REST_LOOKS) else { continue };
            if waiting.len() >= OFFERS_MAX {
                continue;
            }
            for (node, address) in &others {
                let (_, to_node) =
                    offers.entry(*node).or_insert_with(|| (address.clone(), Vec::new()));
                to_node.push(offer.clone());
            }
            waiting.push((group, others));
        }
        let asked = offers.into_iter().map(async |(node, (address, offers))| {
            let client = self.peers.client(node, &address);
            let ask = Ask { to: node, from: self.node, life: self.resting.life, offers };
            let patience = Duration::from_millis(OFFER_MS_MAX);
            let agreed: Result<BTreeSet<u64>, _> = client.call(REST, &ask, patience).await;
            (node, agreed.unwrap_or_default())
        });
        let agreed: BTreeMap<u64, BTreeSet<u64>> = join_all(asked).await.into_iter().collect();
        for (group, others) in waiting {
            let agrees = |node| agreed.get(node).is_some_and(|all| all.contains(&group.id()));
            if others.keys().all(agrees) {
                group.begin_rest();
            }
        }
    }

    fn agree(&self, ask: &Ask) -> BTreeSet<u64> {
        let mut agreed = BTreeSet::new();
        for offer in &ask.offers {
            let Some(group) = self.group(offer.group) else { continue };
            let Some(address) = group.address_of(ask.from) else { continue };
            // Watched before it rests.
            self.resting.watch(ask, address, offer.group);
            if group.rest_with(ask.from, offer) {
                agreed.insert(offer.group);
            }
        }
        agreed
    }

    /// Watches the nodes that lead resting groups, until cancelled.
    async fn watch_leaders(host: Weak<Self>) {
        let mut looks = time::interval(Duration::from_millis(ALIVE_LOOK_MS));
        looks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
        let mut count = 0_u32;
        loop {
            looks.tick().await;
            let Some(host) = host.upgrade() else { return };
            count = count.wrapping_add(1);
            host.look_once(count.is_multiple_of(CHECKED_EVERY)).await;
        }
    }

    async fn look_once(&self, check: bool) {
        let leaders = self.resting.leaders.lock().clone();
        let looks = leaders.into_iter().map(async |(node, leader)| {
            let client = self.peers.client(node, &leader.address);
            let groups = if check { leader.groups.iter().copied().collect() } else { Vec::new() };
            (node, leader.life, look(client, node, groups).await)
        });
        for (node, life, answer) in join_all(looks).await {
            let wake = self.resting.take(node, life, answer);
            for group in wake.iter().filter_map(|group| self.group(*group)) {
                if group.rests_with() == Some(node) {
                    group.wake_without(node);
                }
            }
            self.forget_awake(node);
        }
    }

    /// Whether a resting group knows better than to ask for another leader: it leads, and says so
    /// to whoever misses its word, or the leader's node is there.
    pub(super) fn stands_by_leader(&self, group: &Group) -> bool {
        if group.leads_resting() {
            group.stir();
            return true;
        }
        group.rests_with().is_some_and(|node| self.resting.has_seen(node))
    }

    /// Watches a node no longer for groups that do not rest with it.
    fn forget_awake(&self, node: u64) {
        let mut leaders = self.resting.leaders.lock();
        let Some(leader) = leaders.get_mut(&node) else { return };
        leader.groups.retain(|group| {
            self.group(*group).is_some_and(|group| group.rests_with() == Some(node))
        });
        if leader.groups.is_empty() {
            leaders.remove(&node);
        }
    }

    fn answer(&self, look: &Look) -> Answer {
        let rests = |id: &u64| self.group(*id).is_some_and(|group| group.leads_resting());
        let awake = look.groups.iter().copied().filter(|id| !rests(id)).collect();
        Answer { life: self.resting.life, stalled: *self.stalled.borrow(), awake }
    }
}

async fn look(client: Client, to: u64, groups: Vec<u64>) -> Option<Answer> {
    let patience = Duration::from_millis(ALIVE_CALL_MS_MAX);
    client.call(ALIVE, &Look { to, groups }, patience).await.ok()
}

impl Resting {
    fn watch(&self, ask: &Ask, address: String, group: u64) {
        let mut leaders = self.leaders.lock();
        let fresh =
            || Leader { address, life: ask.life, seen: Instant::now(), groups: BTreeSet::new() };
        // One of another life stays until its groups are awake, and these with them.
        leaders.entry(ask.from).or_insert_with(fresh).groups.insert(group);
    }

    /// Takes what a leader's node has answered; returns the groups that rest no longer.
    fn take(&self, node: u64, life: u64, answer: Option<Answer>) -> BTreeSet<u64> {
        let mut leaders = self.leaders.lock();
        let Some(leader) = leaders.get_mut(&node) else { return BTreeSet::new() };
        match answer {
            Some(answer) if answer.life == life && !answer.stalled => {
                leader.seen = Instant::now();
                answer.awake.into_iter().collect()
            }
            None if leader.seen.elapsed() < Duration::from_millis(ALIVE_MS_MAX) => BTreeSet::new(),
            _ => leader.groups.clone(),
        }
    }
}

/// The host, if it is the node that is meant.
fn addressed(host: &Weak<Inner>, to: u64) -> Result<Arc<Inner>, Refused> {
    let host = host.upgrade().ok_or(Refused::OtherNode(0))?;
    if host.node == to { Ok(host) } else { Err(Refused::OtherNode(host.node)) }
}

/// Adds the handlers to a router.
pub(super) fn register(host: &Arc<Inner>, router: Router) -> Router {
    let weak = Arc::downgrade(host);
    let rest = move |ask: Ask| {
        let host = addressed(&weak, ask.to);
        async move { Ok::<_, Refused>(host?.agree(&ask)) }
    };
    let weak = Arc::downgrade(host);
    let alive = move |look: Look| {
        let host = addressed(&weak, look.to);
        async move { Ok::<_, Refused>(host?.answer(&look)) }
    };
    router.call(REST, rest).call(ALIVE, alive)
}
