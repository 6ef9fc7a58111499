//! Statements that change the schema: `CREATE`, `ALTER` and `DROP` branch here.

mod index;
mod keyspace;
mod routine;
mod table;
mod table_change;
mod user_type;
mod view;

use super::cursor::{Parser, Result};
use crate::ast::{DropObject, ObjectKind, QualifiedName, Statement};

impl Parser<'_> {
    pub(super) fn eat_table(&mut self) -> bool {
        self.eat_word("table") || self.eat_word("columnfamily")
    }

    pub(super) fn eat_keyspace(&mut self) -> bool {
        self.eat_word("keyspace") || self.eat_word("schema")
    }

    /// The rest after `CREATE`.
    pub(super) fn create(&mut self) -> Result<Statement> {
        if self.eat_keyspace() {
            return Ok(Statement::CreateKeyspace(self.create_keyspace()?));
        }
        if self.eat_table() {
            return Ok(Statement::CreateTable(Box::new(self.create_table()?)));
        }
        if self.eat_word("type") {
            return Ok(Statement::CreateType(self.create_type()?));
        }
        if self.is_word("index") || self.is_words(&["custom", "index"]) {
            return Ok(Statement::CreateIndex(Box::new(self.create_index()?)));
        }
        if self.eat_words(&["materialized", "view"]) {
            return Ok(Statement::CreateView(Box::new(self.create_view()?)));
        }
        if self.eat_word("role") {
            return Ok(Statement::CreateRole(self.create_role()?));
        }
        if self.eat_word("user") {
            return Ok(Statement::CreateRole(self.create_user()?));
        }
        if let Some(routine) = self.create_routine()? {
            return Ok(Statement::Routine(routine));
        }
        Err(self.unexpected("KEYSPACE, TABLE, TYPE, INDEX, MATERIALIZED VIEW, ROLE or USER"))
    }

    /// The rest after `ALTER`.
    pub(super) fn alter(&mut self) -> Result<Statement> {
        if self.eat_keyspace() {
            return Ok(Statement::AlterKeyspace(self.alter_keyspace()?));
        }
        if self.eat_table() {
            return Ok(Statement::AlterTable(Box::new(self.alter_table()?)));
        }
        if self.eat_word("type") {
            return Ok(Statement::AlterType(self.alter_type()?));
        }
        if self.eat_words(&["materialized", "view"]) {
            return Ok(Statement::AlterView(self.alter_view()?));
        }
        if self.eat_word("role") {
            return Ok(Statement::AlterRole(self.alter_role()?));
        }
        if self.eat_word("user") {
            return Ok(Statement::AlterRole(self.alter_user()?));
        }
        Err(self.unexpected("KEYSPACE, TABLE, TYPE, MATERIALIZED VIEW, ROLE or USER"))
    }

    /// The rest after `DROP`.
    pub(super) fn drop_statement(&mut self) -> Result<Statement> {
        let kind = if self.eat_keyspace() {
            ObjectKind::Keyspace
        } else if self.eat_table() {
            ObjectKind::Table
        } else if self.eat_word("type") {
            ObjectKind::Type
        } else if self.eat_word("index") {
            ObjectKind::Index
        } else if self.eat_words(&["materialized", "view"]) {
            ObjectKind::View
        } else if self.eat_word("role") || self.eat_word("user") {
            return Ok(Statement::DropRole(self.drop_role()?));
        } else if self.eat_word("identity") {
            return Ok(Statement::Identity(self.drop_identity()?));
        } else if let Some(routine) = self.drop_routine()? {
            return Ok(Statement::Routine(routine));
        } else {
            return Err(self.unexpected("KEYSPACE, TABLE, TYPE, INDEX, MATERIALIZED VIEW or ROLE"));
        };
        let if_exists = self.if_exists();
        let name = if kind == ObjectKind::Keyspace {
            QualifiedName { keyspace: None, name: self.ident()? }
        } else {
            self.qualified_name()?
        };
        Ok(Statement::Drop(DropObject { kind, name, if_exists }))
    }
}
