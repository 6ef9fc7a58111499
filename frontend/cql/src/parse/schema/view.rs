//! `CREATE MATERIALIZED VIEW`, `ALTER MATERIALIZED VIEW`.

use super::table::TableOptions;
use crate::ast::{AlterView, CreateView};
use crate::parse::cursor::{Parser, Result};

impl Parser<'_> {
    pub(super) fn create_view(&mut self) -> Result<CreateView> {
        let if_not_exists = self.if_not_exists();
        let name = self.qualified_name()?;
        self.expect_words(&["as", "select"])?;
        let clause = self.select_clause()?;
        self.expect_word("from")?;
        let base = self.qualified_name()?;
        let filter = self.optional_filter()?;
        self.expect_words(&["primary", "key"])?;
        let primary_key = self.primary_key()?;
        let TableOptions { clustering_order, compact_storage, properties } =
            self.table_options()?;
        Ok(CreateView {
            name,
            if_not_exists,
            clause,
            base,
            filter,
            primary_key,
            clustering_order,
            compact_storage,
            properties,
        })
    }

    pub(super) fn alter_view(&mut self) -> Result<AlterView> {
        let if_exists = self.if_exists();
        let name = self.qualified_name()?;
        self.expect_word("with")?;
        Ok(AlterView { name, if_exists, properties: self.properties()? })
    }
}
