//! `UPDATE`.

use super::using::Allowed;
use crate::ast::{Assignment, Ident, Update};
use crate::lex::Kind;
use crate::parse::cursor::{Parser, Result};

const SAME_COLUMN: &str = "the assigned column again. Only expressions of the form X = X + \
     <value> are supported";

impl Parser<'_> {
    /// The rest after `UPDATE`.
    pub(in crate::parse) fn update(&mut self) -> Result<Update> {
        let table = self.qualified_name()?;
        let using = self.using(Allowed { timestamp: true, ttl: true })?;
        self.expect_word("set")?;
        let assignments = self.assignments()?;
        self.expect_word("where")?;
        let filter = self.relations()?;
        let condition = self.condition()?;
        Ok(Update { table, using, assignments, filter, condition })
    }

    /// Assignments of which none excludes another.
    fn assignments(&mut self) -> Result<Vec<Assignment>> {
        let mut all: Vec<Assignment> = Vec::new();
        loop {
            let token = self.peek();
            let next = self.assignment()?;
            if all.iter().any(|earlier| excludes(earlier, &next)) {
                return Err(self.conflicting(token));
            }
            all.push(next);
            if !self.eat(b',') {
                return Ok(all);
            }
        }
    }

    fn assignment(&mut self) -> Result<Assignment> {
        let column = self.ident()?;
        if self.eat(b'[') {
            let key = self.term()?;
            self.expect(b']')?;
            self.expect(b'=')?;
            return Ok(Assignment::SetElement(column, key, self.term()?));
        }
        if self.eat(b'.') {
            let field = self.ident()?;
            self.expect(b'=')?;
            return Ok(Assignment::SetField(column, field, self.term()?));
        }
        if self.eat_kind(Kind::PlusEqual) {
            return Ok(Assignment::Add(column, self.term()?));
        }
        if self.eat_kind(Kind::MinusEqual) {
            return Ok(Assignment::Subtract(column, self.term()?));
        }
        self.expect(b'=')?;
        self.assigned_value(column)
    }

    fn assigned_value(&mut self, column: Ident) -> Result<Assignment> {
        if self.is_bare_name_at(0) {
            self.same_column(&column)?;
            if self.eat(b'+') {
                return Ok(Assignment::Add(column, self.term()?));
            }
            if self.eat(b'-') {
                return Ok(Assignment::Subtract(column, self.term()?));
            }
            return Err(self.unexpected("+ or -"));
        }
        let value = self.term()?;
        if self.is(b'+') && self.is_bare_name_at(1) {
            self.advance();
            self.same_column(&column)?;
            return Ok(Assignment::Prepend(column, value));
        }
        Ok(Assignment::Set(column, value))
    }

    fn same_column(&mut self, column: &Ident) -> Result<()> {
        let token = self.peek();
        if self.ident()? == *column {
            return Ok(());
        }
        let error = self.unexpected_token(token, SAME_COLUMN);
        Err(error.with_hint("text values take single quotes; other columns cannot be read here"))
    }
}

/// A column that is set as a whole cannot be changed in another way by the same statement.
fn excludes(earlier: &Assignment, next: &Assignment) -> bool {
    let whole = |assignment: &Assignment| matches!(assignment, Assignment::Set(..));
    earlier.column() == next.column() && (whole(earlier) || whole(next))
}
