//! `USING`.

use crate::ast::{Literal, Term, Using};
use crate::parse::cursor::{Parser, Result};

/// Which attributes a statement accepts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowed {
    pub(super) timestamp: bool,
    pub(super) ttl: bool,
}

impl Parser<'_> {
    /// `USING attribute AND attribute`, if it is there.
    pub(super) fn using(&mut self, allowed: Allowed) -> Result<Using> {
        let mut using = Using::default();
        if !self.eat_word("using") {
            return Ok(using);
        }
        loop {
            if allowed.timestamp && self.is_word("timestamp") && using.timestamp.is_none() {
                self.advance();
                using.timestamp = Some(self.integer_or_marker()?);
            } else if allowed.ttl && self.is_word("ttl") && using.ttl.is_none() {
                self.advance();
                using.ttl = Some(self.integer_or_marker()?);
            } else if self.is_word("timeout") && using.timeout.is_none() {
                self.advance();
                using.timeout = Some(self.duration_or_marker()?);
            } else {
                return Err(self.unexpected(match (allowed.timestamp, allowed.ttl) {
                    (true, true) => "TIMESTAMP, TTL or TIMEOUT, each once",
                    (true, false) => "TIMESTAMP or TIMEOUT, each once",
                    _ => "TIMEOUT, once",
                }));
            }
            if !self.eat_word("and") {
                return Ok(using);
            }
        }
    }

    /// An integer or a bind marker, as in `LIMIT`.
    pub(in crate::parse) fn integer_or_marker(&mut self) -> Result<Term> {
        if let Some(marker) = self.marker_term()? {
            return Ok(marker);
        }
        let token = self.peek();
        match self.literal()? {
            Some(literal @ (Literal::Integer(_) | Literal::BigInteger(_))) => {
                Ok(Term::Literal(literal))
            }
            _ => Err(self.unexpected_token(token, "an integer or a bind marker")),
        }
    }

    fn duration_or_marker(&mut self) -> Result<Term> {
        if let Some(marker) = self.marker_term()? {
            return Ok(marker);
        }
        let token = self.peek();
        match self.literal()? {
            Some(literal @ Literal::Duration(_)) => Ok(Term::Literal(literal)),
            _ => Err(self.unexpected_token(token, "a duration such as 500ms or a bind marker")),
        }
    }
}
