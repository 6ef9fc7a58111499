//! What goes wrong, and when: each seed has its own mix of kinds, its own times and places.

use std::{sync::Arc, time::Duration};

use cellar_metadata_api::{Cell, KeyRange, Metadata, Position};
use cellar_rpc::tasks::Tasks;
use tokio::time::{Instant, sleep};

use crate::{
    chance::Chance,
    check::Watcher,
    client::{asking::Asking, tables::Known},
    cluster::{Cluster, MEMBERS, NODES, Role},
    process::End,
};

/// Pause between looks at the cluster.
const TICK: Duration = Duration::from_millis(50);
/// Largest error of a wall clock.
const CLOCK_ERROR_US_MAX: u64 = 3_000_000;

/// A kind of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Kill,
    PowerLoss,
    PowerLossInAWrite,
    Cut,
    OneWay,
    Breaks,
    SlowDisk,
    Pause,
    Clock,
    Split,
    Race,
    Succession,
    Move,
    Merge,
}

const KINDS: [Kind; 14] = [
    Kind::Kill,
    Kind::PowerLoss,
    Kind::PowerLossInAWrite,
    Kind::Cut,
    Kind::OneWay,
    Kind::Breaks,
    Kind::SlowDisk,
    Kind::Pause,
    Kind::Clock,
    Kind::Split,
    Kind::Race,
    Kind::Succession,
    Kind::Move,
    Kind::Merge,
];

/// Something that is done later.
enum Later {
    Start(Role),
    End(Role, End),
    Heal,
    Lighten(Role),
    SpeedUp(Role),
}

/// The trouble of one run.
pub(crate) struct Trouble {
    chance: Chance,
    kinds: Vec<Kind>,
    later: Vec<(Instant, Later)>,
    asking: Arc<Asking>,
    tables: [Known; 3],
    tasks: Tasks,
    /// How often something was done.
    pub(crate) count: u64,
}

impl Trouble {
    pub(crate) fn new(
        mut chance: Chance,
        asking: Arc<Asking>,
        tables: [Known; 3],
        tasks: Tasks,
    ) -> Self {
        let share = chance.between(25, 90);
        let kinds = KINDS.into_iter().filter(|_| chance.percent(share)).collect();
        Self { chance, kinds, later: Vec::new(), asking, tables, tasks, count: 0 }
    }

    /// Makes trouble for so long, then ends it.
    pub(crate) async fn make(
        &mut self,
        cluster: &mut Cluster,
        watcher: &mut Watcher,
        lasts: Duration,
    ) {
        let end = Instant::now() + lasts;
        let mut next = Instant::now() + self.chance.ms(200, 1_500);
        while Instant::now() < end {
            sleep(TICK).await;
            cluster.take_started();
            watcher.look(cluster).await;
            self.do_what_is_due(cluster);
            self.find_failed(cluster);
            if Instant::now() >= next {
                next = Instant::now() + self.chance.ms(50, 1_800);
                if let Some(kind) = self.chance.pick(&self.kinds).copied() {
                    self.count = self.count.saturating_add(1);
                    self.begin(cluster, kind);
                }
            }
        }
        self.calm(cluster).await;
    }

    /// Ends all trouble.
    async fn calm(&mut self, cluster: &mut Cluster) {
        cluster.surroundings.trace.note("calm");
        cluster.surroundings.network.heal();
        for (_, later) in std::mem::take(&mut self.later) {
            // A disk that is to lose power would do so at some write.
            if let Later::End(role, end) = later {
                cluster.end(role, end);
            }
        }
        for role in Cluster::roles() {
            if let Some(disk) = cluster.disk(role) {
                disk.slow_down(0);
            }
        }
        for _ in 0..5 {
            self.find_failed(cluster);
            self.later.clear();
            for role in Cluster::roles() {
                if !cluster.is_up(role) && !cluster.is_starting(role) {
                    cluster.start_one(role);
                }
            }
            cluster.all_started().await;
        }
    }

    fn do_what_is_due(&mut self, cluster: &mut Cluster) {
        let now = Instant::now();
        let (due, later) =
            std::mem::take(&mut self.later).into_iter().partition(|(at, _)| *at <= now);
        self.later = later;
        let due: Vec<(Instant, Later)> = due;
        for (_, what) in due {
            match what {
                Later::Start(role) => cluster.start_one(role),
                Later::End(role, end) if cluster.is_up(role) || cluster.is_starting(role) => {
                    self.end(cluster, role, end);
                }
                Later::End(..) => {}
                Later::Heal => {
                    cluster.surroundings.trace.note("heal");
                    cluster.surroundings.network.heal();
                }
                Later::Lighten(role) => {
                    cluster.surroundings.network.lighten(&cluster.address(role));
                }
                Later::SpeedUp(role) => {
                    if let Some(disk) = cluster.disk(role) {
                        disk.slow_down(0);
                    }
                }
            }
        }
    }

    /// A process whose log has failed has ended; its machine lost power or it was just unlucky.
    fn find_failed(&mut self, cluster: &mut Cluster) {
        for role in Cluster::roles() {
            let waits = self.later.iter().any(|(_, later)| match later {
                Later::Start(starts) => *starts == role,
                Later::End(ends, _) => *ends == role,
                _ => false,
            });
            if !waits && !cluster.is_up(role) && !cluster.is_starting(role) {
                self.end(cluster, role, End::PowerLoss);
            }
        }
    }

    fn end(&mut self, cluster: &mut Cluster, role: Role, end: End) {
        cluster.end(role, end);
        self.in_a_while(300, 4_000, Later::Start(role));
    }

    fn in_a_while(&mut self, least_ms: u64, most_ms: u64, later: Later) {
        let at = Instant::now() + self.chance.ms(least_ms, most_ms);
        self.later.push((at, later));
    }

    fn role(&mut self) -> Role {
        let (nodes, members) = (NODES as u64, MEMBERS as u64);
        let mut one = |of| usize::try_from(self.chance.below(of)).unwrap_or(0);
        let (node, member) = (one(nodes), one(members));
        if self.chance.percent(65) { Role::Node(node) } else { Role::Member(member) }
    }

    /// A process that may be ended: now and then a majority of its kind is gone.
    fn victim(&mut self, cluster: &Cluster) -> Option<Role> {
        let role = self.role();
        let same = |other: &Role| {
            matches!((role, other), (Role::Node(_), Role::Node(_)))
                || matches!((role, other), (Role::Member(_), Role::Member(_)))
        };
        let down = Cluster::roles().filter(same).filter(|other| !cluster.is_up(*other)).count();
        let most = if self.chance.percent(20) { NODES } else { 1 };
        let runs = cluster.is_up(role) || cluster.is_starting(role);
        (runs && down < most).then_some(role)
    }

    fn begin(&mut self, cluster: &mut Cluster, kind: Kind) {
        let trace = cluster.surroundings.trace.clone();
        let network = cluster.surroundings.network.clone();
        trace.note(format_args!("trouble: {kind:?}"));
        let role = self.role();
        let address = cluster.address(role);
        match kind {
            Kind::Kill | Kind::PowerLoss => {
                let end = if kind == Kind::Kill { End::Kill } else { End::PowerLoss };
                if let Some(role) = self.victim(cluster) {
                    self.end(cluster, role, end);
                }
            }
            Kind::PowerLossInAWrite => {
                if let Some(role) = self.victim(cluster) {
                    if let Some(disk) = cluster.disk(role) {
                        disk.fail_soon();
                    }
                    self.in_a_while(20, 300, Later::End(role, End::PowerLoss));
                }
            }
            Kind::Cut => {
                network.darken(&address);
                self.in_a_while(300, 5_000, Later::Lighten(role));
            }
            Kind::OneWay => {
                let other = cluster.address(self.role());
                network.close(&address, &other);
                self.in_a_while(300, 5_000, Later::Heal);
            }
            Kind::Breaks => network.break_between(&address, &cluster.address(self.role())),
            Kind::SlowDisk => {
                let by_ms = self.chance.between(20, 1_500);
                if let Some(disk) = cluster.disk(role) {
                    disk.slow_down(by_ms);
                }
                self.in_a_while(300, 4_000, Later::SpeedUp(role));
            }
            Kind::Pause => {
                network.darken(&address);
                let lasts = self.chance.between(50, 4_000);
                if let Some(disk) = cluster.disk(role) {
                    disk.slow_down(lasts);
                }
                self.in_a_while(lasts, lasts, Later::Lighten(role));
                self.in_a_while(lasts, lasts, Later::SpeedUp(role));
            }
            Kind::Clock => {
                let error = self.chance.below(2 * CLOCK_ERROR_US_MAX).cast_signed()
                    - CLOCK_ERROR_US_MAX.cast_signed();
                if let Role::Node(number) = role
                    && let Some(machine) = cluster.nodes.get(number)
                {
                    machine.clock.jump_to_us(error);
                }
            }
            Kind::Split => self.split(cluster, 1),
            Kind::Race => self.split(cluster, 6),
            Kind::Succession => self.succession(cluster),
            Kind::Move => self.relocate(),
            Kind::Merge => self.merge(cluster),
        }
    }

    /// Asks a leader for a split and ends it at once, while its followers' disks are slow; whoever
    /// comes next may hold the split without having applied it, and is asked for others.
    fn succession(&mut self, cluster: &mut Cluster) {
        let Some(table) = self.chance.pick(&self.tables).map(|known| known.table.id) else {
            return;
        };
        let catalog = Arc::clone(&self.asking.metadata.catalog().borrow());
        let token = self.chance.below(u64::MAX).cast_signed();
        let at = Position::new(table, token);
        let placement = catalog.placement_of(table);
        let Some(cell) = placement.and_then(|all| all.lookup(at)).cloned() else { return };
        let Some(leader) = cluster.leader_of(cell.id) else { return };
        let Some(role) = cluster.role_of(leader).filter(|role| cluster.is_up(*role)) else {
            return;
        };
        let slow_ms = self.chance.between(50, 500);
        let next = Self::before(&cell.range, at, &mut self.chance);
        for node in cell.replicas {
            let asking = Arc::clone(&self.asking);
            let (first, pause) = (node == leader, self.chance.ms(5, 40));
            if !first && let Some(role) = cluster.role_of(node) {
                if let Some(disk) = cluster.disk(role) {
                    disk.slow_down(slow_ms);
                }
                self.in_a_while(2_000, 4_000, Later::SpeedUp(role));
            }
            self.tasks.spawn("a split in succession", async move {
                if first {
                    drop(asking.split(node, cell.id, at).await);
                    return;
                }
                for _ in 0..120 {
                    sleep(pause).await;
                    drop(asking.split(node, cell.id, next).await);
                }
            });
        }
        self.in_a_while(20, 150, Later::End(role, End::Kill));
    }

    /// A position of a range that is left of another.
    fn before(range: &KeyRange, at: Position, chance: &mut Chance) -> Position {
        let least = if range.start.table == at.table { range.start.token } else { i64::MIN }
            .saturating_add(1);
        let room = at.token.abs_diff(least);
        Position::new(at.table, least.saturating_add_unsigned(chance.below(room)))
    }

    /// A cell, any of them.
    fn cell(&mut self) -> Option<Cell> {
        let table = self.chance.pick(&self.tables).map(|known| known.table.id)?;
        let catalog = Arc::clone(&self.asking.metadata.catalog().borrow());
        let at = Position::new(table, self.chance.below(u64::MAX).cast_signed());
        catalog.placement_of(table)?.lookup(at).cloned()
    }

    /// Plans a cell onto other nodes, and now and then back soon, whether it has moved or not.
    fn relocate(&mut self) {
        let Some(cell) = self.cell() else { return };
        let mut target: Vec<_> =
            self.asking.metadata.catalog().borrow().nodes.keys().copied().collect();
        while target.len() > cell.replicas.len().max(1) {
            let goes = usize::try_from(self.chance.below(target.len() as u64)).unwrap_or(0);
            target.remove(goes);
        }
        let back = self.chance.percent(60).then(|| self.chance.ms(200, 3_000));
        let asking = Arc::clone(&self.asking);
        self.tasks.spawn("a move", async move {
            asking.plan(cell.id, target).await;
            if let Some(pause) = back {
                sleep(pause).await;
                asking.plan(cell.id, cell.replicas).await;
            }
        });
    }

    /// Asks for a merge of a cell with the one to its right.
    fn merge(&mut self, cluster: &Cluster) {
        let Some(left) = self.cell() else { return };
        let catalog = Arc::clone(&self.asking.metadata.catalog().borrow());
        let Some(node) = cluster.leader_of(left.id) else { return };
        let right = catalog.placements.values().flat_map(|all| all.cells()).find(|right| {
            Some(right.range.start) == left.range.end && right.replicas.contains(&node)
        });
        let Some(right) = right.map(|right| right.id) else { return };
        let asking = Arc::clone(&self.asking);
        self.tasks.spawn("a merge", async move {
            drop(asking.merge(node, left.id, right).await);
        });
    }

    /// Asks for a split at some position; of several requests all race, through every node.
    fn split(&mut self, cluster: &Cluster, requests: u64) {
        let Some(table) = self.chance.pick(&self.tables).map(|known| known.table.id) else {
            return;
        };
        let catalog = Arc::clone(&self.asking.metadata.catalog().borrow());
        let nodes: Vec<_> = catalog.nodes.keys().copied().collect();
        for _ in 0..requests {
            let at = Position::new(table, self.chance.below(u64::MAX).cast_signed());
            let Some(cell) = catalog.placement_of(table).and_then(|all| all.lookup(at)).cloned()
            else {
                return;
            };
            let Some(node) =
                cluster.leader_of(cell.id).or_else(|| self.chance.pick(&nodes).copied())
            else {
                return;
            };
            let asking = Arc::clone(&self.asking);
            let pause = self.chance.ms(0, 30);
            self.tasks.spawn("a split", async move {
                sleep(pause).await;
                // It may fail; whatever becomes of it is seen by the checks.
                drop(asking.split(node, cell.id, at).await);
            });
        }
    }
}
