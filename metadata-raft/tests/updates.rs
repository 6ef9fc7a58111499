//! Watchers, placements and snapshots: whoever applies the updates holds what the service holds.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail loudly")]

mod harness;

use cellar_metadata_api::{
    Answer, Catalog, CellId, Command, Epoch, MetadataError, NodeId, NodeState, Position, SplitPlan,
    TableId,
};
use cellar_metadata_raft::State;
use cellar_schema::{CqlType, Frozen};
use harness::*;
use proptest::prelude::*;

fn cells(state: &State, keyspace: &str) -> Vec<(CellId, Epoch, Vec<NodeId>)> {
    let group = state.catalog().groups[keyspace];
    let placement = &state.catalog().placements[&group];
    placement.cells().map(|cell| (cell.id, cell.epoch, cell.replicas.clone())).collect()
}

fn allocate(state: &mut State) -> CellId {
    match run(state, &Command::AllocateCells { count: 1 }) {
        Answer::Cells(first) => first,
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn a_keyspace_made_before_any_node_gets_its_cell_when_the_first_node_comes() {
    let mut state = State::new();
    run(&mut state, &create_keyspace("ks", simple("3")));
    assert!(state.catalog().placements.is_empty());
    run(&mut state, &node("a:1", "dc1", "r1"));
    assert_eq!(cells(&state, "ks"), [(CellId(1), Epoch(1), vec![NodeId(1)])]);
    run(&mut state, &node("b:1", "dc1", "r2"));
    assert_eq!(cells(&state, "ks").len(), 1, "a later node changes nothing by itself");
}

#[test]
fn copies_are_spread_over_racks_and_nodes_out_of_touch_are_avoided() {
    let mut state = State::new();
    for (address, rack) in [("a:1", "r1"), ("b:1", "r1"), ("c:1", "r2"), ("d:1", "r3")] {
        run(&mut state, &node(address, "dc1", rack));
    }
    run(&mut state, &create_keyspace("three", simple("3")));
    assert_eq!(cells(&state, "three")[0].2, [NodeId(1), NodeId(3), NodeId(4)]);
    run(&mut state, &Command::SetNodeState { id: NodeId(3), state: NodeState::Down });
    let everywhere = options(&[("class", "NetworkTopologyStrategy"), ("dc1", "3")]);
    run(&mut state, &create_keyspace("other", everywhere));
    assert_eq!(cells(&state, "other")[0].2, [NodeId(2), NodeId(4), NodeId(1)]);
}

#[test]
fn a_node_that_registers_again_keeps_its_id_and_a_new_one_gets_another() {
    let mut state = state();
    assert_eq!(run(&mut state, &node("a:1", "dc1", "r1")), Answer::Node(NodeId(1)));
    let Command::RegisterNode { mut node, .. } = node("a:1", "dc1", "r1") else { return };
    node.address = "moved:1".to_owned();
    let moved = Command::RegisterNode { node, id: Some(NodeId(1)) };
    assert_eq!(run(&mut state, &moved), Answer::Node(NodeId(1)));
    assert_eq!(state.catalog().nodes[&NodeId(1)].address, "moved:1");
    assert_eq!(run(&mut state, &harness::node("b:1", "dc1", "r1")), Answer::Node(NodeId(2)));
}

#[test]
fn a_split_sent_twice_is_done_once_and_a_stale_one_is_a_conflict() {
    let mut state = state();
    let right = allocate(&mut state);
    let at = Position::new(state.catalog().table("ks", "t").unwrap().id, 0);
    let plan = SplitPlan { cell: CellId(1), epoch: Epoch(1), at, right };
    run(&mut state, &Command::Split(plan));
    let version = state.catalog().version;
    assert_eq!(run(&mut state, &Command::Split(plan)), Answer::Done { version });
    assert_eq!(cells(&state, "ks").len(), 2);
    let stale = SplitPlan { right: allocate(&mut state), ..plan };
    let conflict = MetadataError::Conflict { current: Epoch(2) };
    assert_eq!(refusal(&mut state, &Command::Split(stale)), conflict);
    let unknown = SplitPlan { right: CellId(999), epoch: Epoch(2), ..plan };
    refusal(&mut state, &Command::Split(unknown));

    let merge = Command::MergeCells { left: (CellId(1), Epoch(2)), right: (right, Epoch(2)) };
    run(&mut state, &merge);
    run(&mut state, &merge);
    assert_eq!(cells(&state, "ks"), [(CellId(1), Epoch(3), vec![NodeId(1)])]);
}

#[test]
fn a_move_sent_twice_is_done_once() {
    let mut state = state();
    run(&mut state, &node("b:1", "dc1", "r2"));
    let cell = (CellId(1), Epoch(1));
    let moved = Command::ChangeReplicas { cell, replicas: vec![NodeId(2)] };
    run(&mut state, &moved);
    run(&mut state, &moved);
    assert_eq!(cells(&state, "ks"), [(CellId(1), Epoch(2), vec![NodeId(2)])]);
    let nowhere = Command::ChangeReplicas { cell, replicas: vec![NodeId(9)] };
    assert_eq!(words(&mut state, &nowhere), "Node 'node-9' doesn't exist");
}

#[test]
fn a_truncated_table_has_a_new_id_and_the_old_one_is_gone_when_all_holders_forgot_it() {
    let mut state = state();
    run(&mut state, &node("b:1", "dc1", "r2"));
    run(&mut state, &create_keyspace("two", simple("2")));
    let old = state.catalog().table("ks", "t").unwrap().clone();
    run(&mut state, &truncate("t"));
    let new = state.catalog().table("ks", "t").unwrap();
    assert_ne!(new.id, old.id);
    assert_eq!(new.uuid, old.uuid, "drivers keep the table they know");
    assert!(state.catalog().table_by_id(old.id).is_none());
    assert!(state.catalog().dropped.contains_key(&old.id));
    assert!(state.catalog().placement_of(old.id).is_some());
    run(&mut state, &Command::ForgetTable { table: old.id, node: NodeId(2) });
    assert!(state.catalog().dropped.contains_key(&old.id), "node 1 still holds it");
    run(&mut state, &Command::ForgetTable { table: old.id, node: NodeId(1) });
    assert!(state.catalog().dropped.is_empty());
    run(&mut state, &Command::ForgetTable { table: TableId(77), node: NodeId(1) });
}

#[test]
fn a_dropped_keyspace_leaves_the_data_of_all_its_tables_to_be_removed() {
    let mut state = state();
    run(&mut state, &create_table("u", &[("k", CqlType::Int, KEY)]));
    run(&mut state, &Command::DropKeyspace { name: "ks".to_owned(), if_exists: false });
    assert_eq!(state.catalog().dropped.len(), 2);
    assert!(state.catalog().keyspaces.is_empty() && state.catalog().groups.is_empty());
}

#[test]
fn a_snapshot_brings_everything_back_and_a_damaged_one_is_refused() {
    let mut state = state();
    run(&mut state, &create_type("p", &[("x", CqlType::Double)]));
    run(&mut state, &alter("t", vec![add("p", udt("p", Frozen::No))]));
    run(&mut state, &truncate("t"));
    let bytes = state.to_snapshot(b"position").unwrap();
    let (position, mut back) = State::from_snapshot(&bytes).unwrap();
    assert_eq!(position, b"position");
    assert_eq!(back.catalog().to_update(), state.catalog().to_update());
    assert_eq!(back.catalog().schema_version(), state.catalog().schema_version());
    let next = create_table("next", &[("k", CqlType::Int, KEY)]);
    assert_eq!(run(&mut back, &next), run(&mut state, &next));
    let id = |state: &State| state.catalog().table("ks", "next").unwrap().id;
    assert_eq!(id(&back), id(&state));
    for at in [0, 4, 9, bytes.len() / 2, bytes.len() - 1] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x40;
        assert!(State::from_snapshot(&damaged).is_err(), "byte {at}");
    }
    for length in 0..bytes.len() {
        assert!(State::from_snapshot(&bytes[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn the_deepest_types_that_are_taken_come_back_from_a_snapshot() {
    let deep =
        |levels: usize| (1..levels).fold(CqlType::Int, |inner, _| CqlType::Tuple(vec![inner]));
    let mut state = state();
    for number in 0..31 {
        let field = match number {
            0 => CqlType::Int,
            _ => udt(&format!("u{}", number - 1), Frozen::Yes),
        };
        run(&mut state, &create_type(&format!("u{number}"), &[("f", field)]));
    }
    let last = create_type("u31", &[("f", udt("u30", Frozen::Yes))]);
    assert!(state.execute(&last).is_err());
    run(&mut state, &alter("t", vec![add("deep", deep(64)), add("u", udt("u30", Frozen::Yes))]));
    for too_deep in [deep(65), CqlType::Tuple(vec![CqlType::Tuple(vec![udt("u30", Frozen::Yes)])])]
    {
        let error = state.execute(&alter("t", vec![add("more", too_deep)])).unwrap_err();
        assert_eq!(error.to_string(), "types can be nested 64 levels deep at most");
    }
    let bytes = state.to_snapshot(b"").unwrap();
    let (_, back) = State::from_snapshot(&bytes).unwrap();
    assert_eq!(back.catalog().to_update(), state.catalog().to_update());
}

#[test]
fn snapshots_of_format_version_1_can_be_read_for_ever() {
    let text = include_str!("fixtures/snapshot-1.hex");
    let hex: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let digit = |byte: u8| u8::try_from(char::from(byte).to_digit(16).unwrap()).unwrap();
    let bytes: Vec<u8> = hex.chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect();
    let (position, state) = State::from_snapshot(&bytes).unwrap();
    assert_eq!(position, b"position");
    let catalog = state.catalog();
    let table = catalog.table("ks", "t").unwrap();
    assert_eq!((catalog.version, table.id, table.version), (6, TableId(17), 3));
    assert_eq!(table.column("v").unwrap().cql_type, CqlType::Text);
    assert_eq!(catalog.dropped.keys().collect::<Vec<_>>(), [&TableId(16)]);
    assert_eq!(cells(&state, "ks"), [(CellId(1), Epoch(1), vec![NodeId(1)])]);
}

/// Commands that often meet: few names, all kinds.
fn command() -> impl Strategy<Value = Command> {
    let name = || prop_oneof![Just("t"), Just("u"), Just("v")];
    let int = [("k", CqlType::Int, KEY)];
    let int2 = int.clone();
    prop_oneof![
        4 => name().prop_map(move |name| create_table(name, &int)),
        2 => name().prop_map(drop_table),
        2 => name().prop_map(truncate),
        4 => (name(), 0..3_u8).prop_map(|(t, n)| alter(t, vec![add(&format!("c{n}"), CqlType::Int)])),
        2 => (name(), 0..3_u8).prop_map(|(t, n)| alter(t, vec![drop_column(&format!("c{n}"))])),
        1 => Just(create_type("p", &[("x", CqlType::Int)])),
        1 => Just(alter("t", vec![add("p", udt("p", Frozen::Yes))])),
        1 => (1..4_u8).prop_map(|n| create_keyspace("ks", simple(&n.to_string()))),
        1 => Just(Command::DropKeyspace { name: "ks".to_owned(), if_exists: true }),
        1 => (0..3_u8).prop_map(|n| node(&format!("n{n}:1"), "dc1", "r1")),
        1 => (16..24_u32, 1..3_u64)
            .prop_map(|(t, n)| Command::ForgetTable { table: TableId(t), node: NodeId(n) }),
        1 => (1..4_u64, 1..3_u64, -9..9_i64, 1..9_u64).prop_map(move |(cell, epoch, token, right)| {
            let at = Position::new(TableId(16), token);
            let (cell, epoch, right) = (CellId(cell), Epoch(epoch), CellId(right));
            Command::Split(SplitPlan { cell, epoch, at, right })
        }),
        1 => Just(Command::AllocateCells { count: 1 }),
        1 => Just(create_table("w", &int2)),
    ]
}

proptest! {
    #[test]
    fn a_watcher_from_any_version_ends_with_exactly_the_catalog_of_the_service(
        commands in proptest::collection::vec(command(), 1..60),
        joins in proptest::collection::vec(0..60_usize, 1..4),
    ) {
        let mut state = State::new();
        let mut replica = State::new();
        let mut watchers: Vec<(usize, Catalog)> =
            joins.iter().map(|join| (*join, Catalog::default())).collect();
        for (step, command) in commands.iter().enumerate() {
            let before = state.catalog().version;
            let answer = state.execute(command);
            prop_assert_eq!(&answer, &replica.execute(command), "replicas agree");
            if answer.is_err() {
                prop_assert_eq!(before, state.catalog().version, "an error changes nothing");
            }
            // Each watcher looks at other times, so that it gets updates of several versions.
            for (join, catalog) in &mut watchers {
                if step % (*join + 1) == 0
                    && let Some(update) = state.since(catalog.version, true)
                {
                    *catalog = catalog.apply(update);
                    prop_assert_eq!(catalog.to_update(), state.catalog().to_update());
                }
            }
        }
        for (_, catalog) in &mut watchers {
            if let Some(update) = state.since(catalog.version, true) {
                *catalog = catalog.apply(update);
            }
            prop_assert_eq!(catalog.to_update(), state.catalog().to_update());
            prop_assert_eq!(catalog.schema_version(), state.catalog().schema_version());
            for table in catalog.keyspaces.values().flat_map(|keyspace| keyspace.tables.values()) {
                prop_assert_eq!(catalog.table_by_id(table.id), Some(table));
            }
            for dropped in catalog.dropped.keys() {
                prop_assert!(catalog.table_by_id(*dropped).is_none());
            }
        }
    }
}
