//! Laws that hold on any cluster: it comes to rest, and what it does on the way costs no copy and
//! no rack.

use std::collections::{BTreeMap, BTreeSet};

use cellar_metadata_api::{Cell, NodeId, NodeState};
use proptest::prelude::*;

use super::{
    super::Plan,
    world::{MIB, World},
};

/// How uneven the spread over racks is: replicas beyond one in each rack.
fn doubled(world: &World, replicas: &[NodeId]) -> usize {
    let racks: BTreeSet<_> = replicas.iter().map(|node| world.rack(*node)).collect();
    replicas.len() - racks.len()
}

fn healthy(world: &World, replicas: &[NodeId]) -> usize {
    replicas.iter().filter(|node| world.is_up(**node)).count()
}

fn check(world: &World, before: &[Cell], plans: &[Plan]) {
    world.check(plans);
    for plan in plans {
        let Plan::Replicas { cell, target, .. } = plan else { continue };
        let cell = before.iter().find(|known| known.id == *cell).unwrap();
        let was = healthy(world, &cell.replicas);
        assert!(healthy(world, target) >= was, "{plan:?} costs a copy of {cell:?}");
        if target.len() == cell.replicas.len() && was == cell.replicas.len() {
            let spread = doubled(world, target) <= doubled(world, &cell.replicas);
            assert!(spread, "{plan:?} puts more into one rack than {cell:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_cluster_comes_to_rest_and_loses_nothing_on_the_way(
        racks in prop::collection::vec(0_u8..4, 2..8),
        copies in 1_usize..4,
        sizes in prop::collection::vec(0_u64..64, 1..24),
        busy in prop::collection::vec(any::<bool>(), 24),
        events in prop::collection::vec((0_usize..40, 1_u64..8, 0_u8..3), 0..6),
        late in 0_usize..3,
    ) {
        let names: Vec<String> = racks.iter().map(|rack| format!("r{rack}")).collect();
        let nodes: Vec<(&str, &str)> = names.iter().map(|rack| ("dc1", rack.as_str())).collect();
        let mut world = World::new(&nodes[..nodes.len() - late.min(nodes.len() - 1)]);
        let bytes: Vec<u64> = sizes.iter().map(|size| size * MIB).collect();
        world.simple(&copies.to_string(), &bytes);
        for (cell, busy) in world.cells().iter().zip(&busy) {
            world.writes.insert(cell.id, u64::from(*busy));
        }
        for rack in &names[nodes.len() - late.min(nodes.len() - 1)..] {
            world.join("dc1", rack);
        }
        for round in 0..40 {
            for (_, node, what) in events.iter().filter(|(at, ..)| *at == round) {
                let node = (*node - 1) % u64::try_from(nodes.len()).unwrap() + 1;
                let state = [NodeState::Up, NodeState::Down, NodeState::Draining][usize::from(*what)];
                world.set(node, state);
            }
            let before = world.cells();
            let plans = world.look();
            check(&world, &before, &plans);
            world.carry_out(2);
        }
        world.settle();
        rested(&world, copies);
    }
}

/// What holds once nothing is planned any more.
fn rested(world: &World, copies: usize) {
    let up = world.state.catalog().nodes.keys().filter(|node| world.is_up(**node)).count();
    let held: BTreeMap<NodeId, u64> = world.loads();
    for cell in world.cells() {
        let alive = cell
            .replicas
            .iter()
            .filter(|node| world.state.catalog().nodes[node].state != NodeState::Down);
        if alive.count() * 2 <= cell.replicas.len() {
            continue;
        }
        let good = healthy(world, &cell.replicas);
        assert!(good >= copies.min(up), "{cell:?} has {good} copies, {up} nodes: {held:?}");
        assert!(cell.replicas.len() <= copies.max(1), "{cell:?}");
    }
}
