//! `ALTER TABLE`.

use crate::ast::{AlterTable, ColumnDef, Ident, TableChange};
use crate::parse::cursor::{Parser, Result};

impl Parser<'_> {
    pub(super) fn alter_table(&mut self) -> Result<AlterTable> {
        let if_exists = self.if_exists();
        let name = self.qualified_name()?;
        Ok(AlterTable { name, if_exists, change: self.table_change()? })
    }

    fn table_change(&mut self) -> Result<TableChange> {
        if self.is_words(&["add", "tags"]) && self.is_at(2, b'{') {
            self.eat_words(&["add", "tags"]);
            return Ok(TableChange::AddTags(self.tags()?));
        }
        if self.is_words(&["drop", "tags"]) && self.is_at(2, b'{') {
            self.eat_words(&["drop", "tags"]);
            return Ok(TableChange::DropTags(self.tags()?));
        }
        if self.eat_words(&["drop", "compact", "storage"]) {
            return Ok(TableChange::DropCompactStorage);
        }
        if self.eat_word("add") {
            let if_not_exists = self.if_not_exists();
            return Ok(TableChange::Add { if_not_exists, columns: self.added_columns()? });
        }
        if self.eat_word("drop") {
            return self.dropped_columns();
        }
        if self.eat_word("rename") {
            let if_exists = self.if_exists();
            return Ok(TableChange::Rename { if_exists, columns: self.renames()? });
        }
        if self.eat_word("alter") {
            return self.altered_column();
        }
        if self.eat_word("with") {
            return Ok(TableChange::Properties(self.properties()?));
        }
        Err(self.unexpected("ADD, DROP, RENAME, ALTER or WITH"))
    }

    fn added_columns(&mut self) -> Result<Vec<ColumnDef>> {
        if !self.eat(b'(') {
            return self.list(Self::column_def);
        }
        let columns = self.list(Self::column_def)?;
        self.expect(b')')?;
        Ok(columns)
    }

    fn dropped_columns(&mut self) -> Result<TableChange> {
        let if_exists = self.if_exists();
        let columns: Vec<Ident> =
            if self.is(b'(') { self.ident_tuple()? } else { self.list(Self::ident)? };
        let timestamp = if self.eat_words(&["using", "timestamp"]) {
            Some(self.integer_or_marker()?)
        } else {
            None
        };
        Ok(TableChange::Drop { if_exists, columns, timestamp })
    }

    fn altered_column(&mut self) -> Result<TableChange> {
        let if_exists = self.if_exists();
        let column = self.ident()?;
        if self.eat_word("type") {
            return Ok(TableChange::Retype(column, self.cql_type()?));
        }
        if self.eat_words(&["drop", "masked"]) {
            return Ok(TableChange::Mask { if_exists, column, masking: None });
        }
        let masking = self.masking()?;
        if masking.is_none() {
            return Err(self.unexpected("TYPE, MASKED WITH or DROP MASKED"));
        }
        Ok(TableChange::Mask { if_exists, column, masking })
    }
}
