//! Options after `WITH`.

use super::cursor::{Parser, Result};
use crate::ast::{Ident, Properties, PropertyValue};
use crate::lex::Kind;

impl Parser<'_> {
    /// `name = value AND name = value`
    pub(super) fn properties(&mut self) -> Result<Properties> {
        let mut out = vec![self.property()?];
        while self.eat_word("and") {
            out.push(self.property()?);
        }
        Ok(out)
    }

    /// `name = value`
    pub(super) fn property(&mut self) -> Result<(Ident, PropertyValue)> {
        let name = self.ident()?;
        self.expect(b'=')?;
        Ok((name, self.property_value()?))
    }

    /// A constant, a word or a nested map, set or list.
    pub(super) fn property_value(&mut self) -> Result<PropertyValue> {
        self.nested(Self::property_value_inner)
    }

    fn property_value_inner(&mut self) -> Result<PropertyValue> {
        if let Some(literal) = self.literal()? {
            return Ok(PropertyValue::Literal(literal));
        }
        if self.eat(b'[') {
            return Ok(PropertyValue::List(self.list_until(b']', Self::property_value)?));
        }
        if self.eat(b'{') {
            return self.property_braces();
        }
        let token = self.peek();
        if token.kind == Kind::Word {
            self.advance();
            return Ok(PropertyValue::Word(Ident::folded(self.text(token))));
        }
        Err(self.unexpected("a constant or a map"))
    }

    fn property_braces(&mut self) -> Result<PropertyValue> {
        if self.eat(b'}') {
            return Ok(PropertyValue::Map(Vec::new()));
        }
        let first = self.property_value()?;
        if matches!(first, PropertyValue::Word(_)) {
            return Err(self.unexpected("a constant within the map"));
        }
        if !self.is(b':') {
            let mut items = vec![first];
            while self.eat(b',') {
                items.push(self.property_value()?);
            }
            self.expect(b'}')?;
            return Ok(PropertyValue::Set(items));
        }
        self.expect(b':')?;
        let mut entries = vec![(first, self.property_entry()?)];
        while self.eat(b',') {
            let key = self.property_value()?;
            self.expect(b':')?;
            entries.push((key, self.property_entry()?));
        }
        self.expect(b'}')?;
        Ok(PropertyValue::Map(entries))
    }

    /// A value within a map, which is no bare word.
    fn property_entry(&mut self) -> Result<PropertyValue> {
        let token = self.peek();
        match self.property_value()? {
            PropertyValue::Word(_) => Err(self.unexpected_token(token, "a constant")),
            value => Ok(value),
        }
    }

    /// `{...}` after `TAGS`.
    pub(super) fn tags(&mut self) -> Result<PropertyValue> {
        if !self.is(b'{') {
            return Err(self.unexpected("'{'"));
        }
        self.property_value()
    }
}
