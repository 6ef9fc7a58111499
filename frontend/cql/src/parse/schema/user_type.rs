//! `CREATE TYPE`, `ALTER TYPE`.

use crate::ast::{AlterType, CqlType, CreateType, Ident, TypeChange};
use crate::parse::cursor::{Parser, Result};

impl Parser<'_> {
    pub(super) fn create_type(&mut self) -> Result<CreateType> {
        let if_not_exists = self.if_not_exists();
        let name = self.qualified_name()?;
        self.expect(b'(')?;
        let mut fields = vec![self.field()?];
        while self.eat(b',') {
            // Commas may stand for nothing, as in Cassandra.
            if !self.is(b',') && !self.is(b')') {
                fields.push(self.field()?);
            }
        }
        self.expect(b')')?;
        Ok(CreateType { name, if_not_exists, fields })
    }

    pub(super) fn alter_type(&mut self) -> Result<AlterType> {
        let if_exists = self.if_exists();
        let name = self.qualified_name()?;
        let change = if self.eat_word("add") {
            let if_not_exists = self.if_not_exists();
            TypeChange::Add { if_not_exists, fields: self.list(Self::field)? }
        } else if self.eat_word("rename") {
            let if_exists = self.if_exists();
            TypeChange::Rename { if_exists, fields: self.renames()? }
        } else if self.eat_word("alter") {
            let field = self.ident()?;
            self.expect_word("type")?;
            TypeChange::Retype(field, self.cql_type()?)
        } else {
            return Err(self.unexpected("ADD, RENAME or ALTER"));
        };
        Ok(AlterType { name, if_exists, change })
    }

    fn field(&mut self) -> Result<(Ident, CqlType)> {
        Ok((self.ident()?, self.cql_type()?))
    }

    /// `a TO b AND c TO d`
    pub(super) fn renames(&mut self) -> Result<Vec<(Ident, Ident)>> {
        let mut out = Vec::new();
        loop {
            let from = self.ident()?;
            self.expect_word("to")?;
            out.push((from, self.ident()?));
            if !self.eat_word("and") {
                return Ok(out);
            }
        }
    }
}
