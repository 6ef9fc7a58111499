//! `TRUNCATE`.

use super::using::Allowed;
use crate::ast::Truncate;
use crate::parse::cursor::{Parser, Result};

impl Parser<'_> {
    /// The rest after `TRUNCATE`.
    pub(in crate::parse) fn truncate(&mut self) -> Result<Truncate> {
        if !self.eat_word("table") {
            self.eat_word("columnfamily");
        }
        let table = self.qualified_name()?;
        Ok(Truncate { table, using: self.using(Allowed { timestamp: false, ttl: false })? })
    }
}
