//! `CREATE TABLE`.

use crate::ast::{ColumnDef, CreateTable, Ident, Masking, PrimaryKey, Properties};
use crate::parse::cursor::{Parser, Result};

/// What stands after `WITH` of a table or view.
#[derive(Default)]
pub(super) struct TableOptions {
    pub(super) clustering_order: Vec<(Ident, bool)>,
    pub(super) compact_storage: bool,
    pub(super) properties: Properties,
}

impl Parser<'_> {
    pub(super) fn create_table(&mut self) -> Result<CreateTable> {
        let if_not_exists = self.if_not_exists();
        let name = self.qualified_name()?;
        self.expect(b'(')?;
        let mut columns = Vec::new();
        let mut primary_keys = Vec::new();
        loop {
            // Commas may stand for nothing, as in Cassandra.
            if !columns.is_empty() && self.eat(b',') {
                continue;
            }
            if !columns.is_empty() && self.is(b')') {
                break;
            }
            if self.eat_words(&["primary", "key"]) {
                primary_keys.push(self.primary_key()?);
            } else {
                let column = self.column_def()?;
                if self.eat_words(&["primary", "key"]) {
                    let partition = vec![column.name.clone()];
                    primary_keys.push(PrimaryKey { partition, clustering: Vec::new() });
                }
                columns.push(column);
            }
            if !self.eat(b',') {
                break;
            }
        }
        self.expect(b')')?;
        let TableOptions { clustering_order, compact_storage, properties } =
            self.table_options()?;
        Ok(CreateTable {
            name,
            if_not_exists,
            columns,
            primary_keys,
            clustering_order,
            compact_storage,
            properties,
        })
    }

    /// `name type [STATIC] [MASKED WITH ...]`
    pub(super) fn column_def(&mut self) -> Result<ColumnDef> {
        let name = self.ident()?;
        let cql_type = self.cql_type()?;
        let is_static = self.eat_word("static");
        let masking = self.masking()?;
        Ok(ColumnDef { name, cql_type, is_static, masking })
    }

    /// `MASKED WITH ...`, if it is there.
    pub(super) fn masking(&mut self) -> Result<Option<Masking>> {
        if !self.eat_words(&["masked", "with"]) {
            return Ok(None);
        }
        if self.eat_word("default") {
            return Ok(Some(Masking::Default));
        }
        let (name, args) = self.call()?;
        Ok(Some(Masking::Function(name, args)))
    }

    /// `(a, b)` or `((a, b), c)`
    pub(super) fn primary_key(&mut self) -> Result<PrimaryKey> {
        self.expect(b'(')?;
        let partition = if self.is(b'(') { self.ident_tuple()? } else { vec![self.ident()?] };
        let mut clustering = Vec::new();
        while self.eat(b',') {
            clustering.push(self.ident()?);
        }
        self.expect(b')')?;
        Ok(PrimaryKey { partition, clustering })
    }

    /// `WITH option AND option`, if it is there.
    pub(super) fn table_options(&mut self) -> Result<TableOptions> {
        let mut options = TableOptions::default();
        if !self.eat_word("with") {
            return Ok(options);
        }
        loop {
            if self.eat_words(&["compact", "storage"]) {
                options.compact_storage = true;
            } else if self.eat_words(&["clustering", "order", "by"]) {
                self.expect(b'(')?;
                options.clustering_order = self.list(Self::clustering_order)?;
                self.expect(b')')?;
            } else {
                options.properties.push(self.property()?);
            }
            if !self.eat_word("and") {
                return Ok(options);
            }
        }
    }

    fn clustering_order(&mut self) -> Result<(Ident, bool)> {
        let column = self.ident()?;
        if self.eat_word("desc") {
            return Ok((column, true));
        }
        self.eat_word("asc");
        Ok((column, false))
    }
}
