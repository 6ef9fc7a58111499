//! Terms meet types: [`prepare`] turns a term into an [`Expr`] of the receiver's type, and an
//! [`Expr`] gives the value when the plan is bound. Constants are encoded once, when planned.

mod assignable;
mod collection;
mod expr;
mod infer;
mod literal;
mod prepare;

pub use expr::{Call, Expr, Slot};
pub use infer::{argument, infer};
pub use literal::{encode, natural_type};
pub use prepare::{prepare, prepare_call};
