//! Selectors.

use crate::ast::{Arithmetic, ArithmeticOperator, Selector, Term};
use crate::lex::Kind;
use crate::parse::cursor::{Parser, Result};

impl Parser<'_> {
    /// A selector.
    pub(in crate::parse) fn selector(&mut self) -> Result<Selector> {
        self.nested(|p| {
            let first = p.selector_product()?;
            let mut rest = Vec::new();
            while let Some(operator) = p.sum_operator() {
                p.advance();
                rest.push((operator, p.selector_product()?));
            }
            Ok(chain(first, rest))
        })
    }

    fn selector_product(&mut self) -> Result<Selector> {
        let first = self.selector_postfix()?;
        let mut rest = Vec::new();
        while let Some(operator) = self.product_operator() {
            self.advance();
            rest.push((operator, self.selector_postfix()?));
        }
        Ok(chain(first, rest))
    }

    /// A selector with its fields and elements.
    fn selector_postfix(&mut self) -> Result<Selector> {
        let inner = self.selector_primary()?;
        self.selector_suffix(inner)
    }

    /// Recursive, because every suffix makes the tree one level deeper.
    fn selector_suffix(&mut self, inner: Selector) -> Result<Selector> {
        if self.eat(b'.') {
            let field = self.ident()?;
            return self.nested(|p| p.selector_suffix(Selector::Field(Box::new(inner), field)));
        }
        if !self.eat(b'[') {
            return Ok(inner);
        }
        let from = if self.is_kind_at(0, Kind::DotDot) { None } else { Some(self.term()?) };
        let outer = if self.eat_kind(Kind::DotDot) {
            let to = if self.is(b']') { None } else { Some(self.term()?) };
            Selector::Slice(Box::new(inner), from, to)
        } else {
            Selector::Element(Box::new(inner), from.unwrap_or(Term::Null))
        };
        self.expect(b']')?;
        self.nested(|p| p.selector_suffix(outer))
    }

    fn selector_primary(&mut self) -> Result<Selector> {
        if let Some(literal) = self.literal()? {
            return Ok(Selector::Term(Term::Literal(literal)));
        }
        if let Some(marker) = self.marker_term()? {
            return Ok(Selector::Term(marker));
        }
        if self.eat_word("null") {
            return Ok(Selector::Term(Term::Null));
        }
        if self.eat(b'-') {
            return Ok(Selector::Negate(Box::new(self.nested(Self::selector_postfix)?)));
        }
        if let Some(hint) = self.type_hint() {
            let inner = Box::new(self.nested(Self::selector_postfix)?);
            return Ok(Selector::TypeHint(Box::new(hint), inner));
        }
        if self.eat(b'(') {
            let items = self.list(Self::selector)?;
            self.expect(b')')?;
            return Ok(Selector::Tuple(items));
        }
        if self.eat(b'[') {
            return Ok(Selector::List(self.list_until(b']', Self::selector)?));
        }
        if self.eat(b'{') {
            return self.selector_braces();
        }
        if self.is_at(1, b'(')
            && let Some(special) = self.special_function()?
        {
            return Ok(special);
        }
        if self.is_function_call() {
            let name = self.function_name()?;
            self.expect(b'(')?;
            return Ok(Selector::Function(name, self.list_until(b')', Self::selector)?));
        }
        if !self.is_name_at(0) {
            return Err(self.unexpected("a column, a function or a value"));
        }
        Ok(Selector::Column(self.ident()?))
    }

    fn selector_braces(&mut self) -> Result<Selector> {
        if self.eat(b'}') {
            return Ok(Selector::Set(Vec::new()));
        }
        let first = self.selector()?;
        if !self.eat(b':') {
            let mut items = vec![first];
            while self.eat(b',') {
                items.push(self.selector()?);
            }
            self.expect(b'}')?;
            return Ok(Selector::Set(items));
        }
        let mut entries = vec![(first, self.selector()?)];
        while self.eat(b',') {
            let key = self.selector()?;
            self.expect(b':')?;
            entries.push((key, self.selector()?));
        }
        self.expect(b'}')?;
        Ok(Selector::Map(entries))
    }

    /// Functions with a syntax or a meaning of their own.
    fn special_function(&mut self) -> Result<Option<Selector>> {
        if self.is_word("count") && self.is_count_rows() {
            (0..4).for_each(|_| self.advance());
            return Ok(Some(Selector::CountRows));
        }
        if self.is_word("cast") {
            self.advance();
            self.expect(b'(')?;
            let inner = Box::new(self.selector()?);
            self.expect_word("as")?;
            let cql_type = Box::new(self.cql_type()?);
            self.expect(b')')?;
            return Ok(Some(Selector::Cast(inner, cql_type)));
        }
        let make: fn(Box<Selector>) -> Selector = if self.is_word("writetime") {
            Selector::WriteTime
        } else if self.is_word("maxwritetime") {
            Selector::MaxWriteTime
        } else if self.is_word("ttl") {
            Selector::Ttl
        } else {
            return Ok(None);
        };
        self.advance();
        self.expect(b'(')?;
        let inner = Box::new(self.selector()?);
        self.expect(b')')?;
        Ok(Some(make(inner)))
    }

    fn is_count_rows(&self) -> bool {
        let one = self.peek_at(2);
        let argument =
            one.kind == Kind::Symbol(b'*') || (one.kind == Kind::Integer && self.text(one) == "1");
        argument && self.is_at(3, b')')
    }
}

fn chain(first: Selector, rest: Vec<(ArithmeticOperator, Selector)>) -> Selector {
    if rest.is_empty() {
        return first;
    }
    Selector::Arithmetic(Box::new(Arithmetic { first, rest }))
}
