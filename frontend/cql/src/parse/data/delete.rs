//! `DELETE`.

use super::using::Allowed;
use crate::ast::{Delete, Deletion};
use crate::parse::cursor::{Parser, Result};

impl Parser<'_> {
    /// The rest after `DELETE`.
    pub(in crate::parse) fn delete(&mut self) -> Result<Delete> {
        let columns = if self.is_word("from") { Vec::new() } else { self.list(Self::deletion)? };
        self.expect_word("from")?;
        let table = self.qualified_name()?;
        let using = self.using(Allowed { timestamp: true, ttl: false })?;
        self.expect_word("where")?;
        let filter = self.relations()?;
        let condition = self.condition()?;
        Ok(Delete { columns, table, using, filter, condition })
    }

    fn deletion(&mut self) -> Result<Deletion> {
        let column = self.ident()?;
        if self.eat(b'[') {
            let key = self.term()?;
            self.expect(b']')?;
            return Ok(Deletion::Element(column, key));
        }
        if self.eat(b'.') {
            return Ok(Deletion::Field(column, self.ident()?));
        }
        Ok(Deletion::Column(column))
    }
}
