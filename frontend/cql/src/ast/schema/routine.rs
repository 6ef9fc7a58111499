//! Functions, aggregates and triggers: only named.

use crate::ast::QualifiedName;

/// `CREATE` or `DROP` of a function, an aggregate or a trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routine {
    /// Created or dropped.
    pub action: RoutineAction,
    /// The kind.
    pub kind: RoutineKind,
    /// Whether it may be missing, or be there, without an error.
    pub leniently: bool,
    /// Its name.
    pub name: QualifiedName,
}

impl Routine {
    /// Whether it asks for nothing, since there are no routines: `DROP … IF EXISTS`.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.leniently && self.action == RoutineAction::Drop
    }
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
