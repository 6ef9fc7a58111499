//! Short ways to say commands, for the tests of this crate.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    dead_code,
    reason = "helpers of tests; each test binary uses a part and tests fail loudly"
)]

pub mod service;

use std::{collections::BTreeMap, sync::Arc};

use cellar_metadata_api::{
    Answer, Command, MetadataError, NewTable, NodeId, NodeRegistration, OptionChanges,
    SchemaChangeKind, TableChange,
};
use cellar_metadata_raft::State;
use cellar_schema::{ColumnKind, CqlType, Frozen, Order, TableOptions, UserType};
use uuid::Uuid;

pub const KEY: ColumnKind = ColumnKind::PartitionKey(0);
pub const CLUSTERING: ColumnKind = ColumnKind::Clustering(0, Order::Asc);
pub const VALUE: ColumnKind = ColumnKind::Regular;

pub fn options(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

pub fn simple(copies: &str) -> BTreeMap<String, String> {
    options(&[("class", "SimpleStrategy"), ("replication_factor", copies)])
}

pub fn create_keyspace(name: &str, replication: BTreeMap<String, String>) -> Command {
    let name = name.to_owned();
    Command::CreateKeyspace { name, replication, durable_writes: true, if_not_exists: false }
}

pub fn new_table(name: &str, columns: &[(&str, CqlType, ColumnKind)]) -> NewTable {
    NewTable {
        keyspace: "ks".to_owned(),
        name: name.to_owned(),
        uuid: Uuid::from_u128(7),
        columns: columns.iter().map(|(n, t, k)| ((*n).to_owned(), t.clone(), *k)).collect(),
        options: TableOptions::default(),
        tiering_column: None,
    }
}

pub fn create_table(name: &str, columns: &[(&str, CqlType, ColumnKind)]) -> Command {
    Command::CreateTable { definition: new_table(name, columns), if_not_exists: false }
}

pub fn alter(name: &str, changes: Vec<TableChange>) -> Command {
    let (keyspace, name) = ("ks".to_owned(), name.to_owned());
    Command::AlterTable { keyspace, name, if_exists: false, changes }
}

pub fn add(name: &str, cql_type: CqlType) -> TableChange {
    let name = name.to_owned();
    TableChange::Add { name, cql_type, is_static: false, if_not_exists: false }
}

pub fn drop_column(name: &str) -> TableChange {
    TableChange::Drop { name: name.to_owned(), if_exists: false, at_us: 1 }
}

pub fn with(changes: OptionChanges) -> TableChange {
    TableChange::Options(changes)
}

pub fn drop_table(name: &str) -> Command {
    let (keyspace, name) = ("ks".to_owned(), name.to_owned());
    Command::DropTable { keyspace, name, if_exists: false }
}

pub fn truncate(name: &str) -> Command {
    Command::TruncateTable { keyspace: "ks".to_owned(), name: name.to_owned() }
}

pub fn create_type(name: &str, fields: &[(&str, CqlType)]) -> Command {
    Command::CreateType {
        keyspace: "ks".to_owned(),
        name: name.to_owned(),
        fields: fields.iter().map(|(n, t)| ((*n).to_owned(), t.clone())).collect(),
        if_not_exists: false,
    }
}

/// A type as a frontend names it; its fields are not to be trusted.
pub fn udt(name: &str, frozen: Frozen) -> CqlType {
    let (keyspace, name) = ("ks".to_owned(), name.to_owned());
    CqlType::Udt(Arc::new(UserType { keyspace, name, fields: Vec::new() }), frozen)
}

/// The disk of the node that was first at an address.
pub fn disk_at(address: &str) -> Uuid {
    let mix = |sum: u128, byte: u8| sum.wrapping_mul(257).wrapping_add(byte.into());
    Uuid::from_u128(address.bytes().fold(1, mix))
}

pub fn node(address: &str, datacenter: &str, rack: &str) -> Command {
    let node = NodeRegistration {
        address: address.to_owned(),
        datacenter: datacenter.to_owned(),
        rack: rack.to_owned(),
        region: "here".to_owned(),
        cql_address: None,
        disk: Some(disk_at(address)),
    };
    Command::RegisterNode { node, id: None }
}

/// One node, and the keyspace `ks` with the table `t`.
pub fn state() -> State {
    let mut state = State::new();
    assert_eq!(run(&mut state, &node("a:1", "dc1", "r1")), Answer::Node(NodeId(1)));
    run(&mut state, &create_keyspace("ks", simple("1")));
    run(&mut state, &create_table("t", &[("k", CqlType::Int, KEY), ("v", CqlType::Text, VALUE)]));
    state
}

pub fn run(state: &mut State, command: &Command) -> Answer {
    state.execute(command).unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// The error of a command, which must have changed nothing.
pub fn refusal(state: &mut State, command: &Command) -> MetadataError {
    let before = state.catalog().to_update();
    let error = state.execute(command).unwrap_err();
    assert_eq!(
        state.catalog().to_update(),
        before,
        "{command:?} was refused and changed something"
    );
    error
}

/// What a client reads when a command is refused.
pub fn words(state: &mut State, command: &Command) -> String {
    refusal(state, command).to_string()
}

/// What a schema command answers to have happened; none if nothing did.
pub fn event(answer: &Answer) -> Option<SchemaChangeKind> {
    match answer {
        Answer::Schema { change, .. } => change.as_ref().map(|change| change.kind),
        other => panic!("not a change of the schema: {other:?}"),
    }
}
