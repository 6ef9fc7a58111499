//! `CREATE INDEX`.

use crate::ast::{CreateIndex, Ident, IndexTarget};
use crate::parse::cursor::{Parser, Result};

impl Parser<'_> {
    pub(super) fn create_index(&mut self) -> Result<CreateIndex> {
        let custom = self.eat_word("custom");
        self.expect_word("index")?;
        let if_not_exists = self.if_not_exists();
        let name = if self.is_word("on") { None } else { Some(self.qualified_name()?) };
        self.expect_word("on")?;
        let table = self.qualified_name()?;
        self.expect(b'(')?;
        let targets = self.list_until(b')', Self::index_target)?;
        let class = if self.eat_word("using") { Some(self.text_literal()?) } else { None };
        let properties = if self.eat_word("with") { self.properties()? } else { Vec::new() };
        Ok(CreateIndex { custom, if_not_exists, name, table, targets, class, properties })
    }

    fn index_target(&mut self) -> Result<IndexTarget> {
        if self.is(b'(') {
            return Ok(IndexTarget::PartitionKey(self.ident_tuple()?));
        }
        let wrap: fn(Ident) -> IndexTarget = if !self.is_at(1, b'(') {
            return Ok(IndexTarget::Column(self.ident()?));
        } else if self.eat_word("values") {
            IndexTarget::Values
        } else if self.eat_word("keys") {
            IndexTarget::Keys
        } else if self.eat_word("entries") {
            IndexTarget::Entries
        } else if self.eat_word("full") {
            IndexTarget::Full
        } else {
            return Err(self.unexpected("KEYS, VALUES, ENTRIES or FULL"));
        };
        self.expect(b'(')?;
        let column = self.ident()?;
        self.expect(b')')?;
        Ok(wrap(column))
    }
}
