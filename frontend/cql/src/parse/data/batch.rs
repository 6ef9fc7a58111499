//! `BEGIN BATCH`.

use super::using::Allowed;
use crate::ast::{Batch, BatchKind, Modification};
use crate::parse::cursor::{Parser, Result};

impl Parser<'_> {
    /// The rest after `BEGIN`.
    pub(in crate::parse) fn batch(&mut self) -> Result<Batch> {
        let kind = if self.eat_word("unlogged") {
            BatchKind::Unlogged
        } else if self.eat_word("counter") {
            BatchKind::Counter
        } else {
            self.eat_word("logged");
            BatchKind::Logged
        };
        self.expect_word("batch")?;
        let using = self.using(Allowed { timestamp: true, ttl: false })?;
        let mut statements = Vec::new();
        while !self.eat_words(&["apply", "batch"]) {
            statements.push(self.modification()?);
            self.eat(b';');
        }
        Ok(Batch { kind, using, statements })
    }

    fn modification(&mut self) -> Result<Modification> {
        if self.eat_word("insert") {
            return Ok(Modification::Insert(self.insert()?));
        }
        if self.eat_word("update") {
            return Ok(Modification::Update(self.update()?));
        }
        if self.eat_word("delete") {
            return Ok(Modification::Delete(self.delete()?));
        }
        Err(self.unexpected("INSERT, UPDATE, DELETE or APPLY BATCH"))
    }
}
