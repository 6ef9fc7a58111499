//! Types.

use super::cursor::{Parser, Result};
use crate::ast::{CqlType, NativeType};
use crate::lex::Kind;

/// Reserved words that are values, and the one that is a function.
const CONSTANTS: [&str; 6] = ["null", "nan", "infinity", "token", "true", "false"];

impl Parser<'_> {
    /// A type.
    pub(super) fn cql_type(&mut self) -> Result<CqlType> {
        self.nested(Self::cql_type_inner)
    }

    fn cql_type_inner(&mut self) -> Result<CqlType> {
        let token = self.peek();
        if token.kind == Kind::Text {
            return Ok(CqlType::Custom(self.text_literal()?));
        }
        if token.kind == Kind::Word && self.is_at(1, b'<') {
            return self.parametric_type();
        }
        if token.kind == Kind::Word
            && !self.is_at(1, b'.')
            && let Some(native) = NativeType::by_name(self.text(token))
        {
            self.advance();
            return Ok(CqlType::Native(native));
        }
        if !self.is_name_at(0) {
            return Err(self.unexpected("a type"));
        }
        Ok(CqlType::User(self.qualified_name()?))
    }

    fn parametric_type(&mut self) -> Result<CqlType> {
        let token = self.peek();
        let name = self.text(token);
        let is = |word: &str| name.eq_ignore_ascii_case(word);
        self.advance();
        self.expect(b'<')?;
        let first = Box::new(self.cql_type()?);
        let found = if is("list") {
            CqlType::List(first)
        } else if is("set") {
            CqlType::Set(first)
        } else if is("frozen") {
            CqlType::Frozen(first)
        } else if is("map") {
            self.expect(b',')?;
            CqlType::Map(first, Box::new(self.cql_type()?))
        } else if is("vector") {
            self.expect(b',')?;
            // A negative number is refused for what it is, where types are made.
            let negative = self.eat(b'-');
            let dimensions = self.unsigned()?;
            CqlType::Vector(first, if negative { 0 } else { dimensions })
        } else if is("tuple") {
            let mut types = vec![*first];
            while self.eat(b',') {
                types.push(self.cql_type()?);
            }
            CqlType::Tuple(types)
        } else {
            return Err(self.unexpected_token(token, "list, set, map, tuple, frozen or vector"));
        };
        self.expect(b'>')?;
        Ok(found)
    }

    /// `(type)` before a term, if that is what the parentheses are.
    pub(super) fn type_hint(&mut self) -> Option<CqlType> {
        // Decided without an error where possible: making one reads the text from its start.
        let set = self.is_word_at(1, "set") && self.is_at(2, b'<');
        if !self.is(b'(') || !(set || self.is_name_at(1) || self.is_kind_at(1, Kind::Text)) {
            return None;
        }
        self.attempt(|p| {
            p.expect(b'(').ok()?;
            let hint = p.cql_type().ok()?;
            // After a name alone a sign may be an operator: the name may be one of a column.
            let type_alone = !matches!(hint, CqlType::User(_));
            // Text in parentheses is a class name only before what cannot be anything else.
            let text = matches!(hint, CqlType::Custom(_));
            let closed = p.eat(b')');
            if text && p.is_bare_name_at(0) {
                return None;
            }
            let found = closed && (p.starts_operand() || (type_alone && p.is_negative()));
            found.then_some(hint)
        })
    }

    /// A number with its sign, without a blank between.
    fn is_negative(&self) -> bool {
        let (sign, number) = (self.peek(), self.peek_at(1));
        sign.kind == Kind::Symbol(b'-')
            && sign.end == number.start
            && matches!(number.kind, Kind::Integer | Kind::Float | Kind::Duration | Kind::Word)
    }

    fn starts_operand(&self) -> bool {
        let token = self.peek();
        match token.kind {
            Kind::Symbol(symbol) => matches!(symbol, b'?' | b':' | b'(' | b'[' | b'{'),
            Kind::Word => {
                let text = self.text(token);
                CONSTANTS.iter().any(|w| text.eq_ignore_ascii_case(w))
                    || (self.is_name_at(0)
                        && !["as", "and"].iter().any(|w| text.eq_ignore_ascii_case(w)))
            }
            Kind::QuotedName
            | Kind::Text
            | Kind::DollarText
            | Kind::Integer
            | Kind::Float
            | Kind::Blob
            | Kind::Uuid
            | Kind::Duration => true,
            _ => false,
        }
    }
}
