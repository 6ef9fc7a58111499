//! What the data is: CQL types and values, tables, engine keys, rows, mutations and how they
//! merge. Pure: no I/O, no async, no ambient time outside `clock`.

pub mod apply;
pub mod clock;
mod codec;
mod evaluate;
#[doc = include_str!("../FORMAT.md")]
pub mod format {}
mod ids;
pub mod keys;
pub mod limits;
mod merge;
mod mutation;
mod row;
mod table;
pub mod token;
mod types;
pub mod units;
pub mod value;

pub use apply::{ApplyError, PartitionStore, Stamp};
pub use clock::{Clock, Elapsed, FixedClock, HybridClock, OffsetClock, SteadyClock, SystemClock};
pub use codec::FormatError;
pub use evaluate::evaluate;
pub use ids::{ColumnId, RequestId, TableId};
pub use keys::{DecodedKey, KeyError, RowKind};
pub use mutation::{
    Access, Addable, Change, ChangeKind, Comparison, Condition, Mutation, NewElement, Operation,
    RowChange, Test,
};
pub use row::{
    ColumnData, Complex, CounterState, Element, Expiry, Liveness, PartitionMarks, RangeMark, Row,
    Versioned,
};
pub use table::{
    AgeOf, Column, ColumnKind, DroppedColumn, Index, IndexClass, IndexPart, IndexProbe,
    IndexTarget, Keyspace, Order, Table, TableOptions, Tables, TieringPolicy, View, ViewRelation,
};
pub use types::{CqlType, Frozen, TypeError, UserType};
pub use units::{Units, read_units, write_units};
pub use value::ValueError;
