//! Changes of single cells: what a watcher is told of a placement of many, and what it costs.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests fail loudly, and one shows what it measured"
)]

mod harness;

use std::time::Instant;

use cellar_metadata_api::{
    Answer, Catalog, Cell, CellId, Command, NodeId, Position, SplitPlan, TableId, Update,
    protocol::{Identity, WatchRequest},
};
use cellar_metadata_raft::State;
use harness::*;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

/// A keyspace on three nodes.
fn on_three_nodes() -> State {
    let mut state = State::new();
    for number in 1..=3 {
        run(&mut state, &node(&format!("n{number}:1"), "dc1", &format!("r{number}")));
    }
    run(&mut state, &create_keyspace("ks", simple("3")));
    state
}

fn cells(state: &State) -> Vec<Cell> {
    let placement = state.catalog().placements.values().next().unwrap();
    placement.cells().cloned().collect()
}

fn split(state: &mut State, cell: &Cell, token: i64) {
    let Answer::Cells(right) = run(state, &Command::AllocateCells { count: 1 }) else {
        panic!("no cell ids")
    };
    let at = Position::new(TableId(16), token);
    let plan = SplitPlan { cell: cell.id, epoch: cell.epoch, at, right };
    run(state, &Command::Split(plan));
}

/// Splits the last cell until there are so many.
fn split_into(state: &mut State, count: i64) {
    let there = i64::try_from(cells(state).len()).unwrap();
    for number in there..count {
        let placement = state.catalog().placements.values().next().unwrap();
        let last = placement.lookup(Position::new(TableId(u32::MAX), 0)).unwrap().clone();
        split(state, &last, number);
    }
}

fn bytes<T: Serialize>(value: &T) -> Vec<u8> {
    cbor4ii::serde::to_vec(Vec::new(), value).unwrap()
}

#[test]
fn a_split_among_many_cells_is_told_as_two_cells() {
    let mut state = on_three_nodes();
    split_into(&mut state, 300);
    let before = state.catalog().as_ref().clone();
    let cell = cells(&state).get(150).unwrap().clone();
    run(&mut state, &Command::PreferLeader { cell: cell.id, node: NodeId(2) });
    run(&mut state, &Command::PreferLeader { cell: cell.id, node: NodeId(3) });
    let update = state.since(before.version, true).unwrap();
    assert_eq!((update.cells.len(), update.placements.len()), (1, 0), "said once");
    split_into(&mut state, 301);
    let update = state.since(before.version, true).unwrap();
    assert_eq!((update.cells.len(), update.placements.len()), (3, 0));
    assert!(bytes(&update).len() < 2_000, "{}", bytes(&update).len());
    assert_eq!(before.apply(update).to_update(), state.catalog().to_update());
}

#[test]
fn a_watcher_that_does_not_ask_for_single_cells_gets_whole_placements() {
    /// The opening of a watch as it was.
    #[derive(Serialize)]
    struct Older {
        identity: Identity,
        watch: u64,
        version: u64,
    }
    /// An update as an older build reads it.
    #[derive(Deserialize)]
    struct Read {
        version: u64,
        placements: Vec<(u64, Option<Vec<Cell>>)>,
    }
    let older = Older { identity: Identity::Node(NodeId(1)), watch: 1, version: 1 };
    let request: WatchRequest = cbor4ii::serde::from_slice(&bytes(&older)).unwrap();
    assert!(!request.takes_cells);

    let mut state = on_three_nodes();
    split_into(&mut state, 20);
    let before = state.catalog().as_ref().clone();
    split_into(&mut state, 21);
    let update = state.since(before.version, request.takes_cells).unwrap();
    assert!(update.cells.is_empty());
    let read: Read = cbor4ii::serde::from_slice(&bytes(&update)).unwrap();
    assert_eq!(read.version, state.catalog().version);
    let (_, placement) = read.placements.into_iter().next().unwrap();
    assert_eq!(placement.unwrap(), cells(&state));
    assert_eq!(before.apply(update).to_update(), state.catalog().to_update());
    // What lasts has no new form.
    let text = b"cells";
    let whole = bytes(&state.catalog().to_update());
    assert!(!whole.windows(text.len()).any(|window| window == text));
}

#[test]
fn what_is_kept_for_watchers_does_not_grow_with_the_cells() {
    let mut state = on_three_nodes();
    split_into(&mut state, 300);
    // Two cells per split, and what else there was: not 300 for each.
    assert!(state.recent_parts() < 1_000, "{}", state.recent_parts());
}

/// Changes of a placement, by chance.
fn changes() -> impl Strategy<Value = Vec<(u8, usize, i64)>> {
    proptest::collection::vec((0..6_u8, 0..12_usize, 0..40_i64), 1..60)
}

fn change(state: &mut State, (what, which, number): (u8, usize, i64)) {
    let all = cells(state);
    let at = which % all.len();
    let cell = all.get(at).unwrap();
    let other = NodeId(u64::try_from(number % 3).unwrap() + 1);
    let command = match what {
        0 | 1 => {
            let inside = Position::new(TableId(16), number);
            if cell.range.splits_at(inside) {
                split(state, cell, number);
            }
            return;
        }
        2 => match all.get(at + 1) {
            Some(next) => {
                Command::MergeCells { left: (cell.id, cell.epoch), right: (next.id, next.epoch) }
            }
            None => return,
        },
        3 => Command::PreferLeader { cell: cell.id, node: other },
        4 => Command::PlanReplicas { cell: (cell.id, cell.epoch), target: vec![other] },
        _ => create_keyspace("other", simple(&(number % 3 + 1).to_string())),
    };
    // What does not fit the cell as it is now changes nothing.
    let _refused = state.execute(&command);
}

proptest! {
    #[test]
    fn changes_of_cells_lead_to_the_same_catalog_as_whole_placements(changes in changes()) {
        let mut state = on_three_nodes();
        let mut watchers: Vec<(usize, bool, Catalog)> = [1, 2, 7, 50]
            .into_iter()
            .flat_map(|every| [(every, true, Catalog::default()), (every, false, Catalog::default())])
            .collect();
        // One that takes everything it is told twice, and joins it first.
        let begin = Catalog::default().apply(state.catalog().to_update());
        let mut told: Vec<Update> = Vec::new();
        for (step, what) in changes.iter().enumerate() {
            let version = state.catalog().version;
            change(&mut state, *what);
            told.extend(state.since(version, true));
            for (every, takes_cells, catalog) in &mut watchers {
                if step % *every == 0
                    && let Some(update) = state.since(catalog.version, *takes_cells)
                {
                    *catalog = catalog.apply(update);
                    prop_assert_eq!(catalog.to_update(), state.catalog().to_update());
                }
            }
        }
        let joined = begin.apply(Update::join(&told));
        if !told.is_empty() {
            prop_assert_eq!(joined.to_update(), state.catalog().to_update());
        }
    }
}

/// Memory of this process in bytes.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1_024
}

#[test]
#[ignore = "a measurement"]
fn two_thousand_cells_made_by_splits() {
    let mut state = on_three_nodes();
    let mut watcher = Catalog::default().apply(state.catalog().to_update());
    let (before, began) = (resident(), Instant::now());
    let (mut sent, mut sent_whole) = (0, 0);
    for number in 1..2_000 {
        let placement = watcher.placements.values().next().unwrap();
        let last = placement.lookup(Position::new(TableId(u32::MAX), 0)).unwrap().clone();
        assert!(last.id >= CellId(1));
        split(&mut state, &last, number);
        sent_whole += bytes(&state.since(watcher.version, false).unwrap()).len();
        let update = state.since(watcher.version, true).unwrap();
        sent += bytes(&update).len();
        watcher = watcher.apply(update);
    }
    println!(
        "2000 cells: {sent} bytes to a watcher, {sent_whole} to an older one; memory {} MB more, \
         {} ms",
        (resident() - before) >> 20,
        began.elapsed().as_millis()
    );
    // What was kept before: the whole placement of each of the last versions.
    let before = resident();
    let whole = state.catalog().placements.values().next().unwrap();
    let kept: Vec<_> = (0..1_024).map(|_| whole.as_ref().clone()).collect();
    println!("{} whole placements: {} MB", kept.len(), (resident() - before) >> 20);
}
