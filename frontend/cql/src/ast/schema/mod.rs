//! Statements that change the schema.

mod drop;
mod index;
mod keyspace;
mod routine;
mod table;
mod user_type;
mod view;

pub use drop::{DropObject, ObjectKind};
pub use index::{CreateIndex, IndexTarget};
pub use keyspace::{AlterKeyspace, CreateKeyspace, KeyspaceChange};
pub use routine::{Routine, RoutineAction, RoutineKind};
pub use table::{AlterTable, ColumnDef, CreateTable, Masking, PrimaryKey, TableChange};
pub use user_type::{AlterType, CreateType, TypeChange};
pub use view::{AlterView, CreateView};
