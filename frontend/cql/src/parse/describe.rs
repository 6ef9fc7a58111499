//! `DESCRIBE`.

use super::cursor::{Parser, Result};
use crate::ast::{Describe, DescribeTarget};
use crate::lex::Kind;

impl Parser<'_> {
    /// The rest after `DESCRIBE` or `DESC`.
    pub(super) fn describe(&mut self) -> Result<Describe> {
        let target = self.describe_target()?;
        let with_internals = self.eat_words(&["with", "internals"]);
        Ok(Describe { target, with_internals })
    }

    fn describe_target(&mut self) -> Result<DescribeTarget> {
        if self.eat_words(&["full", "schema"]) {
            return Ok(DescribeTarget::Schema { full: true });
        }
        if self.eat_word("schema") {
            return Ok(DescribeTarget::Schema { full: false });
        }
        let only = self.is_words(&["only", "keyspace"]) && self.eat_word("only");
        if self.eat_word("keyspace") {
            let name = if self.is_name_at(0) { Some(self.ident()?) } else { None };
            return Ok(DescribeTarget::Keyspace { only, name });
        }
        if self.eat_word("table") || self.eat_word("columnfamily") {
            return Ok(DescribeTarget::Table(self.qualified_name()?));
        }
        if self.eat_word("index") {
            return Ok(DescribeTarget::Index(self.qualified_name()?));
        }
        if self.eat_words(&["materialized", "view"]) {
            return Ok(DescribeTarget::View(self.qualified_name()?));
        }
        if let Some(target) = self.describe_all() {
            return Ok(target);
        }
        if self.is_word("type") && self.is_name_at(1) {
            self.advance();
            return Ok(DescribeTarget::Type(self.qualified_name()?));
        }
        if self.is_word("function") && self.is_name_at(1) {
            self.advance();
            return Ok(DescribeTarget::Function(self.qualified_name()?));
        }
        if self.is_word("aggregate") && self.is_name_at(1) {
            self.advance();
            return Ok(DescribeTarget::Aggregate(self.qualified_name()?));
        }
        Ok(DescribeTarget::Anything(self.qualified_name()?))
    }

    /// The unreserved words that stand for everything of a kind.
    fn describe_all(&mut self) -> Option<DescribeTarget> {
        let words = [
            ("cluster", DescribeTarget::Cluster),
            ("keyspaces", DescribeTarget::Keyspaces),
            ("tables", DescribeTarget::Tables),
            ("columnfamilies", DescribeTarget::Tables),
            ("types", DescribeTarget::Types),
            ("functions", DescribeTarget::Functions),
            ("aggregates", DescribeTarget::Aggregates),
        ];
        let next = self.peek_at(1).kind;
        if !matches!(next, Kind::End | Kind::Symbol(b';')) && !self.is_word_at(1, "with") {
            return None;
        }
        let (_, target) = words.into_iter().find(|(word, _)| self.is_word(word))?;
        self.advance();
        Some(target)
    }
}
