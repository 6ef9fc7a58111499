//! The syntax tree: one file per statement kind, grouped as the statements are.
//!
//! Start at [`Statement`]. Nothing here knows a schema; names are already case-folded.

pub mod access;
pub mod data;
mod describe;
mod literal;
mod name;
mod property;
mod relation;
pub mod schema;
mod statement;
mod term;
mod types;

pub use access::*;
pub use data::*;
pub use describe::{Describe, DescribeTarget};
pub use literal::{Duration, Literal};
pub use name::{Ident, QualifiedName, is_reserved};
pub use property::{Properties, PropertyValue};
pub use relation::{Comparison, InValues, Relation, RelationTest, Target};
pub use schema::*;
pub use statement::Statement;
pub use term::{Arithmetic, ArithmeticOperator, Marker, MarkerIndex, Term};
pub use types::{CqlType, NativeType};
