//! `SELECT`.

use super::using::Allowed;
use crate::ast::{Ident, Ordering, Select, SelectClause, SelectItem};
use crate::lex::Kind;
use crate::parse::cursor::{Parser, Result};

impl Parser<'_> {
    /// The rest after `SELECT`.
    pub(in crate::parse) fn select(&mut self) -> Result<Select> {
        let json = self.select_modifier("json");
        let distinct = self.select_modifier("distinct");
        let clause = self.select_clause()?;
        self.expect_word("from")?;
        let table = self.qualified_name()?;
        let filter = self.optional_filter()?;
        let group_by =
            if self.eat_words(&["group", "by"]) { self.list(Self::selector)? } else { Vec::new() };
        let order_by =
            if self.eat_words(&["order", "by"]) { self.list(Self::ordering)? } else { Vec::new() };
        let per_partition_limit = if self.eat_words(&["per", "partition", "limit"]) {
            Some(self.integer_or_marker()?)
        } else {
            None
        };
        let limit = if self.eat_word("limit") { Some(self.integer_or_marker()?) } else { None };
        let allow_filtering = self.eat_words(&["allow", "filtering"]);
        let bypass_cache = self.eat_words(&["bypass", "cache"]);
        let using = self.using(Allowed { timestamp: false, ttl: false })?;
        Ok(Select {
            json,
            distinct,
            clause,
            table,
            filter,
            group_by,
            order_by,
            per_partition_limit,
            limit,
            allow_filtering,
            bypass_cache,
            using,
        })
    }

    /// `JSON` and `DISTINCT` are also good names of columns: what follows decides.
    fn select_modifier(&mut self, word: &str) -> bool {
        let next = self.peek_at(1).kind;
        let starts_selector = match next {
            Kind::Symbol(b'*') => self.is_word_at(2, "from"),
            Kind::Symbol(symbol) => matches!(symbol, b'?' | b':' | b'{' | b'-' | b'(' | b'['),
            Kind::Word => !self.is_word_at(1, "from") && !self.is_word_at(1, "as"),
            Kind::End => false,
            Kind::LessEqual | Kind::GreaterEqual | Kind::NotEqual => false,
            Kind::PlusEqual | Kind::MinusEqual | Kind::DotDot => false,
            _ => true,
        };
        starts_selector && self.eat_word(word)
    }

    /// `*` or a list of selectors.
    pub(in crate::parse) fn select_clause(&mut self) -> Result<SelectClause> {
        if self.eat(b'*') {
            return Ok(SelectClause::All);
        }
        Ok(SelectClause::Items(self.list(Self::select_item)?))
    }

    fn select_item(&mut self) -> Result<SelectItem> {
        let start = self.peek().start;
        let selector = self.selector()?;
        let text = start..self.last_end();
        let alias = if self.eat_word("as") { Some(self.ident()?) } else { None };
        Ok(SelectItem { selector, alias, text })
    }

    fn ordering(&mut self) -> Result<(Ident, Ordering)> {
        let column = self.ident()?;
        if self.eat_words(&["ann", "of"]) {
            let vector = self.term()?;
            return Ok((column, Ordering::NearestTo { vector, descending: self.descending() }));
        }
        let descending = self.descending();
        Ok((column, if descending { Ordering::Descending } else { Ordering::Ascending }))
    }

    /// `ASC`, `DESC` or nothing.
    fn descending(&mut self) -> bool {
        self.eat_word("desc") || {
            self.eat_word("asc");
            false
        }
    }
}
