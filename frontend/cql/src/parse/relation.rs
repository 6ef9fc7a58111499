//! Relations of `WHERE` and conditions of `IF`.

use super::cursor::{Parser, Result};
use crate::ast::{Comparison, Condition, InValues, Relation, RelationTest, Target, Term};
use crate::lex::Kind;

impl Parser<'_> {
    /// Relations with `AND` between them.
    pub(super) fn relations(&mut self) -> Result<Vec<Relation>> {
        let mut out = vec![self.relation()?];
        while self.eat_word("and") {
            out.push(self.relation()?);
        }
        Ok(out)
    }

    /// `WHERE ...`, if it is there.
    pub(super) fn optional_filter(&mut self) -> Result<Vec<Relation>> {
        if self.eat_word("where") { self.relations() } else { Ok(Vec::new()) }
    }

    /// `IF EXISTS` or `IF conditions`, if it is there.
    pub(super) fn condition(&mut self) -> Result<Option<Condition>> {
        if self.if_exists() {
            return Ok(Some(Condition::Exists));
        }
        if self.eat_word("if") {
            return Ok(Some(Condition::Holds(self.conditions()?)));
        }
        Ok(None)
    }

    /// Conditions with `AND` between them: fewer operators than `WHERE` knows.
    fn conditions(&mut self) -> Result<Vec<Relation>> {
        let mut out = Vec::new();
        loop {
            let target = self.target()?;
            let operator = self.peek();
            let test = self.relation_test()?;
            let part = matches!(target, Target::Element(..) | Target::Field(..));
            let fits = match &test {
                RelationTest::Compare(..) | RelationTest::In(_) => true,
                RelationTest::Contains(_) | RelationTest::ContainsKey(_) => !part,
                _ => false,
            };
            if !fits {
                return Err(self.unexpected_token(operator, "an operator such as = or IN"));
            }
            out.push(Relation { target, test });
            if !self.eat_word("and") {
                return Ok(out);
            }
        }
    }

    fn relation(&mut self) -> Result<Relation> {
        self.nested(Self::relation_inner)
    }

    fn relation_inner(&mut self) -> Result<Relation> {
        if self.is(b'(') && !self.is_column_tuple() {
            self.advance();
            let relation = self.relation()?;
            self.expect(b')')?;
            return Ok(relation);
        }
        let target = self.target()?;
        if matches!(target, Target::Token(_)) && self.is_word("in") {
            return Err(self.unexpected("a comparison such as = or >"));
        }
        let test = self.relation_test()?;
        Ok(Relation { target, test })
    }

    /// True for `(a,` and `(a)`; otherwise the parentheses are around a relation.
    fn is_column_tuple(&self) -> bool {
        self.is_name_at(1) && (self.is_at(2, b',') || self.is_at(2, b')'))
    }

    fn target(&mut self) -> Result<Target> {
        if self.is(b'(') {
            return Ok(Target::Tuple(self.ident_tuple()?));
        }
        if self.eat_word("token") {
            return Ok(Target::Token(self.ident_tuple()?));
        }
        let column = self.ident()?;
        if self.eat(b'[') {
            let key = self.term()?;
            self.expect(b']')?;
            return Ok(Target::Element(column, key));
        }
        if self.eat(b'.') {
            return Ok(Target::Field(column, self.ident()?));
        }
        Ok(Target::Column(column))
    }

    fn relation_test(&mut self) -> Result<RelationTest> {
        if let Some(comparison) = self.comparison() {
            return Ok(RelationTest::Compare(comparison, self.term()?));
        }
        if self.eat_word("in") {
            return Ok(RelationTest::In(self.in_values()?));
        }
        if self.eat_words(&["contains", "key"]) {
            return Ok(RelationTest::ContainsKey(self.term()?));
        }
        if self.eat_word("contains") {
            return Ok(RelationTest::Contains(self.term()?));
        }
        if self.eat_word("like") {
            return Ok(RelationTest::Like(self.term()?));
        }
        if self.eat_word("between") {
            let low = self.term()?;
            self.expect_word("and")?;
            return Ok(RelationTest::Between(low, self.term()?));
        }
        if self.eat_words(&["is", "not", "null"]) {
            return Ok(RelationTest::IsNotNull);
        }
        if self.eat_words(&["is", "null"]) {
            return Ok(RelationTest::IsNull);
        }
        if self.eat_word("is") {
            self.eat_word("not");
            return Err(self.unexpected("NULL"));
        }
        if self.eat_word("not") {
            return self.negated_test();
        }
        Err(self.unexpected("an operator such as = or IN"))
    }

    fn negated_test(&mut self) -> Result<RelationTest> {
        if self.eat_word("in") {
            return Ok(RelationTest::NotIn(self.in_values()?));
        }
        if self.eat_words(&["contains", "key"]) {
            return Ok(RelationTest::NotContainsKey(self.term()?));
        }
        if self.eat_word("contains") {
            return Ok(RelationTest::NotContains(self.term()?));
        }
        Err(self.unexpected("IN or CONTAINS"))
    }

    fn comparison(&mut self) -> Option<Comparison> {
        let found = match self.peek().kind {
            Kind::Symbol(b'=') => Comparison::Equal,
            Kind::Symbol(b'<') => Comparison::Less,
            Kind::Symbol(b'>') => Comparison::Greater,
            Kind::LessEqual => Comparison::LessEqual,
            Kind::GreaterEqual => Comparison::GreaterEqual,
            Kind::NotEqual => Comparison::NotEqual,
            _ => return None,
        };
        self.advance();
        Some(found)
    }

    fn in_values(&mut self) -> Result<InValues> {
        if let Some(marker) = self.marker()? {
            return Ok(InValues::Marker(marker));
        }
        self.expect(b'(')?;
        let terms: Vec<Term> = self.list_until(b')', Self::term)?;
        Ok(InValues::Terms(terms))
    }
}
