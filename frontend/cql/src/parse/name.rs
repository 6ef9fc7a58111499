//! Names of columns, tables, keyspaces and roles.

use super::cursor::{Parser, Result};
use crate::ast::{Ident, QualifiedName, is_reserved};
use crate::lex::Kind;

impl Parser<'_> {
    /// True when a name stands `n` places ahead.
    pub(super) fn is_name_at(&self, n: usize) -> bool {
        let token = self.peek_at(n);
        match token.kind {
            Kind::QuotedName => true,
            Kind::Word => !is_reserved(self.text(token)),
            _ => false,
        }
    }

    /// A name: an unreserved word or a quoted one.
    pub(super) fn ident(&mut self) -> Result<Ident> {
        let token = self.peek();
        if !self.is_name_at(0) {
            return Err(self.unexpected("a name"));
        }
        let text = self.text(token);
        self.advance();
        if token.kind == Kind::Word {
            return Ok(Ident::folded(text));
        }
        let name = unquote(text, '"', "\"\"");
        if name.is_empty() {
            return Err(self.malformed(token, "a name that is not empty"));
        }
        Ok(Ident::exact(name))
    }

    /// `name` or `keyspace.name`.
    pub(super) fn qualified_name(&mut self) -> Result<QualifiedName> {
        let name = self.ident()?;
        if !self.eat(b'.') {
            return Ok(QualifiedName { keyspace: None, name });
        }
        Ok(QualifiedName { keyspace: Some(name), name: self.ident()? })
    }

    /// The name of a function: `token` is one, though reserved.
    pub(super) fn function_name(&mut self) -> Result<QualifiedName> {
        if self.eat_word("token") {
            return Ok(QualifiedName { keyspace: None, name: Ident::exact("token") });
        }
        self.qualified_name()
    }

    /// True when a function call starts here.
    pub(super) fn is_function_call(&self) -> bool {
        let plain = (self.is_name_at(0) || self.is_word("token")) && self.is_at(1, b'(');
        let qualified =
            self.is_name_at(0) && self.is_at(1, b'.') && self.is_name_at(2) && self.is_at(3, b'(');
        plain || qualified
    }

    /// `(a, b, c)`
    pub(super) fn ident_tuple(&mut self) -> Result<Vec<Ident>> {
        self.expect(b'(')?;
        let names = self.list(Self::ident)?;
        self.expect(b')')?;
        Ok(names)
    }

    /// Text in single quotes or between `$$`.
    pub(super) fn text_literal(&mut self) -> Result<Box<str>> {
        let token = self.peek();
        let text = self.text(token);
        let value = match token.kind {
            Kind::Text => unquote(text, '\'', "''"),
            Kind::DollarText => text.get(2..text.len() - 2).unwrap_or("").into(),
            _ => return Err(self.unexpected("text in single quotes")),
        };
        self.advance();
        Ok(value)
    }

    /// The name of a role: also text in single quotes.
    pub(super) fn role_name(&mut self) -> Result<Box<str>> {
        match self.peek().kind {
            Kind::Text | Kind::DollarText => self.text_literal(),
            _ => Ok(self.ident()?.as_str().into()),
        }
    }
}

/// The text between the quotes, with doubled quotes made single.
fn unquote(text: &str, quote: char, doubled: &str) -> Box<str> {
    let inner = text.strip_prefix(quote).and_then(|t| t.strip_suffix(quote)).unwrap_or(text);
    if inner.contains(quote) {
        return inner.replace(doubled, doubled.get(1..).unwrap_or("")).into();
    }
    inner.into()
}
