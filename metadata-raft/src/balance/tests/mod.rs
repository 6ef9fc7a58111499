//! The rules, each by itself and all together on clusters that do what they are told.

mod laws;
mod world;

use cellar_metadata_api::{CellId, NodeId, NodeState};

use self::world::{MIB, World};
use super::{BalanceOptions, Plan};

const RACKS: [(&str, &str); 3] = [("dc1", "r1"), ("dc1", "r2"), ("dc1", "r3")];

fn sorted(nodes: &[NodeId]) -> Vec<u64> {
    let mut nodes: Vec<u64> = nodes.iter().map(|node| node.0).collect();
    nodes.sort_unstable();
    nodes
}

#[test]
fn a_single_node_is_left_alone_and_so_is_a_cluster_that_is_off() {
    let mut alone = World::new(&RACKS[..1]);
    alone.simple("3", &[0, 0, 0]);
    assert_eq!(alone.settle(), 0);
    let mut off = World::new(&RACKS);
    off.simple("1", &[40 * MIB; 6]);
    off.options = BalanceOptions { on: false, ..off.options };
    assert_eq!(off.settle(), 0);
}

#[test]
fn a_first_cell_with_too_few_copies_grows_when_nodes_come() {
    let mut world = World::new(&RACKS[..1]);
    world.simple("3", &[40 * MIB]);
    assert_eq!(sorted(&world.cells()[0].replicas), [1]);
    world.join("dc1", "r2");
    world.settle();
    assert_eq!(sorted(&world.cells()[0].replicas), [1, 2]);
    world.join("dc1", "r3");
    world.join("dc1", "r3");
    world.settle();
    assert_eq!(world.cells()[0].replicas.len(), 3);
}

#[test]
fn a_fourth_empty_node_gets_its_fair_share_and_nothing_moves_twice() {
    let mut world = World::new(&RACKS);
    world.simple("3", &[40 * MIB; 40]);
    world.settle();
    assert_eq!(world.moves, 0, "three nodes hold everything");
    let newcomer = world.join("dc1", "r4");
    world.settle();
    let loads = world.loads();
    let fair = loads.values().sum::<u64>() / 4;
    assert!(loads[&newcomer] * 10 >= fair * 8, "{loads:?}");
    assert!(world.moves <= 31, "{} moves for 30 replicas", world.moves);
    for cell in world.cells() {
        let racks: std::collections::BTreeSet<_> =
            cell.replicas.iter().map(|node| world.rack(*node)).collect();
        assert_eq!(racks.len(), 3, "{cell:?}");
    }
}

#[test]
fn a_newcomer_in_a_rack_shares_with_that_rack_when_there_are_just_enough_of_them() {
    let mut world = World::new(&RACKS);
    world.simple("3", &[40 * MIB; 40]);
    let newcomer = world.join("dc1", "r1");
    world.settle();
    let loads = world.loads();
    assert_eq!(loads[&newcomer], loads[&NodeId(1)]);
    assert_eq!(loads[&NodeId(2)], loads[&NodeId(3)]);
}

#[test]
fn a_node_that_is_down_is_waited_for_and_then_replaced() {
    let mut world = World::new(&RACKS);
    world.join("dc1", "r3");
    world.simple("3", &[40 * MIB; 8]);
    world.settle();
    let before = world.moves;
    world.set(3, NodeState::Down);
    for _ in 0..60 {
        let plans = world.look();
        assert!(!plans.iter().any(|plan| matches!(plan, Plan::Replicas { .. })), "{plans:?}");
    }
    world.settle();
    assert!(world.moves > before);
    let held = world.cells().iter().filter(|cell| cell.replicas.contains(&NodeId(3))).count();
    assert_eq!(held, 0);
    assert!(world.cells().iter().all(|cell| cell.replicas.len() == 3));
    assert_eq!(world.led()[&NodeId(3)], 0);
}

#[test]
fn a_drained_node_ends_up_empty_unless_that_would_cost_copies() {
    let mut world = World::new(&RACKS);
    world.simple("3", &[40 * MIB; 4]);
    world.set(2, NodeState::Draining);
    world.settle();
    assert_eq!(world.moves, 0, "there is nowhere to go");
    assert_eq!(world.led()[&NodeId(2)], 0, "but it leads nothing");
    world.join("dc1", "r2");
    world.settle();
    assert_eq!(world.loads()[&NodeId(2)], 0);
    assert!(world.cells().iter().all(|cell| cell.replicas.len() == 3));
    world.run(&cellar_metadata_api::Command::RemoveNode { id: NodeId(2) });
}

#[test]
fn a_move_to_a_node_that_is_lost_on_the_way_goes_elsewhere() {
    let mut world = World::new(&RACKS);
    world.simple("3", &[40 * MIB; 8]);
    let fourth = world.join("dc1", "r1");
    let plans = world.look();
    assert!(!plans.is_empty());
    world.set(fourth.0, NodeState::Draining);
    world.settle();
    assert_eq!(world.loads()[&fourth], 0);
    assert!(world.cells().iter().all(|cell| sorted(&cell.replicas) == [1, 2, 3]));
}

#[test]
fn two_copies_in_one_rack_part_when_another_rack_has_room() {
    let mut world = World::new(&[("dc1", "r1"), ("dc1", "r1"), ("dc1", "r2")]);
    world.simple("3", &[40 * MIB; 6]);
    world.join("dc1", "r3");
    world.settle();
    for cell in world.cells() {
        let racks: std::collections::BTreeSet<_> =
            cell.replicas.iter().map(|node| world.rack(*node)).collect();
        assert_eq!(racks.len(), 3, "{cell:?}");
    }
}

#[test]
fn copies_stay_in_the_datacenters_that_their_keyspace_names() {
    let nodes: Vec<(&str, &str)> =
        [("dc1", "r1"), ("dc1", "r2"), ("dc1", "r3"), ("dc2", "r1"), ("dc2", "r2")].to_vec();
    let mut world = World::new(&nodes);
    let pinned = [("class", "NetworkTopologyStrategy"), ("dc1", "2"), ("dc2", "1")];
    world.keyspace("pinned", &pinned, &[40 * MIB; 12]);
    world.keyspace("only", &[("class", "NetworkTopologyStrategy"), ("dc1", "2")], &[MIB; 9]);
    world.set(1, NodeState::Draining);
    world.settle();
    let count = |cell: &cellar_metadata_api::Cell, dc: &str| {
        cell.replicas.iter().filter(|node| world.rack(**node).0 == dc).count()
    };
    for cell in world.cells_of("pinned") {
        assert_eq!((count(&cell, "dc1"), count(&cell, "dc2")), (2, 1), "{cell:?}");
    }
    for cell in world.cells_of("only") {
        assert_eq!((count(&cell, "dc1"), count(&cell, "dc2")), (2, 0), "{cell:?}");
    }
    assert_eq!(world.loads()[&NodeId(1)], 0);
}

#[test]
fn a_new_setting_of_a_keyspace_moves_its_cells() {
    let mut world = World::new(&[("dc1", "r1"), ("dc1", "r2"), ("dc2", "r1"), ("dc2", "r2")]);
    let one = [("class", "NetworkTopologyStrategy"), ("dc1", "2")];
    world.keyspace("ks", &one, &[40 * MIB; 5]);
    let group = world.state.catalog().groups["ks"];
    let settings = world.state.settings();
    assert!(settings.contains_key(&group));
    world.run(&cellar_metadata_api::Command::AlterKeyspace {
        name: "ks".to_owned(),
        replication: Some(
            [("class", "NetworkTopologyStrategy"), ("dc2", "2")]
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .into(),
        ),
        durable_writes: None,
        if_exists: false,
    });
    // A keyspace without tables is given another group at once, and its old cells stay behind.
    assert_ne!(world.state.catalog().groups["ks"], group);
    world.bytes.extend(world.cells_of("ks").iter().map(|cell| (cell.id, 0)));
    world.settle();
    assert!(world.cells_of("ks").iter().all(|cell| sorted(&cell.replicas) == [3, 4]));
}

#[test]
fn preferred_leaders_are_even_within_one() {
    let mut world = World::new(&RACKS);
    world.simple("3", &[40 * MIB; 20]);
    assert_eq!(world.led()[&NodeId(1)], 20, "splits leave all with the first");
    world.settle();
    let led = world.led();
    let (most, least) = (led.values().max().unwrap(), led.values().min().unwrap());
    assert!(most - least <= 1, "{led:?}");
}

#[test]
fn a_leader_of_what_is_asked_most_leads_little_else() {
    let mut world = World::new(&RACKS);
    world.simple("3", &[40 * MIB; 12]);
    world.writes.insert(CellId(1), 50_000);
    world.settle();
    let busiest = world.cells().iter().find(|cell| cell.id == CellId(1)).unwrap().replicas[0];
    let led = world.led();
    assert!(led.iter().all(|(node, led_there)| *node == busiest || led_there >= &4), "{led:?}");
    assert!(led[&busiest] <= 2, "{led:?}");
}

#[test]
fn quiet_small_neighbours_become_one_and_busy_or_large_ones_do_not() {
    let mut world = World::new(&RACKS);
    world.simple("3", &[MIB, MIB, MIB, 40 * MIB, MIB, MIB]);
    world.writes.insert(CellId(6), 1);
    for _ in 0..59 {
        let plans = world.look();
        assert!(!plans.iter().any(|plan| matches!(plan, Plan::Merge { .. })), "{plans:?}");
    }
    world.settle();
    let left: Vec<u64> = world.cells().iter().map(|cell| cell.id.0).collect();
    assert_eq!(left, [1, 4, 5, 6]);
}

#[test]
fn quiet_neighbours_on_different_nodes_are_brought_together() {
    let mut world = World::new(&RACKS);
    world.join("dc1", "r1");
    world.simple("3", &[MIB; 16]);
    for cell in world.cells() {
        world.writes.insert(cell.id, 5);
    }
    world.settle();
    let places: std::collections::BTreeSet<_> =
        world.cells().iter().map(|cell| sorted(&cell.replicas)).collect();
    assert!(places.len() > 1, "they were spread: {places:?}");
    world.writes.clear();
    world.settle();
    let bytes: Vec<u64> = world.bytes.values().copied().collect();
    assert!(bytes.len() <= 5, "{bytes:?}");
    assert_eq!(bytes.iter().sum::<u64>(), 16 * MIB);
}

#[test]
fn a_full_disk_gets_nothing_and_little_data_still_goes_where_little_room_is() {
    let mut world = World::new(&RACKS);
    world.simple("3", &[40 * MIB; 6]);
    let (full, tight) = (world.join("dc1", "r4"), world.join("dc1", "r5"));
    world.disks.insert(tight, (300 * MIB, 100_000 * MIB));
    world.disks.insert(full, (250 * MIB, 100_000 * MIB));
    world.set(3, NodeState::Draining);
    world.look();
    world.carry_out(9);
    let loads = world.loads();
    assert_eq!(loads[&full], 0, "{loads:?}");
    assert!(loads[&tight] > 0, "{loads:?}");
}

#[test]
fn nothing_is_evened_out_by_guess_while_a_node_says_nothing() {
    let mut world = World::new(&RACKS);
    world.simple("3", &[40 * MIB; 12]);
    world.join("dc1", "r1");
    world.mute.insert(NodeId(2));
    assert_eq!(world.settle(), 0);
    world.mute.clear();
    assert!(world.settle() > 0);
}
