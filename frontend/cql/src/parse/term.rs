//! Terms, with arithmetic.

use super::cursor::{Parser, Result};
use crate::ast::{Arithmetic, ArithmeticOperator, QualifiedName, Term};

impl Parser<'_> {
    /// A term.
    pub(super) fn term(&mut self) -> Result<Term> {
        self.nested(Self::sum)
    }

    fn sum(&mut self) -> Result<Term> {
        let first = self.product()?;
        let mut rest = Vec::new();
        while let Some(operator) = self.sum_operator() {
            // `v + c` of an assignment: the column is not a term.
            if operator == ArithmeticOperator::Add && self.is_bare_name_at(1) {
                break;
            }
            self.advance();
            rest.push((operator, self.product()?));
        }
        Ok(chain(first, rest))
    }

    fn product(&mut self) -> Result<Term> {
        let first = self.factor()?;
        let mut rest = Vec::new();
        while let Some(operator) = self.product_operator() {
            self.advance();
            rest.push((operator, self.factor()?));
        }
        Ok(chain(first, rest))
    }

    pub(super) fn sum_operator(&self) -> Option<ArithmeticOperator> {
        if self.is(b'+') {
            return Some(ArithmeticOperator::Add);
        }
        self.is(b'-').then_some(ArithmeticOperator::Subtract)
    }

    pub(super) fn product_operator(&self) -> Option<ArithmeticOperator> {
        if self.is(b'*') {
            return Some(ArithmeticOperator::Multiply);
        }
        if self.is(b'/') {
            return Some(ArithmeticOperator::Divide);
        }
        self.is(b'%').then_some(ArithmeticOperator::Modulo)
    }

    /// True when a name stands there that is neither a constant nor the start of a call.
    pub(super) fn is_bare_name_at(&self, n: usize) -> bool {
        self.is_name_at(n)
            && !self.is_at(n + 1, b'(')
            && !self.is_at(n + 1, b'.')
            && !self.is_word_at(n, "true")
            && !self.is_word_at(n, "false")
    }

    fn factor(&mut self) -> Result<Term> {
        if let Some(literal) = self.literal()? {
            return Ok(Term::Literal(literal));
        }
        if let Some(marker) = self.marker_term()? {
            return Ok(marker);
        }
        if self.eat_word("null") {
            return Ok(Term::Null);
        }
        if self.eat(b'-') {
            return Ok(Term::Negate(Box::new(self.nested(Self::factor)?)));
        }
        if let Some(hint) = self.type_hint() {
            return Ok(Term::TypeHint(Box::new(hint), Box::new(self.nested(Self::factor)?)));
        }
        if self.eat(b'(') {
            let items = self.list(Self::term)?;
            self.expect(b')')?;
            return Ok(Term::Tuple(items));
        }
        if self.eat(b'[') {
            return Ok(Term::List(self.list_until(b']', Self::term)?));
        }
        if self.eat(b'{') {
            return self.braces();
        }
        if self.is_word("cast") && self.is_at(1, b'(') {
            return self.cast();
        }
        if self.is_function_call() {
            let (name, args) = self.call()?;
            return Ok(Term::Function(name, args));
        }
        Err(self.unexpected("a value"))
    }

    fn cast(&mut self) -> Result<Term> {
        self.advance();
        self.expect(b'(')?;
        let term = Box::new(self.term()?);
        self.expect_word("as")?;
        let cql_type = Box::new(self.cql_type()?);
        self.expect(b')')?;
        Ok(Term::Cast(term, cql_type))
    }

    /// `name(args)`
    pub(super) fn call(&mut self) -> Result<(QualifiedName, Vec<Term>)> {
        let name = self.function_name()?;
        self.expect(b'(')?;
        Ok((name, self.list_until(b')', Self::term)?))
    }
}

fn chain(first: Term, rest: Vec<(ArithmeticOperator, Term)>) -> Term {
    if rest.is_empty() {
        return first;
    }
    Term::Arithmetic(Box::new(Arithmetic { first, rest }))
}
