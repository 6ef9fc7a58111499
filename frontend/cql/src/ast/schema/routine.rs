//! Functions, aggregates and triggers: only named.

use crate::ast::QualifiedName;

/// `CREATE` or `DROP` of a function, an aggregate or a trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routine {
    /// Created or dropped.
    pub action: RoutineAction,
    /// The kind.
    pub kind: RoutineKind,
    /// Its name.
    pub name: QualifiedName,
}

/// What happens to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoutineAction {
    /// `CREATE`, `CREATE OR REPLACE`
    Create,
    /// `DROP`
    Drop,
}

/// The kind of routine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoutineKind {
    /// `FUNCTION`
    Function,
    /// `AGGREGATE`
    Aggregate,
    /// `TRIGGER`
    Trigger,
}
