//! Tests of the way to the cells.

mod busy;

use cellar_metadata_api::{CellId, Epoch, KeyRange};

use super::*;

fn cell() -> Cell {
    let replicas = [1, 2, 3].map(NodeId).to_vec();
    Cell { id: CellId(7), range: KeyRange::ALL, epoch: Epoch(1), replicas, target: None }
}

fn unknown() -> CellError {
    CellError::Unknown { reason: "no answer".to_owned() }
}

#[tokio::test]
async fn a_silent_replica_is_left_alone_even_if_others_still_name_it() {
    let (_catalogs, catalog) = watch::channel(Arc::default());
    let (cell, leaders) = (cell(), Leaders::default());
    let mut attempt = Attempt::first(Instant::now() + Duration::from_secs(10));
    leaders.answered(&cell, NodeId(2));
    assert_eq!(attempt.replica(&cell, &leaders), Some(NodeId(2)));
    attempt.asked = Some(NodeId(2));
    assert!(attempt.again(&unknown(), &catalog).await);
    for _ in 0..4 {
        let asked = attempt.replica(&cell, &leaders);
        assert_ne!(asked, Some(NodeId(2)));
        attempt.asked = asked;
        let names = CellError::NotLeader { leader: Some(NodeId(2)) };
        assert!(attempt.again(&names, &catalog).await);
    }
    attempt.silent = attempt.silent.map(|(node, _)| (node, Instant::now()));
    assert_eq!(attempt.replica(&cell, &leaders), Some(NodeId(2)));
}

#[tokio::test]
async fn a_node_that_joins_a_cell_is_asked_as_soon_as_it_is_said_to_lead() {
    let (_catalogs, catalog) = watch::channel(Arc::default());
    let target = Some([1, 2, 4].map(NodeId).to_vec());
    let (cell, leaders) = (Cell { target, ..cell() }, Leaders::default());
    for (named, asked) in [(4, true), (5, false)] {
        let mut attempt = Attempt::first(Instant::now() + Duration::from_secs(10));
        let leader = Some(NodeId(named));
        assert!(attempt.again(&CellError::NotLeader { leader }, &catalog).await);
        assert_eq!(attempt.replica(&cell, &leaders) == leader, asked);
    }
}

#[test]
fn an_attempt_is_cut_short_only_where_asking_twice_is_safe() {
    let mut attempt = Attempt::first(Instant::now() + Duration::from_secs(10));
    assert!(attempt.patience(false) > Duration::from_secs(9));
    assert_eq!(attempt.patience(true), Duration::from_millis(ATTEMPT_MS_MIN));
    attempt.silences = 1;
    assert_eq!(attempt.patience(true), Duration::from_millis(2 * ATTEMPT_MS_MIN));
}

#[test]
fn the_next_request_begins_where_the_leader_was_and_forgets_it_when_it_fails() {
    let (cell, leaders) = (cell(), Leaders::default());
    let first = || Attempt::first(Instant::now()).replica(&cell, &leaders);
    assert_eq!(first(), Some(NodeId(1)));
    leaders.answered(&cell, NodeId(3));
    assert_eq!(first(), Some(NodeId(3)));
    leaders.failed(&cell, NodeId(2));
    assert_eq!(first(), Some(NodeId(3)));
    leaders.failed(&cell, NodeId(3));
    assert_eq!(first(), Some(NodeId(1)));
}
