//! The first words of a statement decide which it is.

use super::cursor::{Parser, Result};
use crate::ast::Statement;
use crate::error::SyntaxError;

/// Every word a statement can start with, for advice.
const FIRST_WORDS: [&str; 16] = [
    "SELECT", "INSERT", "UPDATE", "DELETE", "BEGIN", "USE", "CREATE", "ALTER", "DROP", "TRUNCATE",
    "GRANT", "REVOKE", "LIST", "DESCRIBE", "DESC", "ADD",
];

impl Parser<'_> {
    /// One statement.
    pub(super) fn statement(&mut self) -> Result<Statement> {
        let token = self.peek();
        let word = self.text(token);
        let is = |keyword: &str| word.eq_ignore_ascii_case(keyword);
        self.advance();
        if is("select") {
            return Ok(Statement::Select(Box::new(self.select()?)));
        }
        if is("insert") {
            return Ok(Statement::Insert(Box::new(self.insert()?)));
        }
        if is("update") {
            return Ok(Statement::Update(Box::new(self.update()?)));
        }
        if is("delete") {
            return Ok(Statement::Delete(Box::new(self.delete()?)));
        }
        if is("begin") {
            return Ok(Statement::Batch(Box::new(self.batch()?)));
        }
        if is("use") && self.is(b'?') {
            let error = self.unexpected("a name");
            return Err(error.with_hint("Bind variables cannot be used for keyspace names"));
        }
        if is("use") {
            return Ok(Statement::Use(self.ident()?));
        }
        if is("truncate") {
            return Ok(Statement::Truncate(self.truncate()?));
        }
        if is("create") {
            return self.create();
        }
        if is("alter") {
            return self.alter();
        }
        if is("drop") {
            return self.drop_statement();
        }
        if is("describe") || is("desc") {
            return Ok(Statement::Describe(self.describe()?));
        }
        if is("grant") {
            return self.grant(true);
        }
        if is("revoke") {
            return self.grant(false);
        }
        if is("list") {
            return Ok(Statement::List(self.list_statement()?));
        }
        if is("add") {
            return Ok(Statement::Identity(self.add_identity()?));
        }
        let error = self.unexpected_token(token, "a statement such as SELECT or INSERT");
        Err(suggest(error, word))
    }
}

fn suggest(error: SyntaxError, word: &str) -> SyntaxError {
    let upper = word.to_ascii_uppercase();
    let near = FIRST_WORDS.iter().find(|first| strsim::osa_distance(first, &upper) <= 2);
    match near {
        Some(near) if word.len() > 2 && word.len() < 16 => {
            error.with_hint(format!("did you mean {near}?"))
        }
        _ => error,
    }
}
