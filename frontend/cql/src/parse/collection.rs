//! Terms in braces: sets, maps and user type values.

use super::cursor::{Parser, Result};
use crate::ast::Term;

impl Parser<'_> {
    /// The rest of a term after `{`.
    pub(super) fn braces(&mut self) -> Result<Term> {
        if self.eat(b'}') {
            return Ok(Term::Set(Vec::new()));
        }
        if self.is_name_at(0) && self.is_at(1, b':') {
            let fields = self.list_until(b'}', |p| {
                let field = p.ident()?;
                p.expect(b':')?;
                Ok((field, p.term()?))
            })?;
            return Ok(Term::UserType(fields));
        }
        let first = self.term()?;
        if self.eat(b':') {
            let mut entries = vec![(first, self.term()?)];
            while self.eat(b',') {
                let key = self.term()?;
                self.expect(b':')?;
                entries.push((key, self.term()?));
            }
            self.expect(b'}')?;
            return Ok(Term::Map(entries));
        }
        let mut items = vec![first];
        while self.eat(b',') {
            items.push(self.term()?);
        }
        self.expect(b'}')?;
        Ok(Term::Set(items))
    }
}
