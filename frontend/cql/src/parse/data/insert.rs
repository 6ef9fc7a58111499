//! `INSERT`.

use super::using::Allowed;
use crate::ast::{Insert, InsertValues, JsonDefault, Literal, Term};
use crate::parse::cursor::{Parser, Result};

impl Parser<'_> {
    /// The rest after `INSERT`.
    pub(in crate::parse) fn insert(&mut self) -> Result<Insert> {
        self.expect_word("into")?;
        let table = self.qualified_name()?;
        let values = if self.eat_word("json") { self.json()? } else { self.columns()? };
        let if_not_exists = self.if_not_exists();
        let using = self.using(Allowed { timestamp: true, ttl: true })?;
        Ok(Insert { table, values, if_not_exists, using })
    }

    fn columns(&mut self) -> Result<InsertValues> {
        let names = self.ident_tuple()?;
        self.expect_word("values")?;
        self.expect(b'(')?;
        let values = self.list(Self::term)?;
        self.expect(b')')?;
        if names.len() != values.len() {
            return Ok(InsertValues::Unmatched);
        }
        Ok(InsertValues::Columns(names.into_iter().zip(values).collect()))
    }

    fn json(&mut self) -> Result<InsertValues> {
        let document = match self.marker_term()? {
            Some(marker) => marker,
            None => Term::Literal(Literal::Text(self.text_literal()?)),
        };
        let default = if self.eat_words(&["default", "unset"]) {
            JsonDefault::Unset
        } else {
            self.eat_words(&["default", "null"]);
            JsonDefault::Null
        };
        Ok(InsertValues::Json { document, default })
    }
}
