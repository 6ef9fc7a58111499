//! Everything the metadata service can be asked to do. A command is the whole input of the state
//! machine: times and random ids are inside it, so that every replica comes to the same result.

mod answer;
mod index;
mod user_type;
mod view;

use std::{collections::BTreeMap, net::SocketAddr};

use cellar_schema::{ColumnKind, CqlType, TableId, TableOptions, TieringPolicy};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::answer::{Answer, SchemaChangeKind, SchemaEvent, SchemaTarget};
pub use self::index::NewIndex;
pub use self::user_type::TypeChange;
pub use self::view::{NewView, NewViewRelation};
use crate::{CellId, Epoch, Frontend, NodeId, NodeState, RoleCommand, SplitPlan};

/// One change of the metadata.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// A node says where it is. Answers [`Answer::Node`]. Another node that was at the same address
    /// is not there any more: it stays known, as down and without an address.
    RegisterNode {
        /// What the node says of itself.
        node: NodeRegistration,
        /// The id on its disk; none on the first start, and then it is given one.
        id: Option<NodeId>,
    },
    /// A node came into or fell out of touch, or is to be drained. One that is drained stays so
    /// when it falls out of touch.
    SetNodeState {
        /// The node.
        id: NodeId,
        /// Whether it is in touch.
        state: NodeState,
    },
    /// A node is gone for good. Refused while a cell stands on it or is to. Sending it again
    /// changes nothing.
    RemoveNode {
        /// The node.
        id: NodeId,
    },
    /// A frontend says where it is; the watch does this by itself.
    RegisterFrontend {
        /// The frontend.
        frontend: Frontend,
    },
    /// A frontend is gone.
    RemoveFrontend {
        /// Its host id.
        host_id: Uuid,
    },
    /// A change of the roles and of what they may do.
    Role(RoleCommand),
    /// A change of the schema by a role, which is granted all permissions on what it makes.
    By {
        /// Who changes it.
        role: String,
        /// The change.
        command: Box<Self>,
    },
    /// CREATE KEYSPACE.
    CreateKeyspace {
        /// Name, case kept.
        name: String,
        /// The replication map as written, `class` among it.
        replication: BTreeMap<String, String>,
        /// As written; true if not.
        durable_writes: bool,
        /// IF NOT EXISTS.
        if_not_exists: bool,
    },
    /// ALTER KEYSPACE.
    AlterKeyspace {
        /// Name, case kept.
        name: String,
        /// The new replication map, if one was written.
        replication: Option<BTreeMap<String, String>>,
        /// The new setting, if one was written.
        durable_writes: Option<bool>,
        /// IF EXISTS.
        if_exists: bool,
    },
    /// DROP KEYSPACE.
    DropKeyspace {
        /// Name, case kept.
        name: String,
        /// IF EXISTS.
        if_exists: bool,
    },
    /// CREATE TABLE.
    CreateTable {
        /// The table.
        definition: NewTable,
        /// IF NOT EXISTS.
        if_not_exists: bool,
    },
    /// ALTER TABLE: all changes or none.
    AlterTable {
        /// Keyspace of the table.
        keyspace: String,
        /// Name of the table.
        name: String,
        /// IF EXISTS after the word TABLE.
        if_exists: bool,
        /// The changes, in order.
        changes: Vec<TableChange>,
    },
    /// DROP TABLE.
    DropTable {
        /// Keyspace of the table.
        keyspace: String,
        /// Name of the table.
        name: String,
        /// IF EXISTS.
        if_exists: bool,
    },
    /// TRUNCATE: the table gets a new [`TableId`] and the data of the old one is removed later.
    TruncateTable {
        /// Keyspace of the table.
        keyspace: String,
        /// Name of the table.
        name: String,
    },
    /// CREATE INDEX.
    CreateIndex {
        /// The index.
        definition: NewIndex,
        /// IF NOT EXISTS.
        if_not_exists: bool,
    },
    /// DROP INDEX.
    DropIndex {
        /// Keyspace of the index.
        keyspace: String,
        /// Name of the index.
        name: String,
        /// IF EXISTS.
        if_exists: bool,
    },
    /// CREATE MATERIALIZED VIEW.
    CreateView {
        /// The view.
        definition: NewView,
        /// IF NOT EXISTS.
        if_not_exists: bool,
    },
    /// ALTER MATERIALIZED VIEW.
    AlterView {
        /// Keyspace of the view.
        keyspace: String,
        /// Name of the view.
        name: String,
        /// IF EXISTS after the word VIEW.
        if_exists: bool,
        /// The options named.
        options: OptionChanges,
    },
    /// DROP MATERIALIZED VIEW.
    DropView {
        /// Keyspace of the view.
        keyspace: String,
        /// Name of the view.
        name: String,
        /// IF EXISTS.
        if_exists: bool,
    },
    /// CREATE TYPE.
    CreateType {
        /// Keyspace of the type.
        keyspace: String,
        /// Name of the type.
        name: String,
        /// Fields in declaration order.
        fields: Vec<(String, CqlType)>,
        /// IF NOT EXISTS.
        if_not_exists: bool,
    },
    /// ALTER TYPE.
    AlterType {
        /// Keyspace of the type.
        keyspace: String,
        /// Name of the type.
        name: String,
        /// IF EXISTS after the word TYPE.
        if_exists: bool,
        /// The change.
        change: TypeChange,
    },
    /// DROP TYPE.
    DropType {
        /// Keyspace of the type.
        keyspace: String,
        /// Name of the type.
        name: String,
        /// IF EXISTS.
        if_exists: bool,
    },
    /// Hands out cell ids, for splits. Answers [`Answer::Cells`].
    AllocateCells {
        /// How many.
        count: u32,
    },
    /// A cell has split in its own log. Sending the same plan again changes nothing.
    Split(SplitPlan),
    /// Two neighbours are one again; the left id stays. Sending it again changes nothing.
    MergeCells {
        /// The half that stays, and the epoch the planner saw.
        left: (CellId, Epoch),
        /// The half that goes, and the epoch the planner saw.
        right: (CellId, Epoch),
    },
    /// A cell stands on other nodes now. Sending it again changes nothing.
    ChangeReplicas {
        /// The cell, and the epoch the planner saw.
        cell: (CellId, Epoch),
        /// The nodes that hold it now; the first is the preferred leader.
        replicas: Vec<NodeId>,
    },
    /// A cell is to stand on other nodes: its leader moves it there. The same nodes as now end a
    /// move that was planned before.
    PlanReplicas {
        /// The cell, and the epoch the planner saw.
        cell: (CellId, Epoch),
        /// The nodes that are to hold it; the first is the preferred leader.
        target: Vec<NodeId>,
    },
    /// One of a cell's replicas is to lead it.
    PreferLeader {
        /// The cell.
        cell: CellId,
        /// The replica.
        node: NodeId,
    },
    /// A node has removed the data of a table in [`crate::Catalog::dropped`].
    ForgetTable {
        /// The table that is gone.
        table: TableId,
        /// The node that has nothing of it any more.
        node: NodeId,
    },
}

impl Command {
    /// Whether it changes keyspaces, tables or types, so that its answer waits for everybody who
    /// serves them.
    #[must_use]
    pub fn is_schema(&self) -> bool {
        match self {
            Self::By { command, .. } => command.is_schema(),
            Self::Role(_)
            | Self::CreateKeyspace { .. }
            | Self::AlterKeyspace { .. }
            | Self::DropKeyspace { .. }
            | Self::CreateTable { .. }
            | Self::AlterTable { .. }
            | Self::DropTable { .. }
            | Self::TruncateTable { .. }
            | Self::CreateIndex { .. }
            | Self::DropIndex { .. }
            | Self::CreateView { .. }
            | Self::AlterView { .. }
            | Self::DropView { .. }
            | Self::CreateType { .. }
            | Self::AlterType { .. }
            | Self::DropType { .. } => true,
            Self::RegisterNode { .. }
            | Self::SetNodeState { .. }
            | Self::RemoveNode { .. }
            | Self::RegisterFrontend { .. }
            | Self::RemoveFrontend { .. }
            | Self::AllocateCells { .. }
            | Self::Split(_)
            | Self::MergeCells { .. }
            | Self::ChangeReplicas { .. }
            | Self::PlanReplicas { .. }
            | Self::PreferLeader { .. }
            | Self::ForgetTable { .. } => false,
        }
    }
}

/// What a node says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRegistration {
    /// Where its internal calls are answered, as "host:port".
    pub address: String,
    /// Data centre, as `NetworkTopologyStrategy` names it.
    pub datacenter: String,
    /// Rack or availability zone.
    pub rack: String,
    /// Region, for keyspaces that must stay in one.
    pub region: String,
    /// Where clients can speak CQL to the same process, if it is a frontend as well.
    pub cql_address: Option<SocketAddr>,
    /// The disk that it keeps its cells on, by an id that was chosen at random when the disk was
    /// first used: a node without an id of its own is known again by this, and by nothing else.
    #[serde(default)]
    pub disk: Option<Uuid>,
}

/// A table to be created.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewTable {
    /// Keyspace of the table.
    pub keyspace: String,
    /// Name, case kept.
    pub name: String,
    /// What drivers see as the table's id; chosen by the one who sends.
    pub uuid: Uuid,
    /// Columns with their part in the key, in any order. User-defined types in them are known by
    /// keyspace and name; their fields are taken from the schema as it is when the command runs.
    pub columns: Vec<(String, CqlType, ColumnKind)>,
    /// Options of WITH. A tiering policy by the value of a column names it in `tiering_column`.
    pub options: TableOptions,
    /// The column that a row's age is counted from; none leaves the policy as it is.
    pub tiering_column: Option<String>,
}

/// One change of ALTER TABLE.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TableChange {
    /// ADD.
    Add {
        /// Name of the new column.
        name: String,
        /// Its type.
        cql_type: CqlType,
        /// One value for a whole partition.
        is_static: bool,
        /// IF NOT EXISTS.
        if_not_exists: bool,
    },
    /// DROP.
    Drop {
        /// Name of the column.
        name: String,
        /// IF EXISTS.
        if_exists: bool,
        /// When, in microseconds since the epoch; USING TIMESTAMP or now.
        at_us: i64,
    },
    /// RENAME of a key column.
    Rename {
        /// The name it has.
        from: String,
        /// The name it gets.
        to: String,
        /// IF EXISTS.
        if_exists: bool,
    },
    /// WITH: those given change, the others stay.
    Options(OptionChanges),
}

/// The options that an ALTER TABLE … WITH names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptionChanges {
    /// `default_time_to_live`.
    pub default_ttl_seconds: Option<u32>,
    /// `gc_grace_seconds`.
    pub gc_grace_seconds: Option<u32>,
    /// `comment`.
    pub comment: Option<String>,
    /// The tiering policy.
    pub tiering: Option<TieringChange>,
    /// Every option named, as CQL literal text, those above among them.
    pub text: BTreeMap<String, String>,
}

/// A change of a tiering policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TieringChange {
    /// Rows stay hot from now on; what is cold stays cold.
    Off,
    /// The new policy.
    Set {
        /// How old, and by what, unless a column is named.
        policy: TieringPolicy,
        /// The column that a row's age is counted from; none leaves the policy as it is.
        column: Option<String>,
    },
}
