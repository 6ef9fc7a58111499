//! `CREATE KEYSPACE`, `ALTER KEYSPACE`.

use crate::ast::{AlterKeyspace, CreateKeyspace, KeyspaceChange};
use crate::parse::cursor::{Parser, Result};

impl Parser<'_> {
    pub(super) fn create_keyspace(&mut self) -> Result<CreateKeyspace> {
        let if_not_exists = self.if_not_exists();
        let name = self.ident()?;
        self.expect_word("with")?;
        Ok(CreateKeyspace { name, if_not_exists, properties: self.properties()? })
    }

    pub(super) fn alter_keyspace(&mut self) -> Result<AlterKeyspace> {
        let if_exists = self.if_exists();
        let name = self.ident()?;
        let change = if self.eat_words(&["add", "tags"]) {
            KeyspaceChange::AddTags(self.tags()?)
        } else if self.eat_words(&["drop", "tags"]) {
            KeyspaceChange::DropTags(self.tags()?)
        } else if self.eat_word("with") {
            KeyspaceChange::Properties(self.properties()?)
        } else {
            return Err(self.unexpected("WITH, ADD TAGS or DROP TAGS"));
        };
        Ok(AlterKeyspace { name, if_exists, change })
    }
}
