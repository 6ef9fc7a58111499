//! Functions, aggregates and triggers: the name is read, the rest is skipped.

use crate::ast::{Routine, RoutineAction, RoutineKind};
use crate::lex::Kind;
use crate::parse::cursor::{Parser, Result};

impl Parser<'_> {
    pub(super) fn create_routine(&mut self) -> Result<Option<Routine>> {
        self.eat_words(&["or", "replace"]);
        self.routine(RoutineAction::Create)
    }

    pub(super) fn drop_routine(&mut self) -> Result<Option<Routine>> {
        self.routine(RoutineAction::Drop)
    }

    fn routine(&mut self, action: RoutineAction) -> Result<Option<Routine>> {
        let kind = if self.eat_word("function") {
            RoutineKind::Function
        } else if self.eat_word("aggregate") {
            RoutineKind::Aggregate
        } else if self.eat_word("trigger") {
            RoutineKind::Trigger
        } else {
            return Ok(None);
        };
        let leniently = self.if_not_exists() || self.if_exists();
        let name = self.qualified_name()?;
        while !matches!(self.peek().kind, Kind::End | Kind::Symbol(b';')) {
            self.advance();
        }
        Ok(Some(Routine { action, kind, leniently, name }))
    }
}
