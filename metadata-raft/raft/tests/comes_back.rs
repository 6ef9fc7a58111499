//! A member that left a group, forgot its log, and comes back while somebody has not heard of that.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    reason = "tests fail loudly; the harness has parts that others use"
)]

mod cluster;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use cellar_raft::{Group, disk::SimDisk};
use cluster::{Memory, Node, eventually, propose};

const GROUP: u64 = 7;

/// What the second node would have led with before it is given up: many elections.
const LONG: Duration = Duration::from_secs(3);

async fn group(node: &Node) -> (Group, Memory) {
    let memory = Memory::default();
    (node.host.start(GROUP, memory.machine()).await.unwrap(), memory)
}

/// Proposes while this one leads or can be made to.
async fn change(group: &Group, to: &Node, voters: [u64; 3]) {
    let joining = async {
        while group.add_learner(to.id, to.address.to_string()).await.is_err()
            || group.caught_up(to.id).await.is_err()
            || group.change_members(BTreeSet::from(voters)).await.is_err()
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), joining).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_left_and_comes_back_empty_helps_nobody_to_lead_who_lacks_what_it_had() {
    let (one, two) =
        (Node::start(1, SimDisk::new(), None).await, Node::start(2, SimDisk::new(), None).await);
    let (three, four) =
        (Node::start(3, SimDisk::new(), None).await, Node::start(4, SimDisk::new(), None).await);
    let (leader, memory) = group(&one).await;
    let (_, behind) = group(&two).await;
    let (_third, _) = group(&three).await;
    let members: BTreeMap<u64, String> = [&one, &two, &three].map(Node::member).into();
    leader.initialize(members).await.unwrap();
    propose(std::slice::from_ref(&leader), "first").await;
    eventually("the second has it", || behind.commands().len() == 1).await;

    // The second is gone and misses everything; the third moves to the fourth.
    let address = two.address;
    let disk = two.crash(3).await;
    propose(std::slice::from_ref(&leader), "second").await;
    let (fourth, _) = group(&four).await;
    change(&leader, &four, [1, 2, 4]).await;
    propose(std::slice::from_ref(&leader), "third").await;
    three.host.remove(GROUP).await.unwrap();

    // The third is to have it again. The second comes back, and hears of neither leader nor change.
    let (again, _) = group(&three).await;
    let (first_address, first_disk) = (one.address, one.crash(4).await);
    let (fourth_address, fourth_disk) = (four.address, four.crash(5).await);
    drop((leader, fourth));
    let two = Node::start(2, disk, Some(address)).await;
    let second = two.host.start(GROUP, behind.crash().machine()).await.unwrap();
    tokio::time::sleep(LONG).await;
    assert!(!second.is_leader(), "with the vote of one that had more");
    assert!(!again.is_leader());

    // With those who have it all, it goes on.
    let one = Node::start(1, first_disk, Some(first_address)).await;
    let memory = memory.crash();
    let first = one.host.start(GROUP, memory.machine()).await.unwrap();
    let four = Node::start(4, fourth_disk, Some(fourth_address)).await;
    let fourth = four.host.start(GROUP, Memory::default().machine()).await.unwrap();
    propose(&[first, second, fourth], "fourth").await;
    let all = ["first", "second", "third", "fourth"];
    eventually("nothing is lost", || memory.commands() == all).await;
    for node in [one, two, three, four] {
        node.end().await;
    }
}
